//! Rules of CSRs.

use crate::support::{Client, message, openssl, start};
use certyard_lab::Operation;
use serde_json::json;

#[tokio::test]
async fn a_csr_is_what_openssl_takes_for_one_with_the_names_and_usages_of_its_service() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let csr = client
        .csr_by(
            json!({ "service": "tomcat", "commonName": "phones.holmgard.example", "keyLength": 3072,
            "hashAlgorithm": "sha512", "altNames": ["alias.holmgard.example", "192.0.2.7"] }),
        )
        .await;
    let (content, text) = openssl(&["req", "-noout", "-text", "-verify"], csr.to_pem().as_bytes()).await;
    assert!(content && text.contains("verify OK"), "{text}");
    for part in [
        "CN = phones.holmgard.example",
        "(3072 bit)",
        "DNS:sto-cm-pub.holmgard.example, DNS:alias.holmgard.example, IP Address:192.0.2.7",
        "Digital Signature, Data Encipherment",
        "TLS Web Server Authentication, TLS Web Client Authentication",
        "sha512WithRSAEncryption",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_new_csr_replaces_the_old_one_and_has_another_key() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let old = client.csr("tomcat").await;
    let new = client.csr("tomcat").await;
    assert_ne!(old.spki_sha256, new.spki_sha256);
    let (_, body) = client.get("/csr?service=tomcat").await;
    assert_eq!(body["csr"], new.to_pem());
    let (_, snapshot) = client.get("/snapshot/server").await;
    assert_eq!(snapshot["identities"][0]["csr"], new.to_pem());

    let answer = lab.outside_ca().sign(&old.to_pem(), 90).unwrap();
    client.trust("tomcat", &answer.issuers()).await;
    let (status, body) = client.upload("tomcat", &answer.pem_leaf()).await;
    assert_eq!(status, 400);
    assert!(
        message(&body).contains("does not match the public key of the CSR"),
        "{body}"
    );
}

#[tokio::test]
async fn a_deleted_csr_is_gone_and_deleting_it_again_says_so() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    client.csr("ipsec").await;
    assert_eq!(client.send("DELETE", "/csr?service=ipsec", None).await.0, 200);
    assert_eq!(client.get("/csr?service=ipsec").await.0, 404);
    assert_eq!(client.send("DELETE", "/csr?service=ipsec", None).await.0, 404);
    assert_eq!(lab.effects("sto-cm-pub", Operation::CsrDelete), 1);
}

#[tokio::test]
async fn keys_of_replaced_and_deleted_csrs_do_not_pile_up() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let keys = || std::fs::read_dir(lab.dir().join("keys")).unwrap().count();
    let before = keys();
    client.csr("tomcat-ECDSA").await;
    client.csr("tomcat-ECDSA").await;
    assert_eq!(keys(), before + 1);
    client.send("DELETE", "/csr?service=tomcat-ECDSA", None).await;
    assert_eq!(keys(), before);
}

#[tokio::test]
async fn the_key_keeps_to_the_service_and_the_hash_to_the_key() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-sub1");
    let elliptic = client.csr("tomcat-ECDSA").await;
    assert_eq!((elliptic.key.key_type.as_str(), elliptic.key.bits), ("EC", Some(384)));
    assert_eq!(elliptic.common_name.as_deref(), Some("sto-cm-sub1-EC.holmgard.example"));
    for refused in [
        json!({ "service": "tomcat", "keyType": "ec" }),
        json!({ "service": "tomcat-ECDSA", "keyType": "rsa" }),
        json!({ "service": "tomcat", "keyLength": 1000 }),
        json!({ "service": "tomcat-ECDSA", "keyLength": 521, "hashAlgorithm": "sha256" }),
        json!({ "service": "tomcat", "hashAlgorithm": "md5" }),
        json!({ "service": "tomcat", "commonName": "*.holmgard.example" }),
        json!({ "service": "tomcat", "altNames": ["*.holmgard.example"] }),
        json!({ "service": "tomcat", "distribution": "everywhere" }),
        json!({ "service": "ipsec", "distribution": "multi-server" }),
        json!({ "service": "ITLRecovery" }),
        json!({ "service": "cup" }),
        // CAPF is the publisher's.
        json!({ "service": "CAPF" }),
    ] {
        let (status, body) = client.post("/csr", refused.clone()).await;
        assert_eq!(status, 400, "{refused}: {body}");
    }
    assert_eq!(
        Client::of(&lab, "sto-cm-pub").csr("CAPF").await.key_usage.unwrap(),
        ["digitalSignature", "keyCertSign"]
    );
}

#[tokio::test]
async fn a_multi_server_csr_names_all_nodes_and_stands_on_all_of_them() {
    let (_dir, lab) = start(1).await;
    let csr = Client::of(&lab, "sto-cm-sub1")
        .csr_by(json!({ "service": "CallManager", "distribution": "multi-server" }))
        .await;
    assert_eq!(csr.common_name.as_deref(), Some("sto-cm-sub1-ms.holmgard.example"));
    let names: Vec<_> = csr.sans.iter().map(|san| san.value.clone()).collect();
    assert_eq!(
        names,
        lab.nodes().iter().map(|node| node.fqdn.clone()).collect::<Vec<_>>()
    );
    for node in lab.nodes() {
        let (_, body) = Client::new(node).get("/csr?service=CallManager").await;
        assert_eq!(body["csr"], csr.to_pem());
    }
    assert_eq!(
        Client::of(&lab, "sto-cm-pub")
            .send("DELETE", "/csr?service=CallManager", None)
            .await
            .0,
        200
    );
    assert_eq!(
        Client::of(&lab, "sto-cm-sub2").get("/csr?service=CallManager").await.0,
        404
    );
}

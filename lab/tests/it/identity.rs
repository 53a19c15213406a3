//! Rules of identity certificates.

use crate::support::{Client, message, start};
use certyard_lab::{Mistake, Operation};
use serde_json::json;

#[tokio::test]
async fn a_signed_answer_is_taken_once_its_issuers_are_trusted_and_ends_its_csr() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let answer = lab.outside_ca().sign(&client.csr("tomcat").await.to_pem(), 90).unwrap();
    assert_eq!(client.trust("tomcat", &answer.issuers()).await.0, 201);
    let (status, body) = client.upload("tomcat", &answer.pem_leaf()).await;
    assert_eq!(status, 200, "{body}");
    assert!(message(&body).contains("utils service restart Cisco Tomcat"));
    assert_eq!(client.identity("tomcat").await.sha256, answer.leaf.sha256);
    assert_eq!(client.get("/csr?service=tomcat").await.0, 404);
    // The same file again: its CSR is gone.
    assert_eq!(client.upload("tomcat", &answer.pem_leaf()).await.0, 400);
    assert_eq!(lab.effects("sto-cm-pub", Operation::IdentityUpload), 1);
    // It is this server's alone.
    assert_ne!(
        Client::of(&lab, "sto-cm-sub1").identity("tomcat").await.sha256,
        answer.leaf.sha256
    );
}

#[tokio::test]
async fn issuers_in_the_upload_do_not_stand_in_for_issuers_in_the_trust_store() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let answer = lab.outside_ca().sign(&client.csr("tomcat").await.to_pem(), 90).unwrap();
    let (status, body) = client.upload("tomcat", &answer.pem_chain()).await;
    assert_eq!(status, 400);
    assert!(
        message(&body).contains("CA certificate is not available in the trust-store"),
        "{body}"
    );
    // The intermediate alone is not enough either.
    client.trust("tomcat", &[&answer.intermediate]).await;
    let (status, body) = client.upload("tomcat", &answer.pem_chain()).await;
    assert_eq!(status, 400);
    assert!(message(&body).contains(&answer.root.subject), "{body}");
    client.trust("tomcat", &[&answer.root]).await;
    assert_eq!(client.upload("tomcat", &answer.pem_chain()).await.0, 200);
}

#[tokio::test]
async fn the_trust_store_that_counts_is_the_one_of_the_service() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let answer = lab
        .outside_ca()
        .sign(&client.csr("CallManager").await.to_pem(), 90)
        .unwrap();
    client.trust("tomcat", &answer.issuers()).await;
    assert_eq!(client.upload("CallManager", &answer.pem_leaf()).await.0, 400);
    client.trust("CallManager", &answer.issuers()).await;
    assert_eq!(client.upload("CallManager", &answer.pem_leaf()).await.0, 200);
}

#[tokio::test]
async fn each_mistake_of_a_ca_is_refused_by_its_name_and_changes_nothing() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let csr = client.csr("tomcat").await.to_pem();
    let before = client.identity("tomcat").await.sha256;
    client
        .trust("tomcat", &lab.outside_ca().sign(&csr, 90).unwrap().issuers())
        .await;
    for (mistake, reason) in [
        (Mistake::WrongKey, "does not match the public key of the CSR"),
        (Mistake::NamesMissing, "CSR SAN and Certificate SAN does not match"),
        (
            Mistake::NameAdded("www.holmgard.example".to_owned()),
            "CSR SAN and Certificate SAN does not match",
        ),
        (Mistake::Expired, "has expired"),
        (Mistake::NotYetValid, "is not valid before"),
    ] {
        let answer = lab.outside_ca().sign_badly(&csr, 90, Some(&mistake)).unwrap();
        let (status, body) = client.upload("tomcat", &answer.pem_chain()).await;
        assert_eq!(status, 400, "{mistake:?}");
        assert!(message(&body).contains(reason), "{mistake:?}: {body}");
    }
    assert_eq!(client.identity("tomcat").await.sha256, before);
    assert_eq!(
        client.get("/csr?service=tomcat").await.0,
        200,
        "the CSR waits for a better answer"
    );
    assert_eq!(lab.effects("sto-cm-pub", Operation::IdentityUpload), 0);
}

#[tokio::test]
async fn host_names_are_compared_without_regard_to_case() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let body = json!({ "service": "tomcat", "altNames": ["Alias.Holmgard.example"] });
    let csr = client.csr_by(body).await.to_pem();
    let mistake = Mistake::NameAdded("alias.holmgard.example".to_owned());
    let answer = lab.outside_ca().sign_badly(&csr, 90, Some(&mistake)).unwrap();
    client.trust("tomcat", &answer.issuers()).await;
    assert_eq!(client.upload("tomcat", &answer.pem_leaf()).await.0, 200);
}

#[tokio::test]
async fn a_multi_server_certificate_may_be_uploaded_anywhere_and_stands_everywhere() {
    let (_dir, lab) = start(2).await;
    let csr = Client::of(&lab, "sto-im-pub")
        .csr_by(json!({ "service": "cup-xmpp", "distribution": "multi-server" }))
        .await;
    let answer = lab.outside_ca().sign(&csr.to_pem(), 90).unwrap();
    let other = Client::of(&lab, "sto-im-sub2");
    other.trust("cup-xmpp", &answer.issuers()).await;
    assert_eq!(other.upload("cup-xmpp", &answer.pem_leaf()).await.0, 200);
    for node in lab.nodes().into_iter().filter(|node| node.cluster == "sto-presence") {
        let client = Client::new(node);
        assert_eq!(client.identity("cup-xmpp").await.sha256, answer.leaf.sha256);
        assert_eq!(client.get("/csr?service=cup-xmpp").await.0, 404);
    }
}

#[tokio::test]
async fn pkcs7_in_pem_is_read_as_the_chain_in_it() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let answer = lab.outside_ca().sign(&client.csr("tomcat").await.to_pem(), 90).unwrap();
    client.trust("tomcat", &answer.issuers()).await;
    let pem = certyard_pki::pem_text::encode("PKCS7", &answer.p7b());
    assert_eq!(client.upload("tomcat", &pem).await.0, 200);
    assert_eq!(client.identity("tomcat").await.sha256, answer.leaf.sha256);
}

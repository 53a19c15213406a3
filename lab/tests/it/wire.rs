//! The node on the wire: sign-in, shapes of answers, and what is no operation.

use crate::support::{Client, openssl, start};
use certyard_lab::{Operation, Product, Version};
use certyard_pki::Certificate;
use serde_json::json;

#[tokio::test]
async fn each_node_wants_its_own_credentials_and_names_its_realm() {
    let (_dir, lab) = start(1).await;
    let [first, second, _] = &lab.nodes()[..] else {
        panic!("the first cluster has three nodes")
    };
    let http = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .no_proxy()
        .build()
        .unwrap();
    let url = Client::new(first.clone()).url("/snapshot/server");
    for credentials in [
        None,
        Some((&second.user, &second.password)),
        Some((&first.user, &first.user)),
    ] {
        let mut request = http.get(&url);
        if let Some((user, password)) = credentials {
            request = request.basic_auth(user, Some(password));
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], "Basic realm=\"CMPlatform\"");
    }
    assert_eq!(Client::new(first.clone()).get("/snapshot/server").await.0, 200);
    assert!(
        lab.requests()
            .iter()
            .filter(|request| request.status == 401)
            .all(|request| !request.changed)
    );
}

#[tokio::test]
async fn the_snapshot_has_every_service_and_store_of_the_product() {
    let (_dir, lab) = start(2).await;
    for (name, product) in [("sto-cm-pub", Product::Cucm), ("sto-im-pub", Product::Imp)] {
        let client = Client::of(&lab, name);
        let (_, body) = client.get("/snapshot/server").await;
        assert_eq!(body["server"], client.node.fqdn);
        assert!(body["trackingId"].is_string());
        assert_eq!(body["revokedCertificates"], json!([]));
        let names = |list: &str| -> Vec<String> {
            let items = body[list].as_array().unwrap().iter();
            items.map(|item| item["service"].as_str().unwrap().to_owned()).collect()
        };
        let services: Vec<_> = product
            .services(Version::V15)
            .iter()
            .map(|service| service.name)
            .collect();
        let stores: Vec<_> = product.stores().iter().map(|store| store.name).collect();
        assert_eq!(names("identities"), services);
        assert_eq!(names("trusts"), stores);
        for item in body["trusts"].as_array().unwrap() {
            for file in item["certificate_data"].as_array().unwrap() {
                Certificate::from_pem(file["certificate"].as_str().unwrap()).unwrap();
                assert!(file["filename"].as_str().unwrap().ends_with(".pem"));
            }
        }
        assert!(
            body["identities"]
                .as_array()
                .unwrap()
                .iter()
                .all(|item| item["csr"] == "")
        );
    }
}

#[tokio::test]
async fn the_port_serves_tomcat_as_openssl_sees_it() {
    let (_dir, lab) = start(1).await;
    for node in lab.nodes() {
        let chain = crate::support::served(&node).await;
        assert_eq!(chain[0].sha256_hex(), node.sha256);
        assert_eq!(Client::new(node).identity("tomcat").await.sha256, chain[0].sha256);
    }
    // The second one was signed by the company's CA; its intermediate is served, too.
    let signed = lab.node("sto-cm-sub1").unwrap();
    let root = lab.dir().join("world/corporate/root.pem");
    let (_, text) = openssl(
        &[
            "s_client",
            "-connect",
            &signed.address.to_string(),
            "-CAfile",
            root.to_str().unwrap(),
        ],
        b"",
    )
    .await;
    assert!(text.contains("Verify return code: 0 (ok)"), "{text}");
}

#[tokio::test]
async fn what_is_no_operation_is_404_or_405_and_nonsense_is_400() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    assert_eq!(client.get("/nothing").await.0, 404);
    assert_eq!(client.send("PUT", "/csr", None).await.0, 405);
    assert_eq!(
        client.post("/csr", json!({ "distribution": "this-server" })).await.0,
        400
    );
    assert_eq!(client.post("/csr", json!([1])).await.0, 400);
    assert_eq!(
        client
            .post(
                "/identity/certificates",
                json!({ "service": "tomcat", "certificates": [] })
            )
            .await
            .0,
        400
    );
    assert_eq!(client.upload("tomcat", "no certificate").await.0, 400);
    // A trust upload names its services in a list.
    let text = json!({ "service": "tomcat", "certificates": [] });
    assert_eq!(client.post("/trust/certificates", text).await.0, 400);
    assert_eq!(client.get("/trust/certificate?service=nothing").await.0, 400);
    assert!(lab.requests().iter().all(|request| !request.changed));
}

#[tokio::test]
async fn a_body_without_end_is_413_and_fields_of_tomorrow_are_ignored() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let huge = "x".repeat(2 * 1024 * 1024);
    // The node may close before it has read all; both say no.
    if let Ok((status, _)) = client.try_send("POST", "/csr", Some(&json!({ "service": huge }))).await {
        assert_eq!(status, 413);
    }
    let (status, _) = client
        .post("/csr", json!({ "service": "tomcat", "tomorrow": { "field": 1 } }))
        .await;
    assert_eq!(status, 200);
    assert_eq!(lab.effects("sto-cm-pub", Operation::CsrGenerate), 1);
}

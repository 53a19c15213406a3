//! Rules of trust stores.

use crate::support::{Client, message, start};
use certyard_lab::Operation;
use certyard_pki::{Certificate, Hash, KeySpec, PrivateKey, Profile, Subject, self_signed};
use chrono::{DateTime, Duration, Utc};
use serde_json::json;

fn root(name: &str, not_before: DateTime<Utc>) -> Certificate {
    let key = PrivateKey::generate(KeySpec::P256).unwrap();
    let profile = Profile {
        subject: Subject(vec![("CN".to_owned(), name.to_owned())]),
        sans: Vec::new(),
        ca: Some(None),
        key_usage: vec!["keyCertSign"],
        extended_key_usage: Vec::new(),
        not_before,
        not_after: not_before + Duration::days(900),
        hash: Hash::Sha256,
    };
    self_signed(&key, &profile).unwrap()
}

#[tokio::test]
async fn of_two_certificates_of_one_subject_the_one_that_starts_later_stays() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let now = Utc::now();
    let old = root("Test Root", now - Duration::days(20));
    let new = root("Test Root", now - Duration::days(10));
    let other = root("Test Root G2", now - Duration::days(20));
    assert_eq!(client.trust("tomcat", &[&old]).await.0, 201);
    assert_eq!(client.trust("tomcat", &[&other]).await.0, 201);
    assert_eq!(client.trust("tomcat", &[&new]).await.0, 201);
    let trusted = client.trusted("tomcat").await;
    assert!(trusted.contains(&new.sha256_hex()) && trusted.contains(&other.sha256_hex()));
    assert!(!trusted.contains(&old.sha256_hex()));

    let (status, body) = client.trust("tomcat", &[&old]).await;
    assert_eq!(status, 400);
    assert!(message(&body).contains("was not uploaded"), "{body}");
    assert_eq!(client.trusted("tomcat").await, trusted);
}

#[tokio::test]
async fn an_upload_is_taken_whole_or_not_at_all() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let now = Utc::now();
    let (old, new) = (
        root("Test Root", now - Duration::days(20)),
        root("Test Root", now - Duration::days(10)),
    );
    let other = root("Another Root", now);
    client.trust("tomcat", &[&new]).await;
    assert_eq!(client.trust("tomcat", &[&other, &old]).await.0, 400);
    assert!(!client.trusted("tomcat").await.contains(&other.sha256_hex()));
    assert_eq!(lab.effects("sto-cm-pub", Operation::TrustUpload), 1);
}

#[tokio::test]
async fn what_is_there_already_is_no_error_and_no_change() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let certificate = root("Test Root", Utc::now());
    client.trust("tomcat", &[&certificate]).await;
    let before = client.trusted("tomcat").await;
    assert_eq!(client.trust("tomcat", &[&certificate]).await.0, 201);
    assert_eq!(client.trusted("tomcat").await, before);
    assert_eq!(lab.effects("sto-cm-pub", Operation::TrustUpload), 1);
}

#[tokio::test]
async fn tomcat_and_call_manager_trust_reach_every_node_and_ipsec_trust_stays() {
    let (_dir, lab) = start(2).await;
    let certificate = root("Test Root", Utc::now());
    let sha256 = certificate.sha256_hex();
    let sub = Client::of(&lab, "sto-cm-sub1");
    for store in ["tomcat", "CallManager", "Phone-SAST", "TVS"] {
        assert_eq!(sub.trust(store, &[&certificate]).await.0, 201);
    }
    let publisher = Client::of(&lab, "sto-cm-pub");
    assert_eq!(publisher.trust("ipsec", &[&certificate]).await.0, 201);
    for (name, there) in [("sto-cm-pub", true), ("sto-cm-sub2", true), ("sto-im-pub", false)] {
        let client = Client::of(&lab, name);
        assert_eq!(client.trusted("tomcat").await.contains(&sha256), there, "{name}");
        if there {
            assert!(client.trusted("CallManager").await.contains(&sha256));
            assert!(client.trusted("Phone-SAST").await.contains(&sha256));
            assert_eq!(client.trusted("ipsec").await.contains(&sha256), name == "sto-cm-pub");
            assert!(!client.trusted("TVS").await.contains(&sha256));
        }
    }
    assert!(sub.trusted("TVS").await.contains(&sha256));
    assert!(!sub.trusted("ipsec").await.contains(&sha256));
}

#[tokio::test]
async fn r22_capf_and_ipsec_trust_of_a_subscriber_are_not_changed() {
    let (_dir, lab) = start(1).await;
    let certificate = root("Test Root", Utc::now());
    let sub = Client::of(&lab, "sto-cm-sub1");
    for store in ["CAPF", "ipsec"] {
        let (status, body) = sub.trust(store, &[&certificate]).await;
        assert_eq!(status, 400);
        assert!(message(&body).contains("subscriber"), "{body}");
    }
    assert_eq!(lab.effects("sto-cm-sub1", Operation::TrustUpload), 0);
}

#[tokio::test]
async fn a_ca_for_capf_goes_to_call_manager_trust_of_all_nodes_by_itself() {
    let (_dir, lab) = start(1).await;
    let certificate = root("Test Root", Utc::now());
    assert_eq!(
        Client::of(&lab, "sto-cm-pub").trust("CAPF", &[&certificate]).await.0,
        201
    );
    let sub = Client::of(&lab, "sto-cm-sub2");
    assert!(sub.trusted("CallManager").await.contains(&certificate.sha256_hex()));
    assert!(!sub.trusted("CAPF").await.contains(&certificate.sha256_hex()));
}

#[tokio::test]
async fn one_upload_may_name_several_stores_and_an_unknown_one_spoils_it() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let certificate = root("Test Root", Utc::now());
    let upload = |stores: [&str; 2]| json!({ "service": stores, "certificates": [certificate.to_pem()] });
    assert_eq!(
        client.post("/trust/certificates", upload(["tomcat", "cup"])).await.0,
        400
    );
    assert!(!client.trusted("tomcat").await.contains(&certificate.sha256_hex()));
    assert_eq!(
        client
            .post("/trust/certificates", upload(["tomcat-trust", "TVS"]))
            .await
            .0,
        201
    );
    assert!(client.trusted("tomcat").await.contains(&certificate.sha256_hex()));
    assert!(client.trusted("TVS").await.contains(&certificate.sha256_hex()));
}

#[tokio::test]
async fn a_key_of_more_than_4096_bits_is_taken_by_no_store() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let large = include_str!("large_key.pem");
    let body = json!({ "service": ["tomcat"], "certificates": [large] });
    let (status, answer) = client.post("/trust/certificates", body).await;
    assert_eq!(status, 400);
    assert!(message(&answer).contains("5120 bits"), "{answer}");
}

#[tokio::test]
async fn the_stores_that_the_lab_tells_are_those_that_a_node_shows() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-sub1");
    let csr = client.csr("tomcat").await;
    let certificate = root("Test Root", Utc::now());
    client.trust("tomcat", &[&certificate]).await;
    let stores = lab.stores("sto-cm-sub1").unwrap();
    assert_eq!(stores, lab.stores(&client.node.fqdn).unwrap());
    assert_eq!(
        stores.identities.get("tomcat"),
        Some(&client.identity("tomcat").await.sha256_hex())
    );
    assert_eq!(stores.csrs.get("tomcat"), Some(&csr.to_pem()));
    let shown = client.trusted("tomcat").await.into_iter().collect();
    assert_eq!(stores.trusts.get("tomcat-trust"), Some(&shown));
    assert!(shown.contains(&certificate.sha256_hex()));
    assert!(lab.stores("nobody").is_none());
}

//! The CA that plays the outside CA, with openssl as a second opinion.

use crate::support::{Client, openssl, start};
use certyard_lab::OutsideCa;

#[tokio::test]
async fn openssl_accepts_the_chain_in_every_form() {
    let (dir, lab) = start(1).await;
    let csr = Client::of(&lab, "sto-cm-pub").csr("tomcat").await;
    let answer = lab.outside_ca().sign(&csr.to_pem(), 90).unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("chain.pem"), answer.pem_without_root()).unwrap();
    std::fs::write(path("leaf.der"), answer.der()).unwrap();
    std::fs::write(path("chain.p7b"), answer.p7b()).unwrap();
    let root = path("ca/root.pem");
    let verify = [
        "verify",
        "-x509_strict",
        "-purpose",
        "sslserver",
        "-CAfile",
        &root,
        "-untrusted",
    ];
    let (content, text) = openssl(&[&verify[..], &[&path("chain.pem"), &path("chain.pem")]].concat(), b"").await;
    assert!(content, "{text}");
    let (content, text) = openssl(
        &["x509", "-inform", "der", "-in", &path("leaf.der"), "-noout", "-text"],
        b"",
    )
    .await;
    assert!(content && text.contains("DNS:sto-cm-pub.holmgard.example"), "{text}");
    assert!(text.contains("Data Encipherment"), "a CA must not drop it: {text}");
    let (content, text) = openssl(
        &[
            "pkcs7",
            "-inform",
            "der",
            "-in",
            &path("chain.p7b"),
            "-print_certs",
            "-noout",
        ],
        b"",
    )
    .await;
    assert!(content && text.matches("subject=").count() == 3, "{text}");
}

#[test]
fn the_same_folder_is_the_same_ca() {
    let dir = tempfile::tempdir().unwrap();
    let first = OutsideCa::open(dir.path()).unwrap();
    let second = OutsideCa::open(dir.path()).unwrap();
    assert_eq!(first.root().sha256, second.root().sha256);
    assert_eq!(first.intermediate().sha256, second.intermediate().sha256);
    assert!(first.sign("no request", 90).is_err());
}

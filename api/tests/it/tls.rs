//! The server's own certificate.

use crate::house::{House, self_issued};
use certyard_api::TlsFiles;
use certyard_pki::{KeySpec, PrivateKey};
use reqwest::tls::TlsInfo;
use std::path::Path;
use std::time::{Duration, Instant};

/// Replaces both files as deployments do: aside first, then by a rename each.
fn put(folder: &Path) -> Vec<u8> {
    let key = PrivateKey::generate(KeySpec::P256).expect("a key");
    let pem = self_issued(&key, 30);
    for (name, text) in [("tls.key", key.to_pkcs8_pem().as_str()), ("tls.crt", &pem)] {
        let aside = folder.join(format!("{name}.new"));
        std::fs::write(&aside, text).expect("a file");
        std::fs::rename(aside, folder.join(name)).expect("its place");
    }
    certyard_pki::Certificate::from_pem(&pem).expect("a certificate").der
}

fn client() -> reqwest::ClientBuilder {
    // Whose the certificate is stands in the answer; that it is trusted is no matter here.
    reqwest::Client::builder()
        .no_proxy()
        .tls_info(true)
        .tls_danger_accept_invalid_certs(true)
}

/// The certificate of the connection on which a request was answered.
async fn shown(client: &reqwest::Client, house: &House) -> Vec<u8> {
    let url = format!("https://{}/healthz", house.addresses.listen);
    let response = client.get(url).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let info = response.extensions().get::<TlsInfo>().expect("it is TLS");
    info.peer_certificate().expect("a certificate").to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_replaced_on_disk_serves_new_connections_and_cuts_no_old_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = put(folder.path());
    let house = House::with(|config| {
        config.tls = Some(TlsFiles {
            certificate: folder.path().join("tls.crt"),
            key: folder.path().join("tls.key"),
        });
    })
    .await;
    let old = client().build().expect("a client");
    assert_eq!(shown(&old, &house).await, first);
    let second = put(folder.path());
    let begin = Instant::now();
    loop {
        let fresh = client().pool_max_idle_per_host(0).build().expect("a client");
        let now = shown(&fresh, &house).await;
        // Asked all the time, so that it never idles: the connection of before goes on as it was made.
        assert_eq!(shown(&old, &house).await, first);
        if now == second {
            break;
        }
        assert_eq!(now, first);
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "the new certificate is not served"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

//! What a lab keeps between its starts.

use crate::support::{Client, options, served, start};
use certyard_lab::Lab;
use std::os::unix::fs::PermissionsExt;

#[tokio::test]
async fn a_second_start_keeps_ports_credentials_stores_csrs_and_what_is_served() {
    let (dir, lab) = start(2).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let answer = lab.outside_ca().sign(&client.csr("tomcat").await.to_pem(), 90).unwrap();
    client.trust("tomcat", &answer.issuers()).await;
    assert_eq!(client.upload("tomcat", &answer.pem_leaf()).await.0, 200);
    let waiting = client.csr("CallManager").await;
    let (nodes, trusted) = (lab.nodes(), client.trusted("tomcat").await);
    lab.shutdown().await;

    let lab = Lab::start(options(dir.path(), 2)).await.unwrap();
    assert_eq!(lab.nodes(), nodes);
    let client = Client::of(&lab, "sto-cm-pub");
    assert_eq!(client.identity("tomcat").await.sha256, answer.leaf.sha256);
    assert_eq!(client.trusted("tomcat").await, trusted);
    assert_eq!(client.get("/csr?service=CallManager").await.1["csr"], waiting.to_pem());
    // Starting the lab is no restart of the node's service.
    assert_ne!(served(&client.node).await[0].sha256, answer.leaf.sha256);
    // The key of the waiting CSR was kept, too: its answer can be served.
    lab.restart("sto-cm-pub").await.unwrap();
    assert_eq!(served(&client.node).await[0].sha256, answer.leaf.sha256);
    assert_eq!(lab.outside_ca().root().sha256, answer.root.sha256);
}

#[tokio::test]
async fn a_larger_fleet_keeps_the_clusters_of_the_smaller_one() {
    let (dir, lab) = start(1).await;
    let before = lab.nodes();
    lab.shutdown().await;
    let lab = Lab::start(options(dir.path(), 3)).await.unwrap();
    assert_eq!(lab.nodes().len(), 12);
    assert_eq!(lab.nodes()[..3], before[..]);
}

#[tokio::test]
async fn a_taken_port_is_replaced_by_another() {
    let (dir, lab) = start(1).await;
    let before = lab.nodes();
    lab.shutdown().await;
    let _taken = std::net::TcpListener::bind(before[0].address).unwrap();
    let lab = Lab::start(options(dir.path(), 1)).await.unwrap();
    assert_ne!(lab.nodes()[0].address, before[0].address);
    assert_eq!(lab.nodes()[1..], before[1..]);
    assert_eq!(Client::new(lab.nodes()[0].clone()).get("/snapshot/server").await.0, 200);
}

#[tokio::test]
async fn two_labs_do_not_share_a_folder_and_a_bad_size_is_refused() {
    let (dir, lab) = start(1).await;
    let second = Lab::start(options(dir.path(), 1)).await.unwrap_err();
    assert!(second.to_string().contains("another lab runs in"), "{second}");
    drop(lab);
    Lab::start(options(dir.path(), 1)).await.unwrap();
    for clusters in [0, 301] {
        assert!(Lab::start(options(dir.path(), clusters)).await.is_err());
    }
}

#[tokio::test]
async fn nobody_else_can_read_the_lab() {
    let (_dir, lab) = start(1).await;
    let mut folders = vec![lab.dir().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            if entry.file_type().unwrap().is_dir() {
                assert_eq!(mode, 0o700, "{:?}", entry.path());
                folders.push(entry.path());
            } else if !["lock", "changes.ndjson"].contains(&entry.file_name().to_str().unwrap()) {
                assert_eq!(mode, 0o600, "{:?}", entry.path());
                files += 1;
            }
        }
    }
    assert!(files > 10);
}

#[tokio::test]
async fn a_spoilt_file_is_named_with_the_way_out() {
    let (dir, lab) = start(1).await;
    lab.shutdown().await;
    std::fs::write(dir.path().join("clusters/sto-voice.json"), "{").unwrap();
    let error = Lab::start(options(dir.path(), 1)).await.unwrap_err();
    assert!(
        format!("{error:#}").contains("sto-voice.json; remove the lab's folder"),
        "{error:#}"
    );
}

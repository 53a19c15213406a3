//! What is installed is served only after a restart of the service.

use crate::support::{Client, served, start, until};
use certyard_lab::LabFile;
use serde_json::Value;

#[tokio::test]
async fn the_old_certificate_is_served_until_the_restart_and_the_new_chain_after_it() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let old = served(&client.node).await;
    let answer = lab.outside_ca().sign(&client.csr("tomcat").await.to_pem(), 90).unwrap();
    client.trust("tomcat", &answer.issuers()).await;
    assert_eq!(client.upload("tomcat", &answer.pem_leaf()).await.0, 200);
    assert_eq!(served(&client.node).await[0].sha256, old[0].sha256);

    let restarted = lab.restart("sto-cm-pub").await.unwrap();
    assert_eq!(restarted[0].sha256, answer.leaf.sha256_hex());
    let chain = served(&client.node).await;
    let names: Vec<_> = chain.iter().map(|certificate| certificate.sha256).collect();
    assert_eq!(names, [answer.leaf.sha256, answer.intermediate.sha256]);
    // `lab.json` says so, too.
    let file: LabFile = serde_json::from_slice(&std::fs::read(lab.dir().join("lab.json")).unwrap()).unwrap();
    assert_eq!(file.nodes[0].sha256, answer.leaf.sha256_hex());
}

#[tokio::test]
async fn a_restart_touches_the_named_node_or_cluster_alone() {
    let (_dir, lab) = start(2).await;
    let names = |nodes: Vec<certyard_lab::NodeInfo>| nodes.into_iter().map(|node| node.name).collect::<Vec<_>>();
    assert_eq!(
        names(lab.restart("sto-cm-sub1.holmgard.example").await.unwrap()),
        ["sto-cm-sub1"]
    );
    assert_eq!(lab.restart("sto-presence").await.unwrap().len(), 4);
    assert_eq!(lab.restart("*").await.unwrap().len(), 7);
    assert!(lab.restart("nobody").await.unwrap_err().to_string().contains("nobody"));
}

#[tokio::test]
async fn a_connection_from_before_the_restart_ends_and_the_next_one_works() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    assert_eq!(client.get("/csr?service=tomcat").await.0, 404);
    lab.restart("sto-cm-pub").await.unwrap();
    // The kept connection may break under the first request, as it does when a real service restarts.
    until("the node answers", async || {
        client
            .try_send("GET", "/snapshot/server", None)
            .await
            .is_ok_and(|(status, _): (u16, Value)| status == 200)
    })
    .await;
}

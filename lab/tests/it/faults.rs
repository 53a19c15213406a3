//! Faults that the lab is told to have.

use crate::support::{Client, options, start, until};
use certyard_lab::{Lab, Operation};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn an_offline_node_refuses_connections_and_comes_back_on_its_port() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    assert_eq!(client.get("/snapshot/server").await.0, 200);
    lab.fault("sto-cm-pub:offline").await.unwrap();
    let refused = tokio::net::TcpStream::connect(client.node.address).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    until("the kept connection is cut", async || {
        client.try_send("GET", "/snapshot/server", None).await.is_err()
    })
    .await;
    assert_eq!(Client::of(&lab, "sto-cm-sub1").get("/snapshot/server").await.0, 200);

    lab.clear_faults("sto-cm-pub").await.unwrap();
    assert_eq!(client.get("/snapshot/server").await.0, 200);
    assert_eq!(lab.node("sto-cm-pub").unwrap().address, client.node.address);
}

#[tokio::test]
async fn faults_of_the_start_hold_from_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path(), 1);
    options.faults = vec![
        "sto-cm-pub:offline".parse().unwrap(),
        "sto-cm-sub1:snapshot:503".parse().unwrap(),
    ];
    let lab = Lab::start(options).await.unwrap();
    assert!(
        tokio::net::TcpStream::connect(lab.node("sto-cm-pub").unwrap().address)
            .await
            .is_err()
    );
    assert_eq!(Client::of(&lab, "sto-cm-sub1").get("/snapshot/server").await.0, 503);
    lab.clear_faults("*").await.unwrap();
    for node in lab.nodes() {
        assert_eq!(Client::new(node).get("/snapshot/server").await.0, 200);
    }
}

#[tokio::test]
async fn a_failing_step_fails_as_often_as_told_and_does_nothing() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    lab.fault("sto-cm-pub:csr-generate:500:2").await.unwrap();
    for _ in 0..2 {
        assert_eq!(client.post("/csr", json!({ "service": "tomcat" })).await.0, 500);
    }
    assert_eq!(client.get("/csr?service=tomcat").await.0, 404);
    client.csr("tomcat").await;
    assert_eq!(lab.effects("sto-cm-pub", Operation::CsrGenerate), 1);
}

#[tokio::test]
async fn a_dropped_step_is_not_done_and_a_lost_answer_is() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    let order = json!({ "service": "tomcat" });
    lab.fault("sto-voice:csr-generate:drop:1").await.unwrap();
    assert!(client.try_send("POST", "/csr", Some(&order)).await.is_err());
    assert_eq!(lab.effects("sto-cm-pub", Operation::CsrGenerate), 0);

    lab.clear_faults("*").await.unwrap();
    lab.fault("sto-cm-pub:csr-generate:lost:1").await.unwrap();
    assert!(client.try_send("POST", "/csr", Some(&order)).await.is_err());
    assert_eq!(lab.effects("sto-cm-pub", Operation::CsrGenerate), 1);
    assert_eq!(client.get("/csr?service=tomcat").await.0, 200);
}

#[tokio::test]
async fn a_slow_node_answers_later() {
    let (_dir, lab) = start(1).await;
    let client = Client::of(&lab, "sto-cm-pub");
    lab.fault("sto-cm-pub:slow:300").await.unwrap();
    let begin = Instant::now();
    assert_eq!(client.get("/snapshot/server").await.0, 200);
    assert!(begin.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_fault_of_nobody_is_refused() {
    let (_dir, lab) = start(1).await;
    assert!(
        lab.fault("nobody:offline")
            .await
            .unwrap_err()
            .to_string()
            .contains("nobody")
    );
}

//! Join, renewal, refusals of the server, and what the agent tells of its nodes.

use crate::nginx::TestNginx;
use crate::program::{Program, text};
use crate::stub::{Stub, TOKEN};
use crate::uc::TestUc;
use certyard_agent::connector::Connector;
use certyard_protocol::*;
use chrono::TimeDelta;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn join_believes_the_pinned_ca_only() {
    let program = Program::new(Stub::start().await);
    let url = program.stub.url();
    let wrong = format!("{TOKEN}.{}", "ab".repeat(32));
    for token in [wrong.as_str(), TOKEN] {
        let output = program.command(&["join", "--url", &url, "--token", token], None);
        assert!(!output.status.success(), "{token}");
        assert!(text(&output).contains("not from the expected CA"), "{}", text(&output));
    }
    assert!(program.stub.state().requests.is_empty(), "the token was not sent");
    let pin = program.stub.ca.sha256_hex();
    let output = program.command(&["join", "--url", &url, "--token", TOKEN, "--ca-sha256", &pin], None);
    assert!(output.status.success(), "{}", text(&output));
    let again = program.command(&["join", "--url", &url, "--token", TOKEN, "--ca-sha256", &pin], None);
    assert!(text(&again).contains("belongs to agent"), "{}", text(&again));
    let status = program.command(&["status"], None);
    assert!(text(&status).contains(&program.stub.agent.to_string()));
    let secret = std::fs::metadata(program.data().join("identity.json")).unwrap();
    assert_eq!(secret.permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(program.data(), std::fs::Permissions::from_mode(0o750)).unwrap();
    let refused = program.command(&["run"], None);
    assert!(text(&refused).contains("chmod 700"), "{}", text(&refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_identity_is_renewed_with_a_new_key_at_half_of_its_life() {
    let stub = Stub::start().await;
    stub.state().identity_lives = TimeDelta::seconds(6);
    let mut program = Program::new(stub);
    let (url, token) = (program.stub.url(), program.stub.pinned_token());
    let output = program.command(&["join", "--url", &url, "--token", &token], None);
    assert!(output.status.success(), "{}", text(&output));
    program.start_with(None, &["--poll-hold-seconds", "1"]);
    program
        .stub
        .until("two renewals", |state| (state.renewals >= 2).then_some(()))
        .await;
    program
        .stub
        .until("three certificates", |state| (state.clients.len() >= 3).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_agent_stops_for_good() {
    let mut program = Program::joined().await;
    program.start(None);
    program
        .stub
        .until("a poll", |state| (state.polls > 0).then_some(()))
        .await;
    program.stub.state().scripted.insert("/poll", vec![(410, None)]);
    assert_eq!(program.ended("410").await.code(), Some(3));
    let again = program.command(&["run"], None);
    assert!(text(&again).contains("retired this agent"), "{}", text(&again));
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_honoured_and_a_fault_is_logged_once() {
    let mut program = Program::joined().await;
    let script = vec![(503, Some(2)), (429, Some(1)), (200, None)];
    program.stub.state().scripted.insert("/poll", script);
    program.start(None);
    program
        .stub
        .until("a poll that is answered", |state| (state.polls > 0).then_some(()))
        .await;
    let times: Vec<_> = {
        let state = program.stub.state();
        state
            .requests
            .iter()
            .filter(|(_, path)| path == "/poll")
            .map(|(at, _)| *at)
            .collect()
    };
    assert!(times[1] - times[0] >= Duration::from_secs(2));
    assert!(times[2] - times[1] >= Duration::from_secs(1));
    assert_eq!(
        program.log().matches("come back later (503)").count(),
        1,
        "{}",
        program.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_sent_until_it_is_answered() {
    let nginx = TestNginx::start().await;
    let mut program = Program::joined().await;
    program.add_nginx("web", &nginx);
    program.start(None);
    let stub = program.stub.clone();
    let node = stub.until("the node", |state| state.nodes.get("web").cloned()).await;
    stub.until("it is ready", |state| state.ready.contains(&node.node_id).then_some(()))
        .await;
    stub.state().scripted.insert("/result", vec![(503, Some(1))]);
    let task = stub.queue(&stub.payload(&node, vec![nginx.csr_step()]));
    stub.until("a refused result", |state| {
        state
            .requests
            .iter()
            .any(|(_, path)| path.ends_with("/result"))
            .then_some(())
    })
    .await;
    program.kill();
    stub.state().scripted.clear();
    program.start(None);
    assert_eq!(stub.result(task).await.outcome, Outcome::Succeeded);
    assert_eq!(nginx.count("requests"), 1, "it was not done again");
}

#[tokio::test(flavor = "multi_thread")]
async fn inventories_come_whole_first_then_as_digests_and_differences() {
    let nginx = TestNginx::start().await;
    let mut program = Program::joined().await;
    program.start_with(None, &["--poll-hold-seconds", "1", "--refresh-minutes", "0.03"]);
    // Added beside the running agent.
    program.add_nginx("web", &nginx);
    let forms = |state: &mut crate::stub::State, wanted: fn(&InventoryReport) -> bool| {
        state.inventories.iter().any(|(_, report)| wanted(report)).then_some(())
    };
    let stub = program.stub.clone();
    stub.until("full", |state| {
        forms(state, |report| matches!(report, InventoryReport::Full(_)))
    })
    .await;
    stub.until("unchanged", |state| {
        forms(state, |report| matches!(report, InventoryReport::Unchanged { .. }))
    })
    .await;
    std::fs::remove_file(nginx.temp.path().join("sites/b.conf")).unwrap();
    stub.until("delta", |state| {
        forms(state, |report| matches!(report, InventoryReport::Delta { remove, add, .. } if remove.len() == 1 && add.is_empty()))
    })
    .await;
    std::fs::remove_file(nginx.config()).unwrap();
    stub.until("failed", |state| {
        forms(state, |report| matches!(report, InventoryReport::Failed { .. }))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_certificate_never_sees_the_password() {
    let uc = TestUc::start().await;
    uc.connector().inventory().await.unwrap();
    assert_eq!(
        uc.pins.0.lock().unwrap().as_slice(),
        std::slice::from_ref(&uc.node.sha256),
        "the first certificate is pinned"
    );
    *uc.pins.0.lock().unwrap() = vec!["ab".repeat(32)];
    let before = uc.lab.requests().len();
    let error = uc.connector().inventory().await.unwrap_err();
    assert_eq!(error.code, "node_certificate_changed");
    assert!(error.message.contains(&uc.node.sha256), "{}", error.message);
    assert_eq!(uc.lab.requests().len(), before, "no request was made");
    uc.pins.0.lock().unwrap().clear();
    let error = uc.connector_with("wrong").inventory().await.unwrap_err();
    assert_eq!((error.code, error.passing), ("node_credentials_refused", false));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_on_the_way_counts_by_its_effect() {
    let uc = TestUc::start().await;
    let desk = crate::conformance::Desk::new();
    uc.lab
        .fault(&format!("{}:csr-generate:lost:1", uc.node.name))
        .await
        .unwrap();
    let task = crate::conformance::payload(ConnectorKind::CiscoUc, vec![uc.csr_step()]);
    let result = desk.run(&uc.connector(), &task).await;
    assert_eq!(result.outcome, Outcome::Succeeded, "{:?}", result.failure);
    assert!(result.csr_pem.is_some());
    assert_eq!(uc.lab.effects(&uc.node.name, certyard_lab::Operation::CsrGenerate), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn trust_whose_answers_are_lost_on_the_way_is_put_in_once_by_either_connector() {
    for old in [false, true] {
        let uc = if old {
            TestUc::start_old().await
        } else {
            TestUc::start().await
        };
        let ca = uc.lab.outside_ca();
        let step = Step::InstallTrust {
            store: "tomcat-trust".into(),
            certificates_pem: [ca.root(), ca.intermediate()]
                .map(certyard_pki::Certificate::to_pem)
                .into(),
        };
        uc.lab
            .fault(&format!("{}:trust-upload:lost:2", uc.node.name))
            .await
            .unwrap();
        let desk = crate::conformance::Desk::new();
        let result = match old {
            false => {
                let task = crate::conformance::payload(ConnectorKind::CiscoUc, vec![step]);
                desk.run(&uc.connector(), &task).await
            }
            true => {
                let task = crate::conformance::payload(ConnectorKind::CiscoCli, vec![step]);
                desk.run(&uc.commands(), &task).await
            }
        };
        assert_eq!(result.outcome, Outcome::Succeeded, "{:?}", result.failure);
        assert_eq!(uc.lab.effects(&uc.node.name, certyard_lab::Operation::TrustUpload), 2);
    }
}

//! One certificate for all nodes of a UC cluster: made on one node, installed on another, served by all.

use crate::conformance::{Desk, installed, payload};
use crate::nginx::{install_step, verify_step};
use crate::uc::{MemoryPins, TestUc};
use certyard_agent::connector::Connector;
use certyard_agent::connectors::cisco_uc::CiscoUc;
use certyard_agent::nodes::Secrets;
use certyard_lab::{NodeInfo, Operation};
use certyard_pki::{Certificate, Csr};
use certyard_protocol::*;
use std::sync::Arc;

fn csr_step(multi_server: bool) -> Step {
    Step::GenerateCsr(CsrSpec {
        purpose: "tomcat".into(),
        common_name: String::new(),
        names: vec![],
        key_type: "RSA".into(),
        key_bits: 2048,
        hash: "SHA256".into(),
        subject: vec![],
        multi_server,
    })
}

/// Another node of the cluster, with pins of its own.
fn connector(node: &NodeInfo, pins: &Arc<MemoryPins>) -> CiscoUc {
    let mut secrets = Secrets::default();
    secrets.user.push_str(&node.user);
    secrets.password.push_str(&node.password);
    secrets.pins.extend(pins.0.lock().unwrap().clone());
    CiscoUc::new(&node.name, &node.address.to_string(), secrets, pins.clone())
}

async fn served(node: &NodeInfo) -> String {
    let shown = certyard_agent::wire::look(&node.address.to_string(), "", Some("RSA")).await;
    shown.unwrap().sha256()
}

fn failure(result: &TaskResult) -> &Failure {
    assert_eq!(
        (result.outcome, result.node_state),
        (Outcome::Failed, NodeState::NotStarted),
        "{:?}",
        result.failure
    );
    result.failure.as_ref().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_makes_it_another_installs_it_and_all_serve_it_after_their_restart() {
    let uc = TestUc::start().await;
    let desk = Desk::new();
    let others: Vec<(NodeInfo, Arc<MemoryPins>)> = uc
        .lab
        .nodes()
        .into_iter()
        .filter(|node| node.cluster == uc.node.cluster && node.name != uc.node.name)
        .map(|node| (node, Arc::default()))
        .collect();
    assert_eq!(others.len(), 2);
    for (node, pins) in &others {
        connector(node, pins).inventory().await.unwrap();
    }

    let made = desk.run_twice(&uc.connector(), vec![csr_step(true)]).await;
    assert_eq!(uc.lab.effects(&uc.node.name, Operation::CsrGenerate), 1);
    let pem = made.csr_pem.unwrap();
    let csr = Csr::from_pem(&pem).unwrap();
    assert!(
        csr.common_name.as_deref().unwrap().contains("-ms."),
        "{:?}",
        csr.common_name
    );
    let note = &made.steps[0].note;
    for node in uc.lab.nodes().iter().filter(|node| node.cluster == uc.node.cluster) {
        assert!(csr.sans.iter().any(|san| san.value == node.fqdn), "{}", node.fqdn);
    }
    assert!(!note.is_empty());
    for (node, pins) in &others {
        let open = connector(node, pins).inventory().await.unwrap().csrs;
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].csr_pem, pem, "{} holds the same", node.name);
    }

    let answer = uc.lab.outside_ca().sign(&pem, 30).unwrap();
    let trust = Step::InstallTrust {
        store: "tomcat-trust".into(),
        certificates_pem: [&answer.root, &answer.intermediate].map(Certificate::to_pem).into(),
    };
    let (installer, pins) = &others[0];
    let steps = vec![trust, install_step("tomcat", &answer), verify_step("tomcat", &answer)];
    desk.run_twice(&connector(installer, pins), steps).await;
    assert_eq!(uc.lab.effects(&installer.name, Operation::IdentityUpload), 1);

    // The nodes that nobody worked on hold it, and their next reading tells the agent what they are about to show.
    let leaf = answer.leaf.sha256_hex();
    let untouched = &others[1];
    let read = [
        uc.connector().inventory().await.unwrap(),
        connector(&untouched.0, &untouched.1).inventory().await.unwrap(),
    ];
    for inventory in &read {
        assert_eq!(installed(inventory, "tomcat"), leaf);
        assert!(inventory.csrs.is_empty(), "its CSR is answered, too");
        let entry = inventory.entries.iter().find(|entry| entry.store == "tomcat").unwrap();
        assert!(
            matches!(entry.served, Served::RestartPending { .. }),
            "{:?}",
            entry.served
        );
    }
    uc.lab.restart(&uc.node.cluster).await.unwrap();
    assert_eq!(uc.served().await, leaf);
    assert_eq!(served(installer).await, leaf);
    assert_eq!(served(&untouched.0).await, leaf);
    for inventory in [
        uc.connector().inventory().await.unwrap(),
        connector(installer, pins).inventory().await.unwrap(),
        connector(&untouched.0, &untouched.1).inventory().await.unwrap(),
    ] {
        let entry = inventory.entries.iter().find(|entry| entry.store == "tomcat").unwrap();
        assert_eq!(entry.served, Served::Served);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_shows_without_having_said_so_is_refused() {
    let uc = TestUc::start().await;
    uc.connector().inventory().await.unwrap();
    uc.share_tomcat().await;
    // Nobody read the node between the change and the restart.
    uc.lab.restart(&uc.node.name).await.unwrap();
    let error = uc.connector().inventory().await.unwrap_err();
    assert_eq!(error.code, "node_certificate_changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_makes_none_and_takes_none_from_14su2_on() {
    let uc = TestUc::start().await;
    let (desk, connector) = (Desk::new(), uc.commands());
    let refused = desk
        .run(&connector, &payload(ConnectorKind::CiscoCli, vec![csr_step(true)]))
        .await;
    let words = failure(&refused);
    assert_eq!(words.code, "unsupported_step");
    assert!(words.message.contains("generate_csr"), "{}", words.message);
    assert_eq!(uc.lab.effects(&uc.node.name, Operation::CsrGenerate), 0);

    // Made over the API, its answer by the command line.
    let made = desk
        .run(&uc.connector(), &payload(ConnectorKind::CiscoUc, vec![csr_step(true)]))
        .await;
    let answer = uc.lab.outside_ca().sign(&made.csr_pem.unwrap(), 30).unwrap();
    let step = install_step("tomcat", &answer);
    let refused = desk
        .run(&connector, &payload(ConnectorKind::CiscoCli, vec![step]))
        .await;
    let words = failure(&refused);
    assert_eq!(words.code, "unsupported_step");
    assert!(words.message.contains("install_identity"), "{}", words.message);
    assert_eq!(uc.lab.effects(&uc.node.name, Operation::IdentityUpload), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_nginx_makes_none() {
    let nginx = crate::nginx::TestNginx::start().await;
    let Step::GenerateCsr(mut spec) = nginx.csr_step() else {
        panic!("no CSR");
    };
    spec.multi_server = true;
    let task = payload(ConnectorKind::Nginx, vec![Step::GenerateCsr(spec)]);
    let refused = Desk::new().run(&nginx.connector(), &task).await;
    assert_eq!(failure(&refused).code, "unsupported_step");
}

//! The command line of UC nodes: host keys, passwords, names, discovery.

use crate::conformance::{Desk, payload};
use crate::program::{Program, text};
use crate::stub::Stub;
use crate::uc::TestUc;
use certyard_agent::connector::Connector;
use certyard_lab::Operation;
use certyard_pki::Certificate;
use certyard_protocol::*;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_host_key_is_pinned_and_another_is_refused_before_the_password_is_sent() {
    let uc = TestUc::start_old().await;
    uc.commands().inventory().await.unwrap();
    assert_eq!(
        uc.host_keys.0.lock().unwrap().as_slice(),
        std::slice::from_ref(&uc.node.ssh_host_key)
    );
    let other = format!("SHA256:{}", "A".repeat(43));
    *uc.host_keys.0.lock().unwrap() = vec![other];
    let seen = uc.lab.requests().len();
    let error = uc.commands().inventory().await.unwrap_err();
    assert_eq!((error.code, error.passing), ("node_host_key_changed", false));
    let accept = format!("--accept-host-key {}", uc.node.ssh_host_key);
    assert!(error.message.contains(&accept), "{}", error.message);
    assert_eq!(uc.lab.requests().len(), seen, "nobody signed in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_silent_node_are_told_apart() {
    let uc = TestUc::start_old().await;
    let error = uc.commands_with("wrong").inventory().await.unwrap_err();
    assert_eq!((error.code, error.passing), ("node_credentials_refused", false));
    assert!(!error.message.contains("wrong"), "{}", error.message);
    uc.lab.fault(&format!("{}:offline", uc.node.name)).await.unwrap();
    let error = uc.commands().inventory().await.unwrap_err();
    assert_eq!((error.code, error.passing), ("node_unreachable", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_counts_by_its_effect() {
    let uc = TestUc::start_old().await;
    uc.lab
        .fault(&format!("{}:regenerate:lost:1", uc.node.name))
        .await
        .unwrap();
    let connector = uc.commands();
    let inventory = connector.inventory().await.unwrap();
    let step = Step::Regenerate {
        purpose: "tomcat".into(),
        replaces_sha256: Some(crate::conformance::installed(&inventory, "tomcat")),
    };
    let result = Desk::new()
        .run(&connector, &payload(ConnectorKind::CiscoCli, vec![step]))
        .await;
    assert_eq!(result.outcome, Outcome::Succeeded, "{:?}", result.failure);
    assert_eq!(uc.lab.effects(&uc.node.name, Operation::Regenerate), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_slow_to_take_a_certificate_stays_in_step() {
    let uc = TestUc::start_old().await;
    let connector = uc.commands().with_quiet(Duration::from_millis(20));
    uc.lab.fault(&format!("{}:slow:100", uc.node.name)).await.unwrap();
    let ca = uc.lab.outside_ca();
    let step = Step::InstallTrust {
        store: "tomcat-trust".into(),
        certificates_pem: [ca.root(), ca.intermediate()].map(Certificate::to_pem).into(),
    };
    let result = Desk::new()
        .run(&connector, &payload(ConnectorKind::CiscoCli, vec![step]))
        .await;
    assert_eq!(result.outcome, Outcome::Succeeded, "{:?}", result.failure);
    assert_eq!(uc.lab.effects(&uc.node.name, Operation::TrustUpload), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_and_cannot_be_shown_is_told_and_not_taken_for_gone() {
    let uc = TestUc::start_old().await;
    let connector = uc.commands();
    let result = Desk::new()
        .run(&connector, &payload(ConnectorKind::CiscoCli, vec![uc.csr_step()]))
        .await;
    assert_eq!(result.outcome, Outcome::Succeeded, "{:?}", result.failure);
    let places = |inventory: &NodeInventory| {
        let entries = inventory.entries.iter();
        let mut places: Vec<_> = entries
            .map(|entry| (entry.store.clone(), entry.entry.clone()))
            .collect();
        places.sort();
        places
    };
    let whole = connector.inventory().await.unwrap();
    for fault in ["identity-read:500:1", "trust-read:500:1"] {
        uc.lab.fault(&format!("{}:{fault}", uc.node.name)).await.unwrap();
    }
    let part = connector.inventory().await.unwrap();
    assert_eq!(places(&part), places(&whole));
    let empty = part.entries.iter().filter(|entry| entry.certificate_pem.is_empty());
    let kinds: Vec<StoreKind> = empty.map(|entry| entry.kind).collect();
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    assert!(kinds.contains(&StoreKind::Identity) && kinds.contains(&StoreKind::Trust));

    // The list of CSRs is what is refused: nobody knows which there are.
    let fault = format!("{}:csr-read:500:1", uc.node.name);
    uc.lab.fault(&fault).await.unwrap();
    let error = connector.inventory().await.unwrap_err();
    assert_eq!(error.code, "node_refused");
    assert_eq!(places(&connector.inventory().await.unwrap()), places(&whole));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_would_be_commands_never_reach_the_node() {
    let uc = TestUc::start_old().await;
    let connector = uc.commands();
    let steps = [
        Step::RestartService {
            service: "Cisco Tomcat\nutils system shutdown".into(),
        },
        Step::DeleteTrust {
            store: "tomcat-trust x".into(),
            entry: "x".into(),
            sha256: "00".repeat(32),
        },
        Step::ReuseTomcat {
            purpose: "CallManager | x".into(),
        },
    ];
    for step in steps {
        let result = Desk::new()
            .run(&connector, &payload(ConnectorKind::CiscoCli, vec![step]))
            .await;
        assert_eq!(result.failure.unwrap().code, "name_refused");
        assert_eq!(result.node_state, NodeState::NotStarted);
    }
    assert!(uc.lab.requests().iter().all(|request| !request.changed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_activated_is_left_alone_and_that_is_a_success_with_a_note() {
    let mut uc = TestUc::start_old().await;
    let services = ["Cisco TFTP", "Cisco CallManager"];
    let restart = async |uc: &TestUc| {
        let steps = services.map(|service| Step::RestartService {
            service: service.into(),
        });
        let task = payload(ConnectorKind::CiscoCli, steps.to_vec());
        let result = Desk::new().run(&uc.commands(), &task).await;
        assert_eq!(result.failure, None);
        result.steps.into_iter().map(|step| step.note).collect::<Vec<_>>()
    };
    assert_eq!(
        restart(&uc).await,
        ["Cisco TFTP is restarted", "Cisco CallManager is restarted"]
    );
    let subscriber = uc
        .lab
        .nodes()
        .into_iter()
        .find(|node| node.cluster == uc.node.cluster && node.role == "subscriber");
    uc.node = subscriber.expect("a subscriber");
    uc.host_keys.0.lock().unwrap().clear();
    assert_eq!(
        restart(&uc).await,
        [
            "Cisco TFTP is not activated on this node: nothing to restart",
            "Cisco CallManager is restarted"
        ]
    );
    assert_eq!(uc.lab.effects(&uc.node.name, Operation::ServiceRestart), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_ssh_port_cisco_uc_refuses_by_name_what_only_the_command_line_has() {
    let uc = TestUc::start().await;
    let connector = uc.connector();
    assert!(connector.rollback_kind(StepKind::RestartService).is_none());
    let step = Step::RestartService {
        service: "Cisco Tomcat".into(),
    };
    let result = Desk::new()
        .run(&connector, &payload(ConnectorKind::CiscoUc, vec![step]))
        .await;
    let failure = result.failure.unwrap();
    assert_eq!(failure.code, "unsupported_step");
    assert!(failure.message.contains("--ssh-port"), "{}", failure.message);
    assert!(
        uc.connector()
            .with_commands(uc.commands())
            .rollback_kind(StepKind::RestartService)
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn discover_lists_the_cluster_and_adds_it_with_the_connector_of_its_release() {
    for (uc, connector, port) in [
        (TestUc::start_old().await, "cisco_cli", "22"),
        (TestUc::start().await, "cisco_uc", "443"),
    ] {
        let program = Program::new(Stub::start().await);
        let address = uc.node.ssh.to_string();
        let mut args = vec![
            "node",
            "discover",
            "--address",
            &address,
            "--user",
            &uc.node.user,
            "--password-stdin",
        ];
        let shown = program.command(&args, Some(&uc.node.password));
        assert!(shown.status.success(), "{}", text(&shown));
        let shown = text(&shown);
        for expected in ["sto-", "got-"].map(|site| format!("{site}cm-sub1")) {
            assert_eq!(
                shown.contains(&expected),
                uc.node.name.starts_with(&expected[..4]),
                "{shown}"
            );
        }
        assert!(shown.contains(&uc.node.ssh_host_key), "{shown}");
        assert!(
            text(&program.command(&["node", "list"], None)).lines().count() <= 1,
            "nothing was added"
        );
        args.extend(["--add", "--cluster", "London"]);
        let added = program.command(&args, Some(&uc.node.password));
        assert!(added.status.success(), "{}", text(&added));
        let listed = text(&program.command(&["node", "list"], None));
        let nodes: Vec<&str> = listed.lines().filter(|line| line.contains("London")).collect();
        let of_cluster = uc
            .lab
            .nodes()
            .into_iter()
            .filter(|node| node.cluster == uc.node.cluster)
            .count();
        assert_eq!(nodes.len(), of_cluster, "{listed}");
        for line in nodes {
            assert!(
                line.contains(connector) && line.contains(&format!(".holmgard.example:{port}")),
                "{line}"
            );
            assert_eq!(
                line.contains(&uc.node.ssh_host_key),
                line.contains(" publisher "),
                "{line}"
            );
        }
        assert!(!listed.contains(&uc.node.password));
        let again = program.command(&args, Some(&uc.node.password));
        assert!(text(&again).contains("is there already"), "{}", text(&again));
    }
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
async fn a_trusted_certificate_that_cannot_be_shown_is_not_taken_for_absent() {
    let uc = TestUc::start_old().await;
    let connector = uc.commands();
    let inventory = connector.inventory().await.unwrap();
    let entry = inventory
        .entries
        .iter()
        .find(|entry| entry.store == "tomcat-trust")
        .unwrap();
    let delete = |sha256: &str, entry: &str| Step::DeleteTrust {
        store: "tomcat-trust".into(),
        entry: entry.into(),
        sha256: sha256.into(),
    };
    let sha256 = Certificate::from_pem(&entry.certificate_pem).unwrap().sha256_hex();
    let task = payload(ConnectorKind::CiscoCli, vec![delete(&sha256, &entry.entry)]);
    uc.lab.fault(&format!("{}:trust-read:500", uc.node.name)).await.unwrap();
    let refused = Desk::new().run(&connector, &task).await;
    let words = failure(&refused);
    assert_eq!(words.code, "entry_unreadable");
    assert!(words.message.contains(&entry.entry), "{}", words.message);
    // Another one that is not listed is absent, whatever else cannot be shown.
    let other = payload(ConnectorKind::CiscoCli, vec![delete(&"ab".repeat(32), "nobody.pem")]);
    let done = Desk::new().run(&connector, &other).await;
    assert_eq!(done.outcome, Outcome::Succeeded, "{:?}", done.failure);
    uc.lab.clear_faults("*").await.unwrap();
    assert_eq!(uc.lab.effects(&uc.node.name, Operation::TrustDelete), 0);
    assert_eq!(connector.inventory().await.unwrap().digest, inventory.digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_cannot_be_shown_is_not_taken_for_renewed() {
    let uc = TestUc::start_old().await;
    let connector = uc.commands();
    let inventory = connector.inventory().await.unwrap();
    let step = Step::Regenerate {
        purpose: "tomcat".into(),
        replaces_sha256: Some(crate::conformance::installed(&inventory, "tomcat")),
    };
    uc.lab
        .fault(&format!("{}:identity-read:500", uc.node.name))
        .await
        .unwrap();
    let task = payload(ConnectorKind::CiscoCli, vec![step]);
    let refused = Desk::new().run(&connector, &task).await;
    assert_eq!(failure(&refused).code, "entry_unreadable");
    uc.lab.clear_faults("*").await.unwrap();
    assert_eq!(uc.lab.effects(&uc.node.name, Operation::Regenerate), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn r23_what_a_neighbour_deletes_between_the_look_and_the_command_is_a_success_with_a_note() {
    for (uc, kind) in [
        (TestUc::start_old().await, ConnectorKind::CiscoCli),
        (TestUc::start_14().await, ConnectorKind::CiscoCli),
        (TestUc::start_14().await, ConnectorKind::CiscoUc),
    ] {
        let connector: Box<dyn Connector> = match kind {
            ConnectorKind::CiscoUc => Box::new(uc.connector().with_commands(uc.commands())),
            ConnectorKind::CiscoCli | ConnectorKind::Nginx => Box::new(uc.commands()),
        };
        let store = "TVS-trust";
        let inventory = connector.inventory().await.unwrap();
        let entry = inventory.entries.iter().find(|entry| entry.store == store).unwrap();
        let sha256 = Certificate::from_pem(&entry.certificate_pem).unwrap().sha256_hex();
        let delete = Step::DeleteTrust {
            store: store.into(),
            entry: entry.entry.clone(),
            sha256: sha256.clone(),
        };
        let asked = || {
            let requests = uc.lab.requests().into_iter();
            requests
                .filter(|request| request.operation == Some(Operation::TrustDelete))
                .count()
        };
        uc.lab
            .fault(&format!("{}:trust-delete:absent:1", uc.node.name))
            .await
            .unwrap();
        // A second task finds it gone when it looks, and asks for nothing.
        for task in 1..=2 {
            let steps = vec![delete.clone(), Step::Inventory];
            let result = Desk::new().run(connector.as_ref(), &payload(kind, steps)).await;
            assert_eq!(
                result.outcome,
                Outcome::Succeeded,
                "{kind:?} {task}: {:?}",
                result.failure
            );
            assert_eq!(
                result.steps[0].note,
                format!("nothing to delete: the certificate is not in {store} of this node")
            );
            assert_eq!(asked(), 1, "{kind:?} {task}");
            let left = result.inventory.unwrap().entries;
            let left = left.iter().filter(|entry| entry.store == store);
            assert!(
                left.map(|entry| Certificate::from_pem(&entry.certificate_pem).unwrap().sha256_hex())
                    .all(|held| held != sha256)
            );
        }
        assert_eq!(uc.lab.effects(&uc.node.name, Operation::TrustDelete), 0);
        // Another failure is one.
        let other = inventory
            .entries
            .iter()
            .find(|one| one.store == "tomcat-trust")
            .unwrap();
        let delete = Step::DeleteTrust {
            store: other.store.clone(),
            entry: other.entry.clone(),
            sha256: Certificate::from_pem(&other.certificate_pem).unwrap().sha256_hex(),
        };
        uc.lab
            .fault(&format!("{}:trust-delete:500:1", uc.node.name))
            .await
            .unwrap();
        let result = Desk::new().run(connector.as_ref(), &payload(kind, vec![delete])).await;
        assert_eq!(failure(&result).code, "node_refused", "{kind:?}");
    }
}

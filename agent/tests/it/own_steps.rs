//! The part of the conformance suite for steps that need no certificate from outside: each is a wanted state, and twice is once.

use crate::conformance::{Desk, Rig, Row, installed, payload, unsupported};
use certyard_agent::connector::Connector;
use certyard_lab::Answer;
use certyard_pki::Certificate;
use certyard_protocol::*;

/// The entry of a trust store that holds a certificate.
fn entry_of(inventory: &NodeInventory, store: &str, sha256: &str) -> Option<String> {
    let holds = |entry: &&InventoryEntry| {
        let certificate = Certificate::from_pem(&entry.certificate_pem).unwrap();
        entry.store == store && entry.kind == StoreKind::Trust && certificate.sha256_hex() == sha256
    };
    let found = inventory.entries.iter().find(holds)?;
    Some(found.entry.clone())
}

pub async fn prove<R: Rig>(rig: &R, desk: &Desk, connector: &dyn Connector, answer: &Answer, table: &mut Vec<Row>) {
    let purpose = rig.purpose().to_owned();
    let root = answer.root.sha256_hex();
    let inventory = connector.inventory().await.unwrap();
    let steps = [
        Step::DeleteCsr {
            purpose: purpose.clone(),
        },
        Step::Regenerate {
            purpose: purpose.clone(),
            replaces_sha256: Some(installed(&inventory, &purpose)),
        },
        Step::RestartService {
            service: "Cisco Tomcat".into(),
        },
        Step::DeleteTrust {
            store: rig.trust_store().into(),
            entry: entry_of(&inventory, rig.trust_store(), &root).unwrap_or_default(),
            sha256: root.clone(),
        },
        Step::ReuseTomcat {
            purpose: "CallManager".into(),
        },
    ];
    for step in steps {
        let kind = step.kind();
        if connector.rollback_kind(kind).is_none() {
            let refused = unsupported(desk, connector, step).await;
            table.push((kind, "no", refused, String::new()));
            continue;
        }
        if kind == StepKind::DeleteCsr {
            let made = desk.run_twice(connector, vec![rig.csr_step()]).await;
            assert!(made.csr_pem.is_some());
        }
        if kind == StepKind::ReuseTomcat && rig.prepare_reuse().await.is_none() {
            let task = payload(connector.capability().connector, vec![step]);
            let result = desk.run(connector, &task).await;
            assert_eq!(
                (result.outcome, result.node_state),
                (Outcome::Failed, NodeState::NotStarted)
            );
            assert_eq!(rig.effects(kind), 0);
            table.push((kind, "yes", "the release refuses it".into(), String::new()));
            continue;
        }
        let before = rig.effects(kind);
        desk.run_twice(connector, vec![step.clone()]).await;
        assert_eq!(
            rig.effects(kind) - before,
            1,
            "two tries of {} had one effect",
            kind.as_str()
        );
        let mut twice = "1 effect of 2 tries".to_owned();
        if kind != StepKind::RestartService {
            // As another task, after the first has ended: what is wanted is there, and says so.
            let again = desk
                .run(
                    connector,
                    &payload(connector.capability().connector, vec![step.clone()]),
                )
                .await;
            assert_eq!(again.outcome, Outcome::Succeeded, "{:?}", again.failure);
            assert_eq!(rig.effects(kind) - before, 1, "{} is a wanted state", kind.as_str());
            twice.push_str(&format!("; then: {}", again.steps[0].note));
        }
        holds(rig, connector, &step).await;
        table.push((kind, "yes", twice.chars().take(62).collect(), String::new()));
    }
}

/// The wanted state is there, as another look at the node shows.
async fn holds<R: Rig>(rig: &R, connector: &dyn Connector, step: &Step) {
    let inventory = connector.inventory().await.unwrap();
    match step {
        Step::DeleteCsr { purpose } => assert!(inventory.csrs.iter().all(|csr| csr.purpose != *purpose)),
        Step::Regenerate {
            purpose,
            replaces_sha256,
        } => {
            assert_ne!(Some(installed(&inventory, purpose)), *replaces_sha256);
            let entry = inventory.entries.iter().find(|entry| entry.store == *purpose).unwrap();
            assert!(
                matches!(entry.served, Served::RestartPending { .. }),
                "{:?}",
                entry.served
            );
        }
        Step::RestartService { .. } => assert_eq!(rig.served().await, installed(&inventory, rig.purpose())),
        Step::DeleteTrust { store, sha256, .. } => assert_eq!(entry_of(&inventory, store, sha256), None),
        Step::ReuseTomcat { purpose } => assert_eq!(installed(&inventory, purpose), installed(&inventory, "tomcat")),
        Step::GenerateCsr(_)
        | Step::InstallTrust { .. }
        | Step::InstallIdentity { .. }
        | Step::Activate { .. }
        | Step::Verify { .. }
        | Step::Inventory => panic!("{} is proven elsewhere", step.kind().as_str()),
    }
}

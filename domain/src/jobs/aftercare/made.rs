//! What the tasks of a family have really done on each node, from their reports. Pure.

use crate::catalogue::{After, Replication, trust_stores_of};
use crate::jobs::state::TaskState;
use crate::plans::Work;
use certyard_protocol::{Step, StepKind, StepReport};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A task that has ended.
pub(super) struct Ended {
    pub node_id: Uuid,
    pub action: String,
    pub state: String,
    pub node_state: Option<String>,
    pub work: Work,
    /// What its agent reported.
    pub reports: Vec<StepReport>,
}

/// A purpose or trust store that was changed, and where.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changed {
    /// Nodes whose services have to take it up.
    pub nodes: BTreeSet<Uuid>,
    /// Services that were restarted since, with the nodes.
    pub restarted: BTreeMap<String, BTreeSet<Uuid>>,
}

impl Changed {
    /// Another change needs another restart.
    fn again(&mut self, nodes: &[Uuid]) {
        self.nodes.extend(nodes.iter().copied());
        for restarted in self.restarted.values_mut() {
            restarted.retain(|node| !nodes.contains(node));
        }
    }
}

/// What was changed, by purpose or store and by kind, in order.
pub(super) type Changes = BTreeMap<(String, After), Changed>;

/// Adds what a task has done to that of the tasks that ended before it.
pub(super) fn add(changes: &mut Changes, task: &Ended) {
    let made = made(task);
    let deletes = task.work.steps.iter().any(|step| step.kind() == StepKind::DeleteTrust);
    for step in made {
        match step {
            Step::Regenerate { purpose, .. }
            | Step::InstallIdentity { purpose, .. }
            | Step::ReuseTomcat { purpose } => {
                let nodes = reached(task, true);
                for purpose in std::iter::once(purpose).chain(&task.work.also) {
                    let one = changes.entry((purpose.clone(), After::Change)).or_default();
                    one.again(&nodes);
                }
            }
            Step::InstallTrust { store, .. } => {
                let nodes = reached(task, everywhere(&task.work.product, store, After::Import));
                changes.entry((store.clone(), After::Import)).or_default().again(&nodes);
                // Another of its name went with it.
                if task.action == "replace" && !deletes {
                    changes
                        .entry((store.clone(), After::Deletion))
                        .or_default()
                        .again(&nodes);
                }
            }
            Step::DeleteTrust { store, .. } => {
                let nodes = reached(task, everywhere(&task.work.product, store, After::Deletion));
                changes
                    .entry((store.clone(), After::Deletion))
                    .or_default()
                    .again(&nodes);
            }
            Step::RestartService { service } => {
                for one in changes.values_mut().filter(|one| one.nodes.contains(&task.node_id)) {
                    one.restarted.entry(service.clone()).or_default().insert(task.node_id);
                }
            }
            Step::GenerateCsr(_)
            | Step::DeleteCsr { .. }
            | Step::Activate { .. }
            | Step::Verify { .. }
            | Step::Inventory => {}
        }
    }
}

/// The nodes that a step of a task takes effect on.
fn reached(task: &Ended, everywhere: bool) -> Vec<Uuid> {
    let others = task.work.reaches.iter().filter(|_| everywhere).copied();
    std::iter::once(task.node_id).chain(others).collect()
}

/// Whether the product carries such a change of a trust store to all nodes of the cluster.
fn everywhere(product: &str, store: &str, after: After) -> bool {
    trust_stores_of(product)
        .filter(|known| known.name == store)
        .any(|known| match after {
            After::Import => known.import == Replication::Cluster,
            After::Deletion => known.delete == Replication::Cluster,
            After::Change => false,
        })
}

/// The steps of a task that have taken effect; where nobody can say, those that may have: somebody has to look.
fn made(task: &Ended) -> Vec<&Step> {
    let steps = &task.work.steps;
    if task.state == TaskState::Succeeded.as_str() {
        return steps.iter().collect();
    }
    match task.node_state.as_deref() {
        Some("changed" | "partial") => steps
            .iter()
            .zip(&task.reports)
            .take_while(|(step, report)| step.kind() == report.step)
            .filter(|(_, report)| report.ok)
            .map(|(step, _)| step)
            .collect(),
        Some("unknown" | "rollback_failed") => steps
            .iter()
            .filter(|step| step.kind() != StepKind::RestartService)
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use certyard_protocol::ConnectorKind;

    fn node(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn restart(service: &str) -> Step {
        Step::RestartService {
            service: service.into(),
        }
    }

    fn regenerate() -> Step {
        Step::Regenerate {
            purpose: "tomcat".into(),
            replaces_sha256: None,
        }
    }

    fn import(store: &str) -> Step {
        Step::InstallTrust {
            store: store.into(),
            certificates_pem: Vec::new(),
        }
    }

    fn deletion(store: &str) -> Step {
        Step::DeleteTrust {
            store: store.into(),
            entry: "old".into(),
            sha256: String::new(),
        }
    }

    /// A task on node 1 whose first `done` steps were done; `None`: it has succeeded.
    fn task(action: &str, steps: Vec<Step>, done: Option<usize>) -> Ended {
        let reports = |done: usize| {
            let begun = steps.iter().take(done + 1).enumerate();
            begun
                .map(|(at, step)| StepReport {
                    step: step.kind(),
                    ok: at < done,
                    note: String::new(),
                    started_at: chrono::DateTime::UNIX_EPOCH,
                    millis: 1,
                })
                .collect()
        };
        Ended {
            node_id: node(1),
            action: action.into(),
            state: if done.is_some() { "failed" } else { "succeeded" }.into(),
            node_state: done.map(|_| "partial".into()),
            reports: done.map_or_else(Vec::new, reports),
            work: Work {
                connector: ConnectorKind::CiscoUc,
                product: "cucm".into(),
                agents: Vec::new(),
                steps,
                expect: Vec::new(),
                after: None,
                certificate: None,
                reaches: vec![node(2)],
                goes_on: false,
                made: Vec::new(),
                version: "14".into(),
                also: Vec::new(),
            },
        }
    }

    fn all(tasks: &[Ended]) -> Changes {
        let mut changes = Changes::new();
        for task in tasks {
            add(&mut changes, task);
        }
        changes
    }

    #[test]
    fn what_was_done_before_the_failure_counts_and_the_retry_adds_to_it() {
        let steps = vec![regenerate(), restart("Cisco Tomcat"), restart("Cisco TFTP")];
        let first = task("renew", steps, Some(2));
        let after = |tasks: &[Ended]| {
            let mut changes = all(tasks);
            let tomcat = changes.remove(&("tomcat".into(), After::Change)).unwrap_or_default();
            tomcat.restarted.into_keys().collect::<Vec<String>>()
        };
        assert_eq!(after(std::slice::from_ref(&first)), ["Cisco Tomcat"]);
        let retry = task("renew", vec![restart("Cisco TFTP"), Step::Inventory], None);
        assert_eq!(after(&[first, retry]), ["Cisco TFTP", "Cisco Tomcat"]);
        // A restart before the change is none after it.
        let again = task("renew", vec![regenerate()], None);
        let before = task("restart", vec![restart("Cisco Tomcat")], None);
        assert_eq!(after(&[before, again]), [] as [&str; 0]);
    }

    #[test]
    fn nothing_follows_from_what_was_not_begun_or_was_undone() {
        for state in ["not_started", "rolled_back"] {
            let mut one = task("renew", vec![regenerate()], Some(1));
            one.node_state = Some(state.into());
            assert!(all(&[one]).is_empty(), "{state}");
        }
        assert!(all(&[task("renew", vec![regenerate()], Some(0))]).is_empty());
        // Nobody knows: the change is looked after, and no restart is taken for made.
        let mut lost = task("renew", vec![regenerate(), restart("Cisco Tomcat")], Some(0));
        lost.node_state = Some("unknown".into());
        let found = all(&[lost]);
        assert!(found[&("tomcat".to_string(), After::Change)].restarted.is_empty());
    }

    #[test]
    fn a_change_of_a_trust_store_reaches_as_far_as_the_product_carries_it() {
        let both = BTreeSet::from([node(1), node(2)]);
        let one = BTreeSet::from([node(1)]);
        // An import into CAPF-trust stays on its node, a deletion from it does not; TVS-trust is the node's own.
        for (store, imported, deleted) in [
            ("tomcat-trust", &both, &both),
            ("CAPF-trust", &one, &both),
            ("TVS-trust", &one, &one),
        ] {
            let found = all(&[task("replace", vec![import(store), deletion(store)], None)]);
            assert_eq!(&found[&(store.to_string(), After::Import)].nodes, imported, "{store}");
            assert_eq!(&found[&(store.to_string(), After::Deletion)].nodes, deleted, "{store}");
        }
    }

    #[test]
    fn a_replacement_of_the_same_name_is_an_import_and_a_deletion() {
        let found = all(&[task("replace", vec![import("tomcat-trust")], None)]);
        assert_eq!(found.len(), 2, "{found:?}");
        let found = all(&[task("distribute", vec![import("tomcat-trust")], None)]);
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

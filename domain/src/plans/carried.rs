//! What the product carries from one node's trust store to those of its neighbours: they are read once it was done, so that the inventory
//! does not show for hours what has been gone since (cisco.md 2.5).

use super::Drafted;
use super::coverage::Reading;
use super::gather::Gathered;
use crate::catalogue::{Replication, trust_stores_of};
use certyard_pki::Certificate;
use certyard_protocol::Step;
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// One change of a trust store: whether something is put in, the store, and the certificate: its PEM, or its SHA-256 where it goes.
type Change<'a> = (bool, &'a str, &'a str);

/// The changes of a target that reach the other nodes of its cluster.
fn carried<'a>(product: &str, steps: &'a [Step]) -> Vec<Change<'a>> {
    let everywhere = |name: &str, put: bool| {
        trust_stores_of(product)
            .filter(|store| store.name == name)
            .any(|store| (if put { store.import } else { store.delete }) == Replication::Cluster)
    };
    let mut all = Vec::new();
    for step in steps {
        match step {
            Step::InstallTrust {
                store,
                certificates_pem,
            } if everywhere(store, true) => {
                all.extend(certificates_pem.iter().map(|pem| (true, store.as_str(), pem.as_str())));
            }
            Step::DeleteTrust { store, sha256, .. } if everywhere(store, false) => {
                all.push((false, store.as_str(), sha256.as_str()));
            }
            Step::InstallTrust { .. }
            | Step::DeleteTrust { .. }
            | Step::GenerateCsr(_)
            | Step::DeleteCsr { .. }
            | Step::InstallIdentity { .. }
            | Step::Regenerate { .. }
            | Step::ReuseTomcat { .. }
            | Step::RestartService { .. }
            | Step::Activate { .. }
            | Step::Verify { .. }
            | Step::Inventory => {}
        }
    }
    all
}

/// Adds the nodes that something is carried to which no target of their own does: who does it is read with it anyway.
pub(super) fn add_readings(gathered: &Gathered, drafted: &[Drafted], readings: &mut BTreeMap<Uuid, Reading>) {
    let mut changes: HashMap<Uuid, HashMap<Change<'_>, HashSet<Uuid>>> = HashMap::new();
    let mut last: HashMap<Uuid, (usize, &str)> = HashMap::new();
    for (position, draft) in drafted.iter().enumerate() {
        let Some(work) = &draft.work else { continue };
        for change in carried(&work.product, &work.steps) {
            let of_cluster = changes.entry(draft.cluster_id).or_default();
            of_cluster.entry(change).or_default().insert(draft.node_id);
            last.insert(draft.cluster_id, (position, draft.node_name.as_str()));
        }
    }
    let imported = changes.values().flat_map(HashMap::keys).filter(|(put, ..)| *put);
    let texts: HashSet<&str> = imported.map(|(_, _, pem)| *pem).collect();
    let sha256: HashMap<&str, String> = texts
        .into_iter()
        .filter_map(|pem| Some((pem, Certificate::from_pem(pem).ok()?.sha256_hex())))
        .collect();
    for (cluster, changes) in changes {
        let Some((position, maker)) = last.get(&cluster) else {
            continue;
        };
        // What a node was seen with before stays, and what it was never seen with cannot go.
        let lacks = |node: &Uuid| {
            changes.iter().any(|((put, store, what), nodes)| {
                let there = match put {
                    true => sha256
                        .get(what)
                        .is_some_and(|sha256| gathered.trusts(*node, store, sha256)),
                    false => gathered.holds(*node, store, what),
                };
                !nodes.contains(node) && there != *put
            })
        };
        let nodes: Vec<Uuid> = gathered.in_use(cluster).iter().copied().filter(lacks).collect();
        if nodes.is_empty() {
            continue;
        }
        let reading = readings.entry(cluster).or_insert_with(|| Reading {
            position: *position,
            maker: (*maker).to_string(),
            nodes: Default::default(),
        });
        if reading.position < *position {
            reading.position = *position;
            reading.maker = (*maker).to_string();
        }
        reading.nodes.extend(nodes);
    }
}

//! What reaches all nodes of a cluster by itself, and what does not.
//!
//! A multi-server CSR is made on one node, and its answer taken on one: the product spreads both (cisco.md 2.4). So of the
//! targets of a plan one does it, the others are refused as covered by it, and every other node of the cluster that can be read
//! is read afterwards.

use super::Drafted;
use super::actions::{Refusal, read};
use super::facts::{Facts, Holding};
use super::gather::{Decision, Gathered};
use super::preview::Preview;
use super::resolve::Aim;
use crate::catalogue::{names_multi_server, purpose_info};
use crate::nodes::is_named;
use certyard_pki::Csr;
use certyard_protocol::{Step, StepKind};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Code of the refusal where another target of the plan does it for the whole cluster.
pub(super) const COVERED: &str = "covered_by_cluster";

/// Nodes that a certificate or CSR with these names does not name.
pub(super) fn unnamed<'a>(cluster: &'a [Holding], names: &[String]) -> Vec<&'a str> {
    cluster
        .iter()
        .filter(|holding| !is_named(holding.known_as.iter().map(String::as_str), names))
        .map(|holding| holding.node.as_str())
        .collect()
}

/// Names of nodes in a sentence.
pub(super) fn listed(nodes: &[&str]) -> String {
    format!("`{}`", nodes.join("`, `"))
}

/// Whether an open CSR is for all nodes of the cluster: another node holds the same, its name says so, or it names several.
pub(super) fn is_multi_server(facts: &Facts<'_>, csr: &Csr) -> bool {
    let covers = purpose_info(&facts.node.product, &facts.node.product_version, facts.purpose)
        .is_some_and(|info| info.takes_multi_server(&facts.node.product_version));
    if !covers {
        return false;
    }
    let spki = hex::encode(csr.spki_sha256);
    let same = facts
        .cluster
        .iter()
        .any(|other| other.node_id != facts.node.id && other.csr.as_deref() == Some(spki.as_str()));
    let names: Vec<String> = csr.sans.iter().map(|san| san.value.clone()).collect();
    let named = facts.cluster.len() - unnamed(facts.cluster, &names).len();
    let called = |name: &str| {
        // A host may be called so itself.
        let own = facts.cluster.iter().any(|holding| {
            let known = holding.known_as.iter().map(String::as_str);
            is_named(known, &[name.to_string()])
        });
        names_multi_server(name) && !own
    };
    same || csr.common_name.as_deref().is_some_and(called) || named > 1
}

/// The other nodes in use of the target's cluster.
pub(super) fn others(facts: &Facts<'_>) -> Vec<Uuid> {
    let all = facts.cluster.iter().map(|other| other.node_id);
    all.filter(|id| *id != facts.node.id).collect()
}

/// A target that does something for its whole cluster.
#[derive(Clone, Debug)]
pub(super) struct Maker {
    /// Its place in the plan.
    position: usize,
    node_id: Uuid,
    node: String,
    /// What it does, in a sentence.
    does: &'static str,
}

/// What is done once for a cluster, in a sentence that goes on with the purpose.
fn does(mut steps: impl Iterator<Item = StepKind>) -> &'static str {
    let known = steps.find_map(|step| match step {
        StepKind::GenerateCsr => Some("makes the CSR for"),
        StepKind::InstallIdentity => Some("takes the certificate for"),
        StepKind::DeleteCsr => Some("deletes the CSR for"),
        StepKind::ReuseTomcat => Some("reuses the certificate of tomcat for"),
        StepKind::InstallTrust
        | StepKind::Regenerate
        | StepKind::DeleteTrust
        | StepKind::RestartService
        | StepKind::Activate
        | StepKind::Verify
        | StepKind::Inventory => None,
    });
    known.unwrap_or("changes")
}

/// Leaves one of the targets that would do the same for their cluster, the first one, and refuses the others as covered by it.
/// Gives the last of these targets of each cluster.
pub(super) fn cover(decided: &mut [(&Aim, Decision<'_>)]) -> BTreeMap<Uuid, Maker> {
    let mut first: HashMap<(Uuid, &str, String), Maker> = HashMap::new();
    let mut covered: Vec<(usize, Maker)> = Vec::new();
    for (position, (aim, decision)) in decided.iter().enumerate() {
        let Ok(draft) = &decision.outcome else { continue };
        let Some(what) = &draft.spreads else { continue };
        let key = (decision.node.cluster_id, aim.purpose.as_str(), what.clone());
        if let Some(maker) = first.get(&key) {
            covered.push((position, maker.clone()));
            continue;
        }
        let maker = Maker {
            position,
            node_id: decision.node.id,
            node: decision.node.name.clone(),
            does: does(draft.work.steps.iter().map(Step::kind)),
        };
        first.insert(key, maker);
    }
    // A node that was not read since holds the CSR as well.
    for (position, (aim, decision)) in decided.iter().enumerate() {
        if !matches!(&decision.outcome, Err(refusal) if refusal.code == "no_csr") {
            continue;
        }
        let maker = first
            .iter()
            .filter(|((cluster, purpose, _), _)| *cluster == decision.node.cluster_id && *purpose == aim.purpose)
            .map(|(_, maker)| maker)
            .min_by_key(|maker| maker.position);
        covered.extend(maker.map(|maker| (position, maker.clone())));
    }
    let mut last: BTreeMap<Uuid, Maker> = BTreeMap::new();
    for ((cluster, _, _), maker) in first {
        match last.get(&cluster) {
            Some(other) if other.position > maker.position => {}
            Some(_) | None => drop(last.insert(cluster, maker)),
        }
    }
    for (position, maker) in covered {
        let Some((aim, decision)) = decided.get_mut(position) else {
            continue;
        };
        let (node, cluster) = (&decision.node.name, &decision.node.cluster_name);
        let message = format!(
            "node `{}` {} `{}` on behalf of all nodes of cluster `{cluster}`: it comes to node `{node}` by itself",
            maker.node, maker.does, aim.purpose
        );
        decision.outcome = Err(Refusal { code: COVERED, message });
    }
    last
}

/// Nodes of a cluster that are read once a target has ended, as its work reaches them by itself.
#[derive(Debug)]
pub(super) struct Reading {
    /// Place of the target in the plan.
    pub position: usize,
    /// Name of its node.
    pub maker: String,
    /// The nodes.
    pub nodes: BTreeSet<Uuid>,
}

/// The other nodes of the clusters of these targets.
pub(super) fn readings(gathered: &Gathered, makers: BTreeMap<Uuid, Maker>) -> BTreeMap<Uuid, Reading> {
    let others = |cluster: Uuid, maker: &Maker| {
        let all = gathered.in_use(cluster).iter().copied();
        all.filter(|id| *id != maker.node_id).collect()
    };
    makers
        .into_iter()
        .map(|(cluster, maker)| {
            let reading = Reading {
                position: maker.position,
                nodes: others(cluster, &maker),
                maker: maker.node,
            };
            (cluster, reading)
        })
        .collect()
}

/// Adds the nodes that are to be read to the plan. Those that nobody can read now are left out.
pub(super) fn read_others(gathered: &Gathered, readings: &BTreeMap<Uuid, Reading>, drafted: &mut Vec<Drafted>) {
    // As a retry names them.
    let named: HashMap<Uuid, usize> = drafted
        .iter()
        .enumerate()
        .filter(|(_, draft)| draft.purpose.is_empty() && draft.work.is_some())
        .map(|(at, draft)| (draft.node_id, at))
        .collect();
    for (cluster, reading) in readings {
        let wave = drafted.get(reading.position).map_or(0, |draft| draft.wave);
        let after = i64::try_from(reading.position).ok();
        // The publisher first, as the plan itself has them.
        for node_id in gathered.in_use(*cluster) {
            if !reading.nodes.contains(node_id) {
                continue;
            }
            if let Some(draft) = named.get(node_id).and_then(|at| drafted.get_mut(*at)) {
                // In the wave of what it waits for, or neither would ever begin.
                draft.wave = wave;
                if let Some(work) = &mut draft.work {
                    work.after = after;
                }
                continue;
            }
            drafted.extend(read_after(gathered, *node_id, wave, after, &reading.maker));
        }
    }
}

fn read_after(gathered: &Gathered, node_id: Uuid, wave: i32, after: Option<i64>, maker: &str) -> Option<Drafted> {
    let aim = Aim {
        node_id,
        purpose: String::new(),
        sha256: None,
        refusal: None,
        earlier: None,
    };
    let facts = gathered.facts(&aim)?;
    let draft = read(&facts).ok()?;
    let mut work = draft.work;
    work.after = after;
    let mut notes = draft.preview.notes;
    notes.push(format!("read after node `{maker}`, whose work comes to it by itself"));
    Some(Drafted {
        node_id: facts.node.id,
        cluster_id: facts.node.cluster_id,
        node_name: facts.node.name.clone(),
        cluster_name: facts.node.cluster_name.clone(),
        purpose: String::new(),
        wave,
        expect: super::facts::Expect::of(&facts),
        refusal: None,
        work: Some(work),
        preview: Preview { notes, ..draft.preview },
    })
}

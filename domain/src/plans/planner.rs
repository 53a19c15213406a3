//! Which changes must not be made in one go (cisco.md 2.6): phones trust one certificate by the other, and lose both.

use super::actions::Refusal;
use super::facts::{Facts, Node, Recent};
use super::gather::Decision;
use super::preview::Warning;
use super::request::Request;
use super::resolve::Aim;
use crate::catalogue::{UNSAFE_TOGETHER, UnsafeTogether};
use std::collections::HashSet;
use uuid::Uuid;

/// Refuses a change whose counterpart is under way in the cluster, or was made so lately that phones may not have taken it; with a
/// reason it is a warning.
pub(super) fn settled(request: &Request, facts: &Facts<'_>) -> Result<Option<Warning>, Refusal> {
    if !request.action.changes_identity() {
        return Ok(None);
    }
    let Some((row, other, recent)) = counterpart(facts) else {
        return Ok(None);
    };
    let why = match recent {
        Recent::Open => "is being changed",
        Recent::Made => "was changed within the last 24 hours",
    };
    let text = format!(
        "`{other}` of cluster `{}` {why}: wait until the phones have registered again, else {}",
        facts.node.cluster_name, row.note
    );
    weigh(request, text).map(Some)
}

/// The change elsewhere in the cluster with which one of this purpose, or of one that uses its certificate, must not go together.
pub(super) fn counterpart(facts: &Facts<'_>) -> Option<(&'static UnsafeTogether, &'static str, Recent)> {
    let node = facts.node;
    std::iter::once(facts.purpose)
        .chain(facts.reused_by.iter().copied())
        .flat_map(|purpose| UNSAFE_TOGETHER.iter().map(move |row| (row, purpose)))
        .filter(|(row, _)| row.product == node.product)
        .find_map(|(row, purpose)| {
            let other = match purpose {
                purpose if purpose == row.one => row.other,
                purpose if purpose == row.other => row.one,
                _ => return None,
            };
            let recent = facts.shared.recent.get(&(node.cluster_id, other.to_string()))?;
            Some((row, other, *recent))
        })
}

/// The purposes that a target changes: its own, and those that use its certificate.
fn changed<'a>(aim: &'a Aim, decision: &Decision<'_>) -> Vec<&'a str> {
    match &decision.outcome {
        // What is left of an earlier task changes no certificate.
        Ok(draft) if draft.work.goes_on => Vec::new(),
        Ok(draft) => std::iter::once(aim.purpose.as_str())
            .chain(draft.also.iter().copied())
            .collect(),
        Err(_) => Vec::new(),
    }
}

/// The purposes of a plan that are changed, by cluster.
pub(super) struct Together {
    accepted: HashSet<(Uuid, String)>,
}

impl Together {
    /// Refuses the second of two changes of one plan; with a reason it is a warning, and [`Together::waits`] for the first.
    pub fn keep_apart(request: &Request, decided: &mut [(&Aim, Decision<'_>)]) -> Self {
        let mut together = Self {
            accepted: HashSet::new(),
        };
        if !request.action.changes_identity() {
            return together;
        }
        for (aim, decision) in decided.iter() {
            let cluster = decision.node.cluster_id;
            let all = changed(aim, decision);
            together
                .accepted
                .extend(all.into_iter().map(|purpose| (cluster, purpose.to_string())));
        }
        for (aim, decision) in decided.iter_mut() {
            let node = decision.node;
            let all = changed(aim, decision);
            let partners: Vec<&UnsafeTogether> = together.partners(node, &all).collect();
            let Some(row) = partners.first() else { continue };
            let first: Vec<String> = partners.iter().map(|row| format!("`{}`", row.one)).collect();
            let text = format!(
                "`{}` of cluster `{}` would be changed in one go with {}: change that first and wait until the phones have registered again, else {}",
                aim.purpose,
                node.cluster_name,
                first.join(" and "),
                row.note
            );
            match (weigh(request, text), &mut decision.outcome) {
                (Ok(warning), Ok(draft)) => draft.preview.warnings.push(warning),
                (Err(refusal), Ok(_)) => decision.outcome = Err(refusal),
                (_, Err(_)) => {}
            }
        }
        together
    }

    /// Whether a target waits until all that the plan changes before it has ended.
    pub fn waits(&self, aim: &Aim, decision: &Decision<'_>) -> bool {
        self.partners(decision.node, &changed(aim, decision)).next().is_some()
    }

    fn partners(&self, node: &Node, purposes: &[&str]) -> impl Iterator<Item = &'static UnsafeTogether> {
        UNSAFE_TOGETHER.iter().filter(move |row| {
            row.product == node.product
                && purposes.contains(&row.other)
                && self.accepted.contains(&(node.cluster_id, row.one.to_string()))
        })
    }
}

/// Whether a change stands behind all others of its plan.
pub(super) fn comes_later(aim: &Aim, decision: &Decision<'_>) -> bool {
    let product = decision.node.product.as_str();
    let all = changed(aim, decision);
    UNSAFE_TOGETHER
        .iter()
        .any(|row| row.product == product && all.contains(&row.other))
}

fn weigh(request: &Request, text: String) -> Result<Warning, Refusal> {
    let reason = request.override_reason.trim();
    if reason.is_empty() {
        return Err(Refusal {
            code: "unsafe_together",
            message: format!("{text}; or say in `override_reason` why it is done all the same"),
        });
    }
    Ok(Warning::consent(
        "unsafe_together",
        format!("{text} (overridden: {reason})"),
    ))
}

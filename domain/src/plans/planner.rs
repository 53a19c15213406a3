//! Which changes must not be made in one go (cisco.md 2.6): phones trust one certificate by the other, and lose both.

use super::actions::Refusal;
use super::facts::{Facts, Recent};
use super::gather::Decision;
use super::preview::Warning;
use super::request::Request;
use super::resolve::Aim;
use crate::catalogue::{UNSAFE_TOGETHER, UnsafeTogether};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Refuses a change whose counterpart is under way in the cluster, or was made so lately that phones may not have taken it; with a
/// reason it is a warning.
pub(super) fn settled(request: &Request, facts: &Facts<'_>) -> Result<Option<Warning>, Refusal> {
    if !request.action.changes_identity() {
        return Ok(None);
    }
    let node = facts.node;
    for row in UNSAFE_TOGETHER.iter().filter(|row| row.product == node.product) {
        let other = match facts.purpose {
            purpose if purpose == row.one => row.other,
            purpose if purpose == row.other => row.one,
            _ => continue,
        };
        let why = match facts.shared.recent.get(&(node.cluster_id, other.to_string())) {
            None => continue,
            Some(Recent::Open) => "is being changed",
            Some(Recent::Made) => "was changed within the last 24 hours",
        };
        let text = format!(
            "`{other}` of cluster `{}` {why}: wait until the phones have registered again, else {}",
            node.cluster_name, row.note
        );
        return weigh(request, text).map(Some);
    }
    Ok(None)
}

/// Refuses the second of two changes of one plan, or puts it behind the first where a reason is given.
pub(super) fn keep_apart(request: &Request, decided: &mut [(&Aim, Decision<'_>)]) {
    if !request.action.changes_identity() {
        return;
    }
    let accepted: HashSet<(Uuid, String)> = decided
        .iter()
        .filter(|(_, decision)| decision.outcome.is_ok())
        .map(|(aim, decision)| (decision.node.cluster_id, aim.purpose.clone()))
        .collect();
    for (aim, decision) in decided.iter_mut() {
        let node = decision.node;
        let Some(row) = first_of(&node.product, &aim.purpose, |one| {
            accepted.contains(&(node.cluster_id, one.to_string()))
        }) else {
            continue;
        };
        let text = format!(
            "`{}` and `{}` of cluster `{}` would be changed in one go: change `{}` first and wait until the phones have registered again, else {}",
            row.one, row.other, node.cluster_name, row.one, row.note
        );
        match (weigh(request, text), &mut decision.outcome) {
            (Ok(warning), Ok(draft)) => draft.preview.warnings.push(warning),
            (Err(refusal), Ok(_)) => decision.outcome = Err(refusal),
            (_, Err(_)) => {}
        }
    }
}

/// Positions that a change waits for: the last target of the cluster that goes before it.
pub(super) struct Order<'a> {
    last: HashMap<(Uuid, &'a str), i64>,
}

impl<'a> Order<'a> {
    /// Notes which target of each cluster is the last of its purpose.
    pub fn of(decided: &[(&'a Aim, Decision<'_>)]) -> Self {
        let mut last = HashMap::new();
        for (position, (aim, decision)) in (0_i64..).zip(decided) {
            if decision.outcome.is_ok() {
                last.insert((decision.node.cluster_id, aim.purpose.as_str()), position);
            }
        }
        Self { last }
    }

    /// What a target of a purpose waits for.
    pub fn after(&self, request: &Request, decision: &Decision<'_>, purpose: &str) -> Option<i64> {
        if !request.action.changes_identity() {
            return None;
        }
        let cluster = decision.node.cluster_id;
        let row = first_of(&decision.node.product, purpose, |one| {
            self.last.contains_key(&(cluster, one))
        })?;
        self.last.get(&(cluster, row.one)).copied()
    }
}

/// Whether a change stands behind all others of its plan.
pub(super) fn comes_later(product: &str, purpose: &str) -> bool {
    UNSAFE_TOGETHER
        .iter()
        .any(|row| row.product == product && row.other == purpose)
}

fn first_of(product: &str, purpose: &str, there: impl Fn(&str) -> bool) -> Option<&'static UnsafeTogether> {
    UNSAFE_TOGETHER
        .iter()
        .find(|row| row.product == product && row.other == purpose && there(row.one))
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

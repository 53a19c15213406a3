//! Deletes a certificate from a trust store of a node (R20, R22).

use super::trust::{carried_to, entry_of, store_of};
use super::{Action, Outline, Refusal, refuse, take_up};
use crate::catalogue::Replication;
use crate::plans::facts::{Entry, Facts};
use crate::plans::preview::Warning;
use certyard_protocol::Step;

pub(super) struct Delete;

impl Action for Delete {
    type Checked = Step;

    fn available(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        store_of(facts)?;
        held(facts).map(|_| ())
    }

    fn check(&self, facts: &Facts<'_>) -> Result<Step, Refusal> {
        held(facts).map(|(entry, name)| step(facts, &entry, name))
    }

    fn plan(&self, facts: &Facts<'_>, step: Step) -> Outline {
        let mut outline = Outline::of(vec![step, Step::Inventory]);
        outline.warnings.push(Warning::consent(
            "trust_deleted",
            format!(
                "`{}` of node `{}` trusts the certificate no longer; it is kept here and can be restored",
                facts.purpose, facts.node.name
            ),
        ));
        outline.warnings.extend(facts.entry.as_ref().and_then(in_use));
        outline.notes.extend(carried(facts));
        let (services, notes) = take_up::services(facts);
        outline.reaches = carried_to(facts, &outline.steps);
        outline.restarts = services;
        outline.notes.extend(notes);
        outline
    }
}

/// The certificate that is there and may be taken away, with its name in the store.
pub(super) fn held<'a>(facts: &Facts<'a>) -> Result<(Entry<'a>, &'a str), Refusal> {
    let entry = entry_of(facts)?;
    let Some(name) = entry.name else {
        return refuse(
            "not_held",
            format!(
                "`{}` of node `{}` holds this certificate no longer: there is nothing to do",
                facts.purpose, facts.node.name
            ),
        );
    };
    if let Some(purpose) = entry.own.first() {
        return refuse(
            "own_certificate",
            format!(
                "it is the certificate of {purpose} itself, which stays in the trust stores that reach it as long as it is used; found on node `{}`",
                facts.node.name
            ),
        );
    }
    Ok((entry, name))
}

/// The step that takes it away.
pub(super) fn step(facts: &Facts<'_>, entry: &Entry<'_>, name: &str) -> Step {
    Step::DeleteTrust {
        store: facts.purpose.into(),
        entry: name.into(),
        sha256: entry.sha256.into(),
    }
}

/// Says how far the product carries a deletion.
pub(super) fn carried(facts: &Facts<'_>) -> Option<String> {
    let store = store_of(facts).ok()?;
    (store.delete == Replication::Cluster).then(|| {
        format!(
            "the product carries the deletion to all nodes of cluster `{}`",
            facts.node.cluster_name
        )
    })
}

/// Warns where an identity hangs on it.
pub(super) fn in_use(entry: &Entry<'_>) -> Option<Warning> {
    if entry.signs.is_empty() {
        return None;
    }
    Some(Warning::consent(
        "in_use",
        format!(
            "it has signed the certificate for {}: without it a node may not show a whole chain, and its peers not trust it",
            entry.signs.join(", ")
        ),
    ))
}

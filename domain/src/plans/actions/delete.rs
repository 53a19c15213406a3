//! Deletes a certificate from a trust store of a node (R20, R22).

use super::trust::{entry_of, store_of};
use super::{Action, Outline, Refusal, refuse, take_up};
use crate::catalogue::Replication;
use crate::plans::facts::{Entry, Facts};
use crate::plans::preview::Warning;
use certyard_protocol::Step;

pub(super) struct Delete;

impl Action for Delete {
    type Checked = ();

    fn available(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        store_of(facts)?;
        held(facts).map(|_| ())
    }

    fn check(&self, _facts: &Facts<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn plan(&self, facts: &Facts<'_>, (): ()) -> Outline {
        let mut outline = Outline::of(Vec::new());
        let (Ok(store), Ok((entry, name))) = (store_of(facts), held(facts)) else {
            return outline;
        };
        outline.steps = vec![step(facts, &entry, name), Step::Inventory];
        outline.warnings.push(Warning::consent(
            "trust_deleted",
            format!(
                "`{}` of node `{}` trusts the certificate no longer; it is kept here and can be restored",
                facts.purpose, facts.node.name
            ),
        ));
        outline.warnings.extend(in_use(facts, &entry));
        if store.delete == Replication::Cluster {
            outline.notes.push(format!(
                "the product carries the deletion to all nodes of cluster `{}`",
                facts.node.cluster_name
            ));
        }
        let (services, notes) = take_up::services(facts);
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
                "it is the certificate of `{purpose}` on node `{}` itself, which stays in its trust store as long as it is used",
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

/// Warns where an identity of the node hangs on it.
pub(super) fn in_use(facts: &Facts<'_>, entry: &Entry<'_>) -> Option<Warning> {
    if entry.signs.is_empty() {
        return None;
    }
    Some(Warning::consent(
        "in_use",
        format!(
            "it has signed the certificate for {} on node `{}`: without it the node may not show a whole chain, and its peers not trust it",
            entry.signs.join(", "),
            facts.node.name
        ),
    ))
}

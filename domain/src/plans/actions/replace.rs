//! Puts a certificate into a trust store in the place of another (R19).

use super::delete::{carried, held, in_use, step};
use super::trust::{Addition, carried_to, not_excluded, store_of};
use super::{Action, Outline, Refusal, refuse, take_up};
use crate::catalogue::{Replication, limits_of};
use crate::plans::facts::Facts;
use crate::plans::preview::{CertificateBrief, Warning};
use certyard_protocol::Step;

pub(super) struct Replace;

impl Action for Replace {
    type Checked = (Addition, Step);

    fn available(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        not_excluded(facts)?;
        store_of(facts)?;
        held(facts).map(|_| ())
    }

    fn check(&self, facts: &Facts<'_>) -> Result<(Addition, Step), Refusal> {
        let (entry, name) = held(facts)?;
        if facts.shared.uploaded.iter().any(|one| one.sha256_hex() == entry.sha256) {
            return refuse(
                "already_present",
                format!(
                    "`{}` of node `{}` holds this very certificate: upload the one that takes its place",
                    facts.purpose, facts.node.name
                ),
            );
        }
        let addition = Addition::compare(facts, &facts.shared.uploaded)?;
        Ok((addition, step(facts, &entry, name)))
    }

    fn plan(&self, facts: &Facts<'_>, (addition, delete): (Addition, Step)) -> Outline {
        let mut outline = Outline::of(Vec::new());
        // First the new one, so that the store is never without either.
        if !addition.missing.is_empty() {
            outline.steps.push(addition.step(facts.purpose));
        }
        let old = facts.entry.as_ref().and_then(|entry| entry.certificate);
        let same_name = old.is_some_and(|old| {
            let mut all = addition.missing.iter();
            all.any(|new| new.subject_der == old.subject_der)
        });
        let by_itself = same_name && limits_of(&facts.node.product).is_some_and(|limits| limits.one_per_subject);
        if !by_itself {
            outline.steps.push(delete);
            outline.notes.extend(carried(facts));
            if let Ok(store) = store_of(facts)
                && store.delete == Replication::Cluster
                && store.import == Replication::Node
            {
                outline.warnings.push(Warning::consent(
                    "replaced_here_only",
                    format!(
                        "the old certificate goes from all nodes of cluster `{}`, and the new one stays on node `{}`: put it in on the others as well",
                        facts.node.cluster_name, facts.node.name
                    ),
                ));
            }
        }
        outline.steps.push(Step::Inventory);
        outline.after = facts.shared.uploaded.first().map(CertificateBrief::of);
        outline.warnings.push(Warning::consent(
            "trust_replaced",
            format!(
                "`{}` of node `{}` trusts the new certificate in the place of the old one, which is kept here and can be restored",
                facts.purpose, facts.node.name
            ),
        ));
        if !same_name {
            outline.warnings.extend(facts.entry.as_ref().and_then(in_use));
            // Another of the new one's name makes way, too.
            outline.warnings.extend(addition.warnings(facts));
        }
        outline.warnings.extend(addition.expired(facts));
        let (services, notes) = take_up::services(facts);
        outline.reaches = carried_to(facts, &outline.steps);
        outline.restarts = services;
        outline.notes.extend(notes);
        outline
    }
}

//! Puts a certificate back that was deleted from a trust store of a node. Also where nothing is distributed from here (R4): it undoes
//! a deletion.

use super::trust::{Addition, carried_to, entry_of, store_of};
use super::{Action, Outline, Refusal, refuse};
use crate::plans::facts::Facts;
use crate::plans::preview::CertificateBrief;
use certyard_protocol::Step;

pub(super) struct Restore;

impl Action for Restore {
    type Checked = Addition;

    fn available(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        store_of(facts)?;
        let entry = entry_of(facts)?;
        if entry.name.is_some() {
            return refuse(
                "already_present",
                format!("`{}` of node `{}` holds it already", facts.purpose, facts.node.name),
            );
        }
        Ok(())
    }

    fn check(&self, facts: &Facts<'_>) -> Result<Addition, Refusal> {
        let entry = entry_of(facts)?;
        let Some(certificate) = entry.certificate else {
            return refuse(
                "not_kept",
                "the bytes of this certificate cannot be read: distribute it from a file",
            );
        };
        Addition::compare(facts, [certificate])
    }

    fn plan(&self, facts: &Facts<'_>, addition: Addition) -> Outline {
        let mut outline = Outline::of(vec![addition.step(facts.purpose), Step::Inventory]);
        outline.reaches = carried_to(facts, &outline.steps);
        outline.after = addition.missing.first().map(CertificateBrief::of);
        outline.warnings.extend(addition.expired(facts));
        outline.warnings.extend(addition.warnings(facts));
        outline
    }
}

//! Puts certificates into a trust store of a node (R16, R21).

use super::trust::{Addition, carried_to, issuers_first, not_excluded, store_of};
use super::{Action, Outline, Refusal, refuse};
use crate::plans::facts::Facts;
use crate::plans::preview::{CertificateBrief, Warning};
use certyard_protocol::Step;

pub(super) struct Distribute;

impl Action for Distribute {
    type Checked = Addition;

    fn available(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        not_excluded(facts)
    }

    fn check(&self, facts: &Facts<'_>) -> Result<Addition, Refusal> {
        let node = facts.node;
        store_of(facts)?;
        let addition = Addition::compare(facts, issuers_first(&facts.shared.uploaded))?;
        if addition.missing.is_empty() {
            return refuse(
                "already_present",
                format!("`{}` of node `{}` holds all of it already", facts.purpose, node.name),
            );
        }
        Ok(addition)
    }

    fn plan(&self, facts: &Facts<'_>, addition: Addition) -> Outline {
        let mut outline = Outline::of(vec![addition.step(facts.purpose), Step::Inventory]);
        outline.reaches = carried_to(facts, &outline.steps);
        outline.after = addition.missing.first().map(CertificateBrief::of);
        outline.warnings.extend(addition.expired(facts));
        for certificate in addition.missing.iter().filter(|one| one.not_after > facts.now) {
            if !certificate.is_ca() && !certificate.is_self_signed() {
                outline.warnings.push(Warning::note(
                    "not_an_authority",
                    format!(
                        "`{}` is no CA certificate: it makes only itself trusted",
                        certificate.subject
                    ),
                ));
            }
        }
        let present = facts.shared.uploaded.len() - addition.missing.len();
        if present > 0 {
            outline
                .notes
                .push(format!("{present} of the certificates are there already"));
        }
        outline.warnings.extend(addition.warnings(facts));
        outline
    }
}

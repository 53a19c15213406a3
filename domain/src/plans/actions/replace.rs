//! Puts a certificate into a trust store in the place of another (R19).

use super::delete::{held, in_use, step};
use super::trust::{Addition, not_excluded, store_of};
use super::{Action, Outline, Refusal, refuse, take_up};
use crate::plans::facts::Facts;
use crate::plans::preview::{CertificateBrief, Warning};
use certyard_protocol::{ConnectorKind, Step};

pub(super) struct Replace;

impl Action for Replace {
    type Checked = Addition;

    fn available(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        not_excluded(facts)?;
        store_of(facts)?;
        held(facts).map(|_| ())
    }

    fn check(&self, facts: &Facts<'_>) -> Result<Addition, Refusal> {
        let (entry, _) = held(facts)?;
        if facts.shared.uploaded.iter().any(|one| one.sha256_hex() == entry.sha256) {
            return refuse(
                "already_present",
                format!(
                    "`{}` of node `{}` holds this very certificate: upload the one that takes its place",
                    facts.purpose, facts.node.name
                ),
            );
        }
        Addition::compare(facts, &facts.shared.uploaded)
    }

    fn plan(&self, facts: &Facts<'_>, addition: Addition) -> Outline {
        let mut outline = Outline::of(Vec::new());
        let Ok((entry, name)) = held(facts) else {
            return outline;
        };
        // First the new one, so that the store is never without either.
        if !addition.missing.is_empty() {
            outline.steps.push(addition.step(facts.purpose));
        }
        let same_name = entry.certificate.is_some_and(|old| {
            let mut all = addition.missing.iter();
            all.any(|new| new.subject_der == old.subject_der)
        });
        let by_itself = same_name && facts.connector().is_some_and(ConnectorKind::is_cisco);
        if !by_itself {
            outline.steps.push(step(facts, &entry, name));
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
            outline.warnings.extend(in_use(facts, &entry));
        }
        for new in facts.shared.uploaded.iter().filter(|new| new.not_after <= facts.now) {
            outline.warnings.push(Warning::consent(
                "expired",
                format!(
                    "`{}` ended on {}: nothing that it signed is trusted any more",
                    new.subject,
                    new.not_after.format("%Y-%m-%d")
                ),
            ));
        }
        let (services, notes) = take_up::services(facts);
        outline.restarts = services;
        outline.notes.extend(notes);
        outline
    }
}

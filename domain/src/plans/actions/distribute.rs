//! Puts certificates into a trust store of a node (R16, R21).

use super::trust::{Addition, issuers_first};
use super::{Action, Outline, Refusal, product_name, refuse};
use crate::catalogue::{product, trust_stores_of};
use crate::plans::facts::Facts;
use crate::plans::preview::{CertificateBrief, Warning};
use certyard_protocol::Step;

pub(super) struct Distribute;

impl Action for Distribute {
    type Checked = Addition;

    fn check(&self, facts: &Facts<'_>) -> Result<Addition, Refusal> {
        let node = facts.node;
        if product(&node.product).is_some_and(|product| !product.distribute) {
            return refuse(
                "product_excluded",
                format!(
                    "{} takes no certificates from here: put them in on node `{}` itself",
                    product_name(&node.product),
                    node.name
                ),
            );
        }
        let Some(store) = trust_stores_of(&node.product).find(|store| store.name == facts.purpose) else {
            let known: Vec<&str> = trust_stores_of(&node.product).map(|store| store.name).collect();
            let product = product_name(&node.product);
            return refuse(
                "store_unknown",
                match known.is_empty() {
                    true => format!("{product} has no trust stores of its own"),
                    false => format!(
                        "{product} has no trust store `{}`: it has {}",
                        facts.purpose,
                        known.join(", ")
                    ),
                },
            );
        };
        if store.publisher_only && node.role == "subscriber" {
            return refuse(
                "publisher_only",
                format!(
                    "`{}` is changed on the publisher only: node `{}` is a subscriber, whose administrator has to do it there",
                    facts.purpose, node.name
                ),
            );
        }
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
        outline.after = addition.missing.first().map(CertificateBrief::of);
        for certificate in &addition.missing {
            if certificate.not_after <= facts.now {
                outline.warnings.push(Warning::consent(
                    "expired",
                    format!(
                        "`{}` ended on {}: nothing that it signed is trusted any more",
                        certificate.subject,
                        certificate.not_after.format("%Y-%m-%d")
                    ),
                ));
            } else if !certificate.is_ca() && !certificate.is_self_signed() {
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

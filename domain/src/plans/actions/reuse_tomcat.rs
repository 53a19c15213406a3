//! Has a purpose take the certificate of `tomcat` (R12, R39).

use super::trust::Addition;
use super::{Action, Outline, Refusal, purpose_on_node, refuse, take_up};
use crate::catalogue::{names_multi_server, reuse_of, trust_store_of};
use crate::plans::coverage;
use crate::plans::facts::{Facts, Installed};
use crate::plans::options::RenewOptions;
use crate::plans::preview::{CertificateBrief, Warning};
use certyard_pki::Certificate;
use certyard_pki::chain;
use certyard_protocol::{Expectation, Step};

pub(super) struct ReuseTomcat<'a> {
    pub options: &'a RenewOptions,
}

/// The certificate that is taken over, and the issuers that the purpose does not trust yet.
pub(super) struct Checked {
    source: Installed,
    of: &'static str,
    trust: Addition,
}

impl ReuseTomcat<'_> {
    /// The purpose whose certificate is taken over.
    fn of(facts: &Facts<'_>) -> Result<&'static str, Refusal> {
        purpose_on_node(facts)?;
        let node = facts.node;
        let Some(row) = reuse_of(&node.product, &node.product_version, facts.purpose) else {
            return refuse(
                "reuse_not_supported",
                format!(
                    "`{}` of {} {} cannot take the certificate of tomcat: that is for CallManager and CallManager-ECDSA of Unified CM from release 14 on",
                    facts.purpose,
                    super::product_name(&node.product),
                    node.product_version
                ),
            );
        };
        if facts.wanted.effective.reuse.is_none() {
            return refuse(
                "profile_not_tomcat",
                format!(
                    "{} does not want `{}` to take the certificate of `{}`: give cluster `{}` a profile that does",
                    facts.wanted.who(),
                    facts.purpose,
                    row.of,
                    node.cluster_name
                ),
            );
        }
        Ok(row.of)
    }
}

impl Action for ReuseTomcat<'_> {
    type Checked = Checked;

    fn available(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        Self::of(facts).map(|_| ())
    }

    fn check(&self, facts: &Facts<'_>) -> Result<Checked, Refusal> {
        let node = facts.node;
        let of = Self::of(facts)?;
        let Some(source) = facts.source else {
            return refuse(
                "no_source",
                format!(
                    "node `{}` has no certificate for `{}` that could be reused",
                    node.name, of
                ),
            );
        };
        if facts
            .installed
            .is_some_and(|installed| installed.sha256 == source.sha256)
        {
            return refuse(
                "already_installed",
                format!(
                    "`{}` of node `{}` has the certificate of `{}` already",
                    facts.purpose, node.name, of
                ),
            );
        }
        if facts.source_sharing.is_empty() && !names_multi_server(&source.common_name) {
            return refuse(
                "source_not_multi_server",
                format!(
                    "the certificate for `{of}` on node `{}` is for this node alone: only one that covers all nodes of the cluster can be reused",
                    node.name
                ),
            );
        }
        let mut trust = Addition::default();
        if !source.self_signed {
            let leaf = facts
                .shared
                .leaves
                .iter()
                .find(|leaf| leaf.sha256_hex() == source.sha256);
            let issuers = leaf
                .map(|leaf| chain::build(leaf, &facts.shared.known))
                .unwrap_or_default();
            if !issuers.complete {
                return refuse(
                    "missing_root",
                    format!(
                        "the issuers of the certificate for `{}` on node `{}` are not all known: import them, so that `{}` can be given them first",
                        of, node.name, facts.purpose
                    ),
                );
            }
            let root_first: Vec<&Certificate> = issuers.issuers.iter().rev().collect();
            trust = Addition::compare(facts, root_first)?;
        }
        take_up::check(facts, self.options.restart)?;
        Ok(Checked {
            source: source.clone(),
            of,
            trust,
        })
    }

    fn plan(&self, facts: &Facts<'_>, checked: Checked) -> Outline {
        let Checked { source, of, trust } = checked;
        let mut outline = Outline::of(Vec::new());
        let (node, purpose) = (facts.node, facts.purpose);
        if let Some(store) = trust_store_of(&node.product, &node.product_version, purpose)
            && !trust.missing.is_empty()
        {
            outline.steps.push(trust.step(store));
        }
        outline.steps.push(Step::ReuseTomcat {
            purpose: purpose.into(),
        });
        outline.expect = vec![
            Expectation {
                store: purpose.into(),
                entry: purpose.into(),
                sha256: facts.installed.map(|installed| installed.sha256.clone()),
                csr_spki_sha256: None,
            },
            Expectation {
                store: of.into(),
                entry: of.into(),
                sha256: Some(source.sha256.clone()),
                csr_spki_sha256: None,
            },
        ];
        outline.after = Some(CertificateBrief::of_installed(&source));
        if !facts.source_sharing.is_empty() {
            // The product does it on every node that has this certificate.
            outline
                .notes
                .push(format!("reaches also {}", facts.source_sharing.join(", ")));
            outline.spreads = Some(source.sha256.clone());
            outline.reaches = coverage::others(facts);
            outline.reaches.retain(|id| {
                facts
                    .cluster
                    .iter()
                    .any(|other| other.node_id == *id && facts.source_sharing.contains(&other.node.as_str()))
            });
        }
        outline.warnings.push(Warning::consent(
            "identity_reused",
            format!(
                "from here on `{purpose}` of node `{}` shows the certificate of `{of}`, and changes with it; in mixed mode the CTL file has to be updated",
                node.name
            ),
        ));
        outline.warnings.extend(trust.warnings(facts));
        take_up::add(&mut outline, facts, self.options.restart);
        outline.steps.push(Step::Inventory);
        outline
    }
}

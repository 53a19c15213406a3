//! Installs the answer of a CA beside the key that waits on the node (R14).

use super::trust::Addition;
use super::{Action, Outline, Refusal, purpose_of, refuse, take_up, wanted_by_csr};
use crate::catalogue::{multi_server_way, trust_store_of};
use crate::plans::coverage;
use crate::plans::facts::{Facts, OpenCsr};
use crate::plans::options::UploadOptions;
use crate::plans::preview::{CertificateBrief, Warning};
use crate::profiles::{Seen, compare};
use crate::root_changes::Undistributed;
use certyard_pki::Certificate;
use certyard_pki::answer::{self, Answer};
use certyard_protocol::{Expectation, Step, StepKind};

pub(super) struct Upload<'a> {
    pub options: &'a UploadOptions,
}

/// An answer that fits, and the issuers that the node does not trust yet.
pub(super) struct Checked {
    answer: Answer,
    store: Option<&'static str>,
    trust: Addition,
    /// The CSR is for all nodes of the cluster.
    multi_server: bool,
}

impl Action for Upload<'_> {
    type Checked = Checked;

    fn available(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        purpose_of(facts)?;
        wanted_by_csr(facts)?;
        open_csr(facts).map(|_| ())
    }

    fn check(&self, facts: &Facts<'_>) -> Result<Checked, Refusal> {
        let node = facts.node;
        let open = open_csr(facts)?;
        let Some(csr) = &open.csr else {
            return refuse(
                "broken_csr",
                format!(
                    "the CSR of node `{}` for `{}` cannot be read: generate a new one",
                    node.name, facts.purpose
                ),
            );
        };
        let multi_server = coverage::is_multi_server(facts, csr);
        let (product, version) = (node.product.as_str(), node.product_version.as_str());
        if let (true, Some(connector)) = (multi_server, facts.connector())
            && multi_server_way(product, version, StepKind::InstallIdentity, connector).is_none()
        {
            return refuse(
                "multi_server_unsupported",
                format!(
                    "the connector `{}` has no way to install a multi-server certificate on node `{}` in version {version}: install it \
                     on the node's own page",
                    node.connector, node.name
                ),
            );
        }
        let Some(leaf) = answer::pick_leaf(csr, &facts.shared.leaves) else {
            return refuse(
                "key_mismatch",
                format!(
                    "no certificate of the upload has the key of the open CSR for `{}` on node `{}`: it answers another request, or the request was made anew",
                    facts.purpose, node.name
                ),
            );
        };
        let answer = answer::check(csr, leaf, &facts.shared.uploaded, &facts.shared.known, facts.now).map_err(
            |differences| Refusal {
                code: differences.first().map_or("key_mismatch", answer::Difference::code),
                message: differences
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("; "),
            },
        )?;
        if facts
            .installed
            .is_some_and(|installed| installed.sha256 == leaf.sha256_hex())
        {
            return refuse(
                "already_installed",
                format!(
                    "node `{}` has this certificate already for `{}`",
                    node.name, facts.purpose
                ),
            );
        }
        take_up::check(facts, self.options.restart)?;
        let mut checked = Checked {
            answer,
            store: None,
            trust: Addition::default(),
            multi_server,
        };
        checked.store = trust_store_of(&node.product, &node.product_version, facts.purpose);
        if checked.store.is_some() {
            let chain: Vec<&Certificate> = checked.answer.chain.iter().rev().collect();
            checked.trust = Addition::compare(facts, chain)?;
        }
        Ok(checked)
    }

    fn plan(&self, facts: &Facts<'_>, checked: Checked) -> Outline {
        let node = facts.node;
        let purpose = facts.purpose.to_string();
        let leaf = &checked.answer.leaf;
        let sha256 = leaf.sha256_hex();
        let mut steps = Vec::new();
        if let Some(store) = checked.store
            && !checked.trust.missing.is_empty()
        {
            steps.push(checked.trust.step(store));
        }
        steps.push(Step::InstallIdentity {
            purpose: purpose.clone(),
            chain_pem: std::iter::once(leaf)
                .chain(&checked.answer.chain)
                .map(Certificate::to_pem)
                .collect(),
            sha256: sha256.clone(),
        });
        let activates = facts.offers(StepKind::Activate).is_some();
        if activates {
            steps.push(Step::Activate {
                purpose: purpose.clone(),
            });
        }
        let mut outline = Outline::of(steps);
        outline.expect = vec![Expectation {
            store: purpose.clone(),
            entry: purpose.clone(),
            sha256: facts.installed.map(|installed| installed.sha256.clone()),
            csr_spki_sha256: facts.csr.map(|csr| csr.spki_sha256.clone()),
        }];
        outline.after = Some(CertificateBrief::of(leaf));
        if !activates {
            take_up::add(&mut outline, facts, self.options.restart);
        }
        if checked.multi_server {
            spread(&mut outline, facts, leaf);
        }
        outline.steps.push(Step::Verify {
            purpose: purpose.clone(),
            sha256,
        });
        outline.steps.push(Step::Inventory);
        if let Some(installed) = facts.installed
            && leaf.not_after < installed.not_after
        {
            outline.warnings.push(Warning::consent(
                "ends_sooner",
                format!(
                    "the new certificate for `{purpose}` on node `{}` ends on {}, before the installed one ({})",
                    node.name,
                    leaf.not_after.format("%Y-%m-%d"),
                    installed.not_after.format("%Y-%m-%d")
                ),
            ));
        }
        let differences = differences(facts, leaf, checked.multi_server);
        if !differences.is_empty() {
            outline.warnings.push(Warning::consent(
                "not_as_profile",
                format!(
                    "the new certificate for `{purpose}` on node `{}` is not as {} wants it: {}",
                    node.name,
                    facts.wanted.who(),
                    differences.join("; ")
                ),
            ));
        }
        outline.warnings.extend(checked.trust.warnings(facts));
        outline.warnings.extend(undistributed(facts, &checked.answer));
        outline
    }
}

/// Warns where the certificate chains to the new one of a root change that not every trust store has yet.
fn undistributed(facts: &Facts<'_>, answer: &Answer) -> Vec<Warning> {
    let node = facts.node;
    let chains = |root: &&Undistributed| {
        root.clusters.contains(&node.cluster_id)
            && answer.chain.iter().any(|issuer| {
                issuer.sha256_hex() == root.sha256
                    || (issuer.subject_der == root.subject_der && issuer.spki_der == root.spki_der)
            })
    };
    let found = facts.shared.undistributed.iter().filter(chains);
    found.map(|root| {
        Warning::consent(
            "root_not_distributed",
            format!(
                "the new certificate for `{}` on node `{}` chains to the new one of the root change `{}`, which {} trust stores are not known \
                 to have: peers refuse it until they have it",
                facts.purpose, node.name, root.name, root.lacking
            ),
        )
    })
    .collect()
}

/// What it means that the product spreads the certificate to all nodes of the cluster.
fn spread(outline: &mut Outline, facts: &Facts<'_>, leaf: &Certificate) {
    let node = facts.node;
    let nodes: Vec<&str> = facts.cluster.iter().map(|holding| holding.node.as_str()).collect();
    outline
        .notes
        .push(format!("covers {} nodes: {}", nodes.len(), nodes.join(", ")));
    outline.spreads = facts.csr.map(|csr| csr.spki_sha256.clone());
    outline.reaches = coverage::others(facts);
    // Each node takes it up by itself; where restarts are part of the task they are those of its own node.
    let restarts_here = outline.restarts.is_empty();
    let waiting: Vec<&str> = facts
        .cluster
        .iter()
        .filter(|holding| !restarts_here || holding.node_id != node.id)
        .map(|holding| holding.node.as_str())
        .collect();
    let services = take_up::services(facts).0;
    if !services.is_empty() && !waiting.is_empty() {
        outline.warnings.retain(|warning| warning.code != "restart_needed");
        outline.warnings.push(Warning::consent(
            "restart_needed",
            format!(
                "{} serve the new certificate each only after these services were restarted there: {}",
                coverage::listed(&waiting),
                services.join(", ")
            ),
        ));
        outline.restarts = services;
    }
    let names: Vec<String> = leaf.sans.iter().map(|san| san.value.clone()).collect();
    let unnamed = coverage::unnamed(facts.cluster, &names);
    if !unnamed.is_empty() {
        outline.warnings.push(Warning::consent(
            "san_drift",
            format!(
                "the certificate is for all nodes of cluster `{}` and does not name {}: make a new CSR now that they are there",
                node.cluster_name,
                coverage::listed(&unnamed)
            ),
        ));
    }
}

fn open_csr<'a>(facts: &Facts<'a>) -> Result<&'a OpenCsr, Refusal> {
    match facts.csr {
        Some(open) => Ok(open),
        None => refuse(
            "no_csr",
            format!(
                "node `{}` has no open CSR for `{}`: generate one, have it signed, and upload the answer",
                facts.node.name, facts.purpose
            ),
        ),
    }
}

/// In which fields a certificate is not as the profile wants it (R18). What is taken from another purpose is left to compliance.
fn differences(facts: &Facts<'_>, leaf: &Certificate, multi_server: bool) -> Vec<String> {
    let seen = Seen {
        self_signed: leaf.is_self_signed(),
        not_before: leaf.not_before,
        not_after: leaf.not_after,
        key_type: &leaf.key.key_type,
        key_bits: leaf.key.bits,
        signature_algorithm: &leaf.signature_algorithm,
        subject: &leaf.subject,
        // In a cluster of one node that says nothing.
        multi_server: (facts.cluster.len() > 1).then_some(multi_server),
        reused: None,
    };
    compare(&facts.wanted.effective, &seen)
        .into_iter()
        .filter(|field| !field.matches)
        .map(|field| {
            format!(
                "{} is {}, wanted is {}",
                field.field.as_str(),
                field.installed,
                field.wanted
            )
        })
        .collect()
}

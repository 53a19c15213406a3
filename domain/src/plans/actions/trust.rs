//! What a trust store makes of certificates that are put into it: it keeps one for each subject, the one with the later
//! start (cisco.md 2.5), and takes no key that is too long (2.3). What it would refuse is refused beforehand.

use super::{Refusal, product_name, refuse};
use crate::catalogue::{Replication, TrustStore, limits_of, product, trust_stores_of};
use crate::plans::coverage::others;
use crate::plans::facts::{Entry, Facts};
use crate::plans::gather::name_hash;
use crate::plans::preview::Warning;
use certyard_pki::Certificate;
use certyard_protocol::{Step, StepKind};
use uuid::Uuid;

/// R4.
pub(super) fn not_excluded(facts: &Facts<'_>) -> Result<(), Refusal> {
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
    Ok(())
}

/// The trust store, where it can be changed on this node (R22).
pub(super) fn store_of(facts: &Facts<'_>) -> Result<&'static TrustStore, Refusal> {
    let node = facts.node;
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
    Ok(store)
}

/// The other nodes to which the product carries what some steps change in the trust store.
pub(super) fn carried_to(facts: &Facts<'_>, steps: &[Step]) -> Vec<Uuid> {
    let Ok(store) = store_of(facts) else {
        return Vec::new();
    };
    let everywhere = |step: &Step| match step.kind() {
        StepKind::InstallTrust => store.import == Replication::Cluster,
        StepKind::DeleteTrust => store.delete == Replication::Cluster,
        StepKind::GenerateCsr
        | StepKind::DeleteCsr
        | StepKind::InstallIdentity
        | StepKind::Regenerate
        | StepKind::ReuseTomcat
        | StepKind::RestartService
        | StepKind::Activate
        | StepKind::Verify
        | StepKind::Inventory => false,
    };
    match steps.iter().any(everywhere) {
        true => others(facts),
        false => Vec::new(),
    }
}

/// The certificate that the action is on.
pub(super) fn entry_of<'a>(facts: &Facts<'a>) -> Result<Entry<'a>, Refusal> {
    match &facts.entry {
        Some(entry) => Ok(entry.clone()),
        None => refuse(
            "not_trust",
            format!("`{}` names no certificate of a trust store", facts.purpose),
        ),
    }
}

/// Certificates with issuers before what they signed, as nodes want them (cisco.md 2.4).
pub(super) fn issuers_first(certificates: &[Certificate]) -> Vec<&Certificate> {
    let depth = |certificate: &Certificate| {
        let mut depth = 0;
        let mut lower = certificate;
        while !lower.is_self_signed()
            && depth < certificates.len()
            && let Some(issuer) = certificates.iter().find(|other| other.subject_der == lower.issuer_der)
        {
            depth += 1;
            lower = issuer;
        }
        depth
    };
    let mut ordered: Vec<&Certificate> = certificates.iter().collect();
    ordered.sort_by_key(|certificate| depth(certificate));
    ordered
}

/// What of some certificates a trust store lacks.
#[derive(Debug, Default)]
pub(super) struct Addition {
    /// To be put in, in order.
    pub missing: Vec<Certificate>,
    /// Subjects of which an older certificate makes way.
    replaced: Vec<String>,
}

impl Addition {
    /// Compares certificates with what the store holds, in the order in which they are to be put in.
    pub fn compare<'a>(
        facts: &Facts<'_>,
        certificates: impl IntoIterator<Item = &'a Certificate>,
    ) -> Result<Self, Refusal> {
        let mut addition = Self::default();
        let limits = limits_of(&facts.node.product);
        let one_each = limits.is_some_and(|limits| limits.one_per_subject);
        let most_bits = limits.and_then(|limits| limits.most_key_bits);
        for certificate in certificates {
            let sha256 = certificate.sha256_hex();
            if facts.trust.iter().any(|trusted| trusted.sha256 == sha256) {
                continue;
            }
            if let (Some(most), Some(bits)) = (most_bits, certificate.key.bits)
                && bits > most
            {
                return refuse(
                    "key_too_long",
                    format!(
                        "`{}` has a key of {bits} bits, and {} takes at most {most}: node `{}` would refuse it",
                        certificate.subject,
                        product_name(&facts.node.product),
                        facts.node.name
                    ),
                );
            }
            let twice = |other: &Certificate| other.subject_der == certificate.subject_der;
            if one_each && addition.missing.iter().any(twice) {
                return refuse(
                    "same_name_twice",
                    format!(
                        "a trust store of node `{}` keeps one certificate of `{}`, and the upload has several: send the one that is to stay",
                        facts.node.name, certificate.subject
                    ),
                );
            }
            let subject = name_hash(&certificate.subject_der);
            let same_name = facts.trust.iter().filter(|trusted| trusted.subject_hash == subject);
            for trusted in same_name.filter(|_| one_each) {
                if trusted.not_before >= certificate.not_before {
                    return refuse(
                        "trust_newer_present",
                        format!(
                            "node `{}` trusts another certificate of `{}` that is not older, and keeps it: use that one, or one that starts later",
                            facts.node.name, certificate.subject
                        ),
                    );
                }
                addition.replaced.push(certificate.subject.clone());
            }
            addition.missing.push(certificate.clone());
        }
        Ok(addition)
    }

    /// The step that puts what is missing into the store.
    pub fn step(&self, store: &str) -> Step {
        Step::InstallTrust {
            store: store.into(),
            certificates_pem: self.missing.iter().map(Certificate::to_pem).collect(),
        }
    }

    /// Warns of what has ended.
    pub fn expired(&self, facts: &Facts<'_>) -> impl Iterator<Item = Warning> {
        let now = facts.now;
        self.missing.iter().filter(move |one| one.not_after <= now).map(|one| {
            Warning::consent(
                "expired",
                format!(
                    "`{}` ended on {}: nothing that it signed is trusted any more",
                    one.subject,
                    one.not_after.format("%Y-%m-%d")
                ),
            )
        })
    }

    /// What makes way.
    pub fn warnings(&self, facts: &Facts<'_>) -> impl Iterator<Item = Warning> {
        let (node, purpose) = (facts.node.name.clone(), facts.purpose.to_string());
        self.replaced.iter().map(move |subject| {
            Warning::consent(
                "trust_replaced",
                format!(
                    "the trust store of `{purpose}` on node `{node}` keeps one certificate for each name: the older one of `{subject}` is replaced"
                ),
            )
        })
    }
}

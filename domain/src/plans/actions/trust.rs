//! What a trust store makes of certificates that are put into it: it keeps one for each subject, the one with the later
//! start (cisco.md 2.5). What it would refuse is refused beforehand.

use super::{Refusal, refuse};
use crate::plans::facts::Facts;
use crate::plans::gather::name_hash;
use crate::plans::preview::Warning;
use certyard_pki::Certificate;
use certyard_protocol::{ConnectorKind, Step};

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
        let one_each = facts.connector().is_some_and(ConnectorKind::is_cisco);
        for certificate in certificates {
            let sha256 = certificate.sha256_hex();
            if facts.trust.iter().any(|trusted| trusted.sha256 == sha256) {
                continue;
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

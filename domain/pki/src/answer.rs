//! A CA's answer against the request it answers, before any node is touched.

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::{DateTime, Utc};

use crate::tlv::{only, tag};
use crate::{Certificate, Csr, San, SanKind, chain};

/// An answer that fits its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The certificate to install.
    pub leaf: Certificate,
    /// Its issuers, the nearest first, the self-signed root last.
    pub chain: Vec<Certificate>,
}

/// One thing in which an answer differs from what was asked or needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// The certificate is for another key.
    #[error(
        "the certificate belongs to another key than the request: it answers another request, or the request was made anew"
    )]
    KeyMismatch,
    /// Names that were asked for are not in the certificate.
    #[error("the certificate lacks names that the request asks for: {}", list(.0))]
    SanMissing(Vec<San>),
    /// The certificate has names that nobody asked for.
    #[error("the certificate has names that the request does not ask for: {}", list(.0))]
    SanAdded(Vec<San>),
    /// The certificate is over.
    #[error("the certificate expired on {}", .0.format("%Y-%m-%d %H:%M:%S UTC"))]
    Expired(DateTime<Utc>),
    /// The certificate has not begun.
    #[error("the certificate is not valid before {}", .0.format("%Y-%m-%d %H:%M:%S UTC"))]
    NotYetValid(DateTime<Utc>),
    /// Extended key usages that were asked for are not in the certificate.
    #[error("the certificate lacks extended key usages that the request asks for: {}", .0.join(", "))]
    EkuMissing(Vec<String>),
    /// No way from the certificate to a self-signed root.
    #[error(
        "the chain is not complete: there is no certificate of `{0}` in the file or in the inventory; upload it with the certificate"
    )]
    ChainIncomplete(String),
    /// The certificate is an authority's.
    #[error("the certificate is one of a certificate authority, not of a server")]
    IsCa,
    /// The issuer's key did not make the signature.
    #[error("the signature on the certificate was not made by its issuer `{0}`")]
    BadSignature(String),
    /// An issuer in the chain is not valid today.
    #[error(
        "the issuer `{name}` in the chain is not valid now: it is valid from {} to {}",
        .not_before.format("%Y-%m-%d"), .not_after.format("%Y-%m-%d")
    )]
    IssuerNotValid {
        /// Subject of the issuer.
        name: String,
        /// When it begins.
        not_before: DateTime<Utc>,
        /// When it ends.
        not_after: DateTime<Utc>,
    },
    /// An issuer in the chain may not sign certificates.
    #[error("the issuer `{0}` in the chain is not a certificate authority")]
    IssuerNotCa(String),
}

impl Difference {
    /// One word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::KeyMismatch => "key_mismatch",
            Self::SanMissing(_) => "san_missing",
            Self::SanAdded(_) => "san_added",
            Self::Expired(_) => "expired",
            Self::NotYetValid(_) => "not_yet_valid",
            Self::EkuMissing(_) => "eku_missing",
            Self::ChainIncomplete(_) => "chain_incomplete",
            Self::IsCa => "is_ca",
            Self::BadSignature(_) => "bad_signature",
            Self::IssuerNotValid { .. } => "issuer_not_valid",
            Self::IssuerNotCa(_) => "issuer_not_ca",
        }
    }
}

fn list(sans: &[San]) -> String {
    sans.iter()
        .map(|san| format!("{}:{}", san.kind.as_str(), san.value))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Finds the certificate among `certificates` that answers `csr`: the one with its key, else the one that is no authority and
/// issued none of the others. None where no certificate, or more than one, is left.
pub fn pick_leaf<'a>(csr: &Csr, certificates: &'a [Certificate]) -> Option<&'a Certificate> {
    if let Some(found) = certificates.iter().find(|certificate| has_key_of(certificate, csr)) {
        return Some(found);
    }
    let mut leaves = certificates.iter().filter(|certificate| {
        !certificate.is_ca()
            && !certificates
                .iter()
                .any(|other| other.sha256 != certificate.sha256 && other.issuer_der == certificate.subject_der)
    });
    match (leaves.next(), leaves.next()) {
        (Some(leaf), None) => Some(leaf),
        _ => None,
    }
}

/// Compares `leaf` with `csr` and looks for its chain in the `upload` and among the `known` certificates.
///
/// # Errors
/// Everything that differs, not only the first.
pub fn check(
    csr: &Csr,
    leaf: &Certificate,
    upload: &[Certificate],
    known: &[Certificate],
    now: DateTime<Utc>,
) -> Result<Answer, Vec<Difference>> {
    let mut differences = Vec::new();
    if !has_key_of(leaf, csr) {
        differences.push(Difference::KeyMismatch);
    }
    compare_names(csr, leaf, &mut differences);
    if leaf.not_after < now {
        differences.push(Difference::Expired(leaf.not_after));
    }
    if leaf.not_before > now {
        differences.push(Difference::NotYetValid(leaf.not_before));
    }
    let missing: Vec<String> = csr
        .extended_key_usage
        .iter()
        .flatten()
        .filter(|usage| !allows(leaf, usage))
        .cloned()
        .collect();
    if !missing.is_empty() {
        differences.push(Difference::EkuMissing(missing));
    }
    if leaf.is_ca() {
        differences.push(Difference::IsCa);
    }
    let pool: Vec<&Certificate> = upload.iter().chain(known).collect();
    let chain = chain::build_among(leaf, &pool);
    if chain.bad_signature {
        differences.push(Difference::BadSignature(leaf.issuer.clone()));
    } else if let Some(missing) = chain.missing_issuer {
        differences.push(Difference::ChainIncomplete(missing));
    }
    for issuer in &chain.issuers {
        if now < issuer.not_before || now > issuer.not_after {
            differences.push(Difference::IssuerNotValid {
                name: issuer.subject.clone(),
                not_before: issuer.not_before,
                not_after: issuer.not_after,
            });
        }
        if !issuer.is_ca() {
            differences.push(Difference::IssuerNotCa(issuer.subject.clone()));
        }
    }
    if differences.is_empty() {
        Ok(Answer {
            leaf: leaf.clone(),
            chain: chain.issuers,
        })
    } else {
        Err(differences)
    }
}

/// The same key bits of the same kind; how the parameters are written does not matter.
fn has_key_of(certificate: &Certificate, csr: &Csr) -> bool {
    fn bits(spki: &[u8]) -> Option<&[u8]> {
        let mut fields = only(spki, tag::SEQUENCE).ok()?.walk();
        fields.take(tag::SEQUENCE).ok()?;
        fields.take(tag::BIT_STRING).ok().map(|bits| bits.value)
    }
    certificate.spki_der == csr.spki_der
        || (certificate.key == csr.key
            && bits(&certificate.spki_der).is_some_and(|key| Some(key) == bits(&csr.spki_der)))
}

fn allows(leaf: &Certificate, usage: &str) -> bool {
    leaf.extended_key_usage
        .iter()
        .flatten()
        .any(|allowed| allowed == usage || allowed == "anyExtendedKeyUsage")
}

/// Names are compared as sets, host names without case. A CA may repeat the common name among the alternative names.
fn compare_names(csr: &Csr, leaf: &Certificate, differences: &mut Vec<Difference>) {
    let asked: BTreeSet<San> = csr.sans.iter().map(normal).collect();
    let got: BTreeSet<San> = leaf.sans.iter().map(normal).collect();
    let common_name = csr.common_name.as_deref().map(|name| match name.parse::<IpAddr>() {
        Ok(address) => San::ip(address),
        Err(_) => normal(&San::dns(name)),
    });
    let missing: Vec<San> = asked.difference(&got).cloned().collect();
    let added: Vec<San> = got
        .difference(&asked)
        .filter(|san| Some(*san) != common_name.as_ref())
        .cloned()
        .collect();
    if !missing.is_empty() {
        differences.push(Difference::SanMissing(missing));
    }
    if !added.is_empty() {
        differences.push(Difference::SanAdded(added));
    }
}

fn normal(san: &San) -> San {
    match san.kind {
        SanKind::Dns => San::dns(san.value.to_ascii_lowercase()),
        SanKind::Ip
        | SanKind::Email
        | SanKind::Uri
        | SanKind::DirName
        | SanKind::Rid
        | SanKind::OtherName
        | SanKind::X400
        | SanKind::Edi => san.clone(),
    }
}

//! What is computed of a certificate before it is stored.

use crate::digest::sha256_hex;
use crate::error::{Error, Result};
use certyard_pki::{Certificate, Csr, KeyInfo, San};
use serde_json::{Value, json};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// A certificate with all that its row needs and that takes time to compute.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// The certificate.
    pub certificate: Certificate,
    /// SHA-256 in hex, its name everywhere.
    pub sha256: String,
    /// SHA-256 of the encoded subject, in hex.
    pub subject_hash: String,
    /// SHA-256 of the encoded issuer, in hex.
    pub issuer_hash: String,
    /// Its own issuer, by name and signature.
    pub self_signed: bool,
    /// See the room's description.
    pub details: Value,
}

impl Prepared {
    /// The common name, or what else a person knows it by: its first alternative name, else its subject.
    pub fn shown_name(&self) -> String {
        shown_name(
            self.certificate.common_name.as_deref(),
            &self.certificate.sans,
            &self.certificate.subject,
        )
    }
}

pub(crate) fn shown_name(common_name: Option<&str>, sans: &[San], subject: &str) -> String {
    let name = common_name
        .filter(|name| !name.is_empty())
        .or_else(|| sans.first().map(|san| san.value.as_str()))
        .unwrap_or(subject);
    indexable(name)
}

/// PostgreSQL indexes no text longer than a third of a page: what is sorted and looked up is cut. The whole of it stands
/// in the subject, the details and the bytes.
pub(crate) fn indexable(text: &str) -> String {
    storable(text).chars().take(500).collect()
}

/// PostgreSQL keeps no NUL in text; names of certificates may hold one.
pub(crate) fn storable(text: &str) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text.into()
    }
}

/// Computes what a row needs; a self-issued certificate's signature is checked here. Call it off the threads of requests.
pub fn prepare(certificate: Certificate) -> Prepared {
    Prepared {
        sha256: certificate.sha256_hex(),
        subject_hash: sha256_hex(&certificate.subject_der),
        issuer_hash: sha256_hex(&certificate.issuer_der),
        self_signed: certificate.is_self_signed(),
        details: details(&certificate),
        certificate,
    }
}

fn sans_json(sans: &[San]) -> Value {
    sans.iter()
        .map(|san| json!([san.kind.as_str(), storable(&san.value)]))
        .collect()
}

fn key_json(key: &KeyInfo) -> Value {
    json!({ "type": key.key_type, "bits": key.bits, "oid": key.oid, "curve": key.curve })
}

fn details(certificate: &Certificate) -> Value {
    json!({
        "version": certificate.version,
        "sans": sans_json(&certificate.sans),
        "key": key_json(&certificate.key),
        "key_usage": certificate.key_usage,
        "extended_key_usage": certificate.extended_key_usage,
        "basic_constraints": certificate.basic_constraints.as_ref().map(|constraints| json!({
            "ca": constraints.ca,
            "path_len": constraints.path_len,
        })),
        "warnings": certificate.warnings.iter().map(|warning| storable(warning)).collect::<Vec<_>>(),
    })
}

/// What is kept of a CSR beside its bytes, in the shape of a certificate's details.
pub fn csr_details(csr: &Csr) -> Value {
    json!({
        "sans": sans_json(&csr.sans),
        "key": key_json(&csr.key),
        "signature_algorithm": csr.signature_algorithm,
        "key_usage": csr.key_usage,
        "extended_key_usage": csr.extended_key_usage,
        "warnings": csr.warnings.iter().map(|warning| storable(warning)).collect::<Vec<_>>(),
    })
}

/// As many at once as there are processors: parsing is pure work.
static THREADS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)));

/// Runs work that takes processor time away from the threads of requests, and in no more places than there are
/// processors.
///
/// # Errors
/// [`Error::Internal`] when the work panicked or the program ends.
pub async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let _permit = THREADS.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

//! What is told of a certificate or a CSR: of an uploaded one, and of one that is stored.

use crate::error::Problem;
use crate::page;
use certyard_domain::certificates;
use certyard_pki::{Csr, KeyInfo, San};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Kind of a public key and its size.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct KeyFacts {
    /// RSA, EC, Ed25519, Ed448, X25519, X448, DSA, else the OID.
    #[serde(rename = "type")]
    #[schema(example = "RSA")]
    pub key_type: String,
    /// Bits of the modulus or the curve, where known.
    #[schema(example = 3072)]
    pub bits: Option<u32>,
}

/// Whether the subject is a CA.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct BasicConstraints {
    /// It is.
    pub ca: bool,
    /// CAs below it at most.
    #[schema(example = json!(null))]
    pub path_len: Option<u32>,
}

/// All that a certificate says.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CertificateFacts {
    /// SHA-256 of the DER, lower-case hex.
    #[schema(example = "6a9c3c0f…")]
    pub sha256: String,
    /// SHA-1 of the DER, lower-case hex.
    #[schema(example = "c5d1…")]
    pub sha1: String,
    /// 1 to 3.
    #[schema(example = 3)]
    pub version: u8,
    /// Serial number, upper-case hex, `-` before a negative one.
    #[schema(example = "01AB")]
    pub serial_hex: String,
    /// Subject, RFC 4514.
    #[schema(example = "CN=cucm-n-1.example.org,O=Example")]
    pub subject: String,
    /// Issuer, RFC 4514.
    #[schema(example = "CN=Example Issuing CA,O=Example")]
    pub issuer: String,
    /// Common name of the subject.
    #[schema(example = "cucm-n-1.example.org")]
    pub common_name: Option<String>,
    /// Begin.
    pub not_before: DateTime<Utc>,
    /// End.
    pub not_after: DateTime<Utc>,
    /// Subject alternative names: kind (dns, ip, email, uri, dirname, rid, othername, x400, edi) and value.
    #[schema(example = json!([["dns", "cucm-n-1.example.org"]]))]
    pub sans: Vec<(String, String)>,
    /// Public key.
    pub key: KeyFacts,
    /// Signature algorithm.
    #[schema(example = "sha256WithRSAEncryption")]
    pub signature_algorithm: String,
    /// Key usage, where it has any.
    #[schema(example = json!(["digitalSignature"]))]
    pub key_usage: Option<Vec<String>>,
    /// Extended key usage, where it has any.
    #[schema(example = json!(["serverAuth", "clientAuth"]))]
    pub extended_key_usage: Option<Vec<String>>,
    /// Basic constraints, where it has any.
    pub basic_constraints: Option<BasicConstraints>,
    /// Subject key identifier, lower-case hex.
    #[schema(example = "0a1b")]
    pub ski: Option<String>,
    /// Authority key identifier, lower-case hex.
    #[schema(example = "0a1b")]
    pub aki: Option<String>,
    /// Signed by its own key, as far as that can be told.
    pub self_signed: bool,
    /// A CA's certificate.
    pub is_ca: bool,
    /// What is odd about it.
    #[schema(example = json!([]))]
    pub warnings: Vec<String>,
}

/// All that a CSR says.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CsrFacts {
    /// SHA-256 of the DER, lower-case hex.
    #[schema(example = "6a9c3c0f…")]
    pub sha256: String,
    /// Subject, RFC 4514.
    #[schema(example = "CN=cucm-n-1.example.org")]
    pub subject: String,
    /// Common name of the subject.
    #[schema(example = "cucm-n-1.example.org")]
    pub common_name: Option<String>,
    /// Subject alternative names: kind and value.
    #[schema(example = json!([["dns", "cucm-n-1.example.org"]]))]
    pub sans: Vec<(String, String)>,
    /// Public key.
    pub key: KeyFacts,
    /// SHA-256 of the public key, lower-case hex.
    #[schema(example = "6a9c3c0f…")]
    pub spki_sha256: String,
    /// Signature algorithm.
    #[schema(example = "sha256WithRSAEncryption")]
    pub signature_algorithm: String,
    /// Wanted key usage.
    #[schema(example = json!(["digitalSignature"]))]
    pub key_usage: Option<Vec<String>>,
    /// Wanted extended key usage.
    #[schema(example = json!(["serverAuth"]))]
    pub extended_key_usage: Option<Vec<String>>,
    /// What is odd about it.
    #[schema(example = json!([]))]
    pub warnings: Vec<String>,
}

impl KeyFacts {
    /// As it stands on a row.
    pub(crate) fn stored(key_type: String, bits: Option<i32>) -> Self {
        Self {
            key_type,
            bits: bits.and_then(|bits| u32::try_from(bits).ok()),
        }
    }

    fn read(key: &KeyInfo) -> Self {
        Self {
            key_type: key.key_type.clone(),
            bits: key.bits,
        }
    }
}

fn sans(sans: &[San]) -> Vec<(String, String)> {
    sans.iter()
        .map(|san| (san.kind.as_str().to_string(), san.value.clone()))
        .collect()
}

fn owned(names: &Option<Vec<&'static str>>) -> Option<Vec<String>> {
    names
        .as_ref()
        .map(|names| names.iter().map(ToString::to_string).collect())
}

pub(super) fn facts(certificate: &certyard_pki::Certificate) -> CertificateFacts {
    CertificateFacts {
        sha256: certificate.sha256_hex(),
        sha1: hex(&certificate.sha1),
        version: certificate.version,
        serial_hex: certificate.serial_hex.clone(),
        subject: certificate.subject.clone(),
        issuer: certificate.issuer.clone(),
        common_name: certificate.common_name.clone(),
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        sans: sans(&certificate.sans),
        key: KeyFacts::read(&certificate.key),
        signature_algorithm: certificate.signature_algorithm.clone(),
        key_usage: owned(&certificate.key_usage),
        extended_key_usage: certificate.extended_key_usage.clone(),
        basic_constraints: certificate
            .basic_constraints
            .as_ref()
            .map(|constraints| BasicConstraints {
                ca: constraints.ca,
                path_len: constraints.path_len,
            }),
        ski: certificate.ski.as_deref().map(hex),
        aki: certificate.aki.as_deref().map(hex),
        self_signed: certificate.is_self_signed(),
        is_ca: certificate.is_ca(),
        warnings: certificate.warnings.clone(),
    }
}

pub(super) fn csr_facts(csr: &Csr) -> CsrFacts {
    CsrFacts {
        sha256: hex(&csr.sha256),
        subject: csr.subject.clone(),
        common_name: csr.common_name.clone(),
        sans: sans(&csr.sans),
        key: KeyFacts::read(&csr.key),
        spki_sha256: hex(&csr.spki_sha256),
        signature_algorithm: csr.signature_algorithm.clone(),
        key_usage: owned(&csr.key_usage),
        extended_key_usage: csr.extended_key_usage.clone(),
        warnings: csr.warnings.clone(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What `details` of a row holds: see the room of certificates.
#[derive(Deserialize)]
struct Details {
    version: u8,
    sans: Vec<(String, String)>,
    key_usage: Option<Vec<String>>,
    extended_key_usage: Option<Vec<String>>,
    basic_constraints: Option<StoredConstraints>,
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct StoredConstraints {
    ca: bool,
    path_len: Option<u32>,
}

/// What a stored certificate says.
pub(crate) fn stored_facts(row: certificates::Certificate) -> Result<CertificateFacts, Problem> {
    let details: Details = page::stored_json(row.details)?;
    Ok(CertificateFacts {
        sha256: row.sha256,
        sha1: row.sha1,
        version: details.version,
        serial_hex: row.serial_hex,
        subject: row.subject,
        issuer: row.issuer,
        common_name: (!row.common_name.is_empty()).then_some(row.common_name),
        not_before: row.not_before,
        not_after: row.not_after,
        sans: details.sans,
        key: KeyFacts::stored(row.key_type, row.key_bits),
        signature_algorithm: row.signature_algorithm,
        key_usage: details.key_usage,
        extended_key_usage: details.extended_key_usage,
        basic_constraints: details.basic_constraints.map(|constraints| BasicConstraints {
            ca: constraints.ca,
            path_len: constraints.path_len,
        }),
        ski: row.ski,
        aki: row.aki,
        self_signed: row.self_signed,
        is_ca: row.is_ca,
        warnings: details.warnings,
    })
}

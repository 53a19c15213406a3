//! The record of one certificate signing request (PKCS#10, RFC 2986).

use der::Decode as _;

use crate::certificate::{MAX_BYTES, bound, sha256};
use crate::extensions::{self, Extensions};
use crate::fields::{self, CsrFields};
use crate::tlv::{Broken, Tlv, only, tag};
use crate::verify::{self, SignatureCheck};
use crate::{KeyInfo, PkiError, Result, San, key_info, name, oid, pem_text};

/// What one request asks for, and its bytes as they were received. Its own signature is valid, or of an algorithm that cannot
/// be checked here (then a warning says so).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csr {
    /// The bytes as received.
    pub der: Vec<u8>,
    /// SHA-256 of [`der`](Self::der).
    pub sha256: [u8; 32],
    /// RFC 4514; empty for an empty name.
    pub subject: String,
    /// The most specific common name of the subject.
    pub common_name: Option<String>,
    /// Subject alternative names asked for.
    pub sans: Vec<San>,
    /// Kind and size of the public key.
    pub key: KeyInfo,
    /// SubjectPublicKeyInfo in DER.
    pub spki_der: Vec<u8>,
    /// SHA-256 of [`spki_der`](Self::spki_der).
    pub spki_sha256: [u8; 32],
    /// Name as OpenSSL writes it, else the object identifier.
    pub signature_algorithm: String,
    /// Extended key usages asked for.
    pub extended_key_usage: Option<Vec<String>>,
    /// Key usages asked for.
    pub key_usage: Option<Vec<&'static str>>,
    /// What is odd about it, in words.
    pub warnings: Vec<String>,
}

impl Csr {
    /// Reads one request and checks that it is signed with its own key.
    ///
    /// # Errors
    /// [`PkiError::BrokenCsr`], or [`PkiError::BadCsrSignature`] where the signature is another key's or damaged.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let broken = |why: Broken| PkiError::BrokenCsr(why.to_owned());
        if der.len() > MAX_BYTES {
            return Err(broken("it is larger than any real one (1 MiB)"));
        }
        let fields = fields::csr(der).map_err(broken)?;
        let mut csr = Self::from_fields(der, &fields).map_err(broken)?;
        if let Err(strict) = x509_cert::request::CertReq::from_der(der) {
            use x509_parser::prelude::FromDer as _;
            match x509_parser::certification_request::X509CertificationRequest::from_der(der) {
                Ok(([], _)) => csr.warnings.push("it is not made by the rules of RFC 2986".to_owned()),
                _ => return Err(PkiError::BrokenCsr(strict.to_string())),
            }
        }
        match verify::check_own(fields.signed, fields.spki) {
            SignatureCheck::Valid => Ok(csr),
            SignatureCheck::Invalid => Err(PkiError::BadCsrSignature),
            SignatureCheck::Unknown => {
                csr.warnings.push(format!(
                    "its own signature ({}) cannot be checked",
                    csr.signature_algorithm
                ));
                Ok(csr)
            }
        }
    }

    fn from_fields(der: &[u8], fields: &CsrFields<'_>) -> Result<Self, Broken> {
        let mut warnings = Vec::new();
        let subject = name::read(fields.subject)?;
        let key = key_info::read(fields.spki, &mut warnings)?;
        let extensions = match fields.attributes {
            Some(attributes) => read_attributes(attributes, &mut warnings)?,
            None => Extensions::default(),
        };
        let algorithm = fields.signed.algorithm.walk().take(tag::OID)?.value;
        bound(&mut warnings);
        Ok(Self {
            sha256: sha256(der),
            subject: subject.text,
            common_name: subject.common_name,
            sans: extensions.sans,
            key,
            spki_der: fields.spki.raw.to_vec(),
            spki_sha256: sha256(fields.spki.raw),
            signature_algorithm: oid::signature_algorithm(algorithm)?,
            extended_key_usage: extensions.extended_key_usage,
            key_usage: extensions.key_usage,
            warnings,
            der: der.to_vec(),
        })
    }

    /// Reads PEM text that holds exactly one request.
    ///
    /// # Errors
    /// [`PkiError::BrokenPem`] for another number of blocks or another label, else as [`from_der`](Self::from_der).
    pub fn from_pem(text: &str) -> Result<Self> {
        let block = pem_text::one(text, pem_text::CSR_LABELS, "one certificate signing request")?;
        Self::from_der(&block)
    }

    /// The request as PEM.
    pub fn to_pem(&self) -> String {
        pem_text::encode("CERTIFICATE REQUEST", &self.der)
    }
}

/// Most attributes and values of attributes that are read; real requests have five.
const MAX_ATTRIBUTES: usize = 256;

/// Finds the extensions asked for: `extensionRequest` of PKCS#9 or Microsoft's own identifier for the same.
fn read_attributes(attributes: Tlv<'_>, warnings: &mut Vec<String>) -> Result<Extensions, Broken> {
    const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];
    const MICROSOFT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x0e];
    let mut found = None;
    let mut entries = attributes.walk();
    let mut count = 0;
    while !entries.is_empty() {
        let mut entry = entries.take(tag::SEQUENCE)?.walk();
        let kind = entry.take(tag::OID)?.value;
        let values = entry.take(tag::SET)?;
        entry.finish()?;
        let mut members = values.walk();
        count += 1;
        while !members.is_empty() {
            members.next()?;
            count += 1;
        }
        if count > MAX_ATTRIBUTES {
            return Err("it has more attributes than any real one");
        }
        if kind != EXTENSION_REQUEST && kind != MICROSOFT {
            continue;
        }
        match only(values.value, tag::SEQUENCE).and_then(|sequence| extensions::read(sequence, warnings)) {
            Ok(_) if found.is_some() => warnings.push("it asks for extensions twice; the first list counts".to_owned()),
            Ok(extensions) => found = Some(extensions),
            Err(why) => warnings.push(format!("the extensions it asks for are broken: {why}")),
        }
    }
    Ok(found.unwrap_or_default())
}

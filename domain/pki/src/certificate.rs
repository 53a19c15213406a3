//! The record of one certificate.

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use der::Decode as _;

use crate::extensions::{self, BasicConstraints};
use crate::fields::{self, CertificateFields};
use crate::tlv::{Broken, only, tag};
use crate::verify::{self, SignatureCheck};
use crate::{KeyInfo, PkiError, Result, San, key_info, name, oid, pem_text, time};

/// Largest certificate or request that is read. Those of the wild have some kilobytes, ten thousand names take 300.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;
/// Most warnings on one record.
const MAX_WARNINGS: usize = 50;

/// Cuts a list of warnings that something made to be odd may have filled.
pub(crate) fn bound(warnings: &mut Vec<String>) {
    if let Some(more) = warnings.len().checked_sub(MAX_WARNINGS).filter(|more| *more > 0) {
        warnings.truncate(MAX_WARNINGS);
        warnings.push(format!("and {more} more"));
    }
}

/// What one certificate says, and its bytes as they were received.
///
/// A record is an inventory entry, not a verdict: it may be expired, have a bad signature, an odd name or a negative serial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The bytes as received; fingerprints are made from these.
    pub der: Vec<u8>,
    /// SHA-256 of [`der`](Self::der).
    pub sha256: [u8; 32],
    /// SHA-1 of [`der`](Self::der): an identifier that people know, nothing is secured by it.
    pub sha1: [u8; 20],
    /// 1 to 3; another number where the certificate claims a version that does not exist.
    pub version: u8,
    /// Upper-case hexadecimal, two digits a byte, `-` before a negative one.
    pub serial_hex: String,
    /// RFC 4514; empty for an empty name.
    pub subject: String,
    /// RFC 4514.
    pub issuer: String,
    /// The Name of the subject in DER, for comparing.
    pub subject_der: Vec<u8>,
    /// The Name of the issuer in DER, for comparing.
    pub issuer_der: Vec<u8>,
    /// The most specific common name of the subject.
    pub common_name: Option<String>,
    /// Valid from this second on.
    pub not_before: DateTime<Utc>,
    /// Valid until the end of this second.
    pub not_after: DateTime<Utc>,
    /// Subject alternative names in their order, repeated where the certificate repeats them.
    pub sans: Vec<San>,
    /// Kind and size of the public key.
    pub key: KeyInfo,
    /// SubjectPublicKeyInfo in DER: equal for two certificates of one key.
    pub spki_der: Vec<u8>,
    /// Name as OpenSSL writes it (`sha256WithRSAEncryption`), else the object identifier.
    pub signature_algorithm: String,
    /// Object identifier of the signature algorithm, dotted.
    pub signature_algorithm_oid: String,
    /// Names of RFC 5280 (`digitalSignature`, …); none where the extension is absent or broken.
    pub key_usage: Option<Vec<&'static str>>,
    /// `serverAuth`, `clientAuth`, … else object identifiers; none where the extension is absent or broken.
    pub extended_key_usage: Option<Vec<String>>,
    /// Object identifiers of the policies under which it was issued, dotted; empty where the extension is absent or broken.
    pub policies: Vec<String>,
    /// None where the extension is absent or broken.
    pub basic_constraints: Option<BasicConstraints>,
    /// Subject key identifier.
    pub ski: Option<Vec<u8>>,
    /// Key identifier of the authority key identifier.
    pub aki: Option<Vec<u8>>,
    /// What is odd about it, in words.
    pub warnings: Vec<String>,
}

impl Certificate {
    /// Reads one certificate. Trailing bytes are refused; broken or unknown extensions are warnings.
    ///
    /// # Errors
    /// [`PkiError::BrokenCertificate`].
    pub fn from_der(der: &[u8]) -> Result<Self> {
        if der.len() > MAX_BYTES {
            return Err(broken("it is larger than any real one (1 MiB)"));
        }
        let fields = fields::certificate(der).map_err(broken)?;
        let mut record = Self::from_fields(der, &fields).map_err(broken)?;
        // x509-cert judges the structure. What it refuses though it exists in the field (serials over 20 bytes, UTCTime before
        // 1970, long object identifiers) is judged by x509-parser, which in turn does not mind bytes left over. Both come last:
        // x509-cert sorts sets in quadratic time, and the fields above are bounded.
        if let Err(strict) = x509_cert::Certificate::from_der(der) {
            match x509_parser::parse_x509_certificate(der) {
                Ok(([], _)) => record
                    .warnings
                    .push("it is not made by the rules of RFC 5280".to_owned()),
                _ => return Err(PkiError::BrokenCertificate(strict.to_string())),
            }
        }
        Ok(record)
    }

    fn from_fields(der: &[u8], fields: &CertificateFields<'_>) -> Result<Self, Broken> {
        let mut warnings = Vec::new();
        if !(1..=3).contains(&fields.version) {
            warnings.push(format!("version {} does not exist", fields.version));
        }
        if fields.inner_algorithm.raw != fields.signed.algorithm.raw {
            warnings.push("its two signature algorithms differ".to_owned());
        }
        let not_before = time::read(fields.not_before)?;
        let not_after = time::read(fields.not_after)?;
        if not_after < not_before {
            warnings.push("it ends before it begins".to_owned());
        }
        let subject = name::read(fields.subject)?;
        let issuer = name::read(fields.issuer)?;
        let key = key_info::read(fields.spki, &mut warnings)?;
        let extensions = match fields.extensions {
            Some(sequence) => extensions::read(sequence, &mut warnings)?,
            None => extensions::Extensions::default(),
        };
        let algorithm = fields.signed.algorithm.walk().take(tag::OID)?.value;
        bound(&mut warnings);
        Ok(Self {
            sha256: sha256(der),
            sha1: sha1(der),
            version: fields.version,
            serial_hex: fields::serial_hex(fields.serial),
            subject: subject.text,
            issuer: issuer.text,
            subject_der: fields.subject.raw.to_vec(),
            issuer_der: fields.issuer.raw.to_vec(),
            common_name: subject.common_name,
            not_before,
            not_after,
            sans: extensions.sans,
            key,
            spki_der: fields.spki.raw.to_vec(),
            signature_algorithm: oid::signature_algorithm(algorithm)?,
            signature_algorithm_oid: oid::dotted(algorithm)?,
            key_usage: extensions.key_usage,
            extended_key_usage: extensions.extended_key_usage,
            policies: extensions.policies,
            basic_constraints: extensions.basic_constraints,
            ski: extensions.ski,
            aki: extensions.aki,
            warnings,
            der: der.to_vec(),
        })
    }

    /// Reads PEM text that holds exactly one certificate (text around it is fine).
    ///
    /// # Errors
    /// [`PkiError::BrokenPem`] for another number of blocks or another label, else as [`from_der`](Self::from_der).
    pub fn from_pem(text: &str) -> Result<Self> {
        let block = pem_text::one(text, pem_text::CERTIFICATE_LABELS, "one certificate")?;
        Self::from_der(&block)
    }

    /// The certificate as PEM, lines of 64 characters, ending with a line feed.
    pub fn to_pem(&self) -> String {
        pem_text::encode("CERTIFICATE", &self.der)
    }

    /// SHA-256 in lower-case hexadecimal: the name of a certificate everywhere in Certyard.
    pub fn sha256_hex(&self) -> String {
        hex::encode(self.sha256)
    }

    /// Whether it names itself as its issuer (a comparison of names, no cryptography).
    pub fn is_self_issued(&self) -> bool {
        self.subject_der == self.issuer_der
    }

    /// Whether it is its own issuer: the names are equal and the signature, where it can be checked, is its own key's.
    pub fn is_self_signed(&self) -> bool {
        self.is_self_issued() && self.verify_signature_by(self) != SignatureCheck::Invalid
    }

    /// Whether a CA issued it whose roots browsers trust, as it says by a policy of the CA/Browser Forum, which every such certificate for
    /// servers carries (Baseline Requirements 7.1.6.1).
    pub fn is_publicly_trusted(&self) -> bool {
        let forum = |policy: &String| {
            policy == "2.23.140.1.1" || matches!(policy.strip_prefix("2.23.140.1.2."), Some("1" | "2" | "3"))
        };
        self.policies.iter().any(forum)
    }

    /// Whether it may sign other certificates: basicConstraints say so, or it is a self-issued v1 certificate, as the roots
    /// from before that extension are.
    pub fn is_ca(&self) -> bool {
        match self.basic_constraints {
            Some(constraints) => constraints.ca,
            None => self.version == 1 && self.is_self_issued(),
        }
    }

    /// Whether the key of `issuer` made the signature on this certificate.
    pub fn verify_signature_by(&self, issuer: &Self) -> SignatureCheck {
        match (fields::certificate(&self.der), only(&issuer.spki_der, tag::SEQUENCE)) {
            (Ok(fields), Ok(spki)) => verify::check(fields.signed, spki),
            _ => SignatureCheck::Unknown,
        }
    }
}

fn broken(why: Broken) -> PkiError {
    PkiError::BrokenCertificate(why.to_owned())
}

/// SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    for (to, from) in sum.iter_mut().zip(digest::digest(&digest::SHA256, bytes).as_ref()) {
        *to = *from;
    }
    sum
}

/// SHA-1 of some bytes, for identifiers only.
pub(crate) fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut sum = [0; 20];
    for (to, from) in sum
        .iter_mut()
        .zip(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref())
    {
        *to = *from;
    }
    sum
}

//! What is handed in: one file with certificates in PEM, DER or PKCS#7, accepted or refused as a whole.
//!
//! Refused: private keys and PKCS#12 (a key belongs to its node), bytes behind DER, anything broken or unknown. Accepted: a byte
//! order mark, CRLF, text around PEM, duplicates. Content is not judged: expired, odd or badly signed certificates are listed.

use std::collections::HashSet;

use crate::tlv::{self, Walk, tag};
use crate::{Certificate, Csr, PkiError, Result, pem_text, pkcs7};

/// How much one upload may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Size of the file.
    pub max_bytes: usize,
    /// Certificates and requests together, duplicates counted.
    pub max_certificates: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 10 * 1024 * 1024,
            max_certificates: 5_000,
        }
    }
}

/// What an accepted file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upload {
    /// Certificates, each once, in the order of the file.
    pub certificates: Vec<Certificate>,
    /// Certificate signing requests, each once, in the order of the file.
    pub csrs: Vec<Csr>,
}

/// Why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// One word for programs: `too_large`, `too_many`, `private_key`, `pkcs12`, `trailing_bytes`, `broken_pem`, `broken_der`,
    /// `broken_pkcs7`, `unexpected_block`, `no_certificate`, `csr_not_allowed`, `bad_csr_signature`.
    pub code: &'static str,
    /// A sentence for people: what is wrong, which member of the file, and the way out.
    pub message: String,
}

impl Refusal {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

const KEY_MESSAGE: &str = "the file holds a private key, and Certyard never takes one: nothing was stored. Upload the certificates \
     without the key. Keys stay on their nodes: generate a CSR there, have it signed, and upload the answer";
const PKCS12_MESSAGE: &str = "the file is a PKCS#12 store, which can hold private keys: nothing was stored. Upload its certificates \
     as PEM. Keys stay on their nodes: generate a CSR there, have it signed, and upload the answer";

/// Reads a file. Requests are taken only where `csr_allowed`.
///
/// # Errors
/// A [`Refusal`]; then nothing of the file may be used.
pub fn read(bytes: &[u8], limits: &Limits, csr_allowed: bool) -> Result<Upload, Refusal> {
    if bytes.len() > limits.max_bytes {
        return Err(Refusal::new(
            "too_large",
            format!("the file is larger than {} bytes", limits.max_bytes),
        ));
    }
    let mut reader = Reader {
        limits,
        csr_allowed,
        seen: HashSet::new(),
        members: 0,
        upload: Upload::default(),
    };
    if is_binary(bytes) {
        reader.read_der(bytes)?
    } else {
        reader.read_text(bytes)?
    }
    if reader.upload.certificates.is_empty() && reader.upload.csrs.is_empty() {
        return Err(no_certificate());
    }
    Ok(reader.upload)
}

fn no_certificate() -> Refusal {
    Refusal::new(
        "no_certificate",
        "there is no certificate in the file: PEM, DER and PKCS#7 (.p7b) are read",
    )
}

/// A SEQUENCE whose length does not fit in one byte: no text begins like this, and no certificate begins otherwise.
fn is_binary(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, length, ..] if *length >= 0x80) || tlv::first_len(bytes) == Some(bytes.len())
}

struct Reader<'l> {
    limits: &'l Limits,
    csr_allowed: bool,
    seen: HashSet<[u8; 32]>,
    /// Blocks and members of bundles, duplicates counted.
    members: usize,
    upload: Upload,
}

impl Reader<'_> {
    fn read_text(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(Refusal::new(
                "broken_pem",
                "the file is text in UTF-16: save it as UTF-8 and upload it again",
            ));
        }
        let blocks = pem_text::scan(bytes).map_err(|error| {
            if pem_text::holds_private_key(bytes) {
                Refusal::new("private_key", KEY_MESSAGE)
            } else {
                Refusal::new("broken_pem", error.to_string())
            }
        })?;
        if blocks.iter().any(|block| block.is_private_key()) {
            return Err(Refusal::new("private_key", KEY_MESSAGE));
        }
        self.count(blocks.len())?;
        for (index, block) in blocks.iter().enumerate() {
            let place = if blocks.len() == 1 {
                String::new()
            } else {
                format!(" (block {} of {})", index + 1, blocks.len())
            };
            let label = block.label;
            let is_csr = pem_text::CSR_LABELS.contains(&label);
            let is_pkcs7 = pem_text::PKCS7_LABELS.contains(&label);
            if !is_csr && !is_pkcs7 && !pem_text::CERTIFICATE_LABELS.contains(&label) {
                return Err(Refusal::new(
                    "unexpected_block",
                    format!(
                        "the file holds a block `{}`{place}: only certificates are taken",
                        label.escape_debug()
                    ),
                ));
            }
            let der = block
                .decode()
                .map_err(|error| Refusal::new("broken_pem", format!("{error}{place}")))?;
            match sniff(&der) {
                Sniff::PrivateKey => return Err(Refusal::new("private_key", KEY_MESSAGE)),
                Sniff::Pkcs12 => return Err(Refusal::new("pkcs12", PKCS12_MESSAGE)),
                Sniff::Other => {}
            }
            if is_pkcs7 {
                self.read_pkcs7(&der)?;
            } else {
                if tlv::first_len(&der).is_some_and(|length| length < der.len()) {
                    return Err(trailing(&place));
                }
                if is_csr {
                    self.add_csr(&der)?
                } else {
                    self.add_certificate(&der, &place)?
                }
            }
        }
        Ok(())
    }

    fn read_der(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        match sniff(bytes) {
            Sniff::PrivateKey => return Err(Refusal::new("private_key", KEY_MESSAGE)),
            Sniff::Pkcs12 => return Err(Refusal::new("pkcs12", PKCS12_MESSAGE)),
            Sniff::Other => {}
        }
        if pkcs7::is_pkcs7(bytes) {
            return self.read_pkcs7(bytes);
        }
        if tlv::first_len(bytes).is_some_and(|length| length < bytes.len()) {
            return Err(trailing(""));
        }
        if looks_like_csr(bytes) {
            self.add_csr(bytes)
        } else {
            self.add_certificate(bytes, "")
        }
    }

    fn read_pkcs7(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let members = pkcs7::certificates(bytes).map_err(|error| Refusal::new("broken_pkcs7", error.to_string()))?;
        self.count(members.len())?;
        for (index, member) in members.iter().enumerate() {
            self.add_certificate(
                member,
                &format!(" (certificate {} of {} in the bundle)", index + 1, members.len()),
            )?;
        }
        Ok(())
    }

    fn count(&mut self, more: usize) -> Result<(), Refusal> {
        self.members += more;
        if self.members > self.limits.max_certificates {
            let most = self.limits.max_certificates;
            return Err(Refusal::new(
                "too_many",
                format!("the file holds more than {most} certificates: split it"),
            ));
        }
        Ok(())
    }

    fn add_certificate(&mut self, der: &[u8], place: &str) -> Result<(), Refusal> {
        let certificate = match Certificate::from_der(der) {
            Ok(certificate) => certificate,
            Err(_) if looks_like_csr(der) => {
                let message = format!("a certificate signing request is labelled as a certificate{place}");
                return Err(Refusal::new("broken_der", message));
            }
            Err(error) => return Err(Refusal::new("broken_der", format!("{error}{place}"))),
        };
        if self.seen.insert(certificate.sha256) {
            self.upload.certificates.push(certificate);
        }
        Ok(())
    }

    fn add_csr(&mut self, der: &[u8]) -> Result<(), Refusal> {
        if !self.csr_allowed {
            let message =
                "the file holds a certificate signing request, not the certificate: upload what the CA answered to it";
            return Err(Refusal::new("csr_not_allowed", message));
        }
        let csr = Csr::from_der(der).map_err(|error| match error {
            PkiError::BadCsrSignature => Refusal::new("bad_csr_signature", error.to_string()),
            other => Refusal::new("broken_der", other.to_string()),
        })?;
        if self.seen.insert(csr.sha256) {
            self.upload.csrs.push(csr);
        }
        Ok(())
    }
}

fn trailing(place: &str) -> Refusal {
    Refusal::new(
        "trailing_bytes",
        format!("there are bytes behind the end of the certificate{place}: save it again and upload that"),
    )
}

enum Sniff {
    PrivateKey,
    Pkcs12,
    Other,
}

/// Looks at the first fields alone, so that broken keys and stores are recognised too.
fn sniff(bytes: &[u8]) -> Sniff {
    // Contents of 1.2.840.113549.1.7, the prefix of PKCS#7 kinds
    const PKCS7: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
    // Contents of 1.2.840.113549.1.5, the prefix of password-based encryption, and of the PKCS#12 kinds of it
    const PKCS5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05];
    const PKCS12_PBE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c];
    let Some(inside) = inside_of_sequence(bytes) else {
        return Sniff::Other;
    };
    let mut fields = Walk::new(inside);
    let Ok(first) = fields.next() else { return Sniff::Other };
    match (first.tag, fields.peek()) {
        // version 3 and a ContentInfo: PFX, also with indefinite lengths behind
        (tag::INTEGER, Some(tag::SEQUENCE)) if first.value == [3] => Sniff::Pkcs12,
        // version and algorithm: PKCS#8
        (tag::INTEGER, Some(tag::SEQUENCE)) => Sniff::PrivateKey,
        // version and numbers: PKCS#1, DSA
        (tag::INTEGER, Some(tag::INTEGER)) if first.value == [0] || first.value == [1] => Sniff::PrivateKey,
        // version and secret: SEC 1
        (tag::INTEGER, Some(tag::OCTET_STRING)) => Sniff::PrivateKey,
        // algorithm and bytes: encrypted PKCS#8
        (tag::SEQUENCE, Some(tag::OCTET_STRING)) => match first.walk().take(tag::OID) {
            Ok(kind) if kind.value.starts_with(PKCS5) || kind.value.starts_with(PKCS12_PBE) => Sniff::PrivateKey,
            Ok(kind) if kind.value.starts_with(PKCS7) => Sniff::Other,
            _ => Sniff::Other,
        },
        _ => Sniff::Other,
    }
}

/// The bytes behind the header of a SEQUENCE, whatever its length says.
fn inside_of_sequence(bytes: &[u8]) -> Option<&[u8]> {
    let (&first, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if first != tag::SEQUENCE {
        return None;
    }
    let more = if length < 0x80 { 0 } else { usize::from(length & 0x7f) };
    rest.get(more..)
}

/// Whether the second field behind the version of what is signed is a name, not an algorithm: a request begins with its
/// version, its subject and its key; a certificate has a serial number there.
fn looks_like_csr(bytes: &[u8]) -> bool {
    let read = || -> Result<bool, tlv::Broken> {
        let mut info = Walk::new(bytes).take(tag::SEQUENCE)?.walk().take(tag::SEQUENCE)?.walk();
        let version = info.take(tag::INTEGER)?;
        info.take(tag::SEQUENCE)?;
        let key = info.take(tag::SEQUENCE)?;
        let mut key = key.walk();
        key.take(tag::SEQUENCE)?;
        key.take(tag::BIT_STRING)?;
        Ok(version.value == [0])
    };
    read().unwrap_or(false)
}

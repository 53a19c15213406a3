//! Certificate and key as a pair: whether they belong together, and what a CSR is to ask for.

use super::layout::Layout;
use super::sites::Site;
use crate::connector::StepError;
use crate::pem_blocks;
use crate::wire::Shown;
use certyard_pki::{Certificate, Hash, KeySpec, PrivateKey, San, SanKind, SignatureCheck};
use certyard_protocol::CsrSpec;
use chrono::Utc;
use std::path::Path;
use zeroize::Zeroizing;

pub(super) fn broken(why: impl std::fmt::Display) -> StepError {
    StepError::lasting("chain_broken", format!("the chain cannot be installed: {why}"))
}

pub(super) fn spki_sha256(leaf: &Certificate) -> String {
    crate::tls::sha256_hex(&leaf.spki_der)
}

pub(super) fn leaf_sha256(chain_pem: &str) -> Option<String> {
    let blocks = pem_blocks::certificates(chain_pem);
    Some(Certificate::from_pem(blocks.first()?).ok()?.sha256_hex())
}

/// The configured leaf; else what stands in its place, as far as it is a certificate, and what is wrong with it.
pub(super) fn read_leaf(layout: &Layout) -> Result<Certificate, (String, String)> {
    let chain = layout
        .configured_chain()
        .map_err(|error| (String::new(), error.message))?;
    let pem = pem_blocks::certificates(&chain).into_iter().next().unwrap_or_default();
    Certificate::from_pem(&pem).map_err(|error| (pem, format!("the configured certificate cannot be read: {error}")))
}

/// Name and PEM of each certificate of a bundle, those that cannot be understood as they stand there.
///
/// # Errors
/// When the file cannot be read: an inventory without it would say that all of them are gone.
pub(super) fn read_trust(path: &Path) -> Result<Vec<(String, String)>, StepError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| StepError::lasting("trust_unreadable", format!("cannot read {}: {error}", path.display())))?;
    let named = |pem: String| match Certificate::from_pem(&pem) {
        Ok(certificate) => (certificate.sha256_hex(), certificate.to_pem()),
        Err(_) => (crate::tls::sha256_hex(pem.as_bytes()), pem),
    };
    Ok(pem_blocks::certificates(&text).into_iter().map(named).collect())
}

/// Leaf first, each followed by its issuer, and a leaf that is in force.
pub(super) fn check_chain(pems: &[String], sha256: &str) -> Result<Vec<Certificate>, StepError> {
    let chain: Vec<Certificate> = pems
        .iter()
        .map(|pem| Certificate::from_pem(pem))
        .collect::<Result<_, _>>()
        .map_err(broken)?;
    let leaf = chain.first().ok_or_else(|| broken("it is empty"))?;
    if leaf.sha256_hex() != sha256 {
        return Err(broken("it does not begin with the certificate to install"));
    }
    let now = Utc::now();
    if leaf.not_after < now {
        return Err(broken(format!("the certificate expired on {}", leaf.not_after)));
    }
    if leaf.not_before > now {
        return Err(broken(format!(
            "the certificate is valid from {} only",
            leaf.not_before
        )));
    }
    for pair in chain.windows(2) {
        if let [subject, issuer] = pair {
            linked(subject, issuer).map_err(broken)?;
        }
    }
    Ok(chain)
}

pub(super) fn linked(certificate: &Certificate, issuer: &Certificate) -> Result<(), String> {
    let signed = matches!(
        certificate.verify_signature_by(issuer),
        SignatureCheck::Valid | SignatureCheck::Unknown
    );
    if certificate.issuer_der != issuer.subject_der || !signed {
        return Err(format!("{} did not issue {}", issuer.subject, certificate.subject));
    }
    Ok(())
}

pub(super) fn check_presented(shown: &Shown) -> Result<(), String> {
    let chain: Vec<Certificate> = shown
        .chain
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok())
        .collect();
    for pair in chain.windows(2) {
        if let [subject, issuer] = pair {
            linked(subject, issuer)?;
        }
    }
    Ok(())
}

/// The key on this host that belongs to the certificate.
pub(super) fn find_key(layout: &Layout, leaf: &Certificate) -> Result<Zeroizing<String>, StepError> {
    for path in layout.keys() {
        let Ok(pem) = std::fs::read_to_string(&path) else {
            continue;
        };
        let pem = Zeroizing::new(pem);
        if PrivateKey::from_pem(&pem).is_ok_and(|key| key.matches(&leaf.spki_der)) {
            return Ok(pem);
        }
    }
    Err(StepError::lasting(
        "key_mismatch",
        format!(
            "no key on this host belongs to the certificate {}: have a CSR made first",
            leaf.subject
        ),
    ))
}

/// Of two certificates with one type of key in a server block nginx would serve the later one alone.
pub(super) fn check_beside(site: &Site, key_type: &str) -> Result<(), StepError> {
    for file in &site.beside {
        let chain = std::fs::read_to_string(file).unwrap_or_default();
        let other = pem_blocks::certificates(&chain)
            .first()
            .and_then(|pem| Certificate::from_pem(pem).ok());
        if other.is_some_and(|other| other.key.key_type == key_type) {
            let message = format!(
                "{} has a certificate with a key of type {key_type} beside it ({}), and nginx serves one of each type: keep \
                 the type of the present key",
                site.purpose,
                file.display()
            );
            return Err(StepError::lasting("key_type_taken", message));
        }
    }
    Ok(())
}

pub(super) fn key_spec(spec: &CsrSpec) -> Result<(KeySpec, Hash), StepError> {
    let key = KeySpec::parse(&spec.key_type, spec.key_bits).ok_or_else(|| {
        let message = format!(
            "no key of type {} with {} bits can be made here",
            spec.key_type, spec.key_bits
        );
        StepError::lasting("unsupported_key", message)
    })?;
    let hash = match key {
        // Elliptic curves sign with the hash of their own size.
        KeySpec::P256 => Hash::Sha256,
        KeySpec::P384 => Hash::Sha384,
        KeySpec::P521 => Hash::Sha512,
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => match spec.hash.as_str() {
            "SHA384" => Hash::Sha384,
            "SHA512" => Hash::Sha512,
            _ => Hash::Sha256,
        },
    };
    Ok((key, hash))
}

pub(super) fn san(name: &str) -> San {
    let kind = if name.parse::<std::net::IpAddr>().is_ok() {
        SanKind::Ip
    } else {
        SanKind::Dns
    };
    San {
        kind,
        value: name.to_owned(),
    }
}

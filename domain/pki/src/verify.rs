//! Signatures: valid, invalid, or not checkable here.

use crate::fields::Signed;
use crate::key_info;
use crate::tlv::{Tlv, tag};

/// What is known of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureCheck {
    /// The key made this signature.
    Valid,
    /// The key did not make this signature.
    Invalid,
    /// The algorithm, its parameters or the key's size are none that can be checked here (SHA-1, DSA, RSA below 2,048 bits, …).
    Unknown,
}

/// Checks a signature against a SubjectPublicKeyInfo by webpki's table of algorithms.
pub(crate) fn check(signed: Signed<'_>, spki: Tlv<'_>) -> SignatureCheck {
    let mut fields = spki.walk();
    let (Ok(algorithm), Ok(key)) = (fields.take(tag::SEQUENCE), fields.take(tag::BIT_STRING)) else {
        return SignatureCheck::Unknown;
    };
    let Some((0, key)) = key.value.split_first() else {
        return SignatureCheck::Unknown;
    };
    let mut seen = false;
    for candidate in webpki::ALL_VERIFICATION_ALGS {
        if candidate.signature_alg_id().as_ref() != signed.algorithm.value
            || candidate.public_key_alg_id().as_ref() != algorithm.value
        {
            continue;
        }
        seen = true;
        if candidate
            .verify_signature(key, signed.message, signed.signature)
            .is_ok()
        {
            return SignatureCheck::Valid;
        }
    }
    if seen && is_supported_size(spki) {
        SignatureCheck::Invalid
    } else {
        SignatureCheck::Unknown
    }
}

/// RSA keys outside 2,048 to 8,192 bits fail the check whatever the signature; that says nothing about the signature.
fn is_supported_size(spki: Tlv<'_>) -> bool {
    match key_info::read(spki, &mut Vec::new()) {
        Ok(info) => info.key_type != "RSA" || info.bits.is_some_and(|bits| (2048..=8192).contains(&bits)),
        Err(_) => false,
    }
}

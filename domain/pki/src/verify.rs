//! Signatures: valid, invalid, or not checkable here.

use aws_lc_rs::signature::{self as aws, UnparsedPublicKey, VerificationAlgorithm};

use crate::fields::Signed;
use crate::tlv::{Tlv, tag};
use crate::{key_info, oid};

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

/// Checks the signature of a request by its own key, also with what is too weak for certificates: whoever asks for a certificate
/// must prove to have the key, and nothing else hangs on that signature.
pub(crate) fn check_own(signed: Signed<'_>, spki: Tlv<'_>) -> SignatureCheck {
    match check(signed, spki) {
        SignatureCheck::Unknown => check_weak(signed, spki).unwrap_or(SignatureCheck::Unknown),
        known => known,
    }
}

/// RSA from 1,024 bits on and SHA-1; none where the algorithm is another.
fn check_weak(signed: Signed<'_>, spki: Tlv<'_>) -> Option<SignatureCheck> {
    let info = key_info::read(spki, &mut Vec::new()).ok()?;
    let hash = oid::signature_algorithm(signed.algorithm.walk().take(tag::OID).ok()?.value).ok()?;
    let algorithm: &'static dyn VerificationAlgorithm = match (info.key_type.as_str(), info.bits?, hash.as_str()) {
        ("RSA", 1024..=8192, "sha1WithRSAEncryption") => &aws::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        ("RSA", 1024..=8192, "sha256WithRSAEncryption") => &aws::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        ("RSA", 1024..=8192, "sha512WithRSAEncryption") => &aws::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        ("EC", 256, "ecdsa-with-SHA1") if info.curve_name() == Some("P-256") => &aws::ECDSA_P256_SHA1_ASN1,
        ("EC", 521, "ecdsa-with-SHA1") => &aws::ECDSA_P521_SHA1_ASN1,
        _ => return None,
    };
    let mut fields = spki.walk();
    fields.take(tag::SEQUENCE).ok()?;
    let key = fields.take(tag::BIT_STRING).ok()?.value.get(1..)?;
    Some(
        match UnparsedPublicKey::new(algorithm, key).verify(signed.message, signed.signature) {
            Ok(()) => SignatureCheck::Valid,
            Err(_) => SignatureCheck::Invalid,
        },
    )
}

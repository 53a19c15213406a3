//! Signing with aws-lc-rs through the traits that x509-cert's builders want.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding};
use der::Document;
use der::asn1::{Any, BitString};
use spki::{
    AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, EncodePublicKey, ObjectIdentifier,
    SignatureBitStringEncoding,
};

use crate::keys::Pair;
use crate::{KeySpec, PrivateKey};

/// The hash under a signature. Every kind of key signs with every one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Hash {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// Every hash.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// The hash of a name as the API writes it: `SHA-256`, `SHA-384`, `SHA-512` (the hyphen and the case do not matter).
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().replace('-', "").as_str() {
            "sha256" => Some(Self::Sha256),
            "sha384" => Some(Self::Sha384),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }

    fn rsa(self) -> &'static dyn RsaEncoding {
        match self {
            Self::Sha256 => &RSA_PKCS1_SHA256,
            Self::Sha384 => &RSA_PKCS1_SHA384,
            Self::Sha512 => &RSA_PKCS1_SHA512,
        }
    }
}

/// A key and the hash to sign with.
pub(crate) struct Signer<'k> {
    pub key: &'k PrivateKey,
    pub hash: Hash,
}

/// The public half for the builders: they want it as SubjectPublicKeyInfo.
#[derive(Clone)]
pub(crate) struct Public(Vec<u8>);

/// Signature bytes as they stand in a certificate.
pub(crate) struct Signature(Vec<u8>);

impl EncodePublicKey for Public {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        Document::try_from(self.0.as_slice()).map_err(spki::Error::from)
    }
}

impl SignatureBitStringEncoding for Signature {
    fn to_bitstring(&self) -> der::Result<BitString> {
        BitString::from_bytes(&self.0)
    }
}

impl signature::Keypair for Signer<'_> {
    type VerifyingKey = Public;

    fn verifying_key(&self) -> Public {
        Public(self.key.spki_der().to_vec())
    }
}

impl DynSignatureAlgorithmIdentifier for Signer<'_> {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        use const_oid::db::rfc5912 as known;
        let is_rsa = matches!(*self.key.pair, Pair::Rsa(_));
        let oid: ObjectIdentifier = match (is_rsa, self.hash) {
            (true, Hash::Sha256) => known::SHA_256_WITH_RSA_ENCRYPTION,
            (true, Hash::Sha384) => known::SHA_384_WITH_RSA_ENCRYPTION,
            (true, Hash::Sha512) => known::SHA_512_WITH_RSA_ENCRYPTION,
            (false, Hash::Sha256) => known::ECDSA_WITH_SHA_256,
            (false, Hash::Sha384) => known::ECDSA_WITH_SHA_384,
            (false, Hash::Sha512) => known::ECDSA_WITH_SHA_512,
        };
        // RFC 4055: NULL parameters with RSA; RFC 5758: none with ECDSA.
        Ok(AlgorithmIdentifierOwned {
            oid,
            parameters: is_rsa.then(Any::null),
        })
    }
}

impl signature::Signer<Signature> for Signer<'_> {
    fn try_sign(&self, message: &[u8]) -> Result<Signature, signature::Error> {
        let failed = |_| signature::Error::new();
        match &*self.key.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(self.hash.rsa(), &SystemRandom::new(), message, &mut signature)
                    .map_err(failed)?;
                Ok(Signature(signature))
            }
            Pair::Ec(pair) => {
                let digest = fit(digest::digest(self.hash.algorithm(), message), self.key.spec())?;
                Ok(Signature(pair.sign_digest(&digest).map_err(failed)?.as_ref().to_vec()))
            }
        }
    }
}

/// Gives a digest the length that the library ties to each curve. ECDSA (FIPS 186-5, 6.4) signs the leftmost bits of the digest,
/// as many as the curve has, as a number: cutting a longer digest to the curve's length, or putting zeros before a shorter one,
/// does not change that number, so every curve can sign every hash.
fn fit(digest: Digest, spec: KeySpec) -> Result<Digest, signature::Error> {
    let native = match spec {
        KeySpec::P256 => &digest::SHA256,
        KeySpec::P384 => &digest::SHA384,
        KeySpec::P521 | KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => &digest::SHA512,
    };
    let octets = digest.as_ref();
    let wanted = native.output_len();
    let kept = octets.iter().take(wanted).copied();
    let padded: Vec<u8> = std::iter::repeat_n(0, wanted.saturating_sub(octets.len()))
        .chain(kept)
        .collect();
    Digest::import_less_safe(&padded, native).map_err(|_| signature::Error::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_found_by_name() {
        for (name, wanted) in [
            ("SHA-256", Some(Hash::Sha256)),
            ("sha384", Some(Hash::Sha384)),
            ("SHA512", Some(Hash::Sha512)),
            ("SHA-1", None),
            ("", None),
        ] {
            assert_eq!(Hash::parse(name), wanted);
        }
    }
}

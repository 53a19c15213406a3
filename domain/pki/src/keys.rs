//! Private keys: made, read and written here, used by aws-lc-rs, wiped from memory when dropped.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair as _, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::{PkiError, Result, pem_text};

/// Kind and size of a key to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeySpec {
    /// RSA, 2,048 bits.
    Rsa2048,
    /// RSA, 3,072 bits.
    Rsa3072,
    /// RSA, 4,096 bits.
    Rsa4096,
    /// Elliptic curve P-256.
    P256,
    /// Elliptic curve P-384.
    P384,
    /// Elliptic curve P-521.
    P521,
}

impl KeySpec {
    /// Every kind of key that can be made.
    pub const ALL: [Self; 6] = [
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::P256,
        Self::P384,
        Self::P521,
    ];

    /// The spec of a type and a size as the API writes them: `("RSA", 3072)`, `("EC", 521)`.
    pub fn parse(key_type: &str, bits: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|spec| spec.key_type() == key_type && spec.bits() == bits)
    }

    /// `RSA` or `EC`.
    pub fn key_type(self) -> &'static str {
        match self {
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => "RSA",
            Self::P256 | Self::P384 | Self::P521 => "EC",
        }
    }

    /// Bits of the modulus or the curve.
    pub fn bits(self) -> u32 {
        match self {
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }
}

/// A private key. Cloning shares it; it is wiped when the last clone is dropped, and never shown by `Debug`.
#[derive(Clone)]
pub struct PrivateKey {
    pub(crate) pair: Arc<Pair>,
    pkcs8: Arc<Zeroizing<Vec<u8>>>,
    spki: Arc<[u8]>,
    spec: KeySpec,
}

/// The key as the cryptographic library holds it.
pub(crate) enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PrivateKey")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

impl PrivateKey {
    /// Makes a new key. RSA takes up to seconds: never on an async executor.
    ///
    /// # Errors
    /// [`PkiError::Crypto`] where the library fails.
    pub fn generate(spec: KeySpec) -> Result<Self> {
        let failed = |_| PkiError::Crypto("making a key");
        let rsa = |size| RsaKeyPair::generate(size).map(Pair::Rsa).map_err(failed);
        let pair = match spec {
            KeySpec::Rsa2048 => rsa(KeySize::Rsa2048)?,
            KeySpec::Rsa3072 => rsa(KeySize::Rsa3072)?,
            KeySpec::Rsa4096 => rsa(KeySize::Rsa4096)?,
            KeySpec::P256 | KeySpec::P384 | KeySpec::P521 => {
                Pair::Ec(EcdsaKeyPair::generate(curve(spec).ok_or(PkiError::Crypto("making a key"))?).map_err(failed)?)
            }
        };
        Self::from_pair(pair, spec)
    }

    /// Reads PKCS#8 in PEM (`PRIVATE KEY`, not encrypted).
    ///
    /// # Errors
    /// [`PkiError::BrokenPem`], or [`PkiError::BadKey`] for a kind or size that Certyard does not use.
    pub fn from_pkcs8_pem(text: &str) -> Result<Self> {
        let der = Zeroizing::new(pem_text::one(text, &["PRIVATE KEY"], "one private key in PKCS#8")?);
        Self::from_pkcs8(&der)
    }

    /// Reads PEM as programs on nodes write it: `PRIVATE KEY`, `RSA PRIVATE KEY`, or `EC PRIVATE KEY` (also behind `EC PARAMETERS`).
    ///
    /// # Errors
    /// As [`from_pkcs8_pem`](Self::from_pkcs8_pem).
    pub fn from_pem(text: &str) -> Result<Self> {
        let blocks = pem_text::scan(text.as_bytes())?;
        let mut keys = blocks.iter().filter(|block| block.label != "EC PARAMETERS");
        let (Some(block), None) = (keys.next(), keys.next()) else {
            return Err(PkiError::BrokenPem("one private key was wanted".to_owned()));
        };
        let der = Zeroizing::new(block.decode()?);
        match block.label {
            "PRIVATE KEY" => Self::from_pkcs8(&der),
            "RSA PRIVATE KEY" => Self::from_rsa(RsaKeyPair::from_der(&der).map_err(|why| bad_key(&why.to_string()))?),
            "EC PRIVATE KEY" => [KeySpec::P256, KeySpec::P384, KeySpec::P521]
                .into_iter()
                .find_map(|spec| Some((EcdsaKeyPair::from_private_key_der(curve(spec)?, &der).ok()?, spec)))
                .map_or_else(
                    || Err(bad_key("its curve is not P-256, P-384 or P-521")),
                    |(pair, spec)| Self::from_pair(Pair::Ec(pair), spec),
                ),
            "ENCRYPTED PRIVATE KEY" => Err(bad_key("it is encrypted")),
            other => Err(PkiError::BrokenPem(format!(
                "one private key was wanted and the block is {other}"
            ))),
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self> {
        if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
            return Self::from_rsa(pair);
        }
        for spec in [KeySpec::P256, KeySpec::P384, KeySpec::P521] {
            if let Some(Ok(pair)) = curve(spec).map(|curve| EcdsaKeyPair::from_pkcs8(curve, der)) {
                return Self::from_pair(Pair::Ec(pair), spec);
            }
        }
        Err(bad_key("it is none of RSA 2048 to 4096, P-256, P-384, P-521"))
    }

    fn from_rsa(pair: RsaKeyPair) -> Result<Self> {
        let bits = u32::try_from(pair.public_modulus_len() * 8).unwrap_or(u32::MAX);
        match KeySpec::parse("RSA", bits) {
            Some(spec) => Self::from_pair(Pair::Rsa(pair), spec),
            None => Err(bad_key(&format!("RSA of {bits} bits is not used"))),
        }
    }

    fn from_pair(pair: Pair, spec: KeySpec) -> Result<Self> {
        let failed = |_| PkiError::Crypto("writing a key");
        let (pkcs8, spki) = match &pair {
            Pair::Rsa(rsa) => {
                let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(rsa).map_err(failed)?;
                let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(rsa.public_key()).map_err(failed)?;
                (Zeroizing::new(pkcs8.as_ref().to_vec()), Arc::from(spki.as_ref()))
            }
            Pair::Ec(ec) => {
                let pkcs8 = ec.to_pkcs8v1().map_err(failed)?;
                let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(ec.public_key()).map_err(failed)?;
                (Zeroizing::new(pkcs8.as_ref().to_vec()), Arc::from(spki.as_ref()))
            }
        };
        Ok(Self {
            pair: Arc::new(pair),
            pkcs8: Arc::new(pkcs8),
            spki,
            spec,
        })
    }

    /// PKCS#8 in PEM, wiped when dropped.
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        const LINE: usize = 64;
        let mut packed = Zeroizing::new(String::with_capacity(self.pkcs8.len() * 4 / 3 + 4));
        STANDARD.encode_string(self.pkcs8.as_slice(), &mut packed);
        let mut text = Zeroizing::new(String::with_capacity(packed.len() + packed.len() / LINE + 64));
        text.push_str("-----BEGIN PRIVATE KEY-----\n");
        for (index, character) in packed.chars().enumerate() {
            if index != 0 && index % LINE == 0 {
                text.push('\n');
            }
            text.push(character);
        }
        text.push_str("\n-----END PRIVATE KEY-----\n");
        text
    }

    /// PKCS#8 in DER.
    pub fn to_pkcs8_der(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public key as SubjectPublicKeyInfo in DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// Kind and size.
    pub fn spec(&self) -> KeySpec {
        self.spec
    }

    /// Whether this is the key of a certificate or a request with this SubjectPublicKeyInfo.
    pub fn matches(&self, spki_der: &[u8]) -> bool {
        &*self.spki == spki_der
    }
}

fn curve(spec: KeySpec) -> Option<&'static EcdsaSigningAlgorithm> {
    match spec {
        KeySpec::P256 => Some(&ECDSA_P256_SHA256_ASN1_SIGNING),
        KeySpec::P384 => Some(&ECDSA_P384_SHA384_ASN1_SIGNING),
        KeySpec::P521 => Some(&ECDSA_P521_SHA512_ASN1_SIGNING),
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => None,
    }
}

fn bad_key(why: &str) -> PkiError {
    PkiError::BadKey(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_from_pem_and_show_nothing() {
        for spec in [KeySpec::Rsa2048, KeySpec::P256, KeySpec::P384, KeySpec::P521] {
            let key = PrivateKey::generate(spec).unwrap();
            let text = key.to_pkcs8_pem();
            assert!(text.lines().all(|line| line.len() <= 64));
            let again = PrivateKey::from_pkcs8_pem(&text).unwrap();
            assert_eq!((again.spec(), again.spki_der()), (spec, key.spki_der()));
            assert!(PrivateKey::from_pem(&text).unwrap().matches(key.spki_der()));
            assert_eq!(format!("{key:?}"), format!("PrivateKey {{ spec: {spec:?}, .. }}"));
        }
    }

    #[test]
    fn specs_are_found_by_type_and_bits() {
        for spec in KeySpec::ALL {
            assert_eq!(KeySpec::parse(spec.key_type(), spec.bits()), Some(spec));
        }
        assert_eq!(KeySpec::parse("RSA", 1024), None);
        assert_eq!(KeySpec::parse("EC", 2048), None);
    }

    #[test]
    fn what_is_no_usable_key_is_refused() {
        for text in [
            "",
            "-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAQID\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "-----BEGIN EC PRIVATE KEY-----\nAQID\n-----END EC PRIVATE KEY-----\n",
        ] {
            assert!(
                PrivateKey::from_pkcs8_pem(text).is_err() && PrivateKey::from_pem(text).is_err(),
                "{text}"
            );
        }
    }
}

//! What kind of public key a certificate or a request holds.

use crate::oid;
use crate::tlv::{Broken, Tlv, Walk, only, tag};

/// Kind and size of a public key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyInfo {
    /// RSA, EC, Ed25519, Ed448, X25519, X448, DSA, else the algorithm's object identifier.
    pub key_type: String,
    /// Bits of the modulus (RSA, DSA) or of the curve; none where the kind is unknown or the key broken.
    pub bits: Option<u32>,
    /// Object identifier of the algorithm, dotted.
    pub oid: String,
    /// Of EC keys: object identifier of the named curve, `specified` for a curve written out.
    pub curve: Option<String>,
}

impl KeyInfo {
    /// Name of the curve in common use (`P-256`), where it has one.
    pub fn curve_name(&self) -> Option<&'static str> {
        let dotted = self.curve.as_deref()?;
        CURVES
            .iter()
            .find(|(_, known, _, _)| *known == dotted)
            .map(|(_, _, name, _)| *name)
    }
}

/// Contents of the object identifier, dotted form, name, bits.
const CURVES: [(&[u8], &str, &str, u32); 12] = [
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        "1.2.840.10045.3.1.7",
        "P-256",
        256,
    ),
    (&[0x2b, 0x81, 0x04, 0x00, 0x22], "1.3.132.0.34", "P-384", 384),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], "1.3.132.0.35", "P-521", 521),
    (&[0x2b, 0x81, 0x04, 0x00, 0x21], "1.3.132.0.33", "P-224", 224),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01],
        "1.2.840.10045.3.1.1",
        "P-192",
        192,
    ),
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], "1.3.132.0.10", "secp256k1", 256),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07],
        "1.3.36.3.3.2.8.1.1.7",
        "brainpoolP256r1",
        256,
    ),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x08],
        "1.3.36.3.3.2.8.1.1.8",
        "brainpoolP256t1",
        256,
    ),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b],
        "1.3.36.3.3.2.8.1.1.11",
        "brainpoolP384r1",
        384,
    ),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0c],
        "1.3.36.3.3.2.8.1.1.12",
        "brainpoolP384t1",
        384,
    ),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d],
        "1.3.36.3.3.2.8.1.1.13",
        "brainpoolP512r1",
        512,
    ),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0e],
        "1.3.36.3.3.2.8.1.1.14",
        "brainpoolP512t1",
        512,
    ),
];

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// Reads a SubjectPublicKeyInfo. A key that cannot be measured adds a warning and has no bits.
pub(crate) fn read(spki: Tlv<'_>, warnings: &mut Vec<String>) -> Result<KeyInfo, Broken> {
    let mut fields = spki.walk();
    let mut algorithm = fields.take(tag::SEQUENCE)?.walk();
    let kind = algorithm.take(tag::OID)?.value;
    let parameters = if algorithm.is_empty() {
        None
    } else {
        Some(algorithm.next()?)
    };
    let key = fields.take(tag::BIT_STRING)?;
    fields.finish()?;
    let Some((_unused_bits, key)) = key.value.split_first() else {
        return Err("the public key is empty");
    };
    let known = |key_type: &str, bits: Option<u32>, dotted: &str| KeyInfo {
        key_type: key_type.to_owned(),
        bits,
        oid: dotted.to_owned(),
        curve: None,
    };
    let info = match kind {
        RSA => known("RSA", modulus_bits(key), "1.2.840.113549.1.1.1"),
        RSA_PSS => known("1.2.840.113549.1.1.10", modulus_bits(key), "1.2.840.113549.1.1.10"),
        DSA => known(
            "DSA",
            parameters.and_then(|p| p.walk().take(tag::INTEGER).ok()).map(bits),
            "1.2.840.10040.4.1",
        ),
        EC => {
            let (bits, curve) = read_curve(parameters)?;
            KeyInfo {
                curve,
                ..known("EC", bits, "1.2.840.10045.2.1")
            }
        }
        [0x2b, 0x65, 0x70] => known("Ed25519", Some(256), "1.3.101.112"),
        [0x2b, 0x65, 0x71] => known("Ed448", Some(456), "1.3.101.113"),
        [0x2b, 0x65, 0x6e] => known("X25519", Some(256), "1.3.101.110"),
        [0x2b, 0x65, 0x6f] => known("X448", Some(448), "1.3.101.111"),
        other => {
            let dotted = oid::dotted(other)?;
            KeyInfo {
                key_type: dotted.clone(),
                bits: None,
                oid: dotted,
                curve: None,
            }
        }
    };
    if info.bits.is_none() && matches!(kind, RSA | RSA_PSS) {
        warnings.push("the RSA public key cannot be read".to_owned());
    }
    Ok(info)
}

/// Bits and curve of an EC key's parameters (RFC 5480): a named curve, or one written out, measured by its order.
fn read_curve(parameters: Option<Tlv<'_>>) -> Result<(Option<u32>, Option<String>), Broken> {
    let Some(parameters) = parameters else {
        return Ok((None, None));
    };
    match parameters.tag {
        tag::OID => Ok(match CURVES.iter().find(|(bytes, ..)| *bytes == parameters.value) {
            Some((_, dotted, _, bits)) => (Some(*bits), Some((*dotted).to_owned())),
            None => (None, Some(oid::dotted(parameters.value)?)),
        }),
        tag::SEQUENCE => {
            let order = || -> Result<u32, Broken> {
                let mut fields = parameters.walk();
                fields.take(tag::INTEGER)?;
                fields.take(tag::SEQUENCE)?;
                fields.take(tag::SEQUENCE)?;
                fields.take(tag::OCTET_STRING)?;
                fields.take(tag::INTEGER).map(bits)
            };
            Ok((order().ok(), Some("specified".to_owned())))
        }
        _ => Ok((None, None)),
    }
}

fn modulus_bits(key: &[u8]) -> Option<u32> {
    let numbers = only(key, tag::SEQUENCE).ok()?;
    let mut numbers = Walk::new(numbers.value);
    let modulus = numbers.take(tag::INTEGER).ok()?;
    numbers.take(tag::INTEGER).ok()?;
    Some(bits(modulus))
}

/// Bits of a positive integer.
fn bits(integer: Tlv<'_>) -> u32 {
    let mut value = integer.value;
    while let Some((0, rest)) = value.split_first() {
        value = rest;
    }
    let octets = u32::try_from(value.len()).unwrap_or(u32::MAX / 8);
    octets * 8 - value.first().map_or(0, |first| first.leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_measured_in_bits() {
        for (value, wanted) in [
            (&[0x00][..], 0),
            (&[0x01], 1),
            (&[0x00, 0xff], 8),
            (&[0x7f, 0x00], 15),
            (&[], 0),
        ] {
            assert_eq!(
                bits(Tlv {
                    tag: tag::INTEGER,
                    raw: &[],
                    value
                }),
                wanted
            );
        }
    }

    #[test]
    fn curves_have_one_spelling() {
        for (value, dotted, _, _) in CURVES {
            assert_eq!(oid::dotted(value).unwrap(), dotted);
        }
    }
}

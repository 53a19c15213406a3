//! Extensions of certificates and requests (RFC 5280 section 4.2): read leniently, one by one.

use serde::{Deserialize, Serialize};

use crate::oid;
use crate::san::{self, San};
use crate::tlv::{Broken, Tlv, Walk, only, tag};

/// Whether a certificate may sign others, and how many levels below it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasicConstraints {
    /// It is a certificate authority.
    pub ca: bool,
    /// How many intermediate authorities may stand below it; none: any number.
    pub path_len: Option<u32>,
}

/// What the extensions say. A broken one is absent here and named in `warnings`.
#[derive(Debug, Default)]
pub(crate) struct Extensions {
    pub sans: Vec<San>,
    pub key_usage: Option<Vec<&'static str>>,
    pub extended_key_usage: Option<Vec<String>>,
    pub policies: Vec<String>,
    pub basic_constraints: Option<BasicConstraints>,
    pub ski: Option<Vec<u8>>,
    pub aki: Option<Vec<u8>>,
}

/// Most extensions that are read; certificates of the wild have a dozen.
const MAX_EXTENSIONS: usize = 256;

/// The bits of keyUsage in their order.
const USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

/// Reads an Extensions sequence. Fails only where the sequence itself is broken.
pub(crate) fn read(sequence: Tlv<'_>, warnings: &mut Vec<String>) -> Result<Extensions, Broken> {
    let mut found = Extensions::default();
    let mut seen: Vec<&[u8]> = Vec::with_capacity(12);
    let mut entries = sequence.walk();
    while !entries.is_empty() {
        let mut entry = entries.take(tag::SEQUENCE)?.walk();
        let id = entry.take(tag::OID)?.value;
        let critical = entry.optional(tag::BOOLEAN)?.is_some_and(|flag| flag.value != [0]);
        let value = entry.take(tag::OCTET_STRING)?.value;
        entry.finish()?;
        if !oid::is_valid(id) {
            return Err("an object identifier is broken");
        }
        if seen.len() >= MAX_EXTENSIONS {
            return Err("it has more extensions than any real one");
        }
        if seen.contains(&id) {
            warnings.push(format!("the extension {} occurs twice", label(id)));
            // Names of a repeated extension are kept; of the others the first one counts.
            if id == [0x55, 0x1d, 0x11] {
                san::read(value, &mut found.sans, warnings);
            }
            continue;
        }
        seen.push(id);
        let result = match id {
            [0x55, 0x1d, last] => match last {
                0x0e => only(value, tag::OCTET_STRING).map(|ski| found.ski = Some(ski.value.to_vec())),
                0x0f => key_usage(value).map(|usage| found.key_usage = Some(usage)),
                0x11 => {
                    san::read(value, &mut found.sans, warnings);
                    Ok(())
                }
                0x13 => basic_constraints(value).map(|constraints| found.basic_constraints = Some(constraints)),
                0x23 => authority_key(value).map(|aki| found.aki = aki),
                // Odd ones are no fault of the certificate: they say nothing then.
                0x20 => {
                    found.policies = policies(value).unwrap_or_default();
                    Ok(())
                }
                0x25 => extended_key_usage(value).map(|usage| found.extended_key_usage = Some(usage)),
                _ if is_known(id) => Ok(()),
                _ => {
                    warnings.push(unknown(id, critical));
                    Ok(())
                }
            },
            _ if is_known(id) => Ok(()),
            _ => {
                warnings.push(unknown(id, critical));
                Ok(())
            }
        };
        if let Err(why) = result {
            warnings.push(format!("the extension {} is broken: {why}", label(id)));
        }
    }
    Ok(found)
}

fn key_usage(value: &[u8]) -> Result<Vec<&'static str>, Broken> {
    let bits = only(value, tag::BIT_STRING)?;
    let (unused, octets) = bits.value.split_first().ok_or("it is empty")?;
    if *unused > 7 || (*unused != 0 && octets.is_empty()) {
        return Err("its bits are miscounted");
    }
    let is_set = |index: usize| {
        octets
            .get(index / 8)
            .is_some_and(|octet| octet & (0x80 >> (index % 8)) != 0)
    };
    Ok(USAGES
        .iter()
        .enumerate()
        .filter(|(index, _)| is_set(*index))
        .map(|(_, name)| *name)
        .collect())
}

fn extended_key_usage(value: &[u8]) -> Result<Vec<String>, Broken> {
    let mut purposes = only(value, tag::SEQUENCE)?.walk();
    let mut found = Vec::with_capacity(2);
    while !purposes.is_empty() {
        found.push(oid::purpose(purposes.take(tag::OID)?.value)?);
    }
    Ok(found)
}

/// Object identifiers of policies, dotted.
fn policies(value: &[u8]) -> Result<Vec<String>, Broken> {
    let mut all = only(value, tag::SEQUENCE)?.walk();
    let mut found = Vec::new();
    while !all.is_empty() {
        found.push(oid::dotted(all.take(tag::SEQUENCE)?.walk().take(tag::OID)?.value)?);
    }
    Ok(found)
}

fn basic_constraints(value: &[u8]) -> Result<BasicConstraints, Broken> {
    let mut fields = only(value, tag::SEQUENCE)?.walk();
    let ca = fields.optional(tag::BOOLEAN)?.is_some_and(|flag| flag.value != [0]);
    let path_len = match fields.optional(tag::INTEGER)? {
        None => None,
        Some(number) => Some(small_number(number)?),
    };
    fields.finish()?;
    Ok(BasicConstraints { ca, path_len })
}

fn small_number(number: Tlv<'_>) -> Result<u32, Broken> {
    let value = match number.value {
        [0, rest @ ..] if !rest.is_empty() => rest,
        [first, ..] if *first < 0x80 => number.value,
        _ => return Err("a number is negative or empty"),
    };
    if value.len() > 4 {
        return Err("a number is too large");
    }
    Ok(value.iter().fold(0, |sum, octet| (sum << 8) | u32::from(*octet)))
}

fn authority_key(value: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
    let mut fields: Walk<'_> = only(value, tag::SEQUENCE)?.walk();
    let key = fields.optional(tag::CONTEXT_0)?.map(|key| key.value.to_vec());
    while !fields.is_empty() {
        fields.next()?;
    }
    Ok(key)
}

fn unknown(id: &[u8], critical: bool) -> String {
    let note = if critical { " and marked critical" } else { "" };
    format!("the extension {} is not known{note}", label(id))
}

fn label(id: &[u8]) -> String {
    match id {
        [0x55, 0x1d, 0x0e] => "subjectKeyIdentifier".to_owned(),
        [0x55, 0x1d, 0x0f] => "keyUsage".to_owned(),
        [0x55, 0x1d, 0x11] => "subjectAltName".to_owned(),
        [0x55, 0x1d, 0x13] => "basicConstraints".to_owned(),
        [0x55, 0x1d, 0x23] => "authorityKeyIdentifier".to_owned(),
        [0x55, 0x1d, 0x25] => "extendedKeyUsage".to_owned(),
        _ if id.len() > 64 => format!("of an identifier of {} bytes", id.len()),
        _ => oid::dotted(id).unwrap_or_else(|_| hex::encode(id)),
    }
}

/// Extensions that are common and that the record does not need: no warning for these.
fn is_known(id: &[u8]) -> bool {
    matches!(
        id,
        // issuerAltName, nameConstraints, cRLDistributionPoints, certificatePolicies, policyMappings, policyConstraints,
        // freshestCRL, inhibitAnyPolicy, subjectDirectoryAttributes, privateKeyUsagePeriod
        [0x55, 0x1d, 0x09 | 0x10 | 0x12 | 0x1e | 0x1f | 0x20 | 0x21 | 0x24 | 0x2e | 0x36]
        // authorityInfoAccess, qcStatements, subjectInfoAccess, tlsFeature
        | [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01 | 0x03 | 0x0b | 0x18]
        // id-pkix-ocsp-nocheck
        | [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x05]
        // certificate transparency: list of timestamps, poison
        | [0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02 | 0x03]
        // Microsoft: certificate type, CA version, template, application policies
        | [0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02]
        | [0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x15, 0x01 | 0x02 | 0x07 | 0x0a]
        // Netscape: certificate type and comment
        | [0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x42, 0x01, 0x01 | 0x0d]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usages_are_named_by_their_bits() {
        assert_eq!(
            key_usage(&[0x03, 0x02, 0x05, 0xa0]).unwrap(),
            ["digitalSignature", "keyEncipherment"]
        );
        assert_eq!(key_usage(&[0x03, 0x03, 0x07, 0x00, 0x80]).unwrap(), ["decipherOnly"]);
        assert!(key_usage(&[0x03, 0x01, 0x00]).unwrap().is_empty());
        assert!(key_usage(&[0x03, 0x00]).is_err());
        assert!(key_usage(&[0x03, 0x02, 0x08, 0x80]).is_err());
    }

    #[test]
    fn constraints_are_read() {
        for (value, ca, path_len) in [
            (&[0x30, 0x00][..], false, None),
            (&[0x30, 0x03, 0x01, 0x01, 0xff], true, None),
            (&[0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00], true, Some(0)),
            (&[0x30, 0x07, 0x01, 0x01, 0xff, 0x02, 0x02, 0x00, 0x80], true, Some(128)),
        ] {
            assert_eq!(basic_constraints(value).unwrap(), BasicConstraints { ca, path_len });
        }
        assert!(basic_constraints(&[0x30, 0x03, 0x02, 0x01, 0xff]).is_err());
        assert!(basic_constraints(&[0x30, 0x00, 0x00]).is_err());
    }

    #[test]
    fn broken_unknown_and_repeated_extensions_are_warnings() {
        let san = [
            0x30, 0x0c, 0x06, 0x03, 0x55, 0x1d, 0x11, 0x04, 0x05, 0x30, 0x03, 0x82, 0x01, b'a',
        ];
        let other = [
            0x30, 0x0c, 0x06, 0x03, 0x55, 0x1d, 0x11, 0x04, 0x05, 0x30, 0x03, 0x82, 0x01, b'b',
        ];
        let broken_ski = [0x30, 0x09, 0x06, 0x03, 0x55, 0x1d, 0x0e, 0x04, 0x02, 0x05, 0x00];
        let unknown = [
            0x30, 0x0b, 0x06, 0x02, 0x2a, 0x03, 0x01, 0x01, 0xff, 0x04, 0x02, 0x05, 0x00,
        ];
        let value = [&san[..], &broken_ski, &unknown, &other].concat();
        let mut warnings = Vec::new();
        let found = read(
            Tlv {
                tag: tag::SEQUENCE,
                raw: &[],
                value: &value,
            },
            &mut warnings,
        )
        .unwrap();
        assert_eq!(found.sans, [San::dns("a"), San::dns("b")]);
        assert_eq!(found.ski, None);
        assert_eq!(
            warnings,
            [
                "the extension subjectKeyIdentifier is broken: a field has the wrong type",
                "the extension 1.2.3 is not known and marked critical",
                "the extension subjectAltName occurs twice",
            ]
        );
    }
}

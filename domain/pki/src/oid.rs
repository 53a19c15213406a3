//! Object identifiers of any length, and the ones this crate knows by name.

use std::fmt::Write as _;

use crate::tlv::Broken;

/// Dotted form of the contents of an OBJECT IDENTIFIER. Arcs beyond 128 bits are refused.
pub(crate) fn dotted(value: &[u8]) -> Result<String, Broken> {
    const BAD: Broken = "an object identifier is broken";
    if value.last().is_none_or(|last| last & 0x80 != 0) {
        return Err(BAD);
    }
    let mut text = String::with_capacity(value.len() * 3);
    let mut arc: u128 = 0;
    let mut first = true;
    let mut fresh = true;
    for octet in value {
        if fresh && *octet == 0x80 {
            return Err(BAD);
        }
        if arc >> 121 != 0 {
            return Err("an object identifier is too large");
        }
        arc = (arc << 7) | u128::from(octet & 0x7f);
        fresh = octet & 0x80 == 0;
        if !fresh {
            continue;
        }
        if first {
            let root = (arc / 40).min(2);
            let _ = write!(text, "{root}.{}", arc - root * 40);
            first = false;
        } else {
            let _ = write!(text, ".{arc}");
        }
        arc = 0;
    }
    Ok(text)
}

/// Whether the contents of an OBJECT IDENTIFIER are well formed, without writing them out.
pub(crate) fn is_valid(value: &[u8]) -> bool {
    let mut fresh = true;
    for octet in value {
        if fresh && *octet == 0x80 {
            return false;
        }
        fresh = octet & 0x80 == 0;
    }
    fresh && !value.is_empty()
}

/// Short name of an attribute in a distinguished name: the table of RFC 4514 section 3, then the names that are in common
/// use; everything else is written as dotted number and `#hex`.
pub(crate) fn attribute(value: &[u8]) -> Option<&'static str> {
    Some(match value {
        [0x55, 0x04, last] => match last {
            0x03 => "CN",
            0x04 => "SN",
            0x05 => "serialNumber",
            0x06 => "C",
            0x07 => "L",
            0x08 => "ST",
            0x09 => "STREET",
            0x0a => "O",
            0x0b => "OU",
            0x0c => "title",
            0x0d => "description",
            0x0f => "businessCategory",
            0x10 => "postalAddress",
            0x11 => "postalCode",
            0x12 => "postOfficeBox",
            0x14 => "telephoneNumber",
            0x29 => "name",
            0x2a => "GN",
            0x2b => "initials",
            0x2c => "generationQualifier",
            0x2d => "x500UniqueIdentifier",
            0x2e => "dnQualifier",
            0x41 => "pseudonym",
            0x48 => "role",
            0x61 => "organizationIdentifier",
            _ => return None,
        },
        // 0.9.2342.19200300.100.1
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, last] => match last {
            0x01 => "UID",
            0x19 => "DC",
            _ => return None,
        },
        // 1.2.840.113549.1.9
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, last] => match last {
            0x01 => "emailAddress",
            0x02 => "unstructuredName",
            0x08 => "unstructuredAddress",
            _ => return None,
        },
        // 1.3.6.1.4.1.311.60.2.1
        [0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x3c, 0x02, 0x01, last] => match last {
            0x01 => "jurisdictionL",
            0x02 => "jurisdictionST",
            0x03 => "jurisdictionC",
            _ => return None,
        },
        _ => return None,
    })
}

/// The contents of the OBJECT IDENTIFIER of an attribute that a [`crate::Subject`] can hold.
pub(crate) fn attribute_by_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "CN" => "2.5.4.3",
        "SN" => "2.5.4.4",
        "serialNumber" => "2.5.4.5",
        "C" => "2.5.4.6",
        "L" => "2.5.4.7",
        "ST" => "2.5.4.8",
        "STREET" => "2.5.4.9",
        "O" => "2.5.4.10",
        "OU" => "2.5.4.11",
        "title" => "2.5.4.12",
        "GN" => "2.5.4.42",
        "UID" => "0.9.2342.19200300.100.1.1",
        "DC" => "0.9.2342.19200300.100.1.25",
        "emailAddress" => "1.2.840.113549.1.9.1",
        _ => return None,
    })
}

/// Extended key usages by name (RFC 5280 section 4.2.1.12 and those that nodes ask for), contents and dotted form.
const PURPOSES: [(&str, &[u8], &str); 10] = [
    (
        "serverAuth",
        &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01],
        "1.3.6.1.5.5.7.3.1",
    ),
    (
        "clientAuth",
        &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02],
        "1.3.6.1.5.5.7.3.2",
    ),
    (
        "codeSigning",
        &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03],
        "1.3.6.1.5.5.7.3.3",
    ),
    (
        "emailProtection",
        &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x04],
        "1.3.6.1.5.5.7.3.4",
    ),
    (
        "ipsecEndSystem",
        &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x05],
        "1.3.6.1.5.5.7.3.5",
    ),
    (
        "ipsecTunnel",
        &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x06],
        "1.3.6.1.5.5.7.3.6",
    ),
    (
        "ipsecUser",
        &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x07],
        "1.3.6.1.5.5.7.3.7",
    ),
    (
        "timeStamping",
        &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08],
        "1.3.6.1.5.5.7.3.8",
    ),
    (
        "OCSPSigning",
        &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09],
        "1.3.6.1.5.5.7.3.9",
    ),
    ("anyExtendedKeyUsage", &[0x55, 0x1d, 0x25, 0x00], "2.5.29.37.0"),
];

/// Name of an extended key usage, else its dotted form.
pub(crate) fn purpose(value: &[u8]) -> Result<String, Broken> {
    match PURPOSES.iter().find(|(_, bytes, _)| *bytes == value) {
        Some((name, _, _)) => Ok((*name).to_owned()),
        None => dotted(value),
    }
}

/// Dotted form of an extended key usage given by name; dotted forms pass as they are.
pub(crate) fn purpose_by_name(name: &str) -> &str {
    PURPOSES
        .iter()
        .find(|(known, _, _)| *known == name)
        .map_or(name, |(_, _, dotted)| dotted)
}

/// Name of a signature algorithm as OpenSSL writes it, else its dotted form.
pub(crate) fn signature_algorithm(value: &[u8]) -> Result<String, Broken> {
    Ok(match value {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last] => match last {
            0x02 => "md2WithRSAEncryption",
            0x04 => "md5WithRSAEncryption",
            0x05 => "sha1WithRSAEncryption",
            0x0a => "rsassaPss",
            0x0b => "sha256WithRSAEncryption",
            0x0c => "sha384WithRSAEncryption",
            0x0d => "sha512WithRSAEncryption",
            0x0e => "sha224WithRSAEncryption",
            _ => return dotted(value),
        },
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => "ecdsa-with-SHA1",
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last] => match last {
            0x01 => "ecdsa-with-SHA224",
            0x02 => "ecdsa-with-SHA256",
            0x03 => "ecdsa-with-SHA384",
            0x04 => "ecdsa-with-SHA512",
            _ => return dotted(value),
        },
        [0x2b, 0x0e, 0x03, 0x02, 0x1d] => "sha1WithRSA",
        [0x2b, 0x65, 0x70] => "Ed25519",
        [0x2b, 0x65, 0x71] => "Ed448",
        [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03] => "dsaWithSHA1",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x01] => "dsa_with_SHA224",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x02] => "dsa_with_SHA256",
        _ => return dotted(value),
    }
    .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_forms_are_right() {
        for (value, wanted) in [
            (&[0x55, 0x04, 0x03][..], "2.5.4.3"),
            (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d], "1.2.840.113549"),
            (&[0x00], "0.0"),
            (&[0x27], "0.39"),
            (&[0x78], "2.40"),
            (&[0x88, 0x37, 0x03], "2.999.3"),
        ] {
            assert_eq!(dotted(value).unwrap(), wanted);
            assert!(is_valid(value));
        }
        let long: Vec<u8> = std::iter::once(0x2a).chain(std::iter::repeat_n(0x01, 200)).collect();
        assert_eq!(dotted(&long).unwrap().len(), 3 + 400);
    }

    #[test]
    fn broken_identifiers_are_refused() {
        for value in [&[][..], &[0x80, 0x01], &[0x2a, 0x86], &[0x2a, 0x80, 0x01]] {
            assert!(dotted(value).is_err() && !is_valid(value), "{value:02x?}");
        }
        assert!(dotted(&[0xff; 40].into_iter().chain([0x01]).collect::<Vec<_>>()).is_err());
    }

    #[test]
    fn purposes_are_known_both_ways() {
        for (name, bytes, number) in PURPOSES {
            assert_eq!(purpose(bytes).unwrap(), name);
            assert_eq!(dotted(bytes).unwrap(), number);
            assert_eq!(purpose_by_name(name), number);
        }
        assert_eq!(purpose(&[0x2a, 0x03]).unwrap(), "1.2.3");
        assert_eq!(purpose_by_name("1.2.3"), "1.2.3");
    }
}

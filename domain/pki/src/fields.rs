//! The fields of certificates and requests as slices of the bytes received, nothing decoded.

use crate::tlv::{Broken, Tlv, only, tag};

/// Signed things: what is signed, with what algorithm, and the signature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed<'a> {
    /// The bytes the signature covers.
    pub message: &'a [u8],
    /// AlgorithmIdentifier.
    pub algorithm: Tlv<'a>,
    /// The signature's bytes.
    pub signature: &'a [u8],
}

/// Fields of a certificate (RFC 5280 section 4.1).
#[derive(Debug)]
pub(crate) struct CertificateFields<'a> {
    pub signed: Signed<'a>,
    /// 1 for v1, and so on; whatever the certificate claims, even where no such version exists.
    pub version: u8,
    pub serial: &'a [u8],
    pub inner_algorithm: Tlv<'a>,
    pub issuer: Tlv<'a>,
    pub not_before: Tlv<'a>,
    pub not_after: Tlv<'a>,
    pub subject: Tlv<'a>,
    pub spki: Tlv<'a>,
    pub extensions: Option<Tlv<'a>>,
}

/// Fields of a certificate signing request (RFC 2986).
#[derive(Debug)]
pub(crate) struct CsrFields<'a> {
    pub signed: Signed<'a>,
    pub subject: Tlv<'a>,
    pub spki: Tlv<'a>,
    /// The set of attributes; absent from some old requests.
    pub attributes: Option<Tlv<'a>>,
}

fn signed(der: &[u8]) -> Result<(Signed<'_>, Tlv<'_>), Broken> {
    let mut outer = only(der, tag::SEQUENCE)?.walk();
    let message = outer.take(tag::SEQUENCE)?;
    let algorithm = outer.take(tag::SEQUENCE)?;
    let bits = outer.take(tag::BIT_STRING)?;
    outer.finish()?;
    let (_unused_bits, signature) = bits.value.split_first().ok_or("the signature is empty")?;
    Ok((
        Signed {
            message: message.raw,
            algorithm,
            signature,
        },
        message,
    ))
}

/// Takes a certificate apart.
pub(crate) fn certificate(der: &[u8]) -> Result<CertificateFields<'_>, Broken> {
    let (signed, tbs) = signed(der)?;
    let mut fields = tbs.walk();
    let version = match fields.optional(tag::CONTEXT_0_CONSTRUCTED)? {
        None => 1,
        Some(version) => match only(version.value, tag::INTEGER)?.value {
            [number] if *number < 0x7f => *number + 1,
            _ => return Err("its version is no small number"),
        },
    };
    let serial = fields.take(tag::INTEGER)?.value;
    let inner_algorithm = fields.take(tag::SEQUENCE)?;
    let issuer = fields.take(tag::SEQUENCE)?;
    let mut validity = fields.take(tag::SEQUENCE)?.walk();
    let not_before = validity.next()?;
    let not_after = validity.next()?;
    validity.finish()?;
    let subject = fields.take(tag::SEQUENCE)?;
    let spki = fields.take(tag::SEQUENCE)?;
    // issuerUniqueID and subjectUniqueID, BIT STRINGs nobody uses
    fields.optional(0x81)?;
    fields.optional(0x82)?;
    let extensions = match fields.optional(0xa3)? {
        None => None,
        Some(extensions) => Some(only(extensions.value, tag::SEQUENCE)?),
    };
    fields.finish()?;
    if serial.is_empty() {
        return Err("its serial number is empty");
    }
    Ok(CertificateFields {
        signed,
        version,
        serial,
        inner_algorithm,
        issuer,
        not_before,
        not_after,
        subject,
        spki,
        extensions,
    })
}

/// Takes a request apart.
pub(crate) fn csr(der: &[u8]) -> Result<CsrFields<'_>, Broken> {
    let (signed, info) = signed(der)?;
    let mut fields = info.walk();
    if fields.take(tag::INTEGER)?.value.len() != 1 {
        return Err("its version is no small number");
    }
    let subject = fields.take(tag::SEQUENCE)?;
    let spki = fields.take(tag::SEQUENCE)?;
    let attributes = fields.optional(tag::CONTEXT_0_CONSTRUCTED)?;
    fields.finish()?;
    Ok(CsrFields {
        signed,
        subject,
        spki,
        attributes,
    })
}

/// A serial number in upper-case hexadecimal, two digits a byte, `-` before a negative one, `00` for zero.
pub(crate) fn serial_hex(serial: &[u8]) -> String {
    let negative = serial.first().is_some_and(|first| first & 0x80 != 0);
    let magnitude: Vec<u8> = if negative { negate(serial) } else { serial.to_vec() };
    let significant = magnitude
        .iter()
        .position(|octet| *octet != 0)
        .unwrap_or(magnitude.len().saturating_sub(1));
    let text = hex::encode_upper(magnitude.get(significant..).unwrap_or_default());
    if negative { format!("-{text}") } else { text }
}

/// Two's complement of a number.
fn negate(number: &[u8]) -> Vec<u8> {
    let mut octets: Vec<u8> = number.iter().map(|octet| !octet).collect();
    for octet in octets.iter_mut().rev() {
        let (sum, carry) = octet.overflowing_add(1);
        *octet = sum;
        if !carry {
            break;
        }
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_upper_case_hex_with_their_sign() {
        for (serial, wanted) in [
            (&[0x00][..], "00"),
            (&[0x01], "01"),
            (&[0x00, 0xff], "FF"),
            (&[0x02, 0x3a, 0x77], "023A77"),
            (&[0xff], "-01"),
            (&[0x80], "-80"),
            (&[0xff, 0x00], "-0100"),
            (&[0xfe, 0xff], "-0101"),
            (&[0x00, 0x00, 0x05], "05"),
        ] {
            assert_eq!(serial_hex(serial), wanted, "{serial:02x?}");
        }
    }
}

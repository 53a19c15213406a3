//! PKCS#7 bundles (RFC 2315 and 5652, SignedData): certificates only; signatures, contents and revocation lists are not looked at.
//!
//! Reading walks the envelope and keeps each certificate's own bytes. The envelope may be BER (indefinite lengths, as Windows and
//! Java write it). Where a certificate itself is BER, the typed reader of `cms` makes DER of it, which is what its CA signed.

use cms::cert::CertificateChoices;
use cms::signed_data::SignedData;
use der::asn1::ObjectIdentifier;
use der::{Decode as _, Encode as _};

use crate::certificate::Certificate;
use crate::tlv::Broken;
use crate::{PkiError, Result};

/// Contents of the object identifier of SignedData, 1.2.840.113549.1.7.2.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// Prefix of the object identifiers of all kinds of PKCS#7.
const PKCS7: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
/// How deep indefinite lengths may nest; real bundles have seven levels.
const MAX_NESTING: usize = 32;

/// Largest bundle for the typed reader, which sorts sets in quadratic time.
const MAX_TYPED: usize = 64 * 1024;

/// The whole of a bundle as `cms` sees it, so that one typed BER decoding covers every level.
#[derive(der::Sequence)]
struct TypedBundle {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: SignedData,
}

/// Whether bytes look like some kind of PKCS#7, by their first object identifier.
pub fn is_pkcs7(bytes: &[u8]) -> bool {
    let Ok(outer) = Element::read(bytes) else { return false };
    outer.tag == 0x30 && Element::read(outer.value).is_ok_and(|kind| kind.tag == 0x06 && kind.value.starts_with(PKCS7))
}

/// The certificates of a bundle, each with its bytes as received, in their order.
///
/// # Errors
/// [`PkiError::BrokenPkcs7`] where it is not SignedData, is broken, has bytes behind it, or holds something else among the
/// certificates.
pub fn certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    let found = walk(bytes).map_err(|why| PkiError::BrokenPkcs7(why.to_owned()))?;
    let may_be_ber = bytes.starts_with(&[0x30, 0x80]) && bytes.len() <= MAX_TYPED;
    if may_be_ber
        && !found
            .iter()
            .all(|certificate| x509_cert::Certificate::from_der(certificate).is_ok())
    {
        // Perhaps certificates in BER; otherwise the caller says what is wrong with the one that cannot be read.
        if let Some(certificates) = typed(bytes) {
            return Ok(certificates);
        }
    }
    Ok(found.into_iter().map(<[u8]>::to_vec).collect())
}

fn typed(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let set = TypedBundle::from_ber(bytes).ok()?.content.certificates?;
    set.0
        .iter()
        .map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => certificate.to_der().ok(),
            CertificateChoices::Other(_) => None,
        })
        .collect()
}

fn walk(bytes: &[u8]) -> Result<Vec<&[u8]>, Broken> {
    let outer = Element::read(bytes)?;
    if outer.rest.iter().any(|octet| *octet != 0) || (!outer.rest.is_empty() && !outer.indefinite) {
        return Err("bytes are left over behind it");
    }
    let kind = Element::take(outer.value, 0x06)?;
    if kind.value != SIGNED_DATA {
        return Err("it is not of the signed kind, which alone carries certificates");
    }
    let content = Element::take(kind.rest, 0xa0)?;
    let signed = Element::take(content.value, 0x30)?;
    let version = Element::take(signed.value, 0x02)?;
    let digests = Element::take(version.rest, 0x31)?;
    let data = Element::take(digests.rest, 0x30)?;
    if data.rest.first() != Some(&0xa0) {
        return Ok(Vec::new());
    }
    let mut rest = Element::read(data.rest)?.value;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let certificate = Element::take(rest, 0x30).map_err(|_| "it holds something else among its certificates")?;
        found.push(certificate.raw);
        rest = certificate.rest;
    }
    Ok(found)
}

/// One element in BER.
struct Element<'a> {
    tag: u8,
    indefinite: bool,
    raw: &'a [u8],
    value: &'a [u8],
    rest: &'a [u8],
}

const SHORT: Broken = "it ends in the middle of a field";

impl<'a> Element<'a> {
    fn take(bytes: &'a [u8], tag: u8) -> Result<Self, Broken> {
        let element = Self::read(bytes)?;
        if element.tag == tag {
            Ok(element)
        } else {
            Err("a field has the wrong type")
        }
    }

    fn read(bytes: &'a [u8]) -> Result<Self, Broken> {
        let (tag, header, length) = header(bytes)?;
        let (value_end, end, indefinite) = match length {
            Some(length) => {
                let end = header.checked_add(length).ok_or(SHORT)?;
                (end, end, false)
            }
            None => {
                let end = end_of_contents(bytes.get(header..).ok_or(SHORT)?)?
                    .checked_add(header)
                    .ok_or(SHORT)?;
                (end - 2, end, true)
            }
        };
        Ok(Self {
            tag,
            indefinite,
            raw: bytes.get(..end).ok_or(SHORT)?,
            value: bytes.get(header..value_end).ok_or(SHORT)?,
            rest: bytes.get(end..).ok_or(SHORT)?,
        })
    }
}

/// Where the contents of an indefinite length end, behind their two zero bytes. One pass, no recursion.
fn end_of_contents(bytes: &[u8]) -> Result<usize, Broken> {
    let mut at = 0_usize;
    let mut depth = 1;
    while depth > 0 {
        let rest = bytes.get(at..).ok_or(SHORT)?;
        if rest.starts_with(&[0, 0]) {
            depth -= 1;
            at += 2;
            continue;
        }
        let (_, header, length) = header(rest)?;
        at = at.checked_add(header).ok_or(SHORT)?;
        match length {
            Some(length) => at = at.checked_add(length).ok_or(SHORT)?,
            None => {
                depth += 1;
                if depth > MAX_NESTING {
                    return Err("it is nested too deeply");
                }
            }
        }
    }
    Ok(at)
}

/// First identifier octet, length of the header, length of the contents (none: indefinite).
fn header(bytes: &[u8]) -> Result<(u8, usize, Option<usize>), Broken> {
    let tag = *bytes.first().ok_or(SHORT)?;
    if tag & 0x1f == 0x1f {
        return Err("a tag is too long");
    }
    let first = *bytes.get(1).ok_or(SHORT)?;
    if first < 0x80 {
        return Ok((tag, 2, Some(usize::from(first))));
    }
    if first == 0x80 {
        return if tag & 0x20 == 0 {
            Err("a field has no definite length")
        } else {
            Ok((tag, 2, None))
        };
    }
    let count = usize::from(first & 0x7f);
    if count > 4 {
        return Err("a length is too large");
    }
    let octets = bytes.get(2..2 + count).ok_or(SHORT)?;
    Ok((
        tag,
        2 + count,
        Some(octets.iter().fold(0, |sum, octet| (sum << 8) | usize::from(*octet))),
    ))
}

/// Writes a bundle of certificates alone, in DER ("certs-only": no content, no signature).
///
/// A SET OF in DER is sorted by its bytes, so the order of `certificates` is not kept.
pub fn encode(certificates: &[Certificate]) -> Vec<u8> {
    let mut sorted: Vec<&[u8]> = certificates
        .iter()
        .map(|certificate| certificate.der.as_slice())
        .collect();
    sorted.sort_unstable();
    let signed = [
        element(0x02, &[1]),
        element(0x31, &[]),
        element(0x30, &element(0x06, &[PKCS7, &[0x01]].concat())),
        element(0xa0, &sorted.concat()),
        element(0x31, &[]),
    ]
    .concat();
    element(
        0x30,
        &[element(0x06, SIGNED_DATA), element(0xa0, &element(0x30, &signed))].concat(),
    )
}

fn element(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 6);
    out.push(tag);
    match u8::try_from(value.len()) {
        Ok(length) if length < 0x80 => out.push(length),
        _ => {
            let length = value.len().to_be_bytes();
            let significant = length
                .iter()
                .skip_while(|octet| **octet == 0)
                .copied()
                .collect::<Vec<u8>>();
            out.push(0x80 | significant.len().to_le_bytes().first().copied().unwrap_or_default());
            out.extend(significant);
        }
    }
    out.extend_from_slice(value);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SignedData with these bytes where the certificates stand, in DER or with indefinite lengths.
    fn bundle(certificates: &[u8], ber: bool) -> Vec<u8> {
        let wrap = |tag: u8, value: Vec<u8>| {
            if ber {
                [&[tag, 0x80][..], &value, &[0, 0]].concat()
            } else {
                element(tag, &value)
            }
        };
        let signed = [
            element(0x02, &[1]),
            element(0x31, &[]),
            wrap(0x30, element(0x06, &[PKCS7, &[0x01]].concat())),
            wrap(0xa0, certificates.to_vec()),
            element(0x31, &[]),
        ]
        .concat();
        wrap(
            0x30,
            [element(0x06, SIGNED_DATA), wrap(0xa0, wrap(0x30, signed))].concat(),
        )
    }

    #[test]
    fn members_keep_their_bytes_in_der_and_ber() {
        let members = [
            vec![0x30, 0x02, 0x05, 0x00],
            [&[0x30, 0x81, 0xc8][..], &[0; 200]].concat(),
        ];
        for ber in [false, true] {
            assert_eq!(walk(&bundle(&members.concat(), ber)).unwrap(), members, "{ber}");
            assert!(is_pkcs7(&bundle(&[], ber)));
        }
        assert!(walk(&bundle(&[], false)).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_bundle_is_refused() {
        let good = bundle(&[0x30, 0x00], false);
        let behind = [&good[..], &[0x05, 0x00]].concat();
        let other_member = bundle(&[0xa1, 0x00], false);
        let mut enveloped = good.clone();
        enveloped[12] = 0x03;
        for (bytes, why) in [
            (&behind[..], "bytes are left over behind it"),
            (&good[..good.len() - 1], SHORT),
            (&other_member, "it holds something else among its certificates"),
            (
                &enveloped,
                "it is not of the signed kind, which alone carries certificates",
            ),
            (&[], SHORT),
        ] {
            assert_eq!(walk(bytes).unwrap_err(), why);
        }
    }

    #[test]
    fn nesting_is_bounded() {
        for depth in [40, 200_000] {
            let bomb = [0x30, 0x80].repeat(depth);
            assert_eq!(walk(&bomb).unwrap_err(), "it is nested too deeply");
        }
    }
}

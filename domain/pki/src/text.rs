//! Strings of ASN.1: each type's bytes to text, or a clear no.

use std::borrow::Cow;

/// What the bytes of a string type say.
pub(crate) enum Decoded<'a> {
    /// It is text.
    Text(Cow<'a, str>),
    /// The type is none that holds text.
    NotText,
    /// The type holds text and these bytes are none.
    Broken,
}

/// Decodes by tag: UTF8String, NumericString, PrintableString, TeletexString (read as Latin-1, as everybody does), IA5String,
/// VisibleString, UniversalString, BMPString.
pub(crate) fn decode(tag: u8, value: &[u8]) -> Decoded<'_> {
    match tag {
        0x0c => match std::str::from_utf8(value) {
            Ok(text) => Decoded::Text(Cow::Borrowed(text)),
            Err(_) => Decoded::Broken,
        },
        0x12 | 0x13 | 0x16 | 0x1a => match std::str::from_utf8(value) {
            Ok(text) if value.is_ascii() => Decoded::Text(Cow::Borrowed(text)),
            _ => Decoded::Broken,
        },
        0x14 => Decoded::Text(latin1(value)),
        0x1c => whole(value.chunks_exact(4), |chunk| match chunk {
            [a, b, c, d] => char::from_u32(u32::from_be_bytes([*a, *b, *c, *d])),
            _ => None,
        }),
        0x1e => {
            let pairs = value.chunks_exact(2);
            if !pairs.remainder().is_empty() {
                return Decoded::Broken;
            }
            let units = pairs.filter_map(|pair| match pair {
                [a, b] => Some(u16::from_be_bytes([*a, *b])),
                _ => None,
            });
            match char::decode_utf16(units).collect::<Result<String, _>>() {
                Ok(text) => Decoded::Text(Cow::Owned(text)),
                Err(_) => Decoded::Broken,
            }
        }
        // No standard defines attribute values of other classes than universal ones.
        other if other & 0xc0 != 0 => Decoded::Broken,
        _ => Decoded::NotText,
    }
}

fn whole<'a>(chunks: std::slice::ChunksExact<'a, u8>, read: impl Fn(&'a [u8]) -> Option<char>) -> Decoded<'a> {
    if !chunks.remainder().is_empty() {
        return Decoded::Broken;
    }
    match chunks.map(read).collect::<Option<String>>() {
        Some(text) => Decoded::Text(Cow::Owned(text)),
        None => Decoded::Broken,
    }
}

/// Each byte as the character of that number: loses nothing and always works.
pub(crate) fn latin1(value: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(value) {
        Ok(text) if value.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(value.iter().map(|octet| char::from(*octet)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(tag: u8, value: &[u8]) -> Option<String> {
        match decode(tag, value) {
            Decoded::Text(text) => Some(text.into_owned()),
            Decoded::NotText | Decoded::Broken => None,
        }
    }

    #[test]
    fn string_types_are_decoded_by_their_own_rules() {
        for (tag, value, wanted) in [
            (0x0c, "zażółć".as_bytes(), Some("zażółć")),
            (0x0c, &[0xff][..], None),
            (0x13, b"plain", Some("plain")),
            (0x13, b"a@b", Some("a@b")),
            (0x13, &[0xe4], None),
            (0x14, &[b'M', 0xfc], Some("Mü")),
            (0x16, b"x@y", Some("x@y")),
            (0x1c, &[0, 0, 0, 0x41, 0, 1, 0xf6, 0x00], Some("A😀")),
            (0x1c, &[0, 0, 0], None),
            (0x1e, &[0, 0x41, 0x20, 0xac], Some("A€")),
            (0x1e, &[0xd8, 0x3d, 0xde, 0x00], Some("😀")),
            (0x1e, &[0, 0x41, 0], None),
            (0x1e, &[0xd8, 0x00, 0, 0x41], None),
            (0x03, b"bits", None),
        ] {
            assert_eq!(text(tag, value).as_deref(), wanted, "{tag:#x} {value:02x?}");
        }
    }
}

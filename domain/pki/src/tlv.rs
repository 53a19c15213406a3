//! Walks DER one element at a time without copying: the record needs the bytes of each field exactly as they were received.

/// Why a walk stopped: a few words for the message of the error.
pub(crate) type Broken = &'static str;

/// Identifier octets that the walks look for.
pub(crate) mod tag {
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const OID: u8 = 0x06;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;
    /// Context-specific, primitive, number 0.
    pub const CONTEXT_0: u8 = 0x80;
    /// Context-specific, constructed, number 0.
    pub const CONTEXT_0_CONSTRUCTED: u8 = 0xa0;
}

/// One element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tlv<'a> {
    /// First identifier octet. Tags of several octets keep only this one; none of them is ever looked for.
    pub tag: u8,
    /// The whole element with its header.
    pub raw: &'a [u8],
    /// The contents alone.
    pub value: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// A walk through the contents.
    pub fn walk(self) -> Walk<'a> {
        Walk::new(self.value)
    }
}

/// Reads elements one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk<'a> {
    rest: &'a [u8],
}

impl<'a> Walk<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The identifier octet of the next element.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element, whatever it is, in DER (shortest definite length).
    pub fn next(&mut self) -> Result<Tlv<'a>, Broken> {
        let (tag, header_len, length) = header(self.rest)?;
        let end = header_len.checked_add(length).ok_or("a length is too large")?;
        let raw = self.rest.get(..end).ok_or("it ends in the middle of a field")?;
        let value = raw.get(header_len..).ok_or("it ends in the middle of a field")?;
        self.rest = self.rest.get(end..).unwrap_or_default();
        Ok(Tlv { tag, raw, value })
    }

    /// The next element, which must have this tag.
    pub fn take(&mut self, tag: u8) -> Result<Tlv<'a>, Broken> {
        let found = self.next()?;
        if found.tag == tag {
            Ok(found)
        } else {
            Err("a field has the wrong type")
        }
    }

    /// The next element if it has this tag.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, Broken> {
        if self.peek() == Some(tag) {
            self.next().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Refuses bytes that nobody asked for.
    pub fn finish(self) -> Result<(), Broken> {
        if self.is_empty() {
            Ok(())
        } else {
            Err("bytes are left over after the last field")
        }
    }
}

/// The only element of these bytes, with nothing behind it.
pub(crate) fn only(bytes: &[u8], tag: u8) -> Result<Tlv<'_>, Broken> {
    let mut walk = Walk::new(bytes);
    let found = walk.take(tag)?;
    walk.finish()?;
    Ok(found)
}

/// Length of the first element with its header; `None` where it is not DER.
pub(crate) fn first_len(bytes: &[u8]) -> Option<usize> {
    let (_, header_len, length) = header(bytes).ok()?;
    header_len.checked_add(length)
}

/// First identifier octet, length of the header, length of the contents.
fn header(bytes: &[u8]) -> Result<(u8, usize, usize), Broken> {
    const SHORT: Broken = "it ends in the middle of a field";
    let tag = *bytes.first().ok_or(SHORT)?;
    let mut at = 1;
    if tag & 0x1f == 0x1f {
        loop {
            let octet = *bytes.get(at).ok_or(SHORT)?;
            at += 1;
            if octet & 0x80 == 0 {
                break;
            }
            if at > 5 {
                return Err("a tag is too long");
            }
        }
    }
    let first = *bytes.get(at).ok_or(SHORT)?;
    at += 1;
    if first < 0x80 {
        return Ok((tag, at, usize::from(first)));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 {
        return Err("a field has no definite length");
    }
    if count > 4 {
        return Err("a length is too large");
    }
    let octets = bytes.get(at..at + count).ok_or(SHORT)?;
    let length = octets
        .iter()
        .fold(0_usize, |sum, octet| (sum << 8) | usize::from(*octet));
    if length < 0x80 || octets.first() == Some(&0) {
        return Err("a length is not written in its shortest form");
    }
    Ok((tag, at + count, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_with_their_own_bytes() {
        let bytes = [0x30, 0x03, 0x02, 0x01, 0x05, 0x04, 0x00];
        let mut walk = Walk::new(&bytes);
        let sequence = walk.take(tag::SEQUENCE).unwrap();
        assert_eq!(sequence.raw, &bytes[..5]);
        assert_eq!(sequence.walk().take(tag::INTEGER).unwrap().value, &[5]);
        assert_eq!(walk.optional(tag::BOOLEAN).unwrap().map(|t| t.tag), None);
        assert!(walk.next().unwrap().value.is_empty());
        assert!(walk.finish().is_ok());
    }

    #[test]
    fn what_is_not_der_is_refused() {
        for (bytes, why) in [
            (&[][..], "it ends in the middle of a field"),
            (&[0x30], "it ends in the middle of a field"),
            (&[0x30, 0x02, 0x00], "it ends in the middle of a field"),
            (&[0x30, 0x80, 0x00, 0x00], "a field has no definite length"),
            (
                &[0x30, 0x81, 0x01, 0x00],
                "a length is not written in its shortest form",
            ),
            (
                &[0x30, 0x82, 0x00, 0x80, 0x00],
                "a length is not written in its shortest form",
            ),
            (&[0x30, 0x85, 1, 1, 1, 1, 1], "a length is too large"),
            (
                &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
                "it ends in the middle of a field",
            ),
            (&[0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00], "a tag is too long"),
        ] {
            assert_eq!(Walk::new(bytes).next().unwrap_err(), why, "{bytes:02x?}");
        }
    }
}

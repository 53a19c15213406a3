//! Distinguished names: DER to RFC 4514 text, and a [`Subject`] to DER.

use std::fmt::Write as _;

use const_oid::ObjectIdentifier;
use der::asn1::{Any, Ia5StringRef, PrintableStringRef, SetOfVec, Utf8StringRef};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use crate::text::{self, Decoded};
use crate::tlv::{Broken, Tlv, tag};
use crate::{PkiError, Result, oid};

/// A name as text.
#[derive(Debug)]
pub(crate) struct NameText {
    /// RFC 4514: the most specific part first, special and control characters escaped. Empty for an empty name.
    pub text: String,
    /// The most specific common name, not escaped.
    pub common_name: Option<String>,
}

/// Most parts of a name that are read; the wild has names of forty.
const MAX_PARTS: usize = 1_000;

/// Reads a Name. A part whose text cannot be decoded breaks the name; a value that is no text is written as `#hex`.
pub(crate) fn read(name: Tlv<'_>) -> Result<NameText, Broken> {
    let mut parts = Vec::with_capacity(8);
    let mut sets = name.walk();
    while !sets.is_empty() {
        let mut set = sets.take(tag::SET)?.walk();
        let mut joined = false;
        while !set.is_empty() {
            let mut pair = set.take(tag::SEQUENCE)?.walk();
            let kind = pair.take(tag::OID)?;
            let value = pair.next()?;
            pair.finish()?;
            if parts.len() >= MAX_PARTS {
                return Err("a name has more parts than any real one");
            }
            parts.push((joined, kind.value, value));
            joined = true;
        }
    }
    let mut written = String::with_capacity(parts.len() * 24);
    let mut common_name = None;
    for (joined, kind, value) in parts.iter().rev() {
        let decoded = match text::decode(value.tag, value.value) {
            Decoded::Text(text) => Some(text),
            Decoded::NotText => None,
            Decoded::Broken => return Err("a part of a name is not text of its declared kind"),
        };
        if kind == &[0x55, 0x04, 0x03] && common_name.is_none() {
            common_name = decoded.as_deref().map(str::to_owned);
        }
        match (oid::attribute(kind), decoded) {
            (Some(short), Some(text)) => {
                written.push_str(short);
                written.push('=');
                escape(&text, &mut written);
            }
            (short, _) => {
                match short {
                    Some(short) => written.push_str(short),
                    None => written.push_str(&oid::dotted(kind)?),
                }
                written.push_str("=#");
                for octet in value.raw {
                    let _ = write!(written, "{octet:02x}");
                }
            }
        }
        written.push(if *joined { '+' } else { ',' });
    }
    written.pop();
    Ok(NameText {
        text: written,
        common_name,
    })
}

/// Escapes a value by RFC 4514 section 2.4; control characters too, so that a name is always one line.
fn escape(value: &str, out: &mut String) {
    let is_plain = |octet: u8| {
        octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'*' | b'_' | b'/' | b':' | b'@' | b' ')
    };
    if value.bytes().all(is_plain) && !value.starts_with(' ') && !value.ends_with(' ') {
        out.push_str(value);
        return;
    }
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            ' ' if index == 0 || index == last => out.push_str("\\ "),
            '#' if index == 0 => out.push_str("\\#"),
            control if control.is_control() => {
                let mut octets = [0; 4];
                for octet in control.encode_utf8(&mut octets).as_bytes() {
                    let _ = write!(out, "\\{octet:02X}");
                }
            }
            plain => out.push(plain),
        }
    }
}

/// A distinguished name to be made: attribute and value in the order in which they are encoded, for instance
/// `[("C", "DE"), ("O", "Example"), ("CN", "www.example.org")]`.
///
/// Known attributes: CN, O, OU, L, ST, C, STREET, DC, UID, SN, GN, title, serialNumber, emailAddress. Empty values are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject(pub Vec<(String, String)>);

impl Subject {
    /// A name of one common name.
    pub fn common_name(name: impl Into<String>) -> Self {
        Self(vec![("CN".to_owned(), name.into())])
    }

    /// The name in the form that the builders want.
    ///
    /// # Errors
    /// [`PkiError::Unmakeable`] for an unknown attribute, a country that is not two letters, or text that the attribute cannot hold.
    pub(crate) fn to_name(&self) -> Result<Name> {
        let mut sequence = RdnSequence::default();
        for (attribute, value) in self.0.iter().filter(|(_, value)| !value.is_empty()) {
            let dotted = oid::attribute_by_name(attribute)
                .ok_or_else(|| PkiError::Unmakeable(format!("the subject attribute `{attribute}` is not known")))?;
            let wrong = |_| {
                PkiError::Unmakeable(format!(
                    "the value of the subject attribute `{attribute}` cannot be used"
                ))
            };
            let oid = ObjectIdentifier::new(dotted)
                .map_err(|_| PkiError::Unmakeable(format!("the subject attribute `{attribute}` is not known")))?;
            let value = match attribute.as_str() {
                "C" if value.len() != 2 || !value.bytes().all(|octet| octet.is_ascii_alphabetic()) => {
                    return Err(PkiError::Unmakeable(format!(
                        "the country `{value}` is not a code of two letters"
                    )));
                }
                "C" | "serialNumber" => Any::encode_from(&PrintableStringRef::new(value).map_err(wrong)?),
                "DC" | "emailAddress" => Any::encode_from(&Ia5StringRef::new(value).map_err(wrong)?),
                _ => Any::encode_from(&Utf8StringRef::new(value).map_err(wrong)?),
            }
            .map_err(wrong)?;
            let set = SetOfVec::try_from(vec![AttributeTypeAndValue { oid, value }]).map_err(wrong)?;
            sequence.push(RelativeDistinguishedName::from(set));
        }
        Ok(Name::hazmat_from_rdn_sequence(sequence))
    }
}

#[cfg(test)]
mod tests {
    use der::Encode as _;

    use super::*;
    use crate::tlv::only;

    fn text_of(subject: &[(&str, &str)]) -> NameText {
        let subject = Subject(
            subject
                .iter()
                .map(|(a, v)| ((*a).to_owned(), (*v).to_owned()))
                .collect(),
        );
        let der = subject.to_name().unwrap().to_der().unwrap();
        read(only(&der, tag::SEQUENCE).unwrap()).unwrap()
    }

    #[test]
    fn names_are_written_most_specific_part_first() {
        let name = text_of(&[
            ("C", "DE"),
            ("O", "Müller & Söhne"),
            ("OU", ""),
            ("CN", "www.example.org"),
        ]);
        assert_eq!(name.text, "CN=www.example.org,O=Müller & Söhne,C=DE");
        assert_eq!(name.common_name.as_deref(), Some("www.example.org"));
        assert_eq!(text_of(&[]).text, "");
    }

    #[test]
    fn special_characters_are_escaped() {
        for (value, wanted) in [
            ("a,b", "a\\,b"),
            ("#1", "\\#1"),
            ("1#", "1#"),
            (" a ", "\\ a\\ "),
            ("a b", "a b"),
            ("x\r\nBcc: y", "x\\0D\\0ABcc: y"),
            ("\"<>;+\\=", "\\\"\\<\\>\\;\\+\\\\="),
            ("\u{0}", "\\00"),
            ("\u{85}", "\\C2\\85"),
        ] {
            assert_eq!(text_of(&[("CN", value)]).text, format!("CN={wanted}"));
        }
    }

    #[test]
    fn unknown_attributes_and_values_that_are_no_text_become_hex() {
        // 1.2.3 = UTF8String "a", then CN = BIT STRING, then a set of two
        let der = [
            &[0x30, 0x2b][..],
            &[0x31, 0x09, 0x30, 0x07, 0x06, 0x02, 0x2a, 0x03, 0x0c, 0x01, b'a'],
            &[
                0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x03, 0x03, 0x02, 0x00, 0xff,
            ],
            &[0x31, 0x11, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x01, b'O'],
            &[0x30, 0x05, 0x06, 0x01, 0x2a, 0x05, 0x00],
        ]
        .concat();
        let name = read(only(&der, tag::SEQUENCE).unwrap()).unwrap();
        assert_eq!(name.text, "1.2=#0500+O=O,CN=#030200ff,1.2.3=#0c0161");
        assert_eq!(name.common_name, None);
    }

    #[test]
    fn what_a_subject_cannot_hold_is_refused_in_words() {
        for (attribute, value, words) in [
            ("C", "Germany", "the country `Germany` is not a code of two letters"),
            ("XX", "a", "the subject attribute `XX` is not known"),
            ("DC", "ö", "the value of the subject attribute `DC` cannot be used"),
        ] {
            let refused = Subject(vec![(attribute.to_owned(), value.to_owned())])
                .to_name()
                .unwrap_err();
            assert_eq!(refused.to_string(), format!("cannot be made: {words}"));
        }
    }
}

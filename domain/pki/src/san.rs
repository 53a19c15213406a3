//! Subject alternative names of every kind: DER to text and back.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use der::asn1::Ia5String;
use serde::{Deserialize, Serialize};
use x509_cert::ext::pkix::name::GeneralName;

use crate::tlv::{Broken, Tlv, tag};
use crate::{PkiError, Result, name, oid, text};

/// The nine kinds of RFC 5280 section 4.2.1.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SanKind {
    /// Host name, the bytes as Latin-1.
    Dns,
    /// Address of the internet protocol; the hexadecimal bytes where they are no address.
    Ip,
    /// E-mail address, the bytes as Latin-1.
    Email,
    /// Uniform resource identifier, the bytes as Latin-1.
    Uri,
    /// Directory name in RFC 4514 form.
    DirName,
    /// Registered identifier, dotted.
    Rid,
    /// Another name: `object identifier:hexadecimal value`.
    OtherName,
    /// X.400 address, hexadecimal.
    X400,
    /// EDI party name, hexadecimal.
    Edi,
}

impl SanKind {
    /// The word that API and database use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Ip => "ip",
            Self::Email => "email",
            Self::Uri => "uri",
            Self::DirName => "dirname",
            Self::Rid => "rid",
            Self::OtherName => "othername",
            Self::X400 => "x400",
            Self::Edi => "edi",
        }
    }
}

impl FromStr for SanKind {
    type Err = PkiError;

    fn from_str(word: &str) -> Result<Self> {
        Ok(match word {
            "dns" => Self::Dns,
            "ip" => Self::Ip,
            "email" => Self::Email,
            "uri" => Self::Uri,
            "dirname" => Self::DirName,
            "rid" => Self::Rid,
            "othername" => Self::OtherName,
            "x400" => Self::X400,
            "edi" => Self::Edi,
            _ => {
                return Err(PkiError::Unmakeable(format!(
                    "`{word}` is no kind of subject alternative name"
                )));
            }
        })
    }
}

/// One subject alternative name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct San {
    /// Its kind.
    pub kind: SanKind,
    /// Its value as text; see [`SanKind`] for the form.
    pub value: String,
}

impl San {
    /// A host name.
    pub fn dns(value: impl Into<String>) -> Self {
        Self {
            kind: SanKind::Dns,
            value: value.into(),
        }
    }

    /// An address.
    pub fn ip(value: IpAddr) -> Self {
        Self {
            kind: SanKind::Ip,
            value: value.to_string(),
        }
    }

    /// A uniform resource identifier.
    pub fn uri(value: impl Into<String>) -> Self {
        Self {
            kind: SanKind::Uri,
            value: value.into(),
        }
    }

    /// The name as the builders want it: dns, ip, email and uri can be made.
    ///
    /// # Errors
    /// [`PkiError::Unmakeable`] for another kind, a text that is not ASCII, or an address that is none.
    pub(crate) fn to_general_name(&self) -> Result<GeneralName> {
        let wrong = || {
            PkiError::Unmakeable(format!(
                "`{}` is not usable as a name of kind {}",
                self.value,
                self.kind.as_str()
            ))
        };
        if self.value.is_empty() {
            return Err(PkiError::Unmakeable(format!(
                "a name of kind {} is empty",
                self.kind.as_str()
            )));
        }
        let ia5 = || Ia5String::new(&self.value).map_err(|_| wrong());
        Ok(match self.kind {
            SanKind::Dns => GeneralName::DnsName(ia5()?),
            SanKind::Email => GeneralName::Rfc822Name(ia5()?),
            SanKind::Uri => GeneralName::UniformResourceIdentifier(ia5()?),
            SanKind::Ip => GeneralName::from(IpAddr::from_str(&self.value).map_err(|_| wrong())?),
            SanKind::DirName | SanKind::Rid | SanKind::OtherName | SanKind::X400 | SanKind::Edi => {
                return Err(PkiError::Unmakeable(format!(
                    "names of kind {} cannot be made",
                    self.kind.as_str()
                )));
            }
        })
    }
}

/// Reads the value of a subjectAltName extension into `names`. What cannot be read becomes a warning that shows the bytes.
pub(crate) fn read(value: &[u8], names: &mut Vec<San>, warnings: &mut Vec<String>) {
    let result = crate::tlv::only(value, tag::SEQUENCE).and_then(|sequence| {
        let mut entries = sequence.walk();
        while !entries.is_empty() {
            let entry = entries.next()?;
            match read_one(entry, warnings) {
                Ok(san) => names.push(san),
                Err(why) => {
                    warnings.push(format!(
                        "a subject alternative name is unreadable ({why}): {}",
                        shown(entry.raw)
                    ));
                }
            }
        }
        Ok(())
    });
    if let Err(why) = result {
        warnings.push(format!(
            "the subject alternative names are broken ({why}): {}",
            shown(value)
        ));
    }
}

/// The first bytes in hexadecimal: enough to recognise a name, bounded for those made to fill a disk.
fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 256;
    match bytes.get(..MOST) {
        Some(start) if bytes.len() > MOST => format!("{}… ({} bytes)", hex::encode(start), bytes.len()),
        _ => hex::encode(bytes),
    }
}

fn read_one(entry: Tlv<'_>, warnings: &mut Vec<String>) -> Result<San, Broken> {
    let ia5 = |kind: SanKind, warnings: &mut Vec<String>| {
        if !entry.value.is_ascii() {
            warnings.push(format!(
                "a subject alternative name of kind {} is not ASCII",
                kind.as_str()
            ));
        }
        San {
            kind,
            value: text::latin1(entry.value).into_owned(),
        }
    };
    Ok(match entry.tag {
        0xa0 => {
            let mut parts = entry.walk();
            let kind = parts.take(tag::OID)?;
            let value = parts.next()?;
            parts.finish()?;
            let mut text = oid::dotted(kind.value)?;
            let _ = write!(text, ":{}", hex::encode(value.raw));
            San {
                kind: SanKind::OtherName,
                value: text,
            }
        }
        0x81 => ia5(SanKind::Email, warnings),
        0x82 => ia5(SanKind::Dns, warnings),
        0xa3 => San {
            kind: SanKind::X400,
            value: hex::encode(entry.value),
        },
        0xa4 => {
            let mut parts = entry.walk();
            let value = name::read(parts.take(tag::SEQUENCE)?)?.text;
            parts.finish()?;
            San {
                kind: SanKind::DirName,
                value,
            }
        }
        0xa5 => San {
            kind: SanKind::Edi,
            value: hex::encode(entry.value),
        },
        0x86 => ia5(SanKind::Uri, warnings),
        0x87 => {
            let value = if let Ok(octets) = <[u8; 4]>::try_from(entry.value) {
                Ipv4Addr::from(octets).to_string()
            } else if let Ok(octets) = <[u8; 16]>::try_from(entry.value) {
                Ipv6Addr::from(octets).to_string()
            } else {
                warnings.push(format!(
                    "an address among the subject alternative names has {} bytes",
                    entry.value.len()
                ));
                hex::encode(entry.value)
            };
            San {
                kind: SanKind::Ip,
                value,
            }
        }
        0x88 => San {
            kind: SanKind::Rid,
            value: oid::dotted(entry.value)?,
        },
        _ => return Err("unknown kind of name"),
    })
}

#[cfg(test)]
mod tests {
    use der::Encode as _;

    use super::*;

    fn names_of(value: &[u8]) -> (Vec<San>, Vec<String>) {
        let (mut names, mut warnings) = (Vec::new(), Vec::new());
        read(value, &mut names, &mut warnings);
        (names, warnings)
    }

    #[test]
    fn names_come_back_as_they_were_made() {
        let made = [
            San::dns("*.example.org"),
            San::ip(IpAddr::from([192, 0, 2, 1])),
            San::ip("2001:db8::1".parse().unwrap()),
            San {
                kind: SanKind::Email,
                value: "a@example.org".into(),
            },
            San::uri("urn:certyard:org:agent"),
        ];
        let general: Vec<GeneralName> = made.iter().map(|san| san.to_general_name().unwrap()).collect();
        assert_eq!(names_of(&general.to_der().unwrap()), (made.to_vec(), vec![]));
    }

    #[test]
    fn no_name_is_lost_silently() {
        let (names, warnings) = names_of(&[0x30, 0x0a, 0x82, 0x01, 0xe9, 0x87, 0x01, 0x05, 0x89, 0x02, 0x61, 0x62]);
        assert_eq!(
            names,
            [
                San::dns("é"),
                San {
                    kind: SanKind::Ip,
                    value: "05".into()
                }
            ]
        );
        assert_eq!(warnings.len(), 3);
        assert!(
            warnings[2].ends_with("(unknown kind of name): 89026162"),
            "{warnings:?}"
        );
        let (names, warnings) = names_of(&[0x30, 0x05, 0x82, 0x01, b'a', 0x82, 0x01]);
        assert_eq!(names, [San::dns("a")]);
        assert_eq!(
            warnings,
            ["the subject alternative names are broken (it ends in the middle of a field): 30058201618201"]
        );
    }

    #[test]
    fn rare_kinds_are_shown() {
        for (value, kind, text) in [
            (&[0x30, 0x04, 0x88, 0x02, 0x2a, 0x03][..], SanKind::Rid, "1.2.3"),
            (
                &[0x30, 0x0a, 0xa0, 0x08, 0x06, 0x02, 0x2a, 0x03, 0xa0, 0x02, 0x05, 0x00],
                SanKind::OtherName,
                "1.2.3:a0020500",
            ),
            (&[0x30, 0x04, 0xa3, 0x02, 0x30, 0x00], SanKind::X400, "3000"),
            (&[0x30, 0x05, 0xa5, 0x03, 0x81, 0x01, 0x61], SanKind::Edi, "810161"),
            (&[0x30, 0x04, 0xa4, 0x02, 0x30, 0x00], SanKind::DirName, ""),
        ] {
            let (names, warnings) = names_of(value);
            assert_eq!(
                (names, warnings),
                (
                    vec![San {
                        kind,
                        value: text.into()
                    }],
                    vec![]
                )
            );
        }
    }

    #[test]
    fn kinds_have_one_spelling() {
        for word in [
            "dns",
            "ip",
            "email",
            "uri",
            "dirname",
            "rid",
            "othername",
            "x400",
            "edi",
        ] {
            let kind: SanKind = word.parse().unwrap();
            assert_eq!(kind.as_str(), word);
            assert_eq!(serde_json::to_value(kind).unwrap(), word);
        }
        assert!("DNS".parse::<SanKind>().is_err());
    }
}

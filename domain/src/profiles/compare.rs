//! Compares an installed certificate with what is wanted, field by field (R18, R27).

use super::effective::Effective;
use super::setting::{Field, Signing};
use super::subject;
use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// What is seen of an installed certificate.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Signed by its own key.
    pub self_signed: bool,
    /// Begin of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// Kind of its key.
    pub key_type: &'a str,
    /// Bits of its key, where known.
    pub key_bits: Option<u32>,
    /// Signature algorithm by name.
    pub signature_algorithm: &'a str,
    /// Subject, RFC 4514.
    pub subject: &'a str,
    /// Whether it covers several nodes; `None` where that cannot be told, as in a cluster of one node.
    pub multi_server: Option<bool>,
    /// Whether it is the certificate of the purpose that it should be taken from; `None` where that one is not known.
    pub reused: Option<bool>,
}

/// One field, compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The field.
    pub field: Field,
    /// What the profile says.
    pub wanted: String,
    /// What is installed.
    pub installed: String,
    /// Whether that is right.
    pub matches: bool,
}

/// A field in which a certificate differs from its profile. Stored with the installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The field.
    pub field: Field,
    /// What the profile says.
    pub wanted: String,
    /// What is installed.
    pub installed: String,
}

/// Days of a year in the long run, leap years included.
const DAYS_OF_YEAR: f64 = 365.2425;

/// Compares all fields that the profile says something about and that can be told.
///
/// What a CA decides is judged by what it may decide: for how long it signs is its own affair, its hash may be stronger, and
/// it may leave the organisational unit out (cisco.md 2.4).
pub fn compare(wanted: &Effective, seen: &Seen<'_>) -> Vec<Compared> {
    let mut all = Vec::new();
    let mut push = |field: Field, wanted: String, installed: String, matches: bool| {
        all.push(Compared {
            field,
            wanted,
            installed,
            matches,
        });
    };
    if let Some(of) = wanted.reuse {
        if let Some(reused) = seen.reused {
            let installed = if reused { of } else { "another certificate" };
            push(Field::UseTomcat, of.into(), installed.into(), reused);
        }
        return all;
    }
    let signing = Signing::of(seen.self_signed);
    if let Some(want) = wanted.signing {
        push(
            Field::Signing,
            want.as_str().into(),
            signing.as_str().into(),
            want == signing,
        );
    }
    if let (Some(want), Some(multi)) = (wanted.multi_server, seen.multi_server) {
        push(Field::MultiServer, want.to_string(), multi.to_string(), want == multi);
    }
    if let (Some(want), true) = (wanted.validity_years, seen.self_signed) {
        let years = years(seen.not_before, seen.not_after);
        push(
            Field::ValidityYears,
            want.to_string(),
            years.to_string(),
            i64::from(want) == years,
        );
    }
    let mut same_type = true;
    if let Some(want) = &wanted.key_type {
        same_type = want == seen.key_type;
        push(Field::KeyType, want.clone(), seen.key_type.into(), same_type);
    }
    // Bits of another kind of key say nothing.
    if let (Some(want), Some(bits), true) = (wanted.key_bits, seen.key_bits, same_type) {
        push(Field::KeyBits, want.to_string(), bits.to_string(), want == bits);
    }
    if let (Some(want), Some(hash)) = (wanted.hash.as_deref(), hash_of(seen.signature_algorithm)) {
        let matches = if seen.self_signed {
            hash == want
        } else {
            strength(&hash) >= strength(want)
        };
        push(Field::Hash, want.into(), hash, matches);
    }
    if !wanted.subject.is_empty() {
        let installed = shown_subject(wanted, seen.subject);
        let matches = wanted.subject.iter().all(|(field, value)| {
            let values = subject::values(seen.subject, field);
            let left_out = field == "OU" && values.is_empty() && !seen.self_signed;
            left_out || values.contains(value)
        });
        let want: Vec<String> = wanted
            .subject
            .iter()
            .map(|(field, value)| format!("{field}={value}"))
            .collect();
        push(Field::Subject, want.join(", "), installed, matches);
    }
    all
}

impl Compared {
    /// The difference, where there is one.
    pub fn difference(self) -> Option<Difference> {
        (!self.matches).then_some(Difference {
            field: self.field,
            wanted: self.wanted,
            installed: self.installed,
        })
    }
}

/// The fields of the subject that are asked about, each once.
fn shown_subject(wanted: &Effective, text: &str) -> String {
    let mut seen = Vec::new();
    let mut shown = Vec::new();
    for (field, _) in &wanted.subject {
        if seen.contains(field) {
            continue;
        }
        seen.push(field.clone());
        shown.extend(
            subject::values(text, field)
                .into_iter()
                .map(|value| format!("{field}={value}")),
        );
    }
    shown.join(", ")
}

/// Years of validity, to the nearest: nodes count leap days or leave them out.
fn years(not_before: Timestamp, not_after: Timestamp) -> i64 {
    let days = (not_after - not_before).num_days() as f64;
    (days / DAYS_OF_YEAR).round() as i64
}

/// The hash in the name of a signature algorithm: `SHA256` of `sha256WithRSAEncryption`. None where the name does not say.
fn hash_of(algorithm: &str) -> Option<String> {
    let name = algorithm.to_ascii_uppercase();
    if name.contains("MD5") {
        return Some("MD5".into());
    }
    let rest = &name[name.find("SHA")? + 3..];
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| format!("SHA{digits}"))
}

fn strength(hash: &str) -> u32 {
    match hash.strip_prefix("SHA").and_then(|bits| bits.parse().ok()) {
        Some(1) => 160,
        Some(bits) => bits,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone, Utc};

    fn seen() -> Seen<'static> {
        let begin = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).single().expect("a time");
        Seen {
            self_signed: true,
            not_before: begin,
            not_after: begin + TimeDelta::days(5 * 365),
            key_type: "RSA",
            key_bits: Some(2048),
            signature_algorithm: "sha256WithRSAEncryption",
            subject: "CN=a,O=Example,C=DE",
            multi_server: Some(false),
            reused: None,
        }
    }

    fn different(wanted: &Effective, seen: &Seen<'_>) -> Vec<Field> {
        compare(wanted, seen)
            .into_iter()
            .filter_map(Compared::difference)
            .map(|difference| difference.field)
            .collect()
    }

    fn full() -> Effective {
        Effective {
            signing: Some(Signing::SelfSigned),
            multi_server: Some(false),
            validity_years: Some(5),
            key_type: Some("RSA".into()),
            key_bits: Some(2048),
            hash: Some("SHA256".into()),
            subject: vec![("O".into(), "Example".into())],
            ..Effective::default()
        }
    }

    #[test]
    fn what_is_open_differs_in_nothing() {
        assert!(compare(&Effective::default(), &seen()).is_empty());
    }

    #[test]
    fn r27_each_field_that_differs_is_named_and_no_other() {
        assert_eq!(compare(&full(), &seen()).len(), 7);
        assert_eq!(different(&full(), &seen()), []);
        type Change = fn(&mut Seen<'static>);
        let cases: [(Change, &[Field]); 7] = [
            (|seen| seen.multi_server = Some(true), &[Field::MultiServer]),
            (
                |seen| seen.not_after = seen.not_before + TimeDelta::days(20 * 365),
                &[Field::ValidityYears],
            ),
            (|seen| seen.key_bits = Some(1024), &[Field::KeyBits]),
            (|seen| seen.key_type = "EC", &[Field::KeyType]),
            (
                |seen| seen.signature_algorithm = "sha1WithRSAEncryption",
                &[Field::Hash],
            ),
            (
                |seen| seen.signature_algorithm = "sha384WithRSAEncryption",
                &[Field::Hash],
            ),
            (|seen| seen.subject = "CN=a,O=Other", &[Field::Subject]),
        ];
        for (change, fields) in cases {
            let mut one = seen();
            change(&mut one);
            assert_eq!(different(&full(), &one), fields);
        }
    }

    #[test]
    fn a_ca_may_decide_what_is_its_own() {
        let mut wanted = full();
        wanted.signing = Some(Signing::CaSigned);
        wanted.subject.push(("OU".into(), "Voice".into()));
        let mut one = seen();
        assert_eq!(different(&wanted, &one), [Field::Signing, Field::Subject]);
        one.self_signed = false;
        one.not_after = one.not_before + TimeDelta::days(200);
        one.signature_algorithm = "sha384WithRSAEncryption";
        assert_eq!(different(&wanted, &one), []);
        one.signature_algorithm = "sha1WithRSAEncryption";
        assert_eq!(different(&wanted, &one), [Field::Hash]);
    }

    #[test]
    fn what_cannot_be_told_is_not_held_against_it() {
        let mut one = seen();
        one.multi_server = None;
        one.key_bits = None;
        one.signature_algorithm = "1.2.3.4";
        assert_eq!(different(&full(), &one), []);
    }

    #[test]
    fn r12_what_takes_the_certificate_of_tomcat_is_judged_by_that_alone() {
        let wanted = Effective {
            reuse: Some("tomcat"),
            ..Effective::default()
        };
        let mut one = seen();
        assert!(compare(&wanted, &one).is_empty(), "tomcat is not known");
        one.reused = Some(true);
        assert_eq!(different(&wanted, &one), []);
        one.reused = Some(false);
        assert_eq!(different(&wanted, &one), [Field::UseTomcat]);
    }

    #[test]
    fn years_are_counted_with_leap_days_or_without() {
        let begin = Utc.with_ymd_and_hms(2026, 3, 1, 0, 0, 0).single().expect("a time");
        for (days, wanted) in [(1825, 5), (1826, 5), (1827, 5), (7300, 20), (7305, 20), (1461, 4)] {
            assert_eq!(years(begin, begin + TimeDelta::days(days)), wanted, "{days}");
        }
    }

    #[test]
    fn hashes_are_read_from_the_names_of_algorithms() {
        for (name, wanted) in [
            ("sha256WithRSAEncryption", Some("SHA256")),
            ("ecdsa-with-SHA384", Some("SHA384")),
            ("sha1WithRSA", Some("SHA1")),
            ("md5WithRSAEncryption", Some("MD5")),
            ("rsassaPss", None),
            ("Ed25519", None),
        ] {
            assert_eq!(hash_of(name).as_deref(), wanted, "{name}");
        }
    }
}

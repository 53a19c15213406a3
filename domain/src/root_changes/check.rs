//! Which certificate may take the place of a CA's.

use crate::Timestamp;
use crate::catalogue::Limits;
use crate::certificates::Certificate;
use crate::fields::Fields;
use crate::inventory::weakness;

/// Something to know of a root change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caution {
    /// Stable code, `snake_case`.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

/// What is known of the two certificates before they are compared.
pub(super) struct Pair<'a> {
    pub old: &'a Certificate,
    pub new: &'a Certificate,
    /// They have the same name and the same key: what the one has signed chains to the other.
    pub same_key: bool,
    /// What the products take whose trust stores hold the old one (cisco.md 2.5).
    pub takes: Vec<&'static Limits>,
}

impl Pair<'_> {
    fn same_name(&self) -> bool {
        self.old.subject_hash == self.new.subject_hash
    }

    /// Whether a trust store that holds the old one keeps one certificate for each name.
    fn one_each(&self) -> bool {
        self.takes.iter().any(|limits| limits.one_per_subject)
    }

    /// Refuses what cannot be changed into, as the errors of `field`, which gave the new certificate.
    pub fn check(&self, fields: &mut Fields, field: &str, now: Timestamp) {
        let (old, new) = (self.old, self.new);
        if !old.is_ca {
            fields.refuse(
                "old_certificate_id",
                "not_an_authority",
                format!("`{}` is no CA certificate", old.subject),
            );
        }
        if old.id == new.id {
            fields.refuse(
                field,
                "same_certificate",
                "this is the old certificate itself: send the one that takes its place",
            );
            return;
        }
        if !new.is_ca {
            fields.refuse(
                field,
                "not_an_authority",
                format!(
                    "`{}` is no CA certificate: send that of the CA, not one that it has signed",
                    new.subject
                ),
            );
            return;
        }
        if let Some(usages) = new.details["key_usage"].as_array()
            && !usages.iter().any(|usage| usage == "keyCertSign")
        {
            fields.refuse(
                field,
                "key_usage",
                format!(
                    "the key of `{}` must not sign certificates (keyCertSign is missing)",
                    new.subject
                ),
            );
        }
        if new.not_after <= now {
            fields.refuse(
                field,
                "expired",
                format!(
                    "`{}` ended on {}: nothing that it signed is trusted any more",
                    new.subject,
                    new.not_after.format("%Y-%m-%d")
                ),
            );
        }
        if let Some(weak) = weakness(new) {
            fields.refuse(field, "weak", weak);
        }
        let most = self.takes.iter().filter_map(|limits| limits.most_key_bits).min();
        let bits = new.key_bits.and_then(|bits| u32::try_from(bits).ok());
        if let (Some(most), Some(bits)) = (most, bits)
            && bits > most
        {
            fields.refuse(
                field,
                "key_too_long",
                format!(
                    "`{}` has a key of {bits} bits, and trust stores that hold `{}` take at most {most}",
                    new.subject, old.subject
                ),
            );
        }
        if self.one_each() && self.same_name() && new.not_before <= old.not_before {
            fields.refuse(
                field,
                "not_newer",
                format!(
                    "trust stores that hold `{}` keep one certificate for each name, the one that starts later: they would not take this one",
                    old.subject
                ),
            );
        } else if self.one_each() && self.same_name() && !self.same_key {
            fields.refuse(
                field,
                "same_subject",
                format!(
                    "trust stores that hold `{}` keep one certificate for each name: the new one would take the place of the old one at once, \
                     while nodes still use what that has signed. Have the CA give its new certificate another name, for instance with -G2",
                    old.subject
                ),
            );
        }
    }

    /// What may go ahead and has to be known.
    pub fn cautions(&self, now: Timestamp) -> Vec<Caution> {
        let (old, new) = (self.old, self.new);
        let mut all = Vec::new();
        let mut add = |code, message| all.push(Caution { code, message });
        if new.not_after <= now {
            add(
                "expired",
                format!("the new certificate ended on {}", new.not_after.format("%Y-%m-%d")),
            );
        }
        if new.not_before > now {
            add(
                "not_yet_valid",
                format!(
                    "the new certificate begins on {}: what it has signed is refused until then",
                    new.not_before.format("%Y-%m-%d")
                ),
            );
        }
        if new.not_after <= old.not_after {
            add(
                "ends_sooner",
                format!(
                    "the new certificate ends on {}, not later than the old one ({})",
                    new.not_after.format("%Y-%m-%d"),
                    old.not_after.format("%Y-%m-%d")
                ),
            );
        }
        let algorithm = new.signature_algorithm.to_lowercase();
        if new.self_signed && ["md5", "sha1", "md2"].iter().any(|hash| algorithm.contains(hash)) {
            add(
                "weak_hash",
                format!(
                    "the new certificate is signed with `{}`. Nobody relies on the signature of a root, but some products refuse it",
                    new.signature_algorithm
                ),
            );
        }
        if self.same_key {
            add(
                "same_key",
                "both certificates have the same name and key: what is in use chains to the new one already, and nothing has to be signed anew"
                    .into(),
            );
        } else if self.same_name() {
            add(
                "same_subject",
                "both certificates have the same name: products that keep one for each name drop the old one at once"
                    .into(),
            );
        }
        all
    }
}

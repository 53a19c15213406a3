//! Whether settings can be chosen: at all, and in the version of a cluster.

use super::Field;
use super::effective::effective_setting;
use super::setting::{Setting, Signing, key_type_of};
use crate::catalogue::{self, PURPOSES, Purpose, REUSES, SELF_SIGNED, key_choices, product, subject_fault};
use crate::fields::Fields;
use std::collections::HashSet;

/// Settings of one profile at most: far above all purposes of all products, with room for names of servers.
const MAX_SETTINGS: usize = 500;
/// Values of the subject of one setting at most.
const MAX_SUBJECT: usize = 20;

/// Names what cannot be chosen in any version.
pub(super) fn check(fields: &mut Fields, settings: &[Setting]) {
    if settings.len() > MAX_SETTINGS {
        fields.refuse("settings", "too_many", format!("has at most {MAX_SETTINGS} settings"));
        return;
    }
    let mut seen = HashSet::new();
    for (index, setting) in settings.iter().enumerate() {
        let mut one = One {
            fields: &mut *fields,
            path: format!("settings[{index}]"),
        };
        if !seen.insert((setting.product.as_str(), setting.purpose.as_str())) {
            one.refuse("purpose", "duplicate", "is there twice".into());
            continue;
        }
        if product(&setting.product).is_none() {
            let known: Vec<&str> = catalogue::PRODUCTS.iter().map(|product| product.code).collect();
            one.refuse("product", "unknown", format!("must be one of {}", known.join(", ")));
            continue;
        }
        let purpose = PURPOSES
            .iter()
            .find(|row| row.product == setting.product && (row.is(&setting.purpose) || row.code == setting.purpose));
        let Some(purpose) = purpose else {
            let known: Vec<&str> = PURPOSES
                .iter()
                .filter(|row| row.product == setting.product)
                .map(|row| row.code)
                .collect();
            one.refuse("purpose", "unknown", format!("must be one of {}", known.join(", ")));
            continue;
        };
        if setting.use_tomcat {
            one.check_reuse(setting);
        } else {
            one.check_signing(setting, purpose);
            one.check_key(setting, purpose);
            one.check_subject(setting);
        }
    }
}

struct One<'a> {
    fields: &'a mut Fields,
    path: String,
}

impl One<'_> {
    fn refuse(&mut self, field: &str, code: &'static str, message: String) {
        self.fields.refuse(&format!("{}.{field}", self.path), code, message);
    }

    /// R39.
    fn check_reuse(&mut self, setting: &Setting) {
        let can = REUSES
            .iter()
            .any(|row| row.product == setting.product && row.purpose == setting.purpose);
        if !can {
            let known: Vec<String> = REUSES
                .iter()
                .map(|row| format!("{} of {}", row.purpose, row.product))
                .collect();
            self.refuse(
                "use_tomcat",
                "not_possible",
                format!("only {} can take the certificate of tomcat", known.join(" and ")),
            );
        }
        let open = Setting {
            product: setting.product.clone(),
            purpose: setting.purpose.clone(),
            use_tomcat: true,
            ..Setting::default()
        };
        if *setting != open {
            self.refuse(
                "use_tomcat",
                "not_with_others",
                "what takes the certificate of tomcat has no settings of its own: leave the others out".into(),
            );
        }
    }

    fn check_signing(&mut self, setting: &Setting, purpose: &Purpose) {
        let own: Vec<_> = SELF_SIGNED
            .iter()
            .filter(|row| row.product == setting.product)
            .collect();
        match setting.signing {
            Some(Signing::CaSigned) if !purpose.csr => self.refuse(
                "signing",
                "not_possible",
                format!(
                    "`{}` is made by the node itself and is never signed by a CA",
                    setting.purpose
                ),
            ),
            Some(Signing::SelfSigned) if own.is_empty() => self.refuse(
                "signing",
                "not_possible",
                "nodes of this product do not sign for themselves: leave it open, or choose ca_signed".into(),
            ),
            Some(Signing::CaSigned | Signing::SelfSigned) | None => {}
        }
        if setting.multi_server == Some(true) {
            let multi = purpose.multi_server;
            let can = match setting.signing {
                Some(Signing::CaSigned) => multi.ca_signed.is_some(),
                Some(Signing::SelfSigned) => multi.self_signed.is_some(),
                None => multi.ca_signed.is_some() || multi.self_signed.is_some(),
            };
            if !can {
                self.refuse(
                    "multi_server",
                    "not_possible",
                    format!("a certificate for `{}` is for one node", setting.purpose),
                );
            }
        }
        if let Some(years) = setting.validity_years {
            let least = own.iter().map(|row| row.least_years).min();
            let most = own.iter().map(|row| row.most_years).max();
            match (setting.signing, least, most) {
                (Some(Signing::CaSigned), _, _) | (_, None, _) | (_, _, None) => self.refuse(
                    "validity_years",
                    "not_possible",
                    "the CA decides for how long: it can be chosen for self-signed certificates only".into(),
                ),
                (Some(Signing::SelfSigned) | None, Some(least), Some(most)) => {
                    if !(least..=most).contains(&years) {
                        self.refuse(
                            "validity_years",
                            "out_of_range",
                            format!("is between {least} and {most}"),
                        );
                    }
                }
            }
        }
    }

    fn check_key(&mut self, setting: &Setting, purpose: &Purpose) {
        let key_type = match (setting.key_type.as_deref(), setting.key_bits) {
            (Some(key_type), _) => Some(key_type),
            (None, bits) => bits.map(key_type_of),
        };
        // The newest version offers whatever any version does.
        let mut fitting: Vec<_> = key_choices(purpose, "").collect();
        if let Some(key_type) = key_type {
            fitting.retain(|row| row.key_type == key_type);
            if fitting.is_empty() {
                let field = if setting.key_type.is_some() {
                    "key_type"
                } else {
                    "key_bits"
                };
                let message = format!("`{}` takes {} keys", setting.purpose, purpose.key.as_str());
                return self.refuse(field, "unsupported", message);
            }
        }
        if let Some(bits) = setting.key_bits {
            let known: Vec<String> = fitting.iter().map(|row| row.bits.to_string()).collect();
            fitting.retain(|row| row.bits == bits);
            if fitting.is_empty() {
                return self.refuse("key_bits", "unsupported", format!("is one of {}", known.join(", ")));
            }
        }
        if let Some(hash) = setting.hash.as_deref()
            && !fitting.iter().any(|row| row.hashes.contains(&hash))
        {
            let mut known: Vec<&str> = fitting.iter().flat_map(|row| row.hashes).copied().collect();
            known.sort_unstable();
            known.dedup();
            self.refuse(
                "hash",
                "unsupported",
                format!("is one of {} for this key", known.join(", ")),
            );
        }
    }

    fn check_subject(&mut self, setting: &Setting) {
        if setting.subject.len() > MAX_SUBJECT {
            return self.refuse("subject", "too_many", format!("has at most {MAX_SUBJECT} values"));
        }
        for (index, (field, value)) in setting.subject.iter().enumerate() {
            if let Some((code, message)) = subject_fault(field, value) {
                self.refuse(&format!("subject[{index}]"), code, message.into());
            }
        }
    }
}

/// What of the settings a cluster of this product and version cannot have (R37). A validity that nodes of the version
/// ignore is none of it: it may be chosen and has no effect (R38).
pub(super) fn misfits(settings: &[Setting], product: &str, version: &str) -> Vec<(String, Field, String)> {
    settings
        .iter()
        .filter(|setting| setting.product == product)
        .flat_map(|setting| {
            effective_setting(Some(setting), product, version, &setting.purpose)
                .gates
                .into_iter()
                .filter(|gate| gate.field != Field::ValidityYears)
                .map(|gate| (setting.purpose.clone(), gate.field, gate.reason))
        })
        .collect()
}

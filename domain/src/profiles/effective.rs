//! What a node of a version can have of what a profile wants.

use super::setting::{Field, Setting, Signing, key_type_of, setting_of};
use crate::catalogue::{Purpose, key_choices, purpose_info, purposes_of, reuse_of, self_signed_of};

/// What is wanted for a purpose on nodes of one product and version. `None`: whatever is installed is right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    /// Who signs it.
    pub signing: Option<Signing>,
    /// The purpose whose certificate it takes (R12).
    pub reuse: Option<&'static str>,
    /// One certificate covers all nodes of the cluster.
    pub multi_server: Option<bool>,
    /// Years for which a node signs its own.
    pub validity_years: Option<u32>,
    /// `RSA` or `EC`.
    pub key_type: Option<String>,
    /// Bits of the modulus, or of the curve.
    pub key_bits: Option<u32>,
    /// Hash of the signature.
    pub hash: Option<String>,
    /// Subject fields.
    pub subject: Vec<(String, String)>,
    /// What of the profile does not hold in this version.
    pub gates: Vec<Gate>,
}

/// A wish that a version cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// The field.
    pub field: Field,
    /// What the profile says.
    pub wanted: String,
    /// What holds instead; empty: nothing is wanted.
    pub effective: String,
    /// Why.
    pub reason: String,
}

impl Effective {
    fn gate(&mut self, field: Field, wanted: impl ToString, effective: impl ToString, reason: String) {
        self.gates.push(Gate {
            field,
            wanted: wanted.to_string(),
            effective: effective.to_string(),
            reason,
        });
    }
}

/// What settings want for a purpose of a product in a version.
pub fn effective(settings: &[Setting], product: &str, version: &str, purpose: &str) -> Effective {
    effective_setting(setting_of(settings, product, purpose), product, version, purpose)
}

pub(super) fn effective_setting(setting: Option<&Setting>, product: &str, version: &str, purpose: &str) -> Effective {
    let mut found = Effective::default();
    // A setting for all names of a server has the code itself as its purpose.
    let info = purpose_info(product, version, purpose)
        .or_else(|| purposes_of(product, version).find(|row| row.code == purpose));
    let (Some(setting), Some(info)) = (setting, info) else {
        return found;
    };
    if setting.use_tomcat {
        match reuse_of(product, version, purpose) {
            Some(row) => found.reuse = Some(row.of),
            None => found.gate(
                Field::UseTomcat,
                true,
                false,
                format!("`{purpose}` cannot take the certificate of tomcat in version {version}"),
            ),
        }
        return found;
    }
    found.signing = setting.signing;
    found.subject = setting.subject.clone();
    found.multi_server = setting.multi_server;
    if setting.multi_server == Some(true) && !multi_server(info, setting.signing, version) {
        found.multi_server = Some(false);
        let kind = match setting.signing {
            Some(Signing::SelfSigned) => "a self-signed certificate",
            Some(Signing::CaSigned) | None => "a certificate",
        };
        found.gate(
            Field::MultiServer,
            true,
            false,
            format!("{kind} for `{purpose}` is for one node in version {version}"),
        );
    }
    validity(&mut found, setting, product, version);
    key(&mut found, setting, info, version);
    found
}

fn multi_server(info: &Purpose, signing: Option<Signing>, version: &str) -> bool {
    let in_version = |versions: Option<crate::catalogue::Versions>| versions.is_some_and(|all| all.contains(version));
    let ca_signed = in_version(info.multi_server.ca_signed);
    let self_signed = in_version(info.multi_server.self_signed);
    match signing {
        Some(Signing::CaSigned) => ca_signed,
        Some(Signing::SelfSigned) => self_signed,
        None => ca_signed || self_signed,
    }
}

/// R38.
fn validity(found: &mut Effective, setting: &Setting, product: &str, version: &str) {
    let Some(years) = setting.validity_years else { return };
    let Some(row) = self_signed_of(product, version) else {
        return;
    };
    match row.always_years {
        Some(always) => {
            found.validity_years = Some(always);
            if years != always {
                found.gate(
                    Field::ValidityYears,
                    years,
                    always,
                    format!("version {version} always takes {always} years"),
                );
            }
        }
        None => found.validity_years = Some(years),
    }
}

fn key(found: &mut Effective, setting: &Setting, info: &Purpose, version: &str) {
    let choices: Vec<_> = key_choices(info, version).collect();
    found.key_type = match (&setting.key_type, setting.key_bits) {
        (Some(key_type), _) => Some(key_type.clone()),
        (None, bits) => bits.map(|bits| key_type_of(bits).into()),
    };
    if let Some(bits) = setting.key_bits {
        if choices.iter().any(|row| row.bits == bits) {
            found.key_bits = Some(bits);
        } else {
            found.gate(
                Field::KeyBits,
                bits,
                "",
                format!("`{}` has no key of {bits} bits in version {version}", info.code),
            );
        }
    }
    if let Some(hash) = setting.hash.as_deref() {
        let fits = choices
            .iter()
            .filter(|row| found.key_bits.is_none_or(|bits| bits == row.bits))
            .any(|row| row.hashes.contains(&hash));
        if fits {
            found.hash = Some(hash.into());
        } else {
            found.gate(
                Field::Hash,
                hash,
                "",
                format!("`{}` is not signed with {hash} in version {version}", info.code),
            );
        }
    }
}

//! What may be chosen, so that a page needs to know nothing of products (R37).

use super::setting::Signing;
use crate::catalogue::{KeyChoice, Versions, key_choices, key_notes, purposes_of, reuse_of, self_signed_of};

/// What may be chosen for a purpose of a product in a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurposeOptions {
    /// The purpose; `nginx:` stands for any name of a server.
    pub purpose: &'static str,
    /// Who may sign it.
    pub signing: Vec<Signing>,
    /// The purpose whose certificate it may take, where it may.
    pub reuse: Option<&'static str>,
    /// Whether one certificate of a CA may cover all nodes.
    pub multi_server_ca_signed: bool,
    /// Whether one self-signed certificate may cover all nodes.
    pub multi_server_self_signed: bool,
    /// Years for which a node signs its own, where it does.
    pub self_signed: Option<SelfSignedOption>,
    /// Keys, the usual one first.
    pub keys: Vec<KeyOption>,
}

/// For how long a node signs its own certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfSignedOption {
    /// Fewest years that can be chosen.
    pub least_years: u32,
    /// Most years that can be chosen.
    pub most_years: u32,
    /// What the node takes whatever is chosen (R38).
    pub always_years: Option<u32>,
}

/// A key that may be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyOption {
    /// The key, its hashes, and how sure that is.
    pub choice: &'static KeyChoice,
    /// What to know of it.
    pub notes: Vec<&'static str>,
}

/// What may be chosen for each purpose of a product in a version; an empty version is the newest.
pub fn options(product: &str, version: &str) -> Vec<PurposeOptions> {
    purposes_of(product, version)
        .map(|row| {
            let in_version = |versions: Option<Versions>| versions.is_some_and(|all| all.contains(version));
            let own = self_signed_of(product, version);
            let mut signing = Vec::new();
            if row.csr {
                signing.push(Signing::CaSigned);
            }
            if own.is_some() {
                signing.push(Signing::SelfSigned);
            }
            PurposeOptions {
                purpose: row.code,
                signing,
                reuse: reuse_of(product, version, row.code).map(|row| row.of),
                multi_server_ca_signed: row.csr && in_version(row.multi_server.ca_signed),
                multi_server_self_signed: own.is_some() && in_version(row.multi_server.self_signed),
                self_signed: own.map(|row| SelfSignedOption {
                    least_years: row.least_years,
                    most_years: row.most_years,
                    always_years: row.always_years,
                }),
                keys: key_choices(row, version)
                    .map(|choice| KeyOption {
                        choice,
                        notes: key_notes(product, row.code, choice.key_type, choice.bits)
                            .map(|note| note.note)
                            .collect(),
                    })
                    .collect(),
            }
        })
        .collect()
}

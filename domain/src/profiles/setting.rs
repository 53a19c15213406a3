//! What a profile says.

use crate::catalogue::key_notes;
use serde::{Deserialize, Serialize};

/// Who signs a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signing {
    /// A CA, by way of a CSR.
    CaSigned,
    /// The node itself.
    SelfSigned,
}

impl Signing {
    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CaSigned => "ca_signed",
            Self::SelfSigned => "self_signed",
        }
    }

    /// Who signed a certificate.
    pub fn of(self_signed: bool) -> Self {
        if self_signed { Self::SelfSigned } else { Self::CaSigned }
    }
}

/// What a profile wants for one purpose of one product. `None` leaves it open: whatever is installed is right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Setting {
    /// The product's code.
    pub product: String,
    /// The purpose; `nginx:` is any name of a server.
    pub purpose: String,
    /// Who signs it.
    pub signing: Option<Signing>,
    /// It takes the certificate of `tomcat` (R12). Nothing else can be wanted of it then.
    pub use_tomcat: bool,
    /// One certificate covers all nodes of a cluster.
    pub multi_server: Option<bool>,
    /// Years for which a node signs its own (R38).
    pub validity_years: Option<u32>,
    /// `RSA` or `EC`.
    pub key_type: Option<String>,
    /// Bits of the modulus, or of the curve.
    pub key_bits: Option<u32>,
    /// `SHA256`, `SHA384` or `SHA512`.
    pub hash: Option<String>,
    /// Subject fields by short name: `O`, `OU`, `L`, `ST`, `C`.
    pub subject: Vec<(String, String)>,
}

/// What a profile can say of a certificate: the rules of compliance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// See [`Setting::signing`].
    Signing,
    /// See [`Setting::use_tomcat`].
    UseTomcat,
    /// See [`Setting::multi_server`].
    MultiServer,
    /// See [`Setting::validity_years`].
    ValidityYears,
    /// See [`Setting::key_type`].
    KeyType,
    /// See [`Setting::key_bits`].
    KeyBits,
    /// See [`Setting::hash`].
    Hash,
    /// See [`Setting::subject`].
    Subject,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 8] = [
        Self::Signing,
        Self::UseTomcat,
        Self::MultiServer,
        Self::ValidityYears,
        Self::KeyType,
        Self::KeyBits,
        Self::Hash,
        Self::Subject,
    ];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::UseTomcat => "use_tomcat",
            Self::MultiServer => "multi_server",
            Self::ValidityYears => "validity_years",
            Self::KeyType => "key_type",
            Self::KeyBits => "key_bits",
            Self::Hash => "hash",
            Self::Subject => "subject",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == text)
    }
}

/// The setting for a purpose: its own, else that for all names of a server.
pub(super) fn setting_of<'a>(settings: &'a [Setting], product: &str, purpose: &str) -> Option<&'a Setting> {
    let of_product = || settings.iter().filter(|setting| setting.product == product);
    of_product().find(|setting| setting.purpose == purpose).or_else(|| {
        of_product().find(|setting| setting.purpose.ends_with(':') && purpose.starts_with(&setting.purpose))
    })
}

/// What to know of a setting that can be chosen all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileWarning {
    /// The product's code.
    pub product: String,
    /// The purpose.
    pub purpose: String,
    /// The field that it is about.
    pub field: Field,
    /// What happens.
    pub message: &'static str,
}

/// What to know of settings: keys that are known to trouble phones (cisco.md 2.3).
pub fn warnings(settings: &[Setting]) -> Vec<ProfileWarning> {
    let mut found = Vec::new();
    for setting in settings {
        let Some(bits) = setting.key_bits else { continue };
        let key_type = setting.key_type.as_deref().unwrap_or(key_type_of(bits));
        for row in key_notes(&setting.product, &setting.purpose, key_type, bits) {
            found.push(ProfileWarning {
                product: setting.product.clone(),
                purpose: setting.purpose.clone(),
                field: Field::KeyBits,
                message: row.note,
            });
        }
    }
    found
}

/// The kind of key that has so many bits: no curve has as many as the shortest modulus.
pub(super) fn key_type_of(bits: u32) -> &'static str {
    if bits >= 1024 { "RSA" } else { "EC" }
}

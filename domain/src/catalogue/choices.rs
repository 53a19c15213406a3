//! What may be chosen for a certificate: keys and hashes, how long a node signs its own for, which purpose may take the
//! certificate of another one.

use super::{KeyFamily, Proof, Purpose, Versions, certain, likely, source};

/// A key that can be made, and the hashes that a request or certificate for it may be signed with: those that are as
/// strong as the key (cisco.md 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyChoice {
    /// The product's code.
    pub product: &'static str,
    /// `RSA` or `EC`.
    pub key_type: &'static str,
    /// Bits of the modulus, or of the curve.
    pub bits: u32,
    /// Hashes, the usual one first.
    pub hashes: &'static [&'static str],
    /// Versions that offer it.
    pub versions: Versions,
    /// Source and evidence.
    pub proof: Proof,
}

const fn key(
    product: &'static str,
    key_type: &'static str,
    bits: u32,
    hashes: &'static [&'static str],
    proof: Proof,
) -> KeyChoice {
    KeyChoice {
        product,
        key_type,
        bits,
        hashes,
        versions: Versions::ALL,
        proof,
    }
}

const SHA_256: &[&str] = &["SHA256"];
const FROM_SHA_256: &[&str] = &["SHA256", "SHA384", "SHA512"];
const FROM_SHA_384: &[&str] = &["SHA384", "SHA512"];
const SHA_512: &[&str] = &["SHA512"];

/// Every key. RSA with 1024 bits and SHA1 exist on nodes and are never offered.
pub const KEY_CHOICES: &[KeyChoice] = &[
    key("cucm", "RSA", 2048, SHA_256, certain(source::SECURITY_14)),
    key("cucm", "RSA", 3072, SHA_256, certain(source::SECURITY_14)),
    key("cucm", "RSA", 4096, SHA_256, certain(source::SECURITY_14)),
    key("cucm", "EC", 256, FROM_SHA_256, certain(source::SECURITY_14)),
    key("cucm", "EC", 384, FROM_SHA_384, certain(source::SECURITY_14)),
    key("cucm", "EC", 521, SHA_512, likely(source::CUC)),
    key("imp", "RSA", 2048, SHA_256, certain(source::IMP)),
    key("imp", "RSA", 3072, SHA_256, certain(source::IMP)),
    key("imp", "RSA", 4096, SHA_256, certain(source::IMP)),
    key("imp", "EC", 256, FROM_SHA_256, certain(source::IMP)),
    key("imp", "EC", 384, FROM_SHA_384, certain(source::IMP)),
    key("imp", "EC", 521, SHA_512, likely(source::CUC)),
    key("cuc", "RSA", 2048, SHA_256, certain(source::CUC)),
    key("cuc", "RSA", 3072, SHA_256, certain(source::CUC)),
    key("cuc", "RSA", 4096, SHA_256, certain(source::CUC)),
    key("cuc", "EC", 256, FROM_SHA_256, certain(source::CUC)),
    key("cuc", "EC", 384, FROM_SHA_384, certain(source::CUC)),
    key("cuc", "EC", 521, SHA_512, certain(source::CUC)),
    key("cer", "RSA", 2048, SHA_256, likely(source::SECURITY_14)),
    key("cer", "RSA", 3072, SHA_256, likely(source::SECURITY_14)),
    key("cer", "RSA", 4096, SHA_256, likely(source::SECURITY_14)),
    key("server", "RSA", 2048, FROM_SHA_256, certain(source::NGINX)),
    key("server", "RSA", 3072, FROM_SHA_256, certain(source::NGINX)),
    key("server", "RSA", 4096, FROM_SHA_256, certain(source::NGINX)),
    key("server", "EC", 256, FROM_SHA_256, certain(source::NGINX)),
    key("server", "EC", 384, FROM_SHA_384, certain(source::NGINX)),
    key("server", "EC", 521, SHA_512, certain(source::NGINX)),
];

/// The keys that a purpose may have in a version.
pub fn key_choices(purpose: &Purpose, version: &str) -> impl Iterator<Item = &'static KeyChoice> {
    let (product, family): (&'static str, KeyFamily) = (purpose.product, purpose.key);
    KEY_CHOICES
        .iter()
        .filter(move |row| row.product == product && row.versions.contains(version) && family.takes(row.key_type))
}

/// Nodes of a product can sign certificates themselves, for so many years (R38). A product without a row cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfSigned {
    /// The product's code.
    pub product: &'static str,
    /// Versions that it is about.
    pub versions: Versions,
    /// Fewest years that can be chosen.
    pub least_years: u32,
    /// Most years that can be chosen.
    pub most_years: u32,
    /// What a node takes whatever is chosen.
    pub always_years: Option<u32>,
    /// Source and evidence.
    pub proof: Proof,
}

const fn self_signed(product: &'static str, versions: Versions, always_years: Option<u32>) -> SelfSigned {
    SelfSigned {
        product,
        versions,
        least_years: 5,
        most_years: 20,
        always_years,
        proof: certain(source::CCM),
    }
}

/// Every product that signs for itself.
pub const SELF_SIGNED: &[SelfSigned] = &[
    self_signed("cucm", Versions::BEFORE_14, Some(5)),
    self_signed("cucm", Versions::FROM_14, None),
    self_signed("imp", Versions::BEFORE_14, Some(5)),
    self_signed("imp", Versions::FROM_14, None),
    self_signed("cuc", Versions::BEFORE_14, Some(5)),
    self_signed("cuc", Versions::FROM_14, None),
    self_signed("cer", Versions::BEFORE_14, Some(5)),
    self_signed("cer", Versions::FROM_14, None),
];

/// How nodes of a product sign for themselves in a version, where they can.
pub fn self_signed_of(product: &str, version: &str) -> Option<&'static SelfSigned> {
    SELF_SIGNED
        .iter()
        .find(|row| row.product == product && row.versions.contains(version))
}

/// A purpose that may take the certificate of another one: "reuse Tomcat" (R12, R39).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reuse {
    /// The product's code.
    pub product: &'static str,
    /// The purpose.
    pub purpose: &'static str,
    /// The purpose whose certificate it takes.
    pub of: &'static str,
    /// Versions that can.
    pub versions: Versions,
    /// Source and evidence.
    pub proof: Proof,
}

/// Every reuse.
pub const REUSES: &[Reuse] = &[
    Reuse {
        product: "cucm",
        purpose: "CallManager",
        of: "tomcat",
        versions: Versions::FROM_14,
        proof: certain(source::CCM),
    },
    Reuse {
        product: "cucm",
        purpose: "CallManager-ECDSA",
        of: "tomcat-ECDSA",
        versions: Versions::FROM_14,
        proof: likely(source::CCM),
    },
];

/// Which certificate a purpose may take in a version.
pub fn reuse_of(product: &str, version: &str, purpose: &str) -> Option<&'static Reuse> {
    REUSES
        .iter()
        .find(|row| row.product == product && row.purpose == purpose && row.versions.contains(version))
}

/// A purpose whose certificate a node does not make anew by the command for certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotRenewed {
    /// The product's code.
    pub product: &'static str,
    /// The purpose.
    pub purpose: &'static str,
    /// How it is made anew instead.
    pub how: &'static str,
    /// Source and evidence.
    pub proof: Proof,
}

/// Every such purpose.
pub const NOT_RENEWED: &[NotRenewed] = &[NotRenewed {
    product: "cucm",
    purpose: "authz",
    how: "set key regen authz signing",
    proof: certain(source::SECURITY_14),
}];

/// Why the certificate of a purpose is not renewed, where it is not.
pub fn not_renewed(product: &str, purpose: &str) -> Option<&'static NotRenewed> {
    NOT_RENEWED
        .iter()
        .find(|row| row.product == product && row.purpose == purpose)
}

/// Nodes of a product can renew a self-signed certificate that covers several of them (R39); each renews it for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultiServerRenewal {
    /// The product's code.
    pub product: &'static str,
    /// Versions that can.
    pub versions: Versions,
    /// Source and evidence.
    pub proof: Proof,
}

const fn renewal(product: &'static str) -> MultiServerRenewal {
    MultiServerRenewal {
        product,
        versions: Versions::FROM_14,
        proof: certain(source::CCM),
    }
}

/// Every product whose certificates may cover several nodes.
pub const MULTI_SERVER_RENEWALS: &[MultiServerRenewal] = &[renewal("cucm"), renewal("imp"), renewal("cuc")];

/// Whether a certificate that covers several nodes can be renewed in a version.
pub fn renews_multi_server(product: &str, version: &str) -> bool {
    MULTI_SERVER_RENEWALS
        .iter()
        .any(|row| row.product == product && row.versions.contains(version))
}

/// What to know of a key before it is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyNote {
    /// The product's code.
    pub product: &'static str,
    /// The purpose.
    pub purpose: &'static str,
    /// `RSA` or `EC`.
    pub key_type: &'static str,
    /// It is about keys with more bits.
    pub more_than_bits: u32,
    /// What happens.
    pub note: &'static str,
    /// Source and evidence.
    pub proof: Proof,
}

/// Every note.
pub const KEY_NOTES: &[KeyNote] = &[
    KeyNote {
        product: "cucm",
        purpose: "CallManager",
        key_type: "RSA",
        more_than_bits: 2048,
        note: "some phones do not register with a CallManager certificate of more than 2048 bits",
        proof: certain(source::SECURITY_14),
    },
    KeyNote {
        product: "cucm",
        purpose: "tomcat",
        key_type: "RSA",
        more_than_bits: 3072,
        note: "a certificate that CallManager reuses has to suit the phones: some refuse 4096 bits in mixed mode",
        proof: likely(source::SECURITY_14),
    },
];

/// What to know of a key for a purpose.
pub fn key_notes(product: &str, purpose: &str, key_type: &str, bits: u32) -> impl Iterator<Item = &'static KeyNote> {
    KEY_NOTES.iter().filter(move |row| {
        row.product == product && row.purpose == purpose && row.key_type == key_type && bits > row.more_than_bits
    })
}

/// Subject fields beside the common name that a request may carry.
pub const SUBJECT_FIELDS: &[&str] = &["O", "OU", "L", "ST", "C"];

/// What is wrong with a subject field: a code and a sentence.
pub(crate) fn subject_fault(field: &str, value: &str) -> Option<(&'static str, &'static str)> {
    if !SUBJECT_FIELDS.contains(&field) {
        Some(("unsupported", "one of O, OU, L, ST, C"))
    } else if value.is_empty() || value.chars().count() > 64 || value.chars().any(char::is_control) {
        Some(("invalid_value", "1 to 64 characters without control characters"))
    } else if field == "C" && !(value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_uppercase())) {
        Some(("invalid_value", "a country is two capital letters"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{PRODUCTS, PURPOSES};

    #[test]
    fn every_purpose_has_a_key_in_every_version_of_its_product() {
        for purpose in PURPOSES {
            let product = PRODUCTS
                .iter()
                .find(|row| row.code == purpose.product)
                .expect("a product");
            for version in product.versions.iter().chain([&""]) {
                if purpose.versions.contains(version) {
                    assert!(
                        key_choices(purpose, version).next().is_some(),
                        "{} of {} {version} has no key",
                        purpose.code,
                        purpose.product
                    );
                }
            }
        }
    }

    #[test]
    fn r38_before_14_a_node_takes_five_years_whatever_is_chosen() {
        for product in ["cucm", "imp", "cuc", "cer"] {
            for (version, always) in [("11.5", Some(5)), ("12.5(1)SU6", Some(5)), ("14", None), ("15", None)] {
                let row = self_signed_of(product, version).expect("it signs for itself");
                assert_eq!((row.least_years, row.most_years, row.always_years), (5, 20, always));
            }
        }
        assert!(self_signed_of("server", "").is_none());
    }

    #[test]
    fn r39_only_call_manager_reuses_and_only_from_14() {
        assert_eq!(reuse_of("cucm", "14", "CallManager").map(|row| row.of), Some("tomcat"));
        assert_eq!(
            reuse_of("cucm", "15", "CallManager-ECDSA").map(|row| row.of),
            Some("tomcat-ECDSA")
        );
        for (product, version, purpose) in [
            ("cucm", "12.5", "CallManager"),
            ("cucm", "11.5", "CallManager-ECDSA"),
            ("cucm", "14", "TVS"),
            ("imp", "14", "cup"),
            ("cuc", "14", "tomcat"),
            ("cer", "14", "tomcat"),
        ] {
            assert!(
                reuse_of(product, version, purpose).is_none(),
                "{product} {version} {purpose}"
            );
        }
    }

    #[test]
    fn r39_a_certificate_for_several_nodes_is_renewed_from_14_on() {
        for product in ["cucm", "imp", "cuc"] {
            for (version, wanted) in [("11.5", false), ("12.5(1)SU6", false), ("14", true), ("15", true)] {
                assert_eq!(renews_multi_server(product, version), wanted, "{product} {version}");
            }
        }
        assert!(!renews_multi_server("cer", "15"));
    }

    #[test]
    fn a_hash_is_as_strong_as_its_key() {
        for row in KEY_CHOICES.iter().filter(|row| row.key_type == "EC") {
            let least = row.hashes.first().copied();
            let wanted = match row.bits {
                256 => "SHA256",
                384 => "SHA384",
                _ => "SHA512",
            };
            assert_eq!(least, Some(wanted), "{} {}", row.product, row.bits);
        }
    }
}

//! What nodes of a product take, and what of a CSR they can be told (cisco.md 2.3, 2.5).

use super::{Proof, WayKind, certain, likely, source};
use certyard_protocol::ConnectorKind;

/// What nodes of a product take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The product's code.
    pub product: &'static str,
    /// Most bits of the key in a certificate that is put into a store; `None`: any.
    pub most_key_bits: Option<u32>,
    /// Whether a name may have a wildcard.
    pub wildcard: bool,
    /// Whether a trust store keeps one certificate for each subject: the one that starts later.
    pub one_per_subject: bool,
    /// Whether a node knows its own names and puts them into its CSRs by itself.
    pub names_itself: bool,
    /// Source and evidence.
    pub proof: Proof,
}

const fn unified(product: &'static str, proof: Proof) -> Limits {
    Limits {
        product,
        most_key_bits: Some(4096),
        wildcard: false,
        one_per_subject: true,
        names_itself: true,
        proof,
    }
}

/// The limits of every product.
pub const LIMITS: &[Limits] = &[
    unified("cucm", certain(source::SECURITY_14)),
    unified("imp", likely(source::SECURITY_14)),
    unified("cuc", certain(source::CUC)),
    unified("cer", likely(source::SECURITY_14)),
    Limits {
        product: "server",
        most_key_bits: None,
        wildcard: true,
        one_per_subject: false,
        names_itself: false,
        proof: certain(source::NGINX),
    },
];

/// The limits of a product.
pub fn limits_of(product: &str) -> Option<&'static Limits> {
    LIMITS.iter().find(|row| row.product == product)
}

/// What a node can be told of the CSR that it makes; it chooses the rest itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsrFields {
    /// By which means it is told.
    pub kind: WayKind,
    /// The common name and the other names.
    pub names: bool,
    /// Bits of the key, and the hash.
    pub key: bool,
    /// Subject fields beside the common name.
    pub subject: bool,
    /// Source and evidence.
    pub proof: Proof,
}

/// Every means by which a CSR is asked for.
pub const CSR_FIELDS: &[CsrFields] = &[
    CsrFields {
        kind: WayKind::NodeApi,
        names: true,
        key: true,
        subject: false,
        proof: likely(source::CLIENTS),
    },
    CsrFields {
        kind: WayKind::CommandLine,
        // `set csr gen UNIT` has no further word.
        names: false,
        key: false,
        subject: false,
        proof: likely(source::CLI),
    },
    CsrFields {
        kind: WayKind::Files,
        names: true,
        key: true,
        subject: true,
        proof: certain(source::NGINX),
    },
];

/// What a node can be told of its CSR by a connector.
pub fn csr_fields(connector: ConnectorKind) -> Option<&'static CsrFields> {
    let kind = WayKind::of(connector);
    CSR_FIELDS.iter().find(|row| row.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{KEY_CHOICES, PRODUCTS};

    #[test]
    fn every_product_has_its_limits_and_every_connector_its_fields() {
        for product in PRODUCTS {
            assert!(limits_of(product.code).is_some(), "{}", product.code);
        }
        for connector in ConnectorKind::ALL {
            assert!(csr_fields(connector).is_some(), "{}", connector.as_str());
        }
    }

    #[test]
    fn no_key_is_offered_that_a_node_would_not_take_back() {
        for row in KEY_CHOICES {
            let most = limits_of(row.product).expect("limits").most_key_bits;
            assert!(most.is_none_or(|most| row.bits <= most), "{} {}", row.product, row.bits);
        }
    }

    #[test]
    fn a_cisco_node_takes_4096_bits_and_no_wildcard() {
        for product in ["cucm", "imp", "cuc", "cer"] {
            let limits = limits_of(product).expect("limits");
            assert_eq!(
                (limits.most_key_bits, limits.wildcard),
                (Some(4096), false),
                "{product}"
            );
        }
        let server = limits_of("server").expect("limits");
        assert_eq!((server.most_key_bits, server.wildcard), (None, true));
    }
}

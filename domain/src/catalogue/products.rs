//! Products.

use super::{Proof, certain, source};
use certyard_protocol::ConnectorKind;

/// A product whose nodes have certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its name in the API and the database.
    pub code: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Releases that are known; empty: the product's version does not matter.
    pub versions: &'static [&'static str],
    /// The driver that reaches its nodes.
    pub connector: ConnectorKind,
    /// Whether Distribute and Replace are possible (R4).
    pub distribute: bool,
    /// Roles that its nodes may have.
    pub roles: &'static [&'static str],
    /// Source and evidence.
    pub proof: Proof,
}

const RELEASES: &[&str] = &["11.5", "12.5", "14", "15"];
const CLUSTER_ROLES: &[&str] = &["publisher", "subscriber", "standalone"];

/// Every product (R1).
pub const PRODUCTS: &[Product] = &[
    Product {
        code: "cucm",
        name: "Unified CM",
        versions: RELEASES,
        connector: ConnectorKind::CiscoUc,
        distribute: true,
        roles: CLUSTER_ROLES,
        proof: certain(source::CCM),
    },
    Product {
        code: "imp",
        name: "IM and Presence",
        versions: RELEASES,
        connector: ConnectorKind::CiscoUc,
        distribute: true,
        roles: CLUSTER_ROLES,
        proof: certain(source::CCM),
    },
    Product {
        code: "cuc",
        name: "Unity Connection",
        versions: RELEASES,
        connector: ConnectorKind::CiscoUc,
        distribute: true,
        roles: CLUSTER_ROLES,
        proof: certain(source::CCM),
    },
    Product {
        code: "cer",
        name: "Emergency Responder",
        versions: RELEASES,
        connector: ConnectorKind::CiscoUc,
        distribute: false,
        roles: CLUSTER_ROLES,
        proof: certain(source::CCM),
    },
    Product {
        code: "server",
        name: "Server",
        versions: &[],
        connector: ConnectorKind::Nginx,
        distribute: true,
        roles: &["standalone"],
        proof: certain(source::NGINX),
    },
];

/// A product by its code.
pub fn product(code: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.code == code)
}

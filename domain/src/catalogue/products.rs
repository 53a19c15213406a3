//! Products.

use super::{Proof, Versions, certain, source};
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
    /// The driver that reaches nodes of its newest version; see [`Self::reached_by`].
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

impl Product {
    /// The connector for nodes of a version.
    pub fn connector_for(&self, version: &str) -> ConnectorKind {
        if self.reached_by(self.connector, version) {
            self.connector
        } else {
            ConnectorKind::CiscoCli
        }
    }

    /// Whether nodes of a version may be reached by this connector: those of Cisco by their command line on every version, and by
    /// their API from release 14 on.
    pub fn reached_by(&self, connector: ConnectorKind, version: &str) -> bool {
        match connector {
            ConnectorKind::CiscoUc => {
                self.connector == connector && (version.is_empty() || Versions::FROM_14.contains(version))
            }
            ConnectorKind::CiscoCli => self.connector.is_cisco(),
            ConnectorKind::Nginx => self.connector == connector,
        }
    }
}

/// A product by its code.
pub fn product(code: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.code == code)
}

//! Trust stores of products.

use super::{Proof, certain, likely, source};

/// How far a change of a trust store reaches by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Replication {
    /// It stays on the node.
    Node,
    /// The product carries it to all nodes of the cluster.
    Cluster,
}

/// A trust store of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustStore {
    /// The product's code.
    pub product: &'static str,
    /// Name of the store.
    pub name: &'static str,
    /// How far an imported certificate reaches.
    pub import: Replication,
    /// How far a deletion reaches.
    pub delete: Replication,
    /// It can be changed on the publisher only (R22).
    pub publisher_only: bool,
    /// Source and evidence.
    pub proof: Proof,
}

/// Every trust store.
pub const TRUST_STORES: &[TrustStore] = &[
    TrustStore {
        product: "cucm",
        name: "tomcat-trust",
        import: Replication::Cluster,
        delete: Replication::Cluster,
        publisher_only: false,
        proof: certain(source::SECURITY_14),
    },
    TrustStore {
        product: "cucm",
        name: "CallManager-trust",
        import: Replication::Cluster,
        delete: Replication::Cluster,
        publisher_only: false,
        proof: certain(source::SECURITY_14),
    },
    TrustStore {
        product: "cucm",
        name: "CAPF-trust",
        import: Replication::Node,
        delete: Replication::Cluster,
        publisher_only: true,
        proof: certain(source::SECURITY_14),
    },
    TrustStore {
        product: "cucm",
        name: "ipsec-trust",
        import: Replication::Node,
        delete: Replication::Node,
        publisher_only: true,
        proof: likely(source::SECURITY_14),
    },
    TrustStore {
        product: "cucm",
        name: "TVS-trust",
        import: Replication::Node,
        delete: Replication::Node,
        publisher_only: false,
        proof: likely(source::SECURITY_14),
    },
    TrustStore {
        product: "cucm",
        name: "Phone-SAST-trust",
        import: Replication::Cluster,
        delete: Replication::Cluster,
        publisher_only: false,
        proof: certain(source::SECURITY_14),
    },
    TrustStore {
        product: "cucm",
        name: "Phone-CTL-trust",
        import: Replication::Node,
        delete: Replication::Node,
        publisher_only: false,
        proof: likely(source::SECURITY_14),
    },
    TrustStore {
        product: "cucm",
        name: "Phone-VPN-trust",
        import: Replication::Node,
        delete: Replication::Node,
        publisher_only: false,
        proof: likely(source::CLIENTS),
    },
    TrustStore {
        product: "cucm",
        name: "Userlicensing-trust",
        import: Replication::Node,
        delete: Replication::Node,
        publisher_only: false,
        proof: likely(source::SECURITY_14),
    },
    TrustStore {
        product: "cucm",
        name: "phone-edge-trust",
        import: Replication::Cluster,
        delete: Replication::Cluster,
        publisher_only: true,
        proof: likely(source::SECURITY_14),
    },
    TrustStore {
        product: "imp",
        name: "tomcat-trust",
        import: Replication::Cluster,
        delete: Replication::Cluster,
        publisher_only: false,
        proof: certain(source::IMP),
    },
    TrustStore {
        product: "imp",
        name: "cup-trust",
        import: Replication::Node,
        delete: Replication::Node,
        publisher_only: false,
        proof: likely(source::IMP),
    },
    TrustStore {
        product: "imp",
        name: "cup-xmpp-trust",
        import: Replication::Cluster,
        delete: Replication::Cluster,
        publisher_only: false,
        proof: certain(source::IMP),
    },
    TrustStore {
        product: "imp",
        name: "ipsec-trust",
        import: Replication::Node,
        delete: Replication::Node,
        publisher_only: true,
        proof: likely(source::IMP),
    },
    TrustStore {
        product: "cuc",
        name: "tomcat-trust",
        import: Replication::Cluster,
        delete: Replication::Cluster,
        publisher_only: false,
        proof: likely(source::CUC),
    },
    TrustStore {
        product: "cuc",
        name: "ipsec-trust",
        import: Replication::Node,
        delete: Replication::Node,
        publisher_only: true,
        proof: likely(source::CUC),
    },
    TrustStore {
        product: "cer",
        name: "tomcat-trust",
        // The platform guides say so of the store without a word on the product.
        import: Replication::Cluster,
        delete: Replication::Cluster,
        publisher_only: false,
        proof: likely(source::SECURITY_14),
    },
    TrustStore {
        product: "cer",
        name: "ipsec-trust",
        import: Replication::Node,
        delete: Replication::Node,
        publisher_only: true,
        proof: likely(source::EKU),
    },
];

/// The trust stores of a product.
pub fn trust_stores_of(product: &str) -> impl Iterator<Item = &'static TrustStore> {
    TRUST_STORES.iter().filter(move |row| row.product == product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r22_capf_and_ipsec_trust_are_the_publishers_on_every_product() {
        let mut found = 0;
        for row in TRUST_STORES {
            if ["CAPF-trust", "ipsec-trust"].contains(&row.name) {
                assert!(row.publisher_only, "{} of {}", row.name, row.product);
                found += 1;
            }
        }
        assert_eq!(found, 5);
    }
}

//! What each product keeps on a node: its identity services, its trust stores, and which of them a cluster shares.
//!
//! This is the node's own view, by the names that its REST API uses: the trust store of `tomcat` is `tomcat-trust` in every
//! document and `tomcat` in the API. The tables of services stand in [`services`].

mod services;

use crate::version::Version;
use serde::{Deserialize, Serialize};

/// A product that the lab simulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// Cisco Unified Communications Manager.
    Cucm,
    /// Cisco IM and Presence.
    Imp,
    /// Cisco Unity Connection.
    Cuc,
    /// Cisco Emergency Responder.
    Cer,
}

impl Product {
    /// Every product.
    pub const ALL: [Self; 4] = [Self::Cucm, Self::Imp, Self::Cuc, Self::Cer];

    /// Its name in `lab.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cucm => "cucm",
            Self::Imp => "imp",
            Self::Cuc => "cuc",
            Self::Cer => "cer",
        }
    }

    /// How `show network cluster` calls what a node of it is.
    pub(crate) fn as_network(self) -> &'static str {
        match self {
            Self::Cucm => "callmanager",
            Self::Imp => "cups",
            Self::Cuc => "connection",
            Self::Cer => "cer",
        }
    }

    /// Its identity services in a release.
    pub fn services(self, version: Version) -> &'static [Service] {
        let old = !version.has_rest();
        match self {
            Self::Cucm if version == Version::V11_5 => services::CUCM_11_5,
            Self::Cucm if old => services::CUCM_12_5,
            Self::Cucm => services::CUCM,
            Self::Imp if old => services::IMP_BEFORE_14,
            Self::Imp => services::IMP,
            Self::Cuc if old => services::CUC_BEFORE_14,
            Self::Cuc => services::CUC,
            Self::Cer if old => services::CER_BEFORE_14,
            Self::Cer => services::CER,
        }
    }

    /// The service of that name, whatever the case of its letters.
    pub fn service(self, version: Version, name: &str) -> Option<&'static Service> {
        self.services(version)
            .iter()
            .find(|service| service.name.eq_ignore_ascii_case(name))
    }

    /// Its trust stores.
    pub fn stores(self) -> &'static [Store] {
        match self {
            Self::Cucm => CUCM_STORES,
            Self::Imp => IMP_STORES,
            Self::Cuc | Self::Cer => SMALL_STORES,
        }
    }

    /// The trust store of that name, with or without the suffix `-trust`.
    pub fn store(self, name: &str) -> Option<&'static Store> {
        let name = name.strip_suffix("-trust").unwrap_or(name);
        self.stores().iter().find(|store| store.name.eq_ignore_ascii_case(name))
    }
}

/// Who has one certificate of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Every node has its own.
    EachNode,
    /// Every node has its own, or all have one together when it was made for several servers.
    EachNodeOrAll,
    /// The publisher makes it and every node has the same.
    Cluster,
    /// Only the publisher has it.
    Publisher,
}

/// An identity service of a product.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// Its name, for instance `tomcat-ECDSA`.
    pub name: &'static str,
    /// The trust store that must hold its CA, without the suffix `-trust`; none where no CA can sign it.
    pub trust: Option<&'static str>,
    /// Its keys are on an elliptic curve; they are RSA otherwise.
    pub elliptic: bool,
    /// Who has it.
    pub holder: Holder,
    /// Key usage of its CSR.
    pub key_usage: &'static [&'static str],
    pub(crate) extended_key_usage: &'static [&'static str],
}

impl Service {
    /// Extended key usage of its CSR.
    pub fn extended_key_usage(&self) -> Vec<String> {
        self.extended_key_usage
            .iter()
            .map(|usage| (*usage).to_owned())
            .collect()
    }

    /// One certificate may serve all nodes of the cluster.
    pub fn multi_server(&self) -> bool {
        self.holder == Holder::EachNodeOrAll
    }
}

/// A trust store of a product.
#[derive(Clone, Copy, Debug)]
pub struct Store {
    /// Its name without the suffix `-trust`.
    pub name: &'static str,
    /// What is put in on one node appears on every node of the cluster.
    pub replicated: bool,
    /// What is deleted on one node is gone on every node of the cluster.
    pub deleted_everywhere: bool,
    /// It is changed on the publisher alone (R22).
    pub publisher_only: bool,
}

const fn store(name: &'static str, replicated: bool) -> Store {
    Store {
        name,
        replicated,
        deleted_everywhere: replicated,
        publisher_only: false,
    }
}

const CAPF_TRUST: Store = Store {
    name: "CAPF",
    replicated: false,
    deleted_everywhere: true,
    publisher_only: true,
};

const IPSEC_TRUST: Store = Store {
    name: "ipsec",
    replicated: false,
    deleted_everywhere: false,
    publisher_only: true,
};

const PHONE_EDGE_TRUST: Store = Store {
    name: "phone-edge",
    replicated: true,
    deleted_everywhere: true,
    publisher_only: true,
};

const CUCM_STORES: &[Store] = &[
    store("tomcat", true),
    store("CallManager", true),
    CAPF_TRUST,
    IPSEC_TRUST,
    store("TVS", false),
    store("Phone-SAST", true),
    store("Phone-CTL", false),
    store("Phone-VPN", false),
    store("Userlicensing", false),
    PHONE_EDGE_TRUST,
];

const IMP_STORES: &[Store] = &[
    store("tomcat", true),
    store("cup", false),
    store("cup-xmpp", true),
    IPSEC_TRUST,
];

/// Unity Connection and Emergency Responder.
const SMALL_STORES: &[Store] = &[store("tomcat", true), IPSEC_TRUST];

/// Adds the suffix that documents use for a trust store.
pub fn store_title(store: &str) -> String {
    format!("{store}-trust")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each() -> impl Iterator<Item = (Product, Version)> {
        let of = |product| Version::ALL.into_iter().map(move |version| (product, version));
        Product::ALL.into_iter().flat_map(of)
    }

    #[test]
    fn every_service_names_a_trust_store_of_its_product() {
        for (product, version) in each() {
            for service in product.services(version) {
                if let Some(trust) = service.trust {
                    assert!(product.store(trust).is_some(), "{} names {trust}", service.name);
                }
            }
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_with_the_suffix() {
        assert_eq!(
            Product::Cucm.store("Tomcat-trust").map(|store| store.name),
            Some("tomcat")
        );
        assert_eq!(
            Product::Imp
                .service(Version::V15, "CUP-XMPP")
                .map(|service| service.name),
            Some("cup-xmpp")
        );
        assert!(Product::Imp.service(Version::V15, "CAPF").is_none());
    }

    #[test]
    fn r28_emergency_responder_has_no_ec_certificate() {
        for version in Version::ALL {
            assert!(Product::Cer.service(version, "tomcat").is_some());
            assert!(Product::Cer.service(version, "tomcat-ECDSA").is_none());
        }
    }

    #[test]
    fn before_release_14_every_node_has_its_own_capf_and_tvs() {
        for name in ["CAPF", "TVS"] {
            let holder = |version| Product::Cucm.service(version, name).map(|service| service.holder);
            assert_eq!(holder(Version::V12_5), Some(Holder::EachNode), "{name}");
            assert_ne!(holder(Version::V14), Some(Holder::EachNode), "{name}");
        }
    }
}

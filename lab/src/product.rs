//! What each product keeps on a node: its identity services, its trust stores, and which of them a cluster shares.
//!
//! This is the node's own view, by the names that its REST API uses: the trust store of `tomcat` is `tomcat-trust` in every
//! document and `tomcat` in the API.

use serde::{Deserialize, Serialize};

/// A product that the lab simulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// Cisco Unified Communications Manager.
    Cucm,
    /// Cisco IM and Presence.
    Imp,
}

impl Product {
    /// Its name in `lab.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cucm => "cucm",
            Self::Imp => "imp",
        }
    }

    /// Its identity services.
    pub fn services(self) -> &'static [Service] {
        match self {
            Self::Cucm => CUCM_SERVICES,
            Self::Imp => IMP_SERVICES,
        }
    }

    /// The service of that name, whatever the case of its letters.
    pub fn service(self, name: &str) -> Option<&'static Service> {
        self.services()
            .iter()
            .find(|service| service.name.eq_ignore_ascii_case(name))
    }

    /// Its trust stores.
    pub fn stores(self) -> &'static [Store] {
        match self {
            Self::Cucm => CUCM_STORES,
            Self::Imp => IMP_STORES,
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
    extended_key_usage: &'static [&'static str],
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
}

const TLS: &[&str] = &["serverAuth", "clientAuth"];
const TLS_IPSEC: &[&str] = &["serverAuth", "clientAuth", "ipsecEndSystem"];
const SIGN_DATA: &[&str] = &["digitalSignature", "dataEncipherment"];
const SIGN_KEY_DATA: &[&str] = &["digitalSignature", "keyEncipherment", "dataEncipherment"];
const SIGN_CERTS: &[&str] = &["digitalSignature", "keyCertSign"];

const fn service(
    name: &'static str,
    trust: Option<&'static str>,
    elliptic: bool,
    holder: Holder,
    key_usage: &'static [&'static str],
    extended_key_usage: &'static [&'static str],
) -> Service {
    Service {
        name,
        trust,
        elliptic,
        holder,
        key_usage,
        extended_key_usage,
    }
}

const fn store(name: &'static str, replicated: bool) -> Store {
    Store { name, replicated }
}

const CUCM_SERVICES: &[Service] = &[
    service("tomcat", Some("tomcat"), false, Holder::EachNodeOrAll, SIGN_DATA, TLS),
    service(
        "tomcat-ECDSA",
        Some("tomcat"),
        true,
        Holder::EachNodeOrAll,
        SIGN_DATA,
        TLS,
    ),
    service(
        "CallManager",
        Some("CallManager"),
        false,
        Holder::EachNodeOrAll,
        SIGN_DATA,
        TLS,
    ),
    service(
        "CallManager-ECDSA",
        Some("CallManager"),
        true,
        Holder::EachNodeOrAll,
        SIGN_DATA,
        TLS,
    ),
    service("CAPF", Some("CAPF"), false, Holder::Publisher, SIGN_CERTS, TLS),
    service(
        "ipsec",
        Some("ipsec"),
        false,
        Holder::EachNode,
        SIGN_KEY_DATA,
        TLS_IPSEC,
    ),
    service("TVS", Some("TVS"), false, Holder::EachNodeOrAll, SIGN_KEY_DATA, TLS),
    service("ITLRecovery", None, false, Holder::Cluster, SIGN_KEY_DATA, &[]),
    service("AUTHZ", None, false, Holder::Cluster, SIGN_DATA, &[]),
];

const CUCM_STORES: &[Store] = &[
    store("tomcat", true),
    store("CallManager", true),
    store("CAPF", false),
    store("ipsec", false),
    store("TVS", false),
    store("Phone-SAST", true),
    store("Phone-CTL", false),
    store("Phone-VPN", false),
    store("Userlicensing", false),
];

const IMP_SERVICES: &[Service] = &[
    service("tomcat", Some("tomcat"), false, Holder::EachNodeOrAll, SIGN_DATA, TLS),
    service(
        "tomcat-ECDSA",
        Some("tomcat"),
        true,
        Holder::EachNodeOrAll,
        SIGN_DATA,
        TLS,
    ),
    service("cup", Some("cup"), false, Holder::EachNode, SIGN_DATA, TLS_IPSEC),
    service("cup-ECDSA", Some("cup"), true, Holder::EachNode, SIGN_DATA, TLS_IPSEC),
    service(
        "cup-xmpp",
        Some("cup-xmpp"),
        false,
        Holder::EachNodeOrAll,
        SIGN_DATA,
        TLS_IPSEC,
    ),
    service(
        "cup-xmpp-ECDSA",
        Some("cup-xmpp"),
        true,
        Holder::EachNodeOrAll,
        SIGN_DATA,
        TLS_IPSEC,
    ),
    service(
        "cup-xmpp-s2s",
        Some("cup-xmpp"),
        false,
        Holder::EachNodeOrAll,
        SIGN_DATA,
        TLS_IPSEC,
    ),
    service(
        "cup-xmpp-s2s-ECDSA",
        Some("cup-xmpp"),
        true,
        Holder::EachNodeOrAll,
        SIGN_DATA,
        TLS_IPSEC,
    ),
    service("ipsec", Some("ipsec"), false, Holder::EachNode, SIGN_DATA, TLS_IPSEC),
];

const IMP_STORES: &[Store] = &[
    store("tomcat", true),
    store("cup", false),
    store("cup-xmpp", true),
    store("ipsec", false),
];

/// Adds the suffix that documents use for a trust store.
pub fn store_title(store: &str) -> String {
    format!("{store}-trust")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_names_a_trust_store_of_its_product() {
        for product in [Product::Cucm, Product::Imp] {
            for service in product.services() {
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
            Product::Imp.service("CUP-XMPP").map(|service| service.name),
            Some("cup-xmpp")
        );
        assert!(Product::Imp.service("CAPF").is_none());
    }
}

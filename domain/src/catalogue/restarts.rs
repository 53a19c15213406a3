//! What takes up a new certificate, or gives up one that it trusted, only after a restart. A purpose without a row takes it up
//! by a harmless reload.

use super::{Proof, Versions, certain, likely, source};

/// Services that have to be restarted after a certificate was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// The product's code.
    pub product: &'static str,
    /// The purpose, or the trust store from which a certificate is deleted.
    pub purpose: &'static str,
    /// Versions for which the row holds.
    pub versions: Versions,
    /// Names of the services, as the node spells them; empty: the node does it by itself.
    pub services: &'static [&'static str],
    /// What else is to be known; may be empty.
    pub note: &'static str,
    /// Source and evidence.
    pub proof: Proof,
}

const fn after_delete(product: &'static str, store: &'static str, services: &'static [&'static str]) -> Restart {
    Restart {
        product,
        purpose: store,
        versions: Versions::ALL,
        services,
        note: "",
        proof: certain(source::REGENERATE),
    }
}

/// Every row.
pub const RESTARTS: &[Restart] = &[
    Restart {
        product: "cucm",
        purpose: "tomcat",
        versions: Versions::ALL,
        services: &["Cisco Tomcat", "Cisco TFTP"],
        note: "Cisco Tomcat restarts by the command line only; SAML SSO needs the new metadata at the identity provider",
        proof: certain(source::SECURITY_14),
    },
    Restart {
        product: "cucm",
        purpose: "tomcat",
        versions: Versions::BEFORE_14_SU2,
        services: &["Cisco DRF Local", "Cisco DRF Master"],
        note: "",
        proof: certain(source::SECURITY_14),
    },
    Restart {
        product: "cucm",
        purpose: "tomcat-ECDSA",
        versions: Versions::ALL,
        services: &["Cisco Tomcat"],
        note: "Cisco Tomcat restarts by the command line only",
        proof: certain(source::SECURITY_14),
    },
    Restart {
        product: "cucm",
        purpose: "tomcat-ECDSA",
        versions: Versions::FROM_14_SU2,
        services: &["Cisco DRF Local", "Cisco DRF Master"],
        note: "",
        proof: certain(source::SECURITY_14),
    },
    Restart {
        product: "cucm",
        purpose: "CallManager",
        versions: Versions::BEFORE_14_SU1,
        services: &["Cisco CallManager", "Cisco CTIManager", "Cisco HAProxy"],
        note: "a cluster in mixed mode needs its CTL file updated and phones reset",
        proof: certain(source::SECURITY_14),
    },
    Restart {
        product: "cucm",
        purpose: "CallManager",
        versions: Versions::FROM_14_SU1,
        services: &["Cisco HAProxy"],
        note: "a cluster in mixed mode needs its CTL file updated and phones reset",
        proof: certain(source::SECURITY_14),
    },
    Restart {
        product: "cucm",
        purpose: "CallManager-ECDSA",
        versions: Versions::ALL,
        services: &["Cisco CallManager", "Cisco HAProxy"],
        note: "",
        proof: certain(source::SECURITY_14),
    },
    Restart {
        product: "cucm",
        purpose: "CAPF",
        versions: Versions::ALL,
        services: &[
            "Cisco Certificate Authority Proxy Function",
            "Cisco Trust Verification Service",
            "Cisco TFTP",
        ],
        note: "the service restarts by itself; phones have to be reset",
        proof: certain(source::REGENERATE),
    },
    Restart {
        product: "cucm",
        purpose: "TVS",
        versions: Versions::ALL,
        services: &["Cisco Trust Verification Service", "Cisco TFTP"],
        note: "the service restarts by itself; phones have to be reset; never together with CallManager",
        proof: certain(source::REGENERATE),
    },
    Restart {
        product: "cucm",
        purpose: "ITLRecovery",
        versions: Versions::ALL,
        services: &[],
        note: "services restart by themselves; two rounds of phone resets",
        proof: certain(source::REGENERATE),
    },
    Restart {
        product: "cucm",
        purpose: "ipsec",
        versions: Versions::ALL,
        services: &["IPsec", "Cisco DRF Master", "Cisco DRF Local", "Cisco Tomcat"],
        note: "",
        proof: certain(source::SECURITY_14),
    },
    Restart {
        product: "cucm",
        purpose: "authz",
        versions: Versions::ALL,
        services: &["Cisco CallManager"],
        note: "on all nodes, and Cisco XCP Authentication Service of IM and Presence",
        proof: certain(source::SECURITY_14),
    },
    Restart {
        product: "imp",
        purpose: "tomcat",
        versions: Versions::ALL,
        services: &["Cisco Tomcat", "Cisco Intercluster Sync Agent"],
        note: "Cisco Tomcat restarts by the command line only",
        proof: certain(source::IMP),
    },
    Restart {
        product: "imp",
        purpose: "tomcat-ECDSA",
        versions: Versions::ALL,
        services: &["Cisco Tomcat"],
        note: "Cisco Tomcat restarts by the command line only",
        proof: certain(source::IMP),
    },
    Restart {
        product: "imp",
        purpose: "cup",
        versions: Versions::ALL,
        services: &["Cisco SIP Proxy", "Cisco Presence Engine"],
        note: "",
        proof: certain(source::IMP),
    },
    Restart {
        product: "imp",
        purpose: "cup-ECDSA",
        versions: Versions::ALL,
        services: &["Cisco SIP Proxy", "Cisco Presence Engine"],
        note: "",
        proof: certain(source::IMP),
    },
    Restart {
        product: "imp",
        purpose: "cup-xmpp",
        versions: Versions::ALL,
        services: &[
            "Cisco XCP Router",
            "Cisco XCP Connection Manager",
            "Cisco XCP Web Connection Manager",
            "Cisco XCP Directory Service",
        ],
        note: "",
        proof: likely(source::IMP),
    },
    Restart {
        product: "imp",
        purpose: "cup-xmpp-ECDSA",
        versions: Versions::ALL,
        services: &[
            "Cisco XCP Router",
            "Cisco XCP Connection Manager",
            "Cisco XCP Web Connection Manager",
            "Cisco XCP Directory Service",
        ],
        note: "",
        proof: likely(source::IMP),
    },
    Restart {
        product: "imp",
        purpose: "cup-xmpp-s2s",
        versions: Versions::ALL,
        services: &["Cisco XCP XMPP Federation Connection Manager"],
        note: "",
        proof: likely(source::IMP),
    },
    Restart {
        product: "imp",
        purpose: "cup-xmpp-s2s-ECDSA",
        versions: Versions::ALL,
        services: &["Cisco XCP XMPP Federation Connection Manager"],
        note: "",
        proof: likely(source::IMP),
    },
    Restart {
        product: "imp",
        purpose: "ipsec",
        versions: Versions::ALL,
        services: &["IPsec"],
        note: "",
        proof: likely(source::IMP),
    },
    Restart {
        product: "cuc",
        purpose: "tomcat",
        versions: Versions::ALL,
        services: &[
            "Cisco Tomcat",
            "Connection IMAP Server",
            "Connection Conversation Manager",
            "Connection SMTP Server",
            "Connection Jetty",
        ],
        note: "Cisco Tomcat restarts by the command line only",
        proof: certain(source::CUC),
    },
    Restart {
        product: "cuc",
        purpose: "tomcat-ECDSA",
        versions: Versions::ALL,
        services: &["Cisco Tomcat", "Connection Conversation Manager"],
        note: "Cisco Tomcat restarts by the command line only",
        proof: certain(source::CUC),
    },
    Restart {
        product: "cuc",
        purpose: "ipsec",
        versions: Versions::ALL,
        services: &["IPsec"],
        note: "",
        proof: likely(source::CUC),
    },
    Restart {
        product: "cer",
        purpose: "tomcat",
        versions: Versions::ALL,
        services: &["Cisco Tomcat"],
        note: "Cisco Tomcat restarts by the command line only",
        proof: likely(source::EKU),
    },
    Restart {
        product: "cer",
        purpose: "ipsec",
        versions: Versions::ALL,
        services: &["IPsec"],
        note: "",
        proof: likely(source::EKU),
    },
    after_delete("cucm", "tomcat-trust", &["Cisco Tomcat"]),
    after_delete("cucm", "CAPF-trust", &["Cisco Certificate Authority Proxy Function"]),
    after_delete("cucm", "ipsec-trust", &["Cisco DRF Local", "Cisco DRF Master"]),
    after_delete("imp", "tomcat-trust", &["Cisco Tomcat"]),
    after_delete("imp", "ipsec-trust", &["Cisco DRF Local", "Cisco DRF Master"]),
    after_delete("cuc", "tomcat-trust", &["Cisco Tomcat"]),
    after_delete("cuc", "ipsec-trust", &["Cisco DRF Local", "Cisco DRF Master"]),
    after_delete("cer", "tomcat-trust", &["Cisco Tomcat"]),
    after_delete("cer", "ipsec-trust", &["Cisco DRF Local", "Cisco DRF Master"]),
];

/// What to restart after the certificate of a purpose was changed, or one was deleted from a trust store; empty: nothing.
pub fn restarts(product: &str, version: &str, purpose: &str) -> Vec<&'static Restart> {
    RESTARTS
        .iter()
        .filter(|row| row.product == product && row.purpose == purpose && row.versions.contains(version))
        .collect()
}

/// Every service that a node of a product and version is known to have.
pub fn services_of(product: &str, version: &str) -> Vec<&'static str> {
    let mut services: Vec<&str> = RESTARTS
        .iter()
        .filter(|row| row.product == product && row.versions.contains(version))
        .flat_map(|row| row.services.iter().copied())
        .collect();
    services.sort_unstable();
    services.dedup();
    services
}

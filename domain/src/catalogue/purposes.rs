//! Identity certificates of products: what each is for, and what it may be.

use super::{Proof, TRUST_STORES, Versions, certain, likely, source};

/// Kind of key that a purpose has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyFamily {
    /// RSA only.
    Rsa,
    /// EC only.
    Ec,
    /// Either.
    Any,
}

impl KeyFamily {
    /// Whether a key of this type, in the spelling of certificates, fits.
    pub fn takes(self, key_type: &str) -> bool {
        match self {
            Self::Rsa => key_type == "RSA",
            Self::Ec => key_type == "EC",
            Self::Any => true,
        }
    }

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Ec => "EC",
            Self::Any => "any",
        }
    }
}

/// Versions on which one certificate may cover all nodes of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultiServer {
    /// Signed by a CA.
    pub ca_signed: Option<Versions>,
    /// Self-signed.
    pub self_signed: Option<Versions>,
}

/// An identity certificate of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// The product's code.
    pub product: &'static str,
    /// Name of the purpose, or what its names begin with where it ends in a colon.
    pub code: &'static str,
    /// Its kind of key.
    pub key: KeyFamily,
    /// The trust store that holds its issuers.
    pub trust_store: Option<&'static str>,
    /// Versions that have it.
    pub versions: Versions,
    /// Whether it may cover all nodes of a cluster.
    pub multi_server: MultiServer,
    /// Whether a CSR can be made for it, so that a CA signs it.
    pub csr: bool,
    /// Versions on which there is one for the whole cluster.
    pub cluster_wide: Option<Versions>,
    /// Versions on which only the publisher has it, or makes it for all.
    pub publisher_only: Option<Versions>,
    /// What its CSR asks for.
    pub extended_key_usage: &'static [&'static str],
    /// Source and evidence.
    pub proof: Proof,
}

/// Every purpose.
pub const PURPOSES: &[Purpose] = &[
    Purpose {
        product: "cucm",
        code: "tomcat",
        key: KeyFamily::Rsa,
        trust_store: Some("tomcat-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: Some(Versions::ALL),
            self_signed: Some(Versions::FROM_14),
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth"],
        proof: certain(source::SECURITY_14),
    },
    Purpose {
        product: "cucm",
        code: "tomcat-ECDSA",
        key: KeyFamily::Ec,
        trust_store: Some("tomcat-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: Some(Versions::ALL),
            self_signed: Some(Versions::FROM_14),
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth"],
        proof: certain(source::SECURITY_14),
    },
    Purpose {
        product: "cucm",
        code: "CallManager",
        key: KeyFamily::Rsa,
        trust_store: Some("CallManager-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: Some(Versions::ALL),
            self_signed: Some(Versions::FROM_14),
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth"],
        proof: certain(source::SECURITY_14),
    },
    Purpose {
        product: "cucm",
        code: "CallManager-ECDSA",
        key: KeyFamily::Ec,
        trust_store: Some("CallManager-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: Some(Versions::ALL),
            self_signed: Some(Versions::FROM_14),
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth"],
        proof: certain(source::SECURITY_14),
    },
    Purpose {
        product: "cucm",
        code: "CAPF",
        key: KeyFamily::Rsa,
        trust_store: Some("CAPF-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: None,
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: Some(Versions::FROM_14),
        extended_key_usage: &["serverAuth", "clientAuth"],
        proof: certain(source::SECURITY_14),
    },
    Purpose {
        product: "cucm",
        code: "ipsec",
        key: KeyFamily::Rsa,
        trust_store: Some("ipsec-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: None,
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth", "ipsecEndSystem"],
        proof: certain(source::SECURITY_14),
    },
    Purpose {
        product: "cucm",
        code: "TVS",
        key: KeyFamily::Rsa,
        trust_store: Some("TVS-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: Some(Versions::FROM_14),
            self_signed: Some(Versions::FROM_14),
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth"],
        proof: certain(source::SECURITY_14),
    },
    Purpose {
        product: "cucm",
        code: "ITLRecovery",
        key: KeyFamily::Rsa,
        trust_store: None,
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: None,
            self_signed: None,
        },
        csr: false,
        cluster_wide: Some(Versions::FROM_12_5),
        publisher_only: Some(Versions::FROM_12_5),
        extended_key_usage: &[],
        proof: certain(source::SECURITY_14),
    },
    Purpose {
        product: "cucm",
        code: "authz",
        key: KeyFamily::Rsa,
        trust_store: None,
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: None,
            self_signed: None,
        },
        csr: false,
        cluster_wide: Some(Versions::ALL),
        publisher_only: None,
        extended_key_usage: &[],
        proof: certain(source::SECURITY_14),
    },
    Purpose {
        product: "imp",
        code: "tomcat",
        key: KeyFamily::Rsa,
        trust_store: Some("tomcat-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: Some(Versions::ALL),
            self_signed: Some(Versions::FROM_14),
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth"],
        proof: certain(source::IMP),
    },
    Purpose {
        product: "imp",
        code: "tomcat-ECDSA",
        key: KeyFamily::Ec,
        trust_store: Some("tomcat-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: Some(Versions::ALL),
            self_signed: Some(Versions::FROM_14),
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth"],
        proof: certain(source::IMP),
    },
    Purpose {
        product: "imp",
        code: "cup",
        key: KeyFamily::Rsa,
        trust_store: Some("cup-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: None,
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth", "ipsecEndSystem"],
        proof: certain(source::IMP),
    },
    Purpose {
        product: "imp",
        code: "cup-ECDSA",
        key: KeyFamily::Ec,
        trust_store: Some("cup-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: None,
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth", "ipsecEndSystem"],
        proof: certain(source::IMP),
    },
    Purpose {
        product: "imp",
        code: "cup-xmpp",
        key: KeyFamily::Rsa,
        trust_store: Some("cup-xmpp-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: Some(Versions::ALL),
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth", "ipsecEndSystem"],
        proof: certain(source::IMP),
    },
    Purpose {
        product: "imp",
        code: "cup-xmpp-ECDSA",
        key: KeyFamily::Ec,
        trust_store: Some("cup-xmpp-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: Some(Versions::ALL),
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth", "ipsecEndSystem"],
        proof: certain(source::IMP),
    },
    Purpose {
        product: "imp",
        code: "cup-xmpp-s2s",
        key: KeyFamily::Rsa,
        trust_store: Some("cup-xmpp-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: Some(Versions::ALL),
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth", "ipsecEndSystem"],
        proof: certain(source::IMP),
    },
    Purpose {
        product: "imp",
        code: "cup-xmpp-s2s-ECDSA",
        key: KeyFamily::Ec,
        trust_store: Some("cup-xmpp-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: Some(Versions::ALL),
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth", "ipsecEndSystem"],
        proof: certain(source::IMP),
    },
    Purpose {
        product: "imp",
        code: "ipsec",
        key: KeyFamily::Rsa,
        trust_store: Some("ipsec-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: None,
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth", "ipsecEndSystem"],
        proof: certain(source::IMP),
    },
    Purpose {
        product: "cuc",
        code: "tomcat",
        key: KeyFamily::Rsa,
        trust_store: Some("tomcat-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: Some(Versions::ALL),
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth"],
        proof: certain(source::CUC),
    },
    Purpose {
        product: "cuc",
        code: "tomcat-ECDSA",
        key: KeyFamily::Ec,
        trust_store: Some("tomcat-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: Some(Versions::ALL),
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth"],
        proof: certain(source::CUC),
    },
    Purpose {
        product: "cuc",
        code: "ipsec",
        key: KeyFamily::Rsa,
        trust_store: Some("ipsec-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: None,
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth", "ipsecEndSystem"],
        proof: certain(source::CUC),
    },
    Purpose {
        product: "cer",
        code: "tomcat",
        key: KeyFamily::Rsa,
        trust_store: Some("tomcat-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: None,
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth"],
        proof: certain(source::EKU),
    },
    Purpose {
        product: "cer",
        code: "ipsec",
        key: KeyFamily::Rsa,
        trust_store: Some("ipsec-trust"),
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: None,
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth", "clientAuth", "ipsecEndSystem"],
        proof: likely(source::EKU),
    },
    Purpose {
        product: "server",
        code: "nginx:",
        key: KeyFamily::Any,
        trust_store: None,
        versions: Versions::ALL,
        multi_server: MultiServer {
            ca_signed: None,
            self_signed: None,
        },
        csr: true,
        cluster_wide: None,
        publisher_only: None,
        extended_key_usage: &["serverAuth"],
        proof: certain(source::NGINX),
    },
];

impl Purpose {
    /// Whether a name in a store is this purpose.
    pub fn is(&self, purpose: &str) -> bool {
        if self.code.ends_with(':') {
            purpose.strip_prefix(self.code).is_some_and(|name| !name.is_empty())
        } else {
            purpose == self.code
        }
    }
}

/// The catalogue's spelling of the name of a purpose or a trust store, which nodes write in capitals or small letters as they like:
/// Unified CM says `AUTHZ` and `authz` of the same (cisco.md 2.1). A name that no product has stays as it is.
pub fn spelling(name: &str) -> &str {
    let purposes = PURPOSES.iter().map(|row| row.code);
    let stores = TRUST_STORES.iter().map(|row| row.name);
    let known = purposes.chain(stores).find(|known| known.eq_ignore_ascii_case(name));
    known.unwrap_or(name)
}

/// The purpose of a product in a version; `None` where the product has none of that name.
pub fn purpose_info(product: &str, version: &str, purpose: &str) -> Option<&'static Purpose> {
    purposes_of(product, version).find(|row| row.is(purpose))
}

/// All purposes of a product in a version.
pub fn purposes_of(product: &str, version: &str) -> impl Iterator<Item = &'static Purpose> {
    PURPOSES
        .iter()
        .filter(move |row| row.product == product && row.versions.contains(version))
}

/// The trust store that holds the issuers of a purpose, where it has one.
pub fn trust_store_of(product: &str, version: &str, purpose: &str) -> Option<&'static str> {
    purpose_info(product, version, purpose)?.trust_store
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_spelling_in_the_catalogue_whatever_its_capitals_on_the_node() {
        for row in PURPOSES {
            for name in [row.code.to_string(), row.code.to_uppercase(), row.code.to_lowercase()] {
                assert_eq!(spelling(&name), row.code, "{}", row.product);
            }
        }
        for row in TRUST_STORES {
            assert_eq!(spelling(&row.name.to_uppercase()), row.name, "{}", row.product);
        }
        assert_eq!(spelling("AUTHZ"), "authz");
        assert_eq!(spelling("Of Nobody"), "Of Nobody");
        assert_eq!(spelling("nginx:WWW.example.org"), "nginx:WWW.example.org");
    }
}

//! What is known about products, as data: which certificates a node has and what for, where they are trusted, what has to
//! be restarted, which files are taken, how a step is done. Every row names its source and how sure it is; what is a guess
//! is "not verified on a real node".
//!
//! | table | one row is |
//! |---|---|
//! | [`PRODUCTS`] | a product and its versions |
//! | [`PURPOSES`] | an identity certificate of a product |
//! | [`TRUST_STORES`] | a trust store of a product |
//! | [`RESTARTS`] | what takes up a new certificate only after a restart |
//! | [`AFTER_CARE`] | what is left to people after a change |
//! | [`FORMATS`] | a file format that nodes take |
//! | [`LIMITS`] | what nodes of a product take |
//! | [`CSR_FIELDS`] | what of a CSR a node can be told |
//! | [`WAYS`] | how a step is done |
//! | [`MULTI_SERVER_WAYS`] | how a step is done for all nodes of a cluster at once |
//! | [`KEY_CHOICES`] | a key that can be made, with its hashes |
//! | [`KEY_NOTES`] | what to know of a key before it is chosen |
//! | [`SELF_SIGNED`] | for how long nodes sign their own certificates |
//! | [`REUSES`] | a purpose that may take the certificate of another |
//! | [`MULTI_SERVER_RENEWALS`] | versions that renew a certificate for several nodes |
//! | [`NOT_RENEWED`] | a purpose whose certificate is made anew in another way |
//! | [`MUTUAL_TLS`] | a purpose whose certificate is shown by clients, too |
//! | [`UNSAFE_TOGETHER`] | two changes that must not be made in one go |

mod aftercare;
mod choices;
mod formats;
mod limits;
mod multi_server;
mod mutual;
mod order;
mod products;
mod purposes;
mod restarts;
mod stores;
mod versions;
mod ways;

pub use aftercare::{AFTER_CARE, After, AfterCare, after_care};
pub(crate) use choices::subject_fault;
pub use choices::{
    KEY_CHOICES, KEY_NOTES, KeyChoice, KeyNote, MULTI_SERVER_RENEWALS, MultiServerRenewal, NOT_RENEWED, NotRenewed,
    REUSES, Reuse, SELF_SIGNED, SUBJECT_FIELDS, SelfSigned, key_choices, key_notes, not_renewed, renews_multi_server,
    reuse_of, self_signed_of,
};
pub use formats::{FORMATS, Format};
pub use limits::{CSR_FIELDS, CsrFields, LIMITS, Limits, csr_fields, limits_of};
pub use multi_server::{MULTI_SERVER_WAYS, has_multi_server, multi_server_way, names_multi_server};
pub use mutual::{MUTUAL_TLS, MutualTls, mutual_tls};
pub use order::{UNSAFE_TOGETHER, UnsafeTogether};
pub use products::{PRODUCTS, Product, product};
pub use purposes::{KeyFamily, MultiServer, PURPOSES, Purpose, purpose_info, purposes_of, spelling, trust_store_of};
pub use restarts::{RESTARTS, Restart, restarts, services_of};
pub use stores::{Replication, TRUST_STORES, TrustStore, trust_stores_of};
pub use versions::{Version, Versions};
pub use ways::{WAYS, Way, WayKind};

/// How sure a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Evidence {
    /// The vendor's own text says so.
    Certain,
    /// One indirect source, or several clients that agree.
    Likely,
    /// Nobody has confirmed it: not verified on a real node.
    Guess,
}

impl Evidence {
    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::Guess => "guess",
        }
    }
}

/// Where a row is from, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// How sure.
    pub evidence: Evidence,
    /// The document.
    pub source: &'static str,
}

pub(crate) const fn certain(source: &'static str) -> Proof {
    Proof {
        evidence: Evidence::Certain,
        source,
    }
}

pub(crate) const fn likely(source: &'static str) -> Proof {
    Proof {
        evidence: Evidence::Likely,
        source,
    }
}

pub(crate) const fn guess(source: &'static str) -> Proof {
    Proof {
        evidence: Evidence::Guess,
        source,
    }
}

/// Names of the documents.
pub(crate) mod source {
    pub const CCM: &str = "Cisco Webex Control Hub, Central Certificate Management";
    pub const SECURITY_14: &str = "Security Guide for Cisco Unified Communications Manager, release 14";
    pub const IMP: &str = "Configuration and Administration of the IM and Presence Service, release 14";
    pub const CUC: &str = "Cisco Unity Connection operating system guide, release 14";
    pub const REGENERATE: &str = "Cisco TAC, Regenerate Certificates for Unified Communications Manager";
    pub const EKU: &str = "Cisco field notice FN74345";
    pub const API: &str = "Cisco developer page of the Certificate Management API";
    pub const CLIENTS: &str = "public clients of the Certificate Management API";
    pub const CLI: &str = "Command Line Interface Reference Guide for Cisco Unified Communications Solutions";
    pub const NGINX: &str = "nginx documentation, ngx_http_ssl_module and Controlling nginx";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proofs() -> Vec<(String, Proof)> {
        let mut all = Vec::new();
        all.extend(PRODUCTS.iter().map(|row| (format!("product {}", row.code), row.proof)));
        all.extend(
            PURPOSES
                .iter()
                .map(|row| (format!("purpose {} {}", row.product, row.code), row.proof)),
        );
        all.extend(
            TRUST_STORES
                .iter()
                .map(|row| (format!("store {} {}", row.product, row.name), row.proof)),
        );
        all.extend(
            RESTARTS
                .iter()
                .map(|row| (format!("restart {} {}", row.product, row.purpose), row.proof)),
        );
        all.extend(
            FORMATS
                .iter()
                .map(|row| (format!("format {} {}", row.product, row.name), row.proof)),
        );
        all.extend(
            WAYS.iter()
                .chain(MULTI_SERVER_WAYS)
                .map(|row| (format!("way {:?} {}", row.products, row.step.as_str()), row.proof)),
        );
        all.extend(
            KEY_CHOICES
                .iter()
                .map(|row| (format!("key {} {} {}", row.product, row.key_type, row.bits), row.proof)),
        );
        all.extend(
            KEY_NOTES
                .iter()
                .map(|row| (format!("note {} {}", row.product, row.purpose), row.proof)),
        );
        all.extend(
            SELF_SIGNED
                .iter()
                .map(|row| (format!("self-signed {}", row.product), row.proof)),
        );
        all.extend(
            REUSES
                .iter()
                .map(|row| (format!("reuse {} {}", row.product, row.purpose), row.proof)),
        );
        all.extend(LIMITS.iter().map(|row| (format!("limits {}", row.product), row.proof)));
        all.extend(CSR_FIELDS.iter().map(|row| (format!("CSR {:?}", row.kind), row.proof)));
        all.extend(
            MULTI_SERVER_RENEWALS
                .iter()
                .map(|row| (format!("renewal {}", row.product), row.proof)),
        );
        all.extend(
            MUTUAL_TLS
                .iter()
                .map(|row| (format!("mutual {} {}", row.product, row.purpose), row.proof)),
        );
        all
    }

    #[test]
    fn every_row_has_a_source_and_evidence() {
        let all = proofs();
        assert!(all.len() > 50, "only {} rows", all.len());
        for (row, proof) in all {
            assert!(proof.source.len() > 5, "{row} names no source");
            assert!(!proof.evidence.as_str().is_empty(), "{row}");
        }
    }

    #[test]
    fn every_row_names_a_known_product() {
        let products: Vec<&str> = PRODUCTS.iter().map(|row| row.code).collect();
        let named = PURPOSES
            .iter()
            .map(|row| row.product)
            .chain(TRUST_STORES.iter().map(|row| row.product))
            .chain(RESTARTS.iter().map(|row| row.product))
            .chain(FORMATS.iter().map(|row| row.product))
            .chain(
                WAYS.iter()
                    .chain(MULTI_SERVER_WAYS)
                    .flat_map(|row| row.products.iter().copied()),
            )
            .chain(KEY_CHOICES.iter().map(|row| row.product))
            .chain(KEY_NOTES.iter().map(|row| row.product))
            .chain(SELF_SIGNED.iter().map(|row| row.product))
            .chain(REUSES.iter().map(|row| row.product))
            .chain(LIMITS.iter().map(|row| row.product))
            .chain(MULTI_SERVER_RENEWALS.iter().map(|row| row.product))
            .chain(MUTUAL_TLS.iter().map(|row| row.product));
        for product in named {
            assert!(products.contains(&product), "{product} is no product");
        }
    }

    #[test]
    fn every_trust_store_of_a_purpose_is_a_store_of_its_product() {
        for purpose in PURPOSES {
            if let Some(store) = purpose.trust_store {
                assert!(
                    trust_stores_of(purpose.product).any(|row| row.name == store),
                    "{} of {} trusts {store}, which the product does not have",
                    purpose.code,
                    purpose.product
                );
            }
        }
    }

    #[test]
    fn emergency_responder_has_no_ec_tomcat_in_12_5_and_14() {
        assert!(purpose_info("cer", "12.5", "tomcat-ECDSA").is_none());
        assert!(purpose_info("cer", "14", "tomcat-ECDSA").is_none());
        assert!(purpose_info("cer", "14", "tomcat").is_some());
        assert!(!product("cer").expect("a product").distribute);
    }

    #[test]
    fn call_manager_needs_fewer_restarts_from_14_su1() {
        let old = restarts("cucm", "14", "CallManager");
        let new = restarts("cucm", "14SU1", "CallManager");
        assert!(old.iter().any(|row| row.services.contains(&"Cisco CTIManager")));
        assert!(new.iter().all(|row| !row.services.contains(&"Cisco CTIManager")));
        assert!(new.iter().any(|row| row.services.contains(&"Cisco HAProxy")));
    }

    #[test]
    fn any_name_of_a_server_is_a_purpose_of_its_connector() {
        let purpose = purpose_info("server", "", "nginx:www.example.org").expect("a purpose");
        assert_eq!(purpose.code, "nginx:");
        assert!(purpose_info("server", "", "tomcat").is_none());
        assert!(purpose_info("cucm", "15", "nginx:x").is_none());
        assert_eq!(
            trust_store_of("cucm", "15", "CallManager-ECDSA"),
            Some("CallManager-trust")
        );
    }
}

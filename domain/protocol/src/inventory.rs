//! What a node holds, as its agent saw it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Whether an entry is the node's own certificate or one that it trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// With the private key.
    Identity,
    /// Trusted.
    Trust,
}

/// All stores of one node at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeInventory {
    /// SHA-256 over the entries, CSRs and served certificates in canonical order, lower-case hex: equal digests mean that
    /// nothing changed.
    pub digest: String,
    /// When the node was read, by the agent's clock.
    pub observed_at: DateTime<Utc>,
    /// Certificates in stores.
    pub entries: Vec<InventoryEntry>,
    /// Open CSRs.
    pub csrs: Vec<InventoryCsr>,
    /// The version that the node says it runs, where it does.
    #[serde(default)]
    pub version: Option<String>,
}

/// One certificate in one store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InventoryEntry {
    /// Store: the purpose for identity (`tomcat`), the trust store's name (`tomcat-trust`).
    pub store: String,
    /// Identity or trust.
    pub kind: StoreKind,
    /// Stable key within the store: the purpose for identity, the file name or SHA-256 for trust.
    pub entry: String,
    /// The certificate in PEM as the node gave it, leaf only.
    pub certificate_pem: String,
    /// What the wire says of it.
    pub served: Served,
}

/// What a look over the wire said of an installed identity certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Served {
    /// This very certificate is served.
    Served,
    /// Another one is served: the service has to be restarted before this one is.
    RestartPending {
        /// SHA-256 of the one that is served, lower-case hex.
        served_sha256: String,
    },
    /// Nothing listens for it, or it is a trust entry.
    NotObservable,
    /// The look failed this time.
    Unknown {
        /// Why, for people.
        reason: String,
    },
}

/// An open CSR on a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InventoryCsr {
    /// Purpose.
    pub purpose: String,
    /// PKCS#10 in PEM.
    pub csr_pem: String,
}

/// An inventory by digest, as a whole, or as a difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum InventoryReport {
    /// Nothing changed since the report with this digest.
    Unchanged {
        /// Digest of the last report.
        digest: String,
        /// When the node was read.
        observed_at: DateTime<Utc>,
    },
    /// Everything.
    Full(NodeInventory),
    /// What changed since the report with `base_digest`.
    Delta {
        /// Digest of the report that this one builds on.
        base_digest: String,
        /// Digest of the inventory after the change.
        digest: String,
        /// When the node was read.
        observed_at: DateTime<Utc>,
        /// New or changed entries.
        add: Vec<InventoryEntry>,
        /// `(store, entry)` of those that are gone.
        remove: Vec<(String, String)>,
        /// All open CSRs.
        csrs: Vec<InventoryCsr>,
    },
    /// The node did not answer.
    Failed {
        /// When it was tried.
        observed_at: DateTime<Utc>,
        /// Stable code, as in [`crate::Failure`].
        code: String,
        /// Why, in the user's words.
        message: String,
    },
}

/// Answer to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InventoryAnswer {
    /// It is stored.
    Stored,
    /// The digest or base is unknown here: send [`InventoryReport::Full`].
    FullWanted,
}

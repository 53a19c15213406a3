//! The drivers, one folder per kind of node, and the one place that chooses among them.

pub mod cisco_uc;
pub mod nginx;

use crate::connector::Connector;
use crate::nodes::{Node, NodeError, NodeSettings, NodeStore};
use crate::tls::sha256_hex;
use certyard_protocol::{Capability, ConnectorKind, InventoryCsr, InventoryEntry, NodeInventory, Served, StoreKind};
use chrono::Utc;
use std::sync::Arc;

/// What the connector of a kind can do, without a node.
pub fn capability(kind: ConnectorKind) -> Capability {
    match kind {
        ConnectorKind::CiscoUc => cisco_uc::capability(),
        ConnectorKind::Nginx => nginx::capability(),
    }
}

/// The driver for a node that the server says to be reached at `address`.
///
/// # Errors
/// When its credentials cannot be opened or TLS cannot be set up.
pub fn open(node: &Node, address: &str, store: &Arc<NodeStore>) -> Result<Arc<dyn Connector>, NodeError> {
    Ok(match &node.settings {
        NodeSettings::CiscoUc => {
            let secrets = store.secrets(&node.name)?;
            let keeper = cisco_uc::StoredPins::new(store.clone(), node.name.clone());
            Arc::new(cisco_uc::CiscoUc::new(&node.name, address, secrets, Arc::new(keeper)))
        }
        NodeSettings::Nginx(settings) => Arc::new(nginx::Nginx::new(&node.name, settings.clone())),
    })
}

/// Puts entries and CSRs into canonical order and takes their digest.
pub(crate) fn seal_inventory(
    mut entries: Vec<InventoryEntry>,
    mut csrs: Vec<InventoryCsr>,
    version: Option<String>,
) -> NodeInventory {
    entries.sort_by(|a, b| (a.kind, &a.store, &a.entry).cmp(&(b.kind, &b.store, &b.entry)));
    entries.dedup_by(|a, b| a.kind == b.kind && a.store == b.store && a.entry == b.entry);
    csrs.sort_by(|a, b| a.purpose.cmp(&b.purpose));
    let mut text = String::new();
    let mut put = |part: &str| {
        text.push_str(&part.len().to_string());
        text.push(':');
        text.push_str(part);
    };
    for entry in &entries {
        put(match entry.kind {
            StoreKind::Identity => "identity",
            StoreKind::Trust => "trust",
        });
        put(&entry.store);
        put(&entry.entry);
        put(&entry.certificate_pem);
        match &entry.served {
            Served::Served => put("served"),
            Served::RestartPending { served_sha256 } => put(served_sha256),
            Served::NotObservable => put("not_observable"),
            Served::Unknown { .. } => put("unknown"),
        }
    }
    for csr in &csrs {
        put("csr");
        put(&csr.purpose);
        put(&csr.csr_pem);
    }
    put(version.as_deref().unwrap_or_default());
    NodeInventory {
        digest: sha256_hex(text.as_bytes()),
        observed_at: Utc::now(),
        entries,
        csrs,
        version,
    }
}

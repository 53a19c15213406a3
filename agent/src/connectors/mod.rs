//! The drivers, one folder per kind of node, and the one place that chooses among them.

pub mod cisco_cli;
pub mod cisco_uc;
pub mod nginx;

use crate::connector::Connector;
use crate::nodes::{Node, NodeError, NodeSettings, NodeStore};
use crate::tls::sha256_hex;
use certyard_protocol::{Capability, ConnectorKind, InventoryCsr, InventoryEntry, NodeInventory, Served, StoreKind};
use chrono::Utc;
use std::sync::Arc;

/// What the connector of a kind can do for these nodes of the agent: a step that one of them offers is a step of the connector, and
/// a node without it refuses it by name.
pub fn capability<'a>(kind: ConnectorKind, nodes: impl IntoIterator<Item = &'a Node>) -> Capability {
    match kind {
        ConnectorKind::CiscoUc if nodes.into_iter().any(|node| node.ssh_port.is_some()) => {
            cisco_uc::capability_with_commands()
        }
        ConnectorKind::CiscoUc => cisco_uc::capability(),
        ConnectorKind::CiscoCli => cisco_cli::capability(),
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
            let commands = node.ssh_port.map(|port| {
                let ssh = at_port(address, port);
                cisco_cli::CiscoCli::new(&node.name, &ssh, address, &secrets, host_keys(node, store))
            });
            let connector = cisco_uc::CiscoUc::new(&node.name, address, secrets, Arc::new(keeper));
            match commands {
                Some(commands) => Arc::new(connector.with_commands(commands)),
                None => Arc::new(connector),
            }
        }
        NodeSettings::CiscoCli(settings) => Arc::new(cisco_cli::CiscoCli::new(
            &node.name,
            &with_port(address, SSH),
            &at_port(address, settings.tls_port),
            &store.secrets(&node.name)?,
            host_keys(node, store),
        )),
        NodeSettings::Nginx(settings) => Arc::new(nginx::Nginx::new(&node.name, settings.clone())),
    })
}

fn host_keys(node: &Node, store: &Arc<NodeStore>) -> Arc<dyn cisco_uc::KeepPins> {
    Arc::new(cisco_uc::StoredHostKeys::new(store.clone(), node.name.clone()))
}

/// Port of SSH, where an address names none.
const SSH: u16 = 22;

/// Host and port of an address; no port where it names none.
fn split(address: &str) -> (&str, Option<u16>) {
    let named = address.rsplit_once(':').and_then(|(host, port)| {
        // The colons of an IPv6 address without a port.
        let bare = host.contains(':') && !host.ends_with(']');
        port.parse().ok().filter(|_| !bare).map(|port| (host, port))
    });
    named.map_or((address, None), |(host, port)| (host, Some(port)))
}

/// An address with its port, or with this one where it names none.
pub(crate) fn with_port(address: &str, port: u16) -> String {
    at_port(address, split(address).1.unwrap_or(port))
}

/// The same host at another port.
fn at_port(address: &str, port: u16) -> String {
    let (host, _) = split(address);
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_port_or_gets_one() {
        for (address, whole, other) in [
            ("pub.example.org", "pub.example.org:22", "pub.example.org:443"),
            ("pub.example.org:8022", "pub.example.org:8022", "pub.example.org:443"),
            ("192.0.2.7", "192.0.2.7:22", "192.0.2.7:443"),
            ("2001:db8::7", "[2001:db8::7]:22", "[2001:db8::7]:443"),
            ("[2001:db8::7]:8022", "[2001:db8::7]:8022", "[2001:db8::7]:443"),
        ] {
            assert_eq!(with_port(address, SSH), whole);
            assert_eq!(at_port(address, 443), other);
        }
    }
}

//! `node discover`: a node tells which nodes its cluster has.

use super::node::SecretArgs;
use crate::connectors::cisco_cli::{CiscoCli, Network, NetworkNode};
use crate::connectors::cisco_uc::KeepPins;
use crate::nodes::{CiscoCliSettings, Node, NodeError, NodeSettings, NodeStore, Secrets};
use anyhow::{Context, bail};
use certyard_protocol::{ConnectorKind, NodeDeclaration};
use clap::Args;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug, Args)]
pub(super) struct DiscoverArgs {
    /// Host and port of the SSH server of a node, best the publisher. A node of IM and Presence finds those of IM and Presence.
    #[arg(long)]
    address: String,
    #[command(flatten)]
    secrets: SecretArgs,
    /// Fingerprint of that node's SSH host key; by default the first one that it shows is believed.
    #[arg(long, value_name = "FINGERPRINT")]
    pin_host_key: Option<String>,
    /// Add the nodes of that node's product; the credentials given are used for all of them.
    #[arg(long, requires = "cluster")]
    add: bool,
    /// Name of the cluster that the added nodes belong to; made on the server when it is new.
    #[arg(long)]
    cluster: Option<String>,
    /// TLS port of the nodes: of their API from release 14 on, and where the served certificate is looked at.
    #[arg(long, value_name = "PORT", default_value_t = 443)]
    tls_port: u16,
    /// SSH port of the nodes.
    #[arg(long, value_name = "PORT", default_value_t = 22)]
    ssh_port: u16,
}

/// The host key that was shown; it becomes the pin of the node that was asked when that is added.
#[derive(Default)]
struct Shown(Mutex<Vec<String>>);

impl KeepPins for Shown {
    fn keep(&self, pins: &[String]) -> Result<(), String> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = pins.to_vec();
        Ok(())
    }
}

pub(super) async fn discover(store: &NodeStore, args: DiscoverArgs) -> anyhow::Result<()> {
    let mut secrets = args.secrets.sign_in(args.pin_host_key.as_deref())?;
    let shown = Arc::new(Shown::default());
    let connector = CiscoCli::new("the node", &args.address, &args.address, &secrets, shown.clone());
    let (network, build) = connector.discover().await?;
    let Network { nodes, asked, product } = network;
    let version = build.as_deref().map(release).unwrap_or_default();
    println!(
        "{product} {version}: {} nodes{}\n\n{:<24} {:<40} {:<16} {:<11} PRODUCT",
        nodes.len(),
        build.map(|build| format!(" (build {build})")).unwrap_or_default(),
        "NAME",
        "ADDRESS",
        "IP",
        "ROLE"
    );
    for node in &nodes {
        println!(
            "{:<24} {:<40} {:<16} {:<11} {}",
            node.name, node.fqdn, node.ip, node.role, node.product
        );
    }
    let host_keys = shown.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(key) = host_keys.first() {
        println!("\nhost key of {}: {key}", asked.as_deref().unwrap_or(&args.address));
    }
    let Some(cluster) = args.cluster.as_deref().filter(|_| args.add) else {
        println!("nothing was added; --add --cluster NAME adds the nodes of {product}");
        return Ok(());
    };
    println!();
    if version.is_empty() {
        bail!("the node does not tell its version by `show version active`: add the nodes with `node add`");
    }
    secrets.host_keys.extend(host_keys);
    for node in &nodes {
        if node.product != product {
            println!(
                "{} is a {} node: discover it with the address of a node of that product",
                node.name, node.product
            );
            continue;
        }
        let mut secrets = secrets.clone();
        if asked.as_ref() != Some(&node.name) {
            // Each node has a host key of its own.
            secrets.host_keys.clear();
        }
        add(store, &args, cluster, &version, node, &secrets)?;
    }
    Ok(())
}

fn add(
    store: &NodeStore,
    args: &DiscoverArgs,
    cluster: &str,
    version: &str,
    node: &NetworkNode,
    secrets: &Secrets,
) -> anyhow::Result<()> {
    let rest = version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok())
        .is_some_and(|major| major >= 14);
    let (connector, settings, port) = if rest {
        (ConnectorKind::CiscoUc, NodeSettings::CiscoUc, args.tls_port)
    } else {
        let settings = CiscoCliSettings {
            tls_port: args.tls_port,
        };
        (ConnectorKind::CiscoCli, NodeSettings::CiscoCli(settings), args.ssh_port)
    };
    let declaration = NodeDeclaration {
        node_id: None,
        changed: true,
        cluster: cluster.into(),
        product: node.product.clone(),
        version: version.into(),
        name: node.name.clone(),
        address: format!("{}:{port}", node.fqdn),
        role: node.role.into(),
        connector,
    };
    let mut entry = Node::new(declaration, settings, true);
    entry.ssh_port = rest.then_some(args.ssh_port);
    match store.add(entry, Some(secrets)) {
        Ok(()) => println!("{} is added by {}", node.name, connector.as_str()),
        Err(NodeError::Exists(name)) => println!("{name} is there already"),
        Err(error) => return Err(error).with_context(|| format!("cannot add {}", node.name)),
    }
    Ok(())
}

/// `15` of `15.0.1.12900-234`, and `12.5` of `12.5.1.15900-66`.
fn release(build: &str) -> String {
    let mut parts = build.split('.');
    match (parts.next(), parts.next()) {
        (Some(major), Some("0") | None) => major.into(),
        (Some(major), Some(minor)) => format!("{major}.{minor}"),
        (None, _) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn a_build_names_its_release() {
        assert_eq!(release("15.0.1.12900-234"), "15");
        assert_eq!(release("12.5.1.15900-66"), "12.5");
        assert_eq!(release("14"), "14");
    }
}

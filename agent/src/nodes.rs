//! The nodes that this agent holds: how to reach each, and its credentials, sealed.
//!
//! One file per node, `nodes/<name>.json`. What is secret (user, password, pins of the node's TLS certificate) stands in
//! `sealed` and opens under the name of that node only.
//!
//! The name is the operator's on this machine and stays. The server knows the node by `node_id`; where its names and its
//! address differ, they hold, and stand in `assignments.json`.

use crate::folder::{Folder, FolderError};
use crate::sealed::{SealError, SealKey};
use certyard_protocol::{ConnectorKind, NodeAssignment, NodeDeclaration};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const ASSIGNMENTS: &str = "assignments.json";

/// Why a node cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The name cannot be a file name.
    #[error("`{0}` is no name for a node: letters, digits, `.`, `-` and `_`, at most 200, and no `.` in front")]
    Name(String),
    /// Nothing of that name.
    #[error("there is no node `{0}`: `certyard-agent node list` shows those that are")]
    Unknown(String),
    /// There is one already.
    #[error("there is a node `{0}` already: `certyard-agent node set {0}` or `credentials set {0}` changes it")]
    Exists(String),
    /// Its file cannot be read.
    #[error("the file of node `{name}` is damaged: `certyard-agent node remove {name}`, and add the node again")]
    Damaged {
        /// The node.
        name: String,
        /// Where.
        source: serde_json::Error,
    },
    /// The secrets.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// What the connector of a node needs beside credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "connector", rename_all = "snake_case")]
pub enum NodeSettings {
    /// Nothing more than address and credentials.
    CiscoUc,
    /// The command line, and where the node's web server listens.
    CiscoCli(CiscoCliSettings),
    /// Files and commands on this host.
    Nginx(NginxSettings),
}

/// What the connector `cisco_cli` needs beside the address of the SSH server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CiscoCliSettings {
    /// TLS port of the same host, where the served certificate is looked at.
    pub tls_port: u16,
}

impl Default for CiscoCliSettings {
    fn default() -> Self {
        Self { tls_port: 443 }
    }
}

/// What an operator allows the agent to do with an nginx on its host. Set by root on the node; the server cannot change it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NginxSettings {
    /// The main configuration file.
    pub config: PathBuf,
    /// The program, for `-t`.
    pub program: PathBuf,
    /// The fixed reload command, program and arguments; no shell.
    pub reload_argv: Vec<String>,
    /// Folders below which certificate files may be changed; the configuration's own folder is always among them.
    pub allowed: Vec<PathBuf>,
}

/// A node as it stands on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Name of the cluster.
    pub cluster: String,
    /// Product in the catalogue's spelling.
    pub product: String,
    /// Version, or empty.
    pub version: String,
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Host and port.
    pub address: String,
    /// Driver and its settings.
    pub settings: NodeSettings,
    /// Port of the node's command line, for connectors that use it beside another way.
    #[serde(default)]
    pub ssh_port: Option<u16>,
    /// Entered on this agent (and declared to the server), or assigned by the server.
    pub declared: bool,
    /// The server's id of it, once it told one.
    #[serde(default)]
    pub node_id: Option<Uuid>,
    /// Entered or changed by a command here since the server last took it.
    #[serde(default)]
    pub changed: bool,
    /// Secrets, sealed; empty for connectors without.
    sealed: String,
}

impl Node {
    /// A node without secrets.
    pub fn new(declaration: NodeDeclaration, settings: NodeSettings, declared: bool) -> Self {
        Self {
            cluster: declaration.cluster,
            product: declaration.product,
            version: declaration.version,
            name: declaration.name,
            role: declaration.role,
            address: declaration.address,
            settings,
            ssh_port: None,
            declared,
            node_id: declaration.node_id,
            changed: declaration.changed,
            sealed: String::new(),
        }
    }

    /// Its driver.
    pub fn connector(&self) -> ConnectorKind {
        match self.settings {
            NodeSettings::CiscoUc => ConnectorKind::CiscoUc,
            NodeSettings::CiscoCli(_) => ConnectorKind::CiscoCli,
            NodeSettings::Nginx(_) => ConnectorKind::Nginx,
        }
    }

    /// As it is declared to the server.
    pub fn declaration(&self) -> NodeDeclaration {
        NodeDeclaration {
            node_id: self.node_id,
            changed: self.changed,
            cluster: self.cluster.clone(),
            product: self.product.clone(),
            version: self.version.clone(),
            name: self.name.clone(),
            address: self.address.clone(),
            role: self.role.clone(),
            connector: self.connector(),
        }
    }
}

/// What must not leave this machine.
#[derive(Clone, Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Secrets {
    /// User of the node's API.
    pub user: String,
    /// Password of that user.
    pub password: String,
    /// SHA-256 of the TLS certificates that the node may show, lower-case hex; empty before the first contact.
    pub pins: Vec<String>,
    /// Fingerprints of the SSH host keys that the node may show, `SHA256:` and base64; empty before the first contact.
    #[serde(default)]
    pub host_keys: Vec<String>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets")
            .field("pins", &self.pins)
            .field("host_keys", &self.host_keys)
            .finish_non_exhaustive()
    }
}

/// What the folder holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// The nodes that can be worked on, by name.
    pub nodes: Vec<Node>,
    /// The names of those that cannot, and why.
    pub damaged: Vec<(String, NodeError)>,
}

/// The node files of a data folder.
#[derive(Debug)]
pub struct NodeStore {
    folder: Folder,
    key: SealKey,
}

impl NodeStore {
    /// Opens the files.
    ///
    /// # Errors
    /// When folder or key cannot be used.
    pub fn open(data: &Folder) -> Result<Self, NodeError> {
        Ok(Self {
            folder: data.sub("nodes")?,
            key: SealKey::load_or_create(data)?,
        })
    }

    /// Adds a node.
    ///
    /// # Errors
    /// When the name is bad or taken.
    pub fn add(&self, mut node: Node, secrets: Option<&Secrets>) -> Result<(), NodeError> {
        let file = file_name(&node.name)?;
        let _lock = self.folder.lock()?;
        if self.folder.read(&file)?.is_some() {
            return Err(NodeError::Exists(node.name));
        }
        if let Some(secrets) = secrets {
            node.sealed = self.seal(&node.name, secrets)?;
        }
        self.write(&file, &node)
    }

    /// Forgets a node and its credentials.
    ///
    /// # Errors
    /// When there is none.
    pub fn remove(&self, name: &str) -> Result<(), NodeError> {
        let file = file_name(name)?;
        let _lock = self.folder.lock()?;
        if self.folder.read(&file)?.is_none() {
            return Err(NodeError::Unknown(name.into()));
        }
        Ok(self.folder.remove(&file)?)
    }

    /// One node.
    ///
    /// # Errors
    /// When there is none, or its file is damaged.
    pub fn get(&self, name: &str) -> Result<Node, NodeError> {
        let bytes = self.folder.read(&file_name(name)?)?;
        let bytes = bytes.ok_or_else(|| NodeError::Unknown(name.into()))?;
        let damaged = |source| NodeError::Damaged {
            name: name.into(),
            source,
        };
        let node: Node = serde_json::from_slice(&bytes).map_err(damaged)?;
        if node.name != name {
            use serde::de::Error;
            let other = format!("it is the file of the node `{}`", node.name);
            return Err(damaged(serde_json::Error::custom(other)));
        }
        Ok(node)
    }

    /// All nodes. One whose file or credentials cannot be read keeps no other one back.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<Listing, NodeError> {
        let mut listing = Listing::default();
        let names = self.folder.names(".json")?;
        for name in names.iter().filter_map(|name| name.strip_suffix(".json")) {
            match self.get(name).and_then(|node| self.check_secrets(&node).map(|()| node)) {
                Ok(node) => listing.nodes.push(node),
                // It was removed just now.
                Err(NodeError::Unknown(_)) => {}
                Err(error) => listing.damaged.push((name.into(), error)),
            }
        }
        Ok(listing)
    }

    fn check_secrets(&self, node: &Node) -> Result<(), NodeError> {
        match node.settings {
            NodeSettings::CiscoUc | NodeSettings::CiscoCli(_) => self.open_sealed(node).map(drop),
            NodeSettings::Nginx(_) => Ok(()),
        }
    }

    /// Notes that the server knows the node by this id, and whether it took what was `sent`.
    ///
    /// # Errors
    /// When there is no such node, or the disk refuses.
    pub fn known(&self, name: &str, node_id: Uuid, sent: Option<&NodeDeclaration>) -> Result<(), NodeError> {
        self.update(name, |node| {
            node.changed &= sent != Some(&node.declaration());
            node.node_id = Some(node_id);
        })
    }

    /// Changes what was entered of a node; the server hears of it as of a change.
    ///
    /// # Errors
    /// When there is no such node, or the disk refuses.
    pub fn change(&self, name: &str, change: impl FnOnce(&mut Node)) -> Result<(), NodeError> {
        self.update(name, |node| {
            change(node);
            node.changed = true;
        })
    }

    /// Sets the port of a node's command line; the server does not hear of it.
    ///
    /// # Errors
    /// When there is no such node, or the disk refuses.
    pub fn set_ssh_port(&self, name: &str, port: u16) -> Result<(), NodeError> {
        self.update(name, |node| node.ssh_port = Some(port))
    }

    fn update(&self, name: &str, change: impl FnOnce(&mut Node)) -> Result<(), NodeError> {
        let _lock = self.folder.lock()?;
        let former = self.get(name)?;
        let mut node = former.clone();
        change(&mut node);
        if node == former {
            return Ok(());
        }
        self.write(&file_name(name)?, &node)
    }

    /// The secrets of a node.
    ///
    /// # Errors
    /// When there is none or they do not open.
    pub fn secrets(&self, name: &str) -> Result<Secrets, NodeError> {
        let node = self.get(name)?;
        self.open_sealed(&node)
    }

    /// Replaces the secrets of a node, whether the former ones open or not.
    ///
    /// # Errors
    /// When there is no such node, or the disk refuses.
    pub fn set_secrets(&self, name: &str, secrets: &Secrets) -> Result<(), NodeError> {
        let _lock = self.folder.lock()?;
        let mut node = self.get(name)?;
        node.sealed = self.seal(name, secrets)?;
        self.write(&file_name(name)?, &node)
    }

    /// Changes the secrets of a node under the folder's lock.
    ///
    /// # Errors
    /// When there are none or they do not open.
    pub fn update_secrets(&self, name: &str, change: impl FnOnce(&mut Secrets)) -> Result<(), NodeError> {
        let _lock = self.folder.lock()?;
        let mut node = self.get(name)?;
        let mut secrets = self.open_sealed(&node)?;
        change(&mut secrets);
        node.sealed = self.seal(name, &secrets)?;
        self.write(&file_name(name)?, &node)
    }

    /// A text that changes whenever a node file does.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn fingerprint(&self) -> Result<String, NodeError> {
        let mut text = String::new();
        for name in self.folder.names(".json")? {
            if let Ok(meta) = std::fs::metadata(self.folder.file(&name)) {
                text.push_str(&format!("{name} {} {:?}\n", meta.len(), meta.modified().ok()));
            }
        }
        Ok(text)
    }

    fn open_sealed(&self, node: &Node) -> Result<Secrets, NodeError> {
        let plain = self.key.open(&node.name, &node.sealed)?;
        serde_json::from_slice(&plain).map_err(|source| NodeError::Damaged {
            name: node.name.clone(),
            source,
        })
    }

    fn seal(&self, name: &str, secrets: &Secrets) -> Result<String, NodeError> {
        let plain = Zeroizing::new(serde_json::to_vec(secrets).map_err(|source| NodeError::Damaged {
            name: name.into(),
            source,
        })?);
        Ok(self.key.seal(name, &plain)?)
    }

    fn write(&self, file: &str, node: &Node) -> Result<(), NodeError> {
        let bytes = serde_json::to_vec_pretty(node).map_err(|source| NodeError::Damaged {
            name: node.name.clone(),
            source,
        })?;
        Ok(self.folder.write(file, &bytes)?)
    }
}

fn file_name(name: &str) -> Result<String, NodeError> {
    let fine = !name.is_empty()
        && name.len() <= 200
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    if fine {
        Ok(format!("{name}.json"))
    } else {
        Err(NodeError::Name(name.chars().take(60).collect()))
    }
}

/// The nodes that the server assigned last, so that commands know them without asking. What cannot be understood counts as
/// nothing: the next contact writes it anew.
///
/// # Errors
/// When the file cannot be read.
pub fn read_assignments(data: &Folder) -> Result<Vec<NodeAssignment>, FolderError> {
    let bytes = data.read(ASSIGNMENTS)?.unwrap_or_default();
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

/// Keeps the assignments.
///
/// # Errors
/// When the disk refuses.
pub fn write_assignments(data: &Folder, assignments: &[NodeAssignment]) -> Result<(), NodeError> {
    let bytes = serde_json::to_vec_pretty(assignments).map_err(|source| NodeError::Damaged {
        name: ASSIGNMENTS.into(),
        source,
    })?;
    Ok(data.write(ASSIGNMENTS, &bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> Node {
        let declaration = NodeDeclaration {
            node_id: None,
            changed: true,
            cluster: "London".into(),
            product: "cucm".into(),
            version: "15".into(),
            name: name.into(),
            address: "127.0.0.1:8443".into(),
            role: "publisher".into(),
            connector: ConnectorKind::CiscoUc,
        };
        Node::new(declaration, NodeSettings::CiscoUc, true)
    }

    #[test]
    fn credentials_are_sealed_and_belong_to_their_node() {
        let temp = tempfile::tempdir().unwrap();
        let data = Folder::create(&temp.path().join("data")).unwrap();
        let store = NodeStore::open(&data).unwrap();
        let secrets = Secrets {
            user: "admin-canary".into(),
            password: "password-canary".into(),
            pins: vec![],
            host_keys: vec![],
        };
        store.add(node("pub"), Some(&secrets)).unwrap();
        store.add(node("sub"), Some(&secrets)).unwrap();
        assert!(matches!(store.add(node("pub"), None), Err(NodeError::Exists(_))));
        let bytes = data.sub("nodes").unwrap().read("pub.json").unwrap().unwrap();
        assert!(!String::from_utf8(bytes.clone()).unwrap().contains("canary"));
        store
            .update_secrets("pub", |secrets| secrets.pins.push("aa".into()))
            .unwrap();
        assert_eq!(store.secrets("pub").unwrap().password, "password-canary");
        assert_eq!(store.secrets("pub").unwrap().pins, ["aa"]);
        let text = String::from_utf8(bytes).unwrap().replace("\"pub\"", "\"sub\"");
        data.sub("nodes").unwrap().write("sub.json", text.as_bytes()).unwrap();
        assert!(
            store.secrets("sub").is_err(),
            "a file moved to another name does not open"
        );
        let listing = store.list().unwrap();
        assert_eq!((listing.nodes[0].name.as_str(), listing.nodes.len()), ("pub", 1));
        assert!(listing.damaged[0].1.to_string().contains("credentials set sub"));
        store.remove("pub").unwrap();
        assert!(matches!(store.remove("pub"), Err(NodeError::Unknown(_))));
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        for bad in ["", "../x", "a/b", ".hidden", "a\0b", "ä"] {
            assert!(file_name(bad).is_err(), "{bad}");
        }
        assert_eq!(file_name("cucm-pub.example.org").unwrap(), "cucm-pub.example.org.json");
    }
}

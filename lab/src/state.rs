//! What the nodes of a cluster hold, and its file.
//!
//! A change is made on a copy, the copy is written to disk, and only then does it take the place of the former state: what an answer
//! says has happened is still so after the lab was killed.

use crate::{
    files::{read_if_there, write_private},
    keys::KeyId,
    product::{Product, Service},
    version::Version,
};
use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use certyard_pki::Certificate;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// A certificate as the nodes hold it: bytes and a file name. It is parsed when a rule needs to know more.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) sha256: [u8; 32],
    pub(crate) der: Vec<u8>,
    /// `CommonName_SerialNumber`, as nodes name files from 14SU1 on.
    pub(crate) file_name: String,
}

impl Stored {
    pub(crate) fn new(certificate: &Certificate) -> Arc<Self> {
        let name = certificate
            .common_name
            .as_deref()
            .unwrap_or("unnamed")
            .replace([' ', '/'], "_");
        Arc::new(Self {
            sha256: certificate.sha256,
            der: certificate.der.clone(),
            file_name: format!("{name}_{}.pem", certificate.serial_hex.to_lowercase()),
        })
    }

    pub(crate) fn parse(&self) -> Result<Certificate, certyard_pki::PkiError> {
        Certificate::from_der(&self.der)
    }

    pub(crate) fn to_pem(&self) -> String {
        certyard_pki::pem_text::encode("CERTIFICATE", &self.der)
    }
}

/// An identity certificate with its key.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) certificate: Arc<Stored>,
    pub(crate) key: KeyId,
    /// One certificate for all nodes of the cluster.
    pub(crate) multi_server: bool,
}

/// A CSR that waits for its certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PendingCsr {
    pub(crate) pem: String,
    pub(crate) key: KeyId,
    pub(crate) multi_server: bool,
}

/// What the TLS port serves: the certificate that was the identity of `tomcat` when its service was last started.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    /// Leaf first.
    pub(crate) chain: Vec<Arc<Stored>>,
    pub(crate) key: KeyId,
}

/// One node.
#[derive(Clone, Debug)]
pub(crate) struct NodeState {
    /// Name in the lab: the host's name without its domain.
    pub(crate) name: String,
    pub(crate) domain: String,
    pub(crate) publisher: bool,
    pub(crate) user: String,
    pub(crate) password: String,
    /// The port of the last start.
    pub(crate) port: u16,
    /// The port of the command line at the last start.
    pub(crate) ssh_port: u16,
    pub(crate) identities: BTreeMap<String, Identity>,
    pub(crate) csrs: BTreeMap<String, PendingCsr>,
    /// By store, without the suffix `-trust`.
    pub(crate) trusts: BTreeMap<String, Vec<Arc<Stored>>>,
    pub(crate) served: Served,
}

impl NodeState {
    pub(crate) fn fqdn(&self) -> String {
        format!("{}.{}", self.name, self.domain)
    }
}

/// One cluster.
#[derive(Clone, Debug)]
pub(crate) struct ClusterState {
    pub(crate) name: String,
    pub(crate) product: Product,
    pub(crate) version: Version,
    /// The publisher first.
    pub(crate) nodes: Vec<NodeState>,
}

/// Holds each certificate once, however many stores it stands in.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    known: Mutex<HashMap<[u8; 32], Weak<Stored>>>,
}

impl Shelf {
    pub(crate) fn put(&self, stored: Arc<Stored>) -> Arc<Stored> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&stored.sha256).and_then(Weak::upgrade) {
            Some(same) => same,
            None => {
                known.insert(stored.sha256, Arc::downgrade(&stored));
                stored
            }
        }
    }
}

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct ClusterFile {
    format: u32,
    name: String,
    product: Product,
    version: Version,
    certificates: BTreeMap<String, CertificateFile>,
    nodes: Vec<NodeFile>,
}

#[derive(Serialize, Deserialize)]
struct CertificateFile {
    file_name: String,
    der: String,
}

#[derive(Serialize, Deserialize)]
struct NodeFile {
    name: String,
    domain: String,
    publisher: bool,
    user: String,
    password: String,
    port: u16,
    #[serde(default)]
    ssh_port: u16,
    identities: BTreeMap<String, IdentityFile>,
    csrs: BTreeMap<String, PendingCsr>,
    trusts: BTreeMap<String, Vec<String>>,
    served_chain: Vec<String>,
    served_key: KeyId,
}

#[derive(Serialize, Deserialize)]
struct IdentityFile {
    certificate: String,
    key: KeyId,
    multi_server: bool,
}

/// Collects the certificates of a cluster while its file is written.
#[derive(Default)]
struct Written(BTreeMap<String, CertificateFile>);

impl Written {
    fn name(&mut self, stored: &Stored) -> String {
        let name = hex::encode(stored.sha256);
        self.0.entry(name.clone()).or_insert_with(|| CertificateFile {
            file_name: stored.file_name.clone(),
            der: STANDARD.encode(&stored.der),
        });
        name
    }

    fn names(&mut self, stored: &[Arc<Stored>]) -> Vec<String> {
        stored.iter().map(|stored| self.name(stored)).collect()
    }
}

impl ClusterState {
    /// The service of that name in the cluster's release.
    pub(crate) fn service(&self, name: &str) -> Option<&'static Service> {
        self.product.service(self.version, name)
    }

    /// Writes the cluster's file.
    pub(crate) fn save(&self, file: &Path) -> anyhow::Result<()> {
        let mut written = Written::default();
        let nodes = self.nodes.iter().map(|node| node_file(node, &mut written)).collect();
        let content = ClusterFile {
            format: FORMAT,
            name: self.name.clone(),
            product: self.product,
            version: self.version,
            certificates: written.0,
            nodes,
        };
        write_private(file, &serde_json::to_vec(&content)?)
    }

    /// Reads the cluster's file; none if there is none.
    pub(crate) fn load(file: &Path, shelf: &Shelf) -> anyhow::Result<Option<Self>> {
        let Some(text) = read_if_there(file)? else {
            return Ok(None);
        };
        let read = || -> anyhow::Result<Self> {
            let content: ClusterFile = serde_json::from_str(&text)?;
            anyhow::ensure!(
                content.format == FORMAT,
                "its format is {}, this lab knows {FORMAT}",
                content.format
            );
            let mut certificates = HashMap::new();
            for (name, file) in content.certificates {
                let mut sha256 = [0; 32];
                hex::decode_to_slice(&name, &mut sha256)?;
                let stored = Stored {
                    sha256,
                    der: STANDARD.decode(file.der)?,
                    file_name: file.file_name,
                };
                certificates.insert(name, shelf.put(Arc::new(stored)));
            }
            let nodes = content
                .nodes
                .into_iter()
                .map(|node| node_state(node, &certificates))
                .collect::<Result<_, _>>()?;
            Ok(Self {
                name: content.name,
                product: content.product,
                version: content.version,
                nodes,
            })
        };
        read()
            .map(Some)
            .with_context(|| format!("cannot use {}; remove the lab's folder to begin anew", file.display()))
    }
}

fn node_file(node: &NodeState, written: &mut Written) -> NodeFile {
    let identities = node.identities.iter().map(|(service, identity)| {
        let file = IdentityFile {
            certificate: written.name(&identity.certificate),
            key: identity.key.clone(),
            multi_server: identity.multi_server,
        };
        (service.clone(), file)
    });
    NodeFile {
        identities: identities.collect(),
        trusts: node
            .trusts
            .iter()
            .map(|(store, held)| (store.clone(), written.names(held)))
            .collect(),
        served_chain: written.names(&node.served.chain),
        served_key: node.served.key.clone(),
        name: node.name.clone(),
        domain: node.domain.clone(),
        publisher: node.publisher,
        user: node.user.clone(),
        password: node.password.clone(),
        port: node.port,
        ssh_port: node.ssh_port,
        csrs: node.csrs.clone(),
    }
}

fn node_state(file: NodeFile, certificates: &HashMap<String, Arc<Stored>>) -> anyhow::Result<NodeState> {
    let find = |name: &String| {
        certificates
            .get(name)
            .cloned()
            .with_context(|| format!("certificate {name} is missing"))
    };
    let mut identities = BTreeMap::new();
    for (service, identity) in file.identities {
        let certificate = find(&identity.certificate)?;
        identities.insert(
            service,
            Identity {
                certificate,
                key: identity.key,
                multi_server: identity.multi_server,
            },
        );
    }
    let mut trusts = BTreeMap::new();
    for (store, names) in file.trusts {
        trusts.insert(store, names.iter().map(find).collect::<Result<_, _>>()?);
    }
    Ok(NodeState {
        served: Served {
            chain: file.served_chain.iter().map(find).collect::<Result<_, _>>()?,
            key: file.served_key,
        },
        name: file.name,
        domain: file.domain,
        publisher: file.publisher,
        user: file.user,
        password: file.password,
        port: file.port,
        ssh_port: file.ssh_port,
        identities,
        csrs: file.csrs,
        trusts,
    })
}

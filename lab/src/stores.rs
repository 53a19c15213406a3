//! What a node holds, seen without its ports: with it a test compares what others say of the node.

use crate::{product::store_title, state::NodeState};
use std::collections::{BTreeMap, BTreeSet};

/// The stores of a node. Certificates are told by SHA-256 in lower-case hex.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeStores {
    /// Identity certificates by service.
    pub identities: BTreeMap<String, String>,
    /// CSRs that wait for their certificates, in PEM, by service.
    pub csrs: BTreeMap<String, String>,
    /// What each trust store holds, by its title (`tomcat-trust`).
    pub trusts: BTreeMap<String, BTreeSet<String>>,
}

impl NodeStores {
    pub(crate) fn of(node: &NodeState) -> Self {
        let identities = node.identities.iter();
        let trusts = node.trusts.iter();
        Self {
            identities: identities
                .map(|(service, held)| (service.clone(), hex::encode(held.certificate.sha256)))
                .collect(),
            csrs: node
                .csrs
                .iter()
                .map(|(service, csr)| (service.clone(), csr.pem.clone()))
                .collect(),
            trusts: trusts
                .map(|(store, held)| {
                    let held = held.iter().map(|stored| hex::encode(stored.sha256));
                    (store_title(store), held.collect())
                })
                .collect(),
        }
    }
}

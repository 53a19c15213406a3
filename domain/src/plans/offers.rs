//! What can be asked for on a certificate of a list, and why the rest cannot (R11 to R22): the same rules as those of plans, on what
//! a list knows.

use super::actions::{Offer, offers_of_identity, offers_of_trust};
use super::facts::{Entry, Facts, Node, OpenCsr, OpenTasks, Shared, Wanted};
use crate::Timestamp;
use crate::catalogue::reuse_of;
use crate::profiles::{Effective, Signing};
use uuid::Uuid;

/// What a list knows of a certificate in a store.
#[derive(Clone, Debug)]
pub struct Listed<'a> {
    /// It is an identity certificate.
    pub identity: bool,
    /// The store: the purpose of an identity certificate, or the trust store.
    pub store: &'a str,
    /// Its name in the trust store.
    pub entry: &'a str,
    /// SHA-256 of the certificate, lower-case hex.
    pub sha256: &'a str,
    /// It is not there any more.
    pub gone: bool,
    /// The node.
    pub node: &'a str,
    /// Its role.
    pub role: &'a str,
    /// The cluster.
    pub cluster: &'a str,
    /// The product's code.
    pub product: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Certificate management is switched on for the cluster.
    pub enabled: bool,
    /// The way that the profile wants: `ca_signed`, `self_signed`, `use_tomcat`; `None`: either.
    pub wanted: Option<&'a str>,
    /// There is an open CSR for the purpose.
    pub csr: bool,
    /// Of a trust store: whose own certificate it is.
    pub own: &'a [String],
}

/// What can be asked for, and why the rest cannot.
pub fn offers(listed: &Listed<'_>, now: Timestamp) -> Vec<Offer> {
    let node = Node {
        id: Uuid::nil(),
        name: listed.node.into(),
        address: String::new(),
        role: listed.role.into(),
        connector: String::new(),
        ready: true,
        retired: false,
        fault: None,
        inventory_at: None,
        agent_id: None,
        second_agent_id: None,
        cluster_id: Uuid::nil(),
        cluster_name: listed.cluster.into(),
        product: listed.product.into(),
        product_version: listed.version.into(),
        enabled: listed.enabled,
    };
    let effective = Effective {
        signing: match listed.wanted {
            Some("ca_signed") => Some(Signing::CaSigned),
            Some("self_signed") => Some(Signing::SelfSigned),
            _ => None,
        },
        reuse: match listed.wanted {
            Some("use_tomcat") => reuse_of(listed.product, listed.version, listed.store).map(|row| row.of),
            _ => None,
        },
        ..Effective::default()
    };
    let csr = OpenCsr {
        csr: None,
        spki_sha256: String::new(),
        created_at: now,
    };
    let shared = Shared::default();
    let facts = Facts {
        now,
        node: &node,
        purpose: listed.store,
        agents: Vec::new(),
        wanted: Wanted { profile: "", effective },
        installed: None,
        source: None,
        source_sharing: Vec::new(),
        sharing: Vec::new(),
        reused_by: Vec::new(),
        entry: (!listed.identity).then(|| Entry {
            sha256: listed.sha256,
            name: (!listed.gone).then_some(listed.entry),
            certificate: None,
            own: listed.own.to_vec(),
            signs: Vec::new(),
        }),
        csr: listed.csr.then_some(&csr),
        cluster: &[],
        trust: &[],
        open: OpenTasks::default(),
        shared: &shared,
    };
    if listed.identity {
        offers_of_identity(&facts)
    } else {
        offers_of_trust(&facts)
    }
}

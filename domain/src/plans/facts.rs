//! What a plan is made on: everything about one purpose of one node, gathered beforehand so that checks are pure.

use super::request::CsrOptions;
use crate::Timestamp;
use crate::profiles::Effective;
use crate::root_changes::Undistributed;
use certyard_pki::{Certificate, Csr};
use certyard_protocol::{Capability, ConnectorKind, Rollback, StepKind};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use uuid::Uuid;

/// An agent that was not heard of for so long is offline.
pub(crate) const OFFLINE_AFTER_SECONDS: i64 = 180;

/// A node with its cluster.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub id: Uuid,
    pub name: String,
    pub address: String,
    pub role: String,
    pub connector: String,
    pub ready: bool,
    pub retired: bool,
    pub fault: Option<String>,
    /// When it was last read.
    pub inventory_at: Option<Timestamp>,
    pub agent_id: Option<Uuid>,
    pub second_agent_id: Option<Uuid>,
    pub cluster_id: Uuid,
    pub cluster_name: String,
    pub product: String,
    pub product_version: String,
    pub enabled: bool,
}

/// An agent that may be given tasks.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub id: Uuid,
    /// Version of the protocol that it speaks.
    pub protocol: u32,
    pub capabilities: Vec<Capability>,
    pub last_seen_at: Option<Timestamp>,
}

/// The identity certificate that is installed for the purpose.
#[derive(Clone, Debug)]
pub(super) struct Installed {
    pub certificate_id: Uuid,
    pub sha256: String,
    pub common_name: String,
    pub issuer: String,
    pub serial_hex: String,
    pub self_signed: bool,
    pub not_after: Timestamp,
    /// DNS names and addresses; read for CSRs only.
    pub names: Vec<String>,
}

/// A node in use of the target's cluster, the target's own included, with what it holds for the purpose.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub node_id: Uuid,
    /// Name of the node.
    pub node: String,
    /// Names and addresses by which a certificate may name it.
    pub known_as: Vec<String>,
    /// SHA-256 of the key of its open CSR.
    pub csr: Option<String>,
    /// A task for the purpose waits on it.
    pub waiting: bool,
}

/// The CSR that waits for its answer.
#[derive(Clone, Debug)]
pub(super) struct OpenCsr {
    pub csr: Option<Csr>,
    pub spki_sha256: String,
    pub created_at: Timestamp,
}

/// A certificate in the trust store of the purpose.
#[derive(Clone, Debug)]
pub(super) struct Trusted {
    pub sha256: String,
    pub subject_hash: String,
    pub not_before: Timestamp,
}

/// A certificate of a trust store that an action is on.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub sha256: &'a str,
    /// Its name in the store, while it is there.
    pub name: Option<&'a str>,
    /// What is known of it, whether it is there or not.
    pub certificate: Option<&'a Certificate>,
    /// Whose own certificate it is, wherever its deletion reaches: "`tomcat` on node `a`".
    pub own: Vec<String>,
    /// Whose certificate it has signed there.
    pub signs: Vec<String>,
}

/// Tasks on the same purpose of the node that have not ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OpenTasks {
    pub waiting: u32,
    pub running: u32,
}

/// What the profile of the cluster wants for the purpose.
#[derive(Clone, Debug)]
pub(super) struct Wanted<'a> {
    /// Name of the profile; empty where it was not looked up.
    pub profile: &'a str,
    /// What of it holds in the cluster's version.
    pub effective: Effective,
}

impl Wanted<'_> {
    /// The profile in a sentence.
    pub fn who(&self) -> String {
        match self.profile {
            "" => "the profile of the cluster".into(),
            name => format!("the profile `{name}`"),
        }
    }
}

/// What all targets of a plan share.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    /// Certificates of the upload that are no authorities.
    pub leaves: Vec<Certificate>,
    /// Authorities of the upload; all of it where certificates are distributed.
    pub uploaded: Vec<Certificate>,
    /// Authorities that the inventory knows and that may have issued one of them.
    pub known: Vec<Certificate>,
    /// Changes of purposes in clusters that are under way, or were made lately.
    pub recent: HashMap<(Uuid, String), Recent>,
    /// Root changes whose new certificate is not everywhere yet.
    pub undistributed: Vec<Undistributed>,
}

impl Shared {
    /// Takes over what was found out about an upload.
    pub fn set_upload(&mut self, upload: Self) {
        self.leaves = upload.leaves;
        self.uploaded = upload.uploaded;
        self.known = upload.known;
    }
}

/// A change of a purpose somewhere in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recent {
    /// It has not ended.
    Open,
    /// It was made within the hours that phones need to take it.
    Made,
}

/// Everything about one target.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    pub now: Timestamp,
    pub node: &'a Node,
    /// A trust store where the action is on one; empty where it is on the node as a whole.
    pub purpose: &'a str,
    /// Those that may work for the node, the first one first; neither banned nor retired.
    pub agents: Vec<&'a Agent>,
    pub wanted: Wanted<'a>,
    /// The certificate of the purpose; of an action on a certificate of a trust store, that one while it is there.
    pub installed: Option<&'a Installed>,
    /// The certificate of the purpose that this one may take over.
    pub source: Option<&'a Installed>,
    /// Other nodes of the cluster that have that certificate for its purpose, by name.
    pub source_sharing: Vec<&'a str>,
    /// Other nodes of the cluster that have the same certificate for the purpose, by name.
    pub sharing: Vec<&'a str>,
    /// Purposes of the node that use the certificate of this one (R12).
    pub reused_by: Vec<&'static str>,
    /// The certificate in the trust store.
    pub entry: Option<Entry<'a>>,
    pub csr: Option<&'a OpenCsr>,
    /// All nodes of the cluster; empty where the product has no certificates that cover several.
    pub cluster: &'a [Holding],
    pub trust: &'a [Trusted],
    pub open: OpenTasks,
    pub shared: &'a Shared,
}

impl Facts<'_> {
    pub fn connector(&self) -> Option<ConnectorKind> {
        ConnectorKind::parse(&self.node.connector)
    }

    /// How the connector undoes a step; `None` where no agent of the node offers the step.
    pub fn offers(&self, step: StepKind) -> Option<Rollback> {
        self.agents.iter().find_map(|agent| self.agent_offers(agent, step))
    }

    pub fn agent_offers(&self, agent: &Agent, step: StepKind) -> Option<Rollback> {
        let connector = self.connector()?;
        agent
            .capabilities
            .iter()
            .filter(|capability| capability.connector == connector)
            .flat_map(|capability| &capability.steps)
            .find(|offered| offered.step == step)
            .map(|offered| offered.rollback)
    }

    /// Whether an agent of the node was heard of lately.
    pub fn online(&self) -> bool {
        let last = self.now - chrono::Duration::seconds(OFFLINE_AFTER_SECONDS);
        self.agents
            .iter()
            .any(|agent| agent.last_seen_at.is_some_and(|seen| seen > last))
    }
}

/// What of the facts a job has to find unchanged. Stored with each target of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Expect {
    pub enabled: bool,
    pub retired: bool,
    pub ready: bool,
    pub product: String,
    pub version: String,
    pub connector: String,
    pub agent_id: Option<Uuid>,
    pub second_agent_id: Option<Uuid>,
    /// SHA-256 of the installed certificate.
    pub installed: Option<String>,
    /// SHA-256 of the key of the open CSR.
    pub csr: Option<String>,
    /// A change that must not go together with this one, and is under way or was just made.
    #[serde(default)]
    pub counterpart: Option<String>,
}

impl Expect {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        Self {
            enabled: facts.node.enabled,
            retired: facts.node.retired,
            ready: facts.node.ready,
            product: facts.node.product.clone(),
            version: facts.node.product_version.clone(),
            connector: facts.node.connector.clone(),
            agent_id: facts.agents.first().map(|agent| agent.id),
            second_agent_id: facts.agents.get(1).map(|agent| agent.id),
            installed: facts.installed.map(|installed| installed.sha256.clone()),
            csr: facts.csr.map(|csr| csr.spki_sha256.clone()),
            counterpart: super::planner::counterpart(facts).map(|(_, other, _)| other.to_string()),
        }
    }

    /// What differs now: a word for programs, what it was, what it is.
    pub(super) fn differences(&self, now: &Self) -> Vec<(&'static str, String, String)> {
        fn id(id: Option<Uuid>) -> String {
            id.map(|id| id.to_string()).unwrap_or_default()
        }
        let Self {
            enabled,
            retired,
            ready,
            product,
            version,
            connector,
            agent_id,
            second_agent_id,
            installed,
            csr,
            counterpart,
        } = self;
        let pairs = [
            ("service_enabled", enabled.to_string(), now.enabled.to_string()),
            ("retired", retired.to_string(), now.retired.to_string()),
            ("ready", ready.to_string(), now.ready.to_string()),
            ("product", product.clone(), now.product.clone()),
            ("version", version.clone(), now.version.clone()),
            ("connector", connector.clone(), now.connector.clone()),
            ("agent", id(*agent_id), id(now.agent_id)),
            ("second_agent", id(*second_agent_id), id(now.second_agent_id)),
            (
                "certificate",
                installed.clone().unwrap_or_default(),
                now.installed.clone().unwrap_or_default(),
            ),
            (
                "csr",
                csr.clone().unwrap_or_default(),
                now.csr.clone().unwrap_or_default(),
            ),
            (
                "unsafe_together",
                counterpart.clone().unwrap_or_default(),
                now.counterpart.clone().unwrap_or_default(),
            ),
        ];
        pairs.into_iter().filter(|(_, before, after)| before != after).collect()
    }
}

/// Whether the names of installed certificates are needed.
pub(super) fn wants_names(options: &CsrOptions) -> bool {
    options.names.is_empty()
}

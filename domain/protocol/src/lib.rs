//! What the server and its agents say to each other: serde types only, no behaviour beyond encoding.
//!
//! Agents connect out over HTTPS with mutual TLS to the listener of their own (`/agent/v1`). The server never connects to
//! an agent. A task travels as the exact bytes that were signed, inside an [`Envelope`].
//!
//! | call | request | answer |
//! |---|---|---|
//! | `POST /enroll` (no client certificate) | [`EnrollRequest`] | 201 [`Identity`] |
//! | `POST /renew` | [`RenewRequest`] | [`Identity`] |
//! | `GET /bundle` | | [`Bundle`] |
//! | `POST /poll` | [`PollRequest`] | [`PollAnswer`], held up to `wait_seconds` while there is nothing to do |
//! | `POST /claim` | [`ClaimRequest`] | [`ClaimAnswer`] |
//! | `POST /tasks/{id}/lease` | [`LeaseRequest`] | [`LeaseAnswer`], 409 when the epoch is stale |
//! | `POST /tasks/{id}/result` | [`TaskResult`] | [`ResultAnswer`], 409 when the epoch is stale |
//! | `PUT /nodes` | [`NodesRequest`] | [`NodesAnswer`] |
//! | `PUT /nodes/{id}/inventory` | [`InventoryReport`] | [`InventoryAnswer`] |
//!
//! Status codes beside success: 401 no or unknown identity, 403 banned or not the caller's, 409 stale epoch or digest,
//! 410 retired (stop for good), 422 refused request, 426 version too old, 429 and 503 with `Retry-After`. Every refusal is
//! `application/problem+json`.

mod inventory;
mod task;

pub use inventory::*;
pub use task::*;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Path under which the agent listener answers.
pub const BASE_PATH: &str = "/agent/v1";

/// Protocol version; the server serves this one and the one before. An agent of a former version reads what it knows of a task and
/// passes over the rest, so the server keeps from it what it would take for something else:
///
/// | version | adds |
/// |---|---|
/// | 1 | `cisco_uc`, `nginx` |
/// | 2 | `cisco_cli`, [`CsrSpec::multi_server`] |
pub const PROTOCOL_VERSION: u32 = 2;

/// Seconds for which an empty poll is held, before ± 10 % jitter. Many proxies cut idle requests at 60 s.
pub const POLL_HOLD_SECONDS: u64 = 55;

/// Seconds for which a claimed task belongs to its agent, and how often the agent renews.
pub const LEASE_SECONDS: i64 = 60;
/// Seconds between two renewals of a lease: a third of it, so that two may be lost.
pub const LEASE_RENEW_SECONDS: u64 = 20;

/// URI that names an agent in its certificate's subject alternative name: `urn:certyard:<org>:<agent>`.
pub fn agent_urn(org: Uuid, agent: Uuid) -> String {
    format!("urn:certyard:{org}:{agent}")
}

/// Reads an [`agent_urn`]; `None` when the text is anything else.
pub fn parse_agent_urn(urn: &str) -> Option<(Uuid, Uuid)> {
    let (org, agent) = urn.strip_prefix("urn:certyard:")?.split_once(':')?;
    Some((org.parse().ok()?, agent.parse().ok()?))
}

/// First contact of an agent: spends a join token for an identity.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnrollRequest {
    /// Join token as the page showed it, `cyj_…`; it carries the organisation.
    pub token: String,
    /// PKCS#10 request in PEM, signed with the key that the agent made. Its subject and extensions are ignored.
    pub csr_pem: String,
    /// Name to show for the agent, by default the host name.
    pub name: String,
    /// Facts about the host, for people.
    pub host: HostFacts,
    /// Version of the agent program.
    pub version: String,
    /// [`PROTOCOL_VERSION`] of the agent.
    pub protocol: u32,
}

/// What an agent tells about the machine that it runs on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HostFacts {
    /// Host name as the machine calls itself.
    pub hostname: String,
    /// Operating system, for instance `Debian GNU/Linux 12`.
    pub os: String,
    /// Processor architecture, for instance `x86_64`.
    pub arch: String,
}

/// Asks for the next identity with a new key, over mutual TLS with the present one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RenewRequest {
    /// PKCS#10 request in PEM for the new key.
    pub csr_pem: String,
    /// Version of the agent program.
    pub version: String,
}

/// An agent's identity and all that it trusts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Identity {
    /// The organisation.
    pub org_id: Uuid,
    /// The agent.
    pub agent_id: Uuid,
    /// Counts the identities of this agent; an older one that comes back is a copy.
    pub generation: i64,
    /// The agent's certificate and its issuers in PEM, leaf first.
    pub certificate_pem: String,
    /// End of the certificate.
    pub not_after: DateTime<Utc>,
    /// What the agent trusts.
    pub bundle: Bundle,
}

/// Trust anchors of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// Roots of the agent listener in PEM; two while one replaces the other.
    pub ca_pem: String,
    /// Keys whose signature on a task is accepted; two while one replaces the other.
    pub task_keys: Vec<TaskKey>,
    /// Raised by a restore of the server's database: an agent then takes older epochs and generations, with an alarm.
    pub incarnation: i64,
    /// The server's clock.
    pub server_time: DateTime<Utc>,
}

/// Public half of a task signing key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskKey {
    /// First 16 hex digits of the SHA-256 of the public key.
    pub id: String,
    /// Ed25519 public key, 32 bytes, base64.
    pub public_key: String,
}

/// Waits for work and says what the agent is and does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PollRequest {
    /// Made anew at each start of the agent.
    pub session: Uuid,
    /// Counts the polls of this session.
    pub seq: u64,
    /// Version of the agent program.
    pub version: String,
    /// [`PROTOCOL_VERSION`] of the agent.
    pub protocol: u32,
    /// What its connectors can do.
    pub capabilities: Vec<Capability>,
    /// Tasks under way.
    pub running: Vec<TaskRef>,
    /// Seconds to hold the poll at most; the server may choose less. `None`: [`POLL_HOLD_SECONDS`].
    #[serde(default)]
    pub wait_seconds: Option<u64>,
}

/// Why a poll came back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PollAnswer {
    /// There is something to claim.
    pub work: bool,
    /// The list of assigned nodes changed: `PUT /nodes` tells the new one.
    pub nodes_changed: bool,
    /// Running tasks that someone asked to stop.
    pub cancel: Vec<Uuid>,
    /// The bundle changed: `GET /bundle`.
    pub bundle_changed: bool,
    /// The server's clock.
    pub server_time: DateTime<Utc>,
}

/// One task in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskRef {
    /// The task.
    pub task_id: Uuid,
    /// Rises with each claim.
    pub epoch: i64,
}

/// Nodes that the agent knows credentials of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodesRequest {
    /// Nodes entered on the agent itself; the server creates what it does not know, within the agent's group.
    pub declared: Vec<NodeDeclaration>,
    /// Nodes for which the agent holds what its connector needs.
    pub ready: Vec<Uuid>,
}

/// A node as entered by `certyard-agent node add`.
///
/// The server knows it by `node_id` once it took it, by cluster and name before. From then on names, address and role are
/// the server's: it takes them from here again only when a command of the agent `changed` them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeDeclaration {
    /// The server's id of the node, as it was told in [`NodesAnswer::taken`].
    #[serde(default)]
    pub node_id: Option<Uuid>,
    /// A command of the agent entered or changed it since the server last took it.
    #[serde(default)]
    pub changed: bool,
    /// Name of the cluster; made when there is none of that name.
    pub cluster: String,
    /// Product of the cluster, in the catalogue's spelling: `cucm`, `imp`, `server`, …
    pub product: String,
    /// Version of the product, `14`, `15`, or empty.
    pub version: String,
    /// Name of the node, its host name as a rule.
    pub name: String,
    /// Host and port where the connector reaches it.
    pub address: String,
    /// `publisher`, `subscriber` or `standalone`.
    pub role: String,
    /// Driver.
    pub connector: ConnectorKind,
}

/// The nodes that this agent works for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct NodesAnswer {
    /// All of them.
    pub nodes: Vec<NodeAssignment>,
    /// Declarations that are known on the server now, each with the id to declare it by from here on.
    #[serde(default)]
    pub taken: Vec<Taken>,
    /// Declarations that were refused, with the reason in the user's words.
    pub refused: Vec<Refused>,
}

/// A declaration that the server knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Name of the node as it was declared.
    pub name: String,
    /// Its id.
    pub node_id: Uuid,
}

/// A declaration that the server did not take.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refused {
    /// Name of the node.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// A node that an agent works for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeAssignment {
    /// The node.
    pub node_id: Uuid,
    /// Name of its cluster.
    pub cluster: String,
    /// Name of the node.
    pub name: String,
    /// Host and port.
    pub address: String,
    /// Product of the cluster.
    pub product: String,
    /// Version of the product.
    pub version: String,
    /// `publisher`, `subscriber` or `standalone`.
    pub role: String,
    /// Driver.
    pub connector: ConnectorKind,
}

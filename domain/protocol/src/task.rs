//! Tasks: what an agent is asked to do on one node, and what it answers.

use crate::{NodeInventory, TaskRef};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Driver for a kind of node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorKind {
    /// Cisco UC nodes from release 14, by their certificate management REST API.
    CiscoUc,
    /// Cisco UC nodes of any release, by their command line over SSH.
    CiscoCli,
    /// nginx on the agent's own host.
    Nginx,
}

impl ConnectorKind {
    /// Every connector.
    pub const ALL: [Self; 3] = [Self::CiscoUc, Self::CiscoCli, Self::Nginx];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CiscoUc => "cisco_uc",
            Self::CiscoCli => "cisco_cli",
            Self::Nginx => "nginx",
        }
    }

    /// The first [`crate::PROTOCOL_VERSION`] whose agents know it: an older one cannot read a list of nodes in which it stands.
    pub fn since_protocol(self) -> u32 {
        match self {
            Self::CiscoUc | Self::Nginx => 1,
            Self::CiscoCli => 2,
        }
    }

    /// It reaches Cisco UC nodes, which make keys and CSRs by their own rules.
    pub fn is_cisco(self) -> bool {
        match self {
            Self::CiscoUc | Self::CiscoCli => true,
            Self::Nginx => false,
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How a connector undoes a step that went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rollback {
    /// The connector itself puts the former state back when a later step fails.
    Automatic,
    /// The former state is kept and can be put back by another task.
    RestorePrevious,
    /// The step cannot be undone; the plan asks for the user's consent.
    None,
}

/// What one connector of an agent can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capability {
    /// The connector.
    pub connector: ConnectorKind,
    /// Its steps, each with the way it is undone.
    pub steps: Vec<StepCapability>,
}

/// One step that a connector can do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepCapability {
    /// The step.
    pub step: StepKind,
    /// How it is undone.
    pub rollback: Rollback,
}

/// Kinds of [`Step`], in the order in which a task may have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Make a key and a CSR on the node.
    GenerateCsr,
    /// Delete the open CSR of a purpose and its key.
    DeleteCsr,
    /// Put CA certificates into a trust store.
    InstallTrust,
    /// Put an identity certificate and its chain beside the key that is on the node, and make it the configured one.
    InstallIdentity,
    /// Make a new key and a self-signed certificate on the node, in the place of the one before.
    Regenerate,
    /// Make the certificate of `tomcat` the one of another purpose, too.
    ReuseTomcat,
    /// Delete a certificate from a trust store.
    DeleteTrust,
    /// Restart a service of the node.
    RestartService,
    /// Make the service take the new certificate up where that is harmless (a reload without a restart).
    Activate,
    /// Look over the wire which certificate is served.
    Verify,
    /// Read all stores of the node.
    Inventory,
}

impl StepKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::GenerateCsr,
        Self::DeleteCsr,
        Self::InstallTrust,
        Self::InstallIdentity,
        Self::Regenerate,
        Self::ReuseTomcat,
        Self::DeleteTrust,
        Self::RestartService,
        Self::Activate,
        Self::Verify,
        Self::Inventory,
    ];

    /// Its name in the API, the journal and the catalogue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GenerateCsr => "generate_csr",
            Self::DeleteCsr => "delete_csr",
            Self::InstallTrust => "install_trust",
            Self::InstallIdentity => "install_identity",
            Self::Regenerate => "regenerate",
            Self::ReuseTomcat => "reuse_tomcat",
            Self::DeleteTrust => "delete_trust",
            Self::RestartService => "restart_service",
            Self::Activate => "activate",
            Self::Verify => "verify",
            Self::Inventory => "inventory",
        }
    }
}

/// One thing for a connector to do. Each is a wanted state: doing it twice has the effect of doing it once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// See [`StepKind::GenerateCsr`].
    GenerateCsr(CsrSpec),
    /// See [`StepKind::DeleteCsr`]. Where there is none, nothing is to do.
    DeleteCsr {
        /// Purpose.
        purpose: String,
    },
    /// See [`StepKind::InstallTrust`].
    InstallTrust {
        /// Trust store, for instance `tomcat-trust`.
        store: String,
        /// CA certificates in PEM, root first.
        certificates_pem: Vec<String>,
    },
    /// See [`StepKind::InstallIdentity`].
    InstallIdentity {
        /// Purpose, for instance `tomcat` or `nginx:www.example.org`.
        purpose: String,
        /// Leaf first, then its issuers up to and with the root where known, in PEM.
        chain_pem: Vec<String>,
        /// SHA-256 of the leaf's DER, lower-case hex.
        sha256: String,
    },
    /// See [`StepKind::Regenerate`]. The wanted state is another certificate than the one that it replaces, so that a repeat finds
    /// the renewal of the first try and makes none of its own.
    Regenerate {
        /// Purpose, for instance `tomcat`.
        purpose: String,
        /// SHA-256 of the certificate that is replaced, lower-case hex; `None`: there was none.
        replaces_sha256: Option<String>,
    },
    /// See [`StepKind::ReuseTomcat`]. The wanted state is one certificate for both.
    ReuseTomcat {
        /// Purpose that takes it over: `CallManager` from `tomcat`, `CallManager-ECDSA` from `tomcat-ECDSA`.
        purpose: String,
    },
    /// See [`StepKind::DeleteTrust`]. A certificate that is not there is success with a note.
    DeleteTrust {
        /// Trust store, for instance `tomcat-trust`.
        store: String,
        /// Its entry in the store, as the inventory named it.
        entry: String,
        /// SHA-256 of the certificate, lower-case hex: another one under the same name stays.
        sha256: String,
    },
    /// See [`StepKind::RestartService`]. The wanted state is a service that was started after the task began.
    RestartService {
        /// Name as the node spells it, for instance `Cisco Tomcat`.
        service: String,
    },
    /// See [`StepKind::Activate`].
    Activate {
        /// Purpose.
        purpose: String,
    },
    /// See [`StepKind::Verify`].
    Verify {
        /// Purpose.
        purpose: String,
        /// SHA-256 of the certificate that is to be served, lower-case hex.
        sha256: String,
    },
    /// See [`StepKind::Inventory`].
    Inventory,
}

impl Step {
    /// The kind of the step.
    pub fn kind(&self) -> StepKind {
        match self {
            Self::GenerateCsr(_) => StepKind::GenerateCsr,
            Self::DeleteCsr { .. } => StepKind::DeleteCsr,
            Self::InstallTrust { .. } => StepKind::InstallTrust,
            Self::InstallIdentity { .. } => StepKind::InstallIdentity,
            Self::Regenerate { .. } => StepKind::Regenerate,
            Self::ReuseTomcat { .. } => StepKind::ReuseTomcat,
            Self::DeleteTrust { .. } => StepKind::DeleteTrust,
            Self::RestartService { .. } => StepKind::RestartService,
            Self::Activate { .. } => StepKind::Activate,
            Self::Verify { .. } => StepKind::Verify,
            Self::Inventory => StepKind::Inventory,
        }
    }

    /// The first [`crate::PROTOCOL_VERSION`] whose agents do the step as it is meant.
    pub fn since_protocol(&self) -> u32 {
        match self {
            Self::GenerateCsr(spec) if spec.multi_server => 2,
            Self::GenerateCsr(_)
            | Self::DeleteCsr { .. }
            | Self::InstallTrust { .. }
            | Self::InstallIdentity { .. }
            | Self::Regenerate { .. }
            | Self::ReuseTomcat { .. }
            | Self::DeleteTrust { .. }
            | Self::RestartService { .. }
            | Self::Activate { .. }
            | Self::Verify { .. }
            | Self::Inventory => 1,
        }
    }
}

/// What a CSR is to ask for. The key is made on the node and stays there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CsrSpec {
    /// Purpose, for instance `tomcat`.
    pub purpose: String,
    /// Common name; empty: the node's own choice (its host name).
    pub common_name: String,
    /// DNS names and IP addresses for the subject alternative name, the common name included.
    pub names: Vec<String>,
    /// `RSA` or `EC`.
    pub key_type: String,
    /// Bits of the RSA modulus, or of the curve: 256, 384, 521.
    pub key_bits: u32,
    /// `SHA256`, `SHA384` or `SHA512`.
    pub hash: String,
    /// Further subject fields by their short names, in order: `O`, `OU`, `L`, `ST`, `C`.
    #[serde(default)]
    pub subject: Vec<(String, String)>,
    /// The node makes it for all nodes of its cluster, adds their names by itself, and spreads it to them.
    #[serde(default)]
    pub multi_server: bool,
}

/// What the signature of the server covers: one task in one epoch, for one agent and node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskPayload {
    /// The organisation.
    pub org_id: Uuid,
    /// The agent that may do it.
    pub agent_id: Uuid,
    /// The node that it is for.
    pub node_id: Uuid,
    /// The job.
    pub job_id: Uuid,
    /// The task.
    pub task_id: Uuid,
    /// The epoch of this claim.
    pub epoch: i64,
    /// Name of the action, for logs.
    pub action: String,
    /// Driver.
    pub connector: ConnectorKind,
    /// What to do, in order. The agent stops at the first failure.
    pub steps: Vec<Step>,
    /// What has to be true on the node before the first step.
    pub expect: Vec<Expectation>,
    /// Earliest start.
    pub not_before: DateTime<Utc>,
    /// Latest start of the first step; later the agent answers `expired`.
    pub deadline: DateTime<Utc>,
}

/// A fact that the plan was made on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// Store, for instance `tomcat`.
    pub store: String,
    /// Entry in the store.
    pub entry: String,
    /// SHA-256 of the certificate that is there, lower-case hex; `None`: nothing is there.
    pub sha256: Option<String>,
    /// SHA-256 of the subject public key info of the CSR that is there; `None`: not looked at.
    #[serde(default)]
    pub csr_spki_sha256: Option<String>,
}

/// A payload as its exact bytes, and their signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// [`TaskPayload`] as JSON, base64.
    pub payload: String,
    /// [`crate::TaskKey::id`] of the key that signed.
    pub key_id: String,
    /// Ed25519 over the bytes of the payload, base64.
    pub signature: String,
}

impl Envelope {
    /// The bytes that were signed, and the signature; `None` when the base64 is broken.
    pub fn decode(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        Some((
            STANDARD.decode(&self.payload).ok()?,
            STANDARD.decode(&self.signature).ok()?,
        ))
    }

    /// Wraps payload bytes and their signature.
    pub fn encode(payload: &[u8], key_id: &str, signature: &[u8]) -> Self {
        Self {
            payload: STANDARD.encode(payload),
            key_id: key_id.into(),
            signature: STANDARD.encode(signature),
        }
    }
}

/// Asks for tasks.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// At most so many, 1 to 100.
    pub max: u32,
}

/// Claimed tasks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ClaimAnswer {
    /// At most one for each node.
    pub tasks: Vec<ClaimedTask>,
}

/// A task with its lease.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClaimedTask {
    /// Task and epoch.
    #[serde(flatten)]
    pub task: TaskRef,
    /// Seconds for which the task belongs to this agent, from the answer on.
    pub lease_seconds: i64,
    /// What to do.
    pub envelope: Envelope,
}

/// Renews a lease and tells progress. May be lost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LeaseRequest {
    /// Epoch of the claim.
    pub epoch: i64,
    /// Step under way.
    pub step: Option<StepKind>,
    /// One line for people.
    pub message: String,
}

/// Answer to a renewal.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct LeaseAnswer {
    /// Seconds of the lease from now.
    pub lease_seconds: i64,
    /// Someone asked to stop: stop where it is safe and report.
    pub cancel: bool,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every step was done.
    Succeeded,
    /// A step failed; see [`TaskResult::node_state`].
    Failed,
    /// It failed before anything changed for a reason that may pass (the node did not answer): try again later.
    Retry,
    /// It was stopped on request before anything changed.
    Cancelled,
    /// The deadline had passed before the first step.
    Expired,
}

/// What a failed task left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// The wanted state.
    Changed,
    /// Nothing was touched.
    NotStarted,
    /// The former state was put back and is served.
    RolledBack,
    /// Putting the former state back failed too.
    RollbackFailed,
    /// Some steps took effect and stay, each named in the steps.
    Partial,
}

/// Why something failed, in the user's words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable code, `snake_case`: `node_unreachable`, `expectation_failed`, `unsupported_step`, `config_check_failed`, …
    pub code: String,
    /// One sentence that names the thing and the way out, with the node's own words where it has any.
    pub message: String,
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// The step.
    pub step: StepKind,
    /// It was done, or there was nothing to do.
    pub ok: bool,
    /// Note for people, for instance `already installed`.
    pub note: String,
    /// When it began, by the agent's clock.
    pub started_at: DateTime<Utc>,
    /// Milliseconds that it took.
    pub millis: u64,
}

/// End of a task. Sent until the server answers; the same (task, epoch) gets the same answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// Epoch of the claim.
    pub epoch: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// What it left on the node.
    pub node_state: NodeState,
    /// Why, unless it succeeded.
    pub failure: Option<Failure>,
    /// Each step that was begun.
    pub steps: Vec<StepReport>,
    /// The CSR that the task made, PEM.
    pub csr_pem: Option<String>,
    /// What the node holds now.
    pub inventory: Option<NodeInventory>,
}

/// Answer to a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultAnswer {
    /// The server has it on disk.
    pub recorded: bool,
}

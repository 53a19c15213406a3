//! Is this task what the server signed, for this agent and node, and still wanted? Pure: no node is touched here.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use certyard_protocol::{Capability, ClaimedTask, ConnectorKind, Envelope, TaskKey, TaskPayload};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// A payload of chains and names is far smaller; a larger one is an attack on memory.
const LARGEST_PAYLOAD: usize = 2 * 1024 * 1024;
/// A clock that is wrong by less does not stop a task that was just made.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// Why a task is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Base64, size or JSON is broken, or it names a step that this agent does not know.
    #[error("the task cannot be read: {0}")]
    Unreadable(String),
    /// No key of the bundle has this id.
    #[error("the task is signed with key {0}, which is not among this agent's task keys")]
    UnknownKey(String),
    /// The signature does not cover the payload.
    #[error("the signature of the task is wrong: it was changed after it was signed")]
    BadSignature,
    /// It is for somebody else.
    #[error("the task is for another {0}")]
    Foreign(&'static str),
    /// The claim says one thing, the signed payload another.
    #[error("the claim does not name the task and epoch that were signed")]
    ClaimMismatch,
    /// The node has another driver here.
    #[error("the task wants the connector {wanted}, the node has {has}")]
    WrongConnector {
        /// In the payload.
        wanted: &'static str,
        /// On this agent.
        has: &'static str,
    },
    /// A step that the connector does not offer.
    #[error("the connector {connector} does not offer the step {step}")]
    Unsupported {
        /// The connector.
        connector: &'static str,
        /// The step.
        step: &'static str,
    },
    /// No steps.
    #[error("the task has no steps")]
    Empty,
    /// Its time has not come.
    #[error("the task may not begin before {not_before} and this machine's clock says {now}")]
    TooEarly {
        /// Earliest start.
        not_before: DateTime<Utc>,
        /// The clock.
        now: DateTime<Utc>,
    },
    /// Its time is over.
    #[error("the task had to begin before {deadline} and this machine's clock says {now}")]
    Expired {
        /// Latest start.
        deadline: DateTime<Utc>,
        /// The clock.
        now: DateTime<Utc>,
    },
}

impl Refusal {
    /// Stable code for the result.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::Empty => "task_unreadable",
            Self::UnknownKey(_) => "task_key_unknown",
            Self::BadSignature => "signature_invalid",
            Self::Foreign(_) | Self::ClaimMismatch => "task_foreign",
            Self::WrongConnector { .. } => "wrong_connector",
            Self::Unsupported { .. } => "unsupported_step",
            Self::TooEarly { .. } => "too_early",
            Self::Expired { .. } => "expired",
        }
    }
}

/// Opens an envelope whose signature is right.
///
/// # Errors
/// When it is broken, signed by an unknown key, or changed.
pub fn open_envelope(envelope: &Envelope, keys: &[TaskKey]) -> Result<TaskPayload, Refusal> {
    if envelope.payload.len() > LARGEST_PAYLOAD {
        return Err(Refusal::Unreadable(format!(
            "it is larger than {LARGEST_PAYLOAD} bytes"
        )));
    }
    let (payload, signature) = envelope
        .decode()
        .ok_or_else(|| Refusal::Unreadable("its base64 is broken".into()))?;
    let key = keys
        .iter()
        .find(|key| key.id == envelope.key_id)
        .ok_or_else(|| Refusal::UnknownKey(envelope.key_id.chars().take(32).collect()))?;
    let public = STANDARD.decode(&key.public_key).map_err(|_| Refusal::BadSignature)?;
    UnparsedPublicKey::new(&ED25519, public)
        .verify(&payload, &signature)
        .map_err(|_| Refusal::BadSignature)?;
    serde_json::from_slice(&payload).map_err(|error| Refusal::Unreadable(error.to_string()))
}

/// Who this agent is and what it can do for the node of a task.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// The organisation.
    pub org_id: Uuid,
    /// The agent.
    pub agent_id: Uuid,
    /// Driver of the node, `None` when this agent does not hold the node.
    pub connector: Option<ConnectorKind>,
    /// What that driver can do.
    pub capability: Option<&'a Capability>,
}

/// Checks that a signed payload is for this agent, this claim, and now.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_payload(
    payload: &TaskPayload,
    claimed: &ClaimedTask,
    recipient: &Recipient<'_>,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    if payload.org_id != recipient.org_id {
        return Err(Refusal::Foreign("organisation"));
    }
    if payload.agent_id != recipient.agent_id {
        return Err(Refusal::Foreign("agent"));
    }
    if payload.task_id != claimed.task.task_id || payload.epoch != claimed.task.epoch {
        return Err(Refusal::ClaimMismatch);
    }
    let (Some(connector), Some(capability)) = (recipient.connector, recipient.capability) else {
        return Err(Refusal::Foreign("node: this agent holds no credentials of it"));
    };
    if payload.connector != connector {
        return Err(Refusal::WrongConnector {
            wanted: payload.connector.as_str(),
            has: connector.as_str(),
        });
    }
    if payload.steps.is_empty() {
        return Err(Refusal::Empty);
    }
    for step in &payload.steps {
        if !capability.steps.iter().any(|can| can.step == step.kind()) {
            return Err(Refusal::Unsupported {
                connector: connector.as_str(),
                step: step.kind().as_str(),
            });
        }
    }
    if payload.not_before > now + CLOCK_TOLERANCE {
        return Err(Refusal::TooEarly {
            not_before: payload.not_before,
            now,
        });
    }
    check_deadline(payload, now)
}

/// Checks that the first step may still begin.
///
/// # Errors
/// [`Refusal::Expired`].
pub fn check_deadline(payload: &TaskPayload, now: DateTime<Utc>) -> Result<(), Refusal> {
    if payload.deadline < now {
        return Err(Refusal::Expired {
            deadline: payload.deadline,
            now,
        });
    }
    Ok(())
}

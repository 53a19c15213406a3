//! What a driver for a kind of node has to know. Connectors know steps, not actions; the order of steps, the journal and
//! the signature are the business of [`crate::execute`].
//!
//! A step is a wanted state. Before a step the executor asks [`Connector::before`] and writes the answer to its journal;
//! after a crash it asks [`Connector::probe_effect`] with that same answer whether the step already took effect, and only
//! runs it when it did not. A connector therefore never repeats an effect, as long as `before` and `probe_effect` tell
//! the truth.

use async_trait::async_trait;
use certyard_protocol::{Capability, Failure, NodeInventory, Rollback, Step, StepKind};
use serde::{Deserialize, Serialize};

/// What the node looked like before a step: all that `probe_effect` and `rollback` need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// SHA-256 of the DER of the open CSR of the step's purpose, lower-case hex.
    #[serde(default)]
    pub csr_sha256: Option<String>,
    /// SHA-256 of the installed certificate of the step's purpose, lower-case hex.
    #[serde(default)]
    pub installed_sha256: Option<String>,
    /// Name of the release that the node's link points to (nginx).
    #[serde(default)]
    pub release: Option<String>,
    /// Name of the open request (nginx).
    #[serde(default)]
    pub request: Option<String>,
    /// SHA-256 of those certificates of the step that the trust store held already.
    #[serde(default)]
    pub trusted: Vec<String>,
    /// SHA-256 of the served certificate at each address, lower-case hex; `None` where nothing answered.
    #[serde(default)]
    pub served: Vec<Option<String>>,
}

/// What a step did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepDone {
    /// Note for people, for instance `already installed`.
    pub note: String,
    /// The CSR that the step made or found, PEM.
    #[serde(default)]
    pub csr_pem: Option<String>,
    /// What the node holds, when the step was to read it.
    #[serde(default)]
    pub inventory: Option<NodeInventory>,
}

impl StepDone {
    /// A step with nothing but a note.
    pub fn note(text: impl Into<String>) -> Self {
        Self {
            note: text.into(),
            ..Self::default()
        }
    }
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct StepError {
    /// Stable code, `snake_case`.
    pub code: &'static str,
    /// One sentence for people.
    pub message: String,
    /// The reason may pass by itself: the node did not answer.
    pub passing: bool,
}

impl StepError {
    /// A failure that stays until somebody changes something.
    pub fn lasting(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            passing: false,
        }
    }

    /// A failure that may pass by itself.
    pub fn passing(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            passing: true,
        }
    }

    /// A step that this connector does not have.
    pub fn unsupported(connector: &dyn Connector, step: StepKind) -> Self {
        Self::lasting(
            "unsupported_step",
            format!(
                "the connector {} does not offer the step {}",
                connector.capability().connector.as_str(),
                step.as_str()
            ),
        )
    }

    /// As the protocol says it.
    pub fn failure(&self) -> Failure {
        Failure {
            code: self.code.into(),
            message: self.message.clone(),
        }
    }
}

/// Whether a step took effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Nothing of it is on the node: run it.
    Absent,
    /// It is there.
    Present(StepDone),
}

/// A driver for one node.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Its steps, each with the way it is undone.
    fn capability(&self) -> Capability;

    /// Reads all stores of the node.
    async fn inventory(&self) -> Result<NodeInventory, StepError>;

    /// Reads what the journal keeps of the node before the step. Changes nothing.
    async fn before(&self, step: &Step) -> Result<Before, StepError>;

    /// Does the step. Finding it done already is success with a note.
    async fn run(&self, step: &Step, before: &Before) -> Result<StepDone, StepError>;

    /// Whether the step took effect since `before` was read. Changes nothing.
    async fn probe_effect(&self, step: &Step, before: &Before) -> Result<Effect, StepError>;

    /// Puts the state of `before` back, for steps whose [`Rollback`] is `Automatic`, and checks that it is in force.
    async fn rollback(&self, step: &Step, before: &Before) -> Result<(), StepError>;

    /// Whether a step that failed left anything on the node.
    async fn touched(&self, step: &Step, before: &Before) -> Result<bool, StepError> {
        Ok(self.probe_effect(step, before).await? != Effect::Absent)
    }

    /// How the connector undoes the step; `None` when it does not offer it.
    fn rollback_kind(&self, step: StepKind) -> Option<Rollback> {
        let steps = self.capability().steps;
        steps.iter().find(|can| can.step == step).map(|can| can.rollback)
    }
}

/// Whether a step changes the node at all.
pub fn has_effect(step: StepKind) -> bool {
    match step {
        StepKind::GenerateCsr
        | StepKind::DeleteCsr
        | StepKind::InstallTrust
        | StepKind::InstallIdentity
        | StepKind::Regenerate
        | StepKind::ReuseTomcat
        | StepKind::DeleteTrust
        | StepKind::RestartService
        | StepKind::Activate => true,
        StepKind::Verify | StepKind::Inventory => false,
    }
}

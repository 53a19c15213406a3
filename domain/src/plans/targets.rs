//! What an action is done on, and in which order.

use super::request::push;
use crate::Timestamp;
use crate::error::FieldError;
use certyard_protocol::Step;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Targets of one plan at most: what is planned, stored and shown in one go.
pub const MAX_TARGETS: usize = 20_000;
/// A task may be claimed for so long unless the request says otherwise.
pub const DEFAULT_DEADLINE_SECONDS: i64 = 24 * 3600;
/// A job that has not begun after so long is no longer what its user had in mind.
const MAX_DEADLINE_SECONDS: i64 = 30 * 24 * 3600;

/// What an action is done on. Ids that are unknown, foreign or out of scope are answered as one thing: there is no such.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", content = "of", rename_all = "snake_case")]
pub enum Targets {
    /// The purposes, or nodes, of these installations.
    Installations(Vec<Uuid>),
    /// These nodes, with the purpose that the action names where it needs one.
    Nodes(Vec<Uuid>),
    /// The nodes and purposes of these open CSRs.
    Csrs(Vec<Uuid>),
    /// These certificates that were taken from trust stores and are kept.
    Kept(Vec<Uuid>),
    /// Whatever matches at this moment.
    Filter(TargetFilter),
    /// These purposes, stores or certificates of these nodes, as a retry names them.
    Places(Vec<TargetPlace>),
}

/// A place on a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetPlace {
    /// The node.
    pub node_id: Uuid,
    /// Purpose or trust store; empty for the node as a whole.
    pub purpose: String,
    /// SHA-256 of the certificate in the store, lower-case hex, where the action is on one.
    #[serde(default)]
    pub sha256: Option<String>,
    /// The task for this place that failed half-way, where there was one.
    #[serde(default)]
    pub earlier: Option<Earlier>,
}

/// What a task was to do that failed half-way: what has taken effect is not done again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// Its steps.
    pub steps: Vec<Step>,
    /// How many of them were done, from the first on, and were not undone.
    pub done: usize,
    /// It went on with a still earlier one, which had made the change.
    pub goes_on: bool,
    /// What had been made before it.
    #[serde(default)]
    pub made: Vec<Step>,
    /// When it ended: a reading of the node that is newer says more than its report.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
}

/// All nodes, or all identity certificates, that match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetFilter {
    /// Only in these clusters; empty: in all.
    pub cluster_ids: Vec<Uuid>,
    /// Only in these groups; empty: in all.
    pub group_ids: Vec<Uuid>,
    /// Only of this product.
    pub product: Option<String>,
    /// Only identity certificates of this purpose.
    pub purpose: Option<String>,
    /// Only identity certificates that end before.
    pub not_after_before: Option<Timestamp>,
}

/// How a job proceeds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Order {
    /// So many targets go first, alone; 0: all at once.
    pub canary: u32,
    /// At most so many tasks are open to agents at a time; 0: no limit.
    pub max_parallel: u32,
    /// The rest is cancelled once so many tasks have failed; 0: never, or at the first failure where there are canaries.
    pub stop_at_failures: u32,
    /// Not before this time.
    pub not_before: Option<Timestamp>,
    /// Seconds from `not_before`, or from the start of the job, within which each task has to begin.
    pub deadline_seconds: Option<i64>,
}

impl Order {
    /// The number of failures at which the job stops; 0: it never does.
    pub(crate) fn stop_at(&self) -> u32 {
        if self.canary > 0 {
            self.stop_at_failures.max(1)
        } else {
            self.stop_at_failures
        }
    }
}

impl Order {
    pub(super) fn validate(&self, now: Timestamp, wrong: &mut Vec<FieldError>) {
        let seconds = self.deadline_seconds.unwrap_or(DEFAULT_DEADLINE_SECONDS);
        if !(60..=MAX_DEADLINE_SECONDS).contains(&seconds) {
            let text = format!("between 60 and {MAX_DEADLINE_SECONDS} seconds");
            push(wrong, "order.deadline_seconds", "out_of_range", text);
        }
        if let Some(not_before) = self.not_before
            && not_before > now + chrono::Duration::seconds(MAX_DEADLINE_SECONDS)
        {
            push(
                wrong,
                "order.not_before",
                "out_of_range",
                "at most 30 days ahead".into(),
            );
        }
        for (field, value) in [
            ("order.canary", self.canary),
            ("order.max_parallel", self.max_parallel),
            ("order.stop_at_failures", self.stop_at_failures),
        ] {
            if value as usize > MAX_TARGETS {
                push(wrong, field, "out_of_range", format!("at most {MAX_TARGETS}"));
            }
        }
    }
}

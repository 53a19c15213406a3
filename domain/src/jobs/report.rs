//! How a task ends.

use super::advance::{advance, has_open};
use super::backoff::{delay, jitter};
use super::claim::{agent_of, own_task, stale_epoch};
use super::entity::task;
use super::state::TaskState;
use super::transition::{Changes, Moves, col};
use crate::clusters;
use crate::db::{Db, OrgTx, retry};
use crate::error::{Error, Result};
use crate::failpoint::{self, Operation};
use crate::signal::Topic;
use crate::{Scope, Timestamp};
use certyard_protocol::{NodeState, Outcome, ResultAnswer, StepReport, TaskResult};
use sea_orm::sea_query::{Condition, Expr, ExprTrait};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest text that is taken from an agent.
const MAX_TEXT: usize = 2_000;
/// Steps of a task are few.
const MAX_STEPS: usize = 100;

/// What is kept of the reports on a task.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Recorded {
    /// Epochs whose result was recorded: a repeated one gets the same answer.
    pub epochs: Vec<i64>,
    /// Steps of the last one.
    pub steps: Vec<StepReport>,
}

impl Recorded {
    pub fn read(json: Option<serde_json::Value>) -> Result<Self> {
        match json {
            Some(json) => serde_json::from_value(json).map_err(Error::internal),
            None => Ok(Self::default()),
        }
    }
}

/// Text of an agent as it may be stored: no control characters (PostgreSQL takes no NUL), not too long.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if letter.is_control() && letter != '\n' {
                ' '
            } else {
                letter
            }
        })
        .take(MAX_TEXT)
        .collect()
}

fn name_of(state: NodeState) -> &'static str {
    match state {
        NodeState::Changed => "changed",
        NodeState::NotStarted => "not_started",
        NodeState::RolledBack => "rolled_back",
        NodeState::RollbackFailed => "rollback_failed",
        NodeState::Partial => "partial",
    }
}

/// What a result comes to. Pure.
#[derive(Clone, Debug, PartialEq)]
enum Ending {
    Succeeded,
    Failed {
        code: String,
        message: String,
    },
    /// Back to pending, to be claimed again from this time on.
    Again {
        not_before: Timestamp,
        why: String,
    },
    /// Back to pending and from there stopped, as nothing had changed.
    GivenBack {
        to: TaskState,
        why: String,
    },
}

fn decide(task: &task::Model, result: &TaskResult, now: Timestamp, jitter: f64) -> Ending {
    let (code, message) = match &result.failure {
        Some(failure) => (plain(&failure.code), plain(&failure.message)),
        None => ("unknown".into(), "the agent gave no reason".into()),
    };
    match result.outcome {
        Outcome::Succeeded => Ending::Succeeded,
        Outcome::Failed => Ending::Failed { code, message },
        Outcome::Cancelled if task.cancel_requested => Ending::GivenBack {
            to: TaskState::Cancelled,
            why: "stopped on request before anything was changed".into(),
        },
        Outcome::Expired if task.deadline <= now => Ending::GivenBack {
            to: TaskState::Expired,
            why: "the deadline had passed before the first step".into(),
        },
        // Also what an agent says that was stopped, or whose clock is ahead.
        Outcome::Retry | Outcome::Cancelled | Outcome::Expired => {
            let not_before = crate::clock::cut(now + delay(task.attempts, jitter));
            if task.cancel_requested {
                Ending::GivenBack {
                    to: TaskState::Cancelled,
                    why: "stopped on request before anything was changed".into(),
                }
            } else if task.attempts >= task.max_attempts {
                Ending::Failed {
                    code,
                    message: format!("{message} (tried {} times)", task.attempts),
                }
            } else if not_before >= task.deadline {
                Ending::Failed {
                    code,
                    message: format!("{message} (the deadline leaves no time to try again)"),
                }
            } else {
                Ending::Again {
                    not_before,
                    why: format!("{message}; tried again"),
                }
            }
        }
    }
}

/// Takes the result of a task: the task, the inventory, the counts move in one transaction, and only for the epoch that
/// was claimed last. The same (task, epoch) gets the same answer as often as it is sent.
///
/// # Errors
/// [`Error::Conflict`] `stale_epoch` when the claim is not the present one; [`Error::NotFound`] for a task that is not the
/// agent's.
pub async fn report(db: &Db, scope: &Scope, task_id: Uuid, result: &TaskResult) -> Result<ResultAnswer> {
    let node = super::inventory::Seen::read(result).await;
    match retry(|| take(db, scope, task_id, result, Some(&node))).await {
        // What was done on the node is told in any case; its stores come with the next refresh.
        Err(Error::Internal { source }) => {
            tracing::error!(error = %source, task = %task_id, "the inventory of a result could not be stored and is left out");
            retry(|| take(db, scope, task_id, result, None)).await
        }
        taken => taken,
    }
}

async fn take(
    db: &Db,
    scope: &Scope,
    task_id: Uuid,
    result: &TaskResult,
    node: Option<&super::inventory::Seen>,
) -> Result<ResultAnswer> {
    let agent = agent_of(scope)?;
    let tx = db.write(scope).await?;
    let cluster = own_task(&tx, agent, task_id).await?.cluster_id;
    clusters::lock(&tx, &[cluster]).await?;
    let task = own_task(&tx, agent, task_id).await?;
    let mut recorded = Recorded::read(task.result.clone())?;
    if recorded.epochs.contains(&result.epoch) {
        return Ok(ResultAnswer { recorded: true });
    }
    let present =
        task.state == TaskState::Running.as_str() && task.epoch == result.epoch && task.lease_agent_id == Some(agent);
    if !present {
        return Err(stale_epoch());
    }
    recorded.epochs.push(result.epoch);
    recorded.steps = result.steps.iter().take(MAX_STEPS).map(clean).collect();
    let ending = decide(&task, result, tx.now(), jitter());
    end(&tx, &task, result, &recorded, ending).await?;
    if let Some(node) = node {
        node.store(&tx, &task).await?;
    }
    let last = !has_open(&tx, task.job_id).await?;
    let waiting = super::advance::has_waiting(&tx, task.job_id).await?;
    failpoint::commit(tx, Operation::Report).await?;
    if last || waiting {
        // Where this fails, the worker does it at its next round: the result itself is on disk.
        if let Err(error) = advance(db, scope.org_id(), task.job_id).await {
            tracing::warn!(%error, job = %task.job_id, "the job was not moved on; the worker will");
        }
    }
    Ok(ResultAnswer { recorded: true })
}

fn clean(step: &StepReport) -> StepReport {
    StepReport {
        note: plain(&step.note),
        ..step.clone()
    }
}

async fn end(tx: &OrgTx, task: &task::Model, result: &TaskResult, recorded: &Recorded, ending: Ending) -> Result<()> {
    let mut changes: Changes = vec![
        (
            "result",
            Expr::value(serde_json::to_value(recorded).map_err(Error::internal)?),
        ),
        ("result_epoch", Expr::value(result.epoch)),
    ];
    let mut moves = Moves::default();
    let which = || {
        Condition::all()
            .add(col("id").eq(task.id))
            .add(col("epoch").eq(result.epoch))
    };
    let note = recorded
        .steps
        .iter()
        .map(|step| step.note.as_str())
        .filter(|note| !note.is_empty())
        .collect::<Vec<_>>()
        .join("; ");
    let note = plain(&note);
    let moved = match ending {
        Ending::Succeeded => {
            changes.extend(outcome(Some(note), Some(name_of(result.node_state)), None, None));
            moves
                .shift(tx, TaskState::Running, TaskState::Succeeded, which(), changes)
                .await?
        }
        Ending::Failed { code, message } => {
            let state = name_of(result.node_state);
            changes.extend(outcome(Some(note), Some(state), Some(code), Some(message)));
            moves
                .shift(tx, TaskState::Running, TaskState::Failed, which(), changes)
                .await?
        }
        Ending::Again { not_before, why } => {
            changes.extend(outcome(Some(why), None, None, None));
            changes.push(("not_before", Expr::value(not_before)));
            moves
                .shift(tx, TaskState::Running, TaskState::Pending, which(), changes)
                .await?
        }
        Ending::GivenBack { to, why } => {
            changes.extend(outcome(Some(why), Some("not_started"), None, None));
            moves
                .shift(tx, TaskState::Running, TaskState::Pending, which(), changes)
                .await?;
            moves.shift(tx, TaskState::Pending, to, which(), Vec::new()).await?
        }
    };
    if moved.is_empty() {
        return Err(stale_epoch());
    }
    moves.settle(tx).await?;
    // The node is free again: whatever else waits for it can be claimed by either agent.
    for agent in [task.agent_id, task.second_agent_id].into_iter().flatten() {
        tx.wake(Topic::Agent(agent));
    }
    Ok(())
}

fn outcome(
    message: Option<String>,
    node_state: Option<&'static str>,
    code: Option<String>,
    failure: Option<String>,
) -> Changes {
    vec![
        ("message", Expr::value(message.filter(|text| !text.is_empty()))),
        ("node_state", Expr::value(node_state.map(str::to_string))),
        ("failure_code", Expr::value(code)),
        ("failure", Expr::value(failure)),
    ]
}

//! Agents fetch tasks and keep them.

use super::entity::task;
use super::state::TaskState;
use super::transition::{Moves, Place, col, in_state, touch};
use crate::db::dialect::lock_free_rows;
use crate::db::{Db, OrgTx, retry, was_ended_for_others};
use crate::error::{Error, Result, is_unique_violation};
use crate::failpoint::{self, Operation};
use crate::keys::Keys;
use crate::plans::Work;
use crate::{ActorKind, Scope, Timestamp};
use certyard_protocol::{ClaimedTask, Envelope, LEASE_SECONDS, LeaseAnswer, LeaseRequest, TaskPayload, TaskRef};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, QueryFilter, QuerySelect};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Tasks of one claim at most.
pub const MAX_CLAIM: u32 = 100;
/// Rows looked at for each task that is wanted: several may be of one node, of which one can be taken.
const LOOK_AHEAD: u64 = 4;
/// Another agent may take a task of the same node in the very moment; the claim is then made anew.
const TRIES: usize = 5;

/// The agent of a scope.
pub(super) fn agent_of(scope: &Scope) -> Result<Uuid> {
    match (scope.actor().kind, scope.actor().id) {
        (ActorKind::Agent, Some(id)) => Ok(id),
        _ => Err(Error::Forbidden {
            message: "this is for agents only".into(),
        }),
    }
}

/// Gives the agent tasks that it may begin now, at most one for each node, each with a new epoch and a lease. They are
/// signed once they are on disk.
///
/// # Errors
/// [`Error::Forbidden`] for whoever is not an agent.
pub async fn claim(db: &Db, scope: &Scope, keys: &Keys, max: u32) -> Result<Vec<ClaimedTask>> {
    let agent = agent_of(scope)?;
    let mut payloads = Vec::new();
    for last in (0..TRIES).rev() {
        match claim_once(db, scope, agent, max.clamp(1, MAX_CLAIM)).await {
            Ok(found) => {
                payloads = found;
                break;
            }
            Err(Failure::Raced) if last > 0 => {}
            // Somebody else is busy with the same nodes: nothing for now.
            Err(Failure::Raced) => break,
            Err(Failure::Other(error)) => return Err(error),
        }
    }
    let mut tasks = Vec::with_capacity(payloads.len());
    for payload in payloads {
        let bytes = serde_json::to_vec(&payload).map_err(Error::internal)?;
        let (key_id, signature) = keys.sign_task(&bytes);
        tasks.push(ClaimedTask {
            task: TaskRef {
                task_id: payload.task_id,
                epoch: payload.epoch,
            },
            lease_seconds: LEASE_SECONDS,
            envelope: Envelope::encode(&bytes, &key_id, &signature),
        });
    }
    Ok(tasks)
}

enum Failure {
    Raced,
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if was_ended_for_others(&error) {
            return Self::Raced;
        }
        if let Error::Internal { source } = &error
            && source.downcast_ref::<DbErr>().is_some_and(is_unique_violation)
        {
            return Self::Raced;
        }
        Self::Other(error)
    }
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Self {
        Error::from(error).into()
    }
}

/// What an agent may begin: its tasks by one of the two columns, on nodes where nothing runs.
fn claimable(tx: &OrgTx, column: &'static str, agent: Uuid) -> SelectStatement {
    let busy = Query::select()
        .expr(Expr::value(1))
        .from_as("task", "busy")
        .and_where(Expr::col(("busy", "org_id")).eq(tx.org_id()))
        .and_where(Expr::col(("busy", "node_id")).equals(("task", "node_id")))
        .and_where(Expr::cust("\"busy\".\"state\" = 'running'"))
        .limit(1)
        .take();
    // Looked up for each task, and not joined: counts of rows from before a large job make a join look cheap that reads all of it.
    let busy = Expr::SubQuery(None, Box::new(busy.into()));
    Query::select()
        .columns(["id", "node_id", "job_id", "cluster_id"].map(|column| ("task", column)))
        .from("task")
        .and_where(col("org_id").eq(tx.org_id()))
        .and_where(col(column).eq(agent))
        .and_where(in_state(TaskState::Pending))
        .and_where(col("not_before").lte(tx.now()))
        .and_where(col("deadline").gt(tx.now()))
        .and_where(busy.is_null())
        .take()
}

async fn claim_once(db: &Db, scope: &Scope, agent: Uuid, max: u32) -> Result<Vec<TaskPayload>, Failure> {
    let tx = db.write(scope).await?;
    let wanted = max as usize;
    // The oldest of each node among those looked at: ids rise with time.
    let mut chosen: BTreeMap<Uuid, (Uuid, Place)> = BTreeMap::new();
    for column in ["agent_id", "second_agent_id"] {
        if chosen.len() >= wanted {
            break;
        }
        let mut select = claimable(&tx, column, agent);
        // No ORDER BY: with one the whole index would be read.
        select.limit(u64::from(max) * LOOK_AHEAD);
        lock_free_rows(&mut select);
        for row in tx.query_all(&select).await? {
            let id: Uuid = row.try_get("", "id")?;
            let node: Uuid = row.try_get("", "node_id")?;
            let place = (row.try_get("", "job_id")?, row.try_get("", "cluster_id")?);
            let oldest = chosen.entry(node).or_insert((id, place));
            *oldest = std::cmp::min((id, place), *oldest);
        }
    }
    let mut chosen: Vec<(Uuid, Place)> = chosen.into_values().collect();
    chosen.sort_unstable();
    chosen.truncate(wanted);
    let Some((_, first)) = chosen.first().copied() else {
        return Ok(Vec::new());
    };
    let mut moves = Moves::default();
    let free = moves
        .hold_free(&tx, chosen.iter().map(|(_, place)| *place).collect())
        .await?;
    // The others are fetched by the next claim. Where somebody is busy everywhere, one place is waited for.
    if free.is_empty() {
        chosen.retain(|(_, place)| *place == first);
    } else {
        chosen.retain(|(_, place)| free.contains(place));
    }
    let lease_until = tx.now() + chrono::Duration::seconds(LEASE_SECONDS);
    let changes = vec![
        ("epoch", Expr::col("epoch").add(1)),
        ("attempts", Expr::col("attempts").add(1)),
        ("lease_agent_id", Expr::value(agent)),
        ("lease_until", Expr::value(lease_until)),
        ("message", Expr::value(Option::<String>::None)),
        (
            "started_at",
            Func::coalesce([Expr::col("started_at"), Expr::value(tx.now())]).into(),
        ),
    ];
    let which = Condition::all().add(col("id").is_in(chosen.iter().map(|(id, _)| *id)));
    let rows = moves
        .take(&tx, TaskState::Pending, TaskState::Running, which, changes)
        .await?;
    moves.settle(&tx).await?;
    let org_id = tx.org_id();
    let mut payloads = Vec::with_capacity(rows.len());
    for row in rows {
        let work: Work = serde_json::from_value(row.work).map_err(Error::internal)?;
        payloads.push(TaskPayload {
            org_id,
            agent_id: agent,
            node_id: row.node_id,
            job_id: row.job_id,
            task_id: row.id,
            epoch: row.epoch,
            action: row.action,
            connector: work.connector,
            steps: work.steps,
            expect: work.expect,
            not_before: row.not_before,
            deadline: row.deadline,
        });
    }
    failpoint::commit(tx, Operation::Claim).await?;
    payloads.sort_by_key(|payload| payload.task_id);
    Ok(payloads)
}

/// What waits for an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// There is something to claim.
    pub ready: bool,
    /// When there will be something, where nobody has to do anything for it.
    pub next_at: Option<Timestamp>,
}

/// Whether the agent of the scope has something to claim, and when it will.
///
/// # Errors
/// [`Error::Forbidden`] for whoever is not an agent.
pub async fn has_work(tx: &OrgTx) -> Result<Waiting> {
    let agent = agent_of(tx.scope())?;
    let mut waiting = Waiting::default();
    for column in ["agent_id", "second_agent_id"] {
        let mut select = claimable(tx, column, agent);
        select.limit(1);
        if tx.query_one(&select).await?.is_some() {
            waiting.ready = true;
            return Ok(waiting);
        }
        let later = Query::select()
            .expr_as(Func::min(col("not_before")), "next")
            .from("task")
            .and_where(col("org_id").eq(tx.org_id()))
            .and_where(col(column).eq(agent))
            .and_where(in_state(TaskState::Pending))
            .and_where(col("not_before").gt(tx.now()))
            .take();
        if let Some(row) = tx.query_one(&later).await? {
            let next: Option<Timestamp> = row.try_get("", "next")?;
            waiting.next_at = [waiting.next_at, next].into_iter().flatten().min();
        }
    }
    Ok(waiting)
}

/// Which of the tasks that the agent works on it shall stop: someone asked to, or they are no longer the agent's.
///
/// # Errors
/// [`Error::Forbidden`] for whoever is not an agent.
pub async fn cancelled_for(tx: &OrgTx, running: &[TaskRef]) -> Result<Vec<Uuid>> {
    let agent = agent_of(tx.scope())?;
    if running.is_empty() {
        return Ok(Vec::new());
    }
    use task::Column;
    let rows: Vec<(Uuid, i64, bool)> = tx
        .find::<task::Entity>()
        .select_only()
        .columns([Column::Id, Column::Epoch, Column::CancelRequested])
        .filter(Column::Id.is_in(running.iter().take(1_000).map(|task| task.task_id)))
        .filter(Column::LeaseAgentId.eq(agent))
        .filter(Column::State.eq(TaskState::Running.as_str()))
        .into_tuple()
        .all(tx)
        .await?;
    let kept: BTreeMap<Uuid, (i64, bool)> = rows
        .into_iter()
        .map(|(id, epoch, cancel)| (id, (epoch, cancel)))
        .collect();
    Ok(running
        .iter()
        .filter(|task| match kept.get(&task.task_id) {
            Some((epoch, cancel)) => *epoch != task.epoch || *cancel,
            None => true,
        })
        .map(|task| task.task_id)
        .collect())
}

/// The answer to an agent whose claim is not the present one.
pub(super) fn stale_epoch() -> Error {
    Error::conflict(
        "stale_epoch",
        "the task was given to somebody else or has ended: drop this claim",
    )
}

/// Renews a lease and notes progress.
///
/// # Errors
/// [`Error::Conflict`] `stale_epoch` when the claim is not the present one; [`Error::NotFound`] for a task that is not the
/// agent's.
pub async fn lease(db: &Db, scope: &Scope, task_id: Uuid, request: &LeaseRequest) -> Result<LeaseAnswer> {
    retry(|| renew_lease(db, scope, task_id, request)).await
}

async fn renew_lease(db: &Db, scope: &Scope, task_id: Uuid, request: &LeaseRequest) -> Result<LeaseAnswer> {
    let agent = agent_of(scope)?;
    let tx = db.write(scope).await?;
    let row = own_task(&tx, agent, task_id).await?;
    let step = request.step.map(|step| step.as_str().to_string());
    let message = super::report::plain(&request.message);
    let message = (!message.is_empty()).then_some(message);
    let moved = row.step != step || row.message != message;
    let done = tx
        .update_many::<task::Entity>()
        .col_expr(
            task::Column::LeaseUntil,
            Expr::value(tx.now() + chrono::Duration::seconds(LEASE_SECONDS)),
        )
        .col_expr(task::Column::Step, Expr::value(step))
        .col_expr(task::Column::Message, Expr::value(message))
        .col_expr(task::Column::UpdatedAt, Expr::value(tx.now()))
        .filter(task::Column::Id.eq(task_id))
        .filter(task::Column::State.eq(TaskState::Running.as_str()))
        .filter(task::Column::Epoch.eq(request.epoch))
        .filter(task::Column::LeaseAgentId.eq(agent))
        .exec(&tx)
        .await?;
    if done.rows_affected == 0 {
        return Err(stale_epoch());
    }
    if moved {
        touch(&tx, row.job_id, row.cluster_id).await?;
    }
    failpoint::commit(tx, Operation::Lease).await?;
    Ok(LeaseAnswer {
        lease_seconds: LEASE_SECONDS,
        cancel: row.cancel_requested,
    })
}

/// A task that one of whose agents is the caller.
pub(super) async fn own_task(tx: &OrgTx, agent: Uuid, id: Uuid) -> Result<task::Model> {
    let row = tx
        .find::<task::Entity>()
        .filter(task::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or(Error::NotFound { what: "task" })?;
    let mine = [row.agent_id, row.second_agent_id, row.lease_agent_id].contains(&Some(agent));
    if mine {
        Ok(row)
    } else {
        Err(Error::NotFound { what: "task" })
    }
}

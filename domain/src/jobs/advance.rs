//! What follows from the counts of a job: the next tasks open, the rest is stopped, the job is finished. It runs after
//! each report that may matter and again from the worker, so that a crash in between loses nothing.

use super::entity::{job, job_cluster, task};
use super::state::{Counts, JobStatus, TaskState};
use super::transition::{Moved, Moves, col, in_state, wake_agents};
use crate::Scope;
use crate::clusters;
use crate::db::dialect::lock_rows;
use crate::db::{Db, OrgTx};
use crate::error::Result;
use crate::failpoint::{self, Operation};
use crate::plans::{self, Action};
use crate::signal::Topic;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, PaginatorTrait, QueryFilter, QuerySelect, SelectGetableTuple, Selector};
use uuid::Uuid;

/// Tasks that are opened by one transaction.
const OPEN_AT_ONCE: u64 = 2_000;
/// Rounds of one call: each moves something, so more than a few mean a huge job, which the worker goes on with.
const ROUNDS: usize = 20;

/// Opens, stops or finishes as the counts say. Does nothing to a job that has ended.
///
/// # Errors
/// The database is busy or away: the worker's next round does it.
pub async fn advance(db: &Db, org_id: Uuid, job_id: Uuid) -> Result<()> {
    let scope = Scope::system(org_id, "jobs");
    for _ in 0..ROUNDS {
        let tx = db.write(&scope).await?;
        let moved = advance_once(&tx, job_id).await?;
        failpoint::commit(tx, Operation::Advance).await?;
        if !moved {
            break;
        }
    }
    Ok(())
}

/// One step; `true` when something moved and there may be more.
async fn advance_once(tx: &OrgTx, job_id: Uuid) -> Result<bool> {
    let mut select = tx
        .find::<job::Entity>()
        .filter(job::Column::Id.eq(job_id))
        .filter(job::Column::FinishedAt.is_null());
    lock_rows(QuerySelect::query(&mut select));
    let Some(job) = select.one(tx).await? else {
        return Ok(false);
    };
    let counts = sum(tx, job_id).await?;
    match next(&job, &counts, failures(tx, &job, &counts).await?) {
        Next::Nothing => pass_over(tx, &job, &counts).await,
        Next::Finish => finish(tx, job_id, &counts).await.map(|()| false),
        Next::Stop => Ok(stop(tx, &job).await? > 0),
        Next::Open { room } => {
            let ready = ready(tx, &job, room).await?;
            if ready.is_empty() {
                return Ok(next_wave(tx, &job).await? || pass_over(tx, &job, &counts).await?);
            }
            let mut moves = Moves::default();
            let moved = moves
                .shift_ids(tx, TaskState::Waiting, TaskState::Pending, &ready, Vec::new())
                .await?;
            moves.settle(tx).await?;
            wake_agents(tx, &moved);
            Ok(!moved.is_empty())
        }
    }
}

/// What the counts of a job ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Its agents are at work, or it may not open more.
    Nothing,
    /// Nothing is open any more.
    Finish,
    /// Too much has failed: what has not begun is cancelled.
    Stop,
    /// So many tasks may be opened, if any is ready.
    Open { room: u64 },
}

/// Tasks that count for `stop_at_failures`: those of the action. A node that is only read beside its targets stops nothing.
async fn failures(tx: &OrgTx, job: &job::Model, counts: &Counts) -> Result<i64> {
    let all = counts.failed + counts.expired;
    if job.stop_at_failures == 0 || all < i64::from(job.stop_at_failures) {
        return Ok(all);
    }
    use task::Column;
    let own = tx
        .find::<task::Entity>()
        .filter(Column::JobId.eq(job.id))
        .filter(Column::State.is_in([TaskState::Failed, TaskState::Expired].map(TaskState::as_str)))
        .filter(Column::Action.eq(job.action.as_str()))
        .count(tx)
        .await?;
    Ok(i64::try_from(own).unwrap_or(i64::MAX))
}

/// Decides from the counts alone. Pure.
fn next(job: &job::Model, counts: &Counts, failures: i64) -> Next {
    if counts.open() == 0 {
        return Next::Finish;
    }
    if job.stop_at_failures > 0 && failures >= i64::from(job.stop_at_failures) {
        let begun = counts.waiting + counts.pending == 0;
        return if begun { Next::Nothing } else { Next::Stop };
    }
    if counts.waiting == 0 {
        return Next::Nothing;
    }
    let room = match job.max_parallel {
        0 => OPEN_AT_ONCE,
        limit => {
            let room = u64::try_from(i64::from(limit) - counts.pending - counts.running).unwrap_or(0);
            std::cmp::min(room, OPEN_AT_ONCE)
        }
    };
    match room {
        0 => Next::Nothing,
        room => Next::Open { room },
    }
}

/// Whether [`advance`] would move anything, by reading alone.
pub(super) async fn can_move(db: &Db, org_id: Uuid, job_id: Uuid) -> Result<bool> {
    let tx = db.read(&Scope::system(org_id, "jobs")).await?;
    let job = tx
        .find::<job::Entity>()
        .filter(job::Column::Id.eq(job_id))
        .filter(job::Column::FinishedAt.is_null())
        .one(&tx)
        .await?;
    let Some(job) = job else {
        return Ok(false);
    };
    let counts = sum(&tx, job_id).await?;
    let failures = failures(&tx, &job, &counts).await?;
    match next(&job, &counts, failures) {
        Next::Nothing => Ok(!unread(&tx, &job, &counts).await?.is_empty()),
        Next::Finish | Next::Stop => Ok(true),
        Next::Open { .. } => Ok(!ready(&tx, &job, 1).await?.is_empty()
            || wave_has_ended(&tx, &job).await?
            || !unread(&tx, &job, &counts).await?.is_empty()),
    }
}

/// All tasks of a job by state.
pub(super) async fn sum(tx: &OrgTx, job_id: Uuid) -> Result<Counts> {
    let mut select = Query::select();
    for state in TaskState::ALL {
        let total = Func::cast_as(Func::sum(Expr::col(("job_cluster", state.as_str()))), "bigint");
        select.expr_as(Func::coalesce([total.into(), Expr::value(0i64)]), state.as_str());
    }
    select
        .from("job_cluster")
        .and_where(Expr::col(("job_cluster", "org_id")).eq(tx.org_id()))
        .and_where(Expr::col(("job_cluster", "job_id")).eq(job_id));
    match tx.query_one(&select).await? {
        Some(row) => super::read::counts_of(&row),
        None => Ok(Counts::default()),
    }
}

/// Whether any cluster of a job still has something open: cheaper than the sum while many have.
pub(super) async fn has_open(tx: &OrgTx, job_id: Uuid) -> Result<bool> {
    any(tx, job_id, OPEN).await
}

/// Whether any cluster of a job has something that waits for its turn.
pub(super) async fn has_waiting(tx: &OrgTx, job_id: Uuid) -> Result<bool> {
    any(tx, job_id, WAITING).await
}

/// Conditions in the words of the partial indexes, so that the clusters of a large job that have ended are not looked at.
const OPEN: &str = "\"job_cluster\".\"waiting\" + \"job_cluster\".\"pending\" + \"job_cluster\".\"running\" > 0";
const WAITING: &str = "\"job_cluster\".\"waiting\" > 0";

fn places(tx: &OrgTx, job_id: Uuid, which: &'static str) -> Selector<SelectGetableTuple<Uuid>> {
    tx.find::<job_cluster::Entity>()
        .select_only()
        .column(job_cluster::Column::ClusterId)
        .filter(job_cluster::Column::JobId.eq(job_id))
        .filter(Expr::cust(which))
        .into_tuple()
}

/// The clusters in which a job still has something open.
pub(super) async fn clusters_with_open(tx: &OrgTx, job_id: Uuid) -> Result<Vec<Uuid>> {
    Ok(places(tx, job_id, OPEN).all(tx).await?)
}

async fn any(tx: &OrgTx, job_id: Uuid, which: &'static str) -> Result<bool> {
    Ok(places(tx, job_id, which).one(tx).await?.is_some())
}

async fn finish(tx: &OrgTx, job_id: Uuid, counts: &Counts) -> Result<()> {
    tx.update_many::<job::Entity>()
        .col_expr(job::Column::State, Expr::value(JobStatus::of(counts).as_str()))
        .col_expr(job::Column::FinishedAt, Expr::value(tx.now()))
        .filter(job::Column::Id.eq(job_id))
        .filter(job::Column::FinishedAt.is_null())
        .exec(tx)
        .await?;
    tx.wake(Topic::Job(job_id));
    Ok(())
}

/// Cancels what has not begun, because too much has failed.
async fn stop(tx: &OrgTx, job: &job::Model) -> Result<usize> {
    let reason = format!("stopped after {} failures, as the job asks for", job.stop_at_failures);
    let mut moves = Moves::default();
    let moved = cancel_open(tx, &mut moves, job.id, &reason).await?;
    moves.settle(tx).await?;
    Ok(moved.len())
}

/// Cancels all tasks of a job that have not begun, as far as the scope sees. The job is locked.
pub(super) async fn cancel_open(tx: &OrgTx, moves: &mut Moves, job_id: Uuid, reason: &str) -> Result<Vec<Moved>> {
    let open: Vec<(Uuid, Uuid)> = tx
        .find::<task::Entity>()
        .select_only()
        .columns([task::Column::Id, task::Column::ClusterId])
        .filter(task::Column::JobId.eq(job_id))
        .filter(task::Column::State.is_in(TaskState::OPEN.map(TaskState::as_str)))
        .into_tuple()
        .all(tx)
        .await?;
    let (ids, touched): (Vec<Uuid>, Vec<Uuid>) = open.into_iter().unzip();
    clusters::lock(tx, &touched).await?;
    let mut moved = Vec::new();
    for from in TaskState::OPEN {
        let changes = vec![("message", Expr::value(reason))];
        moved.extend(moves.shift_ids(tx, from, TaskState::Cancelled, &ids, changes).await?);
    }
    Ok(moved)
}

/// Waiting tasks whose wave is open and whose predecessor has ended, in order.
async fn ready(tx: &OrgTx, job: &job::Model, limit: u64) -> Result<Vec<Uuid>> {
    let before = Query::select()
        .expr(Expr::value(1))
        .from_as("task", "before")
        .and_where(Expr::col(("before", "org_id")).eq(tx.org_id()))
        .and_where(Expr::col(("before", "id")).equals(("task", "after_id")))
        .and_where(Expr::cust("\"before\".\"state\" IN ('waiting', 'pending', 'running')"))
        .take();
    let select = Query::select()
        .column(("task", "id"))
        .from("task")
        .and_where(col("org_id").eq(tx.org_id()))
        .and_where(col("job_id").eq(job.id))
        .and_where(col("wave").lte(job.open_wave))
        .and_where(in_state(TaskState::Waiting))
        .and_where(Expr::not_exists(before))
        .order_by(("task", "wave"), sea_orm::Order::Asc)
        .order_by(("task", "id"), sea_orm::Order::Asc)
        .limit(limit)
        .take();
    let mut ids = Vec::new();
    for row in tx.query_all(&select).await? {
        ids.push(row.try_get("", "id")?);
    }
    Ok(ids)
}

/// Readings beside the targets that wait for agents which are away, with their clusters.
async fn unread(tx: &OrgTx, job: &job::Model, counts: &Counts) -> Result<Vec<(Uuid, Uuid)>> {
    if counts.pending == 0 || job.action == Action::Refresh.as_str() {
        return Ok(Vec::new());
    }
    let agent = |column: &'static str| Expr::col(("agent", column));
    let heard_of = Query::select()
        .expr(Expr::value(1))
        .from("agent")
        .and_where(agent("org_id").eq(tx.org_id()))
        .and_where(
            agent("id")
                .equals(("task", "agent_id"))
                .or(agent("id").equals(("task", "second_agent_id"))),
        )
        .and_where(agent("last_seen_at").gt(tx.now() - chrono::Duration::seconds(plans::OFFLINE_AFTER_SECONDS)))
        .take();
    let select = Query::select()
        .columns([("task", "id"), ("task", "cluster_id")])
        .from("task")
        .and_where(col("org_id").eq(tx.org_id()))
        .and_where(col("job_id").eq(job.id))
        .and_where(Expr::cust(BESIDE))
        .and_where(col("not_before").lte(tx.now()))
        .and_where(Expr::not_exists(heard_of))
        .limit(OPEN_AT_ONCE)
        .take();
    let mut found = Vec::new();
    for row in tx.query_all(&select).await? {
        found.push((row.try_get("", "id")?, row.try_get("", "cluster_id")?));
    }
    Ok(found)
}

/// Readings beside the targets, in the words of their partial index.
const BESIDE: &str =
    "\"task\".\"state\" = 'pending' AND \"task\".\"action\" = 'refresh' AND \"task\".\"after_id\" IS NOT NULL";

/// Ends readings beside the targets that nobody makes: a job is not kept open by a node that it does not change. The next reading of
/// the node, which its agent sends as soon as it is back, tells what they would have.
async fn pass_over(tx: &OrgTx, job: &job::Model, counts: &Counts) -> Result<bool> {
    let unread = unread(tx, job, counts).await?;
    if unread.is_empty() {
        return Ok(false);
    }
    let (ids, touched): (Vec<Uuid>, Vec<Uuid>) = unread.into_iter().unzip();
    clusters::lock(tx, &touched).await?;
    let note = "not read: no agent of the node is there; its next reading tells what it holds";
    let changes = vec![("message", Expr::value(note))];
    let mut moves = Moves::default();
    let moved = moves
        .shift_ids(tx, TaskState::Pending, TaskState::Succeeded, &ids, changes)
        .await?;
    moves.settle(tx).await?;
    Ok(!moved.is_empty())
}

/// Opens the next wave once all of the present one has ended.
async fn next_wave(tx: &OrgTx, job: &job::Model) -> Result<bool> {
    if !wave_has_ended(tx, job).await? {
        return Ok(false);
    }
    let done = tx
        .update_many::<job::Entity>()
        .col_expr(job::Column::OpenWave, Expr::value(job.open_wave + 1))
        .filter(job::Column::Id.eq(job.id))
        .filter(job::Column::OpenWave.eq(job.open_wave))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Whether no task of the waves that are open has still to end.
async fn wave_has_ended(tx: &OrgTx, job: &job::Model) -> Result<bool> {
    use task::Column;
    let open = tx
        .find::<task::Entity>()
        .select_only()
        .column(Column::Id)
        .filter(Column::JobId.eq(job.id))
        .filter(Column::Wave.lte(job.open_wave))
        .filter(Column::State.is_in(["waiting", "pending", "running"]))
        .limit(1)
        .into_tuple::<Uuid>()
        .one(tx)
        .await?;
    Ok(open.is_none())
}

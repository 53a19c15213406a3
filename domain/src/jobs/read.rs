//! Jobs and tasks as people see them.

use super::entity::{job, job_cluster, task};
use super::report::Recorded;
use super::state::{Counts, JobStatus, TaskState};
use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::lists::{Page, fetch, page};
use crate::plans::Work;
use crate::{Permission, Timestamp};
use certyard_protocol::{Step, StepKind, StepReport};
use chrono::{Datelike, TimeZone, Utc};
use sea_orm::sea_query::{CaseStatement, Condition, Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

/// Clusters that a job names in a list.
const NAMED_CLUSTERS: i64 = 10;

/// A job with the counts of those of its tasks that the scope sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// The plan that it runs.
    pub plan_id: Option<Uuid>,
    /// The job whose failed tasks it does again.
    pub retry_of: Option<Uuid>,
    /// Name of the action.
    pub action: String,
    /// One line for people.
    pub title: String,
    /// Read from the counts.
    pub status: JobStatus,
    /// Tasks by state.
    pub counts: Counts,
    /// Rises with every change; what event streams carry.
    pub version: i64,
    /// Id and name of its clusters, ten at most.
    pub clusters: Vec<(Uuid, String)>,
    /// How many clusters it has.
    pub cluster_count: i64,
    /// Product of its clusters, where they share one.
    pub product: Option<String>,
    /// Tasks open to agents at a time; 0: no limit.
    pub max_parallel: i32,
    /// Failures at which it stops; 0: never.
    pub stop_at_failures: i32,
    /// Name of who started it.
    pub created_by_name: String,
    /// When it was started.
    pub created_at: Timestamp,
    /// Whether someone asked to cancel it.
    pub cancel_requested: bool,
    /// When its last task ended.
    pub finished_at: Option<Timestamp>,
}

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its id.
    pub id: Uuid,
    /// Its job.
    pub job_id: Uuid,
    /// The node.
    pub node_id: Uuid,
    /// Name of the node.
    pub node_name: String,
    /// The cluster.
    pub cluster_id: Uuid,
    /// Name of the cluster.
    pub cluster_name: String,
    /// Product of the cluster.
    pub product: String,
    /// The purpose; empty for the node as a whole.
    pub purpose: String,
    /// Name of the action.
    pub action: String,
    /// Where it stands.
    pub state: TaskState,
    /// Its wave.
    pub wave: i32,
    /// The task whose end it waits for.
    pub after_id: Option<Uuid>,
    /// Earliest start.
    pub not_before: Timestamp,
    /// Latest start.
    pub deadline: Timestamp,
    /// How often it was claimed.
    pub attempts: i32,
    /// How often it may be.
    pub max_attempts: i32,
    /// Someone asked to stop it while it runs.
    pub cancel_requested: bool,
    /// The step under way.
    pub step: Option<String>,
    /// One line for people.
    pub message: Option<String>,
    /// What a failed task left on the node: `not_started`, `rolled_back`, `rollback_failed`, `partial`, `changed`, `unknown`.
    pub node_state: Option<String>,
    /// Code of the failure.
    pub failure_code: Option<String>,
    /// Why it failed, and the way out.
    pub failure: Option<String>,
    /// What it is made of.
    pub planned: Vec<StepKind>,
    /// What became of the steps that were begun, in the last attempt that was reported.
    pub steps: Vec<StepReport>,
    /// When it was claimed first.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Not before; left out: the first of the present month, UTC (R31).
    pub from: Option<Timestamp>,
    /// Before; left out: no end.
    pub to: Option<Timestamp>,
    /// Only of this status.
    pub status: Option<JobStatus>,
    /// Only of this action.
    pub action: Option<String>,
    /// Only with this cluster.
    pub cluster_id: Option<Uuid>,
}

/// Which tasks to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Only in this state.
    pub state: Option<TaskState>,
    /// Only of this cluster.
    pub cluster_id: Option<Uuid>,
    /// Only of this node.
    pub node_id: Option<Uuid>,
}

/// Jobs of a period, by cluster: a job on three clusters counts three times, once for each (R25).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeriodCounts {
    /// All.
    pub total: i64,
    /// All tasks have ended; failed ones count as complete.
    pub complete: i64,
    /// Some task has not ended.
    pub pending: i64,
    /// Complete, with a task that failed or was not begun in time.
    pub failed: i64,
}

/// The first of the month of `now`, UTC.
pub fn month_start(now: Timestamp) -> Timestamp {
    Utc.with_ymd_and_hms(now.year(), now.month(), 1, 0, 0, 0)
        .single()
        .unwrap_or(now)
}

/// A job.
///
/// # Errors
/// [`Error::NotFound`] for a job that is unknown, foreign, or about clusters out of scope only.
pub async fn get(tx: &OrgTx, id: Uuid) -> Result<Job> {
    tx.scope().require(Permission::ReadFleet)?;
    let row = tx
        .find::<job::Entity>()
        .filter(job::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or(Error::NotFound { what: "job" })?;
    with_counts(tx, vec![row])
        .await?
        .pop()
        .ok_or(Error::NotFound { what: "job" })
}

/// One page of jobs, the newest first, after the key `(created_at, id)`.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`]; [`Error::NotFound`] for a cluster that is unknown, foreign or
/// out of scope.
pub async fn list(
    tx: &OrgTx,
    filter: &JobFilter,
    after: Option<(Timestamp, Uuid)>,
    limit: u64,
) -> Result<Page<Job, (Timestamp, Uuid)>> {
    tx.scope().require(Permission::ReadFleet)?;
    use job::{Column, Entity};
    let from = filter.from.unwrap_or_else(|| month_start(tx.now()));
    let mut rows = tx.find::<Entity>().filter(Column::CreatedAt.gte(from));
    if let Some(to) = filter.to {
        rows = rows.filter(Column::CreatedAt.lt(to));
    }
    if let Some(action) = &filter.action {
        rows = rows.filter(Column::Action.eq(action.as_str()));
    }
    if let Some(cluster) = filter.cluster_id {
        crate::clusters::get(tx, cluster).await?;
        let mut of_cluster = places(tx);
        of_cluster.and_where(count("cluster_id").eq(cluster));
        rows = rows.filter(Column::Id.in_subquery(of_cluster));
    }
    rows = match filter.status {
        None => rows,
        Some(JobStatus::Waiting) => rows
            .filter(Column::FinishedAt.is_null())
            .filter(Column::Id.not_in_subquery(begun(tx))),
        Some(JobStatus::Running) => rows
            .filter(Column::FinishedAt.is_null())
            .filter(Column::Id.in_subquery(begun(tx))),
        Some(status @ (JobStatus::Succeeded | JobStatus::Failed | JobStatus::PartlyFailed | JobStatus::Cancelled)) => {
            rows.filter(Column::State.eq(status.as_str()))
        }
    };
    if let Some((at, id)) = after {
        let key = Expr::tuple([Expr::col((Entity, Column::CreatedAt)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(key.lt(Expr::tuple([Expr::value(at), Expr::value(id)])));
    }
    let rows = rows
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(fetch(limit))
        .all(tx)
        .await?;
    Ok(page(with_counts(tx, rows).await?, limit, |job: &Job| {
        (job.created_at, job.id)
    }))
}

fn count(column: &'static str) -> Expr {
    Expr::col(("job_cluster", column))
}

/// Ids of jobs from their counts.
fn places(tx: &OrgTx) -> SelectStatement {
    Query::select()
        .column(("job_cluster", "job_id"))
        .from("job_cluster")
        .and_where(count("org_id").eq(tx.org_id()))
        .take()
}

/// Jobs of which a task has begun or ended, among those that have something open.
fn begun(tx: &OrgTx) -> SelectStatement {
    let ended = ["running", "succeeded", "failed", "cancelled", "expired", "superseded"];
    let mut any = Condition::any();
    for state in ended {
        any = any.add(count(state).gt(0));
    }
    let unfinished = Query::select()
        .column(("job", "id"))
        .from("job")
        .and_where(Expr::col(("job", "org_id")).eq(tx.org_id()))
        .and_where(Expr::cust("\"job\".\"finished_at\" IS NULL"))
        .take();
    let mut select = places(tx);
    select
        .and_where(count("job_id").in_subquery(unfinished))
        .cond_where(any);
    select
}

/// Reads the columns that are called like states.
pub(super) fn counts_of(row: &QueryResult) -> Result<Counts> {
    Ok(Counts {
        waiting: row.try_get("", "waiting")?,
        pending: row.try_get("", "pending")?,
        running: row.try_get("", "running")?,
        succeeded: row.try_get("", "succeeded")?,
        failed: row.try_get("", "failed")?,
        cancelled: row.try_get("", "cancelled")?,
        expired: row.try_get("", "expired")?,
        superseded: row.try_get("", "superseded")?,
    })
}

struct Sums {
    counts: Counts,
    version: i64,
    clusters: i64,
    product: Option<String>,
}

/// Adds what the counts say, in two statements for the whole page.
async fn with_counts(tx: &OrgTx, rows: Vec<job::Model>) -> Result<Vec<Job>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut sums = sums(tx, &ids).await?;
    let few: Vec<Uuid> = sums
        .iter()
        .filter(|(_, sums)| sums.clusters <= NAMED_CLUSTERS)
        .map(|(id, _)| *id)
        .collect();
    let mut names: HashMap<Uuid, Vec<(Uuid, String)>> = HashMap::new();
    use job_cluster::Column;
    let named: Vec<(Uuid, Uuid, String)> = tx
        .find::<job_cluster::Entity>()
        .select_only()
        .columns([Column::JobId, Column::ClusterId, Column::ClusterName])
        .filter(Column::JobId.is_in(few))
        .order_by_asc(Column::ClusterName)
        .into_tuple()
        .all(tx)
        .await?;
    for (job, cluster, name) in named {
        names.entry(job).or_default().push((cluster, name));
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let sums = sums.remove(&row.id).unwrap_or(Sums {
                counts: Counts::default(),
                version: 0,
                clusters: 0,
                product: None,
            });
            Job {
                status: JobStatus::of(&sums.counts),
                counts: sums.counts,
                version: sums.version,
                clusters: names.remove(&row.id).unwrap_or_default(),
                cluster_count: sums.clusters,
                product: sums.product,
                id: row.id,
                plan_id: row.plan_id,
                retry_of: row.retry_of,
                action: row.action,
                title: row.title,
                max_parallel: row.max_parallel,
                stop_at_failures: row.stop_at_failures,
                created_by_name: row.created_by_name,
                created_at: row.created_at,
                cancel_requested: row.cancel_requested_at.is_some(),
                finished_at: row.finished_at,
            }
        })
        .collect())
}

async fn sums(tx: &OrgTx, ids: &[Uuid]) -> Result<HashMap<Uuid, Sums>> {
    let mut select = tx
        .find::<job_cluster::Entity>()
        .select_only()
        .column(job_cluster::Column::JobId)
        .filter(job_cluster::Column::JobId.is_in(ids.iter().copied()))
        .group_by(job_cluster::Column::JobId);
    let query = QuerySelect::query(&mut select);
    for column in TaskState::ALL.map(TaskState::as_str).into_iter().chain(["version"]) {
        query.expr_as(Func::cast_as(Func::sum(count(column)), "bigint"), column);
    }
    query
        .expr_as(Func::count(count("cluster_id")), "clusters")
        .expr_as(Func::min(count("product")), "product")
        .expr_as(Func::max(count("product")), "last_product");
    let mut found = HashMap::new();
    for row in tx.query_all(&*query).await? {
        let product: String = row.try_get("", "product")?;
        let last: String = row.try_get("", "last_product")?;
        let sums = Sums {
            counts: counts_of(&row)?,
            version: row.try_get("", "version")?,
            clusters: row.try_get("", "clusters")?,
            product: Some(product).filter(|product| *product == last),
        };
        found.insert(row.try_get("", "job_id")?, sums);
    }
    Ok(found)
}

/// Jobs of a period on some clusters, for the cards of cluster pages (R25). The default period is the present month.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn period_counts(
    tx: &OrgTx,
    clusters: &[Uuid],
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<HashMap<Uuid, PeriodCounts>> {
    tx.scope().require(Permission::ReadFleet)?;
    use job_cluster::Column;
    let open = count("waiting").add(count("pending")).add(count("running"));
    let one_if = |condition: Condition| {
        let when: CaseStatement = CaseStatement::new().case(condition, 1).finally(0);
        Func::cast_as(Func::sum(when), "bigint")
    };
    let pending = Condition::all().add(open.clone().gt(0));
    let failed = Condition::all()
        .add(open.eq(0))
        .add(count("failed").add(count("expired")).gt(0));
    let mut rows = tx
        .find::<job_cluster::Entity>()
        .select_only()
        .column(Column::ClusterId)
        .filter(Column::ClusterId.is_in(clusters.iter().copied()))
        .filter(Column::JobCreatedAt.gte(from.unwrap_or_else(|| month_start(tx.now()))))
        .group_by(Column::ClusterId);
    if let Some(to) = to {
        rows = rows.filter(Column::JobCreatedAt.lt(to));
    }
    let query = QuerySelect::query(&mut rows);
    query
        .expr_as(Func::count(count("job_id")), "total")
        .expr_as(one_if(pending), "open")
        .expr_as(one_if(failed), "failures");
    let mut found = HashMap::new();
    for row in tx.query_all(&*query).await? {
        let total: i64 = row.try_get("", "total")?;
        let pending: i64 = row.try_get("", "open")?;
        let counts = PeriodCounts {
            total,
            pending,
            complete: total - pending,
            failed: row.try_get("", "failures")?,
        };
        found.insert(row.try_get("", "cluster_id")?, counts);
    }
    Ok(found)
}

/// One page of a job's tasks by wave, after the key `(wave, id)`.
///
/// # Errors
/// [`Error::NotFound`] as for [`get`].
pub async fn tasks(
    tx: &OrgTx,
    job_id: Uuid,
    filter: &TaskFilter,
    after: Option<(i32, Uuid)>,
    limit: u64,
) -> Result<Page<Task, (i32, Uuid)>> {
    get(tx, job_id).await?;
    use task::{Column, Entity};
    let mut rows = tx.find::<Entity>().filter(Column::JobId.eq(job_id));
    if let Some(state) = filter.state {
        rows = rows.filter(Column::State.eq(state.as_str()));
    }
    if let Some(cluster) = filter.cluster_id {
        rows = rows.filter(Column::ClusterId.eq(cluster));
    }
    if let Some(node) = filter.node_id {
        rows = rows.filter(Column::NodeId.eq(node));
    }
    if let Some((wave, id)) = after {
        let key = Expr::tuple([Expr::col((Entity, Column::Wave)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(key.gt(Expr::tuple([Expr::value(wave), Expr::value(id)])));
    }
    let rows = rows
        .order_by_asc(Column::Wave)
        .order_by_asc(Column::Id)
        .limit(fetch(limit))
        .all(tx)
        .await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(as_task(row)?);
    }
    Ok(page(items, limit, |task: &Task| (task.wave, task.id)))
}

/// A task of a job.
///
/// # Errors
/// [`Error::NotFound`] for a task that is unknown, foreign, of another job, or out of scope.
pub async fn task(tx: &OrgTx, job_id: Uuid, id: Uuid) -> Result<Task> {
    tx.scope().require(Permission::ReadFleet)?;
    let row = tx
        .find::<task::Entity>()
        .filter(task::Column::Id.eq(id))
        .filter(task::Column::JobId.eq(job_id))
        .one(tx)
        .await?
        .ok_or(Error::NotFound { what: "task" })?;
    as_task(row)
}

fn as_task(row: task::Model) -> Result<Task> {
    let work: Work = serde_json::from_value(row.work).map_err(Error::internal)?;
    let steps = Recorded::read(row.result)?.steps;
    Ok(Task {
        planned: work.steps.iter().map(Step::kind).collect(),
        steps,
        state: TaskState::parse(&row.state).ok_or_else(|| Error::internal("unknown task state"))?,
        id: row.id,
        job_id: row.job_id,
        node_id: row.node_id,
        node_name: row.node_name,
        cluster_id: row.cluster_id,
        cluster_name: row.cluster_name,
        product: row.product,
        purpose: row.purpose,
        action: row.action,
        wave: row.wave,
        after_id: row.after_id,
        not_before: row.not_before,
        deadline: row.deadline,
        attempts: row.attempts,
        max_attempts: row.max_attempts,
        cancel_requested: row.cancel_requested,
        step: row.step,
        message: row.message,
        node_state: row.node_state,
        failure_code: row.failure_code,
        failure: row.failure,
        started_at: row.started_at,
        finished_at: row.finished_at,
        updated_at: row.updated_at,
    })
}

/// The job where it has moved since `version`, for event streams; `None` while it has not. The version is the sum over
/// the clusters in scope, so that no change that commits late is passed over.
///
/// # Errors
/// [`Error::NotFound`] as for [`get`].
pub async fn events_since(tx: &OrgTx, job_id: Uuid, version: i64) -> Result<Option<Job>> {
    let job = get(tx, job_id).await?;
    Ok((job.version != version).then_some(job))
}

//! Tasks of a job as people see them, and what went wrong.

use super::entity::task;
use super::read::get;
use super::report::Recorded;
use super::state::TaskState;
use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::lists::{Page, fetch, page};
use crate::plans::Work;
use crate::{Permission, Timestamp};
use certyard_protocol::{Step, StepKind, StepReport};
use sea_orm::sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement, UnionType};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

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

/// What went wrong in a job, by code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Code of the failure.
    pub code: String,
    /// One of the messages, for people.
    pub message: String,
    /// Tasks that failed with the code.
    pub count: i64,
}

/// Codes of failures that are told of one job.
const TOLD_FAILURES: u64 = 20;

/// What went wrong in a job, the most frequent first (R31).
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn failures(tx: &OrgTx, job_id: Uuid) -> Result<Vec<Failure>> {
    tx.scope().require(Permission::ReadFleet)?;
    use task::{Column, Entity};
    let mut select = tx
        .find::<Entity>()
        .select_only()
        .column(Column::FailureCode)
        .filter(Column::JobId.eq(job_id))
        .filter(Column::FailureCode.is_not_null())
        .filter(Column::State.is_in([TaskState::Failed.as_str(), TaskState::Expired.as_str()]))
        .group_by(Column::FailureCode);
    let query = QuerySelect::query(&mut select);
    query
        .expr_as(Func::count(Expr::col((Entity, Column::Id))), "failures")
        .expr_as(Func::min(Expr::col((Entity, Column::Failure))), "example")
        .order_by("failures", Order::Desc)
        .order_by((Entity, Column::FailureCode), Order::Asc)
        .limit(TOLD_FAILURES);
    let mut found = Vec::new();
    for row in tx.query_all(&*query).await? {
        found.push(Failure {
            code: row.try_get("", "failure_code")?,
            message: row.try_get::<Option<String>>("", "example")?.unwrap_or_default(),
            count: row.try_get("", "failures")?,
        });
    }
    Ok(found)
}

/// A node of a job, and which certificate of it the job is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobTarget {
    /// The node.
    pub node_id: Uuid,
    /// Its name at the time.
    pub node_name: String,
    /// The purpose or trust store; empty for the node as a whole.
    pub purpose: String,
}

/// Nodes that a job names in a list.
const NAMED_TARGETS: u64 = 3;

/// The first nodes of each job, of one cluster only where it is named. One look at the index for each job, whatever the
/// number of its tasks.
pub(super) async fn first_targets(
    tx: &OrgTx,
    jobs: &[Uuid],
    cluster_id: Option<Uuid>,
) -> Result<HashMap<Uuid, Vec<JobTarget>>> {
    use task::{Column, Entity};
    let first = |job: Uuid| -> SelectStatement {
        let mut rows = tx
            .find::<Entity>()
            .select_only()
            .columns([Column::JobId, Column::NodeId, Column::NodeName, Column::Purpose])
            .filter(Column::JobId.eq(job))
            .order_by_asc(Column::Wave)
            .order_by_asc(Column::Id)
            .limit(NAMED_TARGETS);
        if let Some(cluster) = cluster_id {
            rows = rows.filter(Column::ClusterId.eq(cluster));
        }
        let columns = ["job_id", "node_id", "node_name", "purpose"].map(|name| ("first", name));
        Query::select()
            .columns(columns)
            .from_subquery(QuerySelect::query(&mut rows).take(), "first")
            .take()
    };
    let mut found: HashMap<Uuid, Vec<JobTarget>> = HashMap::new();
    let Some((one, others)) = jobs.split_first() else {
        return Ok(found);
    };
    let mut select = first(*one);
    for job in others {
        select.union(UnionType::All, first(*job));
    }
    for row in tx.query_all(&select).await? {
        found.entry(row.try_get("", "job_id")?).or_default().push(JobTarget {
            node_id: row.try_get("", "node_id")?,
            node_name: row.try_get("", "node_name")?,
            purpose: row.try_get("", "purpose")?,
        });
    }
    Ok(found)
}

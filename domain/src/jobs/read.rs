//! Jobs as people see them.

use super::entity::{job, job_cluster, task};
use super::period::Period;
use super::state::{Counts, JobStatus, TaskState};
use super::tasks::{JobTarget, first_targets};
use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::lists::{Page, contains, fetch, page, typed};
use crate::{Permission, Timestamp};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, Query, SelectStatement};
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
    /// The job whose after-care it carries out.
    pub aftercare_of: Option<Uuid>,
    /// The root change that it carries out a part of.
    pub root_change_id: Option<Uuid>,
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
    /// The first of its nodes, three at most; in a list of one cluster, of that cluster.
    pub targets: Vec<JobTarget>,
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

/// Which jobs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Not before; left out: the first of the present month, UTC (R31).
    pub from: Option<Timestamp>,
    /// Before; left out: no end.
    pub to: Option<Timestamp>,
    /// Of any of these; empty: all.
    pub statuses: Vec<JobStatus>,
    /// Any of these actions; empty: all.
    pub actions: Vec<String>,
    /// With a cluster of any of these products; empty: all.
    pub products: Vec<String>,
    /// About any of these purposes or trust stores; empty: all.
    pub purposes: Vec<String>,
    /// Part of the title, whatever the case.
    pub search: Option<String>,
    /// Only with this cluster.
    pub cluster_id: Option<Uuid>,
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
    with_counts(tx, vec![row], None)
        .await?
        .pop()
        .ok_or(Error::NotFound { what: "job" })
}

/// The jobs of a root change, the newest first, so many at most.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn of_root_change(tx: &OrgTx, root_change_id: Uuid, limit: u64) -> Result<Vec<Job>> {
    tx.scope().require(Permission::ReadFleet)?;
    use job::{Column, Entity};
    let rows = tx
        .find::<Entity>()
        .filter(Column::RootChangeId.eq(root_change_id))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(tx)
        .await?;
    with_counts(tx, rows, None).await
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
    let period = Period::of(tx.now(), filter.from, filter.to)?;
    let mut rows = tx.find::<Entity>().filter(Column::CreatedAt.gte(period.from));
    if let Some(to) = period.to {
        rows = rows.filter(Column::CreatedAt.lt(to));
    }
    if !filter.actions.is_empty() {
        rows = rows.filter(Column::Action.is_in(filter.actions.iter().map(String::as_str)));
    }
    if let Some(text) = typed(filter.search.as_deref()) {
        rows = rows.filter(contains(Expr::col((Entity, Column::Title)), &text));
    }
    if !filter.products.is_empty() {
        let mut of_products = places(tx);
        of_products
            .and_where(count("job_created_at").gte(period.from))
            .and_where(count("product").is_in(filter.products.iter().map(String::as_str)));
        rows = rows.filter(Column::Id.in_subquery(of_products));
    }
    if !filter.purposes.is_empty() {
        rows = rows.filter(Expr::exists(about(tx, filter)));
    }
    if let Some(cluster) = filter.cluster_id {
        crate::clusters::get(tx, cluster).await?;
        let mut of_cluster = places(tx);
        of_cluster.and_where(count("cluster_id").eq(cluster));
        rows = rows.filter(Column::Id.in_subquery(of_cluster));
    }
    if !filter.statuses.is_empty() {
        let any = filter.statuses.iter().map(|status| has_status(tx, *status));
        rows = rows.filter(any.fold(Condition::any(), Condition::add));
    }
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
    Ok(page(
        with_counts(tx, rows, filter.cluster_id).await?,
        limit,
        |job: &Job| (job.created_at, job.id),
    ))
}

fn has_status(tx: &OrgTx, status: JobStatus) -> Condition {
    use job::Column;
    let open = || Condition::all().add(Column::FinishedAt.is_null());
    match status {
        JobStatus::Waiting => open().add(Column::Id.not_in_subquery(begun(tx))),
        JobStatus::Running => open().add(Column::Id.in_subquery(begun(tx))),
        JobStatus::Succeeded | JobStatus::Failed | JobStatus::PartlyFailed | JobStatus::Cancelled => {
            Condition::all().add(Column::State.eq(status.as_str()))
        }
    }
}

/// Tasks of the job of the outer statement that are about one of the purposes.
fn about(tx: &OrgTx, filter: &JobFilter) -> SelectStatement {
    use task::{Column, Entity};
    let mut rows = tx
        .find::<Entity>()
        .select_only()
        .expr(Expr::value(1))
        .filter(Expr::col((Entity, Column::JobId)).equals((job::Entity, job::Column::Id)))
        .filter(Column::Purpose.is_in(filter.purposes.iter().map(String::as_str)));
    if let Some(cluster) = filter.cluster_id {
        rows = rows.filter(Column::ClusterId.eq(cluster));
    }
    QuerySelect::query(&mut rows).take()
}

pub(super) fn count(column: &'static str) -> Expr {
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

/// Adds what the counts say and the first nodes, in a few statements for the whole page.
async fn with_counts(tx: &OrgTx, rows: Vec<job::Model>, cluster_id: Option<Uuid>) -> Result<Vec<Job>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut sums = sums(tx, &ids).await?;
    let mut targets = first_targets(tx, &ids, cluster_id).await?;
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
                targets: targets.remove(&row.id).unwrap_or_default(),
                cluster_count: sums.clusters,
                product: sums.product,
                id: row.id,
                plan_id: row.plan_id,
                retry_of: row.retry_of,
                aftercare_of: row.aftercare_of,
                root_change_id: row.root_change_id,
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

/// The job where it has moved since `version`, for event streams; `None` while it has not. The version is the sum over
/// the clusters in scope, so that no change that commits late is passed over.
///
/// # Errors
/// [`Error::NotFound`] as for [`get`].
pub async fn events_since(tx: &OrgTx, job_id: Uuid, version: i64) -> Result<Option<Job>> {
    let job = get(tx, job_id).await?;
    Ok((job.version != version).then_some(job))
}

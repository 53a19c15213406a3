//! The one place that writes `task.state`: a guarded UPDATE from one state to another, and the counts of `job_cluster` in
//! the same transaction, so that counts and tasks cannot differ.
//!
//! Locks are taken in one order everywhere: plan, job, clusters by id, tasks, `job_cluster` by job and cluster.

use super::entity::{job_cluster, task};
use super::state::TaskState;
use crate::db::dialect::{lock_free_rows, lock_rows};
use crate::db::{OrgTx, TenantEntity};
use crate::error::{Error, Result};
use crate::signal::Topic;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, Returning, ReturningClause};
use sea_orm::{ColumnTrait, ConnectionTrait, FromQueryResult, QueryFilter, QueryOrder, QueryResult, QuerySelect};
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// Ids of one statement.
const CHUNK: usize = 5_000;

/// A task that was moved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    pub id: Uuid,
    pub job_id: Uuid,
    pub agent_id: Option<Uuid>,
    pub second_agent_id: Option<Uuid>,
}

/// Columns to set besides the state.
pub(super) type Changes = Vec<(&'static str, Expr)>;

pub(super) fn col(name: &'static str) -> Expr {
    Expr::col(("task", name))
}

/// `state = '…'` as a literal, so that partial indexes serve.
pub(super) fn in_state(state: TaskState) -> Expr {
    Expr::cust(format!("\"task\".\"state\" = '{}'", state.as_str()))
}

/// The same for tasks that are named by their ids. No partial index serves it: with counts of rows from before a large job one
/// of those looks as cheap as the primary key, and holds thousands.
fn found_in_state(state: TaskState) -> Expr {
    Expr::cust(format!("\"task\".\"state\" || '' = '{}'", state.as_str()))
}

/// A job in a cluster: what counts are kept for.
pub(super) type Place = (Uuid, Uuid);

/// By how much the count of each state changes.
type Difference = Vec<(&'static str, i64)>;

/// Moves of one transaction. Rows of `task` are taken first and those of `job_cluster` last, by [`Moves::settle`]: a claim
/// holds tasks while it waits for counts, so whoever held counts while it waited for tasks would wait for ever.
#[derive(Default)]
#[must_use = "counts differ from tasks until the moves are settled"]
pub(super) struct Moves {
    net: BTreeMap<Place, BTreeMap<&'static str, i64>>,
    /// Places whose counts this transaction holds already.
    held: HashSet<Place>,
}

impl Moves {
    /// Moves the tasks that are in `from`, match `which`, and are in scope.
    pub async fn shift(
        &mut self,
        tx: &OrgTx,
        from: TaskState,
        to: TaskState,
        which: Condition,
        changes: Changes,
    ) -> Result<Vec<Moved>> {
        let columns = ["id", "job_id", "cluster_id", "agent_id", "second_agent_id"];
        let rows = self
            .update(tx, from, to, which, changes, Returning::new().columns(columns))
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Moved {
                    id: row.try_get("", "id")?,
                    job_id: row.try_get("", "job_id")?,
                    agent_id: row.try_get("", "agent_id")?,
                    second_agent_id: row.try_get("", "second_agent_id")?,
                })
            })
            .collect()
    }

    /// [`Moves::shift`] with the whole of what was moved.
    pub async fn take(
        &mut self,
        tx: &OrgTx,
        from: TaskState,
        to: TaskState,
        which: Condition,
        changes: Changes,
    ) -> Result<Vec<task::Model>> {
        let rows = self
            .update(tx, from, to, which, changes, Returning::new().all())
            .await?;
        rows.iter()
            .map(|row| Ok(task::Model::from_query_result(row, "")?))
            .collect()
    }

    async fn update(
        &mut self,
        tx: &OrgTx,
        from: TaskState,
        to: TaskState,
        which: Condition,
        changes: Changes,
        returning: ReturningClause,
    ) -> Result<Vec<QueryResult>> {
        if !to.predecessors().contains(&from) {
            let text = format!("a task may not go from {} to {}", from.as_str(), to.as_str());
            return Err(Error::internal(text));
        }
        let mut update = Query::update();
        update
            .table("task")
            .value("state", to.as_str())
            .value("updated_at", tx.now())
            .and_where(col("org_id").eq(tx.org_id()))
            .and_where(found_in_state(from))
            .cond_where(which);
        if let Some(groups) = tx.scope().groups() {
            update.cond_where(super::entity::task::Entity::within(tx.org_id(), groups));
        }
        if to.is_final() {
            update.value("finished_at", tx.now());
        }
        if from == TaskState::Running {
            update.value("lease_until", Option::<crate::Timestamp>::None);
            update.value("step", Option::<String>::None);
        }
        for (column, value) in changes {
            update.value(column, value);
        }
        update.returning(returning);
        let rows = tx.query_all(&update).await?;
        for row in &rows {
            let place = (row.try_get("", "job_id")?, row.try_get("", "cluster_id")?);
            let net = self.net.entry(place).or_default();
            *net.entry(from.as_str()).or_default() -= 1;
            *net.entry(to.as_str()).or_default() += 1;
        }
        Ok(rows)
    }

    /// Takes the counts of those places that nobody else holds, without waiting, and tells which these are: a claim that waited
    /// for one place would keep all others from going on.
    pub async fn hold_free(&mut self, tx: &OrgTx, places: HashSet<Place>) -> Result<&HashSet<Place>> {
        if tx.get_database_backend() != sea_orm::DbBackend::Postgres {
            self.held = places;
            return Ok(&self.held);
        }
        let mut jobs: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
        for (job, cluster) in places {
            jobs.entry(job).or_default().push(cluster);
        }
        for (job, clusters) in jobs {
            let mut select = counts_of(tx, job, &clusters);
            lock_free_rows(QuerySelect::query(&mut select));
            for cluster in select.into_tuple::<Uuid>().all(tx).await? {
                self.held.insert((job, cluster));
            }
        }
        Ok(&self.held)
    }

    /// [`Moves::shift`] for a list of tasks, however long.
    pub async fn shift_ids(
        &mut self,
        tx: &OrgTx,
        from: TaskState,
        to: TaskState,
        ids: &[Uuid],
        changes: Changes,
    ) -> Result<Vec<Moved>> {
        let mut moved = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let which = Condition::all().add(col("id").is_in(chunk.iter().copied()));
            moved.extend(self.shift(tx, from, to, which, changes.clone()).await?);
        }
        Ok(moved)
    }

    /// Tells watchers, with [`Moves::settle`], that a task went on without leaving its state.
    pub fn touch(&mut self, job_id: Uuid, cluster_id: Uuid) {
        self.net.entry((job_id, cluster_id)).or_default();
    }

    /// Counts over what was moved, and wakes the watchers of the jobs.
    pub async fn settle(self, tx: &OrgTx) -> Result<()> {
        // By job and difference, so that a job of many equal clusters is one statement.
        let mut groups: BTreeMap<(Uuid, Difference), Vec<Uuid>> = BTreeMap::new();
        let to_lock = self.net.len() > 1 && self.net.keys().any(|place| !self.held.contains(place));
        for ((job, cluster), net) in self.net {
            groups
                .entry((job, net.into_iter().collect()))
                .or_default()
                .push(cluster);
        }
        if to_lock {
            lock_counts(tx, groups.iter().map(|((job, _), clusters)| (*job, clusters))).await?;
        }
        let jobs: HashSet<Uuid> = groups.keys().map(|(job, _)| *job).collect();
        for ((job, net), clusters) in groups {
            for chunk in clusters.chunks(CHUNK) {
                let mut update = Query::update();
                update
                    .table("job_cluster")
                    .value("version", Expr::col("version").add(1))
                    .value("updated_at", tx.now())
                    .and_where(Expr::col("org_id").eq(tx.org_id()))
                    .and_where(Expr::col("job_id").eq(job))
                    .and_where(Expr::col("cluster_id").is_in(chunk.iter().copied()));
                for (state, difference) in &net {
                    update.value(*state, Expr::col(*state).add(*difference));
                }
                tx.execute(&update).await?;
            }
        }
        for job in jobs {
            tx.wake(Topic::Job(job));
        }
        Ok(())
    }
}

/// The rows of clusters, by their ids.
fn counts_of(tx: &OrgTx, job: Uuid, clusters: &[Uuid]) -> sea_orm::Select<job_cluster::Entity> {
    use job_cluster::Column;
    tx.find::<job_cluster::Entity>()
        .select_only()
        .column(Column::ClusterId)
        .filter(Column::JobId.eq(job))
        .filter(Column::ClusterId.is_in(clusters.iter().copied()))
}

/// Takes the rows of several clusters in one order, or two transactions could wait for each other.
async fn lock_counts<'a>(tx: &OrgTx, places: impl Iterator<Item = (Uuid, &'a Vec<Uuid>)>) -> Result<()> {
    if tx.get_database_backend() != sea_orm::DbBackend::Postgres {
        return Ok(());
    }
    let mut jobs: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    for (job, clusters) in places {
        jobs.entry(job).or_default().extend(clusters);
    }
    for (job, mut clusters) in jobs {
        clusters.sort_unstable();
        for chunk in clusters.chunks(CHUNK) {
            let mut select = counts_of(tx, job, chunk).order_by_asc(job_cluster::Column::ClusterId);
            lock_rows(QuerySelect::query(&mut select));
            select.into_tuple::<Uuid>().all(tx).await?;
        }
    }
    Ok(())
}

/// Tells watchers of a job that a task went on without leaving its state.
pub(super) async fn touch(tx: &OrgTx, job_id: Uuid, cluster_id: Uuid) -> Result<()> {
    let mut update = Query::update();
    update
        .table("job_cluster")
        .value("version", Expr::col("version").add(1))
        .value("updated_at", tx.now())
        .and_where(Expr::col("org_id").eq(tx.org_id()))
        .and_where(Expr::col("job_id").eq(job_id))
        .and_where(Expr::col("cluster_id").eq(cluster_id));
    tx.execute(&update).await?;
    tx.wake(Topic::Job(job_id));
    Ok(())
}

/// Wakes the agents of tasks that can be claimed.
pub(super) fn wake_agents(tx: &OrgTx, moved: &[Moved]) {
    let agents: HashSet<Uuid> = moved
        .iter()
        .flat_map(|task| [task.agent_id, task.second_agent_id])
        .flatten()
        .collect();
    for agent in agents {
        tx.wake(Topic::Agent(agent));
    }
}

//! What clusters have to know of nodes and agents, whose rooms stand below: counts, and whether something is there. It
//! names their tables and reads them only, but for the nudge to agents that what they were told has changed.

use crate::Timestamp;
use crate::db::OrgTx;
use crate::db::dialect::rows_per_insert;
use crate::error::Result;
use crate::signal::Topic;
use chrono::TimeDelta;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{CaseStatement, Condition, Expr, ExprTrait, Func, OnConflict, Query, SelectStatement};
use std::collections::HashMap;
use uuid::Uuid;

/// An agent that was not heard of for so long is offline: three polls of 55 seconds.
pub(crate) const OFFLINE_AFTER: TimeDelta = TimeDelta::minutes(3);

/// Nodes of a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeCounts {
    /// In use.
    pub total: i64,
    /// Could not be read the last time, or neither of its agents is there.
    pub unreachable: i64,
    /// Were never read.
    pub waiting: i64,
    /// The oldest of the last times at which they were read well; `None` while one was never read.
    pub oldest: Option<Timestamp>,
}

fn col(table: &'static str, column: &'static str) -> Expr {
    Expr::col((table, column))
}

/// Whether an agent joined under this name is there at `now`.
fn online(agent: &'static str, now: Timestamp) -> Condition {
    Condition::all()
        // Not by the comparison alone, which for a missing agent is neither true nor false.
        .add(col(agent, "last_seen_at").is_not_null())
        .add(col(agent, "last_seen_at").gt(now - OFFLINE_AFTER))
        .add(col(agent, "banned_at").is_null())
        .add(col(agent, "retired_at").is_null())
}

/// A node in the alias `node`, joined with its agents as `first` and `second`, that cannot be worked on now.
fn unreachable(now: Timestamp) -> Condition {
    Condition::any()
        .add(
            Condition::all()
                .add(col("node", "fault_code").is_not_null())
                .add(col("node", "fault_code").ne(crate::clusters::UNREADABLE_ENTRIES)),
        )
        .add(
            Condition::any()
                .add(online("first", now))
                .add(online("second", now))
                .not(),
        )
}

fn join_agent(select: &mut SelectStatement, alias: &'static str, column: &'static str) {
    select.join_as(
        sea_orm::JoinType::LeftJoin,
        "agent",
        alias,
        Condition::all()
            .add(col(alias, "org_id").equals(("node", "org_id")))
            .add(col(alias, "id").equals(("node", column))),
    );
}

/// Counts nodes of the clusters of one page.
pub(super) async fn node_counts(tx: &OrgTx, clusters: Vec<Uuid>) -> Result<HashMap<Uuid, NodeCounts>> {
    if clusters.is_empty() {
        return Ok(HashMap::new());
    }
    let mut select = Query::select();
    let one_if = |condition: Condition| {
        let when: CaseStatement = CaseStatement::new().case(condition, 1).finally(0);
        Func::sum(when)
    };
    let never = Condition::all().add(col("node", "inventory_at").is_null());
    select
        .column(("node", "cluster_id"))
        .expr_as(Func::count(col("node", "id")), "total")
        .expr_as(one_if(unreachable(tx.now())), "unreachable")
        .expr_as(one_if(never), "waiting")
        .expr_as(Func::min(col("node", "inventory_at")), "oldest")
        .from("node")
        .and_where(col("node", "org_id").eq(tx.org_id()))
        .and_where(col("node", "cluster_id").is_in(clusters))
        .and_where(col("node", "retired_at").is_null())
        .group_by_col(("node", "cluster_id"));
    join_agent(&mut select, "first", "agent_id");
    join_agent(&mut select, "second", "second_agent_id");
    let mut counts = HashMap::new();
    for row in tx.query_all(&select).await? {
        let waiting: i64 = row.try_get("", "waiting")?;
        let oldest: Option<Timestamp> = row.try_get("", "oldest")?;
        counts.insert(
            row.try_get("", "cluster_id")?,
            NodeCounts {
                total: row.try_get("", "total")?,
                unreachable: row.try_get("", "unreachable")?,
                waiting,
                oldest: oldest.filter(|_| waiting == 0),
            },
        );
    }
    Ok(counts)
}

/// Nodes in use of the cluster in the outer query, as a sub-query for conditions on clusters.
pub(super) fn nodes_of_outer(org: Uuid) -> SelectStatement {
    Query::select()
        .expr(Expr::value(1))
        .from("node")
        .and_where(col("node", "org_id").eq(org))
        .and_where(col("node", "cluster_id").equals(("cluster", "id")))
        .and_where(col("node", "retired_at").is_null())
        .take()
}

/// The same, of those that cannot be worked on (`true`) or can.
pub(super) fn nodes_of_outer_unreachable(org: Uuid, now: Timestamp, wanted: bool) -> SelectStatement {
    let mut select = nodes_of_outer(org);
    join_agent(&mut select, "first", "agent_id");
    join_agent(&mut select, "second", "second_agent_id");
    let condition = unreachable(now);
    select.cond_where(if wanted { condition } else { condition.not() });
    select
}

/// Whether a cluster has nodes in use.
pub(super) async fn has_nodes(tx: &OrgTx, cluster: Uuid) -> Result<bool> {
    let select = Query::select()
        .expr_as(Expr::value(1), "found")
        .from("node")
        .and_where(col("node", "org_id").eq(tx.org_id()))
        .and_where(col("node", "cluster_id").eq(cluster))
        .and_where(col("node", "retired_at").is_null())
        .limit(1)
        .take();
    Ok(tx.query_one(&select).await?.is_some())
}

/// Whether nodes of a cluster have an agent of another group than `group`.
pub(super) async fn has_agents_outside(tx: &OrgTx, cluster: Uuid, group: Uuid) -> Result<bool> {
    let mut select = Query::select();
    select
        .expr_as(Expr::value(1), "found")
        .from("node")
        .and_where(col("node", "org_id").eq(tx.org_id()))
        .and_where(col("node", "cluster_id").eq(cluster))
        .and_where(col("node", "retired_at").is_null())
        .cond_where(
            Condition::any()
                .add(col("first", "group_id").ne(group))
                .add(col("second", "group_id").ne(group)),
        )
        .limit(1);
    join_agent(&mut select, "first", "agent_id");
    join_agent(&mut select, "second", "second_agent_id");
    Ok(tx.query_one(&select).await?.is_some())
}

/// Whether a group has agents in use.
pub(super) async fn group_has_agents(tx: &OrgTx, group: Uuid) -> Result<bool> {
    let select = Query::select()
        .expr_as(Expr::value(1), "found")
        .from("agent")
        .and_where(col("agent", "org_id").eq(tx.org_id()))
        .and_where(col("agent", "group_id").eq(group))
        .and_where(col("agent", "retired_at").is_null())
        .limit(1)
        .take();
    Ok(tx.query_one(&select).await?.is_some())
}

/// What a version can have decides what is wanted of a cluster's certificates, and which nodes it has decides what they have to
/// name: they are to be compared anew. Profiles stand below clusters: this names their table only. Before the clusters themselves
/// are touched, in the order of their ids, as whoever compares locks in this order.
pub(crate) async fn compare_anew(tx: &OrgTx, clusters: &[Uuid]) -> Result<()> {
    let mut clusters = clusters.to_vec();
    clusters.sort_unstable();
    clusters.dedup();
    for chunk in clusters.chunks(rows_per_insert(4)) {
        let mut insert = Query::insert();
        insert
            .into_table("cluster_profile")
            .columns(["org_id", "cluster_id", "own", "due_at"]);
        for cluster in chunk {
            insert.values_panic([tx.org_id().into(), (*cluster).into(), false.into(), tx.now().into()]);
        }
        insert.on_conflict(
            OnConflict::columns(["org_id", "cluster_id"])
                .update_column("due_at")
                .to_owned(),
        );
        tx.execute(&insert).await?;
    }
    Ok(())
}

/// Tells the agents of a cluster's nodes that what they know of it has changed.
pub(super) async fn nudge_agents(tx: &OrgTx, cluster: Uuid) -> Result<()> {
    let select = Query::select()
        .columns([("node", "agent_id"), ("node", "second_agent_id")])
        .distinct()
        .from("node")
        .and_where(col("node", "org_id").eq(tx.org_id()))
        .and_where(col("node", "cluster_id").eq(cluster))
        .and_where(col("node", "retired_at").is_null())
        .take();
    let mut agents: Vec<Uuid> = Vec::new();
    for row in tx.query_all(&select).await? {
        agents.extend(row.try_get::<Option<Uuid>>("", "agent_id")?);
        agents.extend(row.try_get::<Option<Uuid>>("", "second_agent_id")?);
    }
    bump_agents(tx, agents).await
}

/// Counts one change of what agents were told, in the order of their ids, and wakes them.
pub(crate) async fn bump_agents(tx: &OrgTx, mut agents: Vec<Uuid>) -> Result<()> {
    agents.sort_unstable();
    agents.dedup();
    for agent in agents {
        let update = Query::update()
            .table("agent")
            .value("nodes_version", Expr::col("nodes_version").add(1))
            .and_where(Expr::col("org_id").eq(tx.org_id()))
            .and_where(Expr::col("id").eq(agent))
            .take();
        tx.execute(&update).await?;
        tx.wake(Topic::Agent(agent));
    }
    Ok(())
}

//! What changes of nodes and agents mean for tasks: those that have not ended follow their node to its present agents, and
//! those that have not begun end with it.
//!
//! Clusters are locked before anything else is touched, as in [`super::transition`].

use super::advance::advance;
use super::entity::task;
use super::state::TaskState;
use super::transition::{Moves, col};
use crate::agents::{self, AgentRow};
use crate::clusters;
use crate::db::dialect::MAX_BINDS;
use crate::db::{Db, OrgTx};
use crate::error::Result;
use crate::nodes::{self, Node, NodeChange, NodeRow};
use crate::signal::Topic;
use crate::{Scope, inventory};
use certyard_protocol::{NodesAnswer, NodesRequest};
use sea_orm::sea_query::{Condition, Expr, ExprTrait};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// Takes a node out of use: what it holds ends ([`inventory::retire_node`]), its tasks that have not begun are cancelled
/// with the reason, and what runs is asked to stop where it is safe.
///
/// # Errors
/// Those of [`inventory::retire_node`].
pub async fn retire_node(db: &Db, scope: &Scope, node_id: Uuid, expected: Option<i64>) -> Result<()> {
    let tx = db.write(scope).await?;
    inventory::retire_node(&tx, node_id, expected).await?;
    let jobs = cancel_of_node(&tx, node_id).await?;
    tx.commit().await?;
    for job in jobs {
        // The node is retired: whatever this meets, the worker does it at its next round.
        if let Err(error) = advance(db, scope.org_id(), job).await {
            tracing::warn!(%error, %job, "the job of a retired node was not moved on; the worker will");
        }
    }
    Ok(())
}

/// Cancels the tasks of a node whose cluster is locked. Says of which jobs.
async fn cancel_of_node(tx: &OrgTx, node_id: Uuid) -> Result<HashSet<Uuid>> {
    use task::Column;
    // First the wish: a task that is given back in this very moment is not begun again.
    tx.update_many::<task::Entity>()
        .col_expr(Column::CancelRequested, Expr::value(true))
        .filter(Column::NodeId.eq(node_id))
        .filter(Column::State.is_in(["waiting", "pending", "running"]))
        .exec(tx)
        .await?;
    let reason = format!("the node was retired by {}", tx.scope().actor().name);
    let mut moves = Moves::default();
    let mut jobs = HashSet::new();
    for from in TaskState::OPEN {
        let which = Condition::all().add(col("node_id").eq(node_id));
        let changes = vec![("message", Expr::value(reason.as_str()))];
        let moved = moves.shift(tx, from, TaskState::Cancelled, which, changes).await?;
        jobs.extend(moved.iter().map(|task| task.job_id));
    }
    let running: Vec<(Uuid, Uuid, Option<Uuid>)> = tx
        .find::<task::Entity>()
        .select_only()
        .columns([Column::JobId, Column::ClusterId, Column::LeaseAgentId])
        .filter(Column::NodeId.eq(node_id))
        .filter(Column::State.eq(TaskState::Running.as_str()))
        .into_tuple()
        .all(tx)
        .await?;
    for (job, cluster, agent) in running {
        moves.touch(job, cluster);
        if let Some(agent) = agent {
            tx.wake(Topic::Agent(agent));
        }
    }
    moves.settle(tx).await?;
    Ok(jobs)
}

/// Changes a node ([`nodes::update`]); its tasks follow it to its new agents.
///
/// # Errors
/// Those of [`nodes::update`].
pub async fn update_node(tx: &OrgTx, id: Uuid, expected: Option<i64>, change: NodeChange) -> Result<NodeRow> {
    let row = nodes::update(tx, id, expected, change).await?;
    follow(tx, std::slice::from_ref(&row.node)).await?;
    Ok(row)
}

/// Takes what an agent says of its nodes ([`nodes::declare`]); their tasks follow them to it.
///
/// # Errors
/// Those of [`nodes::declare`].
pub async fn declare_nodes(tx: &OrgTx, agent_id: Uuid, request: &NodesRequest) -> Result<NodesAnswer> {
    let answer = nodes::declare(tx, agent_id, request).await?;
    follow(tx, &nodes::of(tx, agent_id).await?).await?;
    Ok(answer)
}

/// Refuses an agent ([`agents::ban`]); tasks of its nodes are left to their other agent.
///
/// # Errors
/// Those of [`agents::ban`].
pub async fn ban_agent(tx: &OrgTx, id: Uuid, reason: &str) -> Result<AgentRow> {
    let nodes = lock_nodes_of(tx, id).await?;
    let row = agents::ban(tx, id, reason).await?;
    follow(tx, &nodes).await?;
    Ok(row)
}

/// Lets a banned agent in again ([`agents::unban`]); tasks of its nodes are open to it again.
///
/// # Errors
/// Those of [`agents::unban`].
pub async fn unban_agent(tx: &OrgTx, id: Uuid) -> Result<AgentRow> {
    let nodes = lock_nodes_of(tx, id).await?;
    let row = agents::unban(tx, id).await?;
    follow(tx, &nodes).await?;
    Ok(row)
}

/// Takes an agent out of use for good ([`agents::retire`]); tasks of its nodes are left to their other agent, or wait for a
/// new one until their deadline.
///
/// # Errors
/// Those of [`agents::retire`].
pub async fn retire_agent(tx: &OrgTx, id: Uuid) -> Result<()> {
    let nodes = lock_nodes_of(tx, id).await?;
    agents::retire(tx, id).await?;
    follow(tx, &nodes).await
}

/// The nodes in use of an agent, whose clusters are locked before the agent's own row is touched.
async fn lock_nodes_of(tx: &OrgTx, agent_id: Uuid) -> Result<Vec<Node>> {
    let touched: Vec<Uuid> = nodes::of(tx, agent_id)
        .await?
        .into_iter()
        .map(|node| node.cluster_id)
        .collect();
    clusters::lock(tx, &touched).await?;
    // Again: what was read before the lock may be old.
    nodes::of(tx, agent_id).await
}

/// Gives the tasks of nodes that have not ended to the agents that the nodes have now, without those that are banned or
/// retired. What runs keeps its lease; it goes to the new agents if the lease is lost.
async fn follow(tx: &OrgTx, nodes: &[Node]) -> Result<()> {
    type Pair = (Option<Uuid>, Option<Uuid>);
    let named = nodes.iter().flat_map(|node| [node.agent_id, node.second_agent_id]);
    let agents = agents::by_ids(tx, named.flatten()).await?;
    let usable = |id: &Uuid| {
        agents
            .get(id)
            .is_some_and(|agent| agent.retired_at.is_none() && agent.banned_at.is_none())
    };
    let mut groups: BTreeMap<Pair, Vec<Uuid>> = BTreeMap::new();
    for node in nodes {
        let mut present = [node.agent_id, node.second_agent_id]
            .into_iter()
            .flatten()
            .filter(usable);
        groups
            .entry((present.next(), present.next()))
            .or_default()
            .push(node.id);
    }
    let differs = |column: task::Column, agent: Option<Uuid>| match agent {
        Some(agent) => Condition::any().add(column.is_null()).add(column.ne(agent)),
        None => Condition::any().add(column.is_not_null()),
    };
    use task::Column;
    for ((first, second), ids) in groups {
        let mut moved = 0;
        for chunk in ids.chunks(MAX_BINDS / 2) {
            let elsewhere = Condition::any()
                .add(differs(Column::AgentId, first))
                .add(differs(Column::SecondAgentId, second));
            let done = tx
                .update_many::<task::Entity>()
                .col_expr(Column::AgentId, Expr::value(first))
                .col_expr(Column::SecondAgentId, Expr::value(second))
                .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
                .filter(Column::NodeId.is_in(chunk.iter().copied()))
                .filter(Column::State.is_in(["waiting", "pending", "running"]))
                .filter(elsewhere)
                .exec(tx)
                .await?;
            moved += done.rows_affected;
        }
        if moved > 0 {
            for agent in [first, second].into_iter().flatten() {
                tx.wake(Topic::Agent(agent));
            }
        }
    }
    Ok(())
}

//! Lists of nodes.

use super::{Node, entity, row};
use crate::agents::{self, AgentStatus};
use crate::clusters::{self, Cluster, UNREADABLE_ENTRIES};
use crate::db::OrgTx;
use crate::error::Result;
use crate::lists::{Page, contains, fetch, page, typed};
use crate::{Permission, Timestamp};
use sea_orm::sea_query::{Condition, Expr, ExprTrait};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// What is the matter with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeStatus {
    /// It was read well, and an agent is there for it.
    Ok,
    /// It was read, but for some certificates that could not be understood.
    Attention,
    /// It was not read yet.
    Waiting,
    /// It did not answer its agent the last time.
    Unreachable,
    /// None of its agents is there.
    AgentOffline,
    /// Its agent does not know its credentials.
    CredentialsMissing,
    /// No agent works for it.
    NoAgent,
    /// It is out of use.
    Retired,
}

impl NodeStatus {
    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Attention => "attention",
            Self::Waiting => "waiting",
            Self::Unreachable => "unreachable",
            Self::AgentOffline => "agent_offline",
            Self::CredentialsMissing => "credentials_missing",
            Self::NoAgent => "no_agent",
            Self::Retired => "retired",
        }
    }

    fn of(node: &Node, agents: [Option<&AgentBrief>; 2]) -> Self {
        let has = |wanted: fn(AgentStatus) -> bool| agents.into_iter().flatten().any(|agent| wanted(agent.status));
        let works = |status| matches!(status, AgentStatus::Online | AgentStatus::Offline);
        if node.retired_at.is_some() {
            Self::Retired
        } else if !has(works) {
            Self::NoAgent
        } else if !has(|status| status == AgentStatus::Online) {
            Self::AgentOffline
        } else if !node.ready {
            Self::CredentialsMissing
        } else {
            match node.fault_code.as_deref() {
                Some(UNREADABLE_ENTRIES) => Self::Attention,
                Some(_) => Self::Unreachable,
                None if node.inventory_at.is_none() => Self::Waiting,
                None => Self::Ok,
            }
        }
    }
}

/// An agent as lists of nodes name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentBrief {
    /// The agent.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Whether it is there.
    pub status: AgentStatus,
}

/// A node with what lists show of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRow {
    /// The node.
    pub node: Node,
    /// Its cluster.
    pub cluster: Cluster,
    /// The agent that works for it.
    pub agent: Option<AgentBrief>,
    /// The agent that steps in.
    pub second_agent: Option<AgentBrief>,
    /// Told by the node's last reading and its agents.
    pub status: NodeStatus,
}

/// Name and id of the last node of a page.
pub type NodeCursor = (String, Uuid);

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct NodeFilter {
    /// Only of this cluster.
    pub cluster_id: Option<Uuid>,
    /// Only those that this agent works for, first or second.
    pub agent_id: Option<Uuid>,
    /// Part of the name or address, whatever the case.
    pub search: Option<String>,
}

/// One page of the nodes in use, by name.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn list(
    tx: &OrgTx,
    filter: &NodeFilter,
    after: Option<NodeCursor>,
    limit: u64,
) -> Result<Page<NodeRow, NodeCursor>> {
    tx.scope().require(Permission::ReadFleet)?;
    use entity::{Column, Entity};
    let mut rows = tx.find::<Entity>().filter(Column::RetiredAt.is_null());
    if let Some(cluster) = filter.cluster_id {
        rows = rows.filter(Column::ClusterId.eq(cluster));
    }
    if let Some(agent) = filter.agent_id {
        rows = rows.filter(works_for(agent));
    }
    if let Some(text) = typed(filter.search.as_deref()) {
        rows = rows.filter(
            Condition::any()
                .add(contains(Expr::col((Entity, Column::Name)), &text))
                .add(contains(Expr::col((Entity, Column::Address)), &text)),
        );
    }
    if let Some((name, id)) = after {
        let row = Expr::tuple([Expr::col((Entity, Column::Name)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(row.gt(Expr::tuple([Expr::value(name), Expr::value(id)])));
    }
    let rows = rows
        .order_by_asc(Column::Name)
        .order_by_asc(Column::Id)
        .limit(fetch(limit))
        .all(tx)
        .await?;
    let page = page(rows, limit, |node| (node.name.clone(), node.id));
    Ok(Page {
        items: with_names(tx, page.items).await?,
        next: page.next,
    })
}

pub(super) fn works_for(agent: Uuid) -> Condition {
    Condition::any()
        .add(entity::Column::AgentId.eq(agent))
        .add(entity::Column::SecondAgentId.eq(agent))
}

pub(crate) async fn with_names(tx: &OrgTx, nodes: Vec<Node>) -> Result<Vec<NodeRow>> {
    let clusters = clusters::by_ids(tx, nodes.iter().map(|node| node.cluster_id)).await?;
    let ids = nodes
        .iter()
        .flat_map(|node| node.agent_id.into_iter().chain(node.second_agent_id));
    let agents = agents::by_ids(tx, ids).await?;
    let now: Timestamp = tx.now();
    let brief = |id: Option<Uuid>| {
        let agent = agents.get(&id?)?;
        Some(AgentBrief {
            id: agent.id,
            name: agent.name.clone(),
            status: AgentStatus::of(agent, now),
        })
    };
    Ok(nodes
        .into_iter()
        .filter_map(|node| {
            let cluster = clusters.get(&node.cluster_id)?.clone();
            let (agent, second_agent) = (brief(node.agent_id), brief(node.second_agent_id));
            Some(NodeRow {
                status: NodeStatus::of(&node, [agent.as_ref(), second_agent.as_ref()]),
                node,
                cluster,
                agent,
                second_agent,
            })
        })
        .collect())
}

/// One node in use.
///
/// # Errors
/// [`crate::Error::NotFound`]; [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn get(tx: &OrgTx, id: Uuid) -> Result<NodeRow> {
    tx.scope().require(Permission::ReadFleet)?;
    let node = row(tx, id).await?;
    with_names(tx, vec![node]).await?.pop().ok_or_else(super::not_found)
}

/// The nodes in use that an agent works for, as the first or as the second one.
pub(crate) async fn of(tx: &OrgTx, agent_id: Uuid) -> Result<Vec<Node>> {
    Ok(tx
        .find::<entity::Entity>()
        .filter(works_for(agent_id))
        .filter(entity::Column::RetiredAt.is_null())
        .all(tx)
        .await?)
}

/// The node, if the agent works for it: for the calls of agents.
///
/// # Errors
/// [`crate::Error::NotFound`] for a node that is not the agent's; [`crate::Error::Forbidden`] for anyone but the agent.
pub async fn of_agent(tx: &OrgTx, agent_id: Uuid, node_id: Uuid) -> Result<Node> {
    agents::require_self(tx.scope(), agent_id)?;
    let node = row(tx, node_id).await?;
    if node.agent_id == Some(agent_id) || node.second_agent_id == Some(agent_id) {
        Ok(node)
    } else {
        Err(super::not_found())
    }
}

//! Lists of agents.

use super::{Agent, entity, not_found};
use crate::clusters::{self, OFFLINE_AFTER};
use crate::db::OrgTx;
use crate::error::Result;
use crate::lists::{Page, contains, fetch, page, typed};
use crate::{Permission, Timestamp};
use certyard_protocol::Capability;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

/// What is the matter with an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AgentStatus {
    /// It was heard of in the last three minutes.
    Online,
    /// It was not.
    Offline,
    /// It is refused until somebody lifts the ban.
    Banned,
    /// It is out of use for good.
    Retired,
}

impl AgentStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Online, Self::Offline, Self::Banned, Self::Retired];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Banned => "banned",
            Self::Retired => "retired",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// The status of an agent at a time.
    pub fn of(agent: &Agent, now: Timestamp) -> Self {
        if agent.retired_at.is_some() {
            Self::Retired
        } else if agent.banned_at.is_some() {
            Self::Banned
        } else if agent.last_seen_at.is_some_and(|seen| seen > now - OFFLINE_AFTER) {
            Self::Online
        } else {
            Self::Offline
        }
    }

    fn condition(self, now: Timestamp) -> Condition {
        use entity::agent::Column;
        let in_use = || {
            Condition::all()
                .add(Column::RetiredAt.is_null())
                .add(Column::BannedAt.is_null())
        };
        let edge = now - OFFLINE_AFTER;
        match self {
            Self::Online => in_use().add(Column::LastSeenAt.gt(edge)),
            Self::Offline => in_use().add(
                Condition::any()
                    .add(Column::LastSeenAt.is_null())
                    .add(Column::LastSeenAt.lte(edge)),
            ),
            Self::Banned => Condition::all()
                .add(Column::RetiredAt.is_null())
                .add(Column::BannedAt.is_not_null()),
            Self::Retired => Condition::all().add(Column::RetiredAt.is_not_null()),
        }
    }
}

/// An agent with what lists show of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRow {
    /// The agent.
    pub agent: Agent,
    /// Name of its group.
    pub group_name: String,
    /// Whether it is there.
    pub status: AgentStatus,
    /// Nodes in use that it works for as the first agent.
    pub nodes: i64,
}

/// What an agent's connectors can do, as it told with its last poll.
pub fn capabilities(agent: &Agent) -> Vec<Capability> {
    serde_json::from_value(agent.capabilities.clone()).unwrap_or_default()
}

/// Name and id of the last agent of a page.
pub type AgentCursor = (String, Uuid);

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct AgentFilter {
    /// Part of the name or host name, whatever the case.
    pub search: Option<String>,
    /// Any of these groups; empty: all.
    pub groups: Vec<Uuid>,
    /// Any of these; empty: all but retired.
    pub statuses: Vec<AgentStatus>,
}

/// One page of agents, by name.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn list(
    tx: &OrgTx,
    filter: &AgentFilter,
    after: Option<AgentCursor>,
    limit: u64,
) -> Result<Page<AgentRow, AgentCursor>> {
    tx.scope().require(Permission::ReadFleet)?;
    use entity::agent::{Column, Entity};
    let mut rows = tx.find::<Entity>();
    rows = match filter.statuses.as_slice() {
        [] => rows.filter(Column::RetiredAt.is_null()),
        statuses => {
            let any = statuses
                .iter()
                .fold(Condition::any(), |any, status| any.add(status.condition(tx.now())));
            rows.filter(any)
        }
    };
    if let Some(text) = typed(filter.search.as_deref()) {
        rows = rows.filter(
            Condition::any()
                .add(contains(Expr::col((Entity, Column::Name)), &text))
                .add(contains(Expr::col((Entity, Column::Hostname)), &text)),
        );
    }
    if !filter.groups.is_empty() {
        rows = rows.filter(Column::GroupId.is_in(filter.groups.iter().copied()));
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
    let page = page(rows, limit, |agent| (agent.name.clone(), agent.id));
    Ok(Page {
        items: with_names(tx, page.items).await?,
        next: page.next,
    })
}

pub(super) async fn with_names(tx: &OrgTx, agents: Vec<Agent>) -> Result<Vec<AgentRow>> {
    if agents.is_empty() {
        return Ok(Vec::new());
    }
    let groups = clusters::group_names(tx, agents.iter().map(|agent| agent.group_id)).await?;
    let nodes = node_counts(tx, agents.iter().map(|agent| agent.id).collect()).await?;
    Ok(agents
        .into_iter()
        .map(|agent| AgentRow {
            group_name: groups.get(&agent.group_id).cloned().unwrap_or_default(),
            status: AgentStatus::of(&agent, tx.now()),
            nodes: nodes.get(&agent.id).copied().unwrap_or(0),
            agent,
        })
        .collect())
}

/// Counts the nodes of the agents of one page; their room stands below, so the table is named.
async fn node_counts(tx: &OrgTx, agents: Vec<Uuid>) -> Result<HashMap<Uuid, i64>> {
    let select = Query::select()
        .column(("node", "agent_id"))
        .expr_as(Func::count(Expr::col(("node", "id"))), "nodes")
        .from("node")
        .and_where(Expr::col(("node", "org_id")).eq(tx.org_id()))
        .and_where(Expr::col(("node", "agent_id")).is_in(agents))
        .and_where(Expr::col(("node", "retired_at")).is_null())
        .group_by_col(("node", "agent_id"))
        .take();
    let mut counts = HashMap::new();
    for row in tx.query_all(&select).await? {
        counts.insert(row.try_get("", "agent_id")?, row.try_get("", "nodes")?);
    }
    Ok(counts)
}

/// One agent, retired ones too.
///
/// # Errors
/// [`crate::Error::NotFound`]; [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn get(tx: &OrgTx, id: Uuid) -> Result<AgentRow> {
    tx.scope().require(Permission::ReadFleet)?;
    let agent = tx
        .find::<entity::agent::Entity>()
        .filter(entity::agent::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(not_found)?;
    with_names(tx, vec![agent]).await?.pop().ok_or_else(not_found)
}

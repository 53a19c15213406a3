//! Agents: the programs at customers' sites that connect out, hold credentials and keys, and work for the nodes of their
//! group. An agent spends a join token for its first identity and renews it by itself; its identity, its end and bans are
//! looked at with every request. What people decide about them goes through [`crate::jobs`], whose tasks follow: `ban_agent`,
//! `unban_agent`, `retire_agent`.
//!
//! ```text
//! join token ──enroll──▶ in use ◀──unban── banned
//!                          │  └────ban────▶  │
//!                          └────retire───────┴──▶ retired (for good)
//! ```

mod decide;
mod enroll;
pub(crate) mod entity;
mod identity;
mod join;
mod list;
mod sessions;

pub(crate) use decide::{ban, retire, unban};
pub use enroll::enroll;
pub use entity::agent::Model as Agent;
pub use entity::join_token::Model as JoinToken;
pub use identity::{AgentIdentity, Heartbeat, Peer, Purpose, RENEWAL_GRACE_DAYS, identify, peer, renew, touch};
pub use join::{JoinTokenCursor, JoinTokenRow, NewJoinToken, create_join_token, list_join_tokens, revoke_join_token};
pub use list::{AgentCursor, AgentFilter, AgentRow, AgentStatus, capabilities, get, list};

use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::scope::{ActorKind, Scope};
use certyard_protocol::ConnectorKind;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};
use std::collections::HashMap;
use uuid::Uuid;

pub(crate) fn not_found() -> Error {
    Error::NotFound { what: "agent" }
}

/// Lets only the agent itself, or Certyard, through.
pub(crate) fn require_self(scope: &Scope, agent_id: Uuid) -> Result<()> {
    let actor = scope.actor();
    match actor.kind {
        ActorKind::System => Ok(()),
        ActorKind::Agent if actor.id == Some(agent_id) => Ok(()),
        ActorKind::Agent | ActorKind::User | ActorKind::Token => Err(Error::Forbidden {
            message: "this is for the agent itself".into(),
        }),
    }
}

/// The connectors that an agent's program knows: those of the protocol that it speaks, and what it says that it can do.
pub(crate) fn connectors(protocol: i32, capabilities: &serde_json::Value) -> Vec<ConnectorKind> {
    let told: Vec<&str> = capabilities
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one.get("connector")?.as_str())
        .collect();
    let speaks = |kind: &ConnectorKind| i64::from(protocol) >= i64::from(kind.since_protocol());
    ConnectorKind::ALL
        .into_iter()
        .filter(|kind| speaks(kind) || told.contains(&kind.as_str()))
        .collect()
}

/// An agent that is neither retired nor banned, as far as the scope sees it.
pub(crate) async fn find_active(tx: &OrgTx, id: Uuid) -> Result<Option<Agent>> {
    use entity::agent::{Column, Entity};
    Ok(tx
        .find::<Entity>()
        .filter(Column::Id.eq(id))
        .filter(Column::RetiredAt.is_null())
        .filter(Column::BannedAt.is_null())
        .one(tx)
        .await?)
}

/// Agents by their ids, retired ones too, as far as the scope sees them.
pub(crate) async fn by_ids(tx: &OrgTx, ids: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, Agent>> {
    let rows = tx.by_ids::<entity::agent::Entity>(ids).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Notes that an agent is told all of its nodes now. The row stays locked, so that a change which it is not told of is
/// counted after it.
pub(crate) async fn nodes_are_told(tx: &OrgTx, id: Uuid) -> Result<()> {
    use entity::agent::{Column, Entity};
    tx.update_many::<Entity>()
        .col_expr(Column::NodesVersion, Expr::value(0_i64))
        .filter(Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

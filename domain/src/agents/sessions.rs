//! Two programs with one identity: a stolen or copied data folder.
//!
//! An agent makes a session at each start and names it with each poll. A start ends the session before it for good: one
//! that comes back after another was there belongs to a second program with the same key.

use super::entity::agent::{Column, Entity};
use super::{Agent, AgentIdentity};
use crate::audit;
use crate::db::OrgTx;
use crate::error::Result;
use crate::signal::Topic;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::json;
use uuid::Uuid;

/// Former sessions that are kept: copies take turns, so the latest are enough.
const KEPT: usize = 8;

/// What a session means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// It is the one of the last poll.
    Same,
    /// It follows another one.
    New {
        /// Those that others have followed, the latest last.
        former: Vec<Uuid>,
        /// It is one of those: no start makes a session twice.
        came_back: bool,
    },
}

/// Compares the session of a poll with those before it. Pure.
pub(super) fn judge(known: &Agent, session: Uuid) -> Judged {
    let Some(last) = known.poll_session else {
        return Judged::New {
            former: Vec::new(),
            came_back: false,
        };
    };
    if last == session {
        return Judged::Same;
    }
    let mut former: Vec<Uuid> = known
        .former_sessions
        .clone()
        .and_then(|stored| serde_json::from_value(stored).ok())
        .unwrap_or_default();
    let came_back = former.contains(&session);
    former.retain(|one| *one != session && *one != last);
    former.push(last);
    let surplus = former.len().saturating_sub(KEPT);
    former.drain(..surplus);
    Judged::New { former, came_back }
}

/// Raises the alarm, once until somebody has looked at the agent: it stays on the agent and in the audit trail. Nobody is
/// locked out, as the server cannot know which of the two is the customer's: people ban the agent, or let it join anew.
pub(super) async fn raise(tx: &OrgTx, agent: &AgentIdentity) -> Result<()> {
    let done = tx
        .update_many::<Entity>()
        .col_expr(Column::ClonedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(agent.agent_id))
        .filter(Column::ClonedAt.is_null())
        .exec(tx)
        .await?;
    if done.rows_affected == 0 {
        return Ok(());
    }
    tracing::warn!(agent = %agent.agent_id, org = %agent.org_id, "two programs use the identity of one agent");
    tx.wake(Topic::Agent(agent.agent_id));
    audit::record(
        tx,
        audit::Entry {
            action: "agent.cloned",
            object_kind: "agent",
            object_id: Some(agent.agent_id),
            object_name: &agent.name,
            before: None,
            after: Some(json!({ "address": agent.address })),
        },
    )
    .await
}

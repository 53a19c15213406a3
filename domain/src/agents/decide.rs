//! What people decide about agents.

use super::{AgentRow, entity, get, not_found};
use crate::Permission;
use crate::audit;
use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::signal::Topic;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;

use entity::agent::{Column, Entity};

/// Refuses all requests of an agent from now on; the reason is told to it and shown.
///
/// # Errors
/// [`Error::Conflict`] `not_in_use` when it is banned or retired already; [`Error::NotFound`], [`Error::Invalid`],
/// [`Error::Forbidden`] without [`Permission::ManageFleet`].
pub async fn ban(tx: &OrgTx, id: Uuid, reason: &str) -> Result<AgentRow> {
    tx.scope().require(Permission::ManageFleet)?;
    let mut fields = Fields::default();
    let reason = fields.description("reason", reason);
    fields.finish()?;
    let before = get(tx, id).await?;
    let done = tx
        .update_many::<Entity>()
        .col_expr(Column::BannedAt, Expr::value(tx.now()))
        .col_expr(Column::BanReason, Expr::value(reason.clone()))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::BannedAt.is_null())
        .filter(Column::RetiredAt.is_null())
        .exec(tx)
        .await?;
    if done.rows_affected == 0 {
        return Err(Error::conflict("not_in_use", "the agent is banned or retired already"));
    }
    record(
        tx,
        "agent.ban",
        id,
        &before.agent.name,
        Some(json!({ "reason": reason })),
    )
    .await?;
    get(tx, id).await
}

/// Lets a banned agent in again. Whoever does so has looked at it: the alarm of a copied identity ends.
///
/// # Errors
/// [`Error::Conflict`] `not_banned`; [`Error::NotFound`], [`Error::Forbidden`] without [`Permission::ManageFleet`].
pub async fn unban(tx: &OrgTx, id: Uuid) -> Result<AgentRow> {
    tx.scope().require(Permission::ManageFleet)?;
    let before = get(tx, id).await?;
    let done = tx
        .update_many::<Entity>()
        .col_expr(Column::BannedAt, Expr::value(Option::<crate::Timestamp>::None))
        .col_expr(Column::BanReason, Expr::value(Option::<String>::None))
        .col_expr(Column::ClonedAt, Expr::value(Option::<crate::Timestamp>::None))
        .col_expr(Column::FormerSessions, Expr::value(Option::<Value>::None))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::BannedAt.is_not_null())
        .filter(Column::RetiredAt.is_null())
        .exec(tx)
        .await?;
    if done.rows_affected == 0 {
        return Err(Error::conflict("not_banned", "the agent is not banned"));
    }
    record(tx, "agent.unban", id, &before.agent.name, None).await?;
    get(tx, id).await
}

/// Takes an agent out of use for good. Its nodes stay and need another agent.
///
/// # Errors
/// [`Error::NotFound`], also when it is retired already; [`Error::Forbidden`] without [`Permission::ManageFleet`].
pub async fn retire(tx: &OrgTx, id: Uuid) -> Result<()> {
    tx.scope().require(Permission::ManageFleet)?;
    let before = get(tx, id).await?;
    let done = tx
        .update_many::<Entity>()
        .col_expr(Column::RetiredAt, Expr::value(tx.now()))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::RetiredAt.is_null())
        .exec(tx)
        .await?;
    if done.rows_affected == 0 {
        return Err(not_found());
    }
    record(tx, "agent.retire", id, &before.agent.name, None).await
}

async fn record(tx: &OrgTx, action: &str, id: Uuid, name: &str, after: Option<Value>) -> Result<()> {
    // Whatever it waits for: it has to hear of this.
    tx.wake(Topic::Agent(id));
    audit::record(
        tx,
        audit::Entry {
            action,
            object_kind: "agent",
            object_id: Some(id),
            object_name: name,
            before: None,
            after,
        },
    )
    .await
}

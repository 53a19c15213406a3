//! The audit log: who did what to which thing, from where, and what it was before and after. Rows are only ever added, in
//! the transaction of the change they tell of, so that a decision and its row commit together or not at all.

mod entity;

pub use entity::Model as AuditRow;

use crate::db::OrgTx;
use crate::error::Result;
use crate::ids::new_id;
use crate::{Permission, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::Value;
use uuid::Uuid;

/// One decision.
pub struct Entry<'a> {
    /// `noun.verb`, for instance `cluster.create`.
    pub action: &'a str,
    /// Kind of the thing, for instance `cluster`.
    pub object_kind: &'a str,
    /// The thing, where it has an id.
    pub object_id: Option<Uuid>,
    /// Its name at the time.
    pub object_name: &'a str,
    /// What it was, without secrets.
    pub before: Option<Value>,
    /// What it is now, without secrets.
    pub after: Option<Value>,
}

/// Writes the row of a decision in the transaction that carries it out. The actor and address are those of the scope.
///
/// # Errors
/// The database refuses; the caller must not commit then.
pub async fn record(tx: &OrgTx, entry: Entry<'_>) -> Result<()> {
    let actor = tx.scope().actor();
    entity::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(new_id()),
        at: Set(tx.now()),
        actor_kind: Set(actor.kind.as_str().into()),
        actor_id: Set(actor.id),
        actor_name: Set(actor.name.clone()),
        address: Set(actor.address.clone()),
        request_id: Set(actor.request_id.clone()),
        action: Set(entry.action.into()),
        object_kind: Set(entry.object_kind.into()),
        object_id: Set(entry.object_id),
        object_name: Set(entry.object_name.into()),
        before: Set(entry.before),
        after: Set(entry.after),
    }
    .insert(tx)
    .await?;
    Ok(())
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this action.
    pub action: Option<String>,
    /// Only this kind of thing.
    pub object_kind: Option<String>,
    /// Only this thing.
    pub object_id: Option<Uuid>,
    /// Only this actor.
    pub actor_id: Option<Uuid>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// One page of the log, newest first, after the row `(at, id)`.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::ReadAudit`].
pub async fn list(tx: &OrgTx, filter: &Filter, after: Option<(Timestamp, Uuid)>, limit: u64) -> Result<Vec<AuditRow>> {
    tx.scope().require(Permission::ReadAudit)?;
    use entity::{Column, Entity};
    let mut rows = tx.find::<Entity>();
    if let Some(action) = &filter.action {
        rows = rows.filter(Column::Action.eq(action.as_str()));
    }
    if let Some(kind) = &filter.object_kind {
        rows = rows.filter(Column::ObjectKind.eq(kind.as_str()));
    }
    if let Some(id) = filter.object_id {
        rows = rows.filter(Column::ObjectId.eq(id));
    }
    if let Some(id) = filter.actor_id {
        rows = rows.filter(Column::ActorId.eq(id));
    }
    if let Some(since) = filter.since {
        rows = rows.filter(Column::At.gte(since));
    }
    if let Some(until) = filter.until {
        rows = rows.filter(Column::At.lt(until));
    }
    if let Some((at, id)) = after {
        let row = Expr::tuple([Expr::col((Entity, Column::At)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(row.lt(Expr::tuple([Expr::value(at), Expr::value(id)])));
    }
    Ok(rows
        .order_by_desc(Column::At)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(tx)
        .await?)
}

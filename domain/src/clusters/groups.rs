//! Groups.

use super::entity::{cluster, group};
use super::version_conflict;
use crate::audit;
use crate::db::OrgTx;
use crate::error::{Error, Result, name_taken};
use crate::fields::Fields;
use crate::ids::new_id;
use crate::lists::{Page, contains, fetch, page, typed};
use crate::{Permission, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// A group with what lists show of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// The group.
    pub group: group::Model,
    /// Clusters in use.
    pub clusters: i64,
}

/// What to change of a group; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct GroupChange {
    /// Name, unique among the groups in use.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
}

fn not_found() -> Error {
    Error::NotFound { what: "group" }
}

fn taken(name: &str) -> String {
    format!("there is a group `{name}` already")
}

fn told(group: &group::Model) -> Value {
    json!({ "name": group.name, "description": group.description })
}

/// One page of the groups in use, by name.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn list_groups(
    tx: &OrgTx,
    search: Option<&str>,
    after: Option<(String, Uuid)>,
    limit: u64,
) -> Result<Page<GroupRow, (String, Uuid)>> {
    tx.scope().require(Permission::ReadFleet)?;
    use group::{Column, Entity};
    let mut rows = tx.find::<Entity>().filter(Column::RetiredAt.is_null());
    if let Some(text) = typed(search) {
        rows = rows.filter(contains(Expr::col((Entity, Column::Name)), &text));
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
    let page = page(rows, limit, |group| (group.name.clone(), group.id));
    let counts = cluster_counts(tx, page.items.iter().map(|group| group.id).collect()).await?;
    Ok(Page {
        items: page
            .items
            .into_iter()
            .map(|group| GroupRow {
                clusters: counts.get(&group.id).copied().unwrap_or(0),
                group,
            })
            .collect(),
        next: page.next,
    })
}

async fn cluster_counts(tx: &OrgTx, groups: Vec<Uuid>) -> Result<HashMap<Uuid, i64>> {
    if groups.is_empty() {
        return Ok(HashMap::new());
    }
    let select = Query::select()
        .column(cluster::Column::GroupId)
        .expr_as(Func::count(Expr::col(cluster::Column::Id)), "clusters")
        .from(cluster::Entity)
        .and_where(Expr::col(cluster::Column::OrgId).eq(tx.org_id()))
        .and_where(Expr::col(cluster::Column::GroupId).is_in(groups))
        .and_where(Expr::col(cluster::Column::RetiredAt).is_null())
        .group_by_col(cluster::Column::GroupId)
        .take();
    let mut counts = HashMap::new();
    for row in tx.query_all(&select).await? {
        counts.insert(row.try_get("", "group_id")?, row.try_get("", "clusters")?);
    }
    Ok(counts)
}

/// One group in use.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn get_group(tx: &OrgTx, id: Uuid) -> Result<GroupRow> {
    tx.scope().require(Permission::ReadFleet)?;
    let group = row(tx, id).await?;
    let counts = cluster_counts(tx, vec![id]).await?;
    Ok(GroupRow {
        clusters: counts.get(&id).copied().unwrap_or(0),
        group,
    })
}

/// The wanted group, or the first by name where none is: the group `Default` is made where there is none at all, so that
/// a first agent or cluster needs no group to be thought of.
///
/// # Errors
/// [`Error::Invalid`] when the actor is bound to groups that are gone; those of [`create_group`].
pub async fn group_or_first(tx: &OrgTx, wanted: Option<Uuid>) -> Result<Uuid> {
    if let Some(id) = wanted {
        return Ok(id);
    }
    let first = list_groups(tx, None, None, 1).await?.items.into_iter().next();
    match first {
        Some(row) => Ok(row.group.id),
        None if tx.scope().groups().is_some() => Err(Error::field("group_id", "required", "must name a group")),
        None => Ok(create_group(tx, "Default", "").await?.group.id),
    }
}

/// The row of a group in use.
pub(super) async fn row(tx: &OrgTx, id: Uuid) -> Result<group::Model> {
    tx.find::<group::Entity>()
        .filter(group::Column::Id.eq(id))
        .filter(group::Column::RetiredAt.is_null())
        .one(tx)
        .await?
        .ok_or_else(not_found)
}

/// The row of a group in use, kept from being retired until the end of the transaction.
pub(crate) async fn lock(tx: &OrgTx, id: Uuid) -> Result<group::Model> {
    let mut rows = tx
        .find::<group::Entity>()
        .filter(group::Column::Id.eq(id))
        .filter(group::Column::RetiredAt.is_null());
    crate::db::dialect::lock_rows(QuerySelect::query(&mut rows));
    rows.one(tx).await?.ok_or_else(not_found)
}

/// Names of groups, retired ones too, as far as the scope sees them.
pub(crate) async fn names(tx: &OrgTx, ids: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, String>> {
    let mut ids: Vec<Uuid> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = tx
        .find::<group::Entity>()
        .filter(group::Column::Id.is_in(ids))
        .all(tx)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Makes a group. Only those who are bound to no group may: a new group is in nobody's list.
///
/// # Errors
/// [`Error::Invalid`] for a bad or taken name; [`Error::Forbidden`] without [`Permission::ManageFleet`] over all groups.
pub async fn create_group(tx: &OrgTx, name: &str, description: &str) -> Result<GroupRow> {
    tx.scope().require(Permission::ManageFleet)?;
    if tx.scope().groups().is_some() {
        return Err(Error::Forbidden {
            message: "a role that is bound to some groups cannot make another one".into(),
        });
    }
    let mut fields = Fields::default();
    let name = fields.name("name", name);
    let description = fields.description("description", description);
    fields.finish()?;
    let group = group::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(new_id()),
        name: Set(name.clone()),
        description: Set(description),
        version: Set(1),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
        retired_at: Set(None),
    }
    .insert(tx)
    .await
    .map_err(|error| name_taken(error, || taken(&name)))?;
    record(tx, "group.create", &group, None, Some(told(&group))).await?;
    Ok(GroupRow { group, clusters: 0 })
}

async fn record(
    tx: &OrgTx,
    action: &str,
    group: &group::Model,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<()> {
    audit::record(
        tx,
        audit::Entry {
            action,
            object_kind: "group",
            object_id: Some(group.id),
            object_name: &group.name,
            before,
            after,
        },
    )
    .await
}

/// Changes a group. `expected` is the version that the caller read, as in `If-Match`.
///
/// # Errors
/// [`Error::Conflict`] when it was changed since; [`Error::NotFound`], [`Error::Invalid`], [`Error::Forbidden`].
pub async fn update_group(tx: &OrgTx, id: Uuid, expected: Option<i64>, change: GroupChange) -> Result<GroupRow> {
    tx.scope().require(Permission::ManageFleet)?;
    let before = row(tx, id).await?;
    let mut fields = Fields::default();
    let name = match &change.name {
        Some(name) => fields.name("name", name),
        None => before.name.clone(),
    };
    let description = match &change.description {
        Some(text) => fields.description("description", text),
        None => before.description.clone(),
    };
    fields.finish()?;
    let expected = expected.unwrap_or(before.version);
    use group::Column;
    let done = tx
        .update_many::<group::Entity>()
        .col_expr(Column::Name, Expr::value(name.clone()))
        .col_expr(Column::Description, Expr::value(description))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::Version.eq(expected))
        .filter(Column::RetiredAt.is_null())
        .exec(tx)
        .await
        .map_err(|error| name_taken(error, || taken(&name)))?;
    let after = row(tx, id).await?;
    if done.rows_affected == 0 {
        return Err(version_conflict("group", after.version));
    }
    record(tx, "group.update", &after, Some(told(&before)), Some(told(&after))).await?;
    get_group(tx, id).await
}

/// Retires a group that has no cluster and no agent in use.
///
/// # Errors
/// [`Error::Refused`] `group_in_use`; [`Error::Conflict`], [`Error::NotFound`], [`Error::Forbidden`].
pub async fn retire_group(tx: &OrgTx, id: Uuid, expected: Option<i64>) -> Result<()> {
    tx.scope().require(Permission::ManageFleet)?;
    let group = row(tx, id).await?;
    let expected = expected.unwrap_or(group.version);
    use group::Column;
    let now: Timestamp = tx.now();
    // First the group, so that nothing can be put into it between the look and the end.
    let done = tx
        .update_many::<group::Entity>()
        .col_expr(Column::RetiredAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id))
        .filter(Column::Version.eq(expected))
        .filter(Column::RetiredAt.is_null())
        .exec(tx)
        .await?;
    if done.rows_affected == 0 {
        return Err(version_conflict("group", row(tx, id).await?.version));
    }
    let clusters = cluster_counts(tx, vec![id]).await?.get(&id).copied().unwrap_or(0);
    if clusters > 0 {
        return Err(Error::refused(
            "group_in_use",
            format!("the group has {clusters} clusters: move or retire them first"),
        ));
    }
    if super::fleet::group_has_agents(tx, id).await? {
        return Err(Error::refused(
            "group_in_use",
            "the group has agents: retire them first",
        ));
    }
    record(tx, "group.retire", &group, Some(told(&group)), None).await
}

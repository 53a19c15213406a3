//! Changing and retiring a cluster.

use super::create::{product, taken, told, version};
use super::entity::cluster;
use super::{ClusterRow, fleet, groups, row, version_conflict};
use crate::Permission;
use crate::audit;
use crate::db::OrgTx;
use crate::error::{Error, Result, name_taken};
use crate::fields::Fields;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, QueryFilter};
use uuid::Uuid;

/// What to change of a cluster; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct ClusterChange {
    /// Name, unique among the clusters in use.
    pub name: Option<String>,
    /// Another group, which the actor sees too.
    pub group_id: Option<Uuid>,
    /// Product; only while the cluster has no nodes.
    pub product: Option<String>,
    /// Version of the product.
    pub product_version: Option<String>,
    /// Whether the service is switched on for it (R2).
    pub enabled: Option<bool>,
    /// Description.
    pub description: Option<String>,
}

/// Changes a cluster. `expected` is the version that the caller read, as in `If-Match`.
///
/// # Errors
/// [`Error::Conflict`] when it was changed since; [`Error::Refused`] `product_fixed` or `agents_of_other_group`;
/// [`Error::NotFound`], [`Error::Invalid`], [`Error::Forbidden`] without [`Permission::ManageFleet`].
pub async fn update(tx: &OrgTx, id: Uuid, expected: Option<i64>, change: ClusterChange) -> Result<ClusterRow> {
    tx.scope().require(Permission::ManageFleet)?;
    let before = row(tx, id).await?;
    let expected = expected.unwrap_or(before.version);
    if before.version != expected {
        return Err(version_conflict("cluster", before.version));
    }
    let mut fields = Fields::default();
    let mut wanted = before.clone();
    if let Some(name) = &change.name {
        wanted.name = fields.name("name", name);
    }
    if let Some(text) = &change.description {
        wanted.description = fields.description("description", text);
    }
    if let Some(text) = &change.product_version {
        wanted.product_version = version(&mut fields, text);
    }
    if let Some(code) = change.product {
        product(&mut fields, &code);
        wanted.product = code;
    }
    fields.finish()?;
    wanted.enabled = change.enabled.unwrap_or(before.enabled);
    if wanted.product != before.product && fleet::has_nodes(tx, id).await? {
        return Err(Error::refused(
            "product_fixed",
            "the product cannot change while the cluster has nodes: make another cluster",
        ));
    }
    if let Some(group) = change.group_id.filter(|group| *group != before.group_id) {
        wanted.group_id = groups::lock(tx, group).await?.id;
        if fleet::has_agents_outside(tx, id, group).await? {
            return Err(Error::refused(
                "agents_of_other_group",
                "nodes of the cluster have agents of the former group: give them agents of the new one, or none, first",
            ));
        }
    }
    if wanted.product != before.product || wanted.product_version != before.product_version {
        fleet::compare_anew(tx, &[id]).await?;
    }
    use cluster::Column;
    let done = tx
        .update_many::<cluster::Entity>()
        .col_expr(Column::Name, Expr::value(wanted.name.clone()))
        .col_expr(Column::GroupId, Expr::value(wanted.group_id))
        .col_expr(Column::Product, Expr::value(wanted.product.clone()))
        .col_expr(Column::ProductVersion, Expr::value(wanted.product_version.clone()))
        .col_expr(Column::Enabled, Expr::value(wanted.enabled))
        .col_expr(Column::Description, Expr::value(wanted.description.clone()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::Version.eq(expected))
        .filter(Column::RetiredAt.is_null())
        .exec(tx)
        .await
        .map_err(|error| name_taken(error, || taken(&wanted.name)))?;
    let after = row(tx, id).await?;
    if done.rows_affected == 0 {
        return Err(version_conflict("cluster", after.version));
    }
    fleet::nudge_agents(tx, id).await?;
    audit::record(
        tx,
        audit::Entry {
            action: "cluster.update",
            object_kind: "cluster",
            object_id: Some(id),
            object_name: &after.name,
            before: Some(told(&before)),
            after: Some(told(&after)),
        },
    )
    .await?;
    super::get(tx, id).await
}

/// Retires a cluster that has no nodes in use.
///
/// # Errors
/// [`Error::Refused`] `cluster_in_use`; [`Error::Conflict`], [`Error::NotFound`], [`Error::Forbidden`].
pub async fn retire(tx: &OrgTx, id: Uuid, expected: Option<i64>) -> Result<()> {
    tx.scope().require(Permission::ManageFleet)?;
    let before = row(tx, id).await?;
    let expected = expected.unwrap_or(before.version);
    use cluster::Column;
    // First the cluster, so that no node can be put into it between the look and the end.
    let done = tx
        .update_many::<cluster::Entity>()
        .col_expr(Column::RetiredAt, Expr::value(tx.now()))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id))
        .filter(Column::Version.eq(expected))
        .filter(Column::RetiredAt.is_null())
        .exec(tx)
        .await?;
    if done.rows_affected == 0 {
        return Err(version_conflict("cluster", row(tx, id).await?.version));
    }
    if fleet::has_nodes(tx, id).await? {
        return Err(Error::refused(
            "cluster_in_use",
            format!("the cluster `{}` has nodes: retire them first", before.name),
        ));
    }
    audit::record(
        tx,
        audit::Entry {
            action: "cluster.retire",
            object_kind: "cluster",
            object_id: Some(id),
            object_name: &before.name,
            before: Some(told(&before)),
            after: None,
        },
    )
    .await
}

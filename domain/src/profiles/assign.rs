//! Which profile a cluster has, and which clusters have to be compared anew.
//!
//! Rows of `cluster_profile` are locked in the order of their clusters, and before the clusters themselves, so that two
//! transactions never wait for each other in a circle. Where the rows of all clusters and those of one profile are changed,
//! all come first ([`mark_followers`]).

use super::check::misfits;
use super::entity::{cluster_profile, profile};
use super::list::{attached, settings_of};
use super::{BUILT_IN, BUILT_IN_NAME, not_found};
use crate::Permission;
use crate::audit;
use crate::clusters::{self, Cluster};
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result};
use crate::fields::Fields;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::json;
use uuid::Uuid;

/// Clusters of one request at most: each gets its audit row.
pub const MAX_CLUSTERS: usize = 1000;

/// What a cluster is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// Whatever is the organisation's default.
    Default,
    /// This profile, or [`BUILT_IN`].
    Own(Uuid),
}

/// Gives clusters a profile; how many had another one before. All of them, or none.
///
/// # Errors
/// [`Error::NotFound`] for a cluster or the profile; [`Error::Invalid`] with `not_in_version` for a cluster whose version
/// cannot have what the profile wants (R37); [`Error::Forbidden`] without [`Permission::ManageFleet`].
pub async fn assign(tx: &OrgTx, cluster_ids: &[Uuid], to: Assignment) -> Result<u64> {
    tx.scope().require(Permission::ManageFleet)?;
    if cluster_ids.is_empty() || cluster_ids.len() > MAX_CLUSTERS {
        return Err(Error::field(
            "cluster_ids",
            "out_of_range",
            format!("names 1 to {MAX_CLUSTERS} clusters"),
        ));
    }
    let known = clusters::by_ids(tx, cluster_ids.iter().copied()).await?;
    let mut found: Vec<&Cluster> = Vec::with_capacity(known.len());
    for id in cluster_ids {
        let cluster = known.get(id).filter(|cluster| cluster.retired_at.is_none());
        found.push(cluster.ok_or_else(clusters::not_found)?);
    }
    let wanted = match to {
        Assignment::Own(id) if id != BUILT_IN => Some(keep(tx, id).await?),
        Assignment::Own(_) | Assignment::Default => None,
    };
    if let Some(profile) = &wanted {
        require_fit(profile, &found)?;
    }
    found.sort_unstable_by_key(|cluster| cluster.id);
    found.dedup_by_key(|cluster| cluster.id);
    let ids: Vec<Uuid> = found.iter().map(|cluster| cluster.id).collect();
    let before = attached(tx, &ids).await?;
    let own = matches!(to, Assignment::Own(_));
    let target = wanted.as_ref().map_or(BUILT_IN, |profile| profile.id);
    found.retain(|cluster| {
        let had = before.of(cluster.id);
        had.own != own || (own && had.id != target)
    });
    write(tx, &found, own, wanted.as_ref().map(|profile| profile.id)).await?;
    let after = match (to, &wanted) {
        (Assignment::Default, _) => json!({ "profile": null }),
        (Assignment::Own(_), None) => json!({ "profile": BUILT_IN_NAME }),
        (Assignment::Own(_), Some(profile)) => json!({ "profile": profile.name }),
    };
    for cluster in &found {
        let had = before.of(cluster.id);
        let name = had.own.then_some(had.name.as_str());
        audit::record(
            tx,
            audit::Entry {
                action: "cluster.profile",
                object_kind: "cluster",
                object_id: Some(cluster.id),
                object_name: &cluster.name,
                before: Some(json!({ "profile": name })),
                after: Some(after.clone()),
            },
        )
        .await?;
    }
    Ok(found.len() as u64)
}

/// A profile in use, kept from being retired until the end of the transaction.
async fn keep(tx: &OrgTx, id: Uuid) -> Result<profile::Model> {
    let mut rows = tx
        .find::<profile::Entity>()
        .filter(profile::Column::Id.eq(id))
        .filter(profile::Column::RetiredAt.is_null());
    dialect::lock_rows(QuerySelect::query(&mut rows));
    rows.one(tx).await?.ok_or_else(not_found)
}

/// R37: a profile is for clusters that can have what it wants.
fn require_fit(profile: &profile::Model, clusters: &[&Cluster]) -> Result<()> {
    let settings = settings_of(profile)?;
    let mut fields = Fields::default();
    for (index, cluster) in clusters.iter().enumerate() {
        for (_, field, reason) in misfits(&settings, &cluster.product, &cluster.product_version) {
            fields.refuse(
                &format!("cluster_ids[{index}]"),
                "not_in_version",
                format!(
                    "the profile `{}` does not suit `{}`, see its `{}`: {reason}",
                    profile.name,
                    cluster.name,
                    field.as_str()
                ),
            );
        }
    }
    fields.finish()
}

async fn write(tx: &OrgTx, clusters: &[&Cluster], own: bool, profile_id: Option<Uuid>) -> Result<()> {
    use cluster_profile::{ActiveModel, Column, Entity};
    let rows: Vec<ActiveModel> = clusters
        .iter()
        .map(|cluster| ActiveModel {
            org_id: Set(tx.org_id()),
            cluster_id: Set(cluster.id),
            own: Set(own),
            profile_id: Set(profile_id),
            due_at: Set(Some(tx.now())),
        })
        .collect();
    for chunk in rows.chunks(dialect::rows_per_insert(5)) {
        Entity::insert_many(chunk.iter().cloned())
            .on_conflict(
                OnConflict::columns([Column::OrgId, Column::ClusterId])
                    .update_columns([Column::Own, Column::ProfileId, Column::DueAt])
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Locks the rows of clusters that have a profile by themselves.
async fn lock_own(tx: &OrgTx, profile: Uuid) -> Result<()> {
    use cluster_profile::{Column, Entity};
    let mut rows = tx
        .find::<Entity>()
        .filter(Column::ProfileId.eq(profile))
        .order_by_asc(Column::ClusterId);
    dialect::lock_rows(QuerySelect::query(&mut rows));
    rows.all(tx).await?;
    Ok(())
}

/// What a profile wants has changed: the clusters that have it by themselves have to be compared anew.
pub(super) async fn mark_own(tx: &OrgTx, profile: Uuid) -> Result<()> {
    use cluster_profile::{Column, Entity};
    lock_own(tx, profile).await?;
    tx.update_many::<Entity>()
        .col_expr(Column::DueAt, Expr::value(tx.now()))
        .filter(Column::ProfileId.eq(profile))
        .exec(tx)
        .await?;
    Ok(())
}

/// The clusters of a profile that ends follow the default from now on.
pub(super) async fn release_own(tx: &OrgTx, profile: Uuid) -> Result<()> {
    use cluster_profile::{Column, Entity};
    lock_own(tx, profile).await?;
    tx.update_many::<Entity>()
        .col_expr(Column::DueAt, Expr::value(tx.now()))
        .col_expr(Column::Own, Expr::value(false))
        .col_expr(Column::ProfileId, Expr::value(Option::<Uuid>::None))
        .filter(Column::ProfileId.eq(profile))
        .exec(tx)
        .await?;
    Ok(())
}

/// The default, or what it wants, has changed: the clusters that follow it have to be compared anew. Locks the rows of all
/// clusters in use, in their order, those that have a profile of their own too.
pub(super) async fn mark_followers(tx: &OrgTx) -> Result<()> {
    use crate::clusters::entity::cluster;
    use cluster_profile::{Column, Entity};
    let clusters = Query::select()
        .columns([cluster::Column::OrgId, cluster::Column::Id])
        .expr(Expr::value(false))
        .expr(Expr::value(tx.now()))
        .from(cluster::Entity)
        .and_where(Expr::col(cluster::Column::OrgId).eq(tx.org_id()))
        .and_where(Expr::col(cluster::Column::RetiredAt).is_null())
        .order_by(cluster::Column::Id, sea_orm::Order::Asc)
        .take();
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([Column::OrgId, Column::ClusterId, Column::Own, Column::DueAt])
        .select_from(clusters)
        .map_err(Error::internal)?
        .on_conflict(
            OnConflict::columns([Column::OrgId, Column::ClusterId])
                .update_column(Column::DueAt)
                .action_and_where(Expr::col((Entity, Column::Own)).eq(false))
                .to_owned(),
        );
    tx.execute(&insert).await?;
    Ok(())
}

/// Clusters that wait to be compared, at most `limit`, locked until the end of the transaction; those that another one is
/// at are left out.
pub(crate) async fn due(tx: &OrgTx, limit: u64) -> Result<Vec<Uuid>> {
    use cluster_profile::{Column, Entity};
    let mut rows = tx
        .find::<Entity>()
        .filter(Column::DueAt.is_not_null())
        .order_by_asc(Column::ClusterId)
        .limit(limit);
    dialect::lock_free_rows(QuerySelect::query(&mut rows));
    Ok(rows.all(tx).await?.into_iter().map(|row| row.cluster_id).collect())
}

/// These clusters have been compared.
pub(crate) async fn settled(tx: &OrgTx, clusters: &[Uuid]) -> Result<()> {
    use cluster_profile::{Column, Entity};
    for chunk in clusters.chunks(dialect::MAX_BINDS / 2) {
        tx.update_many::<Entity>()
            .col_expr(Column::DueAt, Expr::value(Option::<crate::Timestamp>::None))
            .filter(Column::ClusterId.is_in(chunk.iter().copied()))
            .exec(tx)
            .await?;
    }
    Ok(())
}

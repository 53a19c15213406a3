//! Groups and clusters. A group is a site or region, and what roles are bound to; a cluster is some nodes of one product
//! that are managed together. Both are retired, not deleted: history keeps naming them.
//!
//! A cluster is switched on or off (R2): while it is off it is listed, its nodes are not read, and every action on it is
//! refused.

mod create;
mod edit;
pub(crate) mod entity;
mod filter;
mod fleet;
mod gauges;
mod groups;
mod list;
mod totals;

pub(crate) use create::insert as insert_cluster;
pub use create::{NewCluster, create};
pub use edit::{ClusterChange, retire, update};
pub use entity::cluster::Model as Cluster;
pub use entity::group::Model as Group;
pub use filter::ClusterFilter;
pub(crate) use filter::page_of;
pub use gauges::{ClusterCounts, ProductCounts};
pub(crate) use gauges::{cluster_counts, product_counts};
pub use groups::{
    GroupChange, GroupRow, create_group, get_group, group_or_first, list_groups, retire_group, update_group,
};
pub use list::{ClusterCursor, ClusterRow, ClusterStatus, Counts, get, list};

use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

pub use fleet::NodeCounts;
pub(crate) use fleet::{OFFLINE_AFTER, bump_agents, compare_anew};
pub(crate) use groups::{lock as lock_group, names as group_names};
pub use totals::{CertificateCounts, Totals, certificate_counts, totals};

/// Fault of a node that was read, but for some certificates that could not be understood.
pub(crate) const UNREADABLE_ENTRIES: &str = "unreadable_entries";

pub(crate) fn not_found() -> Error {
    Error::NotFound { what: "cluster" }
}

/// Somebody else changed the thing since the caller read it.
pub(crate) fn version_conflict(what: &str, now: i64) -> Error {
    Error::Conflict {
        code: "version_mismatch",
        message: format!("the {what} was changed meanwhile: read it again"),
        detail: Some(serde_json::json!({ "version": now })),
    }
}

/// Locks clusters that are in use, in the order of their ids, before what belongs to them is touched. Those that are
/// unknown, retired or out of scope are left out.
pub(crate) async fn lock(tx: &OrgTx, ids: &[Uuid]) -> Result<Vec<Cluster>> {
    use entity::cluster::{Column, Entity};
    let mut found = Vec::with_capacity(ids.len());
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    for chunk in ids.chunks(dialect::MAX_BINDS / 2) {
        let mut rows = tx
            .find::<Entity>()
            .filter(Column::Id.is_in(chunk.iter().copied()))
            .filter(Column::RetiredAt.is_null())
            .order_by_asc(Column::Id);
        dialect::lock_rows(QuerySelect::query(&mut rows));
        found.extend(rows.all(tx).await?);
    }
    Ok(found)
}

/// Clusters by their ids, as far as the scope sees them.
pub(crate) async fn by_ids(tx: &OrgTx, ids: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, Cluster>> {
    let rows = tx.by_ids::<entity::cluster::Entity>(ids).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Ids of the clusters of groups, for the conditions of others.
pub(crate) fn of_groups(org_id: Uuid, groups: &[Uuid]) -> SelectStatement {
    use entity::cluster::{Column, Entity};
    Query::select()
        .column((Entity, Column::Id))
        .from(Entity)
        .and_where(Expr::col((Entity, Column::OrgId)).eq(org_id))
        .and_where(Expr::col((Entity, Column::GroupId)).is_in(groups.iter().copied()))
        .take()
}

/// The cluster in use that has this name, in whatever group: names are unique in an organisation.
pub(crate) async fn by_name(tx: &OrgTx, name: &str) -> Result<Option<Cluster>> {
    use entity::cluster::{Column, Entity};
    Ok(tx
        .find::<Entity>()
        .filter(Column::Name.eq(name))
        .filter(Column::RetiredAt.is_null())
        .one(tx)
        .await?)
}

/// The row of a cluster in use.
pub(crate) async fn row(tx: &OrgTx, id: Uuid) -> Result<Cluster> {
    use entity::cluster::{Column, Entity};
    tx.find::<Entity>()
        .filter(Column::Id.eq(id))
        .filter(Column::RetiredAt.is_null())
        .one(tx)
        .await?
        .ok_or_else(not_found)
}

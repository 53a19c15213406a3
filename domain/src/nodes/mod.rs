//! Nodes: the hosts of clusters, and which agents work for them. A node is entered by people or declared by an agent that
//! holds its credentials. People and agents change it through [`crate::jobs`], whose tasks follow it: `update_node`,
//! `declare_nodes`, and `retire_node`, which also ends its installations.

mod declare;
mod edit;
pub(crate) mod entity;
mod list;
mod names;
pub(crate) mod reading;

pub use declare::assigned;
pub(crate) use declare::declare;
pub use edit::{NewNode, NodeChange, create};
pub(crate) use edit::{mark_retired, update};
pub use entity::Model as Node;
pub(crate) use list::of;
pub use list::{AgentBrief, NodeCursor, NodeFilter, NodeRow, NodeStatus, get, list, of_agent};
pub(crate) use names::{host_of, is_named};

use crate::clusters;
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result};
use crate::lists::contains;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

pub(crate) fn not_found() -> Error {
    Error::NotFound { what: "node" }
}

/// The row of a node in use.
pub(crate) async fn row(tx: &OrgTx, id: Uuid) -> Result<Node> {
    use entity::{Column, Entity};
    tx.find::<Entity>()
        .filter(Column::Id.eq(id))
        .filter(Column::RetiredAt.is_null())
        .one(tx)
        .await?
        .ok_or_else(not_found)
}

/// A node in use with its cluster, which is locked until the end of the transaction: for whoever touches what the node
/// holds.
pub(crate) async fn lock_cluster_of(tx: &OrgTx, id: Uuid) -> Result<(Node, clusters::Cluster)> {
    let cluster_id = row(tx, id).await?.cluster_id;
    let cluster = clusters::lock(tx, &[cluster_id]).await?.pop().ok_or_else(not_found)?;
    // Again: what was read before the lock may be old.
    Ok((row(tx, id).await?, cluster))
}

/// Ids of at most so many nodes in use that hold what was typed in their names.
pub(crate) async fn named(tx: &OrgTx, text: &str, most: u64) -> Result<Vec<Uuid>> {
    use entity::{Column, Entity};
    Ok(tx
        .find::<Entity>()
        .select_only()
        .column(Column::Id)
        .filter(Column::RetiredAt.is_null())
        .filter(contains(Expr::col((Entity, Column::Name)), text))
        .limit(most)
        .into_tuple()
        .all(tx)
        .await?)
}

/// The nodes in use of clusters, by name.
pub(crate) async fn of_clusters(tx: &OrgTx, clusters: &[Uuid]) -> Result<Vec<Node>> {
    use entity::{Column, Entity};
    let mut found = Vec::new();
    for chunk in clusters.chunks(dialect::MAX_BINDS / 2) {
        let rows = tx
            .find::<Entity>()
            .filter(Column::ClusterId.is_in(chunk.iter().copied()))
            .filter(Column::RetiredAt.is_null())
            .order_by_asc(Column::Name)
            .order_by_asc(Column::Id);
        found.extend(rows.all(tx).await?);
    }
    Ok(found)
}

/// Nodes by their ids, retired ones too, as far as the scope sees them.
pub(crate) async fn by_ids(tx: &OrgTx, ids: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, Node>> {
    let rows = tx.by_ids::<entity::Entity>(ids).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

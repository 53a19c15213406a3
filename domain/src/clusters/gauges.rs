//! Kept counts by product and by cluster, for gauges.

use super::entity::{cluster, summary};
use super::list::Counts;
use crate::db::OrgTx;
use crate::error::Result;
use sea_orm::sea_query::{Expr, ExprTrait, JoinType};
use sea_orm::{QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

/// Certificates of the clusters of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductCounts {
    /// Product, as in the catalogue.
    pub product: String,
    /// `identity` or `trust`.
    pub kind: String,
    /// How many.
    pub counts: Counts,
}

/// Certificates of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterCounts {
    /// The cluster.
    pub cluster_id: Uuid,
    /// Its name.
    pub cluster: String,
    /// Its product, as in the catalogue.
    pub product: String,
    /// `identity` or `trust`.
    pub kind: String,
    /// How many.
    pub counts: Counts,
}

/// Summaries of clusters in use, with their clusters.
fn summaries(tx: &OrgTx) -> Select<summary::Entity> {
    let of = |column: cluster::Column| Expr::col((cluster::Entity, column));
    let mut rows = tx.find::<summary::Entity>().select_only();
    let same = of(cluster::Column::OrgId)
        .equals((summary::Entity, summary::Column::OrgId))
        .and(of(cluster::Column::Id).equals((summary::Entity, summary::Column::ClusterId)));
    QuerySelect::query(&mut rows).join(JoinType::InnerJoin, cluster::Entity, same);
    rows.filter(of(cluster::Column::RetiredAt).is_null())
}

/// Counts by product and kind.
pub(crate) async fn product_counts(tx: &OrgTx) -> Result<Vec<ProductCounts>> {
    // The sum of bigint is numeric on PostgreSQL.
    let sum = |column: summary::Column| Expr::col((summary::Entity, column)).sum().cast_as("bigint");
    let product = || Expr::col((cluster::Entity, cluster::Column::Product));
    let rows: Vec<(String, String, i64, i64, i64)> = summaries(tx)
        .column_as(product(), "product")
        .column(summary::Column::Kind)
        .column_as(sum(summary::Column::Total), "sum_total")
        .column_as(sum(summary::Column::Expired), "sum_expired")
        .column_as(sum(summary::Column::Expiring), "sum_expiring")
        .group_by(product())
        .group_by(summary::Column::Kind)
        .order_by_asc(product())
        .order_by_asc(summary::Column::Kind)
        .into_tuple()
        .all(tx)
        .await?;
    let counted = |(product, kind, total, expired, expiring)| ProductCounts {
        product,
        kind,
        counts: Counts {
            total,
            expired,
            expiring,
        },
    };
    Ok(rows.into_iter().map(counted).collect())
}

/// Counts by cluster and kind, by name.
pub(crate) async fn cluster_counts(tx: &OrgTx) -> Result<Vec<ClusterCounts>> {
    let of = |column: cluster::Column| Expr::col((cluster::Entity, column));
    let rows: Vec<(Uuid, String, String, String, i64, i64, i64)> = summaries(tx)
        .column(summary::Column::ClusterId)
        .column_as(of(cluster::Column::Name), "cluster")
        .column_as(of(cluster::Column::Product), "product")
        .column(summary::Column::Kind)
        .column(summary::Column::Total)
        .column(summary::Column::Expired)
        .column(summary::Column::Expiring)
        .order_by_asc(of(cluster::Column::Name))
        .order_by_asc(summary::Column::Kind)
        .into_tuple()
        .all(tx)
        .await?;
    let counted = |(cluster_id, cluster, product, kind, total, expired, expiring)| ClusterCounts {
        cluster_id,
        cluster,
        product,
        kind,
        counts: Counts {
            total,
            expired,
            expiring,
        },
    };
    Ok(rows.into_iter().map(counted).collect())
}

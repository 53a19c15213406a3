//! The fleet in numbers, as far as the scope sees it. Certificates are counted from `cluster_summary`.

use super::entity::{cluster, summary};
use super::filter::{ClusterFilter, summaries};
use super::fleet::OFFLINE_AFTER;
use super::list::Counts;
use crate::Permission;
use crate::db::OrgTx;
use crate::error::Result;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, PaginatorTrait, QueryFilter, QuerySelect, Select};

/// The fleet in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Clusters in use.
    pub clusters: i64,
    /// Nodes in use.
    pub nodes: i64,
    /// Agents in use.
    pub agents: i64,
    /// Those of them that are there.
    pub agents_online: i64,
    /// Identity certificates.
    pub identity: Counts,
    /// Certificates in trust stores, each store counted.
    pub trust: Counts,
}

fn col(table: &'static str, column: &'static str) -> Expr {
    Expr::col((table, column))
}

/// Counts the fleet.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn totals(tx: &OrgTx) -> Result<Totals> {
    tx.scope().require(Permission::ReadFleet)?;
    let mut totals = Totals {
        clusters: i64::try_from(
            tx.find::<cluster::Entity>()
                .filter(cluster::Column::RetiredAt.is_null())
                .count(tx)
                .await?,
        )
        .unwrap_or(i64::MAX),
        ..Totals::default()
    };
    let certificates = sums(tx.find::<summary::Entity>(), tx).await?;
    totals.identity = certificates.identity;
    totals.trust = certificates.trust;
    totals.nodes = count(tx, nodes(tx)).await?;
    totals.agents = count(tx, agents(tx)).await?;
    let mut online = agents(tx);
    online
        .and_where(col("agent", "banned_at").is_null())
        .and_where(col("agent", "last_seen_at").gt(tx.now() - OFFLINE_AFTER));
    totals.agents_online = count(tx, online).await?;
    Ok(totals)
}

/// Certificates of some clusters by kind, each place counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CertificateCounts {
    /// Identity certificates.
    pub identity: Counts,
    /// Certificates in trust stores, each store counted.
    pub trust: Counts,
}

/// Counts the certificates of the clusters that a filter leaves, from their summaries: whatever the size of the fleet.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn certificate_counts(tx: &OrgTx, filter: &ClusterFilter) -> Result<CertificateCounts> {
    tx.scope().require(Permission::ReadFleet)?;
    sums(summaries(tx, filter).await?, tx).await
}

async fn sums(rows: Select<summary::Entity>, tx: &OrgTx) -> Result<CertificateCounts> {
    // The sum of bigint is numeric on PostgreSQL.
    let sum = |column: summary::Column| Expr::col((summary::Entity, column)).sum().cast_as("bigint");
    let rows: Vec<(String, i64, i64, i64)> = rows
        .select_only()
        .column(summary::Column::Kind)
        .column_as(sum(summary::Column::Total), "sum_total")
        .column_as(sum(summary::Column::Expired), "sum_expired")
        .column_as(sum(summary::Column::Expiring), "sum_expiring")
        .group_by(summary::Column::Kind)
        .into_tuple()
        .all(tx)
        .await?;
    let mut certificates = CertificateCounts::default();
    for (kind, total, expired, expiring) in rows {
        let counts = Counts {
            total,
            expired,
            expiring,
        };
        if kind == "identity" {
            certificates.identity = counts;
        } else {
            certificates.trust = counts;
        }
    }
    Ok(certificates)
}

fn nodes(tx: &OrgTx) -> SelectStatement {
    let mut select = Query::select();
    select
        // Of rows, not of ids: an index of the nodes in use then has the answer.
        .expr_as(Func::count(Expr::col(Asterisk)), "found")
        .from("node")
        .and_where(col("node", "org_id").eq(tx.org_id()))
        .and_where(col("node", "retired_at").is_null());
    if let Some(groups) = tx.scope().groups() {
        let within = Query::select()
            .column(("cluster", "id"))
            .from("cluster")
            .and_where(col("cluster", "org_id").eq(tx.org_id()))
            .and_where(col("cluster", "group_id").is_in(groups.iter().copied()))
            .take();
        select.and_where(col("node", "cluster_id").in_subquery(within));
    }
    select
}

fn agents(tx: &OrgTx) -> SelectStatement {
    let mut select = Query::select();
    select
        .expr_as(Func::count(col("agent", "id")), "found")
        .from("agent")
        .and_where(col("agent", "org_id").eq(tx.org_id()))
        .and_where(col("agent", "retired_at").is_null());
    if let Some(groups) = tx.scope().groups() {
        select.and_where(col("agent", "group_id").is_in(groups.iter().copied()));
    }
    select
}

async fn count(tx: &OrgTx, select: SelectStatement) -> Result<i64> {
    match tx.query_one(&select).await? {
        Some(row) => Ok(row.try_get("", "found")?),
        None => Ok(0),
    }
}

//! Statements over the tables of rooms above, a chunk of ids at a time.

use super::facts::Installed;
use crate::db::OrgTx;
use crate::error::Result;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ConnectionTrait, QueryResult};
use uuid::Uuid;

/// Ids of one IN list: far below what either database binds.
const CHUNK: usize = 5_000;

pub(super) fn col(table: &'static str, column: &'static str) -> Expr {
    Expr::col((table, column))
}

/// Selects from a table that has `cluster_id`, joined with its cluster as `cluster`, as far as the scope sees.
pub(super) fn of_clusters(tx: &OrgTx, table: &'static str) -> SelectStatement {
    let mut select = Query::select();
    select
        .from(table)
        .inner_join(
            "cluster",
            Condition::all()
                .add(col("cluster", "org_id").equals((table, "org_id")))
                .add(col("cluster", "id").equals((table, "cluster_id"))),
        )
        .and_where(col(table, "org_id").eq(tx.org_id()));
    if let Some(groups) = tx.scope().groups() {
        select.and_where(col("cluster", "group_id").is_in(groups.iter().copied()));
    }
    select
}

/// Runs the statement for all `ids`, a chunk at a time.
pub(super) async fn for_ids(
    tx: &OrgTx,
    select: &SelectStatement,
    column: (&'static str, &'static str),
    ids: &[Uuid],
) -> Result<Vec<QueryResult>> {
    let mut rows = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let mut select = select.clone();
        select.and_where(col(column.0, column.1).is_in(chunk.iter().copied()));
        rows.extend(tx.query_all(&select).await?);
    }
    Ok(rows)
}

/// Each once, in order.
pub(super) fn distinct(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Selects what is installed in some stores of a kind, with what [`installed`] reads.
pub(super) fn installed_in<'a>(
    tx: &OrgTx,
    kind: &'static str,
    stores: impl IntoIterator<Item = &'a str>,
) -> SelectStatement {
    let mut select = Query::select();
    for column in [
        "node_id",
        "store",
        "entry",
        "certificate_id",
        "sha256",
        "common_name",
        "issuer",
        "serial_hex",
        "self_signed",
        "not_after",
    ] {
        select.column(("installation", column));
    }
    select
        .from("installation")
        .and_where(col("installation", "org_id").eq(tx.org_id()))
        .and_where(col("installation", "kind").eq(kind))
        .and_where(col("installation", "store").is_in(stores))
        .and_where(Expr::cust("\"installation\".\"gone_at\" IS NULL"));
    select
}

/// The certificate of a row of [`installed_in`].
pub(super) fn installed(row: &QueryResult) -> Result<Installed> {
    Ok(Installed {
        certificate_id: row.try_get("", "certificate_id")?,
        sha256: row.try_get("", "sha256")?,
        common_name: row.try_get("", "common_name")?,
        issuer: row.try_get("", "issuer")?,
        serial_hex: row.try_get("", "serial_hex")?,
        self_signed: row.try_get("", "self_signed")?,
        not_after: row.try_get("", "not_after")?,
        names: Vec::new(),
    })
}

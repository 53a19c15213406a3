//! What the last look at a node said.

use super::entity::{Column, Entity};
use crate::clusters::UNREADABLE_ENTRIES;
use crate::db::OrgTx;
use crate::error::Result;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait};
use sea_orm::{ColumnTrait, QueryFilter};
use uuid::Uuid;

/// How a node was read.
#[derive(Clone, Debug)]
pub(crate) struct Reading<'a> {
    /// Digest of what it holds.
    pub digest: &'a str,
    /// The version that it says it runs.
    pub version: Option<&'a str>,
    /// What of it could not be understood.
    pub unreadable: Option<String>,
}

/// The node was read.
pub(crate) async fn was_read(tx: &OrgTx, id: Uuid, reading: Reading<'_>) -> Result<()> {
    let code = reading.unreadable.as_ref().map(|_| UNREADABLE_ENTRIES.to_string());
    let mut update = tx
        .update_many::<Entity>()
        .col_expr(Column::InventoryDigest, Expr::value(reading.digest))
        .col_expr(Column::InventoryAt, Expr::value(tx.now()))
        .col_expr(Column::TriedAt, Expr::value(tx.now()))
        .col_expr(Column::FaultCode, Expr::value(code))
        .col_expr(Column::FaultMessage, Expr::value(reading.unreadable))
        .filter(Column::Id.eq(id));
    if let Some(version) = reading.version {
        update = update.col_expr(Column::ReportedVersion, Expr::value(version));
    }
    update.exec(tx).await?;
    Ok(())
}

/// The node was read and nothing has changed since the digest; `false` when another digest is known. One row is written,
/// whatever the node holds.
pub(crate) async fn was_unchanged(tx: &OrgTx, id: Uuid, digest: &str) -> Result<bool> {
    let still = |column: Column| -> Expr {
        CaseStatement::new()
            .case(Expr::col(Column::FaultCode).eq(UNREADABLE_ENTRIES), Expr::col(column))
            .finally(Expr::value(Option::<String>::None))
            .into()
    };
    let done = tx
        .update_many::<Entity>()
        .col_expr(Column::InventoryAt, Expr::value(tx.now()))
        .col_expr(Column::TriedAt, Expr::value(tx.now()))
        .col_expr(Column::FaultMessage, still(Column::FaultMessage))
        .col_expr(Column::FaultCode, still(Column::FaultCode))
        .filter(Column::Id.eq(id))
        .filter(Column::InventoryDigest.eq(digest))
        .filter(Column::RetiredAt.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected > 0)
}

/// The node could not be read; what is known of it stays.
pub(crate) async fn was_not_read(tx: &OrgTx, id: Uuid, code: &str, message: &str) -> Result<()> {
    tx.update_many::<Entity>()
        .col_expr(Column::TriedAt, Expr::value(tx.now()))
        .col_expr(Column::FaultCode, Expr::value(code))
        .col_expr(Column::FaultMessage, Expr::value(message))
        .filter(Column::Id.eq(id))
        .filter(Column::RetiredAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

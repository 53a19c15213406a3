//! Alerts that nobody was told of: their messages were withdrawn, refused or given up, or left them out as they did not hold at the time.
//! Their slots become free again, so that the next sweep tells of them whoever is on the list by then, as far as they hold again.

use super::entity::{alert, mark};
use super::send_state::SendState;
use crate::Timestamp;
use crate::db::{OrgTx, dialect};
use crate::error::Result;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter};
use uuid::Uuid;

/// States in which somebody was told, or will be.
const TOLD: [SendState; 4] = [
    SendState::Due,
    SendState::Sending,
    SendState::Deferred,
    SendState::Accepted,
];

/// Frees the slots of alerts, of one run or of all, that no message tells of. The caller holds the row of the settings: a sweep would
/// write its marks over it.
pub(super) async fn free(tx: &OrgTx, run: Option<Uuid>) -> Result<()> {
    let col = |table: &'static str, column: &'static str| Expr::col((table, column));
    let left_out = Query::select()
        .expr(Expr::value(1))
        .from("message_skip")
        .and_where(col("message_skip", "org_id").eq(tx.org_id()))
        .and_where(col("message_skip", "message_id").equals(("message", "id")))
        .and_where(col("message_skip", "alert_id").equals(("alert", "id")))
        .take();
    let told = Query::select()
        .expr(Expr::value(1))
        .from("message")
        .and_where(col("message", "org_id").eq(tx.org_id()))
        .and_where(col("message", "run_id").equals(("alert", "run_id")))
        .and_where(col("message", "state").is_in(TOLD.map(SendState::as_str)))
        .and_where(Expr::not_exists(left_out))
        .take();
    let mut select = Query::select();
    select
        .column(("alert", "id"))
        .from("alert")
        .inner_join(
            "alert_mark",
            col("alert_mark", "org_id")
                .equals(("alert", "org_id"))
                .and(col("alert_mark", "alert_id").equals(("alert", "id"))),
        )
        .inner_join(
            "alert_run",
            col("alert_run", "org_id")
                .equals(("alert", "org_id"))
                .and(col("alert_run", "id").equals(("alert", "run_id"))),
        )
        .and_where(col("alert", "org_id").eq(tx.org_id()))
        .and_where(col("alert_run", "state").eq("closed"))
        .and_where(Expr::not_exists(told));
    if let Some(run) = run {
        select.and_where(col("alert", "run_id").eq(run));
    }
    let mut ids: Vec<Uuid> = Vec::new();
    for row in tx.query_all(&select).await? {
        ids.push(row.try_get("", "id")?);
    }
    for chunk in ids.chunks(dialect::MAX_BINDS / 2) {
        // The alert stays in the ledger, under the time of its making.
        tx.update_many::<alert::Entity>()
            .col_expr(alert::Column::SlotAt, Expr::col(alert::Column::CreatedAt))
            .filter(alert::Column::Id.is_in(chunk.iter().copied()))
            .exec(tx)
            .await?;
        tx.update_many::<mark::Entity>()
            .col_expr(mark::Column::SlotAt, Expr::value(Option::<Timestamp>::None))
            .col_expr(mark::Column::NextAt, Expr::value(tx.now()))
            .filter(mark::Column::AlertId.is_in(chunk.iter().copied()))
            .exec(tx)
            .await?;
    }
    Ok(())
}

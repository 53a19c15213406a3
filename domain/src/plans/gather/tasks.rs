//! Tasks that have not ended.

use crate::db::OrgTx;
use crate::error::Result;
use crate::plans::facts::OpenTasks;
use crate::plans::rows::{col, for_ids};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use std::collections::HashMap;
use uuid::Uuid;

/// Changes of the same purposes that have not ended. Jobs stand below plans: this names their table and reads it only.
pub(super) async fn open_tasks(tx: &OrgTx, ids: &[Uuid]) -> Result<HashMap<(Uuid, String), OpenTasks>> {
    let mut found: HashMap<(Uuid, String), OpenTasks> = HashMap::new();
    // Apart and with literals, so that each uses its partial index.
    for (state, running) in [
        ("= 'running'", true),
        ("IN ('waiting', 'pending') AND \"task\".\"wave\" >= 0", false),
    ] {
        let mut select = Query::select();
        select
            .columns([("task", "node_id"), ("task", "purpose")])
            .from("task")
            .and_where(col("task", "org_id").eq(tx.org_id()))
            .and_where(Expr::cust(format!("\"task\".\"state\" {state}")));
        for row in for_ids(tx, &select, ("task", "node_id"), ids).await? {
            let open = found
                .entry((row.try_get("", "node_id")?, row.try_get("", "purpose")?))
                .or_default();
            if running {
                open.running += 1;
            } else {
                open.waiting += 1;
            }
        }
    }
    Ok(found)
}

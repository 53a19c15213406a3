//! Retention: messages that are over, and the alerts that they told of, go after the days of the settings.

use super::entity::{alert, message, run, skip};
use super::outbox::SendState;
use super::settings;
use crate::db::{Db, OrgTx};
use crate::error::Result;
use crate::{Scope, Timestamp};
use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// Deletes at most `at_once` rows of the oldest run that is over and old enough; how many those were. None are left where there
/// were fewer.
///
/// # Errors
/// The database is busy or away.
pub async fn forget_old(db: &Db, scope: &Scope, at_once: u64) -> Result<u64> {
    let tx = db.write(scope).await?;
    let mut deleted = 0;
    while deleted < at_once {
        let Some(run) = oldest(&tx).await? else { break };
        let room = at_once - deleted;
        let mut done = delete_skips(&tx, run, room).await?;
        if done < room {
            done += delete_alerts(&tx, run, room - done).await?;
        }
        deleted += done;
        if done < room {
            // Its messages, at most one for each recipient, go with it.
            tx.delete_many::<run::Entity>()
                .filter(run::Column::Id.eq(run))
                .exec(&tx)
                .await?;
            deleted += 1;
        }
    }
    tx.commit().await?;
    Ok(deleted)
}

/// The oldest run that is old enough and has no message on its way.
async fn oldest(tx: &OrgTx) -> Result<Option<Uuid>> {
    let keep_days = settings::notifications(tx).await?.keep_days;
    let before: Timestamp = tx.now() - TimeDelta::days(i64::from(keep_days));
    let over = [
        SendState::Accepted,
        SendState::Refused,
        SendState::Dead,
        SendState::Cancelled,
    ]
    .map(SendState::as_str);
    let pending = Query::select()
        .expr(Expr::value(1))
        .from("message")
        .and_where(Expr::col(("message", "org_id")).eq(tx.org_id()))
        .and_where(Expr::col(("message", "run_id")).equals(("alert_run", "id")))
        .and_where(
            Expr::col(("message", "state"))
                .is_not_in(over)
                .or(Expr::col(("message", "settled_at")).gte(before)),
        )
        .take();
    Ok(tx
        .find::<run::Entity>()
        .select_only()
        .column(run::Column::Id)
        .filter(run::Column::ClosedAt.lt(before))
        .filter(Expr::exists(pending).not())
        .order_by_asc(run::Column::ClosedAt)
        .order_by_asc(run::Column::Id)
        .into_tuple()
        .one(tx)
        .await?)
}

async fn delete_skips(tx: &OrgTx, run: Uuid, room: u64) -> Result<u64> {
    let messages: Vec<Uuid> = tx
        .find::<message::Entity>()
        .select_only()
        .column(message::Column::Id)
        .filter(message::Column::RunId.eq(run))
        .into_tuple()
        .all(tx)
        .await?;
    let mut done = 0;
    for message in messages {
        let some: Vec<Uuid> = tx
            .find::<skip::Entity>()
            .select_only()
            .column(skip::Column::AlertId)
            .filter(skip::Column::MessageId.eq(message))
            .limit(room - done)
            .into_tuple()
            .all(tx)
            .await?;
        done += tx
            .delete_many::<skip::Entity>()
            .filter(skip::Column::MessageId.eq(message))
            .filter(skip::Column::AlertId.is_in(some))
            .exec(tx)
            .await?
            .rows_affected;
        if done >= room {
            break;
        }
    }
    Ok(done)
}

async fn delete_alerts(tx: &OrgTx, run: Uuid, room: u64) -> Result<u64> {
    let some: Vec<Uuid> = tx
        .find::<alert::Entity>()
        .select_only()
        .column(alert::Column::Id)
        .filter(alert::Column::RunId.eq(run))
        .limit(room)
        .into_tuple()
        .all(tx)
        .await?;
    Ok(tx
        .delete_many::<alert::Entity>()
        .filter(alert::Column::Id.is_in(some))
        .exec(tx)
        .await?
        .rows_affected)
}

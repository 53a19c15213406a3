//! Retention: messages that are over, and the alerts that they told of, go after the days of the settings, and so do acknowledgements
//! that are over and marks of certificates that are gone.

use super::entity::{acknowledgement, alert, mark, message, run, skip};
use super::send_state::SendState;
use super::{DEFAULT_ESCALATION, DEFAULT_RULE, rules, settings};
use crate::db::{Db, OrgTx};
use crate::error::Result;
use crate::{Scope, Timestamp};
use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

/// Deletes at most `at_once` rows of what is over and old enough, the oldest run first; how many those were. None are left where there
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
    if deleted < at_once {
        let before = before(&tx).await?;
        deleted += delete_acknowledgements(&tx, before, at_once - deleted).await?;
        if deleted < at_once {
            deleted += delete_marks(&tx, before, at_once - deleted).await?;
        }
        if deleted < at_once {
            deleted += delete_marks_of_rules(&tx, at_once - deleted).await?;
        }
    }
    tx.commit().await?;
    Ok(deleted)
}

/// What came to its end before that is not kept.
async fn before(tx: &OrgTx) -> Result<Timestamp> {
    let keep_days = settings::notifications(tx).await?.keep_days;
    Ok(tx.now() - TimeDelta::days(i64::from(keep_days)))
}

/// Acknowledgements that are over: taken back, replaced, or past their day.
async fn delete_acknowledgements(tx: &OrgTx, before: Timestamp, room: u64) -> Result<u64> {
    use acknowledgement::{Column, Entity};
    let some: Vec<Uuid> = tx
        .find::<Entity>()
        .select_only()
        .column(Column::Id)
        .filter(Column::CreatedAt.lt(before))
        .filter(Column::EndedAt.lt(before).or(Column::UntilAt.lt(before)))
        .order_by_asc(Column::CreatedAt)
        .limit(room)
        .into_tuple()
        .all(tx)
        .await?;
    Ok(tx
        .delete_many::<Entity>()
        .filter(Column::Id.is_in(some))
        .exec(tx)
        .await?
        .rows_affected)
}

/// Marks of rules that were deleted, and of what they escalated.
async fn delete_marks_of_rules(tx: &OrgTx, room: u64) -> Result<u64> {
    use mark::{Column, Entity};
    let mut streams = vec![DEFAULT_RULE, DEFAULT_ESCALATION];
    streams.extend(
        rules::all(tx)
            .await?
            .iter()
            .flat_map(|rule| [rule.id, rule.escalation_id]),
    );
    let some: Vec<(Uuid, Uuid)> = tx
        .find::<Entity>()
        .select_only()
        .column(Column::CertificateId)
        .column(Column::RuleId)
        .filter(Column::RuleId.is_not_in(streams))
        .limit(room)
        .into_tuple()
        .all(tx)
        .await?;
    let mut deleted = 0;
    for (rule, certificates) in by_rule(some) {
        deleted += tx
            .delete_many::<Entity>()
            .filter(Column::RuleId.eq(rule))
            .filter(Column::CertificateId.is_in(certificates))
            .exec(tx)
            .await?
            .rows_affected;
    }
    Ok(deleted)
}

fn by_rule(marks: Vec<(Uuid, Uuid)>) -> HashMap<Uuid, Vec<Uuid>> {
    let mut found: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for (certificate, rule) in marks {
        found.entry(rule).or_default().push(certificate);
    }
    found
}

/// Marks of certificates that are installed nowhere, of which nothing more is said.
async fn delete_marks(tx: &OrgTx, before: Timestamp, room: u64) -> Result<u64> {
    use mark::{Column, Entity};
    let there = Query::select()
        .expr(Expr::value(1))
        .from("installation")
        .and_where(Expr::col(("installation", "org_id")).eq(tx.org_id()))
        .and_where(Expr::col(("installation", "certificate_id")).equals(("alert_mark", "certificate_id")))
        .and_where(Expr::col(("installation", "gone_at")).is_null())
        .take();
    let some: Vec<Uuid> = tx
        .find::<Entity>()
        .select_only()
        .column(Column::CertificateId)
        .filter(Column::NextAt.is_null())
        .filter(Column::RaisedAt.lt(before))
        .filter(Expr::exists(there).not())
        .limit(room)
        .into_tuple()
        .all(tx)
        .await?;
    Ok(tx
        .delete_many::<Entity>()
        .filter(Column::CertificateId.is_in(some))
        .filter(Column::NextAt.is_null())
        .filter(Column::RaisedAt.lt(before))
        .exec(tx)
        .await?
        .rows_affected)
}

/// The oldest run that is old enough and has no message on its way.
async fn oldest(tx: &OrgTx) -> Result<Option<Uuid>> {
    let before = before(tx).await?;
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

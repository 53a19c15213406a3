//! The sweep: finds what is due and writes it into the ledger, in short transactions that any number of workers may run at
//! once and that may end anywhere.

use super::DEFAULT_RULE;
use super::entity::{alert, mark, message, run, setting, suspended};
use super::settings::{self, Notifications};
use super::slots::{Slot, Told};
use crate::certificates::{self, Certificate};
use crate::db::{Db, OrgTx, dialect};
use crate::error::Result;
use crate::failpoint::{self, Operation};
use crate::ids::new_id;
use crate::{Scope, Timestamp};
use chrono::TimeDelta;
use sea_orm::sea_query::{Cond, Expr, ExprTrait, Func, JoinType, OnConflict, Order, Query, SelectStatement};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Certificates of one transaction.
const AT_ONCE: usize = 1000;
/// Certificates of one look; more are found by the next one of the same sweep.
const LOOK: u64 = 20_000;
/// For how long a worker has a sweep to itself, renewed with each transaction. Two at once would do no harm, but tell of one
/// occasion in two mails.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How often the end of a sweep that found nothing is noted: often enough for [`super::health`], and no write a minute.
const NOTE_EVERY: TimeDelta = TimeDelta::minutes(10);

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Alerts that were raised.
    pub alerts: u64,
    /// Messages that were made.
    pub messages: u64,
}

/// Raises all alerts that are due, over all organisations, and makes their messages. An organisation that fails is logged,
/// left for the next sweep, and keeps no other one waiting.
///
/// # Errors
/// Who has recipients cannot be listed: the database is busy or away.
pub async fn raise_due(db: &Db) -> Result<Swept> {
    let mut swept = Swept::default();
    for org_id in with_recipients(db).await? {
        match sweep(db, &Scope::system(org_id, "alerts")).await {
            Ok(done) => {
                swept.alerts += done.alerts;
                swept.messages += done.messages;
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, org = %org_id, "alerts were not raised; it is tried again");
            }
        }
    }
    Ok(swept)
}

async fn with_recipients(db: &Db) -> Result<Vec<Uuid>> {
    let survey = db.survey();
    Ok(survey
        .find::<setting::Entity>()
        .select_only()
        .column(setting::Column::OrgId)
        .filter(setting::Column::HasRecipients.eq(true))
        .order_by_asc(setting::Column::OrgId)
        .into_tuple()
        .all(survey.connection())
        .await?)
}

async fn sweep(db: &Db, scope: &Scope) -> Result<Swept> {
    let mut swept = Swept::default();
    let mut leased = false;
    let mut seen = HashSet::new();
    loop {
        let (now, candidates, open, swept_at) = look(db, scope).await?;
        // What a look finds a second time was not written by the first: it waits for the next sweep.
        let candidates: Vec<Uuid> = candidates.into_iter().filter(|id| seen.insert(*id)).collect();
        if candidates.is_empty() {
            if open || swept_at.is_none_or(|at| now - at > NOTE_EVERY || at > now) {
                if !leased && !lease(db, scope).await? {
                    return Ok(swept);
                }
                swept.messages = close(db, scope).await?;
            } else if leased {
                release(db, scope).await?;
            }
            return Ok(swept);
        }
        if !leased && !lease(db, scope).await? {
            return Ok(swept);
        }
        leased = true;
        for chunk in candidates.chunks(AT_ONCE) {
            swept.alerts += raise(db, scope, chunk).await?;
        }
    }
}

/// What there is to do: certificates to look at, whether a run is open, and when a sweep ended last.
async fn look(db: &Db, scope: &Scope) -> Result<(Timestamp, Vec<Uuid>, bool, Option<Timestamp>)> {
    // Time is the database's: a worker whose clock is ahead raises nothing early.
    let now = db.now().await?;
    let tx = db.read(scope).await?;
    let settings = settings::notifications(&tx).await?;
    if settings.recipients.is_empty() {
        return Ok((now, Vec::new(), false, Some(now)));
    }
    let open = open_run(&tx).await?.is_some();
    let select = candidates(&tx, &settings, now).limit(LOOK).take();
    let rows = tx.query_all(&select).await?;
    let ids = rows
        .iter()
        .map(|row| row.try_get("", "certificate_id"))
        .collect::<Result<_, _>>()?;
    Ok((now, ids, open, settings.swept_at))
}

fn col(table: &'static str, column: &'static str) -> Expr {
    Expr::col((table, column))
}

/// Certificates in the window of the schedule, each once, whose next slot may have come: an index range of the installations
/// that end next, whatever the size of the fleet, without those whose mark lies in the future.
fn candidates(tx: &OrgTx, settings: &Notifications, now: Timestamp) -> SelectStatement {
    let schedule = settings.schedule();
    let mut select = installed(tx, settings, now);
    select
        .join(
            JoinType::LeftJoin,
            "alert_mark",
            col("alert_mark", "org_id")
                .eq(col("installation", "org_id"))
                .and(col("alert_mark", "certificate_id").eq(col("installation", "certificate_id")))
                .and(col("alert_mark", "rule_id").eq(DEFAULT_RULE)),
        )
        .cond_where(
            Cond::any()
                .add(col("alert_mark", "certificate_id").is_null())
                .add(col("alert_mark", "next_at").lte(now))
                .add(col("alert_mark", "raised_at").gt(now))
                .add(col("alert_mark", "schedule").ne(schedule.fingerprint())),
        );
    select
}

/// Certificates that are installed somewhere and end within the window: id, end, number of nodes, overdue renewal.
fn installed(tx: &OrgTx, settings: &Notifications, now: Timestamp) -> SelectStatement {
    let horizon = now + TimeDelta::days(i64::from(settings.start_days));
    let mut select = Query::select()
        .expr_as(col("installation", "certificate_id"), "certificate_id")
        .expr_as(Func::min(col("installation", "not_after")), "not_after")
        .expr_as(col("installation", "node_id").count_distinct(), "node_count")
        // Whoever renews it by hand in one place has to know, whatever renews it elsewhere.
        .expr_as(Func::count(col("installation", "id")), "places")
        .expr_as(Func::count(col("installation", "renewal_due_at")), "renewing_places")
        .expr_as(Func::min(col("installation", "renewal_due_at")), "renewal_due_at")
        .from("installation")
        .and_where(col("installation", "org_id").eq(tx.org_id()))
        .and_where(col("installation", "gone_at").is_null())
        .and_where(col("installation", "not_after").lte(horizon))
        .add_group_by([col("installation", "certificate_id")])
        .order_by_expr(Func::min(col("installation", "not_after")).into(), Order::Asc)
        .order_by(("installation", "certificate_id"), Order::Asc)
        .take();
    if !settings.include_trust {
        select.and_where(col("installation", "kind").eq("identity"));
    }
    select
}

/// A certificate as a sweep sees it.
struct Candidate {
    id: Uuid,
    not_after: Timestamp,
    renewal_due_at: Option<Timestamp>,
    node_count: i64,
}

async fn read_candidates(tx: &OrgTx, settings: &Notifications, ids: &[Uuid]) -> Result<Vec<Candidate>> {
    let mut select = installed(tx, settings, tx.now());
    select.and_where(col("installation", "certificate_id").is_in(ids.iter().copied()));
    let mut found = Vec::new();
    for row in tx.query_all(&select).await? {
        let (places, renewing): (i64, i64) = (row.try_get("", "places")?, row.try_get("", "renewing_places")?);
        let renewal_due_at: Option<Timestamp> = row.try_get("", "renewal_due_at")?;
        found.push(Candidate {
            id: row.try_get("", "certificate_id")?,
            not_after: row.try_get("", "not_after")?,
            renewal_due_at: renewal_due_at.filter(|_| places == renewing),
            node_count: row.try_get("", "node_count")?,
        });
    }
    Ok(found)
}

/// Takes the sweep of the organisation for this worker; false where another has it.
async fn lease(db: &Db, scope: &Scope) -> Result<bool> {
    let tx = db.write(scope).await?;
    let free = Cond::any()
        .add(setting::Column::SweepingUntil.is_null())
        .add(setting::Column::SweepingUntil.lte(tx.now()))
        // Taken by a clock that was ahead.
        .add(setting::Column::SweepingUntil.gt(tx.now() + LEASE));
    let taken = tx
        .update_many::<setting::Entity>()
        .col_expr(setting::Column::SweepingUntil, Expr::value(tx.now() + LEASE))
        .filter(free)
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(taken.rows_affected > 0)
}

async fn release(db: &Db, scope: &Scope) -> Result<()> {
    let tx = db.write(scope).await?;
    note_end(&tx).await?;
    tx.commit().await
}

async fn note_end(tx: &OrgTx) -> Result<()> {
    tx.update_many::<setting::Entity>()
        .col_expr(setting::Column::SweptAt, Expr::value(tx.now()))
        .col_expr(setting::Column::SweepingUntil, Expr::value(Option::<Timestamp>::None))
        .exec(tx)
        .await?;
    Ok(())
}

async fn open_run(tx: &OrgTx) -> Result<Option<run::Model>> {
    Ok(tx
        .find::<run::Entity>()
        .filter(run::Column::RuleId.eq(DEFAULT_RULE))
        .filter(run::Column::State.eq("open"))
        .one(tx)
        .await?)
}

/// Raises what is due of these certificates; how many alerts that were. All is looked up anew: the look was of before.
async fn raise(db: &Db, scope: &Scope, ids: &[Uuid]) -> Result<u64> {
    let tx = db.write(scope).await?;
    let Some((_, settings)) = settings::lock(&tx).await? else {
        return Ok(0);
    };
    if settings.recipients.is_empty() {
        return Ok(0);
    }
    let found = read_candidates(&tx, &settings, ids).await?;
    let marks = marks(&tx, ids).await?;
    let schedule = settings.schedule();
    let mut due: Vec<(Uuid, &Candidate, Slot)> = Vec::new();
    let mut next = Vec::new();
    for candidate in &found {
        let mark = marks.get(&candidate.id);
        let told = mark.and_then(|mark| {
            Some(Told {
                slot_at: mark.slot_at?,
                raised_at: mark.raised_at,
                schedule: mark.schedule.clone(),
            })
        });
        let (end, overdue) = (candidate.not_after, candidate.renewal_due_at);
        let slot = schedule.due(end, overdue, tx.now(), told.as_ref());
        let next_at = schedule.next(end, overdue, tx.now());
        let raised = slot.map(|slot| (new_id(), slot));
        if let Some((id, slot)) = raised {
            due.push((id, candidate, slot));
        }
        next.push(mark::ActiveModel {
            org_id: Set(tx.org_id()),
            certificate_id: Set(candidate.id),
            rule_id: Set(DEFAULT_RULE),
            alert_id: Set(raised.map_or_else(|| mark.and_then(|mark| mark.alert_id), |(id, _)| Some(id))),
            slot_at: Set(raised.map_or_else(|| mark.and_then(|mark| mark.slot_at), |(_, slot)| Some(slot.at))),
            raised_at: Set(raised.map_or_else(
                || mark.map_or(tx.now(), |mark| Ord::min(mark.raised_at, tx.now())),
                |_| tx.now(),
            )),
            schedule: Set(schedule.fingerprint()),
            next_at: Set(next_at.map(crate::clock::cut)),
        });
    }
    let raised = insert_alerts(&tx, &due).await?;
    put_marks(&tx, next).await?;
    tx.update_many::<setting::Entity>()
        .col_expr(setting::Column::SweepingUntil, Expr::value(tx.now() + LEASE))
        .exec(&tx)
        .await?;
    failpoint::commit(tx, Operation::RaiseAlerts).await?;
    Ok(raised)
}

async fn marks(tx: &OrgTx, ids: &[Uuid]) -> Result<HashMap<Uuid, mark::Model>> {
    Ok(tx
        .find::<mark::Entity>()
        .filter(mark::Column::RuleId.eq(DEFAULT_RULE))
        .filter(mark::Column::CertificateId.is_in(ids.iter().copied()))
        .all(tx)
        .await?
        .into_iter()
        .map(|mark| (mark.certificate_id, mark))
        .collect())
}

async fn insert_alerts(tx: &OrgTx, due: &[(Uuid, &Candidate, Slot)]) -> Result<u64> {
    if due.is_empty() {
        return Ok(0);
    }
    let run = match open_run(tx).await? {
        Some(run) => run,
        None => {
            run::ActiveModel {
                org_id: Set(tx.org_id()),
                id: Set(new_id()),
                rule_id: Set(DEFAULT_RULE),
                state: Set("open".into()),
                alert_count: Set(0),
                created_at: Set(tx.now()),
                closed_at: Set(None),
            }
            .insert(tx)
            .await?
        }
    };
    let names: HashMap<Uuid, Certificate> = certificates::by_ids(tx, due.iter().map(|(_, candidate, _)| candidate.id))
        .await?
        .into_iter()
        .map(|certificate| (certificate.id, certificate))
        .collect();
    let rows: Vec<alert::ActiveModel> = due
        .iter()
        .map(|(id, candidate, slot)| {
            let certificate = names.get(&candidate.id);
            let text = |read: fn(&Certificate) -> &String| certificate.map(read).cloned().unwrap_or_default();
            alert::ActiveModel {
                org_id: Set(tx.org_id()),
                id: Set(*id),
                run_id: Set(run.id),
                certificate_id: Set(candidate.id),
                rule_id: Set(DEFAULT_RULE),
                slot_at: Set(slot.at),
                stage: Set(slot.stage.as_str().into()),
                not_after: Set(candidate.not_after),
                common_name: Set(text(|certificate| &certificate.common_name)),
                serial_hex: Set(text(|certificate| &certificate.serial_hex)),
                sha256: Set(text(|certificate| &certificate.sha256)),
                node_count: Set(candidate.node_count),
                created_at: Set(tx.now()),
            }
        })
        .collect();
    let mut raised = 0;
    for chunk in rows.chunks(dialect::rows_per_insert(13)) {
        use alert::Column;
        raised += alert::Entity::insert_many(chunk.iter().cloned())
            .on_conflict(
                OnConflict::columns([Column::OrgId, Column::CertificateId, Column::RuleId, Column::SlotAt])
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    tx.update_many::<run::Entity>()
        .col_expr(
            run::Column::AlertCount,
            Expr::col(run::Column::AlertCount).add(i64::try_from(raised).unwrap_or(i64::MAX)),
        )
        .filter(run::Column::Id.eq(run.id))
        .exec(tx)
        .await?;
    Ok(raised)
}

async fn put_marks(tx: &OrgTx, rows: Vec<mark::ActiveModel>) -> Result<()> {
    use mark::Column;
    for chunk in rows.chunks(dialect::rows_per_insert(8)) {
        mark::Entity::insert_many(chunk.iter().cloned())
            .on_conflict(
                OnConflict::columns([Column::OrgId, Column::CertificateId, Column::RuleId])
                    .update_columns([
                        Column::AlertId,
                        Column::SlotAt,
                        Column::RaisedAt,
                        Column::Schedule,
                        Column::NextAt,
                    ])
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Ends the sweep: the open run, also one that a worker left behind that died, gets its messages, one for each recipient.
async fn close(db: &Db, scope: &Scope) -> Result<u64> {
    let tx = db.write(scope).await?;
    let Some((_, settings)) = settings::lock(&tx).await? else {
        return Ok(0);
    };
    let mut made = 0;
    if let Some(run) = open_run(&tx).await? {
        let suspended: HashMap<String, suspended::Model> = tx
            .find::<suspended::Entity>()
            .all(&tx)
            .await?
            .into_iter()
            .map(|row| (row.recipient.clone(), row))
            .collect();
        let rows: Vec<message::ActiveModel> = settings
            .recipients
            .iter()
            .map(|recipient| new_message(&tx, &run, recipient, suspended.get(recipient)))
            .collect();
        made = rows.len() as u64;
        if !rows.is_empty() {
            message::Entity::insert_many(rows).exec_without_returning(&tx).await?;
        }
        let row = run::ActiveModel {
            state: Set("closed".into()),
            closed_at: Set(Some(tx.now())),
            ..run.into()
        };
        row.update(&tx).await?;
    }
    note_end(&tx).await?;
    failpoint::commit(tx, Operation::QueueMessages).await?;
    Ok(made)
}

/// A message that is due at once; to a suspended recipient one that says why nothing is sent.
fn new_message(
    tx: &OrgTx,
    run: &run::Model,
    recipient: &str,
    suspended: Option<&suspended::Model>,
) -> message::ActiveModel {
    let now = tx.now();
    message::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(new_id()),
        run_id: Set(run.id),
        recipient: Set(recipient.into()),
        state: Set(if suspended.is_some() { "refused" } else { "due" }.into()),
        message_id: Set(None),
        subject: Set(None),
        attempt: Set(0),
        due_at: Set(suspended.is_none().then_some(now)),
        first_tried_at: Set(None),
        told_count: Set(0),
        reply: Set(suspended.map(|found| {
            let since = found.suspended_at.format("%Y-%m-%d %H:%M UTC");
            format!("not sent: the recipient is suspended since {since}: {}", found.reply)
        })),
        queue_id: Set(None),
        settled_at: Set(suspended.is_some().then_some(now)),
        created_at: Set(now),
    }
}

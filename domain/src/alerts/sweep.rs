//! The sweep: finds what is due, has it raised in short transactions that any number of workers may run at once and that may end
//! anywhere, and makes the messages of what was raised.
//!
//! It looks at what has come since the last one: marks whose next slot has come, certificates that were installed, certificates
//! that time has brought into the window. Once a day, and whenever settings or the clock have changed, it looks at all of
//! the window, so that nothing stays unseen that was written past it.

use super::DEFAULT_RULE;
use super::entity::{mark, message, run, setting};
use super::outbox;
use super::raise::{col, installed, open_run, raise};
use super::settings::{self, Notifications};
use crate::db::{Db, OrgTx};
use crate::error::Result;
use crate::failpoint::{self, Operation};
use crate::ids::new_id;
use crate::{Scope, Timestamp};
use chrono::TimeDelta;
use sea_orm::sea_query::{Cond, Expr, ExprTrait, JoinType, SelectStatement};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use std::collections::HashSet;
use uuid::Uuid;

/// Certificates of one transaction.
const AT_ONCE: usize = 1000;
/// Certificates of one look; more are found by the next one of the same sweep.
const LOOK: u64 = 20_000;
/// For how long a worker has a sweep to itself, renewed with each transaction. Two at once would do no harm, but tell of one
/// occasion in two mails.
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How often the end of a sweep that found nothing is noted: often enough for [`super::health`], and no write a minute.
const NOTE_EVERY: TimeDelta = TimeDelta::minutes(10);
/// How far a sweep looks back behind the last one: longer than any transaction takes from its time to its commit.
const OVERLAP: TimeDelta = TimeDelta::minutes(15);
/// How often a sweep looks at all of the window.
const WHOLE_EVERY: TimeDelta = TimeDelta::days(1);

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
        let Some(look) = look(db, scope).await? else {
            return Ok(swept);
        };
        // What a look finds a second time was not written by the first: it waits for the next sweep.
        let candidates: Vec<Uuid> = look.ids.iter().copied().filter(|id| seen.insert(*id)).collect();
        if candidates.is_empty() {
            if leased || look.has_to_be_noted() {
                if !leased && !lease(db, scope).await? {
                    return Ok(swept);
                }
                swept.messages = close(db, scope, &look).await?;
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

/// What there is to do.
struct Look {
    /// When it was looked.
    now: Timestamp,
    /// Certificates to look at.
    ids: Vec<Uuid>,
    /// A run waits for its messages.
    open: bool,
    /// It was looked at all of the window.
    whole: bool,
    /// Settings that were looked with.
    fingerprint: String,
    /// When a sweep ended last.
    swept_at: Option<Timestamp>,
}

impl Look {
    fn has_to_be_noted(&self) -> bool {
        self.open || self.whole || self.swept_at.is_none_or(|at| self.now - at > NOTE_EVERY)
    }
}

/// Looks for what there is to do; `None` where there is nobody to tell.
async fn look(db: &Db, scope: &Scope) -> Result<Option<Look>> {
    // Time is the database's: a worker whose clock is ahead raises nothing early.
    let now = db.now().await?;
    let tx = db.read(scope).await?;
    let Some(row) = tx.find::<setting::Entity>().one(&tx).await? else {
        return Ok(None);
    };
    let settings = settings::notifications(&tx).await?;
    if settings.recipients.is_empty() {
        return Ok(None);
    }
    let fingerprint = settings.fingerprint();
    let since = since(&row, &fingerprint, now);
    let selects = match since {
        None => vec![due(&tx, now), whole(&tx, &settings, now)],
        Some(since) => vec![
            due(&tx, now),
            entered(&tx, &settings, since, now),
            arrived(&tx, &settings, since, now),
        ],
    };
    let mut ids = Vec::new();
    for mut select in selects {
        for row in tx.query_all(select.limit(LOOK)).await? {
            ids.push(row.try_get("", "certificate_id")?);
        }
    }
    Ok(Some(Look {
        now,
        ids,
        open: open_run(&tx).await?.is_some(),
        whole: since.is_none(),
        fingerprint,
        swept_at: row.swept_at,
    }))
}

/// Since when something may have come that no sweep has seen; `None`: nobody knows.
fn since(row: &setting::Model, fingerprint: &str, now: Timestamp) -> Option<Timestamp> {
    let swept_at = row.swept_at?;
    let recent = row.looked_at.is_some_and(|at| at <= now && now - at < WHOLE_EVERY);
    let same = row.swept_as.as_deref() == Some(fingerprint);
    // A sweep in the future was made by a clock that was ahead.
    (recent && same && swept_at <= now).then(|| swept_at - OVERLAP)
}

/// Certificates of the window, each once, whose next slot may have come: an index range of the installations that end
/// next, whatever the size of the fleet, without those whose mark lies in the future.
fn whole(tx: &OrgTx, settings: &Notifications, now: Timestamp) -> SelectStatement {
    unmarked(installed(tx, settings, now), settings, now)
}

/// Certificates whose next slot has come.
fn due(tx: &OrgTx, now: Timestamp) -> SelectStatement {
    QuerySelect::query(
        &mut tx
            .find::<mark::Entity>()
            .select_only()
            .column(mark::Column::CertificateId)
            .filter(mark::Column::RuleId.eq(DEFAULT_RULE))
            .filter(mark::Column::NextAt.lte(now))
            .order_by_asc(mark::Column::NextAt),
    )
    .take()
}

/// Certificates that time has brought into the window.
fn entered(tx: &OrgTx, settings: &Notifications, since: Timestamp, now: Timestamp) -> SelectStatement {
    let from = since + TimeDelta::days(i64::from(settings.start_days));
    let mut select = installed(tx, settings, now);
    select.and_where(col("installation", "not_after").gt(from));
    unmarked(select, settings, now)
}

/// Certificates of the window that were installed somewhere.
fn arrived(tx: &OrgTx, settings: &Notifications, since: Timestamp, now: Timestamp) -> SelectStatement {
    let mut select = installed(tx, settings, now);
    select.and_where(col("installation", "installed_at").gt(since));
    unmarked(select, settings, now)
}

/// Those of them whose mark does not say that there is time.
fn unmarked(mut select: SelectStatement, settings: &Notifications, now: Timestamp) -> SelectStatement {
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
                .add(col("alert_mark", "schedule").ne(settings.schedule().fingerprint())),
        );
    select
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

/// Ends the sweep: the open run, also one that a worker left behind that died, gets its messages, one for each recipient.
async fn close(db: &Db, scope: &Scope, look: &Look) -> Result<u64> {
    let tx = db.write(scope).await?;
    let Some((_, settings)) = settings::lock(&tx).await? else {
        return Ok(0);
    };
    let mut made = 0;
    if let Some(run) = open_run(&tx).await? {
        let rows: Vec<message::ActiveModel> = settings
            .recipients
            .iter()
            .map(|recipient| new_message(&tx, &run, recipient, &settings))
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
    outbox::mend_waits(&tx).await?;
    note_end(&tx, look).await?;
    failpoint::commit(tx, Operation::QueueMessages).await?;
    Ok(made)
}

async fn note_end(tx: &OrgTx, look: &Look) -> Result<()> {
    use setting::Column;
    let mut update = tx
        .update_many::<setting::Entity>()
        .col_expr(Column::SweptAt, Expr::value(look.now))
        .col_expr(Column::SweepingUntil, Expr::value(Option::<Timestamp>::None));
    if look.whole {
        update = update
            .col_expr(Column::SweptAs, Expr::value(look.fingerprint.as_str()))
            .col_expr(Column::LookedAt, Expr::value(look.now));
    }
    update.exec(tx).await?;
    Ok(())
}

/// A message that is due at once; to a suspended recipient one that says why nothing is sent.
fn new_message(tx: &OrgTx, run: &run::Model, recipient: &str, settings: &Notifications) -> message::ActiveModel {
    let now = tx.now();
    let suspended = settings.suspended.iter().find(|found| found.recipient == recipient);
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
        reply: Set(suspended.map(|found| settings::suspended_since(found.since, &found.reply))),
        queue_id: Set(None),
        settled_at: Set(suspended.is_some().then_some(now)),
        created_at: Set(now),
    }
}

//! The sweep: finds what is due, has it raised in short transactions that any number of workers may run at once and that may end
//! anywhere, and makes the messages of what was raised.
//!
//! It looks at what has come since the last one: marks whose next slot has come, certificates that were installed, certificates
//! that time has brought into the window. Once a day, and whenever settings or the clock have changed, it looks at all of
//! the window, so that nothing stays unseen that was written past it.

use super::acknowledge;
use super::entity::{mark, message, run, setting};
use super::outbox;
use super::queue::new_message;
use super::raise::{Part, Raised, begin_run, col, installed, open_runs, raise};
use super::rules;
use super::send_state::SendState;
use super::settings::{self, Suspended};
use super::streams::{MessageKind, Stream};
use crate::db::{Db, OrgTx};
use crate::error::Result;
use crate::failpoint::{self, Operation};
use crate::ids::new_id;
use crate::{Scope, Timestamp};
use chrono::TimeDelta;
use sea_orm::sea_query::{Cond, Expr, ExprTrait, JoinType, SelectStatement};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    Set,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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
/// Certificates that cannot be raised, beyond which something else is wrong than they.
const MOST_FAILURES: usize = 100;
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
    let mut token = None;
    let mut began = None;
    let mut first = None;
    let mut seen = HashSet::new();
    let mut failures = Failures::default();
    let mut pages = None;
    loop {
        let Some(look) = look(db, scope, pages).await? else {
            return Ok(swept);
        };
        let as_first = (look.fingerprint.clone(), look.whole);
        if first.get_or_insert_with(|| as_first.clone()) != &as_first {
            // Settings were changed meanwhile: what was seen was seen with others.
            first = Some(as_first);
            pages = None;
            seen.clear();
            continue;
        }
        let began = *began.get_or_insert(look.now);
        let more = !look.pages.is_empty();
        // What a look finds a second time was not written by the first: it waits for the next sweep.
        let candidates: Vec<(Uuid, Vec<Uuid>)> = look
            .found
            .iter()
            .map(|(stream, ids)| {
                let new = ids.iter().copied().filter(|id| seen.insert((*stream, *id)));
                (*stream, new.collect())
            })
            .filter(|(_, ids): &(Uuid, Vec<Uuid>)| !ids.is_empty())
            .collect();
        let ends = candidates.is_empty() && !more;
        if ends && token.is_none() && !look.has_to_be_noted() {
            return Ok(swept);
        }
        let ours = match token {
            Some(ours) => ours,
            None => match lease(db, scope).await? {
                Some(ours) => *token.insert(ours),
                None => return Ok(swept),
            },
        };
        if ends {
            let end = End {
                look: &look,
                began,
                failures: &failures,
            };
            swept.messages = close(db, scope, ours, Some(&end)).await?;
            return Ok(swept);
        }
        for (stream, ids) in &candidates {
            let part = Part {
                token: ours,
                began,
                stream: *stream,
            };
            for chunk in ids.chunks(AT_ONCE) {
                match raise_parts(db, scope, part, chunk, &mut failures).await {
                    Ok(Raised::Alerts(alerts)) => swept.alerts += alerts,
                    Ok(Raised::NotOurs) => return Ok(swept),
                    Err(error) => {
                        // What was raised is told. That the sweep has not come to its end is not forgotten.
                        close(db, scope, ours, None).await?;
                        return Err(error);
                    }
                }
            }
        }
        pages = Some(look.pages);
    }
}

/// How a sweep came to its end.
struct End<'a> {
    look: &'a Look,
    began: Timestamp,
    failures: &'a Failures,
}

/// Certificates that could not be raised.
type Failures = BTreeSet<Uuid>;

/// Raises certificates; where that fails, halves of them, until what cannot be raised stands alone and keeps nobody else waiting.
async fn raise_parts(db: &Db, scope: &Scope, of: Part, ids: &[Uuid], failures: &mut Failures) -> Result<Raised> {
    let mut alerts = 0;
    let mut parts = vec![ids];
    while let Some(part) = parts.pop() {
        let error = match raise(db, scope, of, part).await {
            Ok(Raised::Alerts(raised)) => {
                alerts += raised;
                continue;
            }
            Ok(Raised::NotOurs) => return Ok(Raised::NotOurs),
            Err(error) => error,
        };
        // A database that is away is no fault of a certificate.
        db.now().await?;
        if let [certificate] = part {
            tracing::warn!(error = &error as &dyn std::error::Error, org = %scope.org_id(), %certificate,
                "a certificate cannot be warned of; each sweep tries it again");
            failures.insert(*certificate);
            if failures.len() > MOST_FAILURES {
                return Err(error);
            }
        } else {
            let (one, other) = part.split_at(part.len() / 2);
            parts.extend([other, one]);
        }
    }
    Ok(Raised::Alerts(alerts))
}

/// What there is to do.
struct Look {
    /// When it was looked.
    now: Timestamp,
    /// Certificates to look at, by stream.
    found: BTreeMap<Uuid, Vec<Uuid>>,
    /// Streams of whose window there is more, and where a look at it goes on.
    pages: Pages,
    /// A run waits for its messages.
    open: bool,
    /// A digest is to be made, whether there is anything in it or not.
    digest: bool,
    /// It was looked at all of the window.
    whole: bool,
    /// Settings that were looked with.
    fingerprint: String,
    /// When a sweep ended last.
    swept_at: Option<Timestamp>,
}

impl Look {
    fn has_to_be_noted(&self) -> bool {
        self.open || self.digest || self.whole || self.swept_at.is_none_or(|at| self.now - at > NOTE_EVERY)
    }
}

/// End and id of the last certificate of a page of the window.
type PageEnd = (Timestamp, Uuid);
/// Pages by stream.
type Pages = HashMap<Uuid, PageEnd>;

/// Looks for what there is to do, behind pages of the windows; `None` where there is nobody to tell.
async fn look(db: &Db, scope: &Scope, pages: Option<Pages>) -> Result<Option<Look>> {
    // Time is the database's: a worker whose clock is ahead raises nothing early.
    let now = db.now().await?;
    let tx = db.read(scope).await?;
    let Some(row) = tx.find::<setting::Entity>().one(&tx).await? else {
        return Ok(None);
    };
    let settings = settings::notifications(&tx).await?;
    let streams = settings.streams();
    if streams.is_empty() {
        return Ok(None);
    }
    let fingerprint = settings.fingerprint();
    let since = since(&row, &fingerprint, now);
    let mut found: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    for row in tx.query_all(due(&tx, &streams, now).limit(LOOK)).await? {
        let stream: Uuid = row.try_get("", "rule_id")?;
        found
            .entry(stream)
            .or_default()
            .push(row.try_get("", "certificate_id")?);
    }
    // What could not be raised is tried again.
    let failed = failed_before(&row);
    let mut next = Pages::new();
    for stream in &streams {
        let ids = found.entry(stream.id).or_default();
        ids.extend(failed.iter().copied());
        let Some(since) = since else {
            let page = match &pages {
                // It has come to its end.
                Some(left) if !left.contains_key(&stream.id) => continue,
                Some(left) => left.get(&stream.id).copied(),
                None => None,
            };
            let rows = tx.query_all(whole(&tx, stream, now, page).limit(LOOK)).await?;
            if let Some(last) = rows.last()
                && rows.len() as u64 == LOOK
            {
                let end = (last.try_get("", "not_after")?, last.try_get("", "certificate_id")?);
                next.insert(stream.id, end);
            }
            for row in rows {
                ids.push(row.try_get("", "certificate_id")?);
            }
            continue;
        };
        // What is escalated has a mark from the moment on at which it was told of.
        if stream.escalates.is_some() {
            continue;
        }
        for mut select in [entered(&tx, stream, since, now), arrived(&tx, stream, since, now)] {
            for row in tx.query_all(select.limit(LOOK)).await? {
                ids.push(row.try_get("", "certificate_id")?);
            }
        }
    }
    Ok(Some(Look {
        now,
        found,
        pages: next,
        open: !open_runs(&tx).await?.is_empty(),
        digest: streams.iter().any(|stream| stream.digest_due(now).is_some()),
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

/// Certificates of the window behind a page of it, each once, whatever their marks say: a mark that is wrong silences nothing for longer
/// than a day.
fn whole(tx: &OrgTx, stream: &Stream, now: Timestamp, page: Option<PageEnd>) -> SelectStatement {
    let mut select = installed(tx, stream, now);
    if let Some((not_after, id)) = page {
        // All places of a certificate end when it does.
        let key = Expr::tuple([col("installation", "not_after"), col("installation", "certificate_id")]);
        select.and_where(key.gt(Expr::tuple([Expr::value(not_after), Expr::value(id)])));
    }
    select
}

/// Certificates whose next slot has come, of all streams.
fn due(tx: &OrgTx, streams: &[Stream], now: Timestamp) -> SelectStatement {
    QuerySelect::query(
        &mut tx
            .find::<mark::Entity>()
            .select_only()
            .column(mark::Column::RuleId)
            .column(mark::Column::CertificateId)
            .filter(mark::Column::RuleId.is_in(streams.iter().map(|stream| stream.id)))
            .filter(mark::Column::NextAt.lte(now))
            .order_by_asc(mark::Column::NextAt),
    )
    .take()
}

/// Certificates that time has brought into the window.
fn entered(tx: &OrgTx, stream: &Stream, since: Timestamp, now: Timestamp) -> SelectStatement {
    let from = since + TimeDelta::days(i64::from(stream.window_days));
    let mut select = installed(tx, stream, now);
    select.and_where(col("installation", "not_after").gt(from));
    unmarked(tx, select, stream, now)
}

/// Certificates of the window that were installed somewhere.
fn arrived(tx: &OrgTx, stream: &Stream, since: Timestamp, now: Timestamp) -> SelectStatement {
    let mut select = installed(tx, stream, now);
    select.and_where(col("installation", "installed_at").gt(since));
    unmarked(tx, select, stream, now)
}

/// Those of them whose mark does not say that there is time.
fn unmarked(tx: &OrgTx, mut select: SelectStatement, stream: &Stream, now: Timestamp) -> SelectStatement {
    select
        .join(
            JoinType::LeftJoin,
            "alert_mark",
            col("alert_mark", "org_id")
                .eq(col("installation", "org_id"))
                .and(col("alert_mark", "certificate_id").eq(col("installation", "certificate_id")))
                .and(col("alert_mark", "rule_id").eq(stream.id)),
        )
        .cond_where(
            Cond::any()
                .add(col("alert_mark", "certificate_id").is_null())
                .add(col("alert_mark", "next_at").lte(now))
                .add(col("alert_mark", "raised_at").gt(now))
                .add(col("alert_mark", "schedule").ne(stream.timetable.fingerprint()))
                // It is quiet in some groups, and may have come to others.
                .add(acknowledge::holds_somewhere(tx.org_id(), now)),
        );
    select
}

/// Takes the sweep of the organisation for this worker: the token by which it is known; none where another has it.
async fn lease(db: &Db, scope: &Scope) -> Result<Option<Uuid>> {
    let tx = db.write(scope).await?;
    let token = new_id();
    let free = Cond::any()
        .add(setting::Column::SweepingUntil.is_null())
        .add(setting::Column::SweepingUntil.lte(tx.now()))
        // Taken by a clock that was ahead.
        .add(setting::Column::SweepingUntil.gt(tx.now() + LEASE));
    let taken = tx
        .update_many::<setting::Entity>()
        .col_expr(setting::Column::SweepingUntil, Expr::value(tx.now() + LEASE))
        .col_expr(setting::Column::SweepToken, Expr::value(token))
        .filter(free)
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok((taken.rows_affected > 0).then_some(token))
}

/// Ends the sweep, unless another worker has taken it over: each open run, also one that a worker left behind that died, gets its
/// messages, one for each recipient and channel of its stream. `end`: it has come to its end, with what it saw and what it could not raise.
async fn close(db: &Db, scope: &Scope, token: Uuid, end: Option<&End<'_>>) -> Result<u64> {
    let tx = db.write(scope).await?;
    let Some((row, settings)) = settings::lock(&tx).await? else {
        return Ok(0);
    };
    if row.sweep_token != Some(token) {
        return Ok(0);
    }
    let streams = settings.streams();
    let mut runs = open_runs(&tx).await?;
    // What was changed since the last look is seen by the next sweep.
    let stands = end.is_some_and(|end| end.look.fingerprint == settings.fingerprint());
    if let Some(end) = end.filter(|_| stands) {
        runs.extend(end_digests(&tx, &streams, &runs, end.began).await?);
    }
    let suspended = settings::all_suspended(&tx).await?;
    let mut made = 0;
    for run in runs {
        // Whose stream is gone tells nobody: its slots are freed with the next change of who is told.
        let stream = streams.iter().find(|stream| stream.id == run.rule_id);
        let rows: Vec<message::ActiveModel> = stream
            .into_iter()
            .flat_map(|stream| {
                let calls = stream.channels.iter();
                let calls = calls.map(|(id, name)| new_message(&tx, &run, name, Some(*id)));
                let mails = stream.recipients.iter();
                mails
                    .map(|recipient| mail_to(&tx, &run, recipient, &suspended))
                    .chain(calls)
            })
            .collect();
        made += rows.len() as u64;
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
    match end {
        Some(end) => note_end(&tx, end.look, end.failures, stands).await?,
        None => release(&tx).await?,
    }
    failpoint::commit(tx, Operation::QueueMessages).await?;
    Ok(made)
}

/// Notes digests as made whose moment had come when the sweep began, and makes those without a certificate where they are wanted.
async fn end_digests(tx: &OrgTx, streams: &[Stream], runs: &[run::Model], began: Timestamp) -> Result<Vec<run::Model>> {
    let mut empty = Vec::new();
    for stream in streams {
        let Some(moment) = stream.digest_due(began) else {
            continue;
        };
        let made = runs.iter().any(|run| run.rule_id == stream.id) || was_digested(tx, stream.id, moment).await?;
        if stream.digest_empty && !made {
            empty.push(begin_run(tx, stream, MessageKind::Digest).await?);
        }
        match &stream.rule {
            Some((rule, _)) => rules::note_digest(tx, *rule, moment).await?,
            None => settings::note_digest(tx, moment).await?,
        }
    }
    Ok(empty)
}

/// Whether a digest of the stream was begun since its moment, by a sweep that did not come to its end.
async fn was_digested(tx: &OrgTx, stream: Uuid, moment: Timestamp) -> Result<bool> {
    let begun = tx
        .find::<run::Entity>()
        .filter(run::Column::RuleId.eq(stream))
        .filter(run::Column::Kind.eq(MessageKind::Digest.as_str()))
        .filter(run::Column::CreatedAt.gte(moment))
        .count(tx)
        .await?;
    Ok(begun > 0)
}

/// Lets others sweep.
async fn release(tx: &OrgTx) -> Result<()> {
    tx.update_many::<setting::Entity>()
        .col_expr(setting::Column::SweepingUntil, Expr::value(Option::<Timestamp>::None))
        .exec(tx)
        .await?;
    Ok(())
}

/// What the last sweep could not raise.
pub(super) fn failed_before(row: &setting::Model) -> BTreeSet<Uuid> {
    row.sweep_failures
        .clone()
        .and_then(|found| serde_json::from_value(found).ok())
        .unwrap_or_default()
}

/// `stands`: the settings are those that were looked with.
async fn note_end(tx: &OrgTx, look: &Look, failures: &Failures, stands: bool) -> Result<()> {
    use setting::Column;
    let failed = (!failures.is_empty()).then(|| json!(failures));
    let mut update = tx
        .update_many::<setting::Entity>()
        .col_expr(Column::SweptAt, Expr::value(look.now))
        .col_expr(Column::SweepFailures, Expr::value(failed))
        .col_expr(Column::SweepingUntil, Expr::value(Option::<Timestamp>::None));
    if look.whole && stands {
        update = update
            .col_expr(Column::SweptAs, Expr::value(look.fingerprint.as_str()))
            .col_expr(Column::LookedAt, Expr::value(look.now));
    }
    update.exec(tx).await?;
    Ok(())
}

/// A message to a recipient; where they are suspended, one that says why nothing is sent.
fn mail_to(tx: &OrgTx, run: &run::Model, recipient: &str, suspended: &[Suspended]) -> message::ActiveModel {
    let message = new_message(tx, run, recipient, None);
    match suspended.iter().find(|found| found.recipient == recipient) {
        None => message,
        Some(found) => message::ActiveModel {
            state: Set(SendState::Refused.as_str().into()),
            due_at: Set(None),
            reply: Set(Some(settings::suspended_since(found.since, &found.reply))),
            settled_at: Set(Some(tx.now())),
            ..message
        },
    }
}

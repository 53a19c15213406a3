//! Raising: due slots of certificates become alerts of the open run, and marks say how far each certificate has come.

use super::acknowledge::{self, Acknowledgement, quiet_until};
use super::entity::{alert, mark, run, setting};
use super::settings;
use super::slots::{self, Slot, Told};
use super::streams::{Life, MessageKind, Stream};
use super::sweep::LEASE;
use crate::db::dialect::{self, Rows};
use crate::db::{Db, OrgTx};
use crate::error::Result;
use crate::failpoint::{self, Operation};
use crate::ids::new_id;
use crate::{Scope, Timestamp};
use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait, Func, OnConflict, Order, Query, SelectStatement};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

pub(super) fn col(table: &'static str, column: &'static str) -> Expr {
    Expr::col((table, column))
}

/// Certificates that a stream covers, that are installed somewhere and end within its window: id and end, the soonest first.
pub(super) fn installed(tx: &OrgTx, stream: &Stream, now: Timestamp) -> SelectStatement {
    let horizon = now + TimeDelta::days(i64::from(stream.window_days));
    let mut select = Query::select()
        .expr_as(col("installation", "certificate_id"), "certificate_id")
        .expr_as(Func::min(col("installation", "not_after")), "not_after")
        .from("installation")
        .and_where(col("installation", "org_id").eq(tx.org_id()))
        .and_where(col("installation", "gone_at").is_null())
        .and_where(col("installation", "not_after").lte(horizon))
        .add_group_by([col("installation", "certificate_id")])
        .order_by_expr(Func::min(col("installation", "not_after")).into(), Order::Asc)
        .order_by(("installation", "certificate_id"), Order::Asc)
        .take();
    cover(&mut select, tx.org_id(), stream);
    if let Some(base) = stream.escalates {
        let told = Query::select()
            .expr(Expr::value(1))
            .from_as("alert_mark", "base_mark")
            .and_where(col("base_mark", "org_id").eq(tx.org_id()))
            .and_where(col("base_mark", "certificate_id").eq(col("installation", "certificate_id")))
            .and_where(col("base_mark", "rule_id").eq(base))
            .and_where(col("base_mark", "alert_id").is_not_null())
            .take();
        select.and_where(Expr::exists(told));
    }
    select
}

/// Narrows rows of `installation` to those that a stream covers.
pub(super) fn cover(select: &mut SelectStatement, org_id: Uuid, stream: &Stream) {
    if !stream.include_trust {
        select.and_where(col("installation", "kind").eq("identity"));
    }
    if let Some(within) = stream.scope.condition(org_id) {
        select.and_where(within);
    }
    for scope in &stream.without {
        // One that covers all leaves nothing.
        let taken = scope.condition(org_id).unwrap_or_else(|| Expr::value(1).eq(1));
        select.and_where(taken.not());
    }
}

/// A certificate as a sweep sees it.
pub(super) struct Candidate {
    id: Uuid,
    not_before: Timestamp,
    not_after: Timestamp,
    renewal_due_at: Option<Timestamp>,
    node_count: i64,
    common_name: String,
    serial_hex: String,
    sha256: String,
}

impl Candidate {
    /// Its times, and since when it has been told of by the stream that is escalated.
    pub(super) fn life(&self, first_at: Option<Timestamp>) -> Life {
        Life {
            not_before: self.not_before,
            not_after: self.not_after,
            renewal_due_at: self.renewal_due_at,
            first_at,
        }
    }
}

/// Reads certificates that a stream covers, of these or of all.
pub(super) async fn read_candidates(
    tx: &OrgTx,
    stream: &Stream,
    now: Timestamp,
    ids: Option<&[Uuid]>,
    limit: u64,
) -> Result<Vec<Candidate>> {
    let mut select = installed(tx, stream, now);
    select
        .expr_as(Func::min(col("installation", "issued_at")), "issued_at")
        .expr_as(col("installation", "node_id").count_distinct(), "node_count")
        // Whoever renews it by hand in one place has to know, whatever renews it elsewhere.
        .expr_as(Func::count(col("installation", "id")), "places")
        .expr_as(Func::count(col("installation", "renewal_due_at")), "renewing_places")
        .expr_as(Func::min(col("installation", "renewal_due_at")), "renewal_due_at")
        // All places of a certificate tell the same of it.
        .expr_as(Func::min(col("installation", "common_name")), "common_name")
        .expr_as(Func::min(col("installation", "serial_hex")), "serial_hex")
        .expr_as(Func::min(col("installation", "sha256")), "sha256")
        .limit(limit);
    if let Some(ids) = ids {
        select.and_where(col("installation", "certificate_id").is_in(ids.iter().copied()));
    }
    let mut found = Vec::new();
    for row in tx.query_all(&select).await? {
        let (places, renewing): (i64, i64) = (row.try_get("", "places")?, row.try_get("", "renewing_places")?);
        let renewal_due_at: Option<Timestamp> = row.try_get("", "renewal_due_at")?;
        found.push(Candidate {
            id: row.try_get("", "certificate_id")?,
            not_before: row.try_get("", "issued_at")?,
            not_after: row.try_get("", "not_after")?,
            renewal_due_at: renewal_due_at.filter(|_| places == renewing),
            node_count: row.try_get("", "node_count")?,
            common_name: row.try_get("", "common_name")?,
            serial_hex: row.try_get("", "serial_hex")?,
            sha256: row.try_get("", "sha256")?,
        });
    }
    Ok(found)
}

/// The runs that gather what is raised, while a sweep is under way: one for each stream at most.
pub(super) async fn open_runs(tx: &OrgTx) -> Result<Vec<run::Model>> {
    Ok(tx
        .find::<run::Entity>()
        .filter(run::Column::State.eq("open"))
        .all(tx)
        .await?)
}

/// A run of a stream that gathers.
pub(super) async fn begin_run(tx: &OrgTx, stream: &Stream, kind: MessageKind) -> Result<run::Model> {
    let (rule_id, rule_name) = stream.rule.clone().unzip();
    Ok(run::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(new_id()),
        rule_id: Set(stream.id),
        state: Set("open".into()),
        alert_count: Set(0),
        created_at: Set(tx.now()),
        closed_at: Set(None),
        kind: Set(kind.as_str().into()),
        of_rule_id: Set(rule_id),
        rule_name: Set(rule_name),
    }
    .insert(tx)
    .await?)
}

/// What came of certificates.
pub(super) enum Raised {
    /// So many alerts.
    Alerts(u64),
    /// Nothing: another worker has taken the sweep over, or there is nobody to tell any more.
    NotOurs,
}

/// Whose sweep it is, and which stream is raised.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// The sweep.
    pub token: Uuid,
    /// When it began: a digest that falls due meanwhile is left to the next one, so that each is made as a whole.
    pub began: Timestamp,
    /// The stream.
    pub stream: Uuid,
}

/// Raises what is due of these certificates. All is looked up anew: the look was of before.
pub(super) async fn raise(db: &Db, scope: &Scope, part: Part, ids: &[Uuid]) -> Result<Raised> {
    let tx = db.write(scope).await?;
    let Some((row, settings)) = settings::lock(&tx).await? else {
        return Ok(Raised::NotOurs);
    };
    if row.sweep_token != Some(part.token) || settings.tells_nobody() {
        return Ok(Raised::NotOurs);
    }
    // A rule that was deleted or switched off meanwhile raises nothing.
    let Some(stream) = settings.streams().into_iter().find(|stream| stream.id == part.stream) else {
        return Ok(Raised::Alerts(0));
    };
    let mut found = read_candidates(&tx, &stream, tx.now(), Some(ids), ids.len() as u64).await?;
    let marks = marks(&tx, stream.id, ids).await?;
    forget_future(&tx, stream.id, &marks).await?;
    let quiet = quiet(&tx, ids).await?;
    let first = match stream.escalates {
        Some(base) => first_of(&tx, base, ids).await?,
        None => HashMap::new(),
    };
    found.retain(|candidate| stream.escalates.is_none() || first.contains_key(&candidate.id));
    let fingerprint = stream.timetable.fingerprint();
    let judge = Judge {
        stream: &stream,
        fingerprint: &fingerprint,
        began: part.began,
        now: tx.now(),
    };
    let mut judged: Vec<(&Candidate, Verdict)> = found
        .iter()
        .map(|candidate| {
            let until = quiet
                .get(&candidate.id)
                .map(|found| quiet_until(found, candidate.not_after))
                .filter(|until| *until > tx.now());
            let life = candidate.life(first.get(&candidate.id).copied());
            let verdict = judge.judge(&life, marks.get(&candidate.id), until);
            (candidate, verdict)
        })
        .collect();
    know_again(&tx, stream.id, &mut judged).await?;
    let raised = insert_alerts(&tx, &stream, &judged).await?;
    let rows = judged
        .iter()
        .filter(|(candidate, verdict)| !marks.get(&candidate.id).is_some_and(|mark| verdict.stands(mark)))
        .map(|(candidate, verdict)| verdict.mark(stream.id, candidate.id))
        .collect();
    put_marks(&tx, rows).await?;
    watch(&tx, &stream, &judged).await?;
    let there: HashSet<Uuid> = found.iter().map(|candidate| candidate.id).collect();
    let gone = marks.keys().copied().filter(|id| !there.contains(id)).collect();
    park(&tx, stream.id, gone).await?;
    tx.update_many::<setting::Entity>()
        .col_expr(setting::Column::SweepingUntil, Expr::value(tx.now() + LEASE))
        .exec(&tx)
        .await?;
    failpoint::commit(tx, Operation::RaiseAlerts).await?;
    Ok(Raised::Alerts(raised))
}

/// What is acknowledged wherever it is.
async fn quiet(tx: &OrgTx, ids: &[Uuid]) -> Result<HashMap<Uuid, Acknowledgement>> {
    let mut found = acknowledge::acknowledged(tx, ids.iter().copied()).await?;
    let bound: Vec<Uuid> = found
        .values()
        .filter(|found| found.bound)
        .map(|found| found.certificate_id)
        .collect();
    let uncovered = acknowledge::uncovered(tx, &bound).await?;
    found.retain(|certificate, _| !uncovered.contains(certificate));
    Ok(found)
}

/// What becomes of a certificate.
struct Verdict {
    /// What is raised.
    slot: Option<Slot>,
    /// The alert of that slot, or of the last one.
    alert_id: Option<Uuid>,
    slot_at: Option<Timestamp>,
    raised_at: Timestamp,
    schedule: String,
    next_at: Option<Timestamp>,
    /// When the certificate was raised first.
    first_at: Option<Timestamp>,
}

impl Verdict {
    /// The mark says so already.
    fn stands(&self, mark: &mark::Model) -> bool {
        self.alert_id == mark.alert_id
            && self.slot_at == mark.slot_at
            && self.raised_at == mark.raised_at
            && self.schedule == mark.schedule
            && self.next_at.map(crate::clock::cut) == mark.next_at
            && self.first_at == mark.first_at
    }

    fn mark(&self, stream: Uuid, certificate_id: Uuid) -> Mark {
        Mark {
            certificate_id,
            rule_id: stream,
            alert_id: self.alert_id,
            slot_at: self.slot_at,
            raised_at: self.raised_at,
            schedule: self.schedule.clone(),
            next_at: self.next_at.map(crate::clock::cut),
            first_at: self.first_at,
        }
    }
}

struct Judge<'a> {
    stream: &'a Stream,
    fingerprint: &'a str,
    began: Timestamp,
    now: Timestamp,
}

impl Judge<'_> {
    fn judge(&self, life: &Life, mark: Option<&mark::Model>, quiet_until: Option<Timestamp>) -> Verdict {
        let now = self.now;
        // Of a clock that was ahead: a slot that has not come keeps none back.
        let real = |mark: &mark::Model| mark.slot_at.filter(|at| mark.raised_at <= now || *at <= now);
        let told = mark.and_then(|mark| {
            Some(Told {
                slot_at: real(mark)?,
                raised_at: mark.raised_at,
                schedule: mark.schedule.clone(),
            })
        });
        let raised_at = mark.map_or(now, |mark| Ord::min(mark.raised_at, now));
        let kept = Verdict {
            slot: None,
            alert_id: mark.and_then(|mark| mark.alert_id),
            slot_at: mark.and_then(real),
            raised_at,
            schedule: mark.map(|mark| mark.schedule.clone()).unwrap_or_default(),
            next_at: None,
            first_at: mark.and_then(first_raised).map(|at| Ord::min(at, now)),
        };
        if let Some(until) = quiet_until {
            // All else stays: what comes due meanwhile is told afterwards.
            return Verdict {
                next_at: Some(until),
                ..kept
            };
        }
        let look = self.stream.timetable.look(life, now);
        let due = self.stream.due(look, self.fingerprint, self.began, now, told.as_ref());
        if let Some(slot) = look.latest
            && slot.at > self.began
            && self.stream.is_digested(&slot)
        {
            // A digest that has come due since the sweep began is the next one's.
            return Verdict {
                next_at: Some(now),
                ..kept
            };
        }
        let kept = Verdict {
            schedule: self.fingerprint.into(),
            next_at: look.next,
            ..kept
        };
        match due {
            Some(slot) => Verdict {
                slot: Some(slot),
                alert_id: Some(new_id()),
                slot_at: Some(slot.at),
                raised_at: now,
                first_at: kept.first_at.or(Some(now)),
                ..kept
            },
            None => Verdict {
                slot_at: told.map(|told| slots::settled(look.latest, self.fingerprint, &told)),
                ..kept
            },
        }
    }
}

/// When a certificate was raised first; marks of the version before say only when last.
fn first_raised(mark: &mark::Model) -> Option<Timestamp> {
    mark.alert_id?;
    Some(mark.first_at.unwrap_or(mark.raised_at))
}

/// When a stream raised certificates first.
async fn first_of(tx: &OrgTx, stream: Uuid, ids: &[Uuid]) -> Result<HashMap<Uuid, Timestamp>> {
    let marks = marks(tx, stream, ids).await?;
    Ok(marks
        .into_iter()
        .filter_map(|(id, mark)| Some((id, first_raised(&mark)?)))
        .collect())
}

/// Has what was raised looked at again when it may have to be escalated. What is looked at there anyhow stays as it is.
async fn watch(tx: &OrgTx, stream: &Stream, judged: &[(&Candidate, Verdict)]) -> Result<()> {
    let Some((escalation, after_days)) = stream.escalated_by else {
        return Ok(());
    };
    let rows: Vec<mark::ActiveModel> = judged
        .iter()
        .filter(|(_, verdict)| verdict.slot.is_some())
        .map(|(candidate, verdict)| mark::ActiveModel {
            org_id: Set(tx.org_id()),
            certificate_id: Set(candidate.id),
            rule_id: Set(escalation),
            alert_id: Set(None),
            slot_at: Set(None),
            raised_at: Set(tx.now()),
            schedule: Set(String::new()),
            next_at: Set(Some(crate::clock::cut(
                verdict.first_at.unwrap_or(tx.now()) + TimeDelta::days(i64::from(after_days)),
            ))),
            first_at: Set(None),
        })
        .collect();
    for chunk in rows.chunks(dialect::rows_per_insert(9)) {
        use mark::Column;
        mark::Entity::insert_many(chunk.iter().cloned())
            .on_conflict(
                OnConflict::columns([Column::OrgId, Column::CertificateId, Column::RuleId])
                    .update_column(Column::NextAt)
                    .action_and_where(Expr::col((mark::Entity, Column::NextAt)).is_null())
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// A clock that was ahead has raised slots that have not come: their alerts stay in the ledger, under the time of their
/// making, and leave the slots free.
async fn forget_future(tx: &OrgTx, stream: Uuid, marks: &HashMap<Uuid, mark::Model>) -> Result<()> {
    let ahead: Vec<Uuid> = marks
        .values()
        .filter(|mark| mark.raised_at > tx.now())
        .map(|mark| mark.certificate_id)
        .collect();
    if ahead.is_empty() {
        return Ok(());
    }
    tx.update_many::<alert::Entity>()
        .col_expr(alert::Column::SlotAt, Expr::col(alert::Column::CreatedAt))
        .filter(alert::Column::CertificateId.is_in(ahead))
        .filter(alert::Column::RuleId.eq(stream))
        .filter(alert::Column::SlotAt.gt(tx.now()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Slots that have an alert already are not raised again: the mark was lost, or set back with the clock. It points to that
/// alert then.
async fn know_again(tx: &OrgTx, stream: Uuid, judged: &mut [(&Candidate, Verdict)]) -> Result<()> {
    let (due, slots): (Vec<Uuid>, HashSet<Timestamp>) = judged
        .iter()
        .filter_map(|(candidate, verdict)| Some((candidate.id, verdict.slot?.at)))
        .unzip();
    if due.is_empty() {
        return Ok(());
    }
    let known: HashMap<(Uuid, Timestamp), (Uuid, Timestamp)> = tx
        .find::<alert::Entity>()
        .filter(alert::Column::RuleId.eq(stream))
        .filter(alert::Column::CertificateId.is_in(due))
        .filter(alert::Column::SlotAt.is_in(slots))
        .all(tx)
        .await?
        .into_iter()
        .map(|alert| ((alert.certificate_id, alert.slot_at), (alert.id, alert.created_at)))
        .collect();
    for (candidate, verdict) in judged {
        if let Some(slot) = verdict.slot
            && let Some((id, created_at)) = known.get(&(candidate.id, slot.at))
        {
            verdict.slot = None;
            verdict.alert_id = Some(*id);
            verdict.raised_at = Ord::min(*created_at, tx.now());
            verdict.first_at = verdict.first_at.map(|at| Ord::min(at, verdict.raised_at));
        }
    }
    Ok(())
}

/// Certificates that are nowhere any more: no slot of theirs comes, and where they turn up again they are looked at anew.
async fn park(tx: &OrgTx, stream: Uuid, gone: Vec<Uuid>) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    tx.update_many::<mark::Entity>()
        .col_expr(mark::Column::NextAt, Expr::value(Option::<Timestamp>::None))
        .col_expr(mark::Column::Schedule, Expr::value(""))
        .filter(mark::Column::RuleId.eq(stream))
        .filter(mark::Column::CertificateId.is_in(gone))
        .exec(tx)
        .await?;
    Ok(())
}

async fn marks(tx: &OrgTx, stream: Uuid, ids: &[Uuid]) -> Result<HashMap<Uuid, mark::Model>> {
    Ok(tx
        .find::<mark::Entity>()
        .filter(mark::Column::RuleId.eq(stream))
        .filter(mark::Column::CertificateId.is_in(ids.iter().copied()))
        .all(tx)
        .await?
        .into_iter()
        .map(|mark| (mark.certificate_id, mark))
        .collect())
}

async fn insert_alerts(tx: &OrgTx, stream: &Stream, judged: &[(&Candidate, Verdict)]) -> Result<u64> {
    let due: Vec<(Uuid, &Candidate, Slot)> = judged
        .iter()
        .filter_map(|(candidate, verdict)| Some((verdict.alert_id?, *candidate, verdict.slot?)))
        .collect();
    if due.is_empty() {
        return Ok(0);
    }
    let kind = match due.iter().any(|(_, _, slot)| stream.is_digested(slot)) {
        true => MessageKind::Digest,
        false => stream.kind(),
    };
    let run = match open_runs(tx).await?.into_iter().find(|run| run.rule_id == stream.id) {
        Some(run) => run,
        None => begin_run(tx, stream, kind).await?,
    };
    write_alerts(tx, stream, run.id, &due).await?;
    let raised = due.len() as u64;
    tx.update_many::<run::Entity>()
        .col_expr(
            run::Column::AlertCount,
            Expr::col(run::Column::AlertCount).add(i64::try_from(raised).unwrap_or(i64::MAX)),
        )
        .col_expr(run::Column::Kind, Expr::value(later_kind(&run.kind, kind)))
        .filter(run::Column::Id.eq(run.id))
        .exec(tx)
        .await?;
    Ok(raised)
}

/// Columns of `alert`.
const ALERTS: Rows = Rows {
    table: "alert",
    columns: &[
        ("id", "uuid"),
        ("run_id", "uuid"),
        ("certificate_id", "uuid"),
        ("rule_id", "uuid"),
        ("slot_at", "timestamptz"),
        ("stage", "text"),
        ("not_after", "timestamptz"),
        ("common_name", "text"),
        ("serial_hex", "text"),
        ("sha256", "text"),
        ("node_count", "bigint"),
        ("created_at", "timestamptz"),
    ],
    on_conflict: "",
};

async fn write_alerts(tx: &OrgTx, stream: &Stream, run: Uuid, due: &[(Uuid, &Candidate, Slot)]) -> Result<()> {
    let rows = due.iter().map(|(id, candidate, slot)| {
        json!({
            "id": id,
            "run_id": run,
            "certificate_id": candidate.id,
            "rule_id": stream.id,
            "slot_at": dialect::written(slot.at),
            "stage": slot.stage.as_str(),
            "not_after": dialect::written(candidate.not_after),
            "common_name": candidate.common_name,
            "serial_hex": candidate.serial_hex,
            "sha256": candidate.sha256,
            "node_count": candidate.node_count,
            "created_at": dialect::written(tx.now()),
        })
    });
    if let Some(insert) = dialect::insert_at_once(tx.get_database_backend(), tx.org_id(), &ALERTS, rows) {
        tx.execute_raw(insert).await?;
        return Ok(());
    }
    let rows: Vec<alert::ActiveModel> = due
        .iter()
        .map(|(id, candidate, slot)| alert::ActiveModel {
            org_id: Set(tx.org_id()),
            id: Set(*id),
            run_id: Set(run),
            certificate_id: Set(candidate.id),
            rule_id: Set(stream.id),
            slot_at: Set(slot.at),
            stage: Set(slot.stage.as_str().into()),
            not_after: Set(candidate.not_after),
            common_name: Set(candidate.common_name.clone()),
            serial_hex: Set(candidate.serial_hex.clone()),
            sha256: Set(candidate.sha256.clone()),
            node_count: Set(candidate.node_count),
            created_at: Set(tx.now()),
        })
        .collect();
    for chunk in rows.chunks(dialect::rows_per_insert(13)) {
        alert::Entity::insert_many(chunk.iter().cloned())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// A run that holds a digest is one, whatever else it holds.
fn later_kind(present: &str, kind: MessageKind) -> &'static str {
    if present == MessageKind::Digest.as_str() {
        MessageKind::Digest.as_str()
    } else {
        kind.as_str()
    }
}

/// A mark to write.
struct Mark {
    certificate_id: Uuid,
    rule_id: Uuid,
    alert_id: Option<Uuid>,
    slot_at: Option<Timestamp>,
    raised_at: Timestamp,
    schedule: String,
    next_at: Option<Timestamp>,
    first_at: Option<Timestamp>,
}

/// Columns of `alert_mark`, in the place of what a mark said before.
const MARKS: Rows = Rows {
    table: "alert_mark",
    columns: &[
        ("certificate_id", "uuid"),
        ("rule_id", "uuid"),
        ("alert_id", "uuid"),
        ("slot_at", "timestamptz"),
        ("raised_at", "timestamptz"),
        ("schedule", "text"),
        ("next_at", "timestamptz"),
        ("first_at", "timestamptz"),
    ],
    on_conflict: "ON CONFLICT (org_id, certificate_id, rule_id) DO UPDATE SET alert_id = excluded.alert_id, \
                  slot_at = excluded.slot_at, raised_at = excluded.raised_at, schedule = excluded.schedule, \
                  next_at = excluded.next_at, first_at = excluded.first_at",
};

async fn put_marks(tx: &OrgTx, marks: Vec<Mark>) -> Result<()> {
    use mark::Column;
    if marks.is_empty() {
        return Ok(());
    }
    let rows = marks.iter().map(|mark| {
        json!({
            "certificate_id": mark.certificate_id,
            "rule_id": mark.rule_id,
            "alert_id": mark.alert_id,
            "slot_at": mark.slot_at.map(dialect::written),
            "raised_at": dialect::written(mark.raised_at),
            "schedule": mark.schedule,
            "next_at": mark.next_at.map(dialect::written),
            "first_at": mark.first_at.map(dialect::written),
        })
    });
    if let Some(insert) = dialect::insert_at_once(tx.get_database_backend(), tx.org_id(), &MARKS, rows) {
        tx.execute_raw(insert).await?;
        return Ok(());
    }
    let rows: Vec<mark::ActiveModel> = marks
        .into_iter()
        .map(|mark| mark::ActiveModel {
            org_id: Set(tx.org_id()),
            certificate_id: Set(mark.certificate_id),
            rule_id: Set(mark.rule_id),
            alert_id: Set(mark.alert_id),
            slot_at: Set(mark.slot_at),
            raised_at: Set(mark.raised_at),
            schedule: Set(mark.schedule),
            next_at: Set(mark.next_at),
            first_at: Set(mark.first_at),
        })
        .collect();
    for chunk in rows.chunks(dialect::rows_per_insert(9)) {
        mark::Entity::insert_many(chunk.iter().cloned())
            .on_conflict(
                OnConflict::columns([Column::OrgId, Column::CertificateId, Column::RuleId])
                    .update_columns([
                        Column::AlertId,
                        Column::SlotAt,
                        Column::RaisedAt,
                        Column::Schedule,
                        Column::NextAt,
                        Column::FirstAt,
                    ])
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

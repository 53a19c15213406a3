//! Raising: due slots of certificates become alerts of the open run, and marks say how far each certificate has come.

use super::DEFAULT_RULE;
use super::acknowledge::{self, Acknowledgement, quiet_until};
use super::entity::{alert, mark, run, setting};
use super::settings::{self, Notifications};
use super::slots::{Schedule, Slot, Told};
use super::sweep::LEASE;
use crate::certificates::{self, Certificate};
use crate::db::{Db, OrgTx, dialect};
use crate::error::Result;
use crate::failpoint::{self, Operation};
use crate::ids::new_id;
use crate::{Scope, Timestamp};
use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait, Func, OnConflict, Order, Query, SelectStatement};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

pub(super) fn col(table: &'static str, column: &'static str) -> Expr {
    Expr::col((table, column))
}

/// Certificates that are installed somewhere and end within the window: id, end, number of nodes, overdue renewal.
pub(super) fn installed(tx: &OrgTx, settings: &Notifications, now: Timestamp) -> SelectStatement {
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

/// The run that gathers what is raised, while a sweep is under way.
pub(super) async fn open_run(tx: &OrgTx) -> Result<Option<run::Model>> {
    Ok(tx
        .find::<run::Entity>()
        .filter(run::Column::RuleId.eq(DEFAULT_RULE))
        .filter(run::Column::State.eq("open"))
        .one(tx)
        .await?)
}

/// What came of certificates.
pub(super) enum Raised {
    /// So many alerts.
    Alerts(u64),
    /// Nothing: another worker has taken the sweep over, or there is nobody to tell any more.
    NotOurs,
}

/// Raises what is due of these certificates. All is looked up anew: the look was of before.
pub(super) async fn raise(db: &Db, scope: &Scope, token: Uuid, ids: &[Uuid]) -> Result<Raised> {
    let tx = db.write(scope).await?;
    let Some((row, settings)) = settings::lock(&tx).await? else {
        return Ok(Raised::NotOurs);
    };
    if row.sweep_token != Some(token) || settings.tells_nobody() {
        return Ok(Raised::NotOurs);
    }
    let found = read_candidates(&tx, &settings, ids).await?;
    let marks = marks(&tx, ids).await?;
    forget_future(&tx, &marks).await?;
    let quiet = quiet(&tx, ids).await?;
    let schedule = settings.schedule();
    let judge = Judge {
        schedule: &schedule,
        now: tx.now(),
    };
    let mut judged: Vec<(&Candidate, Verdict)> = found
        .iter()
        .map(|candidate| {
            let until = quiet
                .get(&candidate.id)
                .map(|found| quiet_until(found, candidate.not_after))
                .filter(|until| *until > tx.now());
            let verdict = judge.judge(candidate, marks.get(&candidate.id), until);
            (candidate, verdict)
        })
        .collect();
    know_again(&tx, &mut judged).await?;
    let raised = insert_alerts(&tx, &judged).await?;
    let rows = judged
        .iter()
        .filter(|(candidate, verdict)| !marks.get(&candidate.id).is_some_and(|mark| verdict.stands(mark)))
        .map(|(candidate, verdict)| verdict.mark(&tx, candidate.id))
        .collect();
    put_marks(&tx, rows).await?;
    let there: HashSet<Uuid> = found.iter().map(|candidate| candidate.id).collect();
    park(&tx, marks.keys().copied().filter(|id| !there.contains(id)).collect()).await?;
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
}

impl Verdict {
    /// The mark says so already.
    fn stands(&self, mark: &mark::Model) -> bool {
        self.alert_id == mark.alert_id
            && self.slot_at == mark.slot_at
            && self.raised_at == mark.raised_at
            && self.schedule == mark.schedule
            && self.next_at.map(crate::clock::cut) == mark.next_at
    }

    fn mark(&self, tx: &OrgTx, certificate_id: Uuid) -> mark::ActiveModel {
        mark::ActiveModel {
            org_id: Set(tx.org_id()),
            certificate_id: Set(certificate_id),
            rule_id: Set(DEFAULT_RULE),
            alert_id: Set(self.alert_id),
            slot_at: Set(self.slot_at),
            raised_at: Set(self.raised_at),
            schedule: Set(self.schedule.clone()),
            next_at: Set(self.next_at.map(crate::clock::cut)),
        }
    }
}

struct Judge<'a> {
    schedule: &'a Schedule,
    now: Timestamp,
}

impl Judge<'_> {
    fn judge(&self, candidate: &Candidate, mark: Option<&mark::Model>, quiet_until: Option<Timestamp>) -> Verdict {
        let (end, overdue, now) = (candidate.not_after, candidate.renewal_due_at, self.now);
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
        };
        if let Some(until) = quiet_until {
            // All else stays: what comes due meanwhile is told afterwards.
            return Verdict {
                next_at: Some(until),
                ..kept
            };
        }
        let kept = Verdict {
            schedule: self.schedule.fingerprint(),
            next_at: self.schedule.next(end, overdue, now),
            ..kept
        };
        match self.schedule.due(end, overdue, now, told.as_ref()) {
            Some(slot) => Verdict {
                slot: Some(slot),
                alert_id: Some(new_id()),
                slot_at: Some(slot.at),
                raised_at: now,
                ..kept
            },
            None => Verdict {
                slot_at: told.map(|told| self.schedule.settled(end, overdue, now, &told)),
                ..kept
            },
        }
    }
}

/// A clock that was ahead has raised slots that have not come: their alerts stay in the ledger, under the time of their
/// making, and leave the slots free.
async fn forget_future(tx: &OrgTx, marks: &HashMap<Uuid, mark::Model>) -> Result<()> {
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
        .filter(alert::Column::RuleId.eq(DEFAULT_RULE))
        .filter(alert::Column::SlotAt.gt(tx.now()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Slots that have an alert already are not raised again: the mark was lost, or set back with the clock. It points to that
/// alert then.
async fn know_again(tx: &OrgTx, judged: &mut [(&Candidate, Verdict)]) -> Result<()> {
    let (due, slots): (Vec<Uuid>, HashSet<Timestamp>) = judged
        .iter()
        .filter_map(|(candidate, verdict)| Some((candidate.id, verdict.slot?.at)))
        .unzip();
    if due.is_empty() {
        return Ok(());
    }
    let known: HashMap<(Uuid, Timestamp), (Uuid, Timestamp)> = tx
        .find::<alert::Entity>()
        .filter(alert::Column::RuleId.eq(DEFAULT_RULE))
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
        }
    }
    Ok(())
}

/// Certificates that are nowhere any more: no slot of theirs comes, and where they turn up again they are looked at anew.
async fn park(tx: &OrgTx, gone: Vec<Uuid>) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    tx.update_many::<mark::Entity>()
        .col_expr(mark::Column::NextAt, Expr::value(Option::<Timestamp>::None))
        .col_expr(mark::Column::Schedule, Expr::value(""))
        .filter(mark::Column::RuleId.eq(DEFAULT_RULE))
        .filter(mark::Column::CertificateId.is_in(gone))
        .exec(tx)
        .await?;
    Ok(())
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

async fn insert_alerts(tx: &OrgTx, judged: &[(&Candidate, Verdict)]) -> Result<u64> {
    let due: Vec<(Uuid, &Candidate, Slot)> = judged
        .iter()
        .filter_map(|(candidate, verdict)| Some((verdict.alert_id?, *candidate, verdict.slot?)))
        .collect();
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
    let names = certificates::by_ids(tx, due.iter().map(|(_, candidate, _)| candidate.id)).await?;
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
    let raised = rows.len() as u64;
    for chunk in rows.chunks(dialect::rows_per_insert(13)) {
        alert::Entity::insert_many(chunk.iter().cloned())
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

//! What the worker does over all organisations: each lists who is due, then works in one organisation at a time. All are
//! idempotent and safe on every instance. An organisation whose work fails is logged, left for the next round, and keeps no
//! other one waiting.

use super::advance::{advance, can_move};
use super::backoff::{delay, jitter};
use super::state::TaskState;
use super::transition::{Moves, col, wake_agents};
use crate::clusters;
use crate::db::{Db, OrgTx};
use crate::error::{Error, Result};
use crate::failpoint::{self, Operation};
use crate::{Scope, Timestamp};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement};
use std::collections::HashSet;
use uuid::Uuid;

/// Rows of one transaction: short, so that reports are not held up.
const BATCH: u64 = 500;

fn due(condition: &'static str, column: &'static str, now: Timestamp) -> SelectStatement {
    Query::select()
        .from("task")
        .and_where(Expr::cust(condition))
        .and_where(col(column).lt(now))
        .take()
}

/// The words of the partial indexes for sweeps. A wave is never below 0: that is said so that claims, which do not say it, cannot use
/// these indexes in the place of their own.
const RUNNING: &str = "\"task\".\"state\" = 'running' AND \"task\".\"wave\" >= 0";
const OPEN: &str = "\"task\".\"state\" IN ('waiting', 'pending') AND \"task\".\"wave\" >= 0";

async fn orgs(db: &Db, mut select: SelectStatement) -> Result<Vec<Uuid>> {
    select.column(("task", "org_id")).distinct();
    let mut found = Vec::new();
    for row in db.survey().connection().query_all(&select).await? {
        found.push(row.try_get("", "org_id")?);
    }
    Ok(found)
}

/// Moves the jobs on whose tasks were just moved. What fails is done by the next round of [`open_waves`].
async fn advance_all(db: &Db, org: Uuid, jobs: HashSet<Uuid>) {
    for job in jobs {
        if let Err(error) = advance(db, org, job).await {
            tracing::warn!(%error, %job, "a job was not moved on; it is tried again");
        }
    }
}

/// Takes tasks back whose lease has run out: they are claimed again after a wait, or have failed after the last attempt.
/// Says how many.
///
/// # Errors
/// Who is due cannot be listed: the database is busy or away.
pub async fn sweep_leases(db: &Db) -> Result<u64> {
    let now = db.now().await?;
    let mut total = 0;
    for org in orgs(db, due(RUNNING, "lease_until", now)).await? {
        loop {
            let (count, jobs) = match return_leases(db, org).await {
                Ok(returned) => returned,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, %org, "lost leases were not taken back; it is tried again");
                    break;
                }
            };
            total += count;
            advance_all(db, org, jobs).await;
            if count < BATCH {
                break;
            }
        }
    }
    Ok(total)
}

/// One batch of an organisation.
async fn return_leases(db: &Db, org: Uuid) -> Result<(u64, HashSet<Uuid>)> {
    let tx = db.write(&Scope::system(org, "leases")).await?;
    let returned = take_back(&tx).await?;
    failpoint::commit(tx, Operation::SweepLeases).await?;
    Ok(returned)
}

async fn take_back(tx: &OrgTx) -> Result<(u64, HashSet<Uuid>)> {
    let mut select = due(RUNNING, "lease_until", tx.now());
    select
        .columns(["id", "cluster_id", "attempts"].map(|name| ("task", name)))
        .and_where(col("org_id").eq(tx.org_id()))
        .limit(BATCH);
    let mut overdue_tasks: Vec<(Uuid, i32)> = Vec::new();
    let mut touched = Vec::new();
    for row in tx.query_all(&select).await? {
        overdue_tasks.push((row.try_get("", "id")?, row.try_get("", "attempts")?));
        touched.push(row.try_get("", "cluster_id")?);
    }
    overdue_tasks.sort_unstable();
    let ids: Vec<Uuid> = overdue_tasks.iter().map(|(id, _)| *id).collect();
    if ids.is_empty() {
        return Ok((0, HashSet::new()));
    }
    clusters::lock(tx, &touched).await?;
    let overdue = || {
        Condition::all()
            .add(col("id").is_in(ids.iter().copied()))
            .add(col("lease_until").lt(tx.now()))
    };
    let lost = "the agent was not heard of while the task ran";
    let mut moves = Moves::default();
    // Nobody knows what the agent did: the next inventory of the node tells.
    let failed = moves
        .shift(
            tx,
            TaskState::Running,
            TaskState::Failed,
            overdue().add(col("attempts").gte(Expr::col(("task", "max_attempts")))),
            vec![
                ("node_state", Expr::value("unknown")),
                ("failure_code", Expr::value("lease_lost")),
                (
                    "failure",
                    Expr::value(format!(
                        "{lost}, each time it was tried: look at the agent and at the node"
                    )),
                ),
            ],
        )
        .await?;
    let mut returned = Vec::new();
    for (id, attempts) in overdue_tasks {
        // One by one, as each has its own wait.
        let which = overdue().add(col("id").eq(id));
        let not_before = crate::clock::cut(tx.now() + delay(attempts, jitter()));
        let changes = vec![
            ("not_before", Expr::value(not_before)),
            ("message", Expr::value(format!("{lost}; tried again"))),
        ];
        returned.extend(
            moves
                .shift(tx, TaskState::Running, TaskState::Pending, which, changes)
                .await?,
        );
    }
    let back: Vec<Uuid> = returned.iter().map(|task| task.id).collect();
    // Someone asked to stop it: it is not begun again.
    let stopped = moves
        .shift(
            tx,
            TaskState::Pending,
            TaskState::Cancelled,
            Condition::all()
                .add(col("id").is_in(back))
                .add(col("cancel_requested").eq(true)),
            vec![(
                "message",
                Expr::value(format!(
                    "{lost}; cancelled on request: the next inventory tells what it did"
                )),
            )],
        )
        .await?;
    moves.settle(tx).await?;
    wake_agents(tx, &returned);
    let jobs = failed.iter().chain(&stopped).map(|task| task.job_id).collect();
    Ok((failed.len() as u64 + returned.len() as u64, jobs))
}

/// Ends tasks that have not begun when their deadline passes. Says how many.
///
/// # Errors
/// Who is due cannot be listed: the database is busy or away.
pub async fn expire_deadlines(db: &Db) -> Result<u64> {
    let now = db.now().await?;
    let mut total = 0;
    for org in orgs(db, due(OPEN, "deadline", now)).await? {
        loop {
            let (count, jobs) = match expire_batch(db, org).await {
                Ok(expired) => expired,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, %org, "deadlines were not kept; it is tried again");
                    break;
                }
            };
            total += count;
            advance_all(db, org, jobs).await;
            if count < BATCH {
                break;
            }
        }
    }
    Ok(total)
}

/// One batch of an organisation.
async fn expire_batch(db: &Db, org: Uuid) -> Result<(u64, HashSet<Uuid>)> {
    let tx = db.write(&Scope::system(org, "deadlines")).await?;
    let expired = expire(&tx).await?;
    failpoint::commit(tx, Operation::ExpireDeadlines).await?;
    Ok(expired)
}

async fn expire(tx: &OrgTx) -> Result<(u64, HashSet<Uuid>)> {
    let mut select = due(OPEN, "deadline", tx.now());
    select
        .columns(["id", "cluster_id"].map(|name| ("task", name)))
        .and_where(col("org_id").eq(tx.org_id()))
        .limit(BATCH);
    let mut ids: Vec<Uuid> = Vec::new();
    let mut touched = Vec::new();
    for row in tx.query_all(&select).await? {
        ids.push(row.try_get("", "id")?);
        touched.push(row.try_get("", "cluster_id")?);
    }
    clusters::lock(tx, &touched).await?;
    let mut moves = Moves::default();
    let mut jobs = HashSet::new();
    let mut count = 0;
    for from in TaskState::OPEN {
        let changes = vec![("message", Expr::value("it was not begun before its deadline"))];
        let moved = moves.shift_ids(tx, from, TaskState::Expired, &ids, changes).await?;
        count += moved.len() as u64;
        jobs.extend(moved.iter().map(|task| task.job_id));
    }
    moves.settle(tx).await?;
    Ok((count, jobs))
}

/// Moves on all jobs that have not ended: opens waves, stops after failures, finishes. What reports do at once is done
/// here again, so that a crash in between loses nothing. Most jobs only wait for their agents: each is read first, and
/// written where something can move. Says how many jobs were looked at.
///
/// # Errors
/// The database is busy or away.
pub async fn open_waves(db: &Db) -> Result<u64> {
    let select = Query::select()
        .columns([("job", "org_id"), ("job", "id")])
        .from("job")
        .and_where(Expr::cust("\"job\".\"finished_at\" IS NULL"))
        .take();
    let mut total = 0;
    for row in db.survey().connection().query_all(&select).await? {
        let (org, job) = (row.try_get("", "org_id")?, row.try_get("", "id")?);
        let moved = async {
            if can_move(db, org, job).await? {
                advance(db, org, job).await?;
            }
            Ok::<_, Error>(())
        };
        // One job that cannot be moved on keeps no other one waiting.
        if let Err(error) = moved.await {
            tracing::warn!(error = &error as &dyn std::error::Error, %org, %job, "a job was not moved on; it is tried again");
        }
        total += 1;
    }
    Ok(total)
}

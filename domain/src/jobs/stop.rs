//! Cancelling a job, and doing again what failed.

use super::advance::{advance, cancel_open, clusters_with_open};
use super::create::{Changed, create_from};
use super::entity::{job, task};
use super::read::{Job, get};
use super::report::Recorded;
use super::state::TaskState;
use super::transition::Moves;
use crate::audit::{self, Entry};
use crate::clusters;
use crate::db::Db;
use crate::db::dialect::lock_rows;
use crate::error::{Error, Result};
use crate::plans::{self, Earlier, MAX_TARGETS, TargetPlace, Targets, Work};
use crate::signal::Topic;
use crate::{Permission, Scope};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;
use std::collections::HashSet;
use uuid::Uuid;

/// Cancels what of a job has not begun, and asks what runs to stop where it is safe. A scope that is bound to some groups
/// does so for the clusters that it sees. Cancelling a job that has ended is no error: nothing is left to do.
///
/// # Errors
/// [`Error::NotFound`] for a job that is unknown, foreign or out of scope; [`Error::Forbidden`] without
/// [`Permission::Operate`].
pub async fn cancel(db: &Db, scope: &Scope, job_id: Uuid) -> Result<Job> {
    scope.require(Permission::Operate)?;
    let tx = db.write(scope).await?;
    let mut select = tx.find::<job::Entity>().filter(job::Column::Id.eq(job_id));
    lock_rows(QuerySelect::query(&mut select));
    let row = select.one(&tx).await?.ok_or(Error::NotFound { what: "job" })?;
    if row.finished_at.is_some() {
        return get(&tx, job_id).await;
    }
    // Reports and lost leases wait for the clusters, and every open task carries the wish before any is moved: one that
    // is given back in this very moment is not begun again.
    clusters::lock(&tx, &clusters_with_open(&tx, job_id).await?).await?;
    tx.update_many::<task::Entity>()
        .col_expr(task::Column::CancelRequested, Expr::value(true))
        .filter(task::Column::JobId.eq(job_id))
        .filter(task::Column::State.is_in(["waiting", "pending", "running"]))
        .exec(&tx)
        .await?;
    let mut moves = Moves::default();
    let reason = format!("cancelled by {}", scope.actor().name);
    let cancelled = cancel_open(&tx, &mut moves, job_id, &reason).await?;
    let running: Vec<(Uuid, Option<Uuid>)> = tx
        .find::<task::Entity>()
        .select_only()
        .columns([task::Column::ClusterId, task::Column::LeaseAgentId])
        .filter(task::Column::JobId.eq(job_id))
        .filter(task::Column::State.eq(TaskState::Running.as_str()))
        .into_tuple()
        .all(&tx)
        .await?;
    for (cluster, _) in &running {
        moves.touch(job_id, *cluster);
    }
    moves.settle(&tx).await?;
    let agents: HashSet<Uuid> = running.iter().filter_map(|(_, agent)| *agent).collect();
    for agent in agents {
        tx.wake(Topic::Agent(agent));
    }
    tx.update_many::<job::Entity>()
        .col_expr(job::Column::CancelRequestedAt, Expr::value(tx.now()))
        .filter(job::Column::Id.eq(job_id))
        .filter(job::Column::CancelRequestedAt.is_null())
        .exec(&tx)
        .await?;
    audit::record(
        &tx,
        Entry {
            action: "job.cancel",
            object_kind: "job",
            object_id: Some(job_id),
            object_name: &row.title,
            before: None,
            after: Some(json!({ "cancelled": cancelled.len(), "asked_to_stop": running.len() })),
        },
    )
    .await?;
    tx.wake(Topic::Job(job_id));
    tx.commit().await?;
    // The wish is on disk: whatever this meets, the worker does it at its next round.
    if let Err(error) = advance(db, scope.org_id(), job_id).await {
        tracing::warn!(%error, job = %job_id, "a cancelled job was not moved on; the worker will");
    }
    let tx = db.read(scope).await?;
    get(&tx, job_id).await
}

/// Does again what failed or was not begun in time, and nothing else, as a new job: the same request is planned anew on
/// the facts of now. Where the change itself was made, only what the failed task left is done. What was agreed to for the first job stays agreed to; `consent` adds to it.
///
/// # Errors
/// [`Error::Refused`] `not_finished`, `nothing_to_retry`, `plan_gone`, `nothing_to_do`; [`Error::Invalid`] for a consent that
/// is new; [`Error::NotFound`] for a job that is unknown, foreign or out of scope.
pub async fn retry(db: &Db, scope: &Scope, job_id: Uuid, consent: &[String]) -> Result<Job> {
    scope.require(Permission::Operate)?;
    let tx = db.read(scope).await?;
    let job = get(&tx, job_id).await?;
    if job.counts.open() > 0 {
        return Err(Error::refused(
            "not_finished",
            "the job is still under way: wait until its last task has ended, or cancel it",
        ));
    }
    let failed: Vec<task::Model> = tx
        .find::<task::Entity>()
        .filter(task::Column::JobId.eq(job_id))
        .filter(task::Column::State.is_in([TaskState::Failed, TaskState::Expired].map(TaskState::as_str)))
        .order_by_asc(task::Column::Id)
        .limit(MAX_TARGETS as u64)
        .all(&tx)
        .await?;
    if failed.is_empty() {
        return Err(Error::refused("nothing_to_retry", "no task of the job has failed"));
    }
    let stored = match job.plan_id {
        Some(plan_id) => plans::stored(&tx, plan_id).await?,
        None => None,
    };
    let Some(stored) = stored else {
        return Err(Error::refused(
            "plan_gone",
            "the plan of this job was deleted with age: make a new plan for the failed nodes",
        ));
    };
    drop(tx);
    let mut request = stored.request;
    let places: Result<Vec<TargetPlace>> = failed.into_iter().map(place_of).collect();
    request.targets = Targets::Places(places?);
    request.order.not_before = None;
    let plan = plans::create(db, scope, request).await?;
    let mut agreed = stored.consent;
    agreed.extend(consent.iter().cloned());
    agreed.sort();
    agreed.dedup();
    create_from(db, scope, plan.id, &agreed, Changed::Refuse, Some(job_id)).await
}

/// What a retry is planned on: the place, and what the task did there before it failed.
fn place_of(task: task::Model) -> Result<TargetPlace> {
    let work: Work = serde_json::from_value(task.work).map_err(Error::internal)?;
    // What its agent said of the node, or could not say.
    let (told, unknown) = match task.node_state.as_deref() {
        Some("partial" | "changed") => (true, false),
        Some("unknown" | "rollback_failed") => (false, true),
        _ => (false, false),
    };
    let done = match told {
        true => Recorded::read(task.result)?
            .steps
            .iter()
            .take_while(|step| step.ok)
            .count(),
        false => 0,
    };
    let earlier = (told || unknown || work.goes_on).then_some(Earlier {
        steps: work.steps,
        done,
        goes_on: work.goes_on,
        made: work.made,
        ended_at: task.finished_at,
    });
    Ok(TargetPlace {
        node_id: task.node_id,
        purpose: task.purpose,
        sha256: work.certificate,
        earlier,
    })
}

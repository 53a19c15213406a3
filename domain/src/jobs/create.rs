//! From a plan to a job.

use super::advance::advance;
use super::entity::{job, job_cluster, task};
use super::read::{Job, get};
use super::state::{Counts, TaskState};
use super::transition::{Moves, col};
use crate::audit::{self, Entry};
use crate::clusters;
use crate::db::dialect::rows_per_insert;
use crate::db::{Db, OrgTx};
use crate::error::{Error, FieldError, Result};
use crate::failpoint::{self, Operation};
use crate::ids::new_id;
use crate::plans::{self, Action, Change, Place, Plan, Planned};
use crate::signal::Topic;
use crate::{Permission, Scope};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, Set};
use serde_json::json;
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// A task is tried so often: a claim whose lease is lost counts, too.
const MAX_ATTEMPTS: i32 = 5;
/// Differences that are told at most.
const TOLD_CHANGES: usize = 100;
const TASK_COLUMNS: usize = 36;
const COUNT_COLUMNS: usize = 16;

/// What to do about targets that are no longer as the plan found them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Changed {
    /// Start nothing and tell the differences.
    #[default]
    Refuse,
    /// Leave them out.
    Drop,
}

/// Starts a plan.
///
/// # Errors
/// [`Error::Invalid`] that names each missing consent; [`Error::Conflict`] `plan_changed` with the differences as detail, or
/// `plan_used`; [`Error::Refused`] `plan_expired` or `nothing_to_do`, or what keeps a phase of a root change from beginning; [`Error::NotFound`] for a plan that is unknown,
/// foreign, or about clusters out of scope; [`Error::Forbidden`] without [`Permission::Operate`].
pub async fn create(db: &Db, scope: &Scope, plan_id: Uuid, consent: &[String], changed: Changed) -> Result<Job> {
    create_from(db, scope, plan_id, consent, changed, None).await
}

pub(super) async fn create_from(
    db: &Db,
    scope: &Scope,
    plan_id: Uuid,
    consent: &[String],
    changed: Changed,
    retry_of: Option<Uuid>,
) -> Result<Job> {
    scope.require(Permission::Operate)?;
    let tx = db.write(scope).await?;
    let (plan, mut planned, refusal) = plans::load(&tx, plan_id).await?;
    check_plan(&tx, &plan, consent)?;
    plans::recheck_root_change(&tx, &plan.request).await?;
    let changes = plans::recheck(&tx, &plan.request.action, &planned).await?;
    let mut dropped = 0;
    if !changes.is_empty() {
        match changed {
            Changed::Refuse => return Err(conflict(changes)),
            Changed::Drop => {
                let gone: HashSet<i64> = changes.iter().map(|change| change.position).collect();
                planned.retain(|target| !gone.contains(&target.position));
                dropped = gone.len();
            }
        }
    }
    if planned.is_empty() {
        let message = match refusal {
            Some(reason) if dropped == 0 => format!("the plan has no target that can be worked on: {reason}"),
            _ => "no target of the plan is as the plan found it: make a new plan".into(),
        };
        return Err(Error::refused("nothing_to_do", message));
    }
    let job_id = new_id();
    if !plans::take(&tx, &plan, job_id, consent).await? {
        return Err(used(plan.job_id));
    }
    let superseded = supersede(&tx, &plan.request.action, &planned).await?;
    let title = insert(&tx, job_id, &plan, planned, retry_of).await?;
    audit::record(
        &tx,
        Entry {
            action: if retry_of.is_some() { "job.retry" } else { "job.create" },
            object_kind: "job",
            object_id: Some(job_id),
            object_name: &title,
            before: None,
            after: Some(json!({
                "plan_id": plan.id,
                "action": plan.action,
                "consent": consent,
                "dropped": dropped,
                "retry_of": retry_of,
            })),
        },
    )
    .await?;
    tx.wake(Topic::Job(job_id));
    let job = get(&tx, job_id).await?;
    failpoint::commit(tx, Operation::CreateJob).await?;
    for other in superseded {
        // The job is on disk: whatever this meets, the worker does it at its next round.
        if let Err(error) = advance(db, scope.org_id(), other).await {
            tracing::warn!(%error, job = %other, "a superseded job was not moved on; the worker will");
        }
    }
    Ok(job)
}

fn check_plan(tx: &OrgTx, plan: &Plan, consent: &[String]) -> Result<()> {
    if plan.job_id.is_some() {
        return Err(used(plan.job_id));
    }
    if plan.expires_at <= tx.now() {
        return Err(Error::refused(
            "plan_expired",
            "the plan is older than an hour, and the fleet may have moved: make a new one",
        ));
    }
    let missing: Vec<FieldError> = plan
        .warnings
        .iter()
        .filter(|warning| warning.consent && !consent.contains(&warning.code))
        .map(|warning| FieldError {
            field: "consent".into(),
            code: "consent_missing",
            message: format!("agree to `{}` first: {}", warning.code, warning.message),
        })
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(missing))
    }
}

fn used(job_id: Option<Uuid>) -> Error {
    Error::Conflict {
        code: "plan_used",
        message: "a job was made of this plan already: make a new plan to do it again".into(),
        detail: Some(json!({ "job_id": job_id })),
    }
}

fn conflict(changes: Vec<Change>) -> Error {
    let targets: HashSet<i64> = changes.iter().map(|change| change.position).collect();
    let first = changes
        .first()
        .map(|change| format!("{} of node `{}`", change.what, change.node))
        .unwrap_or_default();
    Error::Conflict {
        code: "plan_changed",
        message: format!(
            "{} of the plan's targets are no longer as it found them (first: {first}): make a new plan, or leave them out",
            targets.len()
        ),
        detail: serde_json::to_value(changes.into_iter().take(TOLD_CHANGES).collect::<Vec<_>>())
            .ok()
            .map(|changes| json!({ "changes": changes })),
    }
}

/// Earlier changes of the same purposes that have not begun make way: only the newest wish counts. Says of which jobs.
async fn supersede(tx: &OrgTx, action: &Action, planned: &[Planned]) -> Result<HashSet<Uuid>> {
    if !action.supersedes() {
        return Ok(HashSet::new());
    }
    let wanted: HashSet<(Uuid, &str)> = planned
        .iter()
        // What is left of an earlier task is no newer wish.
        .filter(|target| !is_beside(action, target) && !target.work.goes_on)
        .flat_map(|target| {
            let nodes = std::iter::once(target.node_id).chain(target.work.reaches.iter().copied());
            nodes.map(|node| (node, target.purpose.as_str()))
        })
        .collect();
    let mut nodes: Vec<Uuid> = wanted.iter().map(|(node, _)| *node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let mut ids = Vec::new();
    let mut touched = Vec::new();
    for chunk in nodes.chunks(5_000) {
        let select = Query::select()
            .columns(["id", "node_id", "purpose", "cluster_id"].map(|name| ("task", name)))
            .from("task")
            .and_where(col("org_id").eq(tx.org_id()))
            .and_where(Expr::cust(
                "\"task\".\"state\" IN ('waiting', 'pending') AND \"task\".\"wave\" >= 0",
            ))
            .and_where(col("node_id").is_in(chunk.iter().copied()))
            .take();
        for row in tx.query_all(&select).await? {
            let node: Uuid = row.try_get("", "node_id")?;
            let purpose: String = row.try_get("", "purpose")?;
            if wanted.contains(&(node, purpose.as_str())) {
                ids.push(row.try_get("", "id")?);
                touched.push(row.try_get("", "cluster_id")?);
            }
        }
    }
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    clusters::lock(tx, &touched).await?;
    let mut jobs = HashSet::new();
    let mut moves = Moves::default();
    for from in TaskState::OPEN {
        let changes = vec![("message", Expr::value("a newer job for this purpose took its place"))];
        let moved = moves.shift_ids(tx, from, TaskState::Superseded, &ids, changes).await?;
        jobs.extend(moved.iter().map(|task| task.job_id));
    }
    moves.settle(tx).await?;
    Ok(jobs)
}

/// A node that is only read, beside the targets of the action.
fn is_beside(action: &Action, target: &Planned) -> bool {
    target.purpose.is_empty() && action.place() != Place::Node
}

/// Writes job, tasks and counts; gives the job's title.
async fn insert(
    tx: &OrgTx,
    job_id: Uuid,
    plan: &Plan,
    planned: Vec<Planned>,
    retry_of: Option<Uuid>,
) -> Result<String> {
    let now = tx.now();
    let order = &plan.request.order;
    let actor = tx.scope().actor();
    let first_wave = planned.iter().map(|target| target.wave).min().unwrap_or(0);
    let title = title(&plan.request.action, &planned);
    job::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(job_id),
        plan_id: Set(Some(plan.id)),
        retry_of: Set(retry_of),
        aftercare_of: Set(plan.request.aftercare_of),
        root_change_id: Set(plan.request.root_change.as_ref().map(|part| part.id)),
        action: Set(plan.action.clone()),
        title: Set(title.clone()),
        state: Set("open".into()),
        max_parallel: Set(i32::try_from(order.max_parallel).unwrap_or(i32::MAX)),
        stop_at_failures: Set(i32::try_from(order.stop_at()).unwrap_or(i32::MAX)),
        open_wave: Set(first_wave),
        tasks: Set(i64::try_from(planned.len()).unwrap_or(i64::MAX)),
        created_by: Set(actor.id),
        created_by_name: Set(actor.name.clone()),
        created_at: Set(now),
        cancel_requested_at: Set(None),
        finished_at: Set(None),
    }
    .insert(tx)
    .await?;
    let not_before = order
        .not_before
        .map_or(now, |time| std::cmp::max(crate::clock::cut(time), now));
    let seconds = order.deadline_seconds.unwrap_or(plans::DEFAULT_DEADLINE_SECONDS);
    let deadline = not_before + chrono::Duration::seconds(seconds);
    let ids: HashMap<i64, Uuid> = planned.iter().map(|target| (target.position, new_id())).collect();
    let limit = if order.max_parallel == 0 {
        usize::MAX
    } else {
        order.max_parallel as usize
    };
    let mut open = 0;
    let mut counts: BTreeMap<Uuid, (String, String, Counts)> = BTreeMap::new();
    let mut agents = HashSet::new();
    let mut rows = Vec::with_capacity(planned.len());
    for target in planned {
        let after_id = target.work.after.and_then(|position| ids.get(&position)).copied();
        let state = if target.wave == first_wave && after_id.is_none() && open < limit {
            open += 1;
            agents.extend(target.work.agents.iter().copied());
            TaskState::Pending
        } else {
            TaskState::Waiting
        };
        counts
            .entry(target.cluster_id)
            .or_insert_with(|| {
                (
                    target.cluster_name.clone(),
                    target.work.product.clone(),
                    Counts::default(),
                )
            })
            .2
            .add(state);
        let action = match is_beside(&plan.request.action, &target) {
            true => Action::Refresh.as_str().into(),
            false => plan.action.clone(),
        };
        rows.push(task::ActiveModel {
            org_id: Set(tx.org_id()),
            id: Set(ids.get(&target.position).copied().unwrap_or_else(new_id)),
            job_id: Set(job_id),
            node_id: Set(target.node_id),
            cluster_id: Set(target.cluster_id),
            agent_id: Set(target.work.agents.first().copied()),
            second_agent_id: Set(target.work.agents.get(1).copied()),
            node_name: Set(target.node_name),
            cluster_name: Set(target.cluster_name),
            product: Set(target.work.product.clone()),
            action: Set(action),
            purpose: Set(target.purpose),
            state: Set(state.as_str().into()),
            wave: Set(target.wave),
            after_id: Set(after_id),
            not_before: Set(not_before),
            deadline: Set(deadline),
            epoch: Set(0),
            lease_agent_id: Set(None),
            lease_until: Set(None),
            attempts: Set(0),
            max_attempts: Set(MAX_ATTEMPTS),
            cancel_requested: Set(false),
            work: Set(serde_json::to_value(&target.work).map_err(Error::internal)?),
            step: Set(None),
            message: Set(None),
            node_state: Set(None),
            failure_code: Set(None),
            failure: Set(None),
            result: Set(None),
            result_epoch: Set(0),
            created_at: Set(now),
            updated_at: Set(now),
            started_at: Set(None),
            finished_at: Set(None),
        });
    }
    insert_counts(tx, job_id, counts).await?;
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk = rows.by_ref().take(rows_per_insert(TASK_COLUMNS));
        task::Entity::insert_many(chunk).exec_without_returning(tx).await?;
    }
    for agent in agents {
        tx.wake(Topic::Agent(agent));
    }
    Ok(title)
}

async fn insert_counts(tx: &OrgTx, job_id: Uuid, counts: BTreeMap<Uuid, (String, String, Counts)>) -> Result<()> {
    let rows: Vec<job_cluster::ActiveModel> = counts
        .into_iter()
        .map(
            |(cluster_id, (cluster_name, product, counts))| job_cluster::ActiveModel {
                org_id: Set(tx.org_id()),
                job_id: Set(job_id),
                cluster_id: Set(cluster_id),
                cluster_name: Set(cluster_name),
                product: Set(product),
                waiting: Set(counts.waiting),
                pending: Set(counts.pending),
                running: Set(0),
                succeeded: Set(0),
                failed: Set(0),
                cancelled: Set(0),
                expired: Set(0),
                superseded: Set(0),
                version: Set(1),
                job_created_at: Set(tx.now()),
                updated_at: Set(tx.now()),
            },
        )
        .collect();
    for chunk in rows.chunks(rows_per_insert(COUNT_COLUMNS)) {
        job_cluster::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// `Upload certificate for tomcat on 3 nodes of cluster-1`.
fn title(action: &Action, planned: &[Planned]) -> String {
    let verb = match action {
        Action::Refresh => "Refresh inventory",
        Action::GenerateCsr(_) => "Generate CSR",
        Action::UploadCertificate(_) => "Upload certificate",
        Action::Distribute(_) => "Distribute certificates",
        Action::Renew(_) => "Renew certificate",
        Action::ReuseTomcat(_) => "Reuse Tomcat certificate",
        Action::DeleteCsr(_) => "Delete CSR",
        Action::Delete(_) => "Delete certificates",
        Action::Replace(_) => "Replace certificates",
        Action::Restore => "Restore certificates",
        Action::Restart(_) => "Restart services",
    };
    let few = |names: HashSet<&str>, many: &str| match names.iter().next() {
        Some(name) if names.len() == 1 => (*name).to_string(),
        _ => format!("{} {many}", names.len()),
    };
    let purposes: HashSet<&str> = planned
        .iter()
        .map(|target| target.purpose.as_str())
        .filter(|purpose| !purpose.is_empty())
        .collect();
    let purpose = if purposes.is_empty() {
        String::new()
    } else if action.stores().is_empty() {
        format!(" for {}", few(purposes, "purposes"))
    } else {
        format!(" to {}", few(purposes, "stores"))
    };
    let own = || planned.iter().filter(|target| !is_beside(action, target));
    let nodes = own().map(|target| target.node_id).collect::<HashSet<_>>().len();
    let node = match own().next() {
        Some(target) if nodes == 1 => target.node_name.clone(),
        _ => format!("{nodes} nodes"),
    };
    let cluster = few(
        planned.iter().map(|target| target.cluster_name.as_str()).collect(),
        "clusters",
    );
    // A retry of nothing but what is read beside the targets.
    if nodes == 0 {
        return format!("Refresh inventory on {} nodes of {cluster}", planned.len());
    }
    format!("{verb}{purpose} on {node} of {cluster}")
}

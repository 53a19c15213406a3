//! Stored plans.

use super::entity::{plan, plan_target};
use super::facts::Expect;
use super::gather::gather;
use super::preview::{Preview, Warning, gather_warnings};
use super::request::{Action, Request};
use super::resolve::Aim;
use super::{Drafted, Work};
use crate::db::OrgTx;
use crate::db::dialect::{lock_rows, rows_per_insert};
use crate::error::{Error, Result};
use crate::ids::new_id;
use crate::lists::{Page, fetch, page};
use crate::{Permission, Timestamp};
use chrono::Duration;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A plan is what its user has on the screen: after an hour it is made anew.
const LIVES: Duration = Duration::hours(1);
const TARGET_COLUMNS: usize = 15;

/// A plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Its id.
    pub id: Uuid,
    /// Name of the action.
    pub action: String,
    /// What was asked for.
    pub request: Request,
    /// What to think of first; those with `consent` have to be agreed to.
    pub warnings: Vec<Warning>,
    /// Targets that a job would work on.
    pub targets: i64,
    /// Targets that are refused.
    pub refused: i64,
    /// Name of who made it.
    pub created_by_name: String,
    /// When.
    pub created_at: Timestamp,
    /// When it can no longer be run.
    pub expires_at: Timestamp,
    /// The job that ran it.
    pub job_id: Option<Uuid>,
}

/// One target of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its id.
    pub id: Uuid,
    /// Its place in the plan.
    pub position: i64,
    /// The node.
    pub node_id: Uuid,
    /// The cluster.
    pub cluster_id: Uuid,
    /// Name of the node.
    pub node_name: String,
    /// Name of the cluster.
    pub cluster_name: String,
    /// The purpose; empty for the node as a whole.
    pub purpose: String,
    /// Wave in which it goes.
    pub wave: i32,
    /// Code of the refusal.
    pub refusal_code: Option<String>,
    /// Why it is refused, and the way out.
    pub refusal: Option<String>,
    /// What is there, what will be, and how.
    pub preview: Preview,
}

/// The request as stored, and what was agreed to when a job was made of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stored {
    #[serde(flatten)]
    pub request: Request,
    #[serde(default)]
    pub consent: Vec<String>,
}

fn json(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(Error::internal)
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(Error::internal)
}

fn as_plan(row: plan::Model) -> Result<Plan> {
    let stored: Stored = parse(row.request)?;
    Ok(Plan {
        id: row.id,
        action: row.action,
        request: stored.request,
        warnings: parse(row.warnings)?,
        targets: row.targets,
        refused: row.refused,
        created_by_name: row.created_by_name,
        created_at: row.created_at,
        expires_at: row.expires_at,
        job_id: row.job_id,
    })
}

/// Stores a plan; `about_all` are warnings that no single target has.
pub(super) async fn insert(
    tx: &OrgTx,
    id: Uuid,
    request: &Request,
    drafts: Vec<Drafted>,
    about_all: Vec<Warning>,
) -> Result<Plan> {
    let refused = drafts.iter().filter(|draft| draft.refusal.is_some()).count();
    let mut warnings = about_all;
    warnings.extend(gather_warnings(drafts.iter().map(|draft| &draft.preview)));
    let actor = tx.scope().actor();
    let stored = Stored {
        request: request.clone(),
        consent: Vec::new(),
    };
    let row = plan::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(id),
        action: Set(request.action.as_str().into()),
        request: Set(json(&stored)?),
        warnings: Set(json(&warnings)?),
        targets: Set(i64::try_from(drafts.len() - refused).unwrap_or(i64::MAX)),
        refused: Set(i64::try_from(refused).unwrap_or(i64::MAX)),
        created_by: Set(actor.id),
        created_by_name: Set(actor.name.clone()),
        created_at: Set(tx.now()),
        expires_at: Set(tx.now() + LIVES),
        job_id: Set(None),
    }
    .insert(tx)
    .await?;
    let mut rows = Vec::with_capacity(drafts.len());
    for (position, draft) in drafts.into_iter().enumerate() {
        let (code, refusal) = match draft.refusal {
            Some(refusal) => (Some(refusal.code.to_string()), Some(refusal.message)),
            None => (None, None),
        };
        rows.push(plan_target::ActiveModel {
            org_id: Set(tx.org_id()),
            id: Set(new_id()),
            plan_id: Set(id),
            position: Set(i64::try_from(position).unwrap_or(i64::MAX)),
            node_id: Set(draft.node_id),
            cluster_id: Set(draft.cluster_id),
            node_name: Set(draft.node_name),
            cluster_name: Set(draft.cluster_name),
            purpose: Set(draft.purpose),
            wave: Set(draft.wave),
            refusal_code: Set(code),
            refusal: Set(refusal),
            expect: Set(json(&draft.expect)?),
            work: Set(json(&draft.work)?),
            preview: Set(json(&draft.preview)?),
        });
    }
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk = rows.by_ref().take(rows_per_insert(TARGET_COLUMNS));
        plan_target::Entity::insert_many(chunk)
            .exec_without_returning(tx)
            .await?;
    }
    as_plan(row)
}

/// A plan.
///
/// # Errors
/// [`Error::NotFound`] for a plan that is unknown, foreign, or about clusters out of scope only.
pub async fn get(tx: &OrgTx, id: Uuid) -> Result<Plan> {
    tx.scope().require(Permission::ReadFleet)?;
    let row = tx
        .find::<plan::Entity>()
        .filter(plan::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or(Error::NotFound { what: "plan" })?;
    as_plan(row)
}

/// Which targets to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TargetFilter {
    /// Only those that are refused, or only those that are not.
    pub refused: Option<bool>,
}

/// One page of a plan's targets in the order of the plan, after the position `after`.
///
/// # Errors
/// [`Error::NotFound`] as for [`get`].
pub async fn targets(
    tx: &OrgTx,
    plan_id: Uuid,
    filter: TargetFilter,
    after: Option<i64>,
    limit: u64,
) -> Result<Page<Target, i64>> {
    get(tx, plan_id).await?;
    use plan_target::Column;
    let mut select = tx.find::<plan_target::Entity>().filter(Column::PlanId.eq(plan_id));
    match filter.refused {
        Some(true) => select = select.filter(Column::RefusalCode.is_not_null()),
        Some(false) => select = select.filter(Column::RefusalCode.is_null()),
        None => {}
    }
    if let Some(after) = after {
        select = select.filter(Column::Position.gt(after));
    }
    let rows = select
        .order_by_asc(Column::Position)
        .limit(fetch(limit))
        .all(tx)
        .await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(Target {
            id: row.id,
            position: row.position,
            node_id: row.node_id,
            cluster_id: row.cluster_id,
            node_name: row.node_name,
            cluster_name: row.cluster_name,
            purpose: row.purpose,
            wave: row.wave,
            refusal_code: row.refusal_code,
            refusal: row.refusal,
            preview: parse(row.preview)?,
        });
    }
    Ok(page(items, limit, |target: &Target| target.position))
}

/// One target that a job is to work on.
pub(crate) struct Planned {
    pub position: i64,
    pub node_id: Uuid,
    pub cluster_id: Uuid,
    pub node_name: String,
    pub cluster_name: String,
    pub purpose: String,
    pub wave: i32,
    pub expect: Expect,
    pub work: Work,
}

/// The plan and all of its targets that are not refused, and the first refusal, for a job. The plan is locked against
/// other jobs.
pub(crate) async fn load(tx: &OrgTx, id: Uuid) -> Result<(Plan, Vec<Planned>, Option<String>)> {
    let mut select = tx.find::<plan::Entity>().filter(plan::Column::Id.eq(id));
    lock_rows(QuerySelect::query(&mut select));
    let row = select.one(tx).await?.ok_or(Error::NotFound { what: "plan" })?;
    let plan = as_plan(row)?;
    let rows = tx
        .find::<plan_target::Entity>()
        .filter(plan_target::Column::PlanId.eq(id))
        .order_by_asc(plan_target::Column::Position)
        .all(tx)
        .await?;
    // A plan of someone who sees more clusters is not this caller's to run.
    if i64::try_from(rows.len()).ok() != Some(plan.targets + plan.refused) {
        return Err(Error::NotFound { what: "plan" });
    }
    let mut planned = Vec::with_capacity(rows.len());
    let mut refusal = None;
    for row in rows {
        if row.refusal_code.is_some() {
            refusal = refusal.or(row.refusal);
            continue;
        }
        planned.push(Planned {
            position: row.position,
            node_id: row.node_id,
            cluster_id: row.cluster_id,
            node_name: row.node_name,
            cluster_name: row.cluster_name,
            purpose: row.purpose,
            wave: row.wave,
            expect: parse(row.expect)?,
            work: parse(row.work)?,
        });
    }
    Ok((plan, planned, refusal))
}

/// Marks the plan as run by a job, with what was agreed to; `false` when another job was first.
pub(crate) async fn take(tx: &OrgTx, plan: &Plan, job_id: Uuid, consent: &[String]) -> Result<bool> {
    let stored = Stored {
        request: plan.request.clone(),
        consent: consent.to_vec(),
    };
    let done = tx
        .update_many::<plan::Entity>()
        .col_expr(plan::Column::JobId, Expr::value(job_id))
        .col_expr(plan::Column::Request, Expr::value(json(&stored)?))
        .filter(plan::Column::Id.eq(plan.id))
        .filter(plan::Column::JobId.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// The stored request of a plan, for a retry.
pub(crate) async fn stored(tx: &OrgTx, id: Uuid) -> Result<Option<Stored>> {
    let row = tx
        .find::<plan::Entity>()
        .filter(plan::Column::Id.eq(id))
        .one(tx)
        .await?;
    row.map(|row| parse(row.request)).transpose()
}

/// What of a target is no longer as the plan found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    pub position: i64,
    pub node_id: Uuid,
    pub node: String,
    pub purpose: String,
    /// What changed: `certificate`, `csr`, `version`, `agent`, …
    pub what: &'static str,
    pub before: String,
    pub after: String,
}

/// Compares the targets with the facts of now.
pub(crate) async fn recheck(tx: &OrgTx, action: &Action, planned: &[Planned]) -> Result<Vec<Change>> {
    let aims: Vec<Aim> = planned
        .iter()
        .map(|target| Aim {
            node_id: target.node_id,
            purpose: target.purpose.clone(),
            sha256: target.work.certificate.clone(),
            refusal: None,
            earlier: None,
        })
        .collect();
    let gathered = gather(tx, action, &aims, &[]).await?;
    let mut changes = Vec::new();
    for (target, aim) in planned.iter().zip(&aims) {
        let differences = match gathered.expect(aim) {
            Some(now) => target.expect.differences(&now),
            None => vec![("node", target.node_name.clone(), String::new())],
        };
        changes.extend(differences.into_iter().map(|(what, before, after)| Change {
            position: target.position,
            node_id: target.node_id,
            node: target.node_name.clone(),
            purpose: target.purpose.clone(),
            what,
            before,
            after,
        }));
    }
    Ok(changes)
}

pub(super) async fn delete_expired(tx: &OrgTx, limit: u64) -> Result<u64> {
    let ids = Query::select()
        .column(("plan", "id"))
        .from("plan")
        .and_where(Expr::col(("plan", "org_id")).eq(tx.org_id()))
        .and_where(Expr::col(("plan", "expires_at")).lt(tx.now()))
        .and_where(Expr::col(("plan", "job_id")).is_null())
        .limit(limit)
        .take();
    let done = tx
        .delete_many::<plan::Entity>()
        .filter(plan::Column::Id.in_subquery(ids))
        .exec(tx)
        .await?;
    Ok(done.rows_affected)
}

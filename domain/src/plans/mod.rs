//! Plans: the dry run of an action. A plan says, for each target, what is there and what will be, what is done, what has
//! to be restarted, what to think of, whether it can be undone, or why it is refused. Nothing has been changed by it.
//!
//! ```text
//! Request ── resolve ──▶ aims ── gather ──▶ facts ── decide ──▶ drafts ── store ──▶ plan
//!            (what is meant)     (one pass of queries)  (pure: check, plan)     (lives an hour)
//! ```
//!
//! A job runs a plan ([`crate::jobs::create`]) and compares the targets' [`facts::Expect`] first: what was true when the plan
//! was made has to be true still.

mod actions;
mod carried;
mod coverage;
mod entity;
mod entries;
mod facts;
mod fix;
mod gather;
mod neighbours;
mod offers;
mod options;
mod planner;
mod preview;
mod request;
mod resolve;
mod root_change;
mod rows;
mod store;
mod targets;
mod upload;

pub use actions::{Offer, Refusal};
pub use fix::{Fix, FixRequest, Left, fix};
pub use offers::{Listed, offers};
pub use options::{
    DeleteCsrOptions, DeleteOptions, DistributeOptions, RenewOptions, ReplaceOptions, RestartOptions, UploadOptions,
};
pub use preview::{CertificateBrief, CsrBrief, Preview, PreviewStep, Warning};
pub use request::{Action, CsrOptions, Request, RootChangePart};
pub use root_change::{PhaseRequest, plan_root_change};
pub use store::{Plan, Target, TargetFilter as StoredTargetFilter, get, targets};
pub use targets::{DEFAULT_DEADLINE_SECONDS, Earlier, MAX_TARGETS, Order, TargetFilter, TargetPlace, Targets};

pub(crate) use actions::Work;
pub(crate) use facts::OFFLINE_AFTER_SECONDS;
pub(crate) use request::Place;
pub(crate) use root_change::recheck_root_change;
pub(crate) use store::{Change, Planned, load, recheck, stored, take};

use crate::audit::{self, Entry};
use crate::db::{Db, OrgTx};
use crate::error::{Error, Result};
use crate::ids::new_id;
use crate::{Permission, Scope};
use certyard_protocol::StepKind;
use resolve::Aim;
use std::collections::HashMap;

/// Makes and stores a plan. It is refused as a whole only where the request itself is wrong; what cannot be done on one
/// target is told there.
///
/// # Errors
/// [`crate::Error::Invalid`] with field paths; [`crate::Error::NotFound`] for ids that are unknown, foreign or out of scope;
/// [`crate::Error::Forbidden`] without [`Permission::Operate`].
pub async fn create(db: &Db, scope: &Scope, request: Request) -> Result<Plan> {
    create_as(db, scope, new_id(), request, Vec::new(), None).await
}

/// [`create`] under an id, with warnings about the whole, and with the row of the audit log where it is a decision.
async fn create_as(
    db: &Db,
    scope: &Scope,
    id: uuid::Uuid,
    request: Request,
    warnings: Vec<Warning>,
    entry: Option<Entry<'_>>,
) -> Result<Plan> {
    scope.require(Permission::Operate)?;
    let (mut request, mut uploaded) = upload::read(request).await?;
    let tx = db.read(scope).await?;
    request.validate(tx.now())?;
    upload::add_known(&tx, &mut request, &mut uploaded).await?;
    let aims = resolve::resolve(&tx, &request.action, &request.targets).await?;
    upload::check_size(&request, uploaded.len(), aims.len())?;
    let gathered = gather::gather(&tx, &request.action, &aims, &uploaded).await?;
    drop(tx);
    let drafts = draft(&gathered, &request, &aims)?;
    let tx = db.write(scope).await?;
    let plan = store::insert(&tx, id, &request, drafts, warnings).await?;
    if let Some(entry) = entry {
        audit::record(&tx, entry).await?;
    }
    tx.commit().await?;
    Ok(plan)
}

/// The wave of what waits for all else of its plan, canaries and the rest.
const BEHIND: i32 = 2;

/// One target, ready to be stored.
struct Drafted {
    node_id: uuid::Uuid,
    cluster_id: uuid::Uuid,
    node_name: String,
    cluster_name: String,
    purpose: String,
    wave: i32,
    expect: facts::Expect,
    refusal: Option<Refusal>,
    work: Option<Work>,
    preview: Preview,
}

/// Decides each target and puts them in order: by cluster, the publisher first, then by name; canaries form the first
/// wave. Where a trust store is changed that the publisher replicates, its subscribers come after it. What is done once
/// for a whole cluster is done by the first of its targets, and the cluster's other nodes are read after it ([`coverage`]), as
/// they are where the product carries a change of a trust store to them ([`carried`]).
fn draft(gathered: &gather::Gathered, request: &Request, aims: &[Aim]) -> Result<Vec<Drafted>> {
    let mut decided = Vec::with_capacity(aims.len());
    for aim in aims {
        decided.push((aim, gathered.decide(request, aim)?));
    }
    decided.sort_by(|(a, left), (b, right)| {
        let key = |node: &facts::Node| (node.cluster_name.clone(), node.cluster_id, node.role != "publisher");
        key(left.node)
            .cmp(&key(right.node))
            .then_with(|| left.node.name.cmp(&right.node.name))
            .then_with(|| left.node.id.cmp(&right.node.id))
            .then_with(|| a.purpose.cmp(&b.purpose))
    });
    // The targets that wait for another stand behind it: it has a lower position, and its task is made first.
    decided.sort_by_key(|(aim, decision)| planner::comes_later(aim, decision));
    let together = planner::Together::keep_apart(request, &mut decided);
    let makers = coverage::cover(&mut decided);
    let canaries = request.order.canary as usize;
    let mut accepted = 0;
    let mut publishers: HashMap<(uuid::Uuid, &str), i64> = HashMap::new();
    let one_by_one = matches!(&request.action, Action::Restart(options) if !options.by_node.is_empty());
    let mut restarted: HashMap<uuid::Uuid, i64> = HashMap::new();
    let mut drafted = Vec::with_capacity(decided.len());
    for (position, (aim, decision)) in decided.into_iter().enumerate() {
        let node = decision.node;
        let waits = together.waits(aim, &decision);
        let (refusal, mut work, preview) = match decision.outcome {
            Ok(draft) => (None, Some(draft.work), draft.preview),
            Err(refusal) => {
                let preview = Preview {
                    before: decision.before,
                    ..Preview::default()
                };
                (Some(refusal), None, preview)
            }
        };
        let mut wave = 0;
        if let Some(work) = &mut work {
            wave = i32::from(canaries > 0 && accepted >= canaries);
            accepted += 1;
            if waits {
                wave = BEHIND;
            }
            let position = i64::try_from(position).unwrap_or(i64::MAX);
            if one_by_one {
                work.after = restarted.insert(node.cluster_id, position);
            }
            if work.steps.iter().any(|step| changes_trust(step.kind())) {
                let place = (node.cluster_id, aim.purpose.as_str());
                if node.role == "publisher" {
                    publishers.insert(place, position);
                } else {
                    work.after = publishers.get(&place).copied();
                }
            }
        }
        drafted.push(Drafted {
            node_id: node.id,
            cluster_id: node.cluster_id,
            node_name: node.name.clone(),
            cluster_name: node.cluster_name.clone(),
            purpose: aim.purpose.clone(),
            wave,
            expect: decision.expect,
            refusal,
            work,
            preview,
        });
    }
    let mut readings = coverage::readings(gathered, makers);
    carried::add_readings(gathered, &drafted, &mut readings);
    coverage::read_others(gathered, &readings, &mut drafted);
    within_limit(drafted.len(), aims.len())?;
    Ok(drafted)
}

/// What is read beside the targets is stored and done as they are.
fn within_limit(all: usize, aims: usize) -> Result<()> {
    if all <= MAX_TARGETS {
        return Ok(());
    }
    Err(Error::field(
        "filter",
        "too_many",
        format!(
            "{aims} targets, and {} further nodes that are read after them: more than {MAX_TARGETS} in one plan, name fewer clusters or nodes",
            all - aims
        ),
    ))
}

/// Whether the publisher of a cluster goes first, as the product may carry the change to the others.
fn changes_trust(step: StepKind) -> bool {
    matches!(step, StepKind::InstallTrust | StepKind::DeleteTrust)
}

/// Plans deleted once they are past their hour and no job came of them, at most `limit` at a time; says how many.
///
/// # Errors
/// The database is busy or away.
pub async fn delete_expired(tx: &OrgTx, limit: u64) -> Result<u64> {
    store::delete_expired(tx, limit).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_beside_the_targets_counts_with_them() {
        within_limit(MAX_TARGETS, 1).expect("as many as there may be");
        let error = within_limit(MAX_TARGETS + 1, 5_000).expect_err("one too many");
        let Error::Invalid(wrong) = error else {
            panic!("{error:?}");
        };
        assert!(wrong[0].message.contains("15001 further nodes"), "{wrong:?}");
    }
}

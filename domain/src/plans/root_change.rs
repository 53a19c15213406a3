//! The plans of a root change: each phase is an ordinary action on what the inventory tells of it at this moment.

use super::options::{DeleteOptions, DistributeOptions};
use super::preview::Warning;
use super::request::{Action, CsrOptions, Request, RootChangePart};
use super::store::Plan;
use super::targets::{Order, TargetPlace, Targets};
use crate::audit::Entry;
use crate::db::{Db, OrgTx};
use crate::error::{Error, Result};
use crate::ids::new_id;
use crate::root_changes::{self, Block, Phase, RootChange};
use crate::{Permission, Scope};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Places of one plan at most; what is left over is planned once these are done.
const MAX_PLACES: u64 = 10_000;

/// What of a root change is planned.
#[derive(Clone, Debug)]
pub struct PhaseRequest {
    /// The phase.
    pub phase: Phase,
    /// How the job proceeds.
    pub order: Order,
    /// Why it is done although something is to be done before; empty: it is not.
    pub override_reason: String,
}

/// Plans a phase of a root change: what is left to do of it, and nothing else. Nothing is changed by it.
///
/// # Errors
/// [`Error::Refused`] with the code of the [`Block`] that keeps the phase from beginning, where no reason overrides it; `nothing_to_do`;
/// `root_change_closed`; [`Error::NotFound`] for a root change that is unknown or foreign; [`Error::Invalid`] for a bad order or reason;
/// [`Error::Forbidden`] without [`Permission::Operate`].
pub async fn plan_root_change(db: &Db, scope: &Scope, id: Uuid, wanted: PhaseRequest) -> Result<Plan> {
    scope.require(Permission::Operate)?;
    let reason = wanted.override_reason.trim().to_string();
    let tx = db.read(scope).await?;
    let change = root_changes::get(&tx, id).await?;
    change.require_open()?;
    let progress = root_changes::progress(&tx, &change).await?;
    let blocks = progress.blocks(wanted.phase);
    if !blocks.is_empty() && reason.is_empty() {
        return Err(blocked(&blocks, true));
    }
    let (action, targets) = work(&tx, &change, wanted.phase, progress.coverage.lacking() == 0).await?;
    drop(tx);
    let request = Request {
        action,
        targets,
        order: wanted.order,
        override_reason: reason.clone(),
        aftercare_of: None,
        root_change: Some(RootChangePart {
            id,
            phase: wanted.phase,
            overridden: blocks.iter().map(|block| block.code.to_string()).collect(),
        }),
    };
    let warnings = blocks
        .iter()
        .map(|block| Warning {
            targets: block.count,
            ..Warning::consent(block.code, format!("{} (overridden: {reason})", block.message))
        })
        .collect();
    let plan_id = new_id();
    let entry = Entry {
        action: "root_change.plan",
        object_kind: "root_change",
        object_id: Some(id),
        object_name: &change.name,
        before: None,
        after: Some(json!({
            "plan_id": plan_id,
            "phase": wanted.phase.as_str(),
            "override_reason": reason,
            "overridden": blocks.iter().map(|block| block.code).collect::<Vec<_>>(),
        })),
    };
    super::create_as(db, scope, plan_id, request, warnings, Some(entry)).await
}

/// Looks again whether a phase may begin, when a job is made of its plan: what was true an hour ago may not be so now. What was overridden
/// stays so; what was not there to be seen then was not.
///
/// # Errors
/// As [`plan_root_change`].
pub(crate) async fn recheck_root_change(tx: &OrgTx, request: &Request) -> Result<()> {
    let Some(part) = &request.root_change else {
        return Ok(());
    };
    let change = root_changes::get(tx, part.id).await?;
    change.require_open()?;
    if !matches!(part.phase, Phase::Switch | Phase::Retire) {
        return Ok(());
    }
    let mut blocks = root_changes::progress(tx, &change).await?.blocks(part.phase);
    blocks.retain(|block| !part.overridden.iter().any(|code| code == block.code));
    match blocks.is_empty() {
        true => Ok(()),
        false => Err(blocked(&blocks, false)),
    }
}

fn blocked(blocks: &[Block], overridable: bool) -> Error {
    let all: Vec<&str> = blocks.iter().map(|block| block.message.as_str()).collect();
    let way = match overridable {
        true => "; or say in `override_reason` why it is done all the same",
        false => "; make a new plan",
    };
    Error::refused(
        blocks.first().map_or("blocked", |block| block.code),
        format!("{}{way}", all.join("; ")),
    )
}

fn nothing(message: &str) -> Error {
    Error::refused("nothing_to_do", message)
}

/// What a phase does, and where.
async fn work(tx: &OrgTx, change: &RootChange, phase: Phase, whole: bool) -> Result<(Action, Targets)> {
    Ok(match phase {
        Phase::Distribute => {
            let places = root_changes::lacking_places(tx, change, MAX_PLACES).await?;
            if places.is_empty() {
                return Err(nothing(
                    "no trust store lacks the new certificate, or tasks that bring it are under way",
                ));
            }
            let stores: BTreeSet<&String> = places.iter().map(|(_, store)| store).collect();
            let options = DistributeOptions {
                stores: stores.into_iter().cloned().collect(),
                certificate_ids: vec![change.new.id],
                ..DistributeOptions::default()
            };
            (Action::Distribute(options), at(places, None))
        }
        Phase::Verify => {
            let nodes = root_changes::nodes_to_read(tx, change, whole, MAX_PLACES).await?;
            if nodes.is_empty() {
                return Err(nothing("there is no node to read"));
            }
            (Action::Refresh, Targets::Nodes(nodes))
        }
        Phase::Switch => {
            let ids = root_changes::identities_on_old(tx, change, MAX_PLACES).await?;
            if ids.is_empty() {
                return Err(nothing(
                    "no identity certificate that chains to the old one lacks a CSR: upload the answers to those that are open",
                ));
            }
            (Action::GenerateCsr(CsrOptions::default()), Targets::Installations(ids))
        }
        Phase::Retire => {
            let places = root_changes::holding_places(tx, change, MAX_PLACES).await?;
            if places.is_empty() {
                return Err(nothing("no trust store holds the old certificate any more"));
            }
            let options = DeleteOptions {
                stores: Vec::new(),
                certificate_ids: vec![change.old.id],
            };
            (Action::Delete(options), at(places, Some(&change.old.sha256)))
        }
    })
}

fn at(places: Vec<(Uuid, String)>, sha256: Option<&str>) -> Targets {
    Targets::Places(
        places
            .into_iter()
            .map(|(node_id, purpose)| TargetPlace {
                node_id,
                purpose,
                sha256: sha256.map(ToString::to_string),
                earlier: None,
            })
            .collect(),
    )
}

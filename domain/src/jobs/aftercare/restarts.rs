//! Restarts that a checklist still asks for, as a plan.

use super::family::family;
use super::{CareState, Checklist, checklists};
use crate::catalogue::UNSAFE_TOGETHER;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::jobs::entity::job_cluster;
use crate::jobs::read::get;
use crate::plans::{self, Action, Order, Plan, Request, RestartOptions, Targets};
use crate::{Permission, Scope};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// Nodes of one plan at most: each waits for the one before it in its cluster, and people watch.
const MAX_NODES: usize = 2_000;
/// Clusters that are named at most.
const MAX_CLUSTERS: usize = 500;

/// Which restarts of a checklist are planned.
#[derive(Clone, Debug, Default)]
pub struct CareRestarts {
    /// In these clusters; empty: in all of the job.
    pub clusters: Vec<Uuid>,
    /// How the job proceeds.
    pub order: Order,
}

/// Plans the restarts that are open in the checklist of a job: on each node what it needs, in the order of the catalogue, and in each
/// cluster one node after the other, the publisher first. What its job has done is ticked off in the list.
///
/// # Errors
/// [`Error::Refused`] `still_running` while a job of the family goes on, `nothing_to_restart` where no restart is open;
/// [`Error::NotFound`] for a job or cluster that is unknown, foreign or out of scope; [`Error::Invalid`] where it is too much for one
/// plan; [`Error::Forbidden`] without [`Permission::Operate`].
pub async fn plan_restarts(db: &Db, scope: &Scope, job_id: Uuid, wanted: CareRestarts) -> Result<Plan> {
    scope.require(Permission::Operate)?;
    if wanted.clusters.len() > MAX_CLUSTERS {
        return Err(too_many(format!("at most {MAX_CLUSTERS} clusters by their ids")));
    }
    let tx = db.read(scope).await?;
    get(&tx, job_id).await?;
    let family = family(&tx, job_id).await?;
    use job_cluster::Column;
    let mut rows = tx
        .find::<job_cluster::Entity>()
        .filter(Column::JobId.is_in(family.iter().copied()))
        .order_by_asc(Column::ClusterName)
        .order_by_asc(Column::ClusterId);
    if !wanted.clusters.is_empty() {
        rows = rows.filter(Column::ClusterId.is_in(wanted.clusters.iter().copied()));
    }
    let rows = rows.all(&tx).await?;
    if rows.iter().any(|row| row.waiting + row.pending + row.running > 0) {
        return Err(Error::refused(
            "still_running",
            "the job, a retry of it or a restart still works there: ask again when it has ended",
        ));
    }
    let of_job: Vec<job_cluster::Model> = rows.into_iter().filter(|row| row.job_id == job_id).collect();
    let found: HashSet<Uuid> = of_job.iter().map(|row| row.cluster_id).collect();
    if wanted.clusters.iter().any(|id| !found.contains(id)) {
        return Err(Error::NotFound { what: "cluster" });
    }
    let by_node = services(&checklists(&tx, &family, of_job).await?);
    drop(tx);
    if by_node.is_empty() {
        return Err(Error::refused(
            "nothing_to_restart",
            "no restart of the list is open: what was restarted or confirmed is not done again",
        ));
    }
    if by_node.len() > MAX_NODES {
        return Err(too_many(format!("more than {MAX_NODES} nodes: name clusters")));
    }
    let request = Request {
        targets: Targets::Nodes(by_node.keys().copied().collect()),
        action: Action::Restart(RestartOptions {
            by_node,
            ..RestartOptions::default()
        }),
        order: wanted.order,
        override_reason: String::new(),
        aftercare_of: family.first().copied(),
        root_change: None,
    };
    plans::create(db, scope, request).await
}

fn too_many(message: String) -> Error {
    Error::field("cluster_ids", "too_many", message)
}

/// The services that are still to be restarted, by node. What phones have to trust first is restarted first.
fn services(lists: &[Checklist]) -> BTreeMap<Uuid, Vec<String>> {
    let mut by_node: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    for list in lists {
        let first = |purpose: &str| {
            let mut rows = UNSAFE_TOGETHER.iter().filter(|row| row.product == list.product);
            rows.any(|row| row.one == purpose)
        };
        let mut items: Vec<_> = list.items.iter().filter(|item| item.state == CareState::Open).collect();
        items.sort_by_key(|item| !first(&item.purpose));
        for item in items {
            let Some(service) = &item.service else { continue };
            for (node, _) in &item.nodes {
                let services = by_node.entry(*node).or_default();
                if !services.contains(service) {
                    services.push(service.clone());
                }
            }
        }
    }
    by_node
}

//! Lists of clusters with their counts. Nothing here grows with the fleet: counts of certificates are read from
//! `cluster_summary`, nodes are counted for the clusters of the page only.

use super::entity::{cluster, summary};
use super::filter::{ClusterFilter, page_of};
use super::{NodeCounts, fleet, not_found};
use crate::Permission;
use crate::db::OrgTx;
use crate::error::Result;
use crate::lists::Page;
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, QueryFilter};
use std::collections::HashMap;
use uuid::Uuid;

/// Counts of certificates of one kind in a cluster. What is neither expired nor expiring is valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub total: i64,
    /// Their end has passed.
    pub expired: i64,
    /// They end within the organisation's start days (R42).
    pub expiring: i64,
}

impl Counts {
    /// Neither expired nor expiring.
    pub fn valid(&self) -> i64 {
        self.total - self.expired - self.expiring
    }
}

/// What is the matter with a cluster, told by its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClusterStatus {
    /// The service is switched off for it (R2).
    Disabled,
    /// It has no nodes.
    Empty,
    /// All of its nodes can be worked on.
    Ok,
    /// Some of its nodes cannot be reached.
    Attention,
    /// None of its nodes can be reached.
    Unreachable,
}

impl ClusterStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Disabled,
        Self::Empty,
        Self::Ok,
        Self::Attention,
        Self::Unreachable,
    ];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Empty => "empty",
            Self::Ok => "ok",
            Self::Attention => "attention",
            Self::Unreachable => "unreachable",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    fn of(enabled: bool, nodes: &NodeCounts) -> Self {
        if !enabled {
            Self::Disabled
        } else if nodes.total == 0 {
            Self::Empty
        } else if nodes.unreachable == 0 {
            Self::Ok
        } else if nodes.unreachable < nodes.total {
            Self::Attention
        } else {
            Self::Unreachable
        }
    }
}

/// A cluster with what lists show of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterRow {
    /// The cluster.
    pub cluster: cluster::Model,
    /// Name of its group.
    pub group_name: String,
    /// Its nodes.
    pub nodes: NodeCounts,
    /// Told by its nodes.
    pub status: ClusterStatus,
    /// Identity certificates.
    pub identity: Counts,
    /// Certificates in trust stores, each store counted.
    pub trust: Counts,
}

/// Name and id of the last cluster of a page.
pub type ClusterCursor = (String, Uuid);

/// One page of the clusters in use, by name.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn list(
    tx: &OrgTx,
    filter: &ClusterFilter,
    after: Option<ClusterCursor>,
    limit: u64,
) -> Result<Page<ClusterRow, ClusterCursor>> {
    tx.scope().require(Permission::ReadFleet)?;
    let page = page_of(tx, filter, Condition::all(), after, limit).await?;
    Ok(Page {
        items: with_counts(tx, page.items).await?,
        next: page.next,
    })
}

async fn with_counts(tx: &OrgTx, clusters: Vec<cluster::Model>) -> Result<Vec<ClusterRow>> {
    let ids: Vec<Uuid> = clusters.iter().map(|cluster| cluster.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let names = super::group_names(tx, clusters.iter().map(|cluster| cluster.group_id)).await?;
    let mut summaries: HashMap<(Uuid, String), Counts> = tx
        .find::<summary::Entity>()
        .filter(summary::Column::ClusterId.is_in(ids.iter().copied()))
        .all(tx)
        .await?
        .into_iter()
        .map(|row| {
            let counts = Counts {
                total: row.total,
                expired: row.expired,
                expiring: row.expiring,
            };
            ((row.cluster_id, row.kind), counts)
        })
        .collect();
    let nodes = fleet::node_counts(tx, ids).await?;
    Ok(clusters
        .into_iter()
        .map(|cluster| {
            let nodes = nodes.get(&cluster.id).copied().unwrap_or_default();
            let mut counts = |kind: &str| summaries.remove(&(cluster.id, kind.into())).unwrap_or_default();
            let (identity, trust) = (counts("identity"), counts("trust"));
            ClusterRow {
                group_name: names.get(&cluster.group_id).cloned().unwrap_or_default(),
                status: ClusterStatus::of(cluster.enabled, &nodes),
                nodes,
                identity,
                trust,
                cluster,
            }
        })
        .collect())
}

/// One cluster in use.
///
/// # Errors
/// [`crate::Error::NotFound`]; [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn get(tx: &OrgTx, id: Uuid) -> Result<ClusterRow> {
    tx.scope().require(Permission::ReadFleet)?;
    let cluster = super::row(tx, id).await?;
    with_counts(tx, vec![cluster]).await?.pop().ok_or_else(not_found)
}

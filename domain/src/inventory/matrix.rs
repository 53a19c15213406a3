//! The matrix of compliance: clusters by rule. Read from counts, whatever the size of the fleet.

use super::compliance::{WHOLE, field_of};
use super::entity::compliance;
use crate::Permission;
use crate::clusters::entity::cluster;
use crate::clusters::{self, Cluster, ClusterFilter};
use crate::db::OrgTx;
use crate::error::Result;
use crate::lists::Page;
use crate::profiles::entity::cluster_profile;
use crate::profiles::{self, Attached, Field};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, QueryFilter};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Certificates for which the profile says something, and those of them that differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCount {
    /// Compared.
    pub compared: i64,
    /// Different.
    pub different: i64,
}

/// A cluster in the matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct ComplianceRow {
    /// The cluster.
    pub cluster: Cluster,
    /// Its profile.
    pub profile: Attached,
    /// Whole certificates.
    pub certificates: RuleCount,
    /// By rule, where the profile says something.
    pub rules: Vec<(Field, RuleCount)>,
    /// Something else is wanted since, and the counts are of before.
    pub is_due: bool,
}

/// One page of the matrix, by the name of the cluster; with `compliant` only of clusters where something differs
/// (`false`), or nothing does.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn compliance(
    tx: &OrgTx,
    filter: &ClusterFilter,
    compliant: Option<bool>,
    after: Option<(String, Uuid)>,
    limit: u64,
) -> Result<Page<ComplianceRow, (String, Uuid)>> {
    tx.scope().require(Permission::ReadFleet)?;
    use cluster::{Column, Entity};
    let mut also = Condition::all();
    if let Some(compliant) = compliant {
        let count = |column: compliance::Column| Expr::col((compliance::Entity, column));
        let different = Query::select()
            .expr(Expr::value(1))
            .from(compliance::Entity)
            .and_where(count(compliance::Column::OrgId).eq(tx.org_id()))
            .and_where(count(compliance::Column::ClusterId).equals((Entity, Column::Id)))
            .and_where(count(compliance::Column::Rule).eq(WHOLE))
            .and_where(count(compliance::Column::Different).gt(0))
            .take();
        let exists = Expr::exists(different);
        also = also.add(if compliant { exists.not() } else { exists });
    }
    let page = clusters::page_of(tx, filter, also, after, limit).await?;
    Ok(Page {
        items: with_counts(tx, page.items).await?,
        next: page.next,
    })
}

async fn with_counts(tx: &OrgTx, clusters: Vec<Cluster>) -> Result<Vec<ComplianceRow>> {
    let ids: Vec<Uuid> = clusters.iter().map(|cluster| cluster.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let attached = profiles::attached(tx, &ids).await?;
    let due: HashSet<Uuid> = tx
        .find::<cluster_profile::Entity>()
        .filter(cluster_profile::Column::ClusterId.is_in(ids.iter().copied()))
        .filter(cluster_profile::Column::DueAt.is_not_null())
        .all(tx)
        .await?
        .into_iter()
        .map(|row| row.cluster_id)
        .collect();
    let mut counts: HashMap<Uuid, Vec<compliance::Model>> = HashMap::new();
    let rows = tx
        .find::<compliance::Entity>()
        .filter(compliance::Column::ClusterId.is_in(ids.iter().copied()))
        .all(tx)
        .await?;
    for row in rows {
        counts.entry(row.cluster_id).or_default().push(row);
    }
    Ok(clusters
        .into_iter()
        .map(|cluster| {
            let mut certificates = RuleCount::default();
            let mut rules = Vec::new();
            for row in counts.remove(&cluster.id).unwrap_or_default() {
                let count = RuleCount {
                    compared: row.compared,
                    different: row.different,
                };
                match field_of(&row.rule) {
                    Some(field) => rules.push((field, count)),
                    None if row.rule == WHOLE => certificates = count,
                    // Told with the cluster itself: no profile wants it.
                    None => {}
                }
            }
            rules.sort_unstable_by_key(|(field, _)| *field);
            ComplianceRow {
                profile: attached.of(cluster.id).clone(),
                is_due: due.contains(&cluster.id),
                certificates,
                rules,
                cluster,
            }
        })
        .collect())
}

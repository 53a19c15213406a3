//! Who holds a certificate (R29): the clusters, with how often each has it.

use super::diff::kind_name;
use super::entity::installation::{Column, Entity};
use crate::Permission;
use crate::certificates;
use crate::clusters::{self, Cluster, ClusterFilter};
use crate::db::OrgTx;
use crate::error::Result;
use crate::lists::Page;
use certyard_protocol::StoreKind;
use sea_orm::sea_query::{CaseStatement, Condition, Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// A cluster that holds a certificate.
#[derive(Clone, Debug, PartialEq)]
pub struct Holder {
    /// The cluster.
    pub cluster: Cluster,
    /// Nodes that hold it.
    pub nodes: i64,
    /// Places that hold it as an identity certificate.
    pub identity: i64,
    /// Trust stores that hold it, those of each node counted.
    pub trust: i64,
    /// Names of the stores, sorted.
    pub stores: Vec<String>,
}

fn col(column: Column) -> Expr {
    Expr::col((Entity, column))
}

/// One page of the clusters that hold a certificate, by name; with `kind` in that kind of store only.
///
/// # Errors
/// [`crate::Error::NotFound`] for the certificate; [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn holders(
    tx: &OrgTx,
    certificate_id: Uuid,
    kind: Option<StoreKind>,
    after: Option<(String, Uuid)>,
    limit: u64,
) -> Result<Page<Holder, (String, Uuid)>> {
    tx.scope().require(Permission::ReadFleet)?;
    let certificate = certificates::get(tx, certificate_id).await?;
    let kinds = match kind {
        Some(kind) => vec![kind_name(kind)],
        None => vec![kind_name(StoreKind::Identity), kind_name(StoreKind::Trust)],
    };
    // The end stands here as the index of a cluster's installations is by kind and end: one look for each cluster.
    let held = || {
        Condition::all()
            .add(col(Column::OrgId).eq(tx.org_id()))
            .add(col(Column::CertificateId).eq(certificate_id))
            .add(col(Column::NotAfter).eq(certificate.not_after))
            .add(col(Column::Kind).is_in(kinds.iter().copied()))
            .add(col(Column::GoneAt).is_null())
    };
    let here = Query::select()
        .expr(Expr::value(1))
        .from(Entity)
        .cond_where(held())
        .and_where(col(Column::ClusterId).equals(("cluster", "id")))
        .take();
    let holding = Condition::all().add(Expr::exists(here));
    let page = clusters::page_of(tx, &ClusterFilter::default(), holding, after, limit).await?;
    let ids: Vec<Uuid> = page.items.iter().map(|cluster| cluster.id).collect();
    let mut counts = if ids.is_empty() {
        HashMap::new()
    } else {
        counts(tx, &ids, held()).await?
    };
    let mut stores: HashMap<Uuid, BTreeSet<String>> = HashMap::new();
    let named: Vec<(Uuid, String)> = tx
        .find::<Entity>()
        .select_only()
        .columns([Column::ClusterId, Column::Store])
        .distinct()
        .filter(Column::ClusterId.is_in(ids))
        .filter(held())
        .into_tuple()
        .all(tx)
        .await?;
    for (cluster, store) in named {
        stores.entry(cluster).or_default().insert(store);
    }
    let holder = |cluster: Cluster| {
        let (nodes, identity, trust) = counts.remove(&cluster.id).unwrap_or_default();
        Holder {
            stores: stores.remove(&cluster.id).unwrap_or_default().into_iter().collect(),
            nodes,
            identity,
            trust,
            cluster,
        }
    };
    Ok(Page {
        items: page.items.into_iter().map(holder).collect(),
        next: page.next,
    })
}

/// Nodes, identity and trust places of each cluster.
async fn counts(tx: &OrgTx, clusters: &[Uuid], held: Condition) -> Result<HashMap<Uuid, (i64, i64, i64)>> {
    let sum = |kind: StoreKind| {
        let one: CaseStatement = CaseStatement::new()
            .case(col(Column::Kind).eq(kind_name(kind)), 1)
            .finally(0);
        Func::cast_as(Func::sum(one), "bigint")
    };
    let select: SelectStatement = Query::select()
        .column((Entity, Column::ClusterId))
        .expr_as(Func::count_distinct(col(Column::NodeId)), "nodes")
        .expr_as(sum(StoreKind::Identity), "identity_places")
        .expr_as(sum(StoreKind::Trust), "trust_places")
        .from(Entity)
        .cond_where(held)
        .and_where(col(Column::ClusterId).is_in(clusters.iter().copied()))
        .group_by_col((Entity, Column::ClusterId))
        .take();
    let mut found = HashMap::new();
    for row in tx.query_all(&select).await? {
        let counts = (
            row.try_get("", "nodes")?,
            row.try_get("", "identity_places")?,
            row.try_get("", "trust_places")?,
        );
        found.insert(row.try_get("", "cluster_id")?, counts);
    }
    Ok(found)
}

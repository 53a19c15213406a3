//! Certificates that were taken from trust stores: each is kept with who took it, when and from where, until it is put back.

use super::apply::Cause;
use super::diff::Change;
use super::entity::{installation, quarantine};
use super::parse::Parsed;
use crate::certificates::{self, Certificate};
use crate::clusters::{self, Cluster};
use crate::db::{OrgTx, dialect};
use crate::error::Result;
use crate::ids::new_id;
use crate::lists::{Page, contains, fetch, page, typed};
use crate::nodes::{self, Node};
use crate::{Permission, Timestamp};
use certyard_protocol::StoreKind;
use sea_orm::sea_query::{Condition, Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use std::collections::HashSet;
use uuid::Uuid;

const COLUMNS: usize = 16;

/// A certificate that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptRow {
    /// Where it was, who took it, and whether it is back.
    pub kept: quarantine::Model,
    /// The certificate.
    pub certificate: Certificate,
    /// Name of the node.
    pub node_name: String,
    /// Its role.
    pub node_role: String,
    /// Name of the cluster.
    pub cluster_name: String,
    /// Version of its product.
    pub cluster_version: String,
    /// Certificate management is switched on for it (R2).
    pub cluster_enabled: bool,
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct KeptFilter {
    /// Only what was put back (`true`), or only what was not.
    pub restored: Option<bool>,
    /// Of any of these clusters; empty: all.
    pub clusters: Vec<Uuid>,
    /// Of clusters of any of these groups; empty: all.
    pub groups: Vec<Uuid>,
    /// Only of this node.
    pub node_id: Option<Uuid>,
    /// Only this certificate.
    pub certificate_id: Option<Uuid>,
    /// Only what this job took.
    pub job_id: Option<Uuid>,
    /// From any of these stores; empty: all.
    pub stores: Vec<String>,
    /// Part of the common name, or the whole SHA-256.
    pub search: Option<String>,
}

/// One page of what is kept, what was taken last first, after the key `(removed_at, id)`.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn kept(
    tx: &OrgTx,
    filter: &KeptFilter,
    after: Option<(Timestamp, Uuid)>,
    limit: u64,
) -> Result<Page<KeptRow, (Timestamp, Uuid)>> {
    tx.scope().require(Permission::ReadFleet)?;
    use quarantine::{Column, Entity};
    let mut rows = tx.find::<Entity>();
    rows = match filter.restored {
        Some(true) => rows.filter(Column::RestoredAt.is_not_null()),
        Some(false) => rows.filter(Column::RestoredAt.is_null()),
        None => rows,
    };
    if !filter.clusters.is_empty() {
        rows = rows.filter(Column::ClusterId.is_in(filter.clusters.iter().copied()));
    }
    if !filter.groups.is_empty() {
        rows = rows.filter(Column::ClusterId.in_subquery(clusters::of_groups(tx.org_id(), &filter.groups)));
    }
    if let Some(node) = filter.node_id {
        rows = rows.filter(Column::NodeId.eq(node));
    }
    if let Some(certificate) = filter.certificate_id {
        rows = rows.filter(Column::CertificateId.eq(certificate));
    }
    if let Some(job) = filter.job_id {
        rows = rows.filter(Column::JobId.eq(job));
    }
    if !filter.stores.is_empty() {
        rows = rows.filter(Column::Store.is_in(filter.stores.iter().map(String::as_str)));
    }
    if let Some(text) = typed(filter.search.as_deref()) {
        rows = rows.filter(
            Condition::any()
                .add(contains(Expr::col((Entity, Column::CommonName)), &text))
                .add(Column::Sha256.eq(text.to_lowercase())),
        );
    }
    if let Some((at, id)) = after {
        let key = Expr::tuple([Expr::col((Entity, Column::RemovedAt)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(key.lt(Expr::tuple([Expr::value(at), Expr::value(id)])));
    }
    let rows = rows
        .order_by_desc(Column::RemovedAt)
        .order_by_desc(Column::Id)
        .limit(fetch(limit))
        .all(tx)
        .await?;
    let page = page(rows, limit, |row| (row.removed_at, row.id));
    Ok(Page {
        items: with_names(tx, page.items).await?,
        next: page.next,
    })
}

async fn with_names(tx: &OrgTx, rows: Vec<quarantine::Model>) -> Result<Vec<KeptRow>> {
    let nodes = nodes::by_ids(tx, rows.iter().map(|row| row.node_id)).await?;
    let clusters = clusters::by_ids(tx, rows.iter().map(|row| row.cluster_id)).await?;
    let certificates = certificates::by_ids(tx, rows.iter().map(|row| row.certificate_id)).await?;
    let named = rows.into_iter().filter_map(|kept| {
        let node = nodes.get(&kept.node_id)?;
        let cluster = clusters.get(&kept.cluster_id)?;
        Some(KeptRow {
            certificate: certificates.get(&kept.certificate_id)?.clone(),
            node_name: node.name.clone(),
            node_role: node.role.clone(),
            cluster_name: cluster.name.clone(),
            cluster_version: cluster.product_version.clone(),
            cluster_enabled: cluster.enabled,
            kept,
        })
    });
    Ok(named.collect())
}

/// Keeps what has left the trust stores of a node, and closes what is back. The cluster is locked.
pub(super) async fn settle(
    tx: &OrgTx,
    node: &Node,
    cluster: &Cluster,
    cause: &Cause,
    changes: &[Change<'_>],
    present: &Present<'_>,
) -> Result<()> {
    let trust = |old: &installation::Model| old.kind == "trust" && old.gone_at.is_none();
    let mut left: Vec<&installation::Model> = Vec::new();
    let mut came = false;
    for change in changes {
        match change {
            Change::Remove { old } if trust(old) => left.push(old),
            Change::Replace {
                old,
                entry,
                certificate_id,
            } => {
                came |= entry.kind == StoreKind::Trust;
                if trust(old) && old.certificate_id != *certificate_id {
                    left.push(old);
                }
            }
            Change::Insert { entry, .. } => came |= entry.kind == StoreKind::Trust,
            Change::Remove { .. } | Change::Serve { .. } => {}
        }
    }
    // Under another name it is there still.
    left.retain(|old| !present.holds(&old.store, old.certificate_id));
    if came {
        close(tx, node.id, cause, present).await?;
    }
    let mut seen = HashSet::new();
    let rows: Vec<quarantine::ActiveModel> = left
        .into_iter()
        .filter(|old| seen.insert((old.store.as_str(), old.certificate_id)))
        .map(|old| quarantine::ActiveModel {
            org_id: Set(tx.org_id()),
            id: Set(new_id()),
            certificate_id: Set(old.certificate_id),
            node_id: Set(node.id),
            cluster_id: Set(cluster.id),
            product: Set(cluster.product.clone()),
            store: Set(old.store.clone()),
            entry: Set(old.entry.clone()),
            sha256: Set(old.sha256.clone()),
            common_name: Set(old.common_name.clone()),
            removed_at: Set(tx.now()),
            job_id: Set(cause.job_id),
            by_name: Set(cause.actor_name.clone()),
            restored_at: Set(None),
            restored_job_id: Set(None),
            restored_by_name: Set(None),
        })
        .collect();
    for chunk in rows.chunks(dialect::rows_per_insert(COLUMNS)) {
        quarantine::Entity::insert_many(chunk.iter().cloned())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// What the trust stores of a node hold after a reading.
pub(super) struct Present<'a>(HashSet<(&'a str, Uuid)>);

impl<'a> Present<'a> {
    /// A reading of all stores names all; one of changes leaves what it does not name as it was.
    pub fn of(known: &'a [installation::Model], parsed: &'a Parsed, ids: &[Uuid], changes: &[Change<'_>]) -> Self {
        let read = parsed.entries.iter().zip(ids);
        let read = read.filter(|(entry, _)| entry.kind == StoreKind::Trust);
        let mut all: HashSet<(&str, Uuid)> = read.map(|(entry, id)| (entry.store.as_str(), *id)).collect();
        let gone: HashSet<Uuid> = changes
            .iter()
            .filter_map(|change| match change {
                Change::Remove { old } | Change::Replace { old, .. } => Some(old.id),
                Change::Insert { .. } | Change::Serve { .. } => None,
            })
            .collect();
        let stay = known
            .iter()
            .filter(|old| old.kind == "trust" && old.gone_at.is_none() && !gone.contains(&old.id));
        all.extend(stay.map(|old| (old.store.as_str(), old.certificate_id)));
        Self(all)
    }

    fn holds(&self, store: &str, certificate: Uuid) -> bool {
        self.0.contains(&(store, certificate))
    }
}

async fn close(tx: &OrgTx, node: Uuid, cause: &Cause, present: &Present<'_>) -> Result<()> {
    use quarantine::{Column, Entity};
    let open: Vec<(Uuid, String, Uuid)> = tx
        .find::<Entity>()
        .select_only()
        .columns([Column::Id, Column::Store, Column::CertificateId])
        .filter(Column::NodeId.eq(node))
        .filter(Column::RestoredAt.is_null())
        .into_tuple()
        .all(tx)
        .await?;
    let back: Vec<Uuid> = open
        .into_iter()
        .filter(|(_, store, certificate)| present.holds(store, *certificate))
        .map(|(id, ..)| id)
        .collect();
    for chunk in back.chunks(dialect::MAX_BINDS / 2) {
        tx.update_many::<Entity>()
            .col_expr(Column::RestoredAt, Expr::value(tx.now()))
            .col_expr(Column::RestoredJobId, Expr::value(cause.job_id))
            .col_expr(Column::RestoredByName, Expr::value(cause.actor_name.clone()))
            .filter(Column::Id.is_in(chunk.iter().copied()))
            .exec(tx)
            .await?;
    }
    Ok(())
}

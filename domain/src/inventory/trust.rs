//! The trust tab of a cluster (R29): one row for each certificate, whatever the number of stores and nodes that hold it.

use super::counts;
use super::entity::installation::{Column, Entity};
use super::list::ExpiryStatus;
use crate::certificates::{self, Certificate, search};
use crate::clusters;
use crate::db::OrgTx;
use crate::error::Result;
use crate::lists::{Page, fetch, page, typed};
use crate::{Permission, Timestamp};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, Order, QueryFilter, QuerySelect};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// A certificate in trust stores of a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustRow {
    /// The certificate.
    pub certificate: Certificate,
    /// Names of the stores that hold it, sorted.
    pub stores: Vec<String>,
    /// Nodes that hold it.
    pub nodes: i64,
    /// Places that hold it.
    pub installations: i64,
    /// How near its end it is.
    pub status: ExpiryStatus,
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct TrustFilter {
    /// Part of the common name or of an alternative name; or the begin of the serial number or SHA-256.
    pub search: Option<String>,
    /// In any of these stores; empty: all.
    pub stores: Vec<String>,
    /// Any of these; empty: all.
    pub statuses: Vec<ExpiryStatus>,
}

fn col(column: Column) -> Expr {
    Expr::col((Entity, column))
}

/// One page of the certificates in trust stores of a cluster, those that end first first.
///
/// # Errors
/// [`crate::Error::NotFound`] for the cluster; [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn trust(
    tx: &OrgTx,
    cluster_id: Uuid,
    filter: &TrustFilter,
    after: Option<(Timestamp, Uuid)>,
    limit: u64,
) -> Result<Page<TrustRow, (Timestamp, Uuid)>> {
    tx.scope().require(Permission::ReadFleet)?;
    clusters::row(tx, cluster_id).await?;
    let start = counts::start(tx).await?;
    let mut select: SelectStatement = Query::select()
        .column((Entity, Column::CertificateId))
        .column((Entity, Column::NotAfter))
        .expr_as(Func::count(col(Column::Id)), Alias::new("installations"))
        .expr_as(Func::count_distinct(col(Column::NodeId)), Alias::new("nodes"))
        .from(Entity)
        .and_where(col(Column::OrgId).eq(tx.org_id()))
        .and_where(col(Column::ClusterId).eq(cluster_id))
        .and_where(col(Column::Kind).eq("trust"))
        .and_where(col(Column::GoneAt).is_null())
        .group_by_columns([(Entity, Column::CertificateId), (Entity, Column::NotAfter)])
        .order_by((Entity, Column::NotAfter), Order::Asc)
        .order_by((Entity, Column::CertificateId), Order::Asc)
        .limit(fetch(limit))
        .take();
    if !filter.stores.is_empty() {
        select.and_where(col(Column::Store).is_in(filter.stores.iter().map(String::as_str)));
    }
    select.cond_where(ExpiryStatus::any(
        &filter.statuses,
        &col(Column::NotAfter),
        tx.now(),
        start,
    ));
    if let Some(text) = typed(filter.search.as_deref()) {
        let columns = search::Columns {
            id: col(Column::CertificateId),
            common_name: col(Column::CommonName),
            serial_hex: col(Column::SerialHex),
            sha256: col(Column::Sha256),
        };
        select.cond_where(search::fits(tx.org_id(), columns, &text));
    }
    if let Some((not_after, id)) = after {
        let row = Expr::tuple([col(Column::NotAfter), col(Column::CertificateId)]);
        select.and_where(row.gt(Expr::tuple([Expr::value(not_after), Expr::value(id)])));
    }
    let mut found: Vec<(Uuid, Timestamp, i64, i64)> = Vec::new();
    for row in tx.query_all(&select).await? {
        found.push((
            row.try_get("", "certificate_id")?,
            row.try_get("", "not_after")?,
            row.try_get("", "installations")?,
            row.try_get("", "nodes")?,
        ));
    }
    let page = page(found, limit, |(id, not_after, ..)| (*not_after, *id));
    let ids: Vec<Uuid> = page.items.iter().map(|(id, ..)| *id).collect();
    let mut stores = stores_of(tx, cluster_id, &ids).await?;
    let mut rows = certificates::by_ids(tx, ids).await?;
    Ok(Page {
        items: page
            .items
            .into_iter()
            .filter_map(|(id, not_after, installations, nodes)| {
                Some(TrustRow {
                    certificate: rows.remove(&id)?,
                    stores: stores.remove(&id).unwrap_or_default().into_iter().collect(),
                    nodes,
                    installations,
                    status: ExpiryStatus::of(not_after, tx.now(), start),
                })
            })
            .collect(),
        next: page.next,
    })
}

async fn stores_of(tx: &OrgTx, cluster_id: Uuid, certificates: &[Uuid]) -> Result<HashMap<Uuid, BTreeSet<String>>> {
    let rows: Vec<(Uuid, String)> = tx
        .find::<Entity>()
        .select_only()
        .columns([Column::CertificateId, Column::Store])
        .distinct()
        .filter(Column::ClusterId.eq(cluster_id))
        .filter(Column::CertificateId.is_in(certificates.iter().copied()))
        .filter(Column::Kind.eq("trust"))
        .filter(Column::GoneAt.is_null())
        .into_tuple()
        .all(tx)
        .await?;
    let mut stores: HashMap<Uuid, BTreeSet<String>> = HashMap::new();
    for (certificate, store) in rows {
        stores.entry(certificate).or_default().insert(store);
    }
    Ok(stores)
}

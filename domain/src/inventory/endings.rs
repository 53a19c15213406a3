//! What ends soon: how many by product for gauges, and each by itself for calendars.

use super::entity::installation::{Column, Entity};
use super::list::{InstallationFilter, filtered};
use crate::certificates;
use crate::clusters;
use crate::db::OrgTx;
use crate::error::Result;
use crate::{Permission, Timestamp};
use certyard_protocol::StoreKind;
use chrono::TimeDelta;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait};
use sea_orm::{QueryOrder, QuerySelect};
use uuid::Uuid;

/// Certificates of a product that end within some windows, each place counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndsWithin {
    /// Product, as in the catalogue.
    pub product: String,
    /// `identity` or `trust`.
    pub kind: String,
    /// How many end within each window, from the shortest to the longest; a longer one counts what shorter ones do.
    pub counts: [i64; 3],
    /// The next end.
    pub next: Timestamp,
}

/// Counts what ends from now on within `days`, by product and kind.
pub(crate) async fn ends_within(tx: &OrgTx, days: [i64; 3]) -> Result<Vec<EndsWithin>> {
    let now = tx.now();
    let [first, second, last] = days.map(|days| now + TimeDelta::days(days));
    let filter = InstallationFilter {
        not_after_from: Some(now + TimeDelta::microseconds(1)),
        not_after_until: Some(last),
        ..InstallationFilter::default()
    };
    let not_after = || Expr::col((Entity, Column::NotAfter));
    let before = |end: Timestamp| {
        let one = CaseStatement::new().case(not_after().lt(end), 1).finally(0);
        Expr::expr(one).sum().cast_as("bigint")
    };
    let rows: Vec<(String, String, i64, i64, i64, Timestamp)> = filtered(tx, &filter)
        .await?
        .select_only()
        .column(Column::Product)
        .column(Column::Kind)
        .column_as(before(first), "in_first")
        .column_as(before(second), "in_second")
        .column_as(before(last), "in_last")
        .column_as(not_after().min(), "next_end")
        .group_by(Column::Product)
        .group_by(Column::Kind)
        .order_by_asc(Column::Product)
        .order_by_asc(Column::Kind)
        .into_tuple()
        .all(tx)
        .await?;
    let counted = |(product, kind, first, second, last, next)| EndsWithin {
        product,
        kind,
        counts: [first, second, last],
        next,
    };
    Ok(rows.into_iter().map(counted).collect())
}

/// The end of a certificate in a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The certificate.
    pub certificate_id: Uuid,
    /// Its common name.
    pub common_name: String,
    /// Its serial number.
    pub serial_hex: String,
    /// Its end.
    pub not_after: Timestamp,
    /// The cluster.
    pub cluster_id: Uuid,
    /// Name of the cluster.
    pub cluster: String,
    /// Purpose of an identity certificate, or the trust store: one of them where there are several.
    pub store: String,
    /// Nodes of the cluster that have it.
    pub nodes: i64,
}

/// The ends between two times, the soonest first, at most `limit`: each certificate once for each cluster that holds it.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn endings(
    tx: &OrgTx,
    include_trust: bool,
    from: Timestamp,
    until: Timestamp,
    limit: u64,
) -> Result<Vec<Ending>> {
    tx.scope().require(Permission::ReadFleet)?;
    let filter = InstallationFilter {
        kind: (!include_trust).then_some(StoreKind::Identity),
        not_after_from: Some(from),
        not_after_until: Some(until),
        ..InstallationFilter::default()
    };
    let of = |column: Column| Expr::col((Entity, column));
    let rows: Vec<(Uuid, Uuid, Timestamp, String, String, i64)> = filtered(tx, &filter)
        .await?
        .select_only()
        .column(Column::CertificateId)
        .column(Column::ClusterId)
        .column(Column::NotAfter)
        .column_as(of(Column::CommonName).min(), "name")
        .column_as(of(Column::Store).min(), "one_store")
        .column_as(of(Column::NodeId).count_distinct(), "nodes")
        .group_by(Column::CertificateId)
        .group_by(Column::ClusterId)
        .group_by(Column::NotAfter)
        .order_by_asc(Column::NotAfter)
        .order_by_asc(Column::CertificateId)
        .order_by_asc(Column::ClusterId)
        .limit(limit)
        .into_tuple()
        .all(tx)
        .await?;
    let certificates = certificates::by_ids(tx, rows.iter().map(|row| row.0)).await?;
    let clusters = clusters::by_ids(tx, rows.iter().map(|row| row.1)).await?;
    let ending =
        |(certificate_id, cluster_id, not_after, common_name, store, nodes): (Uuid, Uuid, _, _, _, _)| Ending {
            certificate_id,
            common_name,
            serial_hex: certificates
                .get(&certificate_id)
                .map(|found| found.serial_hex.clone())
                .unwrap_or_default(),
            not_after,
            cluster_id,
            cluster: clusters
                .get(&cluster_id)
                .map(|found| found.name.clone())
                .unwrap_or_default(),
            store,
            nodes,
        };
    Ok(rows.into_iter().map(ending).collect())
}

//! Lists of installations, and what became of one.

use super::counts;
use super::entity::{history, installation};
use super::rows::{self, InstallationRow};
use crate::certificates;
use crate::certificates::search::{self, Found};
use crate::clusters;
use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::lists::{Page, fetch, page, typed};
use crate::{Permission, Timestamp};
use certyard_protocol::StoreKind;
use chrono::TimeDelta;
use sea_orm::sea_query::{Condition, Expr, ExprTrait};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// How near its end a certificate is (R42): expired when its end has passed, expiring when it ends within the
/// organisation's start days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExpiryStatus {
    /// Its end has passed.
    Expired,
    /// It ends within the start days.
    Expiring,
    /// Neither.
    Valid,
}

impl ExpiryStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Expired, Self::Expiring, Self::Valid];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Expiring => "expiring",
            Self::Valid => "valid",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// The status of a certificate with this end.
    pub fn of(not_after: Timestamp, now: Timestamp, start: TimeDelta) -> Self {
        if not_after <= now {
            Self::Expired
        } else if not_after <= now + start {
            Self::Expiring
        } else {
            Self::Valid
        }
    }

    /// Rows whose end has any of these; empty: all. Neighbours are one range, which an index by the end serves, and not two
    /// with an OR between them, which none does.
    pub(super) fn any(statuses: &[Self], not_after: &Expr, now: Timestamp, start: TimeDelta) -> Condition {
        let has = |status| statuses.contains(&status);
        let end = || not_after.clone();
        let horizon = now + start;
        match (has(Self::Expired), has(Self::Expiring), has(Self::Valid)) {
            (false, false, false) | (true, true, true) => Condition::all(),
            (true, true, false) => Condition::all().add(end().lte(horizon)),
            (false, true, true) => Condition::all().add(end().gt(now)),
            (true, false, false) => Condition::all().add(end().lte(now)),
            (false, true, false) => Condition::all().add(end().gt(now)).add(end().lte(horizon)),
            (false, false, true) => Condition::all().add(end().gt(horizon)),
            (true, false, true) => Condition::any().add(end().lte(now)).add(end().gt(horizon)),
        }
    }
}

/// What a list is sorted by; the id decides between equals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// What ends first first.
    #[default]
    NotAfter,
    /// By common name.
    CommonName,
}

/// Key of the last row of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstallationCursor {
    /// Of a list by end.
    NotAfter(Timestamp, Uuid),
    /// Of a list by common name.
    CommonName(String, Uuid),
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct InstallationFilter {
    /// Of any of these clusters; empty: all.
    pub clusters: Vec<Uuid>,
    /// Of clusters of any of these groups; empty: all.
    pub groups: Vec<Uuid>,
    /// Only of this node.
    pub node_id: Option<Uuid>,
    /// Only of this certificate.
    pub certificate_id: Option<Uuid>,
    /// Only identity, or only trust.
    pub kind: Option<StoreKind>,
    /// Any of these products; empty: all.
    pub products: Vec<String>,
    /// Any of these stores, for identity the purposes; empty: all.
    pub stores: Vec<String>,
    /// Any of these; empty: all.
    pub statuses: Vec<ExpiryStatus>,
    /// Ends at this time or later.
    pub not_after_from: Option<Timestamp>,
    /// Ends before this time.
    pub not_after_until: Option<Timestamp>,
    /// Only identity certificates that differ from their profile (`false`), or that do not.
    pub compliant: Option<bool>,
    /// Part of the common name, of an alternative name or of the name of the node; or the begin of the serial number or
    /// SHA-256.
    pub search: Option<String>,
}

/// Rows that a filter leaves, for lists and plans. What is gone is left out.
///
/// # Errors
/// The database is busy or away.
pub(crate) async fn filtered(tx: &OrgTx, filter: &InstallationFilter) -> Result<sea_orm::Select<installation::Entity>> {
    use installation::{Column, Entity};
    let mut rows = tx.find::<Entity>().filter(Column::GoneAt.is_null());
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
    if let Some(kind) = filter.kind {
        rows = rows.filter(Column::Kind.eq(super::diff::kind_name(kind)));
    }
    if !filter.products.is_empty() {
        rows = rows.filter(Column::Product.is_in(filter.products.iter().map(String::as_str)));
    }
    if !filter.stores.is_empty() {
        rows = rows.filter(Column::Store.is_in(filter.stores.iter().map(String::as_str)));
    }
    if !filter.statuses.is_empty() {
        let not_after = Expr::col((Entity, Column::NotAfter));
        let start = counts::start(tx).await?;
        rows = rows.filter(ExpiryStatus::any(&filter.statuses, &not_after, tx.now(), start));
    }
    if let Some(from) = filter.not_after_from {
        rows = rows.filter(Column::NotAfter.gte(from));
    }
    if let Some(until) = filter.not_after_until {
        rows = rows.filter(Column::NotAfter.lt(until));
    }
    if let Some(compliant) = filter.compliant {
        let different = Column::DifferenceCount;
        rows = rows.filter(Column::Kind.eq("identity")).filter(if compliant {
            different.is_null()
        } else {
            different.is_not_null()
        });
    }
    if let Some(text) = typed(filter.search.as_deref()) {
        rows = rows.filter(searched(tx, filter, &text).await?);
    }
    Ok(rows)
}

/// Rows that fit what was typed: see [`certificates::search`].
async fn searched(tx: &OrgTx, filter: &InstallationFilter, text: &str) -> Result<Condition> {
    use installation::{Column, Entity};
    let bounded = !filter.clusters.is_empty() || filter.node_id.is_some() || filter.certificate_id.is_some();
    if !bounded && let Found::Few { certificates, nodes } = search::look_up(tx, text).await? {
        return Ok(Condition::any()
            .add(Column::CertificateId.is_in(certificates))
            .add(Column::NodeId.is_in(nodes)));
    }
    let column = |column| Expr::col((Entity, column));
    let columns = search::Columns {
        id: column(Column::CertificateId),
        common_name: column(Column::CommonName),
        serial_hex: column(Column::SerialHex),
        sha256: column(Column::Sha256),
    };
    Ok(Condition::any()
        .add(search::fits(tx.org_id(), columns, text))
        .add(Column::NodeId.in_subquery(search::nodes_named(tx.org_id(), text))))
}

/// One page of installations.
///
/// # Errors
/// [`Error::Invalid`] on `cursor` for the cursor of another sorting; [`Error::Forbidden`] without
/// [`Permission::ReadFleet`].
pub async fn installations(
    tx: &OrgTx,
    filter: &InstallationFilter,
    sort: Sort,
    after: Option<InstallationCursor>,
    limit: u64,
) -> Result<Page<InstallationRow, InstallationCursor>> {
    tx.scope().require(Permission::ReadFleet)?;
    use installation::{Column, Entity};
    let mut rows = filtered(tx, filter).await?;
    let column = |column| Expr::col((Entity, column));
    rows = match (sort, after) {
        (_, None) => rows,
        (Sort::NotAfter, Some(InstallationCursor::NotAfter(not_after, id))) => {
            let row = Expr::tuple([column(Column::NotAfter), column(Column::Id)]);
            rows.filter(row.gt(Expr::tuple([Expr::value(not_after), Expr::value(id)])))
        }
        (Sort::CommonName, Some(InstallationCursor::CommonName(name, id))) => {
            let row = Expr::tuple([column(Column::CommonName), column(Column::Id)]);
            rows.filter(row.gt(Expr::tuple([Expr::value(name), Expr::value(id)])))
        }
        (Sort::NotAfter, Some(InstallationCursor::CommonName(..)))
        | (Sort::CommonName, Some(InstallationCursor::NotAfter(..))) => {
            return Err(Error::field(
                "cursor",
                "other_sort",
                "belongs to a list with another sorting",
            ));
        }
    };
    let by = match sort {
        Sort::NotAfter => Column::NotAfter,
        Sort::CommonName => Column::CommonName,
    };
    let rows = rows.order_by_asc(by).order_by_asc(Column::Id).limit(fetch(limit));
    let page = page(
        rows::read(tx, rows, &[by, Column::Id]).await?,
        limit,
        |row| match sort {
            Sort::NotAfter => InstallationCursor::NotAfter(row.installation.not_after, row.installation.id),
            Sort::CommonName => {
                InstallationCursor::CommonName(row.installation.common_name.clone(), row.installation.id)
            }
        },
    );
    Ok(page)
}

fn not_found() -> Error {
    Error::NotFound { what: "installation" }
}

/// One installation, gone ones too.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn get(tx: &OrgTx, id: Uuid) -> Result<InstallationRow> {
    tx.scope().require(Permission::ReadFleet)?;
    let row = tx
        .find::<installation::Entity>()
        .filter(installation::Column::Id.eq(id));
    rows::read(tx, row, &[]).await?.pop().ok_or_else(not_found)
}

/// One page of what became of an installation, newest first.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn history(
    tx: &OrgTx,
    installation_id: Uuid,
    after: Option<(Timestamp, Uuid)>,
    limit: u64,
) -> Result<Page<history::Model, (Timestamp, Uuid)>> {
    tx.scope().require(Permission::ReadFleet)?;
    let seen = tx
        .find::<installation::Entity>()
        .filter(installation::Column::Id.eq(installation_id))
        .one(tx)
        .await?;
    if seen.is_none() {
        return Err(not_found());
    }
    told(tx, &[installation_id], after, limit).await
}

/// Places of a certificate whose past is told: one in 10,000 trust stores has the same past in all of them.
const PLACES_TOLD: u64 = 50;

/// One page of what became of the first 50 places that hold a certificate, newest first: also what was there before it.
///
/// # Errors
/// [`Error::NotFound`] where the scope sees no such certificate; [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn certificate_history(
    tx: &OrgTx,
    certificate_id: Uuid,
    after: Option<(Timestamp, Uuid)>,
    limit: u64,
) -> Result<Page<history::Model, (Timestamp, Uuid)>> {
    certificates::get(tx, certificate_id).await?;
    let places: Vec<Uuid> = tx
        .find::<installation::Entity>()
        .filter(installation::Column::CertificateId.eq(certificate_id))
        .order_by_asc(installation::Column::Id)
        .limit(PLACES_TOLD)
        .all(tx)
        .await?
        .into_iter()
        .map(|row| row.id)
        .collect();
    told(tx, &places, after, limit).await
}

async fn told(
    tx: &OrgTx,
    installations: &[Uuid],
    after: Option<(Timestamp, Uuid)>,
    limit: u64,
) -> Result<Page<history::Model, (Timestamp, Uuid)>> {
    use history::{Column, Entity};
    let mut rows = tx
        .find::<Entity>()
        .filter(Column::InstallationId.is_in(installations.iter().copied()));
    if let Some((at, id)) = after {
        let row = Expr::tuple([Expr::col((Entity, Column::At)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(row.lt(Expr::tuple([Expr::value(at), Expr::value(id)])));
    }
    let rows = rows
        .order_by_desc(Column::At)
        .order_by_desc(Column::Id)
        .limit(fetch(limit))
        .all(tx)
        .await?;
    Ok(page(rows, limit, |row| (row.at, row.id)))
}

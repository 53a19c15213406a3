//! Lists of installations.

use super::{Installation, StoreKind, add_acknowledgements, installation};
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::list::{self, List, turn};
use crate::page::{self, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get};
use certyard_domain::inventory::{self, ExpiryStatus, InstallationCursor};
use certyard_domain::{OrgTx, Timestamp};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Order of installations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    /// By end, soonest first.
    #[default]
    NotAfter,
    /// By common name.
    CommonName,
}

/// Which installations by how near their end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StatusFilter {
    /// The end has passed.
    Expired,
    /// `critical`, `warning` or `notice`.
    Expiring,
    /// Later.
    Valid,
}

impl StatusFilter {
    /// As the domain asks.
    pub(crate) fn wanted(self) -> ExpiryStatus {
        match self {
            Self::Expired => ExpiryStatus::Expired,
            Self::Expiring => ExpiryStatus::Expiring,
            Self::Valid => ExpiryStatus::Valid,
        }
    }
}

/// Which installations.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListInstallations {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Of any of these clusters; repeat it for more than one.
    #[serde(default)]
    pub cluster_id: Vec<Uuid>,
    /// Of clusters of any of these groups; repeat it for more than one.
    #[serde(default)]
    pub group: Vec<Uuid>,
    /// Only this node.
    pub node_id: Option<Uuid>,
    /// Only this certificate.
    pub certificate_id: Option<Uuid>,
    /// Only identity or only trust.
    #[param(inline)]
    pub kind: Option<StoreKind>,
    /// Any of these products; repeat it for more than one.
    #[serde(default)]
    pub product: Vec<String>,
    /// In any of these stores, which are called like the purpose for identity certificates; repeat it for more than one.
    #[serde(default, alias = "purpose", alias = "certificate")]
    pub store: Vec<String>,
    /// Part of a name of the certificate or of its node, or the begin of its serial number or SHA-256.
    pub search: Option<String>,
    /// Only what ends at this time or later.
    pub not_after_from: Option<DateTime<Utc>>,
    /// Only what ends before.
    pub not_after_until: Option<DateTime<Utc>>,
    /// Only identity certificates that differ from their profile (`false`), or that do not.
    pub compliant: Option<bool>,
    /// Any of these; repeat it for more than one.
    #[param(inline)]
    #[serde(default)]
    pub status: Vec<StatusFilter>,
    /// Order; left out: by end.
    #[param(inline)]
    pub sort: Option<Sort>,
}

impl ListInstallations {
    /// As the domain asks.
    pub(crate) fn filter(&self) -> inventory::InstallationFilter {
        inventory::InstallationFilter {
            clusters: self.cluster_id.clone(),
            groups: self.group.clone(),
            node_id: self.node_id,
            certificate_id: self.certificate_id,
            kind: self.kind.map(Into::into),
            products: self.product.clone(),
            stores: self.store.clone(),
            statuses: self.status.iter().copied().map(StatusFilter::wanted).collect(),
            not_after_from: self.not_after_from,
            not_after_until: self.not_after_until,
            compliant: self.compliant,
            search: self.search.clone(),
        }
    }

    /// One page of what a filter leaves.
    pub(crate) async fn read_filtered(
        &self,
        tx: &OrgTx,
        filter: &inventory::InstallationFilter,
        limit: u64,
    ) -> Result<Page<Installation>, Problem> {
        read_page(tx, Which::All, filter, self.sort, &self.cursor, limit).await
    }
}

impl List for ListInstallations {
    type Of = ();
    type Row = Installation;
    const NAME: &'static str = "installations";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<Installation>, Problem> {
        self.read_filtered(tx, &self.filter(), limit).await
    }
}

/// Lists installations.
#[utoipa::path(operation_id = "list_installations", tag = "certificates", params(ListInstallations), responses((status = 200, description = "Installations", body = Page<Installation>)))]
#[get("/installations")]
pub(crate) async fn list_installations(
    app: App,
    caller: Caller,
    query: Query<ListInstallations>,
) -> Reply<Page<Installation>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports installations as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_installations", tag = "certificates", params(ListInstallations), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/installations.csv")]
pub(crate) async fn export_installations(
    app: App,
    caller: Caller,
    query: Query<ListInstallations>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

/// Which installations a page is of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    /// All of them.
    All,
    /// What is expired or expiring.
    Alerts,
}

/// A cursor of installations, as it travels.
#[derive(Serialize, Deserialize)]
enum Cursor {
    NotAfter(Timestamp, Uuid),
    CommonName(String, Uuid),
}

/// How a page of installations is read: of all of them, or of those that are alerts.
pub(crate) async fn read_page(
    tx: &OrgTx,
    which: Which,
    filter: &inventory::InstallationFilter,
    sort: Option<Sort>,
    cursor: &Option<String>,
    limit: u64,
) -> Result<Page<Installation>, Problem> {
    let sort = match sort.unwrap_or_default() {
        Sort::NotAfter => inventory::Sort::NotAfter,
        Sort::CommonName => inventory::Sort::CommonName,
    };
    let after = page::cursor(cursor)?.map(|cursor| match cursor {
        Cursor::NotAfter(time, id) => InstallationCursor::NotAfter(time, id),
        Cursor::CommonName(name, id) => InstallationCursor::CommonName(name, id),
    });
    let rows = match which {
        Which::All => inventory::installations(tx, filter, sort, after, limit).await?,
        Which::Alerts => inventory::alerts(tx, filter, sort, after, limit).await?,
    };
    let rows = certyard_domain::Page {
        items: rows.items,
        next: rows.next.map(|cursor| match cursor {
            InstallationCursor::NotAfter(time, id) => Cursor::NotAfter(time, id),
            InstallationCursor::CommonName(name, id) => Cursor::CommonName(name, id),
        }),
    };
    let now = tx.now();
    let mut page = page::try_convert(rows, |row| installation(row, now))?;
    add_acknowledgements(tx, &mut page.items).await?;
    Ok(page)
}

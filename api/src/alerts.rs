//! Alerts: what is expired or expiring, identity and trust, over all clusters (R6-R8).

use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::installations::{Installation, Sort, StoreKind, Which, read_page};
use crate::list::{self, List, turn};
use crate::page::Page;
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get, web};
use certyard_domain::OrgTx;
use certyard_domain::clusters::{self, ClusterFilter};
use certyard_domain::inventory::{ExpiryStatus, InstallationFilter};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What makes an installation an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AlertStatus {
    /// The end has passed.
    Expired,
    /// The end is within the organisation's days.
    Expiring,
}

/// Which alerts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAlerts {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Part of a name of the certificate or of its node, or the begin of its serial number or SHA-256.
    pub search: Option<String>,
    /// Any of these purposes and trust stores, such as `tomcat` or `tomcat-trust`; repeat it for more than one.
    #[serde(default)]
    pub certificate: Vec<String>,
    /// Any of these products; repeat it for more than one.
    #[serde(default)]
    pub product: Vec<String>,
    /// Any of these; repeat it for more than one.
    #[param(inline)]
    #[serde(default)]
    pub status: Vec<AlertStatus>,
    /// Only identity or only trust.
    #[param(inline)]
    pub kind: Option<StoreKind>,
    /// Of clusters of any of these groups; repeat it for more than one.
    #[serde(default)]
    pub group: Vec<Uuid>,
    /// Of any of these clusters; repeat it for more than one.
    #[serde(default)]
    pub cluster: Vec<Uuid>,
    /// Only what ends at this time or later.
    pub not_after_from: Option<DateTime<Utc>>,
    /// Only what ends before.
    pub not_after_until: Option<DateTime<Utc>>,
    /// Order; left out: by end.
    #[param(inline)]
    pub sort: Option<Sort>,
}

/// Of which clusters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CountAlerts {
    /// Any of these products; repeat it for more than one.
    #[serde(default)]
    pub product: Vec<String>,
    /// Of clusters of any of these groups; repeat it for more than one.
    #[serde(default)]
    pub group: Vec<Uuid>,
    /// Of any of these clusters; repeat it for more than one.
    #[serde(default)]
    pub cluster: Vec<Uuid>,
}

/// Alerts by kind and status.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertSummary {
    /// Identity certificates.
    pub identity: AlertCounts,
    /// Trusted certificates.
    pub trust: AlertCounts,
}

/// Alerts by status.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertCounts {
    /// Expired and expiring.
    #[schema(example = 3)]
    pub total: i64,
    /// Expired.
    #[schema(example = 1)]
    pub expired: i64,
    /// Expiring within the organisation's days.
    #[schema(example = 2)]
    pub expiring: i64,
}

impl List for ListAlerts {
    type Of = ();
    type Row = Installation;
    const NAME: &'static str = "alerts";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<Installation>, Problem> {
        let wanted = |status: &AlertStatus| match status {
            AlertStatus::Expired => ExpiryStatus::Expired,
            AlertStatus::Expiring => ExpiryStatus::Expiring,
        };
        let filter = InstallationFilter {
            clusters: self.cluster.clone(),
            groups: self.group.clone(),
            kind: self.kind.map(Into::into),
            products: self.product.clone(),
            stores: self.certificate.clone(),
            statuses: self.status.iter().map(wanted).collect(),
            search: self.search.clone(),
            not_after_from: self.not_after_from,
            not_after_until: self.not_after_until,
            ..Default::default()
        };
        read_page(tx, Which::Alerts, &filter, self.sort, &self.cursor, limit).await
    }
}

/// Lists what is expired or expiring.
///
/// Identity and trust, over all clusters, what ends first first.
#[utoipa::path(operation_id = "list_alerts", tag = "certificates", params(ListAlerts), responses((status = 200, description = "Installations", body = Page<Installation>)))]
#[get("/alerts")]
pub(crate) async fn list_alerts(app: App, caller: Caller, query: Query<ListAlerts>) -> Reply<Page<Installation>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports what is expired or expiring as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_alerts", tag = "certificates", params(ListAlerts), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/alerts.csv")]
pub(crate) async fn export_alerts(app: App, caller: Caller, query: Query<ListAlerts>) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

/// Counts what is expired or expiring.
///
/// The counts are kept for each cluster, so that nothing is counted for an answer; when time passes the edge of a certificate
/// they follow shortly after.
#[utoipa::path(operation_id = "get_alert_summary", tag = "certificates", params(CountAlerts), responses((status = 200, description = "The counts", body = AlertSummary)))]
#[get("/alerts/summary")]
pub(crate) async fn get_alert_summary(app: App, caller: Caller, query: Query<CountAlerts>) -> Reply<AlertSummary> {
    let query = query.0;
    let filter = ClusterFilter {
        ids: query.cluster,
        products: query.product,
        groups: query.group,
        ..Default::default()
    };
    let tx = app.db.read(caller.scope()).await?;
    let counts = clusters::certificate_counts(&tx, &filter).await?;
    let alerts = |counts: clusters::Counts| AlertCounts {
        total: counts.expired + counts.expiring,
        expired: counts.expired,
        expiring: counts.expiring,
    };
    Ok(web::Json(AlertSummary {
        identity: alerts(counts.identity),
        trust: alerts(counts.trust),
    }))
}

//! Certificates that were taken from trust stores, and are kept.

use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::installations::ActionName;
use crate::list::{self, List, turn};
use crate::page::{self, Named, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get};
use certyard_domain::{OrgTx, Timestamp, inventory, plans};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A certificate that has left a trust store of a node.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeptCertificate {
    /// What is restored by it: `quarantine` of `POST /api/v1/plans`.
    pub id: Uuid,
    /// The certificate.
    pub certificate_id: Uuid,
    /// SHA-256, lower-case hex.
    #[schema(example = "6a9c…")]
    pub sha256: String,
    /// Common name; empty where it has none.
    #[schema(example = "Example Root CA")]
    pub common_name: String,
    /// Issuer, RFC 4514.
    #[schema(example = "CN=Example Root CA,O=Example")]
    pub issuer: String,
    /// Serial number, upper-case hex.
    #[schema(example = "01AB")]
    pub serial_hex: String,
    /// End.
    pub not_after: DateTime<Utc>,
    /// The trust store.
    #[schema(example = "tomcat-trust")]
    pub store: String,
    /// Its name there.
    #[schema(example = "Example_Root_CA")]
    pub entry: String,
    /// The node.
    pub node: Named,
    /// Its cluster.
    pub cluster: Named,
    /// Product of the cluster.
    #[schema(example = "cucm")]
    pub product: String,
    /// When a reading found it gone.
    pub removed_at: DateTime<Utc>,
    /// The job that took it; null: it went without one, on the node itself or by an upgrade.
    pub job_id: Option<Uuid>,
    /// Who started that job.
    #[schema(example = "Ada Lovelace")]
    pub removed_by: Option<String>,
    /// When a reading found it there again.
    #[schema(example = json!(null))]
    pub restored_at: Option<DateTime<Utc>>,
    /// The job that put it back.
    #[schema(example = json!(null))]
    pub restored_job_id: Option<Uuid>,
    /// Who started that job.
    #[schema(example = json!(null))]
    pub restored_by: Option<String>,
    /// The body of `POST /api/v1/plans` that puts it back; null where that cannot be asked for.
    pub plan: Option<RestorePlan>,
    /// Why it cannot be put back.
    #[schema(example = json!(null))]
    pub refusal: Option<String>,
}

/// A plan that puts certificates back.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct RestorePlan {
    /// `restore`.
    pub action: ActionName,
    /// What is put back.
    pub quarantine: Vec<Uuid>,
}

/// Which certificates.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuarantine {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// What was put back (`true`) instead of what is gone.
    #[serde(default)]
    pub restored: bool,
    /// Of any of these clusters; repeat it for more than one.
    #[serde(default)]
    pub cluster_id: Vec<Uuid>,
    /// Of clusters of any of these groups; repeat it for more than one.
    #[serde(default)]
    pub group: Vec<Uuid>,
    /// Only of this node.
    pub node_id: Option<Uuid>,
    /// Only this certificate.
    pub certificate_id: Option<Uuid>,
    /// Only what this job took.
    pub job_id: Option<Uuid>,
    /// From any of these trust stores; repeat it for more than one.
    #[serde(default)]
    pub store: Vec<String>,
    /// Part of the common name, or the whole SHA-256.
    pub search: Option<String>,
}

impl List for ListQuarantine {
    type Of = ();
    type Row = KeptCertificate;
    const NAME: &'static str = "quarantine";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<KeptCertificate>, Problem> {
        let filter = inventory::KeptFilter {
            restored: Some(self.restored),
            clusters: self.cluster_id.clone(),
            groups: self.group.clone(),
            node_id: self.node_id,
            certificate_id: self.certificate_id,
            job_id: self.job_id,
            stores: self.store.clone(),
            search: self.search.clone(),
        };
        let rows = inventory::kept(tx, &filter, page::cursor(&self.cursor)?, limit).await?;
        let now = tx.now();
        Ok(page::convert(rows, |row| kept(row, now)))
    }
}

/// Lists certificates that were taken from trust stores: each is kept with who took it, when and from where.
///
/// The plan of a row puts it back; several are put back by one plan that names them all in `quarantine`.
#[utoipa::path(operation_id = "list_quarantine", tag = "certificates", params(ListQuarantine), responses((status = 200, description = "What was taken last first", body = Page<KeptCertificate>)))]
#[get("/quarantine")]
pub(crate) async fn list_quarantine(
    app: App,
    caller: Caller,
    query: Query<ListQuarantine>,
) -> Reply<Page<KeptCertificate>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports what was taken from trust stores as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_quarantine", tag = "certificates", params(ListQuarantine), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/quarantine.csv")]
pub(crate) async fn export_quarantine(
    app: App,
    caller: Caller,
    query: Query<ListQuarantine>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

fn kept(row: inventory::KeptRow, now: Timestamp) -> KeptCertificate {
    let kept = row.kept;
    let refusal = match kept.restored_at {
        Some(_) => Some("it is there again".to_string()),
        None => {
            let listed = plans::Listed {
                identity: false,
                store: &kept.store,
                entry: &kept.entry,
                sha256: &kept.sha256,
                gone: true,
                node: &row.node_name,
                role: &row.node_role,
                cluster: &row.cluster_name,
                product: &kept.product,
                version: &row.cluster_version,
                enabled: row.cluster_enabled,
                wanted: None,
                csr: false,
                own: &[],
            };
            let offers = plans::offers(&listed, now);
            let restore = offers.into_iter().find(|offer| offer.action == "restore");
            restore.and_then(|offer| offer.refusal).map(|refusal| refusal.message)
        }
    };
    KeptCertificate {
        plan: refusal.is_none().then(|| RestorePlan {
            action: ActionName::Restore,
            quarantine: vec![kept.id],
        }),
        refusal,
        id: kept.id,
        certificate_id: kept.certificate_id,
        sha256: kept.sha256,
        common_name: kept.common_name,
        issuer: row.certificate.issuer,
        serial_hex: row.certificate.serial_hex,
        not_after: row.certificate.not_after,
        store: kept.store,
        entry: kept.entry,
        node: Named {
            id: kept.node_id,
            name: row.node_name,
        },
        cluster: Named {
            id: kept.cluster_id,
            name: row.cluster_name,
        },
        product: kept.product,
        removed_at: kept.removed_at,
        job_id: kept.job_id,
        removed_by: kept.by_name,
        restored_at: kept.restored_at,
        restored_job_id: kept.restored_job_id,
        restored_by: kept.restored_by_name,
    }
}

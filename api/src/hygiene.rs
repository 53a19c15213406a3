//! What clutters trust stores.

use crate::caller::Caller;
use crate::certificates::KeyFacts;
use crate::error::{Problem, Reply};
use crate::installations::ActionName;
use crate::list::{self, List, turn};
use crate::page::{self, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get};
use certyard_domain::{OrgTx, inventory};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Why a certificate should not stay in trust stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClutterReason {
    /// Its end has passed.
    Expired,
    /// A cluster that holds it trusts a newer one of the same name as well.
    Duplicate,
    /// No identity certificate that is known here chains to it by name.
    Unused,
    /// Its key is short, or its issuer signed it with a broken hash.
    Weak,
}

impl ClutterReason {
    fn wanted(self) -> inventory::Clutter {
        match self {
            Self::Expired => inventory::Clutter::Expired,
            Self::Duplicate => inventory::Clutter::Duplicate,
            Self::Unused => inventory::Clutter::Unused,
            Self::Weak => inventory::Clutter::Weak,
        }
    }

    fn of(reason: inventory::Clutter) -> Self {
        match reason {
            inventory::Clutter::Expired => Self::Expired,
            inventory::Clutter::Duplicate => Self::Duplicate,
            inventory::Clutter::Unused => Self::Unused,
            inventory::Clutter::Weak => Self::Weak,
        }
    }
}

/// A reason with its sentence.
#[derive(Serialize, ToSchema)]
pub(crate) struct Clutter {
    /// Stable code.
    pub code: ClutterReason,
    /// What is wrong, and what to think of before it is deleted.
    #[schema(example = "it ended on 2026-11-22: nothing that it signed is trusted any more")]
    pub message: String,
}

/// A certificate that clutters trust stores, once for all that hold it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClutterRow {
    /// The certificate.
    pub certificate_id: Uuid,
    /// SHA-256, lower-case hex.
    #[schema(example = "6a9c…")]
    pub sha256: String,
    /// Common name; empty where it has none.
    #[schema(example = "Example Root CA")]
    pub common_name: String,
    /// Subject, RFC 4514.
    #[schema(example = "CN=Example Root CA,O=Example")]
    pub subject: String,
    /// Issuer, RFC 4514.
    #[schema(example = "CN=Example Root CA,O=Example")]
    pub issuer: String,
    /// Serial number, upper-case hex.
    #[schema(example = "01AB")]
    pub serial_hex: String,
    /// Begin.
    pub not_before: DateTime<Utc>,
    /// End.
    pub not_after: DateTime<Utc>,
    /// Its key.
    pub key: KeyFacts,
    /// How it is signed.
    #[schema(example = "sha256WithRSAEncryption")]
    pub signature_algorithm: String,
    /// Why it is told, all that holds.
    pub reasons: Vec<Clutter>,
    /// A node uses it as an identity certificate as well: its own copies stay, and a plan refuses them.
    #[schema(example = false)]
    pub identity: bool,
    /// Trust stores that hold it.
    #[schema(example = json!(["tomcat-trust"]))]
    pub stores: Vec<String>,
    /// Clusters that hold it.
    #[schema(example = 2)]
    pub cluster_count: i64,
    /// Nodes that hold it.
    #[schema(example = 6)]
    pub node_count: i64,
    /// Places that hold it.
    #[schema(example = 6)]
    pub installation_count: i64,
    /// The body of `POST /api/v1/plans` that takes it away wherever the list's filter leaves it. It is kept and can be restored.
    pub plan: DeletePlan,
}

/// A plan that deletes a certificate from trust stores.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct DeletePlan {
    /// `delete`.
    pub action: ActionName,
    /// From these clusters.
    pub filter: DeleteFrom,
    /// From these stores; empty: whichever hold it.
    #[schema(example = json!([]))]
    pub stores: Vec<String>,
    /// The certificate.
    pub certificate_ids: Vec<Uuid>,
}

/// Clusters; what is empty does not matter.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct DeleteFrom {
    /// Clusters.
    #[schema(example = json!([]))]
    pub cluster_ids: Vec<Uuid>,
    /// Groups of clusters.
    #[schema(example = json!([]))]
    pub group_ids: Vec<Uuid>,
    /// Product of the clusters.
    #[schema(example = json!(null))]
    pub product: Option<String>,
}

/// Which certificates of trust stores.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListClutter {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// For any of these reasons; repeat it for more than one; left out: all.
    #[param(inline)]
    #[serde(default)]
    pub reason: Vec<ClutterReason>,
    /// In any of these clusters; repeat it for more than one.
    #[serde(default)]
    pub cluster_id: Vec<Uuid>,
    /// In clusters of any of these groups; repeat it for more than one.
    #[serde(default)]
    pub group: Vec<Uuid>,
    /// In any of these trust stores; repeat it for more than one.
    #[serde(default)]
    pub store: Vec<String>,
    /// Only of this product.
    pub product: Option<String>,
    /// Part of a name of the certificate, or the begin of its serial number or SHA-256.
    pub search: Option<String>,
}

impl List for ListClutter {
    type Of = ();
    type Row = ClutterRow;
    const NAME: &'static str = "trust-hygiene";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<ClutterRow>, Problem> {
        let filter = inventory::ClutterFilter {
            reasons: self.reason.iter().copied().map(ClutterReason::wanted).collect(),
            clusters: self.cluster_id.clone(),
            groups: self.group.clone(),
            stores: self.store.clone(),
            product: self.product.clone(),
            search: self.search.clone(),
        };
        let rows = inventory::clutter(tx, &filter, page::cursor(&self.cursor)?, limit).await?;
        Ok(page::convert(rows, |row| clutter(row, &filter)))
    }
}

/// Lists certificates that should not stay in trust stores: expired, duplicate, unused, weak.
///
/// Each once, whatever the number of stores that hold it, with its reasons and a plan that deletes it. What is told as unused is so as far as
/// the inventory knows: peers that are not managed here are not seen.
#[utoipa::path(operation_id = "list_trust_hygiene", tag = "certificates", params(ListClutter), responses((status = 200, description = "Certificates by their ends", body = Page<ClutterRow>)))]
#[get("/trust-hygiene")]
pub(crate) async fn list_trust_hygiene(app: App, caller: Caller, query: Query<ListClutter>) -> Reply<Page<ClutterRow>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports what clutters trust stores as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_trust_hygiene", tag = "certificates", params(ListClutter), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/trust-hygiene.csv")]
pub(crate) async fn export_trust_hygiene(
    app: App,
    caller: Caller,
    query: Query<ListClutter>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

fn clutter(row: inventory::ClutterRow, filter: &inventory::ClutterFilter) -> ClutterRow {
    let certificate = row.certificate;
    ClutterRow {
        certificate_id: certificate.id,
        sha256: certificate.sha256,
        common_name: certificate.common_name,
        subject: certificate.subject,
        issuer: certificate.issuer,
        serial_hex: certificate.serial_hex,
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        key: KeyFacts::stored(certificate.key_type, certificate.key_bits),
        signature_algorithm: certificate.signature_algorithm,
        reasons: row
            .reasons
            .into_iter()
            .map(|(reason, message)| Clutter {
                code: ClutterReason::of(reason),
                message,
            })
            .collect(),
        identity: row.identity,
        stores: row.stores,
        cluster_count: row.clusters,
        node_count: row.nodes,
        installation_count: row.installations,
        plan: DeletePlan {
            action: ActionName::Delete,
            filter: DeleteFrom {
                cluster_ids: filter.clusters.clone(),
                group_ids: filter.groups.clone(),
                product: filter.product.clone(),
            },
            stores: filter.stores.clone(),
            certificate_ids: vec![certificate.id],
        },
    }
}

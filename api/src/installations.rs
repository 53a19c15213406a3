//! Installations: a certificate in a store of a node, with its history and three clocks.

use crate::certificates::{CertificateFacts, KeyFacts};
use crate::error::{Problem, Reply};
use crate::page::{Named, Page};
use actix_web::{get, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How near the end of a certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InstallationStatus {
    /// The end has passed.
    Expired,
    /// 7 days or less.
    Critical,
    /// 30 days or less.
    Warning,
    /// Within the organisation's days.
    Notice,
    /// Later.
    Valid,
}

/// Identity or trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoreKind {
    /// The node's own certificate, with its key.
    Identity,
    /// Trusted.
    Trust,
}

/// Order of installations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) enum Sort {
    /// By end, soonest first.
    #[serde(rename = "not_after")]
    NotAfter,
    /// By end, latest first.
    #[serde(rename = "-not_after")]
    NotAfterDown,
    /// By common name.
    #[serde(rename = "common_name")]
    CommonName,
    /// By common name, backwards.
    #[serde(rename = "-common_name")]
    CommonNameDown,
}

/// What a look over the wire says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ServedState {
    /// This certificate is served.
    Served,
    /// Another one is served until the service is restarted.
    RestartPending,
    /// Nothing listens for it, or it is a trust entry.
    NotObservable,
    /// The last look failed.
    Unknown,
}

/// What a look over the wire says.
#[derive(Serialize, ToSchema)]
pub(crate) struct Served {
    /// State.
    pub state: ServedState,
    /// Since when this certificate is served.
    pub since: Option<DateTime<Utc>>,
    /// The certificate that is served instead, or why the look failed.
    #[schema(example = json!(null))]
    pub note: Option<String>,
}

/// An open CSR for the same purpose.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenCsr {
    /// The CSR.
    pub id: Uuid,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActionName {
    /// Read the stores again.
    Refresh,
    /// Make a key and a CSR on the node.
    GenerateCsr,
    /// Install the CA's answer to a CSR.
    UploadCertificate,
}

/// A certificate in a store of a node.
#[derive(Serialize, ToSchema)]
pub(crate) struct Installation {
    /// The installation.
    pub id: Uuid,
    /// The certificate.
    pub certificate_id: Uuid,
    /// SHA-256 of the DER, lower-case hex.
    #[schema(example = "6a9c3c0f…")]
    pub sha256: String,
    /// Identity or trust.
    pub kind: StoreKind,
    /// Store.
    #[schema(example = "tomcat")]
    pub store: String,
    /// Entry in the store.
    #[schema(example = "tomcat")]
    pub entry: String,
    /// What an identity certificate is for.
    #[schema(example = "tomcat")]
    pub purpose: Option<String>,
    /// The node.
    pub node: Named,
    /// Its cluster.
    pub cluster: Named,
    /// Product of the cluster.
    #[schema(example = "cucm")]
    pub product: String,
    /// Common name; empty where it has none.
    #[schema(example = "cucm-n-1.example.org")]
    pub common_name: String,
    /// Subject, RFC 4514.
    #[schema(example = "CN=cucm-n-1.example.org,O=Example")]
    pub subject: String,
    /// Issuer, RFC 4514.
    #[schema(example = "CN=Example Issuing CA,O=Example")]
    pub issuer: String,
    /// Signed by its own key.
    pub self_signed: bool,
    /// Serial number, upper-case hex.
    #[schema(example = "01AB")]
    pub serial_hex: String,
    /// Public key.
    pub key: KeyFacts,
    /// Begin.
    pub not_before: DateTime<Utc>,
    /// End.
    pub not_after: DateTime<Utc>,
    /// How near the end is.
    pub status: InstallationStatus,
    /// First clock: the certificate was issued.
    pub issued_at: DateTime<Utc>,
    /// Second clock: it was seen installed.
    pub installed_at: DateTime<Utc>,
    /// Third clock: it was seen served.
    pub served: Served,
    /// It is not there any more since.
    #[schema(example = json!(null))]
    pub gone_at: Option<DateTime<Utc>>,
    /// An open CSR for the same purpose on the same node.
    pub csr: Option<OpenCsr>,
    /// What can be asked for.
    pub actions: Vec<ActionName>,
}

/// An installation with its whole certificate.
#[derive(Serialize, ToSchema)]
pub(crate) struct InstallationDetail {
    /// The installation.
    #[serde(flatten)]
    pub installation: Installation,
    /// The certificate.
    pub certificate: CertificateFacts,
}

/// What happened to an installation.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryEvent {
    /// The event.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// `installed`, `replaced`, `gone`, `csr_created`, …
    #[schema(example = "installed")]
    pub event: String,
    /// The certificate.
    pub certificate_id: Option<Uuid>,
    /// SHA-256 of the DER, lower-case hex.
    #[schema(example = "6a9c3c0f…")]
    pub sha256: Option<String>,
    /// Common name.
    #[schema(example = "cucm-n-1.example.org")]
    pub common_name: Option<String>,
    /// End.
    pub not_after: Option<DateTime<Utc>>,
    /// Serial number, upper-case hex.
    #[schema(example = "01AB")]
    pub serial_hex: Option<String>,
    /// The job that did it.
    pub job_id: Option<Uuid>,
    /// Who did it.
    #[schema(example = "Ada Lovelace")]
    pub actor: Option<String>,
    /// Name of the node at the time.
    #[schema(example = "cucm-n-1")]
    pub node_name: String,
    /// Name of the cluster at the time.
    #[schema(example = "cucm-north")]
    pub cluster_name: String,
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
    /// Only this cluster.
    pub cluster_id: Option<Uuid>,
    /// Only this node.
    pub node_id: Option<Uuid>,
    /// Only this certificate.
    pub certificate_id: Option<Uuid>,
    /// Only identity or only trust.
    #[param(inline)]
    pub kind: Option<StoreKind>,
    /// Only this product.
    pub product: Option<String>,
    /// Only this store.
    pub store: Option<String>,
    /// Part of the common name, or the begin of the serial number.
    pub search: Option<String>,
    /// Only this status.
    #[param(inline)]
    pub status: Option<InstallationStatus>,
    /// Order; a leading `-` turns it round.
    #[param(inline)]
    pub sort: Option<Sort>,
}

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListHistory {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// Lists installations.
#[utoipa::path(operation_id = "list_installations", tag = "certificates", params(ListInstallations), responses((status = 200, description = "Installations", body = Page<Installation>)))]
#[get("/installations")]
pub(crate) async fn list_installations(_query: web::Query<ListInstallations>) -> Reply<Page<Installation>> {
    Err(Problem::not_yet())
}

/// Reads an installation with its certificate.
#[utoipa::path(operation_id = "get_installation", tag = "certificates", params(("id" = Uuid, Path, description = "The installation")), responses((status = 200, description = "The installation", body = InstallationDetail)))]
#[get("/installations/{id}")]
pub(crate) async fn get_installation(_id: web::Path<Uuid>) -> Reply<InstallationDetail> {
    Err(Problem::not_yet())
}

/// Lists what happened to an installation.
#[utoipa::path(operation_id = "list_installation_history", tag = "certificates", params(("id" = Uuid, Path, description = "The installation"), ListHistory), responses((status = 200, description = "Events, newest first", body = Page<HistoryEvent>)))]
#[get("/installations/{id}/history")]
pub(crate) async fn list_history(_id: web::Path<Uuid>, _query: web::Query<ListHistory>) -> Reply<Page<HistoryEvent>> {
    Err(Problem::not_yet())
}

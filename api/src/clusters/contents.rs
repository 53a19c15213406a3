//! What belongs to a cluster: its nodes, certificates and jobs.

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::etag::created;
use crate::installations::{self, Installation, InstallationStatus, Sort, StatusFilter, status};
use crate::jobs::{Job, job};
use crate::nodes::{CreateNode, Node, node};
use crate::page::{self, Page};
use crate::state::App;
use actix_web::{HttpResponse, get, post, web};
use certyard_domain::{Timestamp, clusters, inventory, jobs, nodes};
use certyard_protocol::StoreKind;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which nodes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListClusterNodes {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// Which jobs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListClusterJobs {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Not made before; left out: the first of this month.
    pub from: Option<DateTime<Utc>>,
    /// Made before.
    pub to: Option<DateTime<Utc>>,
}

/// Which identity certificates.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListIdentity {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Part of the common name, or the begin of the serial number.
    pub search: Option<String>,
    /// Only this purpose.
    pub purpose: Option<String>,
    /// Only those that differ from their profile (`false`), or that do not.
    pub compliant: Option<bool>,
    /// Only this status.
    #[param(inline)]
    pub status: Option<StatusFilter>,
    /// Order.
    #[param(inline)]
    pub sort: Option<Sort>,
}

/// Which trusted certificates.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListTrust {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Part of the common name, or the begin of the serial number.
    pub search: Option<String>,
    /// Only this trust store.
    pub store: Option<String>,
    /// Only this status.
    #[param(inline)]
    pub status: Option<StatusFilter>,
}

/// A trusted certificate with the stores and nodes of the cluster that hold it.
#[derive(Serialize, ToSchema)]
pub(crate) struct TrustCertificate {
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
    /// Subject and issuer are the same, and so is the key.
    pub self_signed: bool,
    /// Begin.
    pub not_before: DateTime<Utc>,
    /// End.
    pub not_after: DateTime<Utc>,
    /// How near the end is.
    pub status: InstallationStatus,
    /// Trust stores that hold it.
    #[schema(example = json!(["tomcat-trust"]))]
    pub stores: Vec<String>,
    /// Nodes that hold it.
    #[schema(example = 3)]
    pub node_count: i64,
}

/// Lists the nodes of a cluster.
#[utoipa::path(operation_id = "list_cluster_nodes", tag = "fleet", params(("id" = Uuid, Path, description = "The cluster"), ListClusterNodes), responses((status = 200, description = "Nodes by name", body = Page<Node>)))]
#[get("/clusters/{id}/nodes")]
pub(crate) async fn list_cluster_nodes(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: web::Query<ListClusterNodes>,
) -> Reply<Page<Node>> {
    let limit = page::limit(query.limit)?;
    let tx = app.db.read(caller.scope()).await?;
    clusters::get(&tx, *id).await?;
    let filter = nodes::NodeFilter {
        cluster_id: Some(*id),
        ..Default::default()
    };
    let rows = nodes::list(&tx, &filter, page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::try_convert(rows, node)?))
}

/// Adds a node to a cluster.
///
/// Credentials are given to the agent only, with `certyard-agent credentials set`.
#[utoipa::path(operation_id = "create_node", tag = "fleet", params(("id" = Uuid, Path, description = "The cluster")), request_body = CreateNode, responses((status = 201, description = "Added", body = Node)))]
#[post("/clusters/{id}/nodes")]
pub(crate) async fn create_node(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Json<CreateNode>,
) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    let row = nodes::create(&tx, body.0.within(*id)).await?;
    tx.commit().await?;
    Ok(created(format!("/api/v1/nodes/{}", row.node.id), node(row)?))
}

/// Lists the identity certificates of a cluster.
#[utoipa::path(operation_id = "list_cluster_identity_certificates", tag = "certificates", params(("id" = Uuid, Path, description = "The cluster"), ListIdentity), responses((status = 200, description = "Identity certificates", body = Page<Installation>)))]
#[get("/clusters/{id}/identity-certificates")]
pub(crate) async fn list_identity(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: web::Query<ListIdentity>,
) -> Reply<Page<Installation>> {
    let limit = page::limit(query.limit)?;
    let query = query.into_inner();
    let filter = inventory::InstallationFilter {
        cluster_id: Some(*id),
        kind: Some(StoreKind::Identity),
        stores: query.purpose.into_iter().collect(),
        compliant: query.compliant,
        statuses: query.status.map(StatusFilter::wanted).into_iter().collect(),
        search: query.search,
        ..Default::default()
    };
    let tx = app.db.read(caller.scope()).await?;
    clusters::get(&tx, *id).await?;
    installations::read_page(&tx, &filter, query.sort, &query.cursor, limit).await
}

/// Lists the trusted certificates of a cluster, one row for each certificate.
#[utoipa::path(operation_id = "list_cluster_trust_certificates", tag = "certificates", params(("id" = Uuid, Path, description = "The cluster"), ListTrust), responses((status = 200, description = "Trusted certificates", body = Page<TrustCertificate>)))]
#[get("/clusters/{id}/trust-certificates")]
pub(crate) async fn list_trust(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: web::Query<ListTrust>,
) -> Reply<Page<TrustCertificate>> {
    let limit = page::limit(query.limit)?;
    let query = query.into_inner();
    let filter = inventory::TrustFilter {
        search: query.search,
        stores: query.store.into_iter().collect(),
        statuses: query.status.map(StatusFilter::wanted).into_iter().collect(),
    };
    let tx = app.db.read(caller.scope()).await?;
    let rows = inventory::trust(&tx, *id, &filter, page::cursor(&query.cursor)?, limit).await?;
    let now = tx.now();
    Ok(web::Json(page::convert(rows, |row| trusted(row, now))))
}

/// Lists the jobs of a cluster.
#[utoipa::path(operation_id = "list_cluster_jobs", tag = "jobs", params(("id" = Uuid, Path, description = "The cluster"), ListClusterJobs), responses((status = 200, description = "Jobs, newest first", body = Page<Job>)))]
#[get("/clusters/{id}/jobs")]
pub(crate) async fn list_cluster_jobs(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: web::Query<ListClusterJobs>,
) -> Reply<Page<Job>> {
    let limit = page::limit(query.limit)?;
    let filter = jobs::JobFilter {
        from: query.from,
        to: query.to,
        cluster_id: Some(*id),
        ..Default::default()
    };
    let tx = app.db.read(caller.scope()).await?;
    let rows = jobs::list(&tx, &filter, page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::try_convert(rows, job)?))
}

fn trusted(row: inventory::TrustRow, now: Timestamp) -> TrustCertificate {
    let certificate = row.certificate;
    TrustCertificate {
        status: status(row.status, certificate.not_after, now),
        certificate_id: certificate.id,
        sha256: certificate.sha256,
        common_name: certificate.common_name,
        subject: certificate.subject,
        issuer: certificate.issuer,
        serial_hex: certificate.serial_hex,
        self_signed: certificate.self_signed,
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        stores: row.stores,
        node_count: row.nodes,
    }
}

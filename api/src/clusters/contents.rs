//! What belongs to a cluster: its nodes, certificates and jobs.

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::etag::created;
use crate::installations::{Installation, InstallationStatus, ListInstallations, StatusFilter, status};
use crate::jobs::{Job, ListJobs};
use crate::list::{self, List, turn};
use crate::nodes::{CreateNode, Node, node};
use crate::page::{self, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get, post, web};
use certyard_domain::{OrgTx, Timestamp, clusters, inventory, jobs, nodes};
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

/// Which jobs of a cluster: as of all.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct ListClusterJobs(ListJobs);

/// Which identity certificates of a cluster: as of all installations.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct ListIdentity(ListInstallations);

/// Which trusted certificates.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListTrust {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Part of a name of the certificate, or the begin of its serial number or SHA-256.
    pub search: Option<String>,
    /// In any of these trust stores; repeat it for more than one.
    #[serde(default, alias = "certificate")]
    pub store: Vec<String>,
    /// Any of these; repeat it for more than one.
    #[param(inline)]
    #[serde(default)]
    pub status: Vec<StatusFilter>,
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
    query: Query<ListClusterNodes>,
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
    inventory::settle_after_change(&app.db, caller.scope()).await;
    Ok(created(format!("/api/v1/nodes/{}", row.node.id), node(row)?))
}

impl List for ListIdentity {
    type Of = Uuid;
    type Row = Installation;
    const NAME: &'static str = "identity-certificates";

    turn!(.0);

    async fn read(&self, tx: &OrgTx, of: Uuid, limit: u64) -> Result<Page<Installation>, Problem> {
        for (name, given) in [
            ("kind", self.0.kind.is_some()),
            ("cluster_id", !self.0.cluster_id.is_empty()),
        ] {
            if given {
                return Err(Problem::field(
                    name,
                    "in_path",
                    "is said by the address already: leave it out",
                ));
            }
        }
        clusters::get(tx, of).await?;
        let filter = inventory::InstallationFilter {
            clusters: vec![of],
            kind: Some(StoreKind::Identity),
            ..self.0.filter()
        };
        self.0.read_filtered(tx, &filter, limit).await
    }
}

impl List for ListTrust {
    type Of = Uuid;
    type Row = TrustCertificate;
    const NAME: &'static str = "trust-certificates";

    turn!();

    async fn read(&self, tx: &OrgTx, of: Uuid, limit: u64) -> Result<Page<TrustCertificate>, Problem> {
        let filter = inventory::TrustFilter {
            search: self.search.clone(),
            stores: self.store.clone(),
            statuses: self.status.iter().copied().map(StatusFilter::wanted).collect(),
        };
        let rows = inventory::trust(tx, of, &filter, page::cursor(&self.cursor)?, limit).await?;
        let now = tx.now();
        Ok(page::convert(rows, |row| trusted(row, now)))
    }
}

impl List for ListClusterJobs {
    type Of = Uuid;
    type Row = Job;
    const NAME: &'static str = "jobs";

    turn!(.0);

    async fn read(&self, tx: &OrgTx, of: Uuid, limit: u64) -> Result<Page<Job>, Problem> {
        if self.0.cluster_id.is_some() {
            return Err(Problem::field(
                "cluster_id",
                "in_path",
                "is said by the address already: leave it out",
            ));
        }
        let filter = jobs::JobFilter {
            cluster_id: Some(of),
            ..self.0.filter()
        };
        self.0.read_filtered(tx, &filter, limit).await
    }
}

/// Lists the identity certificates of a cluster.
///
/// `store` is the purpose here.
#[utoipa::path(operation_id = "list_cluster_identity_certificates", tag = "certificates", params(("id" = Uuid, Path, description = "The cluster"), ListInstallations), responses((status = 200, description = "Identity certificates", body = Page<Installation>)))]
#[get("/clusters/{id}/identity-certificates")]
pub(crate) async fn list_identity(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListIdentity>,
) -> Reply<Page<Installation>> {
    list::answer(&app, &caller, *id, query.0).await
}

/// Exports the identity certificates of a cluster as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_cluster_identity_certificates", tag = "certificates", params(("id" = Uuid, Path, description = "The cluster"), ListInstallations), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/clusters/{id}/identity-certificates.csv")]
pub(crate) async fn export_identity(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListIdentity>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, *id, query.0).await
}

/// Lists the trusted certificates of a cluster, one row for each certificate.
#[utoipa::path(operation_id = "list_cluster_trust_certificates", tag = "certificates", params(("id" = Uuid, Path, description = "The cluster"), ListTrust), responses((status = 200, description = "Trusted certificates", body = Page<TrustCertificate>)))]
#[get("/clusters/{id}/trust-certificates")]
pub(crate) async fn list_trust(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListTrust>,
) -> Reply<Page<TrustCertificate>> {
    list::answer(&app, &caller, *id, query.0).await
}

/// Exports the trusted certificates of a cluster, one row for each certificate as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_cluster_trust_certificates", tag = "certificates", params(("id" = Uuid, Path, description = "The cluster"), ListTrust), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/clusters/{id}/trust-certificates.csv")]
pub(crate) async fn export_trust(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListTrust>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, *id, query.0).await
}

/// Lists the jobs of a cluster.
#[utoipa::path(operation_id = "list_cluster_jobs", tag = "jobs", params(("id" = Uuid, Path, description = "The cluster"), ListJobs), responses((status = 200, description = "Jobs, newest first", body = Page<Job>)))]
#[get("/clusters/{id}/jobs")]
pub(crate) async fn list_cluster_jobs(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListClusterJobs>,
) -> Reply<Page<Job>> {
    list::answer(&app, &caller, *id, query.0).await
}

/// Exports the jobs of a cluster as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_cluster_jobs", tag = "jobs", params(("id" = Uuid, Path, description = "The cluster"), ListJobs), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/clusters/{id}/jobs.csv")]
pub(crate) async fn export_cluster_jobs(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListClusterJobs>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, *id, query.0).await
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

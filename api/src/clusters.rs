//! Clusters and what belongs to them.

use crate::error::{Problem, Reply};
use crate::installations::{Installation, InstallationStatus, Sort};
use crate::jobs::Job;
use crate::nodes::{CreateNode, Node};
use crate::page::{Named, Page};
use actix_web::{HttpResponse, delete, get, patch, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How a cluster is, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClusterStatus {
    /// It has no nodes.
    Empty,
    /// All nodes answer, and nothing is expired or expiring.
    Ok,
    /// Something is expired or expiring, or some nodes do not answer.
    Attention,
    /// No node answers.
    Unreachable,
}

/// Nodes of one product that are managed together.
#[derive(Serialize, ToSchema)]
pub(crate) struct Cluster {
    /// The cluster.
    pub id: Uuid,
    /// Name.
    #[schema(example = "cucm-north")]
    pub name: String,
    /// Product, as in the catalogue.
    #[schema(example = "cucm")]
    pub product: String,
    /// Version of the product; empty where it has none.
    #[schema(example = "15")]
    pub version: String,
    /// The certificates are managed; else only shown.
    pub enabled: bool,
    /// For people.
    #[schema(example = "Call control north")]
    pub description: String,
    /// Its group.
    pub group: Named,
    /// How it is.
    pub status: ClusterStatus,
    /// Nodes.
    #[schema(example = 3)]
    pub node_count: i64,
    /// Nodes whose last reading failed.
    #[schema(example = 0)]
    pub nodes_unreachable: i64,
    /// The oldest reading among its nodes.
    pub inventory_at: Option<DateTime<Utc>>,
    /// Identity certificates.
    pub identity: Counts,
    /// Trusted certificates.
    pub trust: Counts,
    /// Rises with each change; also the ETag.
    #[schema(example = 1)]
    pub revision: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// Installed certificates by how near their end is.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Counts {
    /// All.
    #[schema(example = 12)]
    pub total: i64,
    /// Neither expired nor expiring.
    #[schema(example = 10)]
    pub valid: i64,
    /// Expiring within the organisation's days.
    #[schema(example = 2)]
    pub expiring: i64,
    /// Expired.
    #[schema(example = 0)]
    pub expired: i64,
}

/// The counts of one cluster.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClusterSummary {
    /// Identity certificates.
    pub identity: Counts,
    /// Trusted certificates.
    pub trust: Counts,
}

/// Makes a cluster.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateCluster {
    /// Name, unique in the organisation.
    #[schema(example = "cucm-north")]
    pub name: String,
    /// Product, as in the catalogue: `cucm`, `imp`, `server`, …
    #[schema(example = "cucm")]
    pub product: String,
    /// Version of the product; empty where it has none.
    #[serde(default)]
    #[schema(example = "15")]
    pub version: String,
    /// Its group; left out: the organisation's first.
    #[serde(default)]
    pub group_id: Option<Uuid>,
    /// For people.
    #[serde(default)]
    #[schema(example = "Call control north")]
    pub description: String,
}

/// Changes a cluster; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateCluster {
    /// New name.
    #[schema(example = "cucm-north")]
    pub name: Option<String>,
    /// New version of the product.
    #[schema(example = "15")]
    pub version: Option<String>,
    /// New group.
    pub group_id: Option<Uuid>,
    /// Whether its certificates are managed.
    pub enabled: Option<bool>,
    /// New description.
    #[schema(example = "Call control north")]
    pub description: Option<String>,
}

/// Which clusters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListClusters {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Part of the name.
    pub search: Option<String>,
    /// Only this product.
    pub product: Option<String>,
    /// Only this group.
    pub group: Option<Uuid>,
}

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
    /// Only this status.
    #[param(inline)]
    pub status: Option<InstallationStatus>,
    /// Order; a leading `-` turns it round.
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
    pub status: Option<InstallationStatus>,
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

/// Lists clusters.
#[utoipa::path(operation_id = "list_clusters", tag = "fleet", params(ListClusters), responses((status = 200, description = "Clusters by name", body = Page<Cluster>)))]
#[get("/clusters")]
pub(crate) async fn list_clusters(_query: web::Query<ListClusters>) -> Reply<Page<Cluster>> {
    Err(Problem::not_yet())
}

/// Makes a cluster.
#[utoipa::path(operation_id = "create_cluster", tag = "fleet", request_body = CreateCluster, responses((status = 201, description = "Made", body = Cluster)))]
#[post("/clusters")]
pub(crate) async fn create_cluster(_body: web::Json<CreateCluster>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Reads a cluster.
#[utoipa::path(operation_id = "get_cluster", tag = "fleet", params(("id" = Uuid, Path, description = "The cluster")), responses((status = 200, description = "The cluster", body = Cluster, headers(("ETag" = String, description = "Version, for If-Match")))))]
#[get("/clusters/{id}")]
pub(crate) async fn get_cluster(_id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Changes a cluster.
#[utoipa::path(operation_id = "update_cluster", tag = "fleet", params(("id" = Uuid, Path, description = "The cluster"), ("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), request_body = UpdateCluster, responses((status = 200, description = "Changed", body = Cluster)))]
#[patch("/clusters/{id}")]
pub(crate) async fn update_cluster(
    _id: web::Path<Uuid>,
    _body: web::Json<UpdateCluster>,
) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Retires a cluster with its nodes.
///
/// Nothing is changed on the nodes; history stays.
#[utoipa::path(operation_id = "retire_cluster", tag = "fleet", params(("id" = Uuid, Path, description = "The cluster")), responses((status = 204, description = "Retired")))]
#[delete("/clusters/{id}")]
pub(crate) async fn retire_cluster(_id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Lists the nodes of a cluster.
#[utoipa::path(operation_id = "list_cluster_nodes", tag = "fleet", params(("id" = Uuid, Path, description = "The cluster"), ListClusterNodes), responses((status = 200, description = "Nodes by name", body = Page<Node>)))]
#[get("/clusters/{id}/nodes")]
pub(crate) async fn list_cluster_nodes(
    _id: web::Path<Uuid>,
    _query: web::Query<ListClusterNodes>,
) -> Reply<Page<Node>> {
    Err(Problem::not_yet())
}

/// Adds a node to a cluster.
///
/// Credentials are given to the agent only, with `certyard-agent credentials set`.
#[utoipa::path(operation_id = "create_node", tag = "fleet", params(("id" = Uuid, Path, description = "The cluster")), request_body = CreateNode, responses((status = 201, description = "Added", body = Node)))]
#[post("/clusters/{id}/nodes")]
pub(crate) async fn create_node(_id: web::Path<Uuid>, _body: web::Json<CreateNode>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Lists the identity certificates of a cluster.
#[utoipa::path(operation_id = "list_cluster_identity_certificates", tag = "certificates", params(("id" = Uuid, Path, description = "The cluster"), ListIdentity), responses((status = 200, description = "Identity certificates", body = Page<Installation>)))]
#[get("/clusters/{id}/identity-certificates")]
pub(crate) async fn list_identity(_id: web::Path<Uuid>, _query: web::Query<ListIdentity>) -> Reply<Page<Installation>> {
    Err(Problem::not_yet())
}

/// Lists the trusted certificates of a cluster, one row for each certificate.
#[utoipa::path(operation_id = "list_cluster_trust_certificates", tag = "certificates", params(("id" = Uuid, Path, description = "The cluster"), ListTrust), responses((status = 200, description = "Trusted certificates", body = Page<TrustCertificate>)))]
#[get("/clusters/{id}/trust-certificates")]
pub(crate) async fn list_trust(_id: web::Path<Uuid>, _query: web::Query<ListTrust>) -> Reply<Page<TrustCertificate>> {
    Err(Problem::not_yet())
}

/// Lists the jobs of a cluster.
#[utoipa::path(operation_id = "list_cluster_jobs", tag = "jobs", params(("id" = Uuid, Path, description = "The cluster"), ListClusterJobs), responses((status = 200, description = "Jobs, newest first", body = Page<Job>)))]
#[get("/clusters/{id}/jobs")]
pub(crate) async fn list_cluster_jobs(_id: web::Path<Uuid>, _query: web::Query<ListClusterJobs>) -> Reply<Page<Job>> {
    Err(Problem::not_yet())
}

/// Counts the certificates of a cluster.
#[utoipa::path(operation_id = "get_cluster_summary", tag = "fleet", params(("id" = Uuid, Path, description = "The cluster")), responses((status = 200, description = "The counts", body = ClusterSummary)))]
#[get("/clusters/{id}/summary")]
pub(crate) async fn get_summary(_id: web::Path<Uuid>) -> Reply<ClusterSummary> {
    Err(Problem::not_yet())
}

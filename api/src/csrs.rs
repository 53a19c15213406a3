//! CSRs of nodes.

use crate::certificates::KeyFacts;
use crate::error::{Problem, Reply};
use crate::page::{Named, Page};
use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What became of a CSR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CsrState {
    /// It waits on the node for its certificate.
    Open,
    /// Its certificate is installed.
    Answered,
    /// A newer one took its place.
    Replaced,
    /// It is not on the node any more.
    Gone,
}

/// A CSR that was made on a node.
#[derive(Serialize, ToSchema)]
pub(crate) struct Csr {
    /// The CSR.
    pub id: Uuid,
    /// The node.
    pub node: Named,
    /// Its cluster.
    pub cluster: Named,
    /// What the certificate is for.
    #[schema(example = "tomcat")]
    pub purpose: String,
    /// What became of it.
    pub state: CsrState,
    /// Subject, RFC 4514.
    #[schema(example = "CN=cucm-n-1.example.org")]
    pub subject: String,
    /// Common name; empty where it has none.
    #[schema(example = "cucm-n-1.example.org")]
    pub common_name: String,
    /// Subject alternative names: kind and value.
    #[schema(example = json!([["dns", "cucm-n-1.example.org"]]))]
    pub sans: Vec<(String, String)>,
    /// Public key.
    pub key: KeyFacts,
    /// SHA-256 of the DER, lower-case hex.
    #[schema(example = "6a9c3c0f…")]
    pub sha256: String,
    /// SHA-256 of the public key, lower-case hex.
    #[schema(example = "6a9c3c0f…")]
    pub spki_sha256: String,
    /// The job that made it.
    pub job_id: Option<Uuid>,
    /// When it was first seen.
    pub created_at: DateTime<Utc>,
    /// PKCS#10.
    #[schema(example = "-----BEGIN CERTIFICATE REQUEST-----…")]
    pub pem: String,
}

/// Which CSRs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListCsrs {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Only this cluster.
    pub cluster_id: Option<Uuid>,
    /// Only this node.
    pub node_id: Option<Uuid>,
    /// Only this state; left out: open ones.
    #[param(inline)]
    pub state: Option<CsrState>,
}

/// Lists CSRs.
#[utoipa::path(operation_id = "list_csrs", tag = "certificates", params(ListCsrs), responses((status = 200, description = "CSRs", body = Page<Csr>)))]
#[get("/csrs")]
pub(crate) async fn list_csrs(_query: web::Query<ListCsrs>) -> Reply<Page<Csr>> {
    Err(Problem::not_yet())
}

/// Downloads a CSR in PEM.
#[utoipa::path(operation_id = "get_csr_pem", tag = "certificates", params(("id" = Uuid, Path, description = "The CSR")), responses((status = 200, description = "PEM", body = String, content_type = "application/x-pem-file")))]
#[get("/csrs/{id}.pem")]
pub(crate) async fn get_pem(_id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Reads a CSR.
#[utoipa::path(operation_id = "get_csr", tag = "certificates", params(("id" = Uuid, Path, description = "The CSR")), responses((status = 200, description = "The CSR", body = Csr)))]
#[get("/csrs/{id}")]
pub(crate) async fn get_csr(_id: web::Path<Uuid>) -> Reply<Csr> {
    Err(Problem::not_yet())
}

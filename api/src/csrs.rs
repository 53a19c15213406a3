//! CSRs of nodes.

use crate::caller::Caller;
use crate::certificates::{KeyFacts, file_name};
use crate::error::{Problem, Reply};
use crate::page::{self, Named, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, get, web};
use certyard_domain::inventory;
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
    /// Only for this purpose.
    pub purpose: Option<String>,
    /// Only this state; left out: open ones.
    #[param(inline)]
    pub state: Option<CsrState>,
}

/// Lists CSRs.
#[utoipa::path(operation_id = "list_csrs", tag = "certificates", params(ListCsrs), responses((status = 200, description = "CSRs", body = Page<Csr>)))]
#[get("/csrs")]
pub(crate) async fn list_csrs(app: App, caller: Caller, query: Query<ListCsrs>) -> Reply<Page<Csr>> {
    let limit = page::limit(query.limit)?;
    let filter = inventory::CsrFilter {
        cluster_id: query.cluster_id,
        node_id: query.node_id,
        purpose: query.purpose.clone(),
        states: query.state.map(Into::into).into_iter().collect(),
    };
    let tx = app.db.read(caller.scope()).await?;
    let rows = inventory::csrs(&tx, &filter, page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::try_convert(rows, csr)?))
}

/// Downloads a CSR in PEM.
#[utoipa::path(operation_id = "get_csr_pem", tag = "certificates", params(("id" = Uuid, Path, description = "The CSR")), responses((status = 200, description = "PEM", body = String, content_type = "application/x-pem-file")))]
#[get("/csrs/{id}.pem")]
pub(crate) async fn get_pem(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let row = inventory::get_csr(&tx, *id).await?;
    let name = file_name([&row.node_name, &row.csr.purpose]);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/x-pem-file"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csr\"")))
        .body(inventory::csr_pem(&row.csr)))
}

/// Reads a CSR.
#[utoipa::path(operation_id = "get_csr", tag = "certificates", params(("id" = Uuid, Path, description = "The CSR")), responses((status = 200, description = "The CSR", body = Csr)))]
#[get("/csrs/{id}")]
pub(crate) async fn get_csr(app: App, caller: Caller, id: web::Path<Uuid>) -> Reply<Csr> {
    let tx = app.db.read(caller.scope()).await?;
    Ok(web::Json(csr(inventory::get_csr(&tx, *id).await?)?))
}

/// What `details` of a row holds: see the room of certificates.
#[derive(Deserialize)]
struct Details {
    sans: Vec<(String, String)>,
    key: StoredKey,
}

#[derive(Deserialize)]
struct StoredKey {
    #[serde(rename = "type")]
    key_type: String,
    bits: Option<u32>,
}

fn csr(row: inventory::CsrRow) -> Result<Csr, Problem> {
    let pem = inventory::csr_pem(&row.csr);
    let csr = row.csr;
    let details: Details = page::stored_json(csr.details)?;
    Ok(Csr {
        id: csr.id,
        node: Named {
            id: csr.node_id,
            name: row.node_name,
        },
        cluster: Named {
            id: csr.cluster_id,
            name: row.cluster_name,
        },
        purpose: csr.purpose,
        state: page::stored(&csr.state)?,
        subject: csr.subject,
        common_name: csr.common_name,
        sans: details.sans,
        key: KeyFacts {
            key_type: details.key.key_type,
            bits: details.key.bits,
        },
        sha256: csr.sha256,
        spki_sha256: csr.spki_sha256,
        job_id: csr.job_id,
        created_at: csr.created_at,
        pem,
    })
}

impl From<CsrState> for inventory::CsrState {
    fn from(state: CsrState) -> Self {
        match state {
            CsrState::Open => Self::Open,
            CsrState::Answered => Self::Answered,
            CsrState::Replaced => Self::Replaced,
            CsrState::Gone => Self::Gone,
        }
    }
}

//! Plans: the dry run of an action.

use crate::error::{Problem, Reply};
use crate::installations::ActionName;
use crate::page::{Named, Page};
use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Asks what an action would do. The targets are named by `installations`, `nodes`, or `cluster_id`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreatePlan {
    /// The action.
    pub action: ActionName,
    /// Targets by installation.
    #[serde(default)]
    pub installations: Vec<Uuid>,
    /// Targets by node; `purpose` is needed unless the action is `refresh`.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub nodes: Vec<Uuid>,
    /// All nodes of a cluster.
    #[serde(default)]
    #[schema(example = json!(null))]
    pub cluster_id: Option<Uuid>,
    /// What the certificate is for, with `nodes` or `cluster_id`.
    #[serde(default)]
    #[schema(example = json!(null))]
    pub purpose: Option<String>,
    /// For `generate_csr`: what to ask for; what is left out is taken from the installed certificate.
    #[serde(default)]
    pub csr: Option<CsrWish>,
    /// For `upload_certificate`: the CSR that is answered; left out: the open one of the target.
    #[serde(default)]
    pub csr_id: Option<Uuid>,
    /// For `upload_certificate`: the certificate and its chain, PEM text or base64 of a DER or PKCS#7 file.
    #[serde(default)]
    #[schema(example = "-----BEGIN CERTIFICATE-----…")]
    pub certificate: Option<String>,
}

/// What a CSR is to ask for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CsrWish {
    /// Common name.
    #[serde(default)]
    #[schema(example = "cucm-n-1.example.org")]
    pub common_name: Option<String>,
    /// DNS names and IP addresses.
    #[serde(default)]
    #[schema(example = json!(["cucm-n-1.example.org"]))]
    pub names: Option<Vec<String>>,
    /// `RSA` or `EC`.
    #[serde(default)]
    #[schema(example = "RSA")]
    pub key_type: Option<String>,
    /// Bits of the modulus or the curve.
    #[serde(default)]
    #[schema(example = 3072)]
    pub key_bits: Option<u32>,
    /// `SHA256`, `SHA384` or `SHA512`.
    #[serde(default)]
    #[schema(example = "SHA256")]
    pub hash: Option<String>,
}

/// How far something can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Undo {
    /// The connector puts the former state back by itself when a later step fails.
    Automatic,
    /// The former state is kept and can be put back.
    RestorePrevious,
    /// It cannot.
    None,
}

/// What an action would do.
#[derive(Serialize, ToSchema)]
pub(crate) struct Plan {
    /// The plan.
    pub id: Uuid,
    /// The action.
    pub action: ActionName,
    /// Who asked.
    #[schema(example = "Ada Lovelace")]
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// It can be made a job until then.
    pub expires_at: DateTime<Utc>,
    /// The job that it became.
    #[schema(example = json!(null))]
    pub job_id: Option<Uuid>,
    /// Nodes that would be touched, at most 200; the rest by `/targets`.
    pub targets: Vec<PlanTarget>,
    /// How many would be touched.
    #[schema(example = 1)]
    pub target_count: i64,
    /// What to know before; `consent` says which need it.
    pub warnings: Vec<PlanWarning>,
    /// What cannot be done.
    pub refusals: Vec<PlanRefusal>,
    /// How many cannot be done.
    #[schema(example = 0)]
    pub refusal_count: i64,
    /// How far the whole can be undone: the least of all steps.
    pub undo: Undo,
}

/// What an action would do on one node.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlanTarget {
    /// The target.
    pub id: Uuid,
    /// The node.
    pub node: Named,
    /// Its cluster.
    pub cluster: Named,
    /// What the certificate is for.
    #[schema(example = "tomcat")]
    pub purpose: Option<String>,
    /// Waves run one after another.
    #[schema(example = 0)]
    pub wave: i32,
    /// Place in the plan, from 0.
    #[schema(example = 0)]
    pub order: i64,
    /// What is there.
    pub before: Option<Side>,
    /// What would be there.
    pub after: Option<Side>,
    /// What would be done, in order.
    pub steps: Vec<PlanStep>,
    /// What has to be restarted.
    #[schema(example = json!(["Cisco Tomcat"]))]
    pub restarts: Vec<String>,
    /// For people.
    #[schema(example = json!(null))]
    pub note: Option<String>,
}

/// One side of a change.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct Side {
    /// Common name.
    #[schema(example = "cucm-n-1.example.org")]
    pub common_name: Option<String>,
    /// Issuer, RFC 4514.
    #[schema(example = "CN=Example Issuing CA,O=Example")]
    pub issuer: Option<String>,
    /// Serial number, upper-case hex.
    #[schema(example = "01AB")]
    pub serial_hex: Option<String>,
    /// End.
    pub not_after: Option<DateTime<Utc>>,
    /// Public key, for instance `RSA 3072`.
    #[schema(example = "RSA 3072")]
    pub key: Option<String>,
    /// Names.
    #[schema(example = json!(["cucm-n-1.example.org"]))]
    pub names: Vec<String>,
    /// SHA-256 of the DER, lower-case hex.
    #[schema(example = "6a9c3c0f…")]
    pub sha256: Option<String>,
}

/// One step of a plan.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct PlanStep {
    /// `generate_csr`, `install_trust`, `install_identity`, `activate`, `verify`, `inventory`.
    #[schema(example = "install_identity")]
    pub step: String,
    /// How it is undone.
    pub rollback: Undo,
}

/// What to know before.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct PlanWarning {
    /// Stable code; what to send in `consent`.
    #[schema(example = "cannot_undo")]
    pub code: String,
    /// For people.
    #[schema(example = "the former certificate cannot be put back on Cisco UC nodes")]
    pub message: String,
    /// The job needs the code in `consent`.
    pub consent: bool,
    /// Name of the node that it is about; null for all.
    #[schema(example = json!(null))]
    pub node: Option<String>,
}

/// What cannot be done.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct PlanRefusal {
    /// Stable code.
    #[schema(example = "key_mismatch")]
    pub code: String,
    /// Why, and the way out.
    #[schema(example = "the certificate is for another key than the CSR")]
    pub message: String,
    /// Name of the node.
    #[schema(example = "cucm-n-1")]
    pub node: Option<String>,
    /// What the certificate is for.
    #[schema(example = "tomcat")]
    pub purpose: Option<String>,
}

/// Which targets.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListTargets {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// Asks what an action would do.
///
/// Nothing is changed. A plan lives an hour; `POST /api/v1/jobs` carries it out.
#[utoipa::path(operation_id = "create_plan", tag = "jobs", request_body = CreatePlan, responses((status = 201, description = "The plan", body = Plan)))]
#[post("/plans")]
pub(crate) async fn create_plan(_body: web::Json<CreatePlan>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Reads a plan.
#[utoipa::path(operation_id = "get_plan", tag = "jobs", params(("id" = Uuid, Path, description = "The plan")), responses((status = 200, description = "The plan", body = Plan)))]
#[get("/plans/{id}")]
pub(crate) async fn get_plan(_id: web::Path<Uuid>) -> Reply<Plan> {
    Err(Problem::not_yet())
}

/// Lists the targets of a plan.
#[utoipa::path(operation_id = "list_plan_targets", tag = "jobs", params(("id" = Uuid, Path, description = "The plan"), ListTargets), responses((status = 200, description = "Targets in order", body = Page<PlanTarget>)))]
#[get("/plans/{id}/targets")]
pub(crate) async fn list_targets(_id: web::Path<Uuid>, _query: web::Query<ListTargets>) -> Reply<Page<PlanTarget>> {
    Err(Problem::not_yet())
}

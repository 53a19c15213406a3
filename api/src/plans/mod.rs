//! Plans: the dry run of an action.

mod request;

pub(crate) use request::{CreatePlan, PlanOrder, file};

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::etag::created;
use crate::installations::ActionName;
use crate::page::{self, Named, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get, post, web};
use certyard_domain::{OrgTx, plans};
use certyard_protocol::{Rollback, StepKind};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How far something can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
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
    /// What the certificate is for, or the trust store.
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
    /// What would be asked of a CA.
    pub csr: Option<WantedCsr>,
    /// What would be done, in order.
    pub steps: Vec<PlanStep>,
    /// What has to be restarted.
    #[schema(example = json!(["Cisco Tomcat"]))]
    pub restarts: Vec<String>,
    /// How far it can be undone.
    pub undo: Option<Undo>,
    /// For people.
    #[schema(example = json!(null))]
    pub note: Option<String>,
}

/// What a CSR would ask for.
#[derive(Serialize, ToSchema)]
pub(crate) struct WantedCsr {
    /// Common name; empty: the node's own choice.
    #[schema(example = "cucm-n-1.example.org")]
    pub common_name: String,
    /// DNS names and IP addresses; empty: the node's own choice.
    #[schema(example = json!(["cucm-n-1.example.org"]))]
    pub names: Vec<String>,
    /// `RSA` or `EC`.
    #[schema(example = "RSA")]
    pub key_type: String,
    /// Bits.
    #[schema(example = 3072)]
    pub key_bits: u32,
    /// Hash of its signature.
    #[schema(example = "SHA256")]
    pub hash: String,
    /// It is for all nodes of the cluster, whose names the node adds by itself.
    #[schema(example = false)]
    pub multi_server: bool,
}

/// One side of a change.
#[derive(Serialize, ToSchema)]
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
    /// It is signed by its own key.
    pub self_signed: bool,
    /// Names.
    #[schema(example = json!(["cucm-n-1.example.org"]))]
    pub names: Vec<String>,
    /// SHA-256 of the DER, lower-case hex.
    #[schema(example = "6a9c3c0f…")]
    pub sha256: Option<String>,
}

/// One step of a plan.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlanStep {
    /// `generate_csr`, `delete_csr`, `install_trust`, `install_identity`, `regenerate`, `reuse_tomcat`, `delete_trust`,
    /// `restart_service`, `activate`, `verify`, `inventory`.
    #[schema(example = "install_identity")]
    pub step: String,
    /// How it is undone.
    pub rollback: Undo,
    /// What it does here.
    #[schema(example = "installs tomcat and its chain")]
    pub about: String,
}

/// What to know before.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlanWarning {
    /// Stable code; what to send in `consent`.
    #[schema(example = "cannot_undo")]
    pub code: String,
    /// For people.
    #[schema(example = "the former certificate cannot be put back on Cisco UC nodes")]
    pub message: String,
    /// The job needs the code in `consent`.
    pub consent: bool,
    /// How many targets it is about.
    #[schema(example = 3)]
    pub targets: i64,
}

/// What cannot be done.
#[derive(Serialize, ToSchema)]
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
pub(crate) async fn create_plan(app: App, caller: Caller, body: Json<CreatePlan>) -> Result<HttpResponse, Problem> {
    let plan = plans::create(&app.db, caller.scope(), body.0.request()?).await?;
    created_plan(&app, &caller, plan).await
}

/// The answer to whoever asked for a plan.
pub(crate) async fn created_plan(app: &App, caller: &Caller, plan: plans::Plan) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let location = format!("/api/v1/plans/{}", plan.id);
    Ok(created(location, with_targets(&tx, plan).await?))
}

/// Reads a plan.
#[utoipa::path(operation_id = "get_plan", tag = "jobs", params(("id" = Uuid, Path, description = "The plan")), responses((status = 200, description = "The plan", body = Plan)))]
#[get("/plans/{id}")]
pub(crate) async fn get_plan(app: App, caller: Caller, id: web::Path<Uuid>) -> Reply<Plan> {
    let tx = app.db.read(caller.scope()).await?;
    let plan = plans::get(&tx, *id).await?;
    Ok(web::Json(with_targets(&tx, plan).await?))
}

/// Lists the targets of a plan.
#[utoipa::path(operation_id = "list_plan_targets", tag = "jobs", params(("id" = Uuid, Path, description = "The plan"), ListTargets), responses((status = 200, description = "Targets in order", body = Page<PlanTarget>)))]
#[get("/plans/{id}/targets")]
pub(crate) async fn list_targets(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListTargets>,
) -> Reply<Page<PlanTarget>> {
    let limit = page::limit(query.limit)?;
    let tx = app.db.read(caller.scope()).await?;
    let rows = plans::targets(&tx, *id, workable(), page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::convert(rows, target)))
}

/// Targets and refusals that a plan shows at once.
const SHOWN: u64 = 200;

fn workable() -> plans::StoredTargetFilter {
    plans::StoredTargetFilter { refused: Some(false) }
}

/// A plan with the first of its targets.
pub(crate) async fn with_targets(tx: &OrgTx, plan: plans::Plan) -> Result<Plan, Problem> {
    let targets = plans::targets(tx, plan.id, workable(), None, SHOWN).await?.items;
    let refused = plans::StoredTargetFilter { refused: Some(true) };
    let refusals = plans::targets(tx, plan.id, refused, None, SHOWN).await?.items;
    let targets: Vec<PlanTarget> = targets.into_iter().map(target).collect();
    Ok(Plan {
        id: plan.id,
        action: page::stored(&plan.action)?,
        created_by: plan.created_by_name,
        created_at: plan.created_at,
        expires_at: plan.expires_at,
        job_id: plan.job_id,
        undo: targets
            .iter()
            .filter_map(|target| target.undo)
            .max()
            .unwrap_or(Undo::Automatic),
        targets,
        target_count: plan.targets,
        warnings: plan
            .warnings
            .into_iter()
            .map(|warning| PlanWarning {
                code: warning.code,
                message: warning.message,
                consent: warning.consent,
                targets: warning.targets,
            })
            .collect(),
        refusals: refusals
            .into_iter()
            .map(|target| PlanRefusal {
                code: target.refusal_code.unwrap_or_default(),
                message: target.refusal.unwrap_or_default(),
                node: Some(target.node_name),
                purpose: (!target.purpose.is_empty()).then_some(target.purpose),
            })
            .collect(),
        refusal_count: plan.refused,
    })
}

fn target(target: plans::Target) -> PlanTarget {
    let preview = target.preview;
    PlanTarget {
        id: target.id,
        node: Named {
            id: target.node_id,
            name: target.node_name,
        },
        cluster: Named {
            id: target.cluster_id,
            name: target.cluster_name,
        },
        purpose: (!target.purpose.is_empty()).then_some(target.purpose),
        wave: target.wave,
        order: target.position,
        before: preview.before.map(side),
        after: preview.after.map(side),
        csr: preview.csr.map(|csr| WantedCsr {
            common_name: csr.common_name,
            names: csr.names,
            key_type: csr.key_type,
            key_bits: csr.key_bits,
            hash: csr.hash,
            multi_server: csr.multi_server,
        }),
        steps: preview
            .steps
            .into_iter()
            .map(|step| PlanStep {
                step: StepKind::as_str(step.step).into(),
                rollback: step.rollback.into(),
                about: step.about,
            })
            .collect(),
        restarts: preview.restarts,
        undo: preview.undo.map(Into::into),
        note: (!preview.notes.is_empty()).then(|| preview.notes.join("; ")),
    }
}

fn side(brief: plans::CertificateBrief) -> Side {
    Side {
        common_name: (!brief.common_name.is_empty()).then_some(brief.common_name),
        issuer: Some(brief.issuer),
        serial_hex: Some(brief.serial_hex),
        not_after: Some(brief.not_after),
        self_signed: brief.self_signed,
        names: brief.names,
        sha256: Some(brief.sha256),
    }
}

impl From<Rollback> for Undo {
    fn from(rollback: Rollback) -> Self {
        match rollback {
            Rollback::Automatic => Self::Automatic,
            Rollback::RestorePrevious => Self::RestorePrevious,
            Rollback::None => Self::None,
        }
    }
}

//! Root changes: the certificate of a CA makes way for another, phase by phase.

mod rows;
mod view;

pub(crate) use rows::{CoverageRow, IdentityRow, export_coverage, export_identities, list_coverage, list_identities};
pub(crate) use view::{RootChange, RootChangeDetail, RootChangePhase, RootChangeScope, RootChangeState};

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::etag::{IfMatch, created, versioned};
use crate::list::{self, List, turn};
use crate::page::{self, Page};
use crate::plans::{self as plan_answers, Plan, PlanOrder, file};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get, patch, post, web};
use certyard_domain::{OrgTx, jobs, plans, root_changes};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Jobs that a root change shows at once.
const SHOWN_JOBS: u64 = 50;

/// Begins a root change. The new certificate is named by one of `new_certificate` and `new_certificate_id`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRootChange {
    /// Name; left out: made of the names of both certificates.
    #[serde(default)]
    #[schema(example = "Example Root CA → Example Root CA G2")]
    pub name: String,
    /// For people.
    #[serde(default)]
    #[schema(example = "change 4711")]
    pub note: String,
    /// The certificate of the CA that makes way; trust stores hold it.
    pub old_certificate_id: Uuid,
    /// The one that takes its place: PEM text, or base64 of a DER or PKCS#7 file with one certificate.
    #[serde(default)]
    #[schema(example = "-----BEGIN CERTIFICATE-----…")]
    pub new_certificate: Option<String>,
    /// The same, where it is known already.
    #[serde(default)]
    #[schema(example = json!(null))]
    pub new_certificate_id: Option<Uuid>,
    /// In which clusters; left out: in all.
    #[serde(default)]
    pub scope: RootChangeScope,
}

/// Changes a root change that is open; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateRootChange {
    /// New name.
    #[schema(example = "Example Root CA → Example Root CA G2")]
    pub name: Option<String>,
    /// New note.
    #[schema(example = "change 4711")]
    pub note: Option<String>,
    /// Other clusters.
    pub scope: Option<RootChangeScope>,
}

/// Asks for the plan of a phase.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanRootChange {
    /// The phase.
    pub phase: RootChangePhase,
    /// How the job proceeds.
    #[serde(default)]
    pub order: Option<PlanOrder>,
    /// Why the phase is begun although something is to be done before.
    #[serde(default)]
    #[schema(example = "")]
    pub override_reason: String,
}

/// Closes a root change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseRootChange {
    /// Why, where something is left to do.
    #[serde(default)]
    #[schema(example = "the CA keeps its root for another year")]
    pub reason: String,
}

/// Which root changes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListRootChanges {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// In any of these states; repeat it for more than one; left out: all.
    #[param(inline)]
    #[serde(default)]
    pub state: Vec<RootChangeState>,
    /// Part of the name.
    pub search: Option<String>,
}

impl List for ListRootChanges {
    type Of = ();
    type Row = RootChange;
    const NAME: &'static str = "root-changes";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<RootChange>, Problem> {
        let states: Vec<root_changes::State> = self.state.iter().copied().map(RootChangeState::wanted).collect();
        let search = self.search.as_deref();
        let rows = root_changes::list(tx, &states, search, page::cursor(&self.cursor)?, limit).await?;
        Ok(page::convert(rows, RootChange::of))
    }
}

/// Lists root changes.
#[utoipa::path(operation_id = "list_root_changes", tag = "root changes", params(ListRootChanges), responses((status = 200, description = "Root changes, the newest first", body = Page<RootChange>)))]
#[get("/root-changes")]
pub(crate) async fn list_root_changes(
    app: App,
    caller: Caller,
    query: Query<ListRootChanges>,
) -> Reply<Page<RootChange>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports root changes as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_root_changes", tag = "root changes", params(ListRootChanges), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/root-changes.csv")]
pub(crate) async fn export_root_changes(
    app: App,
    caller: Caller,
    query: Query<ListRootChanges>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

/// Begins a root change: one CA certificate makes way for another in the trust stores that hold it.
///
/// Nothing is changed on a node by it. The answer says what there is to do; each phase is then planned by
/// `POST /api/v1/root-changes/{id}/plans` and carried out as any plan. Needs a role that is bound to no group, as trust reaches beyond groups.
#[utoipa::path(operation_id = "create_root_change", tag = "root changes", request_body = CreateRootChange, responses((status = 201, description = "Begun", body = RootChangeDetail)))]
#[post("/root-changes")]
pub(crate) async fn create_root_change(
    app: App,
    caller: Caller,
    body: Json<CreateRootChange>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let new = match (body.new_certificate, body.new_certificate_id) {
        (Some(text), None) => root_changes::NewAuthority::File(file(text)),
        (None, Some(id)) => root_changes::NewAuthority::Known(id),
        (None, None) => {
            return Err(Problem::field(
                "new_certificate",
                "required",
                "send the certificate of the new CA, or name one that is known by `new_certificate_id`",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(Problem::field(
                "new_certificate",
                "ambiguous",
                "send the certificate of the new CA or name one that is known, not both",
            ));
        }
    };
    let wanted = root_changes::NewRootChange {
        name: body.name,
        note: body.note,
        old_certificate_id: body.old_certificate_id,
        new,
        within: body.scope.within(),
    };
    let change = root_changes::create(&app.db, caller.scope(), wanted).await?;
    let location = format!("/api/v1/root-changes/{}", change.id);
    let tx = app.db.read(caller.scope()).await?;
    Ok(created(location, detail(&tx, change).await?))
}

/// Reads a root change: what is done and open in each phase, what keeps a phase from beginning, and what comes next.
///
/// All numbers are those of the inventory at this moment.
#[utoipa::path(operation_id = "get_root_change", tag = "root changes", params(("id" = Uuid, Path, description = "The root change")), responses((status = 200, description = "The root change", body = RootChangeDetail, headers(("ETag" = String, description = "Version, for If-Match")))))]
#[get("/root-changes/{id}")]
pub(crate) async fn get_root_change(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let change = root_changes::get(&tx, *id).await?;
    Ok(versioned(change.version, detail(&tx, change).await?))
}

/// Changes name, note or scope of a root change that is open.
#[utoipa::path(operation_id = "update_root_change", tag = "root changes", params(("id" = Uuid, Path, description = "The root change"), ("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), request_body = UpdateRootChange, responses((status = 200, description = "Changed", body = RootChangeDetail)))]
#[patch("/root-changes/{id}")]
pub(crate) async fn update_root_change(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    condition: IfMatch,
    body: Json<UpdateRootChange>,
) -> Result<HttpResponse, Problem> {
    let update = root_changes::RootChangeUpdate {
        name: body.0.name,
        note: body.0.note,
        within: body.0.scope.map(RootChangeScope::within),
    };
    let tx = app.db.write(caller.scope()).await?;
    let change = root_changes::update(&tx, *id, condition.version()?, update).await?;
    tx.commit().await?;
    let tx = app.db.read(caller.scope()).await?;
    Ok(versioned(change.version, detail(&tx, change).await?))
}

/// Plans a phase of a root change: what is left to do of it, and nothing else.
///
/// The answer is an ordinary plan, which `POST /api/v1/jobs` carries out. A phase that must not begin yet is refused with the code in
/// `blocked_by`; with `override_reason` the plan has a warning instead that needs consent. Asked again, it plans only what is missing.
#[utoipa::path(operation_id = "plan_root_change", tag = "root changes", params(("id" = Uuid, Path, description = "The root change")), request_body = PlanRootChange, responses((status = 201, description = "The plan", body = Plan)))]
#[post("/root-changes/{id}/plans")]
pub(crate) async fn plan_root_change(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Json<PlanRootChange>,
) -> Result<HttpResponse, Problem> {
    let wanted = plans::PhaseRequest {
        phase: body.0.phase.wanted(),
        order: body.0.order.map(Into::into).unwrap_or_default(),
        override_reason: body.0.override_reason,
    };
    let plan = plans::plan_root_change(&app.db, caller.scope(), *id, wanted).await?;
    plan_answers::created_plan(&app, &caller, plan).await
}

/// Closes a root change: as completed where nothing is left to do, else as cancelled, which needs a reason.
///
/// What was done stays as it is: nothing is taken back.
#[utoipa::path(operation_id = "close_root_change", tag = "root changes", params(("id" = Uuid, Path, description = "The root change")), request_body = CloseRootChange, responses((status = 200, description = "Closed", body = RootChangeDetail)))]
#[post("/root-changes/{id}/close")]
pub(crate) async fn close_root_change(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Json<CloseRootChange>,
) -> Reply<RootChangeDetail> {
    let tx = app.db.write(caller.scope()).await?;
    let change = root_changes::close(&tx, *id, &body.0.reason).await?;
    tx.commit().await?;
    let tx = app.db.read(caller.scope()).await?;
    Ok(web::Json(detail(&tx, change).await?))
}

async fn detail(tx: &OrgTx, change: root_changes::RootChange) -> Result<RootChangeDetail, Problem> {
    let progress = root_changes::progress(tx, &change).await?;
    let cautions = change.cautions(tx).await?;
    let jobs = jobs::of_root_change(tx, change.id, SHOWN_JOBS).await?;
    RootChangeDetail::of(change, &progress, cautions, jobs)
}

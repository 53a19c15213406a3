//! What is left to do after a job.

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::page::{self, Named, Page};
use crate::plans::{Plan, PlanOrder, created_plan};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get, post, web};
use certyard_domain::jobs;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AftercareState {
    /// Somebody has still to do it, or to say that it is not needed.
    Open,
    /// Done: by the job itself, or as somebody said.
    Done,
    /// Somebody said that it is not needed here.
    Skipped,
}

/// What is left to do in a cluster after a job.
#[derive(Serialize, ToSchema)]
pub(crate) struct Aftercare {
    /// The cluster.
    pub cluster: Named,
    /// Its product.
    #[schema(example = "cucm")]
    pub product: String,
    /// Its version when the job was planned.
    #[schema(example = "14")]
    pub version: String,
    /// Items that are open.
    #[schema(example = 2)]
    pub open: usize,
    /// What there is to do, in order.
    pub items: Vec<AftercareItem>,
}

/// Something to do or to look at.
#[derive(Serialize, ToSchema)]
pub(crate) struct AftercareItem {
    /// The purpose or trust store.
    #[schema(example = "CallManager")]
    pub purpose: String,
    /// Its name in the list: `restart:Cisco Tomcat`, `ctl_update`.
    #[schema(example = "ctl_update")]
    pub item: String,
    /// The service that is restarted, where it is about one: the action `restart` does it.
    #[schema(example = json!(null))]
    pub service: Option<String>,
    /// What to do.
    #[schema(
        example = "in mixed mode: update the CTL file with `utils ctl update CTLFile` on the publisher, then reset the phones"
    )]
    pub text: String,
    /// The nodes where it has to be done.
    pub nodes: Vec<Named>,
    /// Where it stands.
    pub state: AftercareState,
    /// The job did it itself.
    #[schema(example = false)]
    pub by_job: bool,
    /// What was said with it.
    #[schema(example = "")]
    pub note: String,
    /// Who said so.
    #[schema(example = json!(null))]
    pub by: Option<String>,
    /// When.
    pub at: Option<DateTime<Utc>>,
}

/// What somebody says of an item.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmAftercare {
    /// The cluster.
    pub cluster_id: Uuid,
    /// The purpose or trust store.
    #[schema(example = "CallManager")]
    pub purpose: String,
    /// The item.
    #[schema(example = "ctl_update")]
    pub item: String,
    /// Where it stands; `open` takes back what was said.
    pub state: AftercareState,
    /// For people.
    #[serde(default)]
    #[schema(example = "change 4711")]
    pub note: String,
}

/// Which clusters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAftercare {
    /// Clusters on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// Which restarts of a checklist are planned. `{}` means all that are open.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestartAftercare {
    /// Clusters of the job, at most 500; empty: all.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub cluster_ids: Vec<Uuid>,
    /// How the job proceeds.
    #[serde(default)]
    pub order: Option<PlanOrder>,
}

/// Lists what is left to do after a job, cluster by cluster.
///
/// It follows from what the tasks of the job, of its retries and of the restarts made from the list have done on each node, and from product
/// and version. What a task restarted itself is done already.
#[utoipa::path(operation_id = "list_aftercare", tag = "jobs", params(("id" = Uuid, Path, description = "The job"), ListAftercare), responses((status = 200, description = "Clusters by name", body = Page<Aftercare>)))]
#[get("/jobs/{id}/aftercare")]
pub(crate) async fn list_aftercare(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListAftercare>,
) -> Reply<Page<Aftercare>> {
    let limit = page::limit(query.limit)?;
    let tx = app.db.read(caller.scope()).await?;
    let rows = jobs::aftercare(&tx, *id, page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::convert(rows, checklist)))
}

/// Says that something was done after a job, or is not needed.
///
/// Who said it and when is kept, and in the audit log.
#[utoipa::path(operation_id = "confirm_aftercare", tag = "jobs", params(("id" = Uuid, Path, description = "The job")), request_body = ConfirmAftercare, responses((status = 200, description = "The list of the cluster", body = Aftercare)))]
#[post("/jobs/{id}/aftercare")]
pub(crate) async fn confirm_aftercare(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Json<ConfirmAftercare>,
) -> Reply<Aftercare> {
    let said = jobs::Confirmation {
        cluster_id: body.0.cluster_id,
        purpose: body.0.purpose,
        item: body.0.item,
        state: match body.0.state {
            AftercareState::Open => jobs::CareState::Open,
            AftercareState::Done => jobs::CareState::Done,
            AftercareState::Skipped => jobs::CareState::Skipped,
        },
        note: body.0.note,
    };
    let tx = app.db.write(caller.scope()).await?;
    let list = jobs::confirm(&tx, *id, said).await?;
    tx.commit().await?;
    Ok(web::Json(checklist(list)))
}

/// Plans the restarts that are open in the checklist of a job.
///
/// On each node those that it needs, in the order of the catalogue; in each cluster one node after the other, the publisher first. The
/// plan lives an hour; what its job restarts is done in the checklist.
#[utoipa::path(operation_id = "restart_aftercare", tag = "jobs", params(("id" = Uuid, Path, description = "The job")), request_body = RestartAftercare, responses((status = 201, description = "The plan", body = Plan)))]
#[post("/jobs/{id}/aftercare/restarts")]
pub(crate) async fn restart_aftercare(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Json<RestartAftercare>,
) -> Result<HttpResponse, Problem> {
    let wanted = jobs::CareRestarts {
        clusters: body.0.cluster_ids,
        order: body.0.order.map(Into::into).unwrap_or_default(),
    };
    let plan = jobs::plan_restarts(&app.db, caller.scope(), *id, wanted).await?;
    created_plan(&app, &caller, plan).await
}

fn checklist(list: jobs::Checklist) -> Aftercare {
    let open = list
        .items
        .iter()
        .filter(|item| item.state == jobs::CareState::Open)
        .count();
    Aftercare {
        cluster: Named {
            id: list.cluster_id,
            name: list.cluster_name,
        },
        product: list.product,
        version: list.version,
        open,
        items: list.items.into_iter().map(item).collect(),
    }
}

fn item(item: jobs::CareItem) -> AftercareItem {
    AftercareItem {
        purpose: item.purpose,
        item: item.item,
        service: item.service,
        text: item.text,
        nodes: item.nodes.into_iter().map(|(id, name)| Named { id, name }).collect(),
        state: match item.state {
            jobs::CareState::Open => AftercareState::Open,
            jobs::CareState::Done => AftercareState::Done,
            jobs::CareState::Skipped => AftercareState::Skipped,
        },
        by_job: item.by_job,
        note: item.note,
        by: (!item.by_name.is_empty()).then_some(item.by_name),
        at: item.at,
    }
}

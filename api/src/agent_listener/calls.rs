//! The calls that answer at once.

use super::AgentCaller;
use crate::body::Json;
use crate::error::Problem;
use crate::state::App;
use actix_web::{HttpRequest, HttpResponse, get, post, put, web};
use certyard_domain::{agents, inventory, jobs};
use certyard_protocol::{
    Bundle, ClaimAnswer, ClaimRequest, EnrollRequest, InventoryAnswer, InventoryReport, LeaseAnswer, LeaseRequest,
    NodesAnswer, NodesRequest, RenewRequest, ResultAnswer, TaskResult,
};
use uuid::Uuid;

#[post("/enroll")]
pub(crate) async fn enroll(app: App, request: HttpRequest, body: Json<EnrollRequest>) -> Result<HttpResponse, Problem> {
    let address = request.peer_addr().map(|peer| peer.ip().to_canonical().to_string());
    let identity = agents::enroll(&app.db, &app.keys, &body.0, address).await?;
    Ok(HttpResponse::Created().json(identity))
}

#[post("/renew")]
pub(crate) async fn renew(app: App, agent: AgentCaller, body: Json<RenewRequest>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(agents::renew(&app.db, &app.keys, &agent.0, &body.0).await?))
}

#[get("/bundle")]
pub(crate) async fn bundle(app: App, agent: AgentCaller) -> Result<web::Json<Bundle>, Problem> {
    let bundle = app.keys.bundle(app.db.now().await?);
    app.bundle_told(agent.0.agent_id);
    Ok(web::Json(bundle))
}

#[post("/claim")]
pub(crate) async fn claim(
    app: App,
    agent: AgentCaller,
    body: Json<ClaimRequest>,
) -> Result<web::Json<ClaimAnswer>, Problem> {
    let tasks = jobs::claim(&app.db, &agent.0.scope(), &app.keys, body.0.max).await?;
    Ok(web::Json(ClaimAnswer { tasks }))
}

#[post("/tasks/{id}/lease")]
pub(crate) async fn lease(
    app: App,
    agent: AgentCaller,
    id: web::Path<Uuid>,
    body: Json<LeaseRequest>,
) -> Result<web::Json<LeaseAnswer>, Problem> {
    Ok(web::Json(jobs::lease(&app.db, &agent.0.scope(), *id, &body.0).await?))
}

#[post("/tasks/{id}/result")]
pub(crate) async fn result(
    app: App,
    agent: AgentCaller,
    id: web::Path<Uuid>,
    body: Json<TaskResult>,
) -> Result<web::Json<ResultAnswer>, Problem> {
    Ok(web::Json(jobs::report(&app.db, &agent.0.scope(), *id, &body.0).await?))
}

#[put("/nodes")]
pub(crate) async fn put_nodes(
    app: App,
    agent: AgentCaller,
    body: Json<NodesRequest>,
) -> Result<web::Json<NodesAnswer>, Problem> {
    let tx = app.db.write(&agent.0.scope()).await?;
    let answer = jobs::declare_nodes(&tx, agent.0.agent_id, &body.0).await?;
    tx.commit().await?;
    Ok(web::Json(answer))
}

#[put("/nodes/{id}/inventory")]
pub(crate) async fn put_inventory(
    app: App,
    agent: AgentCaller,
    id: web::Path<Uuid>,
    body: Json<InventoryReport>,
) -> Result<web::Json<InventoryAnswer>, Problem> {
    Ok(web::Json(inventory::report(&app.db, &agent.0, *id, body.0).await?))
}

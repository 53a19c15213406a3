//! The calls that answer at once.

use super::AgentCaller;
use crate::body::Json;
use crate::error::Problem;
use crate::state::App;
use actix_web::{HttpRequest, HttpResponse, get, post, put, web};
use certyard_domain::agents;
use certyard_protocol::{Bundle, ClaimRequest, EnrollRequest, InventoryReport, LeaseRequest, NodesAnswer, NodesRequest, RenewRequest, TaskResult};
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

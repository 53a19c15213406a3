//! Who signed in: `/me` and sessions.

use crate::error::{Problem, Reply};
use crate::page::{Named, Page};
use actix_web::{HttpResponse, delete, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What a role may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// All.
    Owner,
    /// All but the organisation itself and its owners.
    Admin,
    /// Plans, jobs, uploads, refresh.
    Operator,
    /// Reads.
    Viewer,
    /// Reads, audit and exports.
    Auditor,
}

/// Who asks, and what the dashboard has to know first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    /// `user` with a session, `token` with an API token.
    #[schema(example = "user")]
    pub kind: String,
    /// The person or program.
    pub user: MeUser,
    /// The organisation.
    pub organisation: Named,
    /// The role.
    pub role: Role,
    /// The groups that the role is bound to; null for all.
    pub groups: Option<Vec<Uuid>>,
    /// What the role allows: `read_fleet`, `operate`, `manage_fleet`, `read_people`, `manage_people`, `read_audit`, `manage_organisation`.
    #[schema(example = json!(["read_fleet", "operate"]))]
    pub permissions: Vec<String>,
    /// Version of the server.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// Address of the server for people.
    #[schema(example = "https://certyard.example.org")]
    pub public_url: String,
    /// Address of the server for agents.
    #[schema(example = "https://certyard.example.org:8443")]
    pub agent_url: String,
    /// Days before its end from which a certificate counts as expiring.
    #[schema(example = 60)]
    pub start_days: i32,
}

/// A person or program.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeUser {
    /// Membership or token; null for the bootstrap token.
    pub id: Option<Uuid>,
    /// Name.
    #[schema(example = "Ada Lovelace")]
    pub name: String,
    /// E-mail address of a person.
    #[schema(example = "ada@example.org")]
    pub email: Option<String>,
}

/// Signs a person in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInRequest {
    /// E-mail address.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// Password.
    #[schema(example = "correct horse battery staple")]
    pub password: String,
    /// The organisation, for whoever belongs to several; else the first.
    #[serde(default)]
    pub organisation_id: Option<Uuid>,
}

/// A session of the caller.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// The session.
    pub id: Uuid,
    /// It is the one that asks.
    pub current: bool,
    /// Address that it was begun from.
    #[schema(example = "203.0.113.7")]
    pub address: String,
    /// Browser.
    #[schema(example = "Mozilla/5.0")]
    pub user_agent: String,
    /// Begin.
    pub created_at: DateTime<Utc>,
    /// Last use, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// End at the latest.
    pub expires_at: DateTime<Utc>,
}

/// Which page of sessions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListSessions {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// Says who asks.
#[utoipa::path(operation_id = "get_me", tag = "people", responses((status = 200, description = "Who asks", body = Me)))]
#[get("/me")]
pub(crate) async fn get_me() -> Reply<Me> {
    Err(Problem::not_yet())
}

/// Signs a person in.
///
/// Sets the session cookie. Wrong addresses and wrong passwords get the same answer; too many tries are refused for a while.
#[utoipa::path(operation_id = "sign_in", tag = "people", request_body = SignInRequest, responses((status = 201, description = "Signed in; the session cookie is set", body = Me)))]
#[post("/sessions")]
pub(crate) async fn sign_in(_body: web::Json<SignInRequest>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Lists the caller's sessions.
#[utoipa::path(operation_id = "list_sessions", tag = "people", params(ListSessions), responses((status = 200, description = "Sessions, newest first", body = Page<Session>)))]
#[get("/sessions")]
pub(crate) async fn list_sessions(_query: web::Query<ListSessions>) -> Reply<Page<Session>> {
    Err(Problem::not_yet())
}

/// Says who the session belongs to.
#[utoipa::path(operation_id = "get_current_session", tag = "people", responses((status = 200, description = "Who asks", body = Me)))]
#[get("/sessions/current")]
pub(crate) async fn get_current_session() -> Reply<Me> {
    Err(Problem::not_yet())
}

/// Signs out.
///
/// Ends the session of the cookie on the server.
#[utoipa::path(operation_id = "sign_out", tag = "people", responses((status = 204, description = "Signed out")))]
#[delete("/sessions/current")]
pub(crate) async fn sign_out() -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Ends a session of the caller.
#[utoipa::path(operation_id = "end_session", tag = "people", params(("id" = Uuid, Path, description = "The session")), responses((status = 204, description = "Ended")))]
#[delete("/sessions/{id}")]
pub(crate) async fn end_session(_id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

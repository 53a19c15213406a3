//! Agents and the tokens that they join with, as people see them.

use crate::error::{Problem, Reply};
use crate::page::{Named, Page};
use actix_web::{HttpResponse, delete, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How an agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AgentStatus {
    /// Heard of within three minutes.
    Online,
    /// Not heard of.
    Offline,
    /// Locked out until it is let in again.
    Banned,
    /// Gone for good.
    Retired,
}

/// A program at the customer's site that reaches nodes.
#[derive(Serialize, ToSchema)]
pub(crate) struct Agent {
    /// The agent.
    pub id: Uuid,
    /// Name.
    #[schema(example = "agent-north")]
    pub name: String,
    /// How it is.
    pub status: AgentStatus,
    /// Last contact.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Version of the program.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// Host name.
    #[schema(example = "jump-1")]
    pub hostname: String,
    /// Operating system.
    #[schema(example = "Debian GNU/Linux 12")]
    pub os: String,
    /// Processor architecture.
    #[schema(example = "x86_64")]
    pub arch: String,
    /// Its group.
    pub group: Named,
    /// Nodes that it works for.
    #[schema(example = 3)]
    pub node_count: i64,
    /// End of its identity.
    pub not_after: DateTime<Utc>,
    /// Why it was banned.
    #[schema(example = json!(null))]
    pub ban_reason: Option<String>,
    /// When it joined.
    pub created_at: DateTime<Utc>,
}

/// Locks an agent out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BanAgent {
    /// Why, for people.
    #[schema(example = "its host was stolen")]
    pub reason: String,
}

/// Which agents.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAgents {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// A token that agents join with, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct JoinToken {
    /// The token.
    pub id: Uuid,
    /// Name.
    #[schema(example = "north rack 3")]
    pub name: String,
    /// Group of the agents that join with it.
    pub group: Named,
    /// Uses that are left.
    #[schema(example = 1)]
    pub uses_left: i32,
    /// End.
    pub expires_at: DateTime<Utc>,
    /// Who made it.
    #[schema(example = "Ada Lovelace")]
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was revoked.
    #[schema(example = json!(null))]
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A new join token with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewJoinToken {
    /// The token.
    pub id: Uuid,
    /// The secret.
    #[schema(example = "cyj_…")]
    pub token: String,
    /// End.
    pub expires_at: DateTime<Utc>,
    /// What to run on the agent's host.
    #[schema(example = "certyard-agent join --server https://certyard.example.org:8443 --token cyj_… --ca-pin …")]
    pub command: String,
}

/// Makes a join token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateJoinToken {
    /// Name, for people.
    #[serde(default)]
    #[schema(example = "north rack 3")]
    pub name: String,
    /// Group of the agents that join with it; left out: the organisation's first.
    #[serde(default)]
    pub group_id: Option<Uuid>,
    /// Uses, 1 to 1,000; left out: 1.
    #[serde(default)]
    #[schema(example = 1)]
    pub uses: Option<u32>,
    /// Seconds that it lives, 60 to 604,800; left out: 3,600.
    #[serde(default)]
    #[schema(example = 3600)]
    pub ttl_seconds: Option<u32>,
}

/// Which join tokens.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListJoinTokens {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// Lists agents.
#[utoipa::path(operation_id = "list_agents", tag = "agents", params(ListAgents), responses((status = 200, description = "Agents by name", body = Page<Agent>)))]
#[get("/agents")]
pub(crate) async fn list_agents(_query: web::Query<ListAgents>) -> Reply<Page<Agent>> {
    Err(Problem::not_yet())
}

/// Reads an agent.
#[utoipa::path(operation_id = "get_agent", tag = "agents", params(("id" = Uuid, Path, description = "The agent")), responses((status = 200, description = "The agent", body = Agent)))]
#[get("/agents/{id}")]
pub(crate) async fn get_agent(_id: web::Path<Uuid>) -> Reply<Agent> {
    Err(Problem::not_yet())
}

/// Locks an agent out.
///
/// Takes effect at its next request; what it reports from then on is refused.
#[utoipa::path(operation_id = "ban_agent", tag = "agents", params(("id" = Uuid, Path, description = "The agent")), request_body = BanAgent, responses((status = 200, description = "Locked out", body = Agent)))]
#[post("/agents/{id}/ban")]
pub(crate) async fn ban_agent(_id: web::Path<Uuid>, _body: web::Json<BanAgent>) -> Reply<Agent> {
    Err(Problem::not_yet())
}

/// Lets a banned agent in again.
#[utoipa::path(operation_id = "unban_agent", tag = "agents", params(("id" = Uuid, Path, description = "The agent")), responses((status = 200, description = "Let in", body = Agent)))]
#[post("/agents/{id}/unban")]
pub(crate) async fn unban_agent(_id: web::Path<Uuid>) -> Reply<Agent> {
    Err(Problem::not_yet())
}

/// Retires an agent for good.
#[utoipa::path(operation_id = "retire_agent", tag = "agents", params(("id" = Uuid, Path, description = "The agent")), responses((status = 204, description = "Retired")))]
#[delete("/agents/{id}")]
pub(crate) async fn retire_agent(_id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Lists join tokens.
#[utoipa::path(operation_id = "list_join_tokens", tag = "agents", params(ListJoinTokens), responses((status = 200, description = "Join tokens, newest first", body = Page<JoinToken>)))]
#[get("/join-tokens")]
pub(crate) async fn list_join_tokens(_query: web::Query<ListJoinTokens>) -> Reply<Page<JoinToken>> {
    Err(Problem::not_yet())
}

/// Makes a join token.
///
/// The secret is in this answer and never again.
#[utoipa::path(operation_id = "create_join_token", tag = "agents", request_body = CreateJoinToken, responses((status = 201, description = "Made", body = NewJoinToken)))]
#[post("/join-tokens")]
pub(crate) async fn create_join_token(_body: web::Json<CreateJoinToken>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Revokes a join token.
#[utoipa::path(operation_id = "revoke_join_token", tag = "agents", params(("id" = Uuid, Path, description = "The token")), responses((status = 204, description = "Revoked")))]
#[delete("/join-tokens/{id}")]
pub(crate) async fn revoke_join_token(_id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

//! Agents and the tokens that they join with, as people see them.

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::list::{self, List, turn};
use crate::page::{self, Named, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, delete, get, post, web};
use certyard_domain::{OrgTx, agents, clusters, jobs};
use chrono::{DateTime, TimeDelta, Utc};
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
    /// Since when two programs have been seen that use its identity, which only a copy of its data folder explains: ban it, or
    /// retire it and let it join anew. Banning it and letting it in again ends the alarm.
    #[schema(example = json!(null))]
    pub cloned_at: Option<DateTime<Utc>>,
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
    /// Part of the name or host name.
    pub search: Option<String>,
    /// Any of these; repeat it for more than one. Left out: all but retired.
    #[param(inline)]
    #[serde(default)]
    pub status: Vec<AgentStatus>,
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
    /// An agent can still join with it.
    pub usable: bool,
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
    #[schema(example = "certyard-agent join --url https://certyard.example.org:8443 --token cyj_…")]
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
    /// Seconds that it lives, 60 to 2,592,000; left out: 3,600.
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

fn wanted(status: &AgentStatus) -> agents::AgentStatus {
    match status {
        AgentStatus::Online => agents::AgentStatus::Online,
        AgentStatus::Offline => agents::AgentStatus::Offline,
        AgentStatus::Banned => agents::AgentStatus::Banned,
        AgentStatus::Retired => agents::AgentStatus::Retired,
    }
}

impl List for ListAgents {
    type Of = ();
    type Row = Agent;
    const NAME: &'static str = "agents";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<Agent>, Problem> {
        let filter = agents::AgentFilter {
            search: self.search.clone(),
            statuses: self.status.iter().map(wanted).collect(),
            ..Default::default()
        };
        let rows = agents::list(tx, &filter, page::cursor(&self.cursor)?, limit).await?;
        Ok(page::convert(rows, agent))
    }
}

/// Lists agents.
#[utoipa::path(operation_id = "list_agents", tag = "agents", params(ListAgents), responses((status = 200, description = "Agents by name", body = Page<Agent>)))]
#[get("/agents")]
pub(crate) async fn list_agents(app: App, caller: Caller, query: Query<ListAgents>) -> Reply<Page<Agent>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports agents as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_agents", tag = "agents", params(ListAgents), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/agents.csv")]
pub(crate) async fn export_agents(app: App, caller: Caller, query: Query<ListAgents>) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

/// Reads an agent.
#[utoipa::path(operation_id = "get_agent", tag = "agents", params(("id" = Uuid, Path, description = "The agent")), responses((status = 200, description = "The agent", body = Agent)))]
#[get("/agents/{id}")]
pub(crate) async fn get_agent(app: App, caller: Caller, id: web::Path<Uuid>) -> Reply<Agent> {
    let tx = app.db.read(caller.scope()).await?;
    Ok(web::Json(agent(agents::get(&tx, *id).await?)))
}

/// Locks an agent out.
///
/// Takes effect at its next request; what it reports from then on is refused. Tasks of its nodes are left to their other agent.
#[utoipa::path(operation_id = "ban_agent", tag = "agents", params(("id" = Uuid, Path, description = "The agent")), request_body = BanAgent, responses((status = 200, description = "Locked out", body = Agent)))]
#[post("/agents/{id}/ban")]
pub(crate) async fn ban_agent(app: App, caller: Caller, id: web::Path<Uuid>, body: Json<BanAgent>) -> Reply<Agent> {
    let tx = app.db.write(caller.scope()).await?;
    let row = jobs::ban_agent(&tx, *id, &body.0.reason).await?;
    tx.commit().await?;
    Ok(web::Json(agent(row)))
}

/// Lets a banned agent in again.
#[utoipa::path(operation_id = "unban_agent", tag = "agents", params(("id" = Uuid, Path, description = "The agent")), responses((status = 200, description = "Let in", body = Agent)))]
#[post("/agents/{id}/unban")]
pub(crate) async fn unban_agent(app: App, caller: Caller, id: web::Path<Uuid>) -> Reply<Agent> {
    let tx = app.db.write(caller.scope()).await?;
    let row = jobs::unban_agent(&tx, *id).await?;
    tx.commit().await?;
    Ok(web::Json(agent(row)))
}

/// Retires an agent for good.
///
/// Tasks of its nodes are left to their other agent, or wait for a new one until their deadline.
#[utoipa::path(operation_id = "retire_agent", tag = "agents", params(("id" = Uuid, Path, description = "The agent")), responses((status = 204, description = "Retired")))]
#[delete("/agents/{id}")]
pub(crate) async fn retire_agent(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    jobs::retire_agent(&tx, *id).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists join tokens.
#[utoipa::path(operation_id = "list_join_tokens", tag = "agents", params(ListJoinTokens), responses((status = 200, description = "Join tokens, newest first", body = Page<JoinToken>)))]
#[get("/join-tokens")]
pub(crate) async fn list_join_tokens(app: App, caller: Caller, query: Query<ListJoinTokens>) -> Reply<Page<JoinToken>> {
    let limit = page::limit(query.limit)?;
    let tx = app.db.read(caller.scope()).await?;
    let rows = agents::list_join_tokens(&tx, page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::convert(rows, join_token)))
}

/// Makes a join token.
///
/// The secret is in this answer and never again.
#[utoipa::path(operation_id = "create_join_token", tag = "agents", request_body = CreateJoinToken, responses((status = 201, description = "Made", body = NewJoinToken)))]
#[post("/join-tokens")]
pub(crate) async fn create_join_token(
    app: App,
    caller: Caller,
    body: Json<CreateJoinToken>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let tx = app.db.write(caller.scope()).await?;
    let new = agents::NewJoinToken {
        group_id: clusters::group_or_first(&tx, body.group_id).await?,
        name: if body.name.trim().is_empty() {
            "join token".into()
        } else {
            body.name
        },
        uses: body.uses.map(|uses| i32::try_from(uses).unwrap_or(i32::MAX)),
        lifetime: body.ttl_seconds.map(|seconds| TimeDelta::seconds(seconds.into())),
        ca_sha256: Some(app.keys.agent_ca().certificate().sha256_hex()),
    };
    let (row, token) = agents::create_join_token(&tx, new).await?;
    tx.commit().await?;
    let command = format!("certyard-agent join --url {} --token {token}", app.agent_url);
    Ok(HttpResponse::Created().json(NewJoinToken {
        id: row.token.id,
        token,
        expires_at: row.token.expires_at,
        command,
    }))
}

/// Revokes a join token.
#[utoipa::path(operation_id = "revoke_join_token", tag = "agents", params(("id" = Uuid, Path, description = "The token")), responses((status = 204, description = "Revoked")))]
#[delete("/join-tokens/{id}")]
pub(crate) async fn revoke_join_token(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    agents::revoke_join_token(&tx, *id).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

fn agent(row: agents::AgentRow) -> Agent {
    let agent = row.agent;
    Agent {
        id: agent.id,
        name: agent.name,
        status: match row.status {
            agents::AgentStatus::Online => AgentStatus::Online,
            agents::AgentStatus::Offline => AgentStatus::Offline,
            agents::AgentStatus::Banned => AgentStatus::Banned,
            agents::AgentStatus::Retired => AgentStatus::Retired,
        },
        last_seen_at: agent.last_seen_at,
        version: agent.program_version,
        hostname: agent.hostname,
        os: agent.os,
        arch: agent.arch,
        group: Named {
            id: agent.group_id,
            name: row.group_name,
        },
        node_count: row.nodes,
        not_after: agent.identity_not_after,
        cloned_at: agent.cloned_at,
        ban_reason: agent.ban_reason,
        created_at: agent.created_at,
    }
}

fn join_token(row: agents::JoinTokenRow) -> JoinToken {
    JoinToken {
        id: row.token.id,
        name: row.token.name,
        group: Named {
            id: row.token.group_id,
            name: row.group_name,
        },
        usable: row.usable,
        uses_left: row.token.uses_left,
        expires_at: row.token.expires_at,
        created_by: row.token.created_by_name,
        created_at: row.token.created_at,
        revoked_at: row.token.revoked_at,
    }
}

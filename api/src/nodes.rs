//! Nodes.

use crate::error::{Problem, Reply};
use crate::page::Page;
use actix_web::{HttpResponse, delete, get, patch, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NodeStatus {
    /// It was read well.
    Ok,
    /// It has not been read yet.
    Waiting,
    /// The last reading failed.
    Unreachable,
    /// The agent has no credentials for it.
    CredentialsMissing,
    /// No agent works for it.
    NoAgent,
}

/// Place of a node in its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NodeRole {
    /// The first node.
    Publisher,
    /// A further node.
    Subscriber,
    /// It stands alone.
    Standalone,
}

/// Driver of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Connector {
    /// Cisco UC nodes from release 14.
    CiscoUc,
    /// nginx on the agent's own host.
    Nginx,
}

/// One host of a cluster.
#[derive(Serialize, ToSchema)]
pub(crate) struct Node {
    /// The node.
    pub id: Uuid,
    /// Its cluster.
    pub cluster_id: Uuid,
    /// Name.
    #[schema(example = "cucm-n-1")]
    pub name: String,
    /// Host and port where the agent reaches it.
    #[schema(example = "cucm-n-1.example.org:443")]
    pub address: String,
    /// Role.
    pub role: NodeRole,
    /// Driver.
    pub connector: Connector,
    /// How it is.
    pub status: NodeStatus,
    /// Why the last reading failed.
    #[schema(example = json!(null))]
    pub error: Option<Fault>,
    /// The agent that works for it.
    pub agent: Option<NodeAgent>,
    /// The agent that steps in.
    #[schema(example = json!(null))]
    pub second_agent_id: Option<Uuid>,
    /// Last good reading.
    pub inventory_at: Option<DateTime<Utc>>,
    /// Version that the node says it runs.
    #[schema(example = "15.0.1")]
    pub version: Option<String>,
    /// Rises with each change; also the ETag.
    #[schema(example = 1)]
    pub revision: i64,
    /// When it was entered.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// Why something failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Fault {
    /// Stable code.
    #[schema(example = "node_unreachable")]
    pub code: String,
    /// For people.
    #[schema(example = "the node does not answer on port 443")]
    pub message: String,
}

/// The agent of a node.
#[derive(Serialize, ToSchema)]
pub(crate) struct NodeAgent {
    /// The agent.
    pub id: Uuid,
    /// Its name.
    #[schema(example = "agent-north")]
    pub name: String,
    /// It was heard of within three minutes.
    pub online: bool,
}

/// Adds a node.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateNode {
    /// Name, its host name as a rule; unique in the cluster.
    #[schema(example = "cucm-n-1")]
    pub name: String,
    /// Host and port where the agent reaches it.
    #[schema(example = "cucm-n-1.example.org:443")]
    pub address: String,
    /// Role.
    pub role: NodeRole,
    /// Driver.
    pub connector: Connector,
    /// The agent that works for it.
    #[serde(default)]
    pub agent_id: Option<Uuid>,
    /// The agent that steps in.
    #[serde(default)]
    pub second_agent_id: Option<Uuid>,
}

/// Changes a node; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateNode {
    /// New name.
    #[schema(example = "cucm-n-1")]
    pub name: Option<String>,
    /// New address.
    #[schema(example = "cucm-n-1.example.org:443")]
    pub address: Option<String>,
    /// New role.
    pub role: Option<NodeRole>,
    /// New agent; null for none.
    #[serde(default, deserialize_with = "crate::body::present")]
    #[schema(value_type = Option<Uuid>)]
    pub agent_id: Option<Option<Uuid>>,
    /// New second agent; null for none.
    #[serde(default, deserialize_with = "crate::body::present")]
    #[schema(value_type = Option<Uuid>)]
    pub second_agent_id: Option<Option<Uuid>>,
}

/// Which nodes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListNodes {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Only this cluster.
    pub cluster_id: Option<Uuid>,
    /// Only what this agent works for.
    pub agent_id: Option<Uuid>,
}

/// Lists nodes.
#[utoipa::path(operation_id = "list_nodes", tag = "fleet", params(ListNodes), responses((status = 200, description = "Nodes", body = Page<Node>)))]
#[get("/nodes")]
pub(crate) async fn list_nodes(_query: web::Query<ListNodes>) -> Reply<Page<Node>> {
    Err(Problem::not_yet())
}

/// Reads a node.
#[utoipa::path(operation_id = "get_node", tag = "fleet", params(("id" = Uuid, Path, description = "The node")), responses((status = 200, description = "The node", body = Node, headers(("ETag" = String, description = "Version, for If-Match")))))]
#[get("/nodes/{id}")]
pub(crate) async fn get_node(_id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Changes a node.
#[utoipa::path(operation_id = "update_node", tag = "fleet", params(("id" = Uuid, Path, description = "The node"), ("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), request_body = UpdateNode, responses((status = 200, description = "Changed", body = Node)))]
#[patch("/nodes/{id}")]
pub(crate) async fn update_node(_id: web::Path<Uuid>, _body: web::Json<UpdateNode>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Retires a node.
///
/// Nothing is changed on it; history stays.
#[utoipa::path(operation_id = "retire_node", tag = "fleet", params(("id" = Uuid, Path, description = "The node")), responses((status = 204, description = "Retired")))]
#[delete("/nodes/{id}")]
pub(crate) async fn retire_node(_id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

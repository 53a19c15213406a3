//! Nodes.

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::etag::{IfMatch, versioned};
use crate::list::{self, List, turn};
use crate::page::{self, Named, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, delete, get, patch, web};
use certyard_domain::{OrgTx, agents, inventory, jobs, nodes};
use certyard_protocol::ConnectorKind;
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
    /// It was read, but for some certificates that could not be understood.
    Attention,
    /// It has not been read yet.
    Waiting,
    /// The last reading failed.
    Unreachable,
    /// None of its agents is there.
    AgentOffline,
    /// The agent has no credentials for it.
    CredentialsMissing,
    /// No agent works for it.
    NoAgent,
    /// It is out of use.
    Retired,
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
    /// Cisco UC nodes of any release, by their command line.
    CiscoCli,
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
    /// Its cluster.
    pub cluster: Named,
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
    /// Part of the name or address.
    pub search: Option<String>,
}

impl List for ListNodes {
    type Of = ();
    type Row = Node;
    const NAME: &'static str = "nodes";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<Node>, Problem> {
        let filter = nodes::NodeFilter {
            cluster_id: self.cluster_id,
            agent_id: self.agent_id,
            search: self.search.clone(),
        };
        let rows = nodes::list(tx, &filter, page::cursor(&self.cursor)?, limit).await?;
        page::try_convert(rows, node)
    }
}

/// Lists nodes.
#[utoipa::path(operation_id = "list_nodes", tag = "fleet", params(ListNodes), responses((status = 200, description = "Nodes", body = Page<Node>)))]
#[get("/nodes")]
pub(crate) async fn list_nodes(app: App, caller: Caller, query: Query<ListNodes>) -> Reply<Page<Node>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports nodes as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_nodes", tag = "fleet", params(ListNodes), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/nodes.csv")]
pub(crate) async fn export_nodes(app: App, caller: Caller, query: Query<ListNodes>) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

/// Reads a node.
#[utoipa::path(operation_id = "get_node", tag = "fleet", params(("id" = Uuid, Path, description = "The node")), responses((status = 200, description = "The node", body = Node, headers(("ETag" = String, description = "Version, for If-Match")))))]
#[get("/nodes/{id}")]
pub(crate) async fn get_node(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let row = nodes::get(&tx, *id).await?;
    Ok(versioned(row.node.version, node(row)?))
}

/// Changes a node.
#[utoipa::path(operation_id = "update_node", tag = "fleet", params(("id" = Uuid, Path, description = "The node"), ("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), request_body = UpdateNode, responses((status = 200, description = "Changed", body = Node)))]
#[patch("/nodes/{id}")]
pub(crate) async fn update_node(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    condition: IfMatch,
    body: Json<UpdateNode>,
) -> Result<HttpResponse, Problem> {
    let change = nodes::NodeChange {
        name: body.0.name,
        address: body.0.address,
        role: body.0.role.map(|role| role.as_str().into()),
        agent_id: body.0.agent_id,
        second_agent_id: body.0.second_agent_id,
    };
    let tx = app.db.write(caller.scope()).await?;
    let row = jobs::update_node(&tx, *id, condition.version()?, change).await?;
    tx.commit().await?;
    inventory::settle_after_change(&app.db, caller.scope()).await;
    Ok(versioned(row.node.version, node(row)?))
}

/// Retires a node.
///
/// Nothing is changed on it. Its certificates leave the lists and their history stays. Its tasks that have not begun are cancelled, and what runs is asked
/// to stop where it is safe.
#[utoipa::path(operation_id = "retire_node", tag = "fleet", params(("id" = Uuid, Path, description = "The node")), responses((status = 204, description = "Retired")))]
#[delete("/nodes/{id}")]
pub(crate) async fn retire_node(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    condition: IfMatch,
) -> Result<HttpResponse, Problem> {
    jobs::retire_node(&app.db, caller.scope(), *id, condition.version()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl NodeRole {
    fn as_str(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Subscriber => "subscriber",
            Self::Standalone => "standalone",
        }
    }
}

impl From<Connector> for ConnectorKind {
    fn from(connector: Connector) -> Self {
        match connector {
            Connector::CiscoUc => Self::CiscoUc,
            Connector::CiscoCli => Self::CiscoCli,
            Connector::Nginx => Self::Nginx,
        }
    }
}

impl CreateNode {
    /// The node to enter in a cluster.
    pub(crate) fn within(self, cluster_id: Uuid) -> nodes::NewNode {
        nodes::NewNode {
            cluster_id,
            name: self.name,
            address: self.address,
            role: self.role.as_str().into(),
            connector: self.connector.into(),
            agent_id: self.agent_id,
            second_agent_id: self.second_agent_id,
        }
    }
}

/// A node as the API shows it.
pub(crate) fn node(row: nodes::NodeRow) -> Result<Node, Problem> {
    let node = row.node;
    Ok(Node {
        id: node.id,
        cluster_id: row.cluster.id,
        cluster: Named {
            id: row.cluster.id,
            name: row.cluster.name,
        },
        name: node.name,
        address: node.address,
        role: page::stored(&node.role)?,
        connector: page::stored(&node.connector)?,
        status: page::stored(row.status.as_str())?,
        error: node.fault_code.map(|code| Fault {
            code,
            message: node.fault_message.unwrap_or_default(),
        }),
        agent: row.agent.map(|agent| NodeAgent {
            id: agent.id,
            name: agent.name,
            online: agent.status == agents::AgentStatus::Online,
        }),
        second_agent_id: node.second_agent_id,
        inventory_at: node.inventory_at,
        version: node.reported_version,
        revision: node.version,
        created_at: node.created_at,
        updated_at: node.updated_at,
    })
}

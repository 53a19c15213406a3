//! What agents say of nodes, and what they are told.

use super::edit::{NewNode, check, check_connector, insert, record, told, write};
use super::list::works_for;
use super::{Node, entity};
use crate::agents;
use crate::clusters::{self, Cluster, NewCluster};
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result};
use crate::fields::Fields;
use certyard_protocol::{ConnectorKind, NodeAssignment, NodeDeclaration, NodesAnswer, NodesRequest, Refused};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use std::collections::HashSet;
use uuid::Uuid;

/// Declarations that are taken at once; an agent has a site, not a fleet.
const MAX_DECLARED: usize = 5000;

/// Takes the nodes that were entered on an agent, and for which nodes it holds credentials; answers all that it works for.
/// A cluster that does not exist is made in the agent's group, switched on: whoever gave the agent the credentials wants
/// it managed. What is refused is told with the reason; the rest is taken.
///
/// # Errors
/// [`Error::Forbidden`] for anyone but the agent itself; [`Error::Invalid`] for too many declarations.
pub async fn declare(tx: &OrgTx, agent_id: Uuid, request: &NodesRequest) -> Result<NodesAnswer> {
    agents::require_self(tx.scope(), agent_id)?;
    if request.declared.len() > MAX_DECLARED {
        return Err(Error::field(
            "declared",
            "too_many",
            format!("at most {MAX_DECLARED} nodes for an agent"),
        ));
    }
    let agent = agents::find_active(tx, agent_id).await?.ok_or_else(agents::not_found)?;
    let mut refused = Vec::new();
    let mut ready: HashSet<Uuid> = request.ready.iter().copied().collect();
    let mut declared: Vec<&NodeDeclaration> = request.declared.iter().collect();
    // In one order, so that two agents of a cluster cannot wait for each other.
    declared.sort_by(|a, b| (&a.cluster, &a.name).cmp(&(&b.cluster, &b.name)));
    for declaration in declared {
        match take(tx, &agent, declaration).await {
            Ok(node) => {
                ready.insert(node);
            }
            Err(Refusal::Reason(reason)) => refused.push(Refused {
                name: declaration.name.clone(),
                reason,
            }),
            Err(Refusal::Fault(error)) => return Err(error),
        }
    }
    mark_ready(tx, agent_id, &ready).await?;
    // Before the list is read: whoever changes it from here on waits for this row, and counts the change again.
    agents::nodes_are_told(tx, agent_id).await?;
    Ok(NodesAnswer {
        nodes: assigned(tx, agent_id).await?,
        refused,
    })
}

enum Refusal {
    /// In the user's words.
    Reason(String),
    /// The database, or a fault of ours.
    Fault(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            // PostgreSQL takes no further statement after it.
            Error::Invalid(fields) if fields.iter().any(|field| field.code == "taken") => Self::Fault(Error::conflict(
                "entered_twice",
                "another agent enters the same cluster or node right now: try again",
            )),
            Error::Invalid(_) | Error::Refused { .. } | Error::Conflict { .. } | Error::NotFound { .. } => {
                Self::Reason(error.to_string())
            }
            Error::Unauthenticated { .. }
            | Error::Forbidden { .. }
            | Error::Throttled { .. }
            | Error::Gone { .. }
            | Error::Unavailable { .. }
            | Error::Internal { .. } => Self::Fault(error),
        }
    }
}

async fn take(tx: &OrgTx, agent: &agents::Agent, declaration: &NodeDeclaration) -> Result<Uuid, Refusal> {
    let cluster = cluster_of(tx, agent, declaration).await?;
    let mut fields = Fields::default();
    let (name, address) = check(
        &mut fields,
        &cluster,
        &declaration.name,
        &declaration.address,
        &declaration.role,
    );
    check_connector(&mut fields, &cluster, declaration.connector);
    fields.finish()?;
    use entity::{Column, Entity};
    let present = tx
        .find::<Entity>()
        .filter(Column::ClusterId.eq(cluster.id))
        .filter(Column::Name.eq(name.as_str()))
        .filter(Column::RetiredAt.is_null())
        .one(tx)
        .await
        .map_err(Error::from)?;
    let Some(node) = present else {
        refuse_retired(tx, agent, &cluster, &name).await?;
        let new = NewNode {
            cluster_id: cluster.id,
            name,
            address,
            role: declaration.role.clone(),
            connector: declaration.connector,
            agent_id: Some(agent.id),
            second_agent_id: None,
        };
        return Ok(insert(tx, new, true).await?.id);
    };
    if node.second_agent_id == Some(agent.id) {
        return Ok(node.id);
    }
    if let Some(other) = node.agent_id.filter(|other| *other != agent.id)
        && let Some(other) = agents::find_active(tx, other).await?
    {
        return Err(Refusal::Reason(format!(
            "the node `{}` of the cluster `{}` belongs to the agent `{}`: make this one its second agent on the page of the node",
            node.name, cluster.name, other.name
        )));
    }
    let mut wanted = node.clone();
    wanted.address = address;
    wanted.role = declaration.role.clone();
    wanted.connector = declaration.connector.as_str().into();
    wanted.agent_id = Some(agent.id);
    wanted.ready = true;
    if told(&wanted) != told(&node) {
        write(tx, &wanted, node.version).await?;
        record(tx, "node.update", &node, Some(told(&node)), Some(told(&wanted))).await?;
    }
    Ok(node.id)
}

/// What was retired on the server does not come back because an agent still holds it.
async fn refuse_retired(tx: &OrgTx, agent: &agents::Agent, cluster: &Cluster, name: &str) -> Result<(), Refusal> {
    use entity::{Column, Entity};
    let retired = tx
        .find::<Entity>()
        .filter(Column::ClusterId.eq(cluster.id))
        .filter(Column::Name.eq(name))
        .filter(Column::AgentId.eq(agent.id))
        .filter(Column::RetiredAt.is_not_null())
        .one(tx)
        .await
        .map_err(Error::from)?;
    match retired {
        None => Ok(()),
        Some(_) => Err(Refusal::Reason(format!(
            "the node `{name}` of the cluster `{}` was retired on the server: remove it here with `certyard-agent node remove {name}`, \
             or enter it again on the page of its cluster",
            cluster.name
        ))),
    }
}

async fn cluster_of(tx: &OrgTx, agent: &agents::Agent, declaration: &NodeDeclaration) -> Result<Cluster, Refusal> {
    let Some(cluster) = clusters::by_name(tx, declaration.cluster.trim()).await? else {
        let new = NewCluster {
            group_id: agent.group_id,
            name: declaration.cluster.clone(),
            product: declaration.product.clone(),
            product_version: declaration.version.clone(),
            enabled: true,
            description: String::new(),
        };
        return Ok(clusters::insert_cluster(tx, new).await?);
    };
    if cluster.group_id != agent.group_id {
        return Err(Refusal::Reason(format!(
            "the cluster `{}` belongs to another group than this agent: use another name, or an agent of that group",
            cluster.name
        )));
    }
    if cluster.product != declaration.product {
        return Err(Refusal::Reason(format!(
            "the cluster `{}` is of the product {}, not {}",
            cluster.name, cluster.product, declaration.product
        )));
    }
    clusters::lock(tx, &[cluster.id])
        .await?
        .pop()
        .ok_or_else(|| clusters::not_found().into())
}

/// Notes for which of its nodes an agent holds credentials. The second agent's word is enough for yes, the first one's
/// for no.
async fn mark_ready(tx: &OrgTx, agent_id: Uuid, ready: &HashSet<Uuid>) -> Result<()> {
    use entity::{Column, Entity};
    let nodes: Vec<Node> = tx
        .find::<Entity>()
        .filter(works_for(agent_id))
        .filter(Column::RetiredAt.is_null())
        .all(tx)
        .await?;
    let change = |to: bool| -> Vec<Uuid> {
        let mut ids: Vec<Uuid> = nodes
            .iter()
            .filter(|node| node.ready != to && ready.contains(&node.id) == to)
            .filter(|node| to || node.agent_id == Some(agent_id))
            .map(|node| node.id)
            .collect();
        ids.sort_unstable();
        ids
    };
    for to in [true, false] {
        for chunk in change(to).chunks(dialect::MAX_BINDS / 2) {
            tx.update_many::<Entity>()
                .col_expr(Column::Ready, Expr::value(to))
                .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
                .filter(Column::Id.is_in(chunk.iter().copied()))
                .exec(tx)
                .await?;
        }
    }
    Ok(())
}

/// All nodes that an agent works for, by name. Those of a cluster that is switched off are left out: they are not read
/// (R2).
///
/// # Errors
/// [`Error::Forbidden`] for anyone but the agent itself.
pub async fn assigned(tx: &OrgTx, agent_id: Uuid) -> Result<Vec<NodeAssignment>> {
    agents::require_self(tx.scope(), agent_id)?;
    use entity::{Column, Entity};
    let nodes = tx
        .find::<Entity>()
        .filter(works_for(agent_id))
        .filter(Column::RetiredAt.is_null())
        .order_by_asc(Column::Name)
        .order_by_asc(Column::Id)
        .all(tx)
        .await?;
    let clusters = clusters::by_ids(tx, nodes.iter().map(|node| node.cluster_id)).await?;
    Ok(nodes
        .into_iter()
        .filter_map(|node| {
            let cluster = clusters.get(&node.cluster_id).filter(|cluster| cluster.enabled)?;
            Some(NodeAssignment {
                node_id: node.id,
                cluster: cluster.name.clone(),
                name: node.name,
                address: node.address,
                product: cluster.product.clone(),
                version: cluster.product_version.clone(),
                role: node.role,
                connector: ConnectorKind::parse(&node.connector)?,
            })
        })
        .collect())
}

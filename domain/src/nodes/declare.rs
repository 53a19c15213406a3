//! What agents say of nodes, and what they are told.

use super::edit::{NewNode, check, check_connector, insert, record, told, write};
use super::list::works_for;
use super::{Node, entity};
use crate::agents;
use crate::clusters::{self, Cluster, NewCluster};
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result};
use crate::fields::Fields;
use certyard_protocol::{ConnectorKind, NodeAssignment, NodeDeclaration, NodesAnswer, NodesRequest, Refused, Taken};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Declarations that are taken at once; an agent has a site, not a fleet.
const MAX_DECLARED: usize = 5000;

/// Takes the nodes that were entered on an agent, and for which nodes it holds credentials; answers all that it works for.
/// A cluster that does not exist is made in the agent's group, switched on: whoever gave the agent the credentials wants
/// it managed. What is refused is told with the reason; the rest is taken.
///
/// A node that was taken before is known by its id: its names, and what was edited here, stay as they are, unless a
/// command of the agent changed the declaration since.
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
    let known = super::by_ids(tx, request.declared.iter().filter_map(|declared| declared.node_id)).await?;
    let mut desk = Desk::open(tx, &agent, request, &known).await?;
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    let mut ready: HashSet<Uuid> = request.ready.iter().copied().collect();
    let mut declared: Vec<&NodeDeclaration> = request.declared.iter().collect();
    // In one order, so that two agents that enter the same clusters cannot wait for each other.
    declared.sort_by(|a, b| (&a.cluster, &a.name).cmp(&(&b.cluster, &b.name)));
    for declaration in declared {
        let known = declaration.node_id.and_then(|id| known.get(&id));
        match desk.take(declaration, known).await {
            Ok(Some(node_id)) => {
                ready.insert(node_id);
                taken.push(Taken {
                    name: declaration.name.clone(),
                    node_id,
                });
            }
            Ok(None) => {}
            Err(Refusal::Reason(reason)) => refused.push(Refused {
                name: declaration.name.clone(),
                reason,
            }),
            Err(Refusal::Fault(error)) => return Err(error),
        }
    }
    mark_ready(tx, agent_id, &ready).await?;
    desk.tell_agents().await?;
    Ok(NodesAnswer {
        nodes: assigned(tx, agent_id).await?,
        taken,
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

/// What one call needs for each of its declarations.
struct Desk<'a> {
    tx: &'a OrgTx,
    agent: &'a agents::Agent,
    /// Locked, by their ids.
    clusters: HashMap<Uuid, Cluster>,
    /// Other agents of nodes that were changed.
    others: BTreeSet<Uuid>,
}

impl<'a> Desk<'a> {
    /// Locks all clusters that the declarations may change, at once and so in the order of their ids.
    async fn open(
        tx: &'a OrgTx,
        agent: &'a agents::Agent,
        request: &NodesRequest,
        known: &HashMap<Uuid, Node>,
    ) -> Result<Self> {
        let mut ids = Vec::new();
        let mut names = BTreeSet::new();
        for declaration in &request.declared {
            match declaration.node_id.and_then(|id| known.get(&id)) {
                Some(node) if declaration.changed => ids.push(node.cluster_id),
                Some(_) => {}
                None => {
                    names.insert(declaration.cluster.trim());
                }
            }
        }
        for name in names {
            ids.extend(clusters::by_name(tx, name).await?.map(|cluster| cluster.id));
        }
        // Certificates of theirs may have to name what is declared.
        clusters::compare_anew(tx, &ids).await?;
        let locked = clusters::lock(tx, &ids).await?;
        Ok(Self {
            tx,
            agent,
            clusters: locked.into_iter().map(|cluster| (cluster.id, cluster)).collect(),
            others: BTreeSet::new(),
        })
    }

    /// The node of a declaration; `None` when it was given to other agents on the server.
    async fn take(&mut self, declaration: &NodeDeclaration, known: Option<&Node>) -> Result<Option<Uuid>, Refusal> {
        match known {
            Some(node) if node.retired_at.is_some() => self.successor(declaration, node).await.map(Some),
            Some(node) if declaration.changed => self.take_change(declaration, node.id).await.map(Some),
            Some(node) => Ok(self.works_for(node).then_some(node.id)),
            None => self.take_new(declaration).await.map(Some),
        }
    }

    fn works_for(&self, node: &Node) -> bool {
        [node.agent_id, node.second_agent_id].contains(&Some(self.agent.id))
    }

    /// What was retired on the server does not come back because an agent still holds it; but somebody may have entered
    /// it there again.
    async fn successor(&self, declaration: &NodeDeclaration, retired: &Node) -> Result<Uuid, Refusal> {
        let present = self.find_named(retired.cluster_id, &retired.name).await?;
        match present.filter(|node| self.works_for(node)) {
            Some(node) => Ok(node.id),
            None => Err(was_retired(&declaration.name)),
        }
    }

    /// A command of the agent changed a node that the server knows. Its names are the server's.
    async fn take_change(&mut self, declaration: &NodeDeclaration, node_id: Uuid) -> Result<Uuid, Refusal> {
        // Again: what was read before the lock may be old.
        let node = super::row(self.tx, node_id).await?;
        let cluster = self.clusters.get(&node.cluster_id).cloned();
        let cluster = cluster.ok_or_else(clusters::not_found)?;
        self.check_group(&cluster)?;
        let (_, address) = checked(&cluster, &node.name, declaration)?;
        self.amend(&cluster, node, declaration, address).await
    }

    async fn take_new(&mut self, declaration: &NodeDeclaration) -> Result<Uuid, Refusal> {
        let cluster = self.cluster_named(declaration).await?;
        let (name, address) = checked(&cluster, &declaration.name, declaration)?;
        if let Some(node) = self.find_named(cluster.id, &name).await? {
            return self.amend(&cluster, node, declaration, address).await;
        }
        self.refuse_retired(&cluster, &name).await?;
        let new = NewNode {
            cluster_id: cluster.id,
            name,
            address,
            role: declaration.role.clone(),
            connector: declaration.connector,
            agent_id: Some(self.agent.id),
            second_agent_id: None,
        };
        Ok(insert(self.tx, new, true).await?.id)
    }

    /// Takes what was declared of a node that is there. The second agent of a node changes nothing of it.
    async fn amend(
        &mut self,
        cluster: &Cluster,
        node: Node,
        declaration: &NodeDeclaration,
        address: String,
    ) -> Result<Uuid, Refusal> {
        if node.second_agent_id == Some(self.agent.id) {
            return Ok(node.id);
        }
        if let Some(other) = node.agent_id.filter(|other| *other != self.agent.id)
            && let Some(other) = agents::find_active(self.tx, other).await?
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
        wanted.agent_id = Some(self.agent.id);
        wanted.ready = true;
        if told(&wanted) != told(&node) {
            write(self.tx, &wanted, node.version).await?;
            record(self.tx, "node.update", &node, Some(told(&node)), Some(told(&wanted))).await?;
            self.others.extend(node.second_agent_id);
        }
        Ok(node.id)
    }

    async fn find_named(&self, cluster_id: Uuid, name: &str) -> Result<Option<Node>> {
        use entity::{Column, Entity};
        Ok(self
            .tx
            .find::<Entity>()
            .filter(Column::ClusterId.eq(cluster_id))
            .filter(Column::Name.eq(name))
            .filter(Column::RetiredAt.is_null())
            .one(self.tx)
            .await?)
    }

    async fn refuse_retired(&self, cluster: &Cluster, name: &str) -> Result<(), Refusal> {
        use entity::{Column, Entity};
        let retired = self
            .tx
            .find::<Entity>()
            .filter(Column::ClusterId.eq(cluster.id))
            .filter(Column::Name.eq(name))
            .filter(Column::AgentId.eq(self.agent.id))
            .filter(Column::RetiredAt.is_not_null())
            .one(self.tx)
            .await
            .map_err(Error::from)?;
        retired.map_or(Ok(()), |_| Err(was_retired(name)))
    }

    /// The cluster that a new node is declared for, locked; it is made where there is none.
    async fn cluster_named(&mut self, declaration: &NodeDeclaration) -> Result<Cluster, Refusal> {
        let name = declaration.cluster.trim();
        let Some(cluster) = self.clusters.values().find(|cluster| cluster.name == name).cloned() else {
            let new = NewCluster {
                group_id: self.agent.group_id,
                name: declaration.cluster.clone(),
                product: declaration.product.clone(),
                product_version: declaration.version.clone(),
                enabled: true,
                description: String::new(),
            };
            let made = clusters::insert_cluster(self.tx, new).await?;
            self.clusters.insert(made.id, made.clone());
            return Ok(made);
        };
        self.check_group(&cluster)?;
        if cluster.product != declaration.product {
            return Err(Refusal::Reason(format!(
                "the cluster `{}` is of the product {}, not {}",
                cluster.name, cluster.product, declaration.product
            )));
        }
        Ok(cluster)
    }

    fn check_group(&self, cluster: &Cluster) -> Result<(), Refusal> {
        if cluster.group_id == self.agent.group_id {
            return Ok(());
        }
        Err(Refusal::Reason(format!(
            "the cluster `{}` belongs to another group than this agent: use another name, or an agent of that group",
            cluster.name
        )))
    }

    /// The agent is told all of its nodes now: before the list is read, for whoever changes it from here on waits for this
    /// row and counts the change again. Other agents of changed nodes hear of them, in one order of rows.
    async fn tell_agents(mut self) -> Result<()> {
        self.others.insert(self.agent.id);
        for id in &self.others {
            if *id == self.agent.id {
                agents::nodes_are_told(self.tx, *id).await?;
            } else {
                clusters::bump_agents(self.tx, vec![*id]).await?;
            }
        }
        Ok(())
    }
}

fn was_retired(name: &str) -> Refusal {
    Refusal::Reason(format!(
        "the node `{name}` was retired on the server: remove it here with `certyard-agent node remove {name}`, or enter it \
         again on the page of its cluster"
    ))
}

/// Name and address as they are stored.
fn checked(cluster: &Cluster, name: &str, declaration: &NodeDeclaration) -> Result<(String, String)> {
    let mut fields = Fields::default();
    let checked = check(&mut fields, cluster, name, &declaration.address, &declaration.role);
    check_connector(&mut fields, cluster, declaration.connector);
    fields.finish()?;
    Ok(checked)
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
/// (R2). So are those whose connector the agent's program does not know: it could not read the list with them.
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
    let agent = agents::by_ids(tx, [agent_id]).await?.remove(&agent_id);
    let known = agent.map_or_else(Vec::new, |agent| {
        agents::connectors(agent.protocol, &agent.capabilities)
    });
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
                connector: ConnectorKind::parse(&node.connector).filter(|connector| known.contains(connector))?,
            })
        })
        .collect())
}

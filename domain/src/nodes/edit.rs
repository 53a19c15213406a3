//! Entering and changing nodes.

use super::{Node, NodeRow, entity, row};
use crate::agents;
use crate::audit;
use crate::catalogue;
use crate::clusters::{self, Cluster, version_conflict};
use crate::db::OrgTx;
use crate::error::{Result, name_taken};
use crate::fields::Fields;
use crate::ids::new_id;
use crate::{Permission, Timestamp};
use certyard_protocol::ConnectorKind;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, QueryFilter, Set};
use serde_json::{Value, json};
use uuid::Uuid;

/// A node to enter.
#[derive(Clone, Debug)]
pub struct NewNode {
    /// Its cluster.
    pub cluster_id: Uuid,
    /// Name, unique among the nodes in use of the cluster; its host name as a rule.
    pub name: String,
    /// Host, and port where it is not the connector's own, where the agent reaches it.
    pub address: String,
    /// `publisher`, `subscriber` or `standalone`.
    pub role: String,
    /// Driver; it follows from the product.
    pub connector: ConnectorKind,
    /// The agent that works for it.
    pub agent_id: Option<Uuid>,
    /// The agent that steps in.
    pub second_agent_id: Option<Uuid>,
}

/// What to change of a node; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct NodeChange {
    /// Name.
    pub name: Option<String>,
    /// Where the agent reaches it.
    pub address: Option<String>,
    /// Role.
    pub role: Option<String>,
    /// The agent that works for it; `Some(None)`: none.
    pub agent_id: Option<Option<Uuid>>,
    /// The agent that steps in; `Some(None)`: none.
    pub second_agent_id: Option<Option<Uuid>>,
}

/// What audit rows tell of a node.
pub(crate) fn told(node: &Node) -> Value {
    json!({
        "name": node.name,
        "cluster_id": node.cluster_id,
        "address": node.address,
        "role": node.role,
        "connector": node.connector,
        "agent_id": node.agent_id,
        "second_agent_id": node.second_agent_id,
    })
}

fn taken(name: &str) -> String {
    format!("the cluster has a node `{name}` already")
}

/// Longest address: a host name of 253 characters, a colon and a port.
const MAX_ADDRESS: usize = 260;

/// Checks what is the same for entered and declared nodes.
pub(super) fn check(fields: &mut Fields, cluster: &Cluster, name: &str, address: &str, role: &str) -> (String, String) {
    let name = fields.name("name", name);
    if name.chars().any(char::is_whitespace) {
        fields.refuse("name", "malformed", "must be one word, the node's host name as a rule");
    }
    let address = address.trim().to_string();
    if address.is_empty() {
        fields.refuse(
            "address",
            "required",
            "must be a host name or address, with a port where it is not the usual one",
        );
    } else if address.len() > MAX_ADDRESS
        || address
            .chars()
            .any(|letter| letter.is_whitespace() || letter.is_control())
    {
        fields.refuse(
            "address",
            "malformed",
            "must be a host name or address, like cucm-pub.example.org or 192.0.2.7:8443",
        );
    } else if address.contains("://") || address.contains('/') || address.contains('@') {
        fields.refuse(
            "address",
            "malformed",
            "must be a host and port without scheme, path or user",
        );
    }
    if let Some(product) = catalogue::product(&cluster.product)
        && !product.roles.contains(&role)
    {
        fields.refuse(
            "role",
            "unknown",
            format!("must be one of {}", product.roles.join(", ")),
        );
    }
    (name, address)
}

/// Checks that the driver is the one of the product.
pub(super) fn check_connector(fields: &mut Fields, cluster: &Cluster, connector: ConnectorKind) {
    if let Some(product) = catalogue::product(&cluster.product)
        && !product.reached_by(connector, &cluster.product_version)
    {
        fields.refuse(
            "connector",
            "mismatch",
            format!(
                "{} {} is reached by {}",
                product.name,
                cluster.product_version,
                product.connector_for(&cluster.product_version).as_str()
            ),
        );
    }
}

async fn check_agents(
    tx: &OrgTx,
    fields: &mut Fields,
    cluster: &Cluster,
    first: Option<Uuid>,
    second: Option<Uuid>,
) -> Result<()> {
    for (field, id) in [("agent_id", first), ("second_agent_id", second)] {
        let Some(id) = id else { continue };
        match agents::find_active(tx, id).await? {
            None => fields.refuse(field, "unknown", "there is no such agent"),
            Some(agent) if agent.group_id != cluster.group_id => {
                fields.refuse(
                    field,
                    "other_group",
                    "the agent belongs to another group than the cluster",
                );
            }
            Some(_) => {}
        }
    }
    if second.is_some() && first == second {
        fields.refuse("second_agent_id", "same", "must be another agent than the first");
    }
    if second.is_some() && first.is_none() {
        fields.refuse("agent_id", "required", "a node with a second agent needs a first one");
    }
    Ok(())
}

/// Enters a node.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`] for the cluster, [`Error::Forbidden`] without [`Permission::ManageFleet`].
pub async fn create(tx: &OrgTx, new: NewNode) -> Result<NodeRow> {
    tx.scope().require(Permission::ManageFleet)?;
    // Its certificates may have to name the node.
    clusters::compare_anew(tx, &[clusters::row(tx, new.cluster_id).await?.id]).await?;
    let cluster = clusters::lock(tx, &[new.cluster_id])
        .await?
        .pop()
        .ok_or_else(clusters::not_found)?;
    let mut fields = Fields::default();
    let (name, address) = check(&mut fields, &cluster, &new.name, &new.address, &new.role);
    check_connector(&mut fields, &cluster, new.connector);
    check_agents(tx, &mut fields, &cluster, new.agent_id, new.second_agent_id).await?;
    fields.finish()?;
    let node = insert(tx, NewNode { name, address, ..new }, false).await?;
    clusters::bump_agents(tx, node.agent_id.into_iter().chain(node.second_agent_id).collect()).await?;
    super::get(tx, node.id).await
}

/// Writes the row of a checked node and its audit row.
pub(super) async fn insert(tx: &OrgTx, new: NewNode, ready: bool) -> Result<Node> {
    let name = new.name.clone();
    let node = entity::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(new_id()),
        cluster_id: Set(new.cluster_id),
        name: Set(new.name),
        address: Set(new.address),
        role: Set(new.role),
        connector: Set(new.connector.as_str().into()),
        agent_id: Set(new.agent_id),
        second_agent_id: Set(new.second_agent_id),
        ready: Set(ready),
        inventory_digest: Set(None),
        inventory_at: Set(None),
        tried_at: Set(None),
        fault_code: Set(None),
        fault_message: Set(None),
        reported_version: Set(None),
        version: Set(1),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
        retired_at: Set(None),
    }
    .insert(tx)
    .await
    .map_err(|error| name_taken(error, || taken(&name)))?;
    record(tx, "node.create", &node, None, Some(told(&node))).await?;
    Ok(node)
}

pub(super) async fn record(
    tx: &OrgTx,
    action: &str,
    node: &Node,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<()> {
    audit::record(
        tx,
        audit::Entry {
            action,
            object_kind: "node",
            object_id: Some(node.id),
            object_name: &node.name,
            before,
            after,
        },
    )
    .await
}

/// Changes a node. `expected` is the version that the caller read, as in `If-Match`. A new first agent has to say that it
/// knows the credentials before the node is worked on again.
///
/// # Errors
/// [`Error::Conflict`] when it was changed since; [`Error::NotFound`], [`Error::Invalid`], [`Error::Forbidden`] without
/// [`Permission::ManageFleet`].
pub async fn update(tx: &OrgTx, id: Uuid, expected: Option<i64>, change: NodeChange) -> Result<NodeRow> {
    tx.scope().require(Permission::ManageFleet)?;
    if change.name.is_some() || change.address.is_some() {
        // Its certificates may name it no longer.
        clusters::compare_anew(tx, &[super::row(tx, id).await?.cluster_id]).await?;
    }
    let (before, cluster) = super::lock_cluster_of(tx, id).await?;
    let expected = expected.unwrap_or(before.version);
    if before.version != expected {
        return Err(version_conflict("node", before.version));
    }
    let mut wanted = before.clone();
    if let Some(role) = change.role {
        wanted.role = role;
    }
    wanted.agent_id = change.agent_id.unwrap_or(before.agent_id);
    wanted.second_agent_id = change.second_agent_id.unwrap_or(before.second_agent_id);
    let mut fields = Fields::default();
    (wanted.name, wanted.address) = check(
        &mut fields,
        &cluster,
        change.name.as_deref().unwrap_or(&before.name),
        change.address.as_deref().unwrap_or(&before.address),
        &wanted.role,
    );
    if (wanted.agent_id, wanted.second_agent_id) != (before.agent_id, before.second_agent_id) {
        check_agents(tx, &mut fields, &cluster, wanted.agent_id, wanted.second_agent_id).await?;
    }
    fields.finish()?;
    wanted.ready = before.ready && wanted.agent_id == before.agent_id;
    write(tx, &wanted, expected).await?;
    let after = row(tx, id).await?;
    record(tx, "node.update", &after, Some(told(&before)), Some(told(&after))).await?;
    let agents = [
        before.agent_id,
        before.second_agent_id,
        after.agent_id,
        after.second_agent_id,
    ];
    clusters::bump_agents(tx, agents.into_iter().flatten().collect()).await?;
    super::get(tx, id).await
}

/// Writes what people and agents say of a node, if it still has the expected version.
pub(super) async fn write(tx: &OrgTx, wanted: &Node, expected: i64) -> Result<()> {
    use entity::Column;
    let done = tx
        .update_many::<entity::Entity>()
        .col_expr(Column::Name, Expr::value(wanted.name.clone()))
        .col_expr(Column::Address, Expr::value(wanted.address.clone()))
        .col_expr(Column::Role, Expr::value(wanted.role.clone()))
        .col_expr(Column::Connector, Expr::value(wanted.connector.clone()))
        .col_expr(Column::AgentId, Expr::value(wanted.agent_id))
        .col_expr(Column::SecondAgentId, Expr::value(wanted.second_agent_id))
        .col_expr(Column::Ready, Expr::value(wanted.ready))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(wanted.id))
        .filter(Column::Version.eq(expected))
        .filter(Column::RetiredAt.is_null())
        .exec(tx)
        .await
        .map_err(|error| name_taken(error, || taken(&wanted.name)))?;
    if done.rows_affected == 0 {
        return Err(version_conflict("node", row(tx, wanted.id).await?.version));
    }
    Ok(())
}

/// Marks a node as retired and tells its agents. What it holds is the caller's to end, under the cluster's lock.
pub(crate) async fn mark_retired(tx: &OrgTx, node: &Node, expected: Option<i64>) -> Result<()> {
    let expected = expected.unwrap_or(node.version);
    let now: Timestamp = tx.now();
    use entity::Column;
    let done = tx
        .update_many::<entity::Entity>()
        .col_expr(Column::RetiredAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(node.id))
        .filter(Column::Version.eq(expected))
        .filter(Column::RetiredAt.is_null())
        .exec(tx)
        .await?;
    if done.rows_affected == 0 {
        return Err(version_conflict("node", row(tx, node.id).await?.version));
    }
    record(tx, "node.retire", node, Some(told(node)), None).await?;
    clusters::bump_agents(tx, node.agent_id.into_iter().chain(node.second_agent_id).collect()).await
}

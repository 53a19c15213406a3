//! Reports of agents, and nodes that go out of use.

use super::apply::{Cause, end_all, require_enabled, write};
use super::parse::{Parsed, parse, parse_delta};
use crate::agents::AgentIdentity;
use crate::certificates::off_thread;
use crate::db::{Db, OrgTx, retry};
use crate::error::Result;
use crate::nodes::reading;
use crate::{Permission, nodes};
use certyard_protocol::{InventoryAnswer, InventoryReport};
use uuid::Uuid;

enum Read {
    Unchanged(String),
    Full(Parsed),
    Delta { base: String, parsed: Parsed },
    Failed { code: String, message: String },
}

/// Takes an agent's report on one of its nodes. Certificates are read before the transaction.
///
/// # Errors
/// [`crate::Error::NotFound`] for a node that is not the agent's; [`crate::Error::Invalid`] for a report that is none;
/// [`crate::Error::Refused`] `cluster_disabled`.
pub async fn report(db: &Db, agent: &AgentIdentity, node_id: Uuid, report: InventoryReport) -> Result<InventoryAnswer> {
    // Before any work is done for it.
    nodes::of_agent(&db.read(&agent.scope()).await?, agent.agent_id, node_id).await?;
    let read = match report {
        InventoryReport::Unchanged { digest, .. } => Read::Unchanged(digest),
        InventoryReport::Full(inventory) => Read::Full(off_thread(move || parse(&inventory)).await??),
        InventoryReport::Delta {
            base_digest,
            digest,
            add,
            remove,
            csrs,
            ..
        } => Read::Delta {
            base: base_digest,
            parsed: off_thread(move || parse_delta(&digest, &add, remove, &csrs)).await??,
        },
        InventoryReport::Failed { code, message, .. } => Read::Failed { code, message },
    };
    retry(|| store(db, agent, node_id, &read)).await
}

async fn store(db: &Db, agent: &AgentIdentity, node_id: Uuid, read: &Read) -> Result<InventoryAnswer> {
    let tx = db.write(&agent.scope()).await?;
    nodes::of_agent(&tx, agent.agent_id, node_id).await?;
    let answer = match read {
        Read::Unchanged(digest) => unchanged(&tx, node_id, digest).await?,
        Read::Failed { code, message } => {
            failed(&tx, node_id, code, message).await?;
            InventoryAnswer::Stored
        }
        Read::Full(parsed) => {
            let (node, cluster) = nodes::lock_cluster_of(&tx, node_id).await?;
            write(&tx, &node, &cluster, parsed, &Cause::default()).await?;
            InventoryAnswer::Stored
        }
        Read::Delta { base, parsed } => {
            let (node, cluster) = nodes::lock_cluster_of(&tx, node_id).await?;
            require_enabled(&cluster)?;
            if node.inventory_digest.as_deref() != Some(base.as_str()) {
                return Ok(InventoryAnswer::FullWanted);
            }
            write(&tx, &node, &cluster, parsed, &Cause::default()).await?;
            InventoryAnswer::Stored
        }
    };
    tx.commit().await?;
    Ok(answer)
}

/// Nothing has changed on the node since the digest: one row is written, whatever the node holds.
///
/// # Errors
/// The database is busy or away.
pub async fn unchanged(tx: &OrgTx, node_id: Uuid, digest: &str) -> Result<InventoryAnswer> {
    Ok(if reading::was_unchanged(tx, node_id, digest).await? {
        InventoryAnswer::Stored
    } else {
        InventoryAnswer::FullWanted
    })
}

/// Longest code and message that are kept of a failure.
const MAX_CODE: usize = 100;
const MAX_MESSAGE: usize = 2000;

/// The node could not be read: it is shown as unreachable with the reason, and what is known of it stays.
///
/// # Errors
/// The database is busy or away.
pub async fn failed(tx: &OrgTx, node_id: Uuid, code: &str, message: &str) -> Result<()> {
    let cut = |text: &str, length: usize| -> String {
        text.chars()
            .filter(|letter| !letter.is_control() || *letter == '\n')
            .take(length)
            .collect()
    };
    reading::was_not_read(tx, node_id, &cut(code, MAX_CODE), &cut(message, MAX_MESSAGE)).await
}

/// Takes a node out of use: its installations and open CSRs end, their history stays. `expected` is the version that the
/// caller read, as in `If-Match`.
///
/// # Errors
/// [`crate::Error::Conflict`] when it was changed since; [`crate::Error::NotFound`]; [`crate::Error::Forbidden`] without
/// [`Permission::ManageFleet`].
pub async fn retire_node(tx: &OrgTx, id: Uuid, expected: Option<i64>) -> Result<()> {
    tx.scope().require(Permission::ManageFleet)?;
    let (node, cluster) = nodes::lock_cluster_of(tx, id).await?;
    nodes::mark_retired(tx, &node, expected).await?;
    let cause = Cause {
        job_id: None,
        actor_name: Some(tx.scope().actor().name.clone()),
    };
    end_all(tx, &node, &cluster, &cause).await
}

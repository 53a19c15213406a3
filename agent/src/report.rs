//! Inventories: read a node, tell the server what changed.

use crate::agent::{Agent, HeldNode, held};
use crate::backoff::jitter;
use crate::execute::full;
use crate::server::ServerError;
use certyard_protocol::{InventoryAnswer, InventoryReport, NodeInventory};
use chrono::Utc;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use uuid::Uuid;

const DIGESTS: &str = "inventory.json";
const TICK: Duration = Duration::from_secs(1);
/// A node that did not answer is asked again after this, at most.
const RETRY: Duration = Duration::from_secs(120);
/// An inventory that did not reach the server is sent again after this.
const RESEND: Duration = Duration::from_secs(30);

/// Reads each node when it is due, several at a time.
pub(crate) async fn refresh_loop(agent: Arc<Agent>) {
    let places = Arc::new(Semaphore::new(agent.options.parallel.max(1)));
    while agent.stopped().is_none() {
        for node in agent.held_nodes() {
            let due = held(&node.shared.due).is_none_or(|due| due <= Instant::now());
            if !due || node.shared.reading.swap(true, Ordering::Relaxed) {
                continue;
            }
            let (agent, places) = (agent.clone(), places.clone());
            tokio::spawn(async move {
                let _place = places.acquire_owned().await;
                let wait = {
                    let _one_at_a_time = node.shared.busy.lock().await;
                    crate::tasks::settle_idle(&agent, &node).await;
                    refresh(&agent, &node).await
                };
                *held(&node.shared.due) = Some(Instant::now() + wait);
                node.shared.reading.store(false, Ordering::Relaxed);
            });
        }
        agent.pause(TICK).await;
    }
}

/// Reads one node and reports it. The time until the next reading.
async fn refresh(agent: &Agent, node: &HeldNode) -> Duration {
    let id = node.assignment.node_id;
    let about = format!("node {}", node.node.name);
    let inventory = match node.connector.inventory().await {
        Ok(inventory) => inventory,
        Err(error) => {
            agent.fault(&about, &error.message);
            let report = InventoryReport::Failed {
                observed_at: Utc::now(),
                code: error.code.into(),
                message: error.message,
            };
            if let Err(error) = agent.server().inventory(id, &report).await {
                tracing::debug!(node = %node.node.name, "cannot report: {}", full(&error));
            }
            return jitter(RETRY.min(agent.options.refresh)).max(TICK);
        }
    };
    agent.fine(&about);
    match send(agent, node, &inventory).await {
        Ok(()) => {
            reported(agent, node, &inventory);
            let refresh = agent.options.refresh;
            refresh.mul_f64(0.95) + jitter(refresh.mul_f64(0.1))
        }
        Err(error) => {
            tracing::debug!(node = %node.node.name, "cannot report the inventory: {}", full(&error));
            jitter(RESEND).max(TICK)
        }
    }
}

async fn send(agent: &Agent, node: &HeldNode, inventory: &NodeInventory) -> Result<(), ServerError> {
    let id = node.assignment.node_id;
    let former = held(&node.shared.reported).clone();
    let digest = match &former {
        Some(former) => Some(former.digest.clone()),
        None => digests(agent).get(&id).cloned(),
    };
    let short = match (&former, digest) {
        (_, Some(digest)) if digest == inventory.digest => Some(InventoryReport::Unchanged {
            digest,
            observed_at: inventory.observed_at,
        }),
        (Some(former), _) => Some(difference(former, inventory)),
        (None, _) => None,
    };
    if let Some(short) = short {
        match agent.server().inventory(id, &short).await {
            Ok(InventoryAnswer::Stored) => return Ok(()),
            Ok(InventoryAnswer::FullWanted) | Err(ServerError::Stale(_)) => {}
            Err(error) => return Err(error),
        }
    }
    agent
        .server()
        .inventory(id, &InventoryReport::Full(inventory.clone()))
        .await
        .map(drop)
}

/// What changed from one inventory to the next.
pub fn difference(former: &NodeInventory, now: &NodeInventory) -> InventoryReport {
    let key = |entry: &certyard_protocol::InventoryEntry| (entry.store.clone(), entry.entry.clone());
    let had: HashMap<_, _> = former.entries.iter().map(|entry| (key(entry), entry)).collect();
    let has: HashMap<_, _> = now.entries.iter().map(|entry| (key(entry), entry)).collect();
    let mut remove: Vec<_> = had.keys().filter(|key| !has.contains_key(*key)).cloned().collect();
    remove.sort();
    InventoryReport::Delta {
        base_digest: former.digest.clone(),
        digest: now.digest.clone(),
        observed_at: now.observed_at,
        add: now
            .entries
            .iter()
            .filter(|entry| had.get(&key(entry)).is_none_or(|had| *had != *entry))
            .cloned()
            .collect(),
        remove,
        csrs: now.csrs.clone(),
    }
}

/// The server has this inventory now.
pub(crate) fn reported(agent: &Agent, node: &HeldNode, inventory: &NodeInventory) {
    let former = held(&node.shared.reported).replace(inventory.clone());
    *held(&node.shared.due) = Some(Instant::now() + agent.options.refresh);
    if former.is_some_and(|former| former.digest == inventory.digest) {
        return;
    }
    let mut digests = digests(agent);
    digests.insert(node.assignment.node_id, inventory.digest.clone());
    let written = serde_json::to_vec(&digests).map(|bytes| agent.folder.write(DIGESTS, &bytes));
    if let Ok(Err(error)) = written {
        agent.fault(DIGESTS, &full(&error));
    }
}

/// Digests that the server had at the last stop: an unchanged node then costs one line after a restart.
fn digests(agent: &Agent) -> HashMap<Uuid, String> {
    let bytes = agent.folder.read(DIGESTS).ok().flatten().unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

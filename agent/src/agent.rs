//! What all loops of a running agent share: identity, nodes, journal, and what is under way.

use crate::connector::Connector;
use crate::connectors;
use crate::folder::Folder;
use crate::identity::{IdentityError, Stored};
use crate::journal::Journal;
use crate::nodes::{Node, NodeError, NodeStore, write_assignments};
use crate::server::{Server, ServerError};
use certyard_protocol::{Capability, ConnectorKind, NodeAssignment, NodeInventory, NodesRequest, TaskRef};
use chrono::Utc;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, watch};
use uuid::Uuid;

/// Settings of `certyard-agent run`.
#[derive(Clone, Debug)]
pub struct Options {
    /// Between two readings of a node.
    pub refresh: Duration,
    /// Nodes worked on at a time.
    pub parallel: usize,
    /// The first poll waits a random part of this.
    pub start_jitter: Duration,
    /// How long the server is asked to hold a poll; `None`: its own choice.
    pub poll_hold_seconds: Option<u64>,
}

/// Why the agent ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A person or the system asked.
    Asked,
    /// The server retired it.
    Retired,
}

/// A node that the server assigned and that this agent holds.
pub(crate) struct HeldNode {
    pub assignment: NodeAssignment,
    pub node: Node,
    pub connector: Arc<dyn Connector>,
    pub shared: Arc<Shared>,
}

/// What stays of a node when its file changes.
#[derive(Default)]
pub(crate) struct Shared {
    /// One task, or one reading, at a time.
    pub busy: tokio::sync::Mutex<()>,
    /// The inventory that the server has.
    pub reported: Mutex<Option<NodeInventory>>,
    /// When the next reading is due; `None`: now.
    pub due: Mutex<Option<tokio::time::Instant>>,
    /// A reading is under way.
    pub reading: AtomicBool,
}

/// A task under way.
pub(crate) struct Control {
    pub task: TaskRef,
    pub cancel: AtomicBool,
    pub lost: AtomicBool,
}

/// A running agent.
pub struct Agent {
    pub(crate) folder: Folder,
    pub(crate) store: Arc<NodeStore>,
    pub(crate) journal: Journal,
    pub(crate) options: Options,
    identity: RwLock<(Stored, Server)>,
    nodes: Mutex<HashMap<Uuid, Arc<HeldNode>>>,
    declared: Mutex<Option<NodesRequest>>,
    pub(crate) running: Mutex<HashMap<Uuid, Arc<Control>>>,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) results: Notify,
    pub(crate) last_progress: Mutex<Option<std::time::Instant>>,
    stop: watch::Sender<Option<Stop>>,
    faults: Mutex<HashMap<String, String>>,
}

pub(crate) fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Agent {
    /// Opens all that is on disk.
    ///
    /// # Errors
    /// When the agent has not joined, or something on disk is damaged.
    pub fn open(folder: Folder, options: Options) -> Result<Self, IdentityError> {
        let stored = Stored::load(&folder)?;
        let server = Server::new(&stored)?;
        let journal = Journal::open(&folder, Utc::now())?;
        let store = NodeStore::open(&folder).map_err(|error| match error {
            NodeError::Folder(error) => IdentityError::Folder(error),
            other => IdentityError::Token(other.to_string()),
        })?;
        Ok(Self {
            store: Arc::new(store),
            journal,
            slots: Arc::new(Semaphore::new(options.parallel.max(1))),
            options,
            identity: RwLock::new((stored, server)),
            nodes: Mutex::default(),
            declared: Mutex::default(),
            running: Mutex::default(),
            results: Notify::new(),
            last_progress: Mutex::default(),
            stop: watch::Sender::new(None),
            faults: Mutex::default(),
            folder,
        })
    }

    /// Asks all loops to end.
    pub fn stop(&self, why: Stop) {
        self.stop.send_if_modified(|stop| {
            let first = stop.is_none();
            if first {
                *stop = Some(why);
            }
            first
        });
    }

    pub(crate) fn stopped(&self) -> Option<Stop> {
        *self.stop.borrow()
    }

    /// Waits until [`Agent::stop`].
    pub(crate) async fn until_stopped(&self) -> Stop {
        let mut stop = self.stop.subscribe();
        match stop.wait_for(Option::is_some).await {
            Ok(why) => why.unwrap_or(Stop::Asked),
            Err(_) => Stop::Asked,
        }
    }

    /// Waits, or until stopped.
    pub(crate) async fn pause(&self, time: Duration) {
        let _ = tokio::time::timeout(time, self.until_stopped()).await;
    }

    pub(crate) fn server(&self) -> Server {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    pub(crate) fn stored(&self) -> Stored {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Uses another identity or bundle from now on.
    pub(crate) fn adopt_identity(&self, stored: Stored) -> Result<(), ServerError> {
        let server = Server::new(&stored)?;
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = (stored, server);
        Ok(())
    }

    pub(crate) fn node(&self, id: Uuid) -> Option<Arc<HeldNode>> {
        held(&self.nodes).get(&id).cloned()
    }

    pub(crate) fn held_nodes(&self) -> Vec<Arc<HeldNode>> {
        held(&self.nodes).values().cloned().collect()
    }

    pub(crate) fn running_tasks(&self) -> Vec<TaskRef> {
        held(&self.running).values().map(|control| control.task).collect()
    }

    pub(crate) fn cancel(&self, task: Uuid) {
        if let Some(control) = held(&self.running).get(&task) {
            tracing::info!(%task, "asked to stop task {task}");
            control.cancel.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn capabilities(&self) -> Vec<Capability> {
        ConnectorKind::ALL.into_iter().map(connectors::capability).collect()
    }

    /// Logs a fault once, until it changes or passes.
    pub(crate) fn fault(&self, of: &str, text: &str) {
        let former = held(&self.faults).insert(of.into(), text.into());
        if former.as_deref() != Some(text) {
            tracing::warn!(about = of, "{text}");
        }
    }

    /// The fault has passed.
    pub(crate) fn fine(&self, of: &str) {
        if held(&self.faults).remove(of).is_some() {
            tracing::info!(about = of, "{of}: all is well again");
        }
    }

    /// Reads the node files and tells the server, where that changes anything (or `always`). The answer names the nodes
    /// that the agent works for.
    pub(crate) async fn refresh_nodes(&self, always: bool) -> Result<(), ServerError> {
        let local = match self.store.list() {
            Ok(local) => local,
            Err(error) => {
                self.fault("node files", &crate::execute::full(&error));
                // The server goes on saying at once that the nodes have changed.
                self.pause(Duration::from_secs(2)).await;
                return Ok(());
            }
        };
        let mut request = NodesRequest {
            declared: local
                .iter()
                .filter(|node| node.declared)
                .map(Node::declaration)
                .collect(),
            ready: self.ready(&local, &self.assignments()),
        };
        let same =
            |former: &NodesRequest, now: &NodesRequest| former.declared == now.declared && former.ready == now.ready;
        if !always
            && held(&self.declared)
                .as_ref()
                .is_some_and(|former| same(former, &request))
        {
            self.hold_nodes(&local, self.assignments());
            return Ok(());
        }
        let mut answer = self.server().nodes(&request).await?;
        let ready = self.ready(&local, &answer.nodes);
        if ready != request.ready {
            request.ready = ready;
            answer = self.server().nodes(&request).await?;
        }
        for refused in &answer.refused {
            self.fault(
                &format!("node {}", refused.name),
                &format!("the server refused node {}: {}", refused.name, refused.reason),
            );
        }
        *held(&self.declared) = Some(request);
        if let Err(error) = write_assignments(&self.folder, &answer.nodes) {
            self.fault("assignments", &crate::execute::full(&error));
        }
        self.hold_nodes(&local, answer.nodes);
        Ok(())
    }

    fn assignments(&self) -> Vec<NodeAssignment> {
        held(&self.nodes).values().map(|held| held.assignment.clone()).collect()
    }

    fn ready(&self, local: &[Node], assigned: &[NodeAssignment]) -> Vec<Uuid> {
        let mut ready: Vec<Uuid> = assigned
            .iter()
            .filter(|assignment| find_local(local, assignment).is_some())
            .map(|assignment| assignment.node_id)
            .collect();
        ready.sort();
        ready
    }

    fn hold_nodes(&self, local: &[Node], assigned: Vec<NodeAssignment>) {
        let mut nodes = held(&self.nodes);
        let wanted: HashSet<Uuid> = assigned.iter().map(|assignment| assignment.node_id).collect();
        nodes.retain(|id, _| wanted.contains(id));
        for assignment in assigned {
            let Some(node) = find_local(local, &assignment) else {
                nodes.remove(&assignment.node_id);
                continue;
            };
            let former = nodes.get(&assignment.node_id);
            if former.is_some_and(|former| former.node == *node && former.assignment == assignment) {
                continue;
            }
            let connector = match connectors::open(node, &self.store) {
                Ok(connector) => connector,
                Err(error) => {
                    self.fault(&format!("node {}", node.name), &crate::execute::full(&error));
                    continue;
                }
            };
            let shared = former.map(|former| former.shared.clone()).unwrap_or_default();
            if former.is_some_and(|former| former.node.settings != node.settings || former.node.address != node.address)
            {
                *held(&shared.due) = None;
            }
            let held = HeldNode {
                node: node.clone(),
                connector,
                shared,
                assignment,
            };
            nodes.insert(held.assignment.node_id, Arc::new(held));
        }
    }
}

fn find_local<'a>(local: &'a [Node], assignment: &NodeAssignment) -> Option<&'a Node> {
    let fits = |node: &&Node| node.name == assignment.name && node.connector() == assignment.connector;
    let mut named = local.iter().filter(fits);
    named.find(|node| node.cluster == assignment.cluster)
}

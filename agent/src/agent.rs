//! What all loops of a running agent share: identity, nodes, journal, and what is under way.

use crate::connector::Connector;
use crate::connectors;
use crate::folder::Folder;
use crate::identity::{IdentityError, Stored};
use crate::journal::Journal;
use crate::nodes::{Node, NodeError, NodeStore, write_assignments};
use crate::server::{Server, ServerError};
use certyard_protocol::{Capability, ConnectorKind, NodeAssignment, NodeInventory, NodesAnswer, NodesRequest, TaskRef};
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
    /// What the server was told of the nodes last, and what it answered.
    told: Mutex<Option<(NodesRequest, Vec<NodeAssignment>)>>,
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
            told: Mutex::default(),
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
        let nodes = self.held_nodes();
        ConnectorKind::ALL
            .into_iter()
            .map(|kind| connectors::capability(kind, nodes.iter().map(|held| &held.node)))
            .collect()
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

    /// The nodes on disk that can be worked on. Those that cannot are told, and keep no other one back.
    fn local_nodes(&self) -> Result<Vec<Node>, NodeError> {
        let listing = self.store.list()?;
        for (name, error) in &listing.damaged {
            let text = format!("node {name} is left out: {}", crate::execute::full(error));
            self.fault(&format!("file of node {name}"), &text);
        }
        for node in &listing.nodes {
            self.fine(&format!("file of node {}", node.name));
        }
        Ok(listing.nodes)
    }

    /// Reads the node files and tells the server, where that changes anything (or `always`). The answer names the nodes
    /// that the agent works for.
    pub(crate) async fn refresh_nodes(&self, always: bool) -> Result<(), ServerError> {
        let Some(mut local) = self.readable_nodes().await else {
            return Ok(());
        };
        let mut request = nodes_request(&local);
        let former = held(&self.told)
            .clone()
            .filter(|(former, _)| !always && *former == request);
        if let Some((_, assigned)) = former {
            self.hold_nodes(&local, &assigned);
            return Ok(());
        }
        let mut answer = self.server().nodes(&request).await?;
        self.keep_ids(&local, &request, &answer);
        if let Ok(now) = self.local_nodes() {
            local = now;
        }
        let told: HashSet<Uuid> = request
            .ready
            .iter()
            .copied()
            .chain(answer.taken.iter().map(|taken| taken.node_id))
            .collect();
        let present = nodes_request(&local);
        let again = differs(&request, &told, &present);
        request = present;
        if again {
            answer = self.server().nodes(&request).await?;
            self.keep_ids(&local, &request, &answer);
        }
        for refused in &answer.refused {
            self.fault(
                &format!("node {}", refused.name),
                &format!("the server refused node {}: {}", refused.name, refused.reason),
            );
        }
        if let Err(error) = write_assignments(&self.folder, &answer.nodes) {
            self.fault("assignments", &crate::execute::full(&error));
        }
        self.hold_nodes(&local, &answer.nodes);
        *held(&self.told) = Some((request, answer.nodes));
        Ok(())
    }

    /// The nodes on disk, as soon as the folder can be read: without them a task under way would be given up. `None` when
    /// the agent ends.
    async fn readable_nodes(&self) -> Option<Vec<Node>> {
        while self.stopped().is_none() {
            match self.local_nodes() {
                Ok(local) => {
                    self.fine("node files");
                    return Some(local);
                }
                Err(error) => self.fault("node files", &crate::execute::full(&error)),
            }
            self.pause(Duration::from_secs(2)).await;
        }
        None
    }

    /// Notes by which ids the server knows the nodes, and which declarations it took.
    fn keep_ids(&self, local: &[Node], request: &NodesRequest, answer: &NodesAnswer) {
        let taken = answer.taken.iter().map(|taken| {
            let sent = request.declared.iter().find(|sent| sent.name == taken.name);
            (taken.name.as_str(), taken.node_id, sent)
        });
        let paired = pair(local, &answer.nodes)
            .into_iter()
            .map(|(node, assignment)| (node.name.as_str(), assignment.node_id, None));
        for (name, node_id, sent) in taken.chain(paired) {
            match self.store.known(name, node_id, sent) {
                // Removed meanwhile by a command.
                Ok(()) | Err(NodeError::Unknown(_)) => {}
                Err(error) => self.fault("node files", &crate::execute::full(&error)),
            }
        }
    }

    fn hold_nodes(&self, local: &[Node], assigned: &[NodeAssignment]) {
        let mut nodes = held(&self.nodes);
        let mut kept = HashMap::new();
        for (node, assignment) in pair(local, assigned) {
            let id = assignment.node_id;
            let former = nodes.remove(&id);
            if let Some(former) = &former
                && former.node == *node
                && former.assignment == *assignment
            {
                kept.insert(id, former.clone());
                continue;
            }
            let connector = match connectors::open(node, &assignment.address, &self.store) {
                Ok(connector) => connector,
                Err(error) => {
                    self.fault(&format!("node {}", node.name), &crate::execute::full(&error));
                    continue;
                }
            };
            let shared = former.as_ref().map(|former| former.shared.clone()).unwrap_or_default();
            if former.is_some_and(|former| {
                former.node.settings != node.settings || former.assignment.address != assignment.address
            }) {
                *held(&shared.due) = None;
            }
            let held = HeldNode {
                node: node.clone(),
                connector,
                shared,
                assignment: assignment.clone(),
            };
            kept.insert(id, Arc::new(held));
        }
        *nodes = kept;
    }
}

/// Whether the server takes something else for present than is: a node became known by its id, or was entered, changed, removed
/// or damaged while the server was asked.
fn differs(asked: &NodesRequest, told: &HashSet<Uuid>, present: &NodesRequest) -> bool {
    let ready: HashSet<Uuid> = present.ready.iter().copied().collect();
    let mut declared = present.declared.iter();
    ready != *told || declared.any(|one| one.changed && !asked.declared.contains(one))
}

fn nodes_request(local: &[Node]) -> NodesRequest {
    let mut ready: Vec<Uuid> = local.iter().filter_map(|node| node.node_id).collect();
    ready.sort();
    NodesRequest {
        declared: local
            .iter()
            .filter(|node| node.declared)
            .map(Node::declaration)
            .collect(),
        ready,
    }
}

/// Which file belongs to which assigned node: by the server's id; else by the names, as where a node was entered on the
/// server again under a new id.
fn pair<'a>(local: &'a [Node], assigned: &'a [NodeAssignment]) -> Vec<(&'a Node, &'a NodeAssignment)> {
    let known: HashSet<Uuid> = assigned.iter().map(|assignment| assignment.node_id).collect();
    let (mut by_id, mut by_name) = (HashMap::new(), HashMap::new());
    for node in local {
        match node.node_id.filter(|id| known.contains(id)) {
            Some(id) => drop(by_id.insert(id, node)),
            None => drop(by_name.insert((node.cluster.as_str(), node.name.as_str()), node)),
        }
    }
    let file_of = |assignment: &NodeAssignment| {
        let names = (assignment.cluster.as_str(), assignment.name.as_str());
        by_id.get(&assignment.node_id).or_else(|| by_name.get(&names)).copied()
    };
    assigned
        .iter()
        .filter_map(|assignment| Some((file_of(assignment)?, assignment)))
        .filter(|(node, assignment)| node.connector() == assignment.connector)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use certyard_protocol::NodeDeclaration;

    fn node(name: &str, changed: bool) -> NodeDeclaration {
        NodeDeclaration {
            node_id: None,
            changed,
            cluster: "campus".into(),
            product: "cucm".into(),
            version: "15".into(),
            name: name.into(),
            address: format!("{name}:443"),
            role: "publisher".into(),
            connector: ConnectorKind::CiscoUc,
        }
    }

    #[test]
    fn what_changed_while_the_server_was_asked_is_told_as_well() {
        let asked = NodesRequest {
            declared: vec![node("first", true)],
            ready: Vec::new(),
        };
        let id = Uuid::from_u128(1);
        let told = HashSet::from([id]);
        let mut present = NodesRequest {
            declared: vec![NodeDeclaration {
                node_id: Some(id),
                ..node("first", false)
            }],
            ready: vec![id],
        };
        assert!(!differs(&asked, &told, &present));
        let damaged = NodesRequest {
            declared: Vec::new(),
            ready: Vec::new(),
        };
        assert!(differs(&asked, &told, &damaged));
        present.declared.push(node("second", true));
        assert!(differs(&asked, &told, &present));
        // What the server has refused is not told again and again.
        let refused = NodesRequest {
            declared: vec![node("first", true), node("second", true)],
            ready: Vec::new(),
        };
        assert!(!differs(&refused, &told, &present));
        present.ready.push(Uuid::from_u128(2));
        assert!(differs(&refused, &told, &present));
    }
}

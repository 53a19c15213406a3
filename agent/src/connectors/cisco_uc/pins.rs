//! Where the pins of a node's TLS certificate and SSH host key are kept.

use crate::nodes::NodeStore;
use std::sync::Arc;

/// Keeps pins beyond the life of a connector.
pub trait KeepPins: Send + Sync {
    /// Replaces what is kept.
    ///
    /// # Errors
    /// Why it could not be kept.
    fn keep(&self, pins: &[String]) -> Result<(), String>;
}

/// With the node's credentials.
#[derive(Debug)]
pub struct StoredPins {
    store: Arc<NodeStore>,
    node: String,
}

impl StoredPins {
    /// For this node of the store.
    pub fn new(store: Arc<NodeStore>, node: String) -> Self {
        Self { store, node }
    }
}

impl KeepPins for StoredPins {
    fn keep(&self, pins: &[String]) -> Result<(), String> {
        self.store
            .update_secrets(&self.node, |secrets| secrets.pins = pins.to_vec())
            .map_err(|error| error.to_string())
    }
}

/// The pins of the SSH host key, with the node's credentials.
#[derive(Debug)]
pub struct StoredHostKeys {
    store: Arc<NodeStore>,
    node: String,
}

impl StoredHostKeys {
    /// For this node of the store.
    pub fn new(store: Arc<NodeStore>, node: String) -> Self {
        Self { store, node }
    }
}

impl KeepPins for StoredHostKeys {
    fn keep(&self, pins: &[String]) -> Result<(), String> {
        self.store
            .update_secrets(&self.node, |secrets| secrets.host_keys = pins.to_vec())
            .map_err(|error| error.to_string())
    }
}

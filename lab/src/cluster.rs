//! A cluster at run time: its state, guarded, and on disk before it is seen.

use crate::{
    keys::{KeyId, Keys},
    rules::Refusal,
    state::{ClusterState, Shelf},
};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

#[derive(Debug)]
pub(crate) struct Cluster {
    state: Mutex<ClusterState>,
    file: PathBuf,
    pub(crate) keys: Arc<Keys>,
    pub(crate) shelf: Arc<Shelf>,
}

impl Cluster {
    pub(crate) fn new(state: ClusterState, file: PathBuf, keys: Arc<Keys>, shelf: Arc<Shelf>) -> Self {
        Self {
            state: Mutex::new(state),
            file,
            keys,
            shelf,
        }
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&ClusterState) -> T) -> T {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a change: on a copy first, then on disk, then for all to see. A refusal leaves everything as it was.
    pub(crate) fn change<T>(&self, make: impl FnOnce(&mut ClusterState) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = state.clone();
        let made = make(&mut next)?;
        if let Err(error) = next.save(&self.file) {
            tracing::error!(error = format!("{error:#}"), "a change of the lab could not be stored");
            return Err(Refusal {
                status: 500,
                message: "The change could not be stored".to_owned(),
            });
        }
        *state = next;
        Ok(made)
    }

    pub(crate) fn forget_keys(&self, gone: &[KeyId]) {
        for key in gone {
            self.keys.forget(key);
        }
    }
}

//! What every handler shares.

use crate::config::{Config, Secret};
use crate::limit::Limits;
use crate::waiters::Waiters;
use actix_web::web;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use certyard_domain::Db;
use certyard_domain::keys::Keys;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use uuid::Uuid;

/// What a handler gets.
pub(crate) type App = web::Data<State>;

/// Shared by all handlers of all listeners.
pub(crate) struct State {
    /// Storage.
    pub db: Db,
    /// Keys of the server.
    pub keys: Arc<Keys>,
    /// Settings.
    pub config: Config,
    /// How people reach the server, without a slash at the end.
    pub public_url: String,
    /// How agents reach the server, without a slash at the end.
    pub agent_url: String,
    /// Rate limits.
    pub limits: Limits,
    /// Who waits for wake-ups.
    pub waiters: Arc<Waiters>,
    /// Agents that fetched the bundle since this server knows it.
    pub bundle_known: Mutex<HashSet<Uuid>>,
    /// Turns true when the server is about to stop.
    pub stopping: watch::Receiver<bool>,
}

impl State {
    /// People come by HTTPS: cookies are `Secure`, and browsers are told to stay with it.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Whether a bearer token is the one for scripts. The time that it takes tells nothing of how much is right.
    pub(crate) fn is_bootstrap_token(&self, token: &str) -> bool {
        let hash = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
        self.config
            .bootstrap_token
            .as_ref()
            .map(Secret::expose)
            .is_some_and(|known| verify_slices_are_equal(hash(known).as_ref(), hash(token).as_ref()).is_ok())
    }

    /// Whether an agent has yet to fetch the bundle as this server knows it.
    pub(crate) fn owes_bundle(&self, agent: Uuid) -> bool {
        let known = self.bundle_known.lock().unwrap_or_else(PoisonError::into_inner);
        !known.contains(&agent)
    }

    /// An agent has fetched the bundle.
    pub(crate) fn bundle_told(&self, agent: Uuid) {
        self.bundle_known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(agent);
    }

    /// Resolves when the server is about to stop.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.clone();
        // A dropped sender is a server that has stopped.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}

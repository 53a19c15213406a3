//! ACTS for the server: loops over due work. Each is idempotent and safe on every instance at once: it lists who is due
//! over all organisations, then takes one organisation at a time in a transaction of its own.
//!
//! A loop that fails is tried again at its next turn; what it did before that stays done.

mod channels;
mod loops;
mod mail;
mod outgoing;
mod rounds;

pub use mail::Mailer;
pub use outgoing::Reach;

use certyard_domain::keys::Keys;
use certyard_domain::{Db, Result};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What one turn of a loop did: how many things.
type Turn<'a> = Pin<Box<dyn Future<Output = Result<u64>> + Send + 'a>>;

/// What the loops work with. Cheap to clone.
#[derive(Clone)]
pub struct Tools {
    /// Storage.
    pub db: Db,
    /// Keys of the server: they open the secrets that loops need.
    pub keys: Arc<Keys>,
    /// How people reach the server, without a slash at the end: links in mails begin with it.
    pub public_url: String,
    /// How far connections for organisations may go.
    pub reach: Reach,
    rounds: Arc<rounds::Rounds>,
}

impl Tools {
    /// What the loops of one process work with.
    pub fn new(db: Db, keys: Arc<Keys>, public_url: impl Into<String>, reach: Reach) -> Self {
        Self {
            db,
            keys,
            public_url: public_url.into(),
            reach,
            rounds: Arc::default(),
        }
    }
}

/// One loop.
pub(crate) struct Loop {
    /// Name in logs and metrics.
    pub name: &'static str,
    /// Time between two turns, ± 20 %.
    pub every: Duration,
    /// One turn.
    pub turn: for<'a> fn(&'a Tools) -> Turn<'a>,
}

/// Runs all loops until `shutdown` turns true; a turn that is under way is finished, and so is a message that is being sent.
pub async fn run(tools: Tools, shutdown: watch::Receiver<bool>) {
    let mut running = JoinSet::new();
    for item in loops::ALL {
        running.spawn(run_loop(item, tools.clone(), shutdown.clone()));
    }
    while running.join_next().await.is_some() {}
    tools.rounds.end().await;
}

/// Runs each loop once, in order: for tests that step the worker by hand.
///
/// # Errors
/// The first loop that fails.
pub async fn run_once(tools: &Tools) -> Result<u64> {
    let mut done = 0;
    for item in loops::ALL {
        done += (item.turn)(tools).await?;
    }
    Ok(done)
}

async fn run_loop(item: &'static Loop, tools: Tools, mut shutdown: watch::Receiver<bool>) {
    while !*shutdown.borrow() {
        let started = std::time::Instant::now();
        match (item.turn)(&tools).await {
            Ok(done) => {
                metrics::counter!("certyard_loop_done_total", "loop" => item.name).increment(done);
                metrics::gauge!("certyard_loop_last_success_seconds", "loop" => item.name)
                    .set(certyard_domain::clock::process_now().timestamp() as f64);
            }
            Err(error) => {
                metrics::counter!("certyard_loop_failures_total", "loop" => item.name).increment(1);
                tracing::warn!(
                    name = item.name,
                    error = &error as &dyn std::error::Error,
                    "a loop failed; it is tried again"
                );
            }
        }
        metrics::histogram!("certyard_loop_seconds", "loop" => item.name).record(started.elapsed());
        // Spread, so that several workers do not all look at the same moment.
        let pause = item.every.mul_f64(0.8 + 0.4 * rand_unit());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // Whoever could say stop is gone: that is a stop as well.
            stop = shutdown.wait_for(|stop| *stop) => if stop.is_err() { return },
        }
    }
}

/// A number from 0 to 1 from a random UUID: no generator of its own for a little jitter.
fn rand_unit() -> f64 {
    f64::from((uuid::Uuid::new_v4().as_u128() & 0xffff) as u16) / 65536.0
}

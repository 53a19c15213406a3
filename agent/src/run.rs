//! The loops of a running agent: poll and claim, deliver results, read nodes, renew the identity.

use crate::agent::{Agent, Stop};
use crate::backoff::{Backoff, LONGEST, jitter};
use crate::execute::full;
use crate::identity::{VERSION, retire};
use crate::report::refresh_loop;
use crate::server::ServerError;
use crate::tasks;
use certyard_protocol::{PROTOCOL_VERSION, PollAnswer, PollRequest};
use chrono::{TimeDelta, Utc};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const SERVER: &str = "server";
/// A clock that differs more from the server's is told: deadlines and certificates are judged by it.
const SKEW: TimeDelta = TimeDelta::minutes(5);
const NODE_FILES_EVERY: Duration = Duration::from_secs(2);
const JOURNAL_EVERY: Duration = Duration::from_secs(3600);
const RESULTS_EVERY: Duration = Duration::from_secs(30);
/// Tasks under way at a stop get so long to end; what is left goes on at the next start.
const GRACE: Duration = Duration::from_secs(20);
const CONTACT: &str = "contact";

/// Runs until it is asked to stop, or the server retires this agent.
pub async fn run(agent: Arc<Agent>) -> Stop {
    let id = agent.stored().identity.agent_id;
    tracing::info!(agent = %id, url = %agent.stored().url, version = VERSION, "agent {id} starts");
    agent.pause(jitter(agent.options.start_jitter)).await;
    start(&agent).await;
    let loops = [
        tokio::spawn(refresh_loop(agent.clone())),
        tokio::spawn(result_loop(agent.clone())),
        tokio::spawn(node_file_loop(agent.clone())),
        tokio::spawn(journal_loop(agent.clone())),
    ];
    poll_loop(&agent).await;
    let why = agent.until_stopped().await;
    let all = u32::try_from(agent.options.parallel.max(1)).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(GRACE, agent.slots.acquire_many(all)).await;
    if tokio::time::timeout(Duration::from_secs(5), tasks::deliver(&agent))
        .await
        .is_err()
    {
        tracing::warn!("results are left for the next start");
    }
    for running in loops {
        running.abort();
    }
    tracing::info!(agent = %id, "agent {id} ends");
    why
}

/// First contact: tell the nodes, go on with what was interrupted. Nothing is claimed before that.
async fn start(agent: &Arc<Agent>) {
    let mut backoff = Backoff::default();
    while agent.stopped().is_none() {
        let reached = async {
            renew_identity(agent).await?;
            agent.refresh_nodes(true).await?;
            tasks::resume(agent).await
        };
        match reached.await {
            Ok(()) => return agent.fine(SERVER),
            Err(error) => after_error(agent, &error, &mut backoff).await,
        }
    }
}

async fn poll_loop(agent: &Arc<Agent>) {
    let session = Uuid::new_v4();
    let mut seq = 0;
    let mut backoff = Backoff::default();
    while agent.stopped().is_none() {
        seq += 1;
        let request = PollRequest {
            session,
            seq,
            version: VERSION.into(),
            protocol: PROTOCOL_VERSION,
            capabilities: agent.capabilities(),
            running: agent.running_tasks(),
            wait_seconds: agent.options.poll_hold_seconds,
        };
        let turn = async {
            renew_identity(agent).await?;
            let answer = agent.server().poll(&request).await?;
            act_on(agent, answer).await
        };
        let outcome = tokio::select! {
            outcome = turn => outcome,
            _ = agent.until_stopped() => return,
        };
        match outcome {
            Ok(()) => {
                backoff.reset();
                agent.fine(SERVER);
                let _ = agent.folder.write(CONTACT, Utc::now().to_rfc3339().as_bytes());
            }
            Err(error) => after_error(agent, &error, &mut backoff).await,
        }
    }
}

async fn act_on(agent: &Arc<Agent>, answer: PollAnswer) -> Result<(), ServerError> {
    let skew = Utc::now() - answer.server_time;
    if skew.abs() > SKEW {
        let minutes = skew.num_minutes();
        agent.fault(
            "clock",
            &format!("this machine's clock differs from the server's by {minutes} minutes: set it"),
        );
    } else {
        agent.fine("clock");
    }
    let asked_to_stop = !answer.cancel.is_empty();
    for task in answer.cancel {
        agent.cancel(task);
    }
    if answer.bundle_changed {
        refresh_bundle(agent).await?;
    }
    if answer.nodes_changed {
        agent.refresh_nodes(true).await?;
    }
    if answer.work {
        claim(agent).await?;
    }
    if asked_to_stop {
        // A task stops behind its step; until then the server would answer each poll at once with the same.
        agent.pause(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// Claims as many tasks as nodes may be worked on.
async fn claim(agent: &Arc<Agent>) -> Result<(), ServerError> {
    let free = agent.slots.available_permits();
    if free == 0 {
        // Polling on would only tell the same again.
        let _ = tokio::time::timeout(Duration::from_secs(20), agent.slots.acquire()).await;
        return Ok(());
    }
    let most = u32::try_from(free.min(100)).unwrap_or(1);
    let answer = agent.server().claim(most).await?;
    if answer.tasks.is_empty() {
        agent.pause(jitter(Duration::from_secs(2))).await;
    }
    for claimed in answer.tasks {
        let slot = agent.slots.clone().acquire_owned().await;
        let agent = agent.clone();
        tokio::spawn(async move {
            tasks::handle(&agent, claimed).await;
            drop(slot);
        });
    }
    Ok(())
}

async fn refresh_bundle(agent: &Agent) -> Result<(), ServerError> {
    let bundle = agent.server().bundle().await?;
    let stored = agent.stored();
    let former = stored.identity.bundle.incarnation;
    if bundle.incarnation > former {
        tracing::warn!(
            former,
            now = bundle.incarnation,
            "the server's database was restored: older epochs are taken"
        );
    }
    if bundle.incarnation < former {
        agent.fault(
            "bundle",
            "the server sent a bundle of an older incarnation: it is not taken",
        );
        return Ok(());
    }
    match stored.with_bundle(&agent.folder, bundle) {
        Ok(stored) => agent.adopt_identity(stored),
        Err(error) => {
            agent.fault("bundle", &full(&error));
            Ok(())
        }
    }
}

/// Asks for the next identity when half of this one's life is over.
async fn renew_identity(agent: &Agent) -> Result<(), ServerError> {
    let stored = agent.stored();
    if Utc::now() < stored.renew_at() {
        return Ok(());
    }
    use crate::identity::IdentityError;
    match stored.renew(&agent.folder, &agent.server()).await {
        Ok(next) => {
            tracing::info!(generation = next.identity.generation, until = %next.identity.not_after, "renewed the identity");
            agent.fine("identity");
            agent.adopt_identity(next)
        }
        Err(IdentityError::Server(error)) if Utc::now() > stored.identity.not_after => Err(error),
        Err(IdentityError::Server(error @ ServerError::Retired(_))) => Err(error),
        // The present one serves on; the next poll tries again.
        Err(error) => {
            agent.fault("identity", &format!("cannot renew the identity: {}", full(&error)));
            Ok(())
        }
    }
}

async fn result_loop(agent: Arc<Agent>) {
    let mut backoff = Backoff::default();
    while agent.stopped().is_none() {
        match tasks::deliver(&agent).await {
            Ok(()) => {
                backoff.reset();
                let _ = tokio::time::timeout(RESULTS_EVERY, agent.results.notified()).await;
            }
            Err(error) => after_error(&agent, &error, &mut backoff).await,
        }
    }
}

/// `node add` and `credentials set` write files; a running agent takes them up.
async fn node_file_loop(agent: Arc<Agent>) {
    // What was written since the start counts as new: the first look compares it with what the server was told.
    let mut seen = String::new();
    while agent.stopped().is_none() {
        agent.pause(NODE_FILES_EVERY).await;
        let now = match agent.store.fingerprint() {
            Ok(now) if now != seen => now,
            Ok(_) => continue,
            Err(error) => {
                agent.fault("node files", &full(&error));
                continue;
            }
        };
        match agent.refresh_nodes(false).await {
            Ok(()) => seen = now,
            Err(error) => tracing::debug!("cannot declare the nodes yet: {}", full(&error)),
        }
    }
}

/// An agent that runs for years keeps the journal of a week.
async fn journal_loop(agent: Arc<Agent>) {
    while agent.stopped().is_none() {
        agent.pause(JOURNAL_EVERY).await;
        match agent.journal.forget_past(Utc::now()) {
            Ok(0) => {}
            Ok(files) => tracing::debug!(files, "removed the journals of {files} tasks that are long past"),
            Err(error) => agent.fault("journal", &full(&error)),
        }
    }
}

/// Says what is wrong once, and waits as the refusal asks.
async fn after_error(agent: &Agent, error: &ServerError, backoff: &mut Backoff) {
    let wait = match error {
        ServerError::Retired(_) => {
            tracing::error!("{error}");
            if let Err(error) = retire(&agent.folder) {
                tracing::error!("cannot note it: {}", full(&error));
            }
            return agent.stop(Stop::Retired);
        }
        ServerError::Later { wait: Some(wait), .. } => *wait + jitter(*wait / 4),
        ServerError::TooOld(_) => LONGEST / 2 + jitter(LONGEST / 2),
        ServerError::Unreachable { .. }
        | ServerError::Unknown(_)
        | ServerError::Forbidden(_)
        | ServerError::Stale(_)
        | ServerError::Later { wait: None, .. }
        | ServerError::Refused { .. }
        | ServerError::Unreadable(_)
        | ServerError::Tls(_) => backoff.next_wait(),
    };
    agent.fault(SERVER, &full(error));
    agent.pause(wait).await;
}

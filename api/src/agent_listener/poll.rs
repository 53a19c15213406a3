//! The long poll: held while there is nothing to do, woken at once when there is.

use super::{AgentCaller, identify};
use crate::body::Json;
use crate::error::Problem;
use crate::state::{App, State};
use actix_web::{HttpRequest, post, web};
use aws_lc_rs::rand;
use certyard_domain::agents::{self, AgentIdentity, Heartbeat, Purpose};
use certyard_domain::jobs;
use certyard_domain::signal::Topic;
use certyard_protocol::{POLL_HOLD_SECONDS, PollAnswer, PollRequest};
use std::time::Duration;
use tokio::time::Instant;

/// Wake-ups may be lost: a held poll looks by itself so often.
const LOOK: Duration = Duration::from_secs(15);

#[post("/poll")]
pub(crate) async fn poll(
    app: App,
    request: HttpRequest,
    agent: AgentCaller,
    body: Json<PollRequest>,
) -> Result<web::Json<PollAnswer>, Problem> {
    let heartbeat = Heartbeat {
        session: body.0.session,
        version: body.0.version.clone(),
        protocol: body.0.protocol,
        capabilities: body.0.capabilities.clone(),
    };
    // What is boxed leaves its room while the poll is held: thousands of agents wait at a time.
    Box::pin(agents::touch(&app.db, &agent.0, &heartbeat)).await?;
    let _held = Held::new();
    let end = Instant::now() + hold(body.0.wait_seconds);
    let waiter = app.waiters.wait(Topic::Agent(agent.0.agent_id));
    let mut identity = agent.0.as_ref().clone();
    loop {
        let mut woken = std::pin::pin!(waiter.woken());
        woken.as_mut().enable();
        let (answer, next_at) = Box::pin(look(&app, &identity, &body.0)).await?;
        let nothing = !answer.work && !answer.nodes_changed && !answer.bundle_changed && answer.cancel.is_empty();
        if !nothing || Instant::now() >= end || *app.stopping.borrow() {
            return Ok(web::Json(answer));
        }
        tokio::select! {
            () = woken => {}
            // Nothing is asked of a database that may be going away as well.
            () = app.stopped() => return Ok(web::Json(answer)),
            () = tokio::time::sleep_until(end.min(Instant::now() + next_at.unwrap_or(LOOK).min(LOOK))) => {}
        }
        // It may have been banned, retired or renewed while it waited.
        identity = Box::pin(identify(&app, &request, Purpose::Work)).await?;
    }
}

/// What there is for the agent now, and in how long there will be something that nobody has to do anything for.
async fn look(
    app: &State,
    agent: &AgentIdentity,
    request: &PollRequest,
) -> Result<(PollAnswer, Option<Duration>), Problem> {
    let tx = app.db.read(&agent.scope()).await?;
    let waiting = jobs::has_work(&tx).await?;
    let cancel = jobs::cancelled_for(&tx, &request.running).await?;
    let answer = PollAnswer {
        work: waiting.ready,
        nodes_changed: agent.nodes_changed,
        cancel,
        bundle_changed: app.owes_bundle(agent.agent_id),
        server_time: tx.now(),
    };
    let next_at = waiting.next_at.and_then(|at| (at - tx.now()).to_std().ok());
    Ok((answer, next_at))
}

/// How long to hold: what the agent wants, at most [`POLL_HOLD_SECONDS`], ± 10 % so that agents do not come in step.
fn hold(wanted: Option<u64>) -> Duration {
    let base = wanted.unwrap_or(POLL_HOLD_SECONDS).min(POLL_HOLD_SECONDS) * 1000;
    let mut random = [0; 2];
    // Without random bytes they come in step, which is no reason to fail.
    let _ = rand::fill(&mut random);
    let spread = base / 5;
    let share = spread * u64::from(u16::from_be_bytes(random)) / u64::from(u16::MAX);
    Duration::from_millis(base - spread / 2 + share)
}

/// Counts held polls.
struct Held;

impl Held {
    fn new() -> Self {
        metrics::gauge!("certyard_agent_polls").increment(1);
        Self
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        metrics::gauge!("certyard_agent_polls").decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_is_held_for_what_was_asked_more_or_less() {
        for _ in 0..100 {
            let (usual, short, long) = (hold(None), hold(Some(10)), hold(Some(600)));
            assert!((49_500..=60_500).contains(&usual.as_millis()), "{usual:?}");
            assert!((9_000..=11_000).contains(&short.as_millis()), "{short:?}");
            assert!((49_500..=60_500).contains(&long.as_millis()), "{long:?}");
        }
        assert_eq!(hold(Some(0)), Duration::ZERO);
    }
}

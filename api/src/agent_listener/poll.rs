//! The long poll: held while there is nothing to do, woken at once when there is.

use super::{AgentCaller, identify};
use crate::body::Json;
use crate::error::Problem;
use crate::state::App;
use actix_web::{HttpRequest, post, web};
use aws_lc_rs::rand;
use certyard_domain::agents::{self, Heartbeat};
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
    agents::touch(&app.db, &agent.0, &heartbeat).await?;
    let _held = Held::new();
    let end = Instant::now() + hold(body.0.wait_seconds);
    let waiter = app.waiters.wait(Topic::Agent(agent.0.agent_id));
    let mut identity = agent.0.as_ref().clone();
    loop {
        let mut woken = std::pin::pin!(waiter.woken());
        woken.as_mut().enable();
        let answer = look(&app, &identity, &body.0).await?;
        let nothing = !answer.work && !answer.nodes_changed && !answer.bundle_changed && answer.cancel.is_empty();
        if !nothing || Instant::now() >= end || *app.stopping.borrow() {
            return Ok(web::Json(answer));
        }
        tokio::select! {
            () = woken => {}
            () = app.stopped() => {}
            () = tokio::time::sleep_until(end.min(Instant::now() + LOOK)) => {}
        }
        // It may have been banned, retired or renewed while it waited.
        identity = identify(&app, &request).await?;
    }
}

//! Live progress of a job by server-sent events.

use crate::caller::Caller;
use crate::error::Problem;
use crate::jobs::{Job, job};
use crate::state::App;
use crate::waiters::Waiter;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, get, web};
use certyard_domain::people::{self, Principal};
use certyard_domain::signal::Topic;
use certyard_domain::{Permission, jobs};
use futures_util::stream;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// At most two events a second.
const GAP: Duration = Duration::from_millis(500);
/// Wake-ups may be lost: the stream looks by itself so often.
const LOOK: Duration = Duration::from_secs(5);
/// Whether the caller is still let in is asked so often.
const RECHECK: Duration = Duration::from_secs(5);
/// Proxies cut what is silent for a minute.
const BEAT: Duration = Duration::from_secs(15);

/// Follows a job by server-sent events.
///
/// Each event `job` carries the job as JSON in `data` and its version in `id`; at most two a second. `Last-Event-ID` resumes: an
/// event comes as soon as the job has moved since. The stream ends behind the event of the job's end, and within seconds of the end of
/// the caller's session, token or right to see the job. Comments keep it alive.
#[utoipa::path(operation_id = "follow_job", tag = "jobs", params(("id" = Uuid, Path, description = "The job"), ("Last-Event-ID" = Option<String>, Header, description = "Version that was seen last")), responses((status = 200, description = "Events, each with the job", body = Job, content_type = "text/event-stream")))]
#[get("/jobs/{id}/events")]
pub(crate) async fn follow_job(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    // Unknown and foreign jobs are refused before the stream begins.
    jobs::get(&app.db.read(caller.scope()).await?, *id).await?;
    let seen = request
        .headers()
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse().ok());
    let follow = Follow {
        waiter: app.waiters.wait(Topic::Job(*id)),
        app,
        caller: caller.0.as_ref().clone(),
        checked: Instant::now(),
        id: *id,
        // No version is below this one.
        seen: seen.unwrap_or(-1),
        last: None,
        ended: false,
    };
    let events = stream::unfold(follow, |mut follow| async move {
        let bytes = follow.next().await?;
        Some((Ok::<_, Problem>(bytes), follow))
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(events))
}

struct Follow {
    app: App,
    caller: Principal,
    /// When the caller was last found to be let in.
    checked: Instant,
    id: Uuid,
    waiter: Waiter,
    seen: i64,
    last: Option<Instant>,
    ended: bool,
}

impl Follow {
    /// The next event or comment; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        if let Some(last) = self.last {
            tokio::select! {
                () = tokio::time::sleep_until(last + GAP) => {}
                () = self.app.stopped() => return None,
            }
        }
        let beat = Instant::now() + BEAT;
        loop {
            let mut woken = std::pin::pin!(self.waiter.woken());
            woken.as_mut().enable();
            if self.checked.elapsed() >= RECHECK {
                // Signed out, revoked, or with another role: the next request hears why.
                self.caller = people::recheck(&self.app.db, &self.caller).await.ok()?;
                self.caller.scope.require(Permission::ReadFleet).ok()?;
                self.checked = Instant::now();
            }
            match self.look().await {
                Ok(Some(found)) => {
                    self.seen = found.version;
                    self.ended = found.finished_at.is_some();
                    self.last = Some(Instant::now());
                    return Some(event(&found));
                }
                Ok(None) => {}
                // The browser comes again with `Last-Event-ID` and hears the reason as a status.
                Err(_) => return None,
            }
            tokio::select! {
                () = woken => {}
                () = self.app.stopped() => return None,
                () = tokio::time::sleep_until(beat.min(Instant::now() + LOOK)) => {
                    if Instant::now() >= beat {
                        return Some(Bytes::from_static(b": still there\n\n"));
                    }
                }
            }
        }
    }

    async fn look(&self) -> Result<Option<Job>, Problem> {
        let tx = self.app.db.read(&self.caller.scope).await?;
        match jobs::events_since(&tx, self.id, self.seen).await? {
            Some(found) => Ok(Some(job(found)?)),
            None => {
                // Whoever resumes behind the end hears the end once more, and that it is one.
                let present = jobs::get(&tx, self.id).await?;
                Ok(present.finished_at.is_some().then(|| job(present)).transpose()?)
            }
        }
    }
}

fn event(job: &Job) -> Bytes {
    let data = serde_json::to_string(job).unwrap_or_default();
    format!("event: job\nid: {}\ndata: {data}\n\n", job.version).into()
}

//! Live progress of a job by server-sent events.

use crate::error::Problem;
use crate::jobs::Job;
use actix_web::{HttpResponse, get, web};
use uuid::Uuid;

/// Follows a job by server-sent events.
///
/// Each event `job` carries the job as JSON in `data` and its version in `id`; at most two a second. `Last-Event-ID` resumes: an
/// event comes as soon as the version is higher. The stream ends behind the event of the job's end. Comments keep it alive.
#[utoipa::path(operation_id = "follow_job", tag = "jobs", params(("id" = Uuid, Path, description = "The job"), ("Last-Event-ID" = Option<String>, Header, description = "Version that was seen last")), responses((status = 200, description = "Events, each with the job", body = Job, content_type = "text/event-stream")))]
#[get("/jobs/{id}/events")]
pub(crate) async fn follow_job(_id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

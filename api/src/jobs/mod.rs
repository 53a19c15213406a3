//! Jobs: what they are, and what is done with them as a whole.

mod aftercare;
mod tasks;

pub(crate) use aftercare::{confirm_aftercare, list_aftercare, restart_aftercare};
pub(crate) use tasks::{get_task, list_tasks};

use crate::body::{Json, OptionalJson};
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::list::{self, List, turn};
use crate::page::{self, Named, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, get, post, web};
use certyard_domain::{OrgTx, jobs};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobStatus {
    /// Nothing has begun.
    Waiting,
    /// Under way.
    Running,
    /// Every task succeeded.
    Succeeded,
    /// No task succeeded.
    Failed,
    /// It was cancelled before all was done.
    Cancelled,
    /// Some tasks succeeded, some did not.
    PartlyFailed,
}

/// What to do with a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Changed {
    /// Refuse with the difference when a target has changed since the plan.
    #[default]
    Refuse,
    /// Leave changed targets out.
    Drop,
}

/// Carries a plan out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateJob {
    /// The plan.
    pub plan_id: Uuid,
    /// Codes of the plan's warnings that are accepted.
    #[serde(default)]
    #[schema(example = json!(["cannot_undo"]))]
    pub consent: Vec<String>,
    /// What to do when a target has changed since the plan.
    #[serde(default)]
    pub changed: Changed,
}

/// Tries a job again.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryJob {
    /// Codes of the warnings that are accepted.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub consent: Vec<String>,
}

/// One action on many nodes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Job {
    /// The job.
    pub id: Uuid,
    /// The plan that it carries out.
    pub plan_id: Option<Uuid>,
    /// The job whose failed nodes it tries again.
    #[schema(example = json!(null))]
    pub retry_of: Option<Uuid>,
    /// The job whose after-care it carries out: it restarts what that one left.
    #[schema(example = json!(null))]
    pub aftercare_of: Option<Uuid>,
    /// The root change that it carries out a part of.
    #[schema(example = json!(null))]
    pub root_change_id: Option<Uuid>,
    /// `refresh`, `generate_csr`, `upload_certificate`.
    #[schema(example = "upload_certificate")]
    pub action: String,
    /// For people.
    #[schema(example = "Upload certificate tomcat on cucm-n-1")]
    pub title: String,
    /// How it is.
    pub status: JobStatus,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its last task ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Who made it.
    #[schema(example = "Ada Lovelace")]
    pub created_by: String,
    /// Its clusters, the first of them.
    pub clusters: Vec<Named>,
    /// How many clusters it has.
    #[schema(example = 1)]
    pub cluster_count: i64,
    /// Product of its clusters, where they share one.
    #[schema(example = "cucm")]
    pub product: Option<String>,
    /// The first of its nodes, three at most; in a list of one cluster, of that cluster.
    pub targets: Vec<JobTarget>,
    /// Tasks by state.
    pub counts: TaskCounts,
    /// Tasks.
    #[schema(example = 3)]
    pub total: i64,
    /// Somebody asked to stop.
    #[schema(example = false)]
    pub cancel_requested: bool,
    /// Rises with each change of its counts; the id of its events.
    #[schema(example = 7)]
    pub version: i64,
}

/// A node of a job.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct JobTarget {
    /// The node.
    pub node: Named,
    /// The purpose or trust store; null for the node as a whole.
    #[schema(example = "tomcat")]
    pub certificate: Option<String>,
}

/// A job with what went wrong in it.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobDetail {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// What went wrong, by code, the most frequent first.
    pub failures: Vec<JobFailure>,
}

/// What went wrong in a job.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobFailure {
    /// Stable code.
    #[schema(example = "node_unreachable")]
    pub code: String,
    /// One of the messages, for people.
    #[schema(example = "the node does not answer on port 443")]
    pub message: String,
    /// Tasks that failed with the code.
    #[schema(example = 2)]
    pub count: i64,
}

/// Tasks by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TaskCounts {
    /// For their wave, or another task.
    #[schema(example = 0)]
    pub waiting: i64,
    /// For their agent.
    #[schema(example = 0)]
    pub pending: i64,
    /// Under way.
    #[schema(example = 1)]
    pub running: i64,
    /// Done.
    #[schema(example = 2)]
    pub succeeded: i64,
    /// Failed.
    #[schema(example = 0)]
    pub failed: i64,
    /// Cancelled.
    #[schema(example = 0)]
    pub cancelled: i64,
    /// Too late.
    #[schema(example = 0)]
    pub expired: i64,
    /// Overtaken.
    #[schema(example = 0)]
    pub superseded: i64,
}

/// Which jobs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListJobs {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Not made before; left out: the first of this month.
    pub from: Option<DateTime<Utc>>,
    /// Made before.
    pub to: Option<DateTime<Utc>>,
    /// Any of these; repeat it for more than one.
    #[param(inline)]
    #[serde(default)]
    pub state: Vec<JobStatus>,
    /// Any of these actions, such as `generate_csr`; repeat it for more than one.
    #[serde(default)]
    pub action: Vec<String>,
    /// With a cluster of any of these products; repeat it for more than one.
    #[serde(default)]
    pub product: Vec<String>,
    /// About any of these purposes or trust stores; repeat it for more than one.
    #[serde(default)]
    pub certificate: Vec<String>,
    /// Part of the title.
    pub search: Option<String>,
    /// Only this cluster.
    pub cluster_id: Option<Uuid>,
}

/// Carries a plan out.
///
/// A warning that needs consent and has none is a 422 that names it. Targets that changed since the plan are a 409 with `changes`,
/// or left out. Job, tasks and audit row are written together.
#[utoipa::path(operation_id = "create_job", tag = "jobs", request_body = CreateJob, responses((status = 202, description = "Accepted", body = Job)))]
#[post("/jobs")]
pub(crate) async fn create_job(app: App, caller: Caller, body: Json<CreateJob>) -> Result<HttpResponse, Problem> {
    let changed = match body.0.changed {
        Changed::Refuse => jobs::Changed::Refuse,
        Changed::Drop => jobs::Changed::Drop,
    };
    let made = jobs::create(&app.db, caller.scope(), body.0.plan_id, &body.0.consent, changed).await?;
    accepted(made)
}

impl ListJobs {
    /// As the domain asks.
    pub(crate) fn filter(&self) -> jobs::JobFilter {
        jobs::JobFilter {
            from: self.from,
            to: self.to,
            statuses: self.state.iter().copied().map(Into::into).collect(),
            actions: self.action.clone(),
            products: self.product.clone(),
            purposes: self.certificate.clone(),
            search: self.search.clone(),
            cluster_id: self.cluster_id,
        }
    }

    /// One page of what a filter leaves.
    pub(crate) async fn read_filtered(
        &self,
        tx: &OrgTx,
        filter: &jobs::JobFilter,
        limit: u64,
    ) -> Result<Page<Job>, Problem> {
        let rows = jobs::list(tx, filter, page::cursor(&self.cursor)?, limit).await?;
        page::try_convert(rows, job)
    }
}

impl List for ListJobs {
    type Of = ();
    type Row = Job;
    const NAME: &'static str = "jobs";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<Job>, Problem> {
        self.read_filtered(tx, &self.filter(), limit).await
    }
}

/// Lists jobs.
#[utoipa::path(operation_id = "list_jobs", tag = "jobs", params(ListJobs), responses((status = 200, description = "Jobs, newest first", body = Page<Job>)))]
#[get("/jobs")]
pub(crate) async fn list_jobs(app: App, caller: Caller, query: Query<ListJobs>) -> Reply<Page<Job>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports jobs as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_jobs", tag = "jobs", params(ListJobs), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/jobs.csv")]
pub(crate) async fn export_jobs(app: App, caller: Caller, query: Query<ListJobs>) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

/// Reads a job, with what went wrong in it.
#[utoipa::path(operation_id = "get_job", tag = "jobs", params(("id" = Uuid, Path, description = "The job")), responses((status = 200, description = "The job", body = JobDetail)))]
#[get("/jobs/{id}")]
pub(crate) async fn get_job(app: App, caller: Caller, id: web::Path<Uuid>) -> Reply<JobDetail> {
    let tx = app.db.read(caller.scope()).await?;
    let found = jobs::get(&tx, *id).await?;
    let failures = jobs::failures(&tx, *id).await?;
    Ok(web::Json(JobDetail {
        job: job(found)?,
        failures: failures
            .into_iter()
            .map(|failure| JobFailure {
                code: failure.code,
                message: failure.message,
                count: failure.count,
            })
            .collect(),
    }))
}

/// Cancels a job.
///
/// What has not begun is cancelled at once; what runs is asked to stop and reports what it did.
#[utoipa::path(operation_id = "cancel_job", tag = "jobs", params(("id" = Uuid, Path, description = "The job")), responses((status = 200, description = "The job", body = Job)))]
#[post("/jobs/{id}/cancel")]
pub(crate) async fn cancel_job(app: App, caller: Caller, id: web::Path<Uuid>) -> Reply<Job> {
    Ok(web::Json(job(jobs::cancel(&app.db, caller.scope(), *id).await?)?))
}

/// Tries the failed nodes of a job again, by a new job.
///
/// The body may be left out; a warning that needs consent is then a 422 that names it.
#[utoipa::path(operation_id = "retry_job", tag = "jobs", params(("id" = Uuid, Path, description = "The job")), request_body = Option<RetryJob>, responses((status = 202, description = "The new job", body = Job)))]
#[post("/jobs/{id}/retry")]
pub(crate) async fn retry_job(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    body: OptionalJson<RetryJob>,
) -> Result<HttpResponse, Problem> {
    accepted(jobs::retry(&app.db, caller.scope(), *id, &body.0.consent).await?)
}

fn accepted(made: jobs::Job) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Accepted()
        .insert_header((LOCATION, format!("/api/v1/jobs/{}", made.id)))
        .json(job(made)?))
}

/// A job as the API shows it.
pub(crate) fn job(job: jobs::Job) -> Result<Job, Problem> {
    let counts = job.counts;
    Ok(Job {
        id: job.id,
        plan_id: job.plan_id,
        retry_of: job.retry_of,
        aftercare_of: job.aftercare_of,
        root_change_id: job.root_change_id,
        action: job.action,
        title: job.title,
        status: page::stored(job.status.as_str())?,
        created_at: job.created_at,
        finished_at: job.finished_at,
        created_by: job.created_by_name,
        clusters: job.clusters.into_iter().map(|(id, name)| Named { id, name }).collect(),
        cluster_count: job.cluster_count,
        product: job.product,
        targets: job
            .targets
            .into_iter()
            .map(|target| JobTarget {
                node: Named {
                    id: target.node_id,
                    name: target.node_name,
                },
                certificate: (!target.purpose.is_empty()).then_some(target.purpose),
            })
            .collect(),
        counts: TaskCounts {
            waiting: counts.waiting,
            pending: counts.pending,
            running: counts.running,
            succeeded: counts.succeeded,
            failed: counts.failed,
            cancelled: counts.cancelled,
            expired: counts.expired,
            superseded: counts.superseded,
        },
        total: counts.total(),
        cancel_requested: job.cancel_requested,
        version: job.version,
    })
}

impl From<JobStatus> for jobs::JobStatus {
    fn from(status: JobStatus) -> Self {
        match status {
            JobStatus::Waiting => Self::Waiting,
            JobStatus::Running => Self::Running,
            JobStatus::Succeeded => Self::Succeeded,
            JobStatus::Failed => Self::Failed,
            JobStatus::Cancelled => Self::Cancelled,
            JobStatus::PartlyFailed => Self::PartlyFailed,
        }
    }
}

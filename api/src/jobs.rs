//! Jobs and their tasks.

use crate::error::{Problem, Reply};
use crate::nodes::Fault;
use crate::page::{Named, Page};
use actix_web::{HttpResponse, get, post, web};
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

/// How a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaskState {
    /// For its wave, or another task.
    Waiting,
    /// For its agent.
    Pending,
    /// An agent does it.
    Running,
    /// Done.
    Succeeded,
    /// See `error` and `outcome`.
    Failed,
    /// Nobody wants it any more.
    Cancelled,
    /// Nobody did it in time.
    Expired,
    /// A newer task took its place.
    Superseded,
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
    /// Its clusters, at most 50.
    pub clusters: Vec<Named>,
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

/// What a failed task left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaskOutcome {
    /// The wanted state.
    Changed,
    /// Nothing was touched.
    NotStarted,
    /// The former state was put back.
    RolledBack,
    /// Putting the former state back failed too.
    RollbackFailed,
    /// Some steps took effect and stay.
    Partial,
}

/// How a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StepState {
    /// Not begun.
    Waiting,
    /// Under way.
    Running,
    /// Done, or nothing was to do.
    Succeeded,
    /// Failed.
    Failed,
    /// Not begun after an earlier failure.
    Skipped,
}

/// One step of a task.
#[derive(Serialize, ToSchema)]
pub(crate) struct TaskStep {
    /// `generate_csr`, `install_trust`, `install_identity`, `activate`, `verify`, `inventory`.
    #[schema(example = "install_identity")]
    pub step: String,
    /// How it is.
    pub state: StepState,
    /// For people.
    #[schema(example = "installed, restart pending")]
    pub message: Option<String>,
    /// Begin, by the agent's clock.
    pub started_at: Option<DateTime<Utc>>,
    /// End, by the agent's clock.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A job's part on one node.
#[derive(Serialize, ToSchema)]
pub(crate) struct Task {
    /// The task.
    pub id: Uuid,
    /// The node.
    pub node: Named,
    /// Its cluster.
    pub cluster: Named,
    /// What the certificate is for.
    #[schema(example = "tomcat")]
    pub purpose: Option<String>,
    /// How it is.
    pub state: TaskState,
    /// Its wave.
    #[schema(example = 0)]
    pub wave: i32,
    /// Times that it was begun.
    #[schema(example = 1)]
    pub attempt: i32,
    /// What a failed one left behind.
    pub outcome: Option<TaskOutcome>,
    /// Why it failed.
    #[schema(example = json!(null))]
    pub error: Option<Fault>,
    /// What the agent said last.
    #[schema(example = "installed, restart pending")]
    pub note: Option<String>,
    /// Its steps in order.
    pub steps: Vec<TaskStep>,
    /// First begin.
    pub started_at: Option<DateTime<Utc>>,
    /// End.
    pub finished_at: Option<DateTime<Utc>>,
    /// Latest begin.
    pub deadline: DateTime<Utc>,
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
    /// Not made before.
    pub from: Option<DateTime<Utc>>,
    /// Made before.
    pub to: Option<DateTime<Utc>>,
    /// Only this status.
    #[param(inline)]
    pub state: Option<JobStatus>,
    /// Only this cluster.
    pub cluster_id: Option<Uuid>,
}

/// Which tasks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListTasks {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Only this state.
    #[param(inline)]
    pub state: Option<TaskState>,
}

/// Carries a plan out.
///
/// A warning that needs consent and has none is a 422 that names it. Targets that changed since the plan are a 409 with `changes`,
/// or left out. Job, tasks and audit row are written together.
#[utoipa::path(operation_id = "create_job", tag = "jobs", request_body = CreateJob, responses((status = 202, description = "Accepted", body = Job)))]
#[post("/jobs")]
pub(crate) async fn create_job(_body: web::Json<CreateJob>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Lists jobs.
#[utoipa::path(operation_id = "list_jobs", tag = "jobs", params(ListJobs), responses((status = 200, description = "Jobs, newest first", body = Page<Job>)))]
#[get("/jobs")]
pub(crate) async fn list_jobs(_query: web::Query<ListJobs>) -> Reply<Page<Job>> {
    Err(Problem::not_yet())
}

/// Reads a job.
#[utoipa::path(operation_id = "get_job", tag = "jobs", params(("id" = Uuid, Path, description = "The job")), responses((status = 200, description = "The job", body = Job)))]
#[get("/jobs/{id}")]
pub(crate) async fn get_job(_id: web::Path<Uuid>) -> Reply<Job> {
    Err(Problem::not_yet())
}

/// Lists the tasks of a job.
#[utoipa::path(operation_id = "list_tasks", tag = "jobs", params(("id" = Uuid, Path, description = "The job"), ListTasks), responses((status = 200, description = "Tasks in order", body = Page<Task>)))]
#[get("/jobs/{id}/tasks")]
pub(crate) async fn list_tasks(_id: web::Path<Uuid>, _query: web::Query<ListTasks>) -> Reply<Page<Task>> {
    Err(Problem::not_yet())
}

/// Reads a task of a job.
#[utoipa::path(operation_id = "get_task", tag = "jobs", params(("id" = Uuid, Path, description = "The job"), ("task_id" = Uuid, Path, description = "The task")), responses((status = 200, description = "The task", body = Task)))]
#[get("/jobs/{id}/tasks/{task_id}")]
pub(crate) async fn get_task(_id: web::Path<(Uuid, Uuid)>) -> Reply<Task> {
    Err(Problem::not_yet())
}

/// Cancels a job.
///
/// What has not begun is cancelled at once; what runs is asked to stop and reports what it did.
#[utoipa::path(operation_id = "cancel_job", tag = "jobs", params(("id" = Uuid, Path, description = "The job")), responses((status = 200, description = "The job", body = Job)))]
#[post("/jobs/{id}/cancel")]
pub(crate) async fn cancel_job(_id: web::Path<Uuid>) -> Reply<Job> {
    Err(Problem::not_yet())
}

/// Tries the failed nodes of a job again, by a new job.
#[utoipa::path(operation_id = "retry_job", tag = "jobs", params(("id" = Uuid, Path, description = "The job")), responses((status = 202, description = "The new job", body = Job)))]
#[post("/jobs/{id}/retry")]
pub(crate) async fn retry_job(_id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

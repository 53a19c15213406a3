//! Tasks: the part of a job on one node.

use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::nodes::Fault;
use crate::page::{self, Named, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{get, web};
use certyard_domain::jobs;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

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

/// Lists the tasks of a job.
#[utoipa::path(operation_id = "list_tasks", tag = "jobs", params(("id" = Uuid, Path, description = "The job"), ListTasks), responses((status = 200, description = "Tasks in order", body = Page<Task>)))]
#[get("/jobs/{id}/tasks")]
pub(crate) async fn list_tasks(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListTasks>,
) -> Reply<Page<Task>> {
    let limit = page::limit(query.limit)?;
    let filter = jobs::TaskFilter {
        state: query.state.map(Into::into),
        ..Default::default()
    };
    let tx = app.db.read(caller.scope()).await?;
    let rows = jobs::tasks(&tx, *id, &filter, page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::try_convert(rows, task)?))
}

/// Reads a task of a job.
#[utoipa::path(operation_id = "get_task", tag = "jobs", params(("id" = Uuid, Path, description = "The job"), ("task_id" = Uuid, Path, description = "The task")), responses((status = 200, description = "The task", body = Task)))]
#[get("/jobs/{id}/tasks/{task_id}")]
pub(crate) async fn get_task(app: App, caller: Caller, ids: web::Path<(Uuid, Uuid)>) -> Reply<Task> {
    let (job_id, id) = *ids;
    let tx = app.db.read(caller.scope()).await?;
    Ok(web::Json(task(jobs::task(&tx, job_id, id).await?)?))
}

fn task(task: jobs::Task) -> Result<Task, Problem> {
    let steps = steps(&task);
    let failure = task.failure;
    Ok(Task {
        id: task.id,
        node: Named {
            id: task.node_id,
            name: task.node_name,
        },
        cluster: Named {
            id: task.cluster_id,
            name: task.cluster_name,
        },
        purpose: (!task.purpose.is_empty()).then_some(task.purpose),
        state: page::stored(task.state.as_str())?,
        wave: task.wave,
        attempt: task.attempts,
        outcome: task.node_state.as_deref().map(page::stored).transpose()?,
        error: task.failure_code.map(|code| Fault {
            code,
            message: failure.unwrap_or_default(),
        }),
        note: task.message,
        steps,
        started_at: task.started_at,
        finished_at: task.finished_at,
        deadline: task.deadline,
    })
}

/// The planned steps with what was reported of each, in order.
fn steps(task: &jobs::Task) -> Vec<TaskStep> {
    let mut reports = task.steps.iter();
    let mut next = reports.next();
    let ended = task.finished_at.is_some();
    task.planned
        .iter()
        .map(|kind| {
            let step = kind.as_str().to_string();
            match next.filter(|report| report.step == *kind) {
                Some(report) => {
                    next = reports.next();
                    let millis = i64::try_from(report.millis).unwrap_or(i64::MAX);
                    TaskStep {
                        step,
                        state: if report.ok {
                            StepState::Succeeded
                        } else {
                            StepState::Failed
                        },
                        message: (!report.note.is_empty()).then(|| report.note.clone()),
                        started_at: Some(report.started_at),
                        finished_at: TimeDelta::try_milliseconds(millis)
                            .and_then(|took| report.started_at.checked_add_signed(took)),
                    }
                }
                None => {
                    let running = !ended && task.step.as_deref() == Some(kind.as_str());
                    TaskStep {
                        state: if running {
                            StepState::Running
                        } else if ended {
                            StepState::Skipped
                        } else {
                            StepState::Waiting
                        },
                        message: task.message.clone().filter(|_| running),
                        step,
                        started_at: None,
                        finished_at: None,
                    }
                }
            }
        })
        .collect()
}

impl From<TaskState> for jobs::TaskState {
    fn from(state: TaskState) -> Self {
        match state {
            TaskState::Waiting => Self::Waiting,
            TaskState::Pending => Self::Pending,
            TaskState::Running => Self::Running,
            TaskState::Succeeded => Self::Succeeded,
            TaskState::Failed => Self::Failed,
            TaskState::Cancelled => Self::Cancelled,
            TaskState::Expired => Self::Expired,
            TaskState::Superseded => Self::Superseded,
        }
    }
}

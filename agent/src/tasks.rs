//! One claimed task, from its signature to its result; and what a crash left open.

use crate::agent::{Agent, Control, HeldNode, held};
use crate::execute::{Bench, Ended, Lease, execute, full, refused, settle};
use crate::failpoint::{self, Phase};
use crate::journal::{Admission, Run, StepRecord};
use crate::server::ServerError;
use crate::verify::{Recipient, Refusal, check_payload, open_envelope};
use async_trait::async_trait;
use certyard_protocol::{
    ClaimedTask, LEASE_RENEW_SECONDS, LeaseRequest, Outcome, StepKind, TaskPayload, TaskRef, TaskResult,
};
use chrono::{TimeDelta, Utc};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Progress in between is for people who watch; more often than this it would only be load.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// A task whose lease ran out comes again with a higher epoch well within this; after it, what is half done is put back.
const NEXT_EPOCH_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// Verifies, admits and runs a claimed task.
pub(crate) async fn handle(agent: &Arc<Agent>, claimed: ClaimedTask) {
    let task = claimed.task;
    let (payload, node) = match verify(agent, &claimed) {
        Ok(verified) => verified,
        Err(refusal) => {
            tracing::warn!(task = %task.task_id, epoch = task.epoch, code = refusal.code(), "refused a task: {refusal}");
            let outcome = match refusal {
                Refusal::Expired { .. } => Outcome::Expired,
                Refusal::TooEarly { .. } => Outcome::Retry,
                _ => Outcome::Failed,
            };
            tell(
                agent,
                task,
                &refused(task.epoch, outcome, refusal.code(), refusal.to_string()),
            )
            .await;
            return;
        }
    };
    end_former_epoch(agent, task).await;
    let incarnation = agent.stored().identity.bundle.incarnation;
    match agent.journal.admit(&payload, incarnation) {
        Ok(Admission::Run(carried)) => run(agent, &node, payload, carried, enter(agent, task)).await,
        Ok(Admission::Finished(result)) => tell(agent, task, &result).await,
        Ok(Admission::UnderWay) => {
            tracing::debug!(task = %task.task_id, "a task came again that is under way");
        }
        Ok(Admission::Stale { highest }) => {
            tracing::warn!(task = %task.task_id, epoch = task.epoch, highest, "refused a task of an old epoch");
        }
        Err(error) => {
            agent.fault("journal", &full(&error));
            let message = format!("the agent cannot write its journal: {}", full(&error));
            tell(agent, task, &refused(task.epoch, Outcome::Retry, "agent_disk", message)).await;
        }
    }
}

/// A higher epoch means that the lease of the run before it is gone: that run ends at its next step, and only then does
/// the journal take the new one.
async fn end_former_epoch(agent: &Agent, task: TaskRef) {
    loop {
        let former = held(&agent.running).get(&task.task_id).cloned();
        let Some(former) = former.filter(|former| former.task.epoch < task.epoch) else {
            return;
        };
        former.lost.store(true, Ordering::Relaxed);
        agent.pause(Duration::from_millis(100)).await;
        if agent.stopped().is_some() {
            return;
        }
    }
}

fn verify(agent: &Agent, claimed: &ClaimedTask) -> Result<(TaskPayload, Arc<HeldNode>), Refusal> {
    let identity = agent.stored().identity;
    let payload = open_envelope(&claimed.envelope, &identity.bundle.task_keys)?;
    let node = agent.node(payload.node_id);
    let capability = node.as_ref().map(|node| node.connector.capability());
    let recipient = Recipient {
        org_id: identity.org_id,
        agent_id: identity.agent_id,
        connector: node.as_ref().map(|node| node.node.connector()),
        capability: capability.as_ref(),
    };
    check_payload(&payload, claimed, &recipient, Utc::now())?;
    let node = node.ok_or(Refusal::Foreign("node: this agent holds no credentials of it"))?;
    Ok((payload, node))
}

/// From here on polls name the task as one under way.
fn enter(agent: &Agent, task: TaskRef) -> Arc<Control> {
    let control = Arc::new(Control {
        task,
        cancel: AtomicBool::new(false),
        lost: AtomicBool::new(false),
    });
    held(&agent.running).insert(task.task_id, control.clone());
    control
}

/// Runs an admitted task to its result, with its lease renewed beside it.
async fn run(
    agent: &Arc<Agent>,
    node: &HeldNode,
    payload: TaskPayload,
    carried: HashMap<usize, StepRecord>,
    control: Arc<Control>,
) {
    let task = control.task;
    let renewals = tokio::spawn(keep_lease(agent.clone(), control.clone()));
    let ended = {
        let _one_at_a_time = node.shared.busy.lock().await;
        let lease = ServerLease {
            agent: agent.clone(),
            control: control.clone(),
        };
        let bench = Bench {
            connector: node.connector.as_ref(),
            journal: &agent.journal,
            data: agent.folder.path(),
            lease: &lease,
        };
        settle_lost(agent, node, &bench, Some(&payload)).await;
        let steps: Vec<&str> = payload.steps.iter().map(|step| step.kind().as_str()).collect();
        tracing::info!(task = %task.task_id, epoch = task.epoch, node = %node.node.name, action = %payload.action,
            resumed = !carried.is_empty(), "runs {} on {}", steps.join(", "), node.node.name);
        execute(&bench, &payload, &carried).await
    };
    renewals.abort();
    match ended {
        Ended::Result(result) => {
            let why = result
                .failure
                .as_ref()
                .map(|failure| failure.message.as_str())
                .unwrap_or_default();
            tracing::info!(task = %task.task_id, epoch = task.epoch, node = %node.node.name, outcome = ?result.outcome,
                state = ?result.node_state, "task on {} ended: {:?} {why}", node.node.name, result.outcome);
            match agent.journal.finished(task.task_id, &result, Utc::now()) {
                Ok(()) => agent.results.notify_one(),
                Err(error) => {
                    agent.fault("journal", &full(&error));
                    tell(agent, task, &result).await;
                }
            }
        }
        Ended::Lost => tracing::warn!(task = %task.task_id, epoch = task.epoch, "the lease was taken away"),
    }
    let mut running = held(&agent.running);
    if running
        .get(&task.task_id)
        .is_some_and(|held| Arc::ptr_eq(held, &control))
    {
        running.remove(&task.task_id);
    }
}

/// Puts back what runs without a lease left half done on this node, unless `next` takes it over.
async fn settle_lost(agent: &Agent, node: &HeldNode, bench: &Bench<'_>, next: Option<&TaskPayload>) {
    for run in agent.journal.open_runs() {
        let Some(lost_at) = run.lost.filter(|_| run.payload.node_id == node.assignment.node_id) else {
            continue;
        };
        let due = match next {
            Some(next) => next.task_id != run.payload.task_id,
            None => lost_at + NEXT_EPOCH_WITHIN < Utc::now(),
        };
        if due && let Err(error) = settle(bench, &run, Utc::now()).await {
            agent.fault("journal", &full(&error));
        }
    }
}

/// Settles lost runs of a node that nothing else runs on.
pub(crate) async fn settle_idle(agent: &Arc<Agent>, node: &HeldNode) {
    let lease = NoLease;
    let bench = Bench {
        connector: node.connector.as_ref(),
        journal: &agent.journal,
        data: agent.folder.path(),
        lease: &lease,
    };
    settle_lost(agent, node, &bench, None).await;
}

/// Goes on with what a crash or a stop interrupted, where the lease still holds.
pub(crate) async fn resume(agent: &Arc<Agent>) -> Result<(), ServerError> {
    for open in agent.journal.open_runs() {
        if agent.stopped().is_some() {
            return Ok(());
        }
        let task = open.task();
        if open.lost.is_some() || held(&agent.running).contains_key(&task.task_id) {
            continue;
        }
        let Some(node) = agent.node(open.payload.node_id) else {
            lose(agent, &open);
            continue;
        };
        let request = LeaseRequest {
            epoch: task.epoch,
            step: None,
            message: "goes on after a restart of the agent".into(),
        };
        match agent.server().lease(task.task_id, &request).await {
            Ok(_) => {
                let (agent, control) = (agent.clone(), enter(agent, task));
                tokio::spawn(async move {
                    let _slot = agent.slots.clone().acquire_owned().await;
                    run(&agent, &node, open.payload, open.steps, control).await;
                });
            }
            Err(ServerError::Stale(_) | ServerError::Refused { .. }) => lose(agent, &open),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn lose(agent: &Agent, open: &Run) {
    tracing::warn!(task = %open.payload.task_id, epoch = open.payload.epoch, "the lease ran out while the agent was down");
    if let Err(error) = agent.journal.lost(open.payload.task_id, Utc::now()) {
        agent.fault("journal", &full(&error));
    }
}

/// Sends a result that is not in the journal. When it is lost, the lease ends and the task comes again.
async fn tell(agent: &Agent, task: TaskRef, result: &TaskResult) {
    if let Err(error) = agent.server().result(task.task_id, result).await {
        tracing::warn!(task = %task.task_id, epoch = task.epoch, "cannot report: {}", full(&error));
    }
}

/// Sends each finished result until the server answers.
pub(crate) async fn deliver(agent: &Arc<Agent>) -> Result<(), ServerError> {
    let mut later = None;
    for run in agent.journal.undelivered() {
        let (task, Some(result)) = (run.task(), &run.result) else {
            continue;
        };
        let stale = match agent.server().result(task.task_id, result).await {
            Ok(_) => {
                if let Some(last) = run.payload.steps.last() {
                    failpoint::reach(agent.folder.path(), last.kind(), Phase::Reported);
                }
                if let (Some(node), Some(inventory)) = (agent.node(run.payload.node_id), &result.inventory) {
                    crate::report::reported(agent, &node, inventory);
                }
                false
            }
            Err(ServerError::Stale(why)) => {
                tracing::warn!(task = %task.task_id, epoch = task.epoch, "the result is not wanted any more: {why}");
                true
            }
            Err(ServerError::Refused { status, message }) => {
                tracing::error!(task = %task.task_id, epoch = task.epoch, status, "the server refused a result: {message}");
                true
            }
            // A fault of the server over this one result keeps no other one back.
            Err(error @ ServerError::Later { wait: None, .. }) => {
                later = Some(error);
                continue;
            }
            Err(error) => return Err(error),
        };
        if let Err(error) = agent.journal.delivered(task, stale) {
            agent.fault("journal", &full(&error));
        }
    }
    later.map_or(Ok(()), Err)
}

async fn keep_lease(agent: Arc<Agent>, control: Arc<Control>) {
    loop {
        tokio::time::sleep(Duration::from_secs(LEASE_RENEW_SECONDS)).await;
        renew(&agent, &control, None, "").await;
    }
}

async fn renew(agent: &Agent, control: &Control, step: Option<StepKind>, message: &str) {
    let request = LeaseRequest {
        epoch: control.task.epoch,
        step,
        message: message.into(),
    };
    match agent.server().lease(control.task.task_id, &request).await {
        Ok(answer) => {
            if answer.cancel {
                control.cancel.store(true, Ordering::Relaxed);
            }
        }
        Err(ServerError::Stale(_)) => control.lost.store(true, Ordering::Relaxed),
        // The poll loop tells of a server that does not answer; a step under way goes on.
        Err(error) => tracing::debug!(task = %control.task.task_id, "cannot renew the lease: {}", full(&error)),
    }
}

struct ServerLease {
    agent: Arc<Agent>,
    control: Arc<Control>,
}

#[async_trait]
impl Lease for ServerLease {
    fn cancelled(&self) -> bool {
        self.control.cancel.load(Ordering::Relaxed)
    }

    fn lost(&self) -> bool {
        self.control.lost.load(Ordering::Relaxed)
    }

    async fn progress(&self, step: StepKind, message: &str) {
        {
            let mut last = held(&self.agent.last_progress);
            if last.is_some_and(|last| last.elapsed() < PROGRESS_EVERY) {
                return;
            }
            *last = Some(Instant::now());
        }
        let told = renew(&self.agent, &self.control, Some(step), message);
        let _ = tokio::time::timeout(Duration::from_secs(3), told).await;
    }
}

struct NoLease;

#[async_trait]
impl Lease for NoLease {
    fn cancelled(&self) -> bool {
        false
    }

    fn lost(&self) -> bool {
        false
    }

    async fn progress(&self, _step: StepKind, _message: &str) {}
}

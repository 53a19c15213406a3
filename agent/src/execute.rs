//! Runs the steps of one admitted task: journal, step, journal; and undoes what can be undone when one fails.
//!
//! Nothing here speaks to the server but [`Lease::progress`], whose loss changes nothing.

use crate::connector::{Before, Connector, Effect, StepDone, StepError, has_effect};
use crate::failpoint::{self, Phase};
use crate::folder::FolderError;
use crate::journal::{Journal, Run, StepRecord};
use crate::tls::sha256_hex;
use crate::verify::check_deadline;
use async_trait::async_trait;
use certyard_pki::{Certificate, Csr};
use certyard_protocol::{
    Expectation, Failure, NodeInventory, NodeState, Outcome, Rollback, Step, StepKind, StepReport, TaskPayload,
    TaskResult,
};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

/// What the executor hears and says while it works.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Somebody asked to stop.
    fn cancelled(&self) -> bool;
    /// The task is another's by now.
    fn lost(&self) -> bool;
    /// A step was done.
    async fn progress(&self, step: StepKind, message: &str);
}

/// Where a task runs.
pub struct Bench<'a> {
    /// Driver of the node.
    pub connector: &'a dyn Connector,
    /// The journal.
    pub journal: &'a Journal,
    /// The data folder, for the marks of failpoints.
    pub data: &'a Path,
    /// The lease.
    pub lease: &'a dyn Lease,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// With a result, for the journal and the server.
    Result(Box<TaskResult>),
    /// The lease was taken away; a higher epoch takes the run over.
    Lost,
}

#[derive(Default)]
struct Progress {
    reports: Vec<StepReport>,
    /// Steps that changed the node and are done, with what was there before.
    effects: Vec<(Step, Before)>,
    csr_pem: Option<String>,
    inventory: Option<NodeInventory>,
}

/// Runs all steps of a task. `carried` is what an interrupted run of it did before.
pub async fn execute(bench: &Bench<'_>, payload: &TaskPayload, carried: &HashMap<usize, StepRecord>) -> Ended {
    let mut progress = Progress::default();
    if nothing_there(bench, payload, carried).await
        && let Err(ended) = check_start(bench, payload).await
    {
        return Ended::Result(Box::new(ended));
    }
    for (at, step) in payload.steps.iter().enumerate() {
        if bench.lease.lost() {
            if let Err(error) = bench.journal.lost(payload.task_id, Utc::now()) {
                tracing::error!(task = %payload.task_id, error = %full(&error), "cannot write the journal");
            }
            return Ended::Lost;
        }
        if bench.lease.cancelled() {
            let error = StepError::lasting("cancelled", "the task was stopped on request");
            return Ended::Result(Box::new(undo(bench, payload, progress, None, error).await));
        }
        let (started_at, clock) = (Utc::now(), Instant::now());
        let report = |ok: bool, note: &str| StepReport {
            step: step.kind(),
            ok,
            note: note.into(),
            started_at,
            millis: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let record = carried.get(&at);
        let begun = begin(bench, payload, at, step, record).await;
        let ran = match &begun {
            Ok(before) => perform(bench, step, before, record).await,
            Err(error) => Err(error.clone()),
        };
        let done = match ran {
            Ok(done) => done,
            Err(error) => {
                progress.reports.push(report(false, &error.message));
                let failed = begun.ok().map(|before| (step.clone(), before));
                return Ended::Result(Box::new(undo(bench, payload, progress, failed, error).await));
            }
        };
        failpoint::reach(bench.data, step.kind(), Phase::After);
        let report = report(true, &done.note);
        if let Err(error) = bench.journal.done(payload.task_id, at, &done, &report) {
            // The effect is there; a restart will find it by looking at the node.
            tracing::error!(task = %payload.task_id, error = %full(&error), "cannot write the journal");
        }
        if at + 1 < payload.steps.len() {
            bench.lease.progress(step.kind(), &done.note).await;
            failpoint::reach(bench.data, step.kind(), Phase::Reported);
        }
        progress.reports.push(report);
        if let (true, Ok(before)) = (has_effect(step.kind()), begun) {
            progress.effects.push((step.clone(), before));
        }
        progress.csr_pem = done.csr_pem.or(progress.csr_pem);
        progress.inventory = done.inventory.or(progress.inventory);
    }
    Ended::Result(Box::new(TaskResult {
        epoch: payload.epoch,
        outcome: Outcome::Succeeded,
        node_state: NodeState::Changed,
        failure: None,
        steps: progress.reports,
        csr_pem: progress.csr_pem,
        inventory: progress.inventory,
    }))
}

/// Whether no step of an earlier try took effect: then the plan's facts have to hold again. A node that cannot be asked
/// may hold something; the step itself will say what is wrong.
async fn nothing_there(bench: &Bench<'_>, payload: &TaskPayload, carried: &HashMap<usize, StepRecord>) -> bool {
    for (at, step) in payload.steps.iter().enumerate() {
        let Some(record) = carried.get(&at).filter(|_| has_effect(step.kind())) else {
            continue;
        };
        if bench.connector.touched(step, &record.before).await.unwrap_or(true) {
            return false;
        }
    }
    true
}

/// Looks at the node and writes down what is there. An interrupted step keeps what was there before its first try.
async fn begin(
    bench: &Bench<'_>,
    payload: &TaskPayload,
    at: usize,
    step: &Step,
    record: Option<&StepRecord>,
) -> Result<Before, StepError> {
    let before = match record {
        Some(record) => record.before.clone(),
        None => bench.connector.before(step).await?,
    };
    bench
        .journal
        .started(payload.task_id, at, &before)
        .map_err(|error| StepError::lasting("agent_disk", full(&error)))?;
    failpoint::reach(bench.data, step.kind(), Phase::Before);
    Ok(before)
}

/// Runs a step, unless it took effect in an earlier try; an answer that was lost on the way counts by its effect.
async fn perform(
    bench: &Bench<'_>,
    step: &Step,
    before: &Before,
    record: Option<&StepRecord>,
) -> Result<StepDone, StepError> {
    let connector = bench.connector;
    if let Some(record) = record
        && let Effect::Present(found) = connector.probe_effect(step, before).await?
    {
        let recorded = record.done.as_ref().map(|(done, _)| done.clone());
        return Ok(recorded.unwrap_or(found));
    }
    match run(connector, step, before).await {
        Err(error) if error.passing && has_effect(step.kind()) => match connector.probe_effect(step, before).await {
            Ok(Effect::Present(found)) => Ok(found),
            Ok(Effect::Absent) | Err(_) => Err(error),
        },
        ran => ran,
    }
}

/// Runs a step. Trust is looked at first, and what is missing is put in: it goes on as long as it comes further, whatever answers are
/// lost on the way.
async fn run(connector: &dyn Connector, step: &Step, before: &Before) -> Result<StepDone, StepError> {
    let mut ran = connector.run(step, before).await;
    let mut trusted = before.trusted.len();
    while step.kind() == StepKind::InstallTrust && ran.as_ref().is_err_and(|error| error.passing) {
        let Ok(now) = connector.before(step).await else { break };
        if now.trusted.len() <= trusted {
            break;
        }
        trusted = now.trusted.len();
        ran = connector.run(step, before).await;
    }
    ran
}

/// Deadline and expectations, before anything is touched.
async fn check_start(bench: &Bench<'_>, payload: &TaskPayload) -> Result<(), TaskResult> {
    if let Err(refusal) = check_deadline(payload, Utc::now()) {
        let failure = Failure {
            code: refusal.code().into(),
            message: refusal.to_string(),
        };
        return Err(not_started(payload.epoch, Outcome::Expired, failure, None));
    }
    if payload.expect.is_empty() {
        return Ok(());
    }
    let inventory = match bench.connector.inventory().await {
        Ok(inventory) => inventory,
        Err(error) => {
            let outcome = if error.passing { Outcome::Retry } else { Outcome::Failed };
            return Err(not_started(payload.epoch, outcome, error.failure(), None));
        }
    };
    match payload.expect.iter().find_map(|expected| differs(expected, &inventory)) {
        None => Ok(()),
        Some(message) => {
            let failure = Failure {
                code: "expectation_failed".into(),
                message,
            };
            Err(not_started(payload.epoch, Outcome::Failed, failure, Some(inventory)))
        }
    }
}

/// What is not as the plan expected it, in words; `None` when it is.
pub fn differs(expected: &Expectation, inventory: &NodeInventory) -> Option<String> {
    let Expectation { store, entry, .. } = expected;
    // The catalogue has one spelling of what nodes write in capitals or small letters.
    let same = |held: &str, name: &str| held.eq_ignore_ascii_case(name);
    let found = inventory
        .entries
        .iter()
        .find(|held| same(&held.store, store) && (held.entry == *entry || entry == store && same(&held.entry, entry)));
    let found = found.map(|held| {
        Certificate::from_pem(&held.certificate_pem).map_or_else(
            |_| sha256_hex(held.certificate_pem.as_bytes()),
            |certificate| certificate.sha256_hex(),
        )
    });
    let name = |sha256: &Option<String>| sha256.as_deref().unwrap_or("nothing").to_owned();
    if found != expected.sha256 {
        return Some(format!(
            "the node changed since the plan was made: in {store} is {}, the plan expected {}; plan again",
            name(&found),
            name(&expected.sha256)
        ));
    }
    let wanted = expected.csr_spki_sha256.as_ref()?;
    let csr = inventory.csrs.iter().find(|csr| same(&csr.purpose, store));
    let key = csr
        .and_then(|csr| Csr::from_pem(&csr.csr_pem).ok())
        .map(|csr| hex::encode(csr.spki_sha256));
    if key.as_ref() == Some(wanted) {
        return None;
    }
    Some(format!(
        "the open CSR of {store} is another one than the certificate answers (its key is {}, expected {wanted}): have \
         the newest CSR signed",
        name(&key)
    ))
}

fn not_started(epoch: i64, outcome: Outcome, failure: Failure, inventory: Option<NodeInventory>) -> TaskResult {
    TaskResult {
        epoch,
        outcome,
        node_state: NodeState::NotStarted,
        failure: Some(failure),
        steps: vec![],
        csr_pem: None,
        inventory,
    }
}

/// A result for a task that was refused before it was looked at further.
pub fn refused(epoch: i64, outcome: Outcome, code: &str, message: String) -> TaskResult {
    let failure = Failure {
        code: code.into(),
        message,
    };
    not_started(epoch, outcome, failure, None)
}

/// Puts back what can be put back, newest first, and says what is left.
async fn undo(
    bench: &Bench<'_>,
    payload: &TaskPayload,
    progress: Progress,
    failed: Option<(Step, Before)>,
    error: StepError,
) -> TaskResult {
    let mut undone = Undone {
        changed: !progress.effects.is_empty(),
        ..Undone::default()
    };
    if let Some((step, before)) = &failed
        && has_effect(step.kind())
    {
        // A node that cannot be asked may have been changed.
        let touched = bench.connector.touched(step, before).await.unwrap_or(!error.passing);
        undone.changed |= touched;
        undone.step(bench, step, before, touched).await;
    }
    for (step, before) in progress.effects.iter().rev() {
        undone.step(bench, step, before, true).await;
    }
    let cancelled = error.code == "cancelled";
    let outcome = match (undone.changed, cancelled, error.passing) {
        (false, true, _) => Outcome::Cancelled,
        (false, false, true) => Outcome::Retry,
        _ => Outcome::Failed,
    };
    let mut failure = error.failure();
    if !undone.problems.is_empty() {
        failure.message = format!("{}; putting it back: {}", failure.message, undone.problems.join("; "));
    }
    let inventory = if error.passing {
        None
    } else {
        bench.connector.inventory().await.ok()
    };
    TaskResult {
        epoch: payload.epoch,
        outcome,
        node_state: undone.state(),
        failure: Some(failure),
        steps: progress.reports,
        csr_pem: progress.csr_pem,
        inventory,
    }
}

#[derive(Default)]
struct Undone {
    changed: bool,
    stays: bool,
    problems: Vec<String>,
}

impl Undone {
    async fn step(&mut self, bench: &Bench<'_>, step: &Step, before: &Before, touched: bool) {
        match bench.connector.rollback_kind(step.kind()) {
            Some(Rollback::Automatic) => {
                if let Err(error) = bench.connector.rollback(step, before).await {
                    self.problems.push(error.message);
                }
            }
            Some(Rollback::RestorePrevious | Rollback::None) | None => self.stays |= touched,
        }
    }

    fn state(&self) -> NodeState {
        match (self.changed, self.problems.is_empty(), self.stays) {
            (false, true, _) => NodeState::NotStarted,
            (_, false, _) => NodeState::RollbackFailed,
            (true, true, true) => NodeState::Partial,
            (true, true, false) => NodeState::RolledBack,
        }
    }
}

/// Ends a run whose lease was taken away and that no higher epoch took over: what is half done is put back.
///
/// # Errors
/// When the journal cannot be written.
pub async fn settle(bench: &Bench<'_>, run: &Run, now: DateTime<Utc>) -> Result<(), FolderError> {
    let effects = run
        .payload
        .steps
        .iter()
        .enumerate()
        .filter(|(_, step)| has_effect(step.kind()));
    let complete = effects
        .clone()
        .all(|(at, _)| run.steps.get(&at).is_some_and(|record| record.done.is_some()));
    let mut undone = Undone {
        changed: true,
        ..Undone::default()
    };
    if !complete {
        for (at, step) in effects.rev() {
            if let Some(record) = run.steps.get(&at) {
                undone.step(bench, step, &record.before, true).await;
            }
        }
    }
    let error = StepError::lasting("lease_lost", "the lease of the task was lost and no further try came");
    tracing::warn!(task = %run.payload.task_id, complete, problems = ?undone.problems, "settled a task whose lease was lost");
    let result = TaskResult {
        node_state: if complete { NodeState::Changed } else { undone.state() },
        // Should a higher epoch come after all, it looks at what is there.
        ..not_started(run.payload.epoch, Outcome::Retry, error.failure(), None)
    };
    bench.journal.finished(run.payload.task_id, &result, now)?;
    bench.journal.delivered(run.task(), true)
}

/// An error with all its causes.
pub(crate) fn full(error: &dyn std::error::Error) -> String {
    crate::server::chain(error)
}

//! What the agent began and finished, on disk before and after each effect.
//!
//! One file per task, `journal/<task>.jsonl`, appended and synced line by line. A task that comes again with a higher
//! epoch starts a new run in the same file:
//!
//! ```text
//! accepted ─► started(step, before) ─► done(step) ─► … ─► finished(result) ─► delivered
//!     │                                    └─ the lease was taken away: lost
//!     └─ next epoch: accepted, and what the run before it did is carried over
//! ```
//!
//! A torn last line (power failure while it was written) never happened: nothing is done before its line is synced.
//! `finished` without `delivered` is the spool of results. Runs that are delivered stay on disk alone, for a week.

use crate::connector::{Before, StepDone};
use crate::folder::{Folder, FolderError, sync_folder};
use certyard_protocol::{Outcome, StepReport, TaskPayload, TaskRef, TaskResult};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// Files of delivered tasks stay so long after their deadline and their last line: they answer a replay.
const KEPT: TimeDelta = TimeDelta::days(7);

/// One line of a journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line {
    Accepted {
        incarnation: i64,
        payload: Box<TaskPayload>,
    },
    Started {
        step: usize,
        before: Before,
    },
    Done {
        step: usize,
        done: StepDone,
        report: StepReport,
    },
    Lost {
        at: DateTime<Utc>,
    },
    Finished {
        result: Box<TaskResult>,
        at: DateTime<Utc>,
    },
    Delivered {
        stale: bool,
    },
}

/// What is known of one step of a run.
#[derive(Clone, Debug)]
pub struct StepRecord {
    /// The node before it.
    pub before: Before,
    /// What it did, once it is done.
    pub done: Option<(StepDone, StepReport)>,
}

/// One task in one epoch.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was signed.
    pub payload: TaskPayload,
    /// The server's incarnation at that time.
    pub incarnation: i64,
    /// Steps by their place in the payload.
    pub steps: HashMap<usize, StepRecord>,
    /// When it was seen that the lease is another's.
    pub lost: Option<DateTime<Utc>>,
    /// How it ended.
    pub result: Option<TaskResult>,
    /// The server has the result, or does not want it any more.
    pub delivered: bool,
}

impl Run {
    fn new(payload: TaskPayload, incarnation: i64) -> Self {
        Self {
            payload,
            incarnation,
            steps: HashMap::new(),
            lost: None,
            result: None,
            delivered: false,
        }
    }

    /// The task and epoch.
    pub fn task(&self) -> TaskRef {
        TaskRef {
            task_id: self.payload.task_id,
            epoch: self.payload.epoch,
        }
    }

    fn apply(&mut self, line: Line) {
        match line {
            Line::Accepted { .. } => {}
            Line::Started { step, before } => {
                self.steps.insert(step, StepRecord { before, done: None });
            }
            Line::Done { step, done, report } => {
                if let Some(record) = self.steps.get_mut(&step) {
                    record.done = Some((done, report));
                }
            }
            Line::Lost { at } => self.lost = Some(at),
            Line::Finished { result, .. } => self.result = Some(*result),
            Line::Delivered { .. } => self.delivered = true,
        }
    }
}

/// Whether a claimed task may run.
#[derive(Debug)]
pub enum Admission {
    /// It is new, or of a higher epoch. The records of the run before it, where they still count.
    Run(HashMap<usize, StepRecord>),
    /// This very epoch ended already: the result to send again.
    Finished(Box<TaskResult>),
    /// This very epoch is under way.
    UnderWay,
    /// A higher epoch was seen: it is a replay.
    Stale {
        /// The highest epoch seen.
        highest: i64,
    },
}

/// The journal of a data folder.
#[derive(Debug)]
pub struct Journal {
    folder: Folder,
    /// Runs that are not delivered.
    tasks: Mutex<HashMap<Uuid, Run>>,
}

impl Journal {
    /// Reads all files, and forgets those that are delivered and long past.
    ///
    /// # Errors
    /// When a file cannot be read or its lines (all but a torn last one) make no sense.
    pub fn open(data: &Folder, now: DateTime<Utc>) -> Result<Self, FolderError> {
        let folder = data.sub("journal")?;
        let mut tasks = HashMap::new();
        for name in folder.names(ENDING)? {
            match read_file(&folder, &name, true)? {
                Some(run) if is_past(&run, now) => folder.remove(&name)?,
                Some(run) if run.delivered => {}
                Some(run) => drop(tasks.insert(run.payload.task_id, run)),
                None => folder.remove(&name)?,
            }
        }
        Ok(Self {
            folder,
            tasks: Mutex::new(tasks),
        })
    }

    /// Removes the files of delivered runs that are long past. How many.
    ///
    /// # Errors
    /// When a file cannot be read or removed.
    pub fn forget_past(&self, now: DateTime<Utc>) -> Result<usize, FolderError> {
        let mut forgotten = 0;
        for name in self.folder.names(ENDING)? {
            let written = std::fs::metadata(self.folder.file(&name)).and_then(|meta| meta.modified());
            // Most files are told by their last line's time, without being read.
            if written.is_ok_and(|written| DateTime::<Utc>::from(written) + KEPT > now) {
                continue;
            }
            let _admitting = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            if read_file(&self.folder, &name, false)?.is_some_and(|run| is_past(&run, now)) {
                self.folder.remove(&name)?;
                forgotten += 1;
            }
        }
        Ok(forgotten)
    }

    /// How many runs are without an end, and how many results without an answer; beside a running agent, too.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn count(data: &Folder) -> Result<(usize, usize), FolderError> {
        let folder = data.sub("journal")?;
        let mut counts = (0, 0);
        for name in folder.names(ENDING)? {
            match read_file(&folder, &name, false)? {
                Some(run) if run.result.is_none() => counts.0 += 1,
                Some(run) if !run.delivered => counts.1 += 1,
                Some(_) | None => {}
            }
        }
        Ok(counts)
    }

    /// Decides whether a verified task may run, and writes that it does.
    ///
    /// # Errors
    /// When the disk refuses: then the task must not run.
    pub fn admit(&self, payload: &TaskPayload, incarnation: i64) -> Result<Admission, FolderError> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut carried = HashMap::new();
        let delivered = match tasks.get(&payload.task_id) {
            Some(_) => None,
            None => read_file(&self.folder, &file_name(payload.task_id), true)?,
        };
        if let Some(run) = tasks.get(&payload.task_id).or(delivered.as_ref()) {
            if run.incarnation >= incarnation {
                if run.payload.epoch > payload.epoch {
                    return Ok(Admission::Stale {
                        highest: run.payload.epoch,
                    });
                }
                if run.payload.epoch == payload.epoch {
                    return Ok(match &run.result {
                        Some(result) => Admission::Finished(Box::new(result.clone())),
                        None => Admission::UnderWay,
                    });
                }
            }
            carried = carry_over(run, payload);
        }
        self.append(
            payload.task_id,
            &Line::Accepted {
                incarnation,
                payload: Box::new(payload.clone()),
            },
        )?;
        tasks.insert(payload.task_id, Run::new(payload.clone(), incarnation));
        Ok(Admission::Run(carried))
    }

    /// A step begins; the node looked so before it.
    ///
    /// # Errors
    /// When the disk refuses: then the step must not begin.
    pub fn started(&self, task: Uuid, step: usize, before: &Before) -> Result<(), FolderError> {
        let before = before.clone();
        self.write(task, Line::Started { step, before })
    }

    /// A step took effect.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn done(&self, task: Uuid, step: usize, done: &StepDone, report: &StepReport) -> Result<(), FolderError> {
        let (done, report) = (done.clone(), report.clone());
        self.write(task, Line::Done { step, done, report })
    }

    /// The lease was taken away; the run stays open until a higher epoch takes it over or it is settled.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn lost(&self, task: Uuid, at: DateTime<Utc>) -> Result<(), FolderError> {
        self.write(task, Line::Lost { at })
    }

    /// The run ended; the result waits for delivery.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finished(&self, task: Uuid, result: &TaskResult, at: DateTime<Utc>) -> Result<(), FolderError> {
        let result = Box::new(result.clone());
        self.write(task, Line::Finished { result, at })
    }

    /// The server answered the result; `stale`: it did not want it any more. From here on the run is on disk alone. Nothing
    /// is noted when a later epoch took its place meanwhile.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn delivered(&self, task: TaskRef, stale: bool) -> Result<(), FolderError> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.get(&task.task_id).is_none_or(|run| run.task() != task) {
            return Ok(());
        }
        self.append(task.task_id, &Line::Delivered { stale })?;
        tasks.remove(&task.task_id);
        Ok(())
    }

    /// Runs without an end, for instance after a crash.
    pub fn open_runs(&self) -> Vec<Run> {
        self.filtered(|run| run.result.is_none())
    }

    /// Results that no answer came for yet.
    pub fn undelivered(&self) -> Vec<Run> {
        self.filtered(|run| run.result.is_some() && !run.delivered)
    }

    fn filtered(&self, wanted: impl Fn(&Run) -> bool) -> Vec<Run> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut runs: Vec<Run> = tasks.values().filter(|run| wanted(run)).cloned().collect();
        runs.sort_by_key(|run| run.payload.task_id);
        runs
    }

    fn write(&self, task: Uuid, line: Line) -> Result<(), FolderError> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        self.append(task, &line)?;
        if let Some(run) = tasks.get_mut(&task) {
            run.apply(line);
        }
        Ok(())
    }

    fn append(&self, task: Uuid, line: &Line) -> Result<(), FolderError> {
        let path = self.folder.file(&file_name(task));
        append_line(&path, line).map_err(|source| FolderError::Io {
            what: "write",
            path: path.display().to_string(),
            source,
        })
    }
}

const ENDING: &str = ".jsonl";

fn file_name(task: Uuid) -> String {
    format!("{task}{ENDING}")
}

fn is_past(run: &Run, now: DateTime<Utc>) -> bool {
    run.delivered && run.payload.deadline + KEPT < now
}

/// What a new epoch may take over, as long as the steps are the same: those of a run that ended well, that did not end,
/// or that is to be tried again (a node that stopped answering may have done what it was asked). A run that failed was
/// rolled back or says what it left: the next one starts afresh.
fn carry_over(run: &Run, payload: &TaskPayload) -> HashMap<usize, StepRecord> {
    let counts = match &run.result {
        None => true,
        Some(result) => matches!(result.outcome, Outcome::Succeeded | Outcome::Retry),
    };
    if !counts || run.payload.steps != payload.steps || run.payload.node_id != payload.node_id {
        return HashMap::new();
    }
    run.steps.clone()
}

fn append_line(path: &std::path::Path, line: &Line) -> io::Result<()> {
    let new = !path.exists();
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    let whole = file.metadata()?.len();
    let mut text = serde_json::to_vec(line).map_err(io::Error::other)?;
    text.push(b'\n');
    file.seek(SeekFrom::Start(whole))?;
    if let Err(error) = file.write_all(&text).and_then(|()| file.sync_all()) {
        // What was half written must not stand in front of the next line.
        let _ = file.set_len(whole);
        return Err(error);
    }
    if new {
        path.parent().map_or(Ok(()), sync_folder)
    } else {
        Ok(())
    }
}

/// Reads the last run of a file; `None` when not even `accepted` was written whole. A torn last line is cut off.
fn read_file(folder: &Folder, name: &str, repair: bool) -> Result<Option<Run>, FolderError> {
    let path = folder.file(name);
    let io = |source| FolderError::Io {
        what: "read",
        path: path.display().to_string(),
        source,
    };
    let bytes = folder.read(name)?.unwrap_or_default();
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if repair && whole < bytes.len() {
        let file = OpenOptions::new().write(true).open(&path).map_err(io)?;
        file.set_len(whole as u64).and_then(|()| file.sync_all()).map_err(io)?;
    }
    let mut last: Option<Run> = None;
    for text in bytes
        .get(..whole)
        .unwrap_or_default()
        .split(|byte| *byte == b'\n')
        .filter(|text| !text.is_empty())
    {
        let line: Line = serde_json::from_slice(text).map_err(|error| io(io::Error::other(error)))?;
        match (line, &mut last) {
            (Line::Accepted { incarnation, payload }, last) => *last = Some(Run::new(*payload, incarnation)),
            (line, Some(run)) => run.apply(line),
            (_, None) => return Err(io(io::Error::other("the journal does not begin with `accepted`"))),
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use certyard_protocol::{ConnectorKind, NodeState, Step};

    fn payload(now: DateTime<Utc>) -> TaskPayload {
        TaskPayload {
            org_id: Uuid::new_v4(),
            agent_id: Uuid::new_v4(),
            node_id: Uuid::new_v4(),
            job_id: Uuid::new_v4(),
            task_id: Uuid::new_v4(),
            epoch: 1,
            action: "test".into(),
            connector: ConnectorKind::Nginx,
            steps: vec![Step::Inventory],
            expect: vec![],
            not_before: now,
            deadline: now + TimeDelta::hours(1),
        }
    }

    fn result(epoch: i64) -> TaskResult {
        TaskResult {
            epoch,
            outcome: Outcome::Succeeded,
            node_state: NodeState::Changed,
            failure: None,
            steps: vec![],
            csr_pem: None,
            inventory: None,
        }
    }

    fn in_memory(journal: &Journal) -> usize {
        journal.tasks.lock().unwrap().len()
    }

    #[test]
    fn a_delivered_run_leaves_memory_at_once_and_the_disk_after_a_week() {
        let temp = tempfile::tempdir().unwrap();
        let data = Folder::create(&temp.path().join("data")).unwrap();
        let now = Utc::now();
        let journal = Journal::open(&data, now).unwrap();
        let mut payload = payload(now);
        let task = payload.task_id;
        assert!(matches!(journal.admit(&payload, 1).unwrap(), Admission::Run(_)));
        journal.finished(task, &result(1), now).unwrap();
        assert_eq!((in_memory(&journal), journal.undelivered().len()), (1, 1));
        let first = TaskRef {
            task_id: task,
            epoch: 1,
        };
        journal.delivered(first, false).unwrap();
        assert_eq!((in_memory(&journal), journal.undelivered().len()), (0, 0));

        // A replay is answered from the disk, before and after a restart.
        for journal in [&journal, &Journal::open(&data, now).unwrap()] {
            assert_eq!(in_memory(journal), 0);
            let again = journal.admit(&payload, 1).unwrap();
            assert!(matches!(again, Admission::Finished(kept) if *kept == result(1)));
        }
        payload.epoch = 3;
        assert!(matches!(journal.admit(&payload, 1).unwrap(), Admission::Run(_)));
        // The answer to the former epoch comes late.
        journal.delivered(first, true).unwrap();
        assert_eq!(in_memory(&journal), 1, "the run of the new epoch goes on");
        payload.epoch = 2;
        assert!(matches!(
            journal.admit(&payload, 1).unwrap(),
            Admission::Stale { highest: 3 }
        ));
        journal.finished(task, &result(3), now).unwrap();
        assert_eq!(
            journal.forget_past(now + TimeDelta::days(30)).unwrap(),
            0,
            "not delivered"
        );
        journal.delivered(TaskRef { epoch: 3, ..first }, false).unwrap();
        assert_eq!(journal.forget_past(now + TimeDelta::days(6)).unwrap(), 0);
        assert_eq!(journal.forget_past(now + TimeDelta::days(8)).unwrap(), 1);
        assert!(matches!(journal.admit(&payload, 1).unwrap(), Admission::Run(_)));
    }
}

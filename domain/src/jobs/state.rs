//! States of tasks and jobs.

use serde::{Deserialize, Serialize};

/// State of a task. The table of moves is [`TaskState::predecessors`]; the diagram stands in the room's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Its wave, its turn or its predecessor is not yet there.
    Waiting,
    /// An agent may claim it.
    Pending,
    /// An agent has it, with a lease.
    Running,
    /// Done.
    Succeeded,
    /// Not done, or not wholly: the node's state says which.
    Failed,
    /// Stopped before it began.
    Cancelled,
    /// Not begun in time.
    Expired,
    /// A newer task for the same purpose of the node took its place before it began.
    Superseded,
}

impl TaskState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Pending,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
        Self::Superseded,
    ];

    /// Those from which nothing has begun.
    pub(super) const OPEN: [Self; 2] = [Self::Waiting, Self::Pending];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The states from which a task may come here.
    pub fn predecessors(self) -> &'static [Self] {
        match self {
            Self::Waiting => &[],
            Self::Pending => &[Self::Waiting, Self::Running],
            Self::Running => &[Self::Pending],
            // A reading beside the targets whose agent is away is noted and passed over.
            Self::Succeeded => &[Self::Running, Self::Pending],
            Self::Failed => &[Self::Running],
            Self::Cancelled | Self::Expired | Self::Superseded => &Self::OPEN,
        }
    }

    /// Whether nothing follows.
    pub fn is_final(self) -> bool {
        match self {
            Self::Waiting | Self::Pending | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Cancelled | Self::Expired | Self::Superseded => true,
        }
    }
}

/// Tasks by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "one field for each state of `TaskState`")]
pub struct Counts {
    pub waiting: i64,
    pub pending: i64,
    pub running: i64,
    pub succeeded: i64,
    pub failed: i64,
    pub cancelled: i64,
    pub expired: i64,
    pub superseded: i64,
}

impl Counts {
    /// All tasks.
    pub fn total(&self) -> i64 {
        TaskState::ALL.into_iter().map(|state| self.of(state)).sum()
    }

    /// Tasks that have not ended.
    pub fn open(&self) -> i64 {
        self.waiting + self.pending + self.running
    }

    /// Tasks in one state.
    pub fn of(&self, state: TaskState) -> i64 {
        match state {
            TaskState::Waiting => self.waiting,
            TaskState::Pending => self.pending,
            TaskState::Running => self.running,
            TaskState::Succeeded => self.succeeded,
            TaskState::Failed => self.failed,
            TaskState::Cancelled => self.cancelled,
            TaskState::Expired => self.expired,
            TaskState::Superseded => self.superseded,
        }
    }

    /// Counts one more task in a state.
    pub fn add(&mut self, state: TaskState) {
        let count = match state {
            TaskState::Waiting => &mut self.waiting,
            TaskState::Pending => &mut self.pending,
            TaskState::Running => &mut self.running,
            TaskState::Succeeded => &mut self.succeeded,
            TaskState::Failed => &mut self.failed,
            TaskState::Cancelled => &mut self.cancelled,
            TaskState::Expired => &mut self.expired,
            TaskState::Superseded => &mut self.superseded,
        };
        *count += 1;
    }
}

/// Status of a job, read from the counts of its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// No task has begun.
    Waiting,
    /// Some task has begun, and some has not ended.
    Running,
    /// Every task succeeded.
    Succeeded,
    /// No task succeeded, and at least one failed or was not begun in time.
    Failed,
    /// Some tasks succeeded and some did not.
    PartlyFailed,
    /// No task succeeded or failed: the rest was cancelled or superseded.
    Cancelled,
}

impl JobStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::PartlyFailed,
        Self::Cancelled,
    ];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::PartlyFailed => "partly_failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// The status that follows from the counts.
    pub fn of(counts: &Counts) -> Self {
        let total = counts.total();
        if counts.open() > 0 {
            return if counts.waiting + counts.pending == total {
                Self::Waiting
            } else {
                Self::Running
            };
        }
        if counts.succeeded == total {
            Self::Succeeded
        } else if counts.succeeded > 0 {
            Self::PartlyFailed
        } else if counts.failed + counts.expired > 0 {
            Self::Failed
        } else {
            Self::Cancelled
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_final_state_is_ever_left() {
        for state in TaskState::ALL {
            assert!(state.predecessors().iter().all(|from| !from.is_final()), "{state:?}");
        }
    }

    #[test]
    fn what_runs_can_only_end_by_a_report_or_go_back() {
        let after_running: Vec<TaskState> = TaskState::ALL
            .into_iter()
            .filter(|state| state.predecessors().contains(&TaskState::Running))
            .collect();
        assert_eq!(
            after_running,
            [TaskState::Pending, TaskState::Succeeded, TaskState::Failed]
        );
    }

    #[test]
    fn names_read_back() {
        for state in TaskState::ALL {
            assert_eq!(TaskState::parse(state.as_str()), Some(state));
        }
        for status in JobStatus::ALL {
            assert_eq!(JobStatus::parse(status.as_str()), Some(status));
        }
    }

    #[test]
    fn the_status_follows_from_the_counts() {
        let table = [
            (
                Counts {
                    pending: 2,
                    ..Counts::default()
                },
                JobStatus::Waiting,
            ),
            (
                Counts {
                    pending: 1,
                    running: 1,
                    ..Counts::default()
                },
                JobStatus::Running,
            ),
            (
                Counts {
                    waiting: 1,
                    succeeded: 1,
                    ..Counts::default()
                },
                JobStatus::Running,
            ),
            (
                Counts {
                    succeeded: 2,
                    ..Counts::default()
                },
                JobStatus::Succeeded,
            ),
            (
                Counts {
                    succeeded: 2,
                    failed: 1,
                    ..Counts::default()
                },
                JobStatus::PartlyFailed,
            ),
            (
                Counts {
                    succeeded: 2,
                    cancelled: 1,
                    ..Counts::default()
                },
                JobStatus::PartlyFailed,
            ),
            (
                Counts {
                    failed: 1,
                    cancelled: 1,
                    ..Counts::default()
                },
                JobStatus::Failed,
            ),
            (
                Counts {
                    expired: 1,
                    ..Counts::default()
                },
                JobStatus::Failed,
            ),
            (
                Counts {
                    cancelled: 1,
                    superseded: 1,
                    ..Counts::default()
                },
                JobStatus::Cancelled,
            ),
        ];
        for (counts, status) in table {
            assert_eq!(JobStatus::of(&counts), status, "{counts:?}");
        }
    }
}

//! Jobs: an action on many nodes, one task for each. Agents claim tasks with a lease and an epoch, and report.
//!
//! ```text
//!                wave, turn and                claim
//!                predecessor there         (epoch + 1, lease)            report: done
//!    ┌─────────┐               ┌─────────┐               ┌─────────┐                   ┌───────────┐
//!    │ waiting │──────────────▶│ pending │──────────────▶│ running │──────────────────▶│ succeeded │
//!    └────┬────┘   advance     └─┬──▲──┬─┘     claim     └─┬──┬────┘      report       └───────────┘
//!         │                      │  │  │                   │  │ report: not done, or
//!         │                      │  └──┼───────────────────┘  │ no attempt is left     ┌───────────┐
//!         │                      │     │  lease lost, or      └───────────────────────▶│  failed   │
//!         │                      │     │  it may pass: sweep,        report, sweep     └───────────┘
//!         │                      │     │  report (with a wait)
//!         ▼                      ▼     ▼
//!   cancelled (cancel, stop after failures) · expired (deadline) · superseded (a newer job for the same purpose)
//! ```
//!
//! Each move is made by [`transition::Moves::shift`] alone: an UPDATE that names the state it comes from, and the epoch
//! where an agent speaks; the counts of `job_cluster` go with it in the same transaction. A running task is never ended from
//! outside: it is asked to stop, and what its agent hands back untouched goes to pending and from there to cancelled.
//!
//! | who moves | when |
//! |---|---|
//! | [`create`] | makes tasks as waiting or pending; older ones for the same purposes become superseded |
//! | [`claim`] | pending → running, one for each node: a unique index keeps it, not a rule |
//! | [`report`] | running → succeeded, failed, pending |
//! | [`advance`] | waiting → pending as waves, predecessors, `max_parallel` allow; the rest → cancelled at `stop_at_failures`; readings beside
//! the targets whose agents are away: pending → succeeded, with a note; finishes the job |
//! | [`cancel`] | waiting, pending → cancelled; running is asked |
//! | [`retire_node`] | waiting, pending → cancelled; running is asked |
//! | [`sweep_leases`], [`expire_deadlines`] | running → pending or failed; waiting, pending → expired |
//!
//! A predecessor (`after_id`) has to have ended, in whichever way: it is an order, not a condition. The condition is
//! `stop_at_failures`.
//!
//! Tasks that have not ended follow their node to its present agents: whatever changes them goes through this room, so that it
//! is one transaction.

mod advance;
mod aftercare;
mod backoff;
mod claim;
mod create;
mod entity;
mod fleet;
mod inventory;
mod period;
mod read;
mod report;
mod state;
mod stop;
mod sweep;
mod tasks;
mod transition;

pub use advance::advance;
pub use aftercare::{CareItem, CareRestarts, CareState, Checklist, Confirmation, aftercare, confirm, plan_restarts};
pub use claim::{MAX_CLAIM, Waiting, cancelled_for, claim, has_work, lease};
pub use create::{Changed, create};
pub use fleet::{ban_agent, declare_nodes, retire_agent, retire_node, unban_agent, update_node};
pub use period::{Period, PeriodCounts, month_start, period_counts};
pub use read::{Job, JobFilter, events_since, get, list, of_root_change};
pub use report::report;
pub use state::{Counts, JobStatus, TaskState};
pub use stop::{cancel, retry};
pub use sweep::{expire_deadlines, open_waves, sweep_leases};
pub use tasks::{Failure, JobTarget, Task, TaskFilter, failures, task, tasks};

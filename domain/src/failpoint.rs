//! Points at which a debug build of the server can be made to die, to prove that nothing is lost and no effect is repeated.
//!
//! `CERTYARD_FAILPOINT=report:after_commit` aborts the process, as by kill -9, right after the first result is on disk and
//! before its agent is answered. Only tests set the variable, for one start; release builds have no trace of it.

use crate::db::OrgTx;
use crate::error::Result;

/// What the server commits for agents, for people, and in the rounds of its loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A job is made of a plan.
    CreateJob,
    /// An agent gets tasks.
    Claim,
    /// An agent renews a lease.
    Lease,
    /// An agent reports a result.
    Report,
    /// A job is moved on: after a report, and by the worker.
    Advance,
    /// The worker takes back what was not heard of.
    SweepLeases,
    /// The worker ends what was not begun in time.
    ExpireDeadlines,
    /// The worker raises alerts that are due.
    RaiseAlerts,
    /// The worker makes the messages of a sweep.
    QueueMessages,
    /// The worker takes a message, to send it.
    ClaimMessage,
    /// The worker writes down what the mail server said to a message.
    SettleMessage,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 11] = [
        Self::CreateJob,
        Self::Claim,
        Self::Lease,
        Self::Report,
        Self::Advance,
        Self::SweepLeases,
        Self::ExpireDeadlines,
        Self::RaiseAlerts,
        Self::QueueMessages,
        Self::ClaimMessage,
        Self::SettleMessage,
    ];

    /// Its spelling in the variable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateJob => "create_job",
            Self::Claim => "claim",
            Self::Lease => "lease",
            Self::Report => "report",
            Self::Advance => "advance",
            Self::SweepLeases => "sweep_leases",
            Self::ExpireDeadlines => "expire_deadlines",
            Self::RaiseAlerts => "raise_alerts",
            Self::QueueMessages => "queue_messages",
            Self::ClaimMessage => "claim_message",
            Self::SettleMessage => "settle_message",
        }
    }
}

/// Where in the life of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// All is written, nothing is kept yet.
    BeforeCommit,
    /// It is on disk; nobody was answered, nobody woken, and what follows has not begun.
    AfterCommit,
}

impl Moment {
    /// Every moment.
    pub const ALL: [Self; 2] = [Self::BeforeCommit, Self::AfterCommit];

    /// Its spelling in the variable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeforeCommit => "before_commit",
            Self::AfterCommit => "after_commit",
        }
    }
}

/// One point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KillPoint {
    /// The transaction.
    pub operation: Operation,
    /// The moment.
    pub moment: Moment,
}

impl std::fmt::Display for KillPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.operation.as_str(), self.moment.as_str())
    }
}

/// All points: every operation × every moment.
pub fn kill_points() -> Vec<KillPoint> {
    Operation::ALL
        .into_iter()
        .flat_map(|operation| {
            Moment::ALL
                .into_iter()
                .map(move |moment| KillPoint { operation, moment })
        })
        .collect()
}

/// Commits a transaction between the two points of its operation.
pub(crate) async fn commit(tx: OrgTx, operation: Operation) -> Result<()> {
    reach(operation, Moment::BeforeCommit);
    let wake_ups = tx.commit_quietly().await?;
    reach(operation, Moment::AfterCommit);
    wake_ups.send();
    Ok(())
}

/// Dies here when the variable names this point.
fn reach(operation: Operation, moment: Moment) {
    #[cfg(debug_assertions)]
    {
        static WANTED: std::sync::LazyLock<Option<String>> =
            std::sync::LazyLock::new(|| std::env::var("CERTYARD_FAILPOINT").ok());
        if let Some(wanted) = WANTED.as_deref()
            && wanted == (KillPoint { operation, moment }).to_string()
        {
            std::process::abort();
        }
    }
    #[cfg(not(debug_assertions))]
    let _ = (operation, moment);
}

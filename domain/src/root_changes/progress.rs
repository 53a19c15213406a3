//! How far a root change is: what is open in each phase, what keeps it from beginning, and what comes next. The numbers are read, the
//! rest follows from them.

use super::coverage::{self, CoverCounts, CoverState};
use super::entity as root_change;
use super::identities::{self, IdentityCounts};
use super::list::{RootChange, State, with_certificates};
use crate::certificates::entity::der;
use crate::db::OrgTx;
use crate::error::{Error, Result};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use uuid::Uuid;

/// A part of a root change, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The new certificate goes to all trust stores that hold the old one.
    Distribute,
    /// Readings say that it is there.
    Verify,
    /// Identity certificates that chain to the old one make way for such that chain to the new one.
    Switch,
    /// The old certificate leaves the trust stores.
    Retire,
}

impl Phase {
    /// Every phase in order.
    pub const ALL: [Self; 4] = [Self::Distribute, Self::Verify, Self::Switch, Self::Retire];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Distribute => "distribute",
            Self::Verify => "verify",
            Self::Switch => "switch",
            Self::Retire => "retire",
        }
    }
}

/// Where a phase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhaseState {
    /// There is something to do, and it may be done.
    Open,
    /// Something has to be done before.
    Blocked,
    /// There is nothing left to do.
    Done,
}

/// Why a phase must not begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Stable code, `snake_case`.
    pub code: &'static str,
    /// Why, and the way out.
    pub message: String,
    /// How many places or certificates it is about.
    pub count: i64,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Make a plan that distributes the new certificate to what lacks it.
    Distribute,
    /// Wait for tasks that are under way.
    Wait,
    /// See to nodes that cannot be reached from here, and read them.
    Verify,
    /// Make a plan for CSRs.
    Switch,
    /// Have the CSRs signed by the new CA, and upload the answers.
    Upload,
    /// Make a plan that deletes the old certificate.
    Retire,
    /// Close it: all is done.
    Close,
}

impl Next {
    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Distribute => "distribute",
            Self::Wait => "wait",
            Self::Verify => "verify",
            Self::Switch => "switch",
            Self::Upload => "upload",
            Self::Retire => "retire",
            Self::Close => "close",
        }
    }
}

/// The numbers of a root change at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Places of trust stores.
    pub coverage: CoverCounts,
    /// Identity certificates.
    pub identities: IdentityCounts,
}

/// Reads how far a root change is.
///
/// # Errors
/// [`Error::Refused`] `too_many_issuers`.
pub async fn progress(tx: &OrgTx, change: &RootChange) -> Result<Progress> {
    Ok(Progress {
        coverage: coverage::counts(tx, change).await?,
        identities: identities::counts(tx, change).await?,
    })
}

impl Progress {
    fn chained_to_old(&self) -> i64 {
        self.identities.old + self.identities.csr_pending
    }

    /// Places to which a plan can bring the new certificate from here.
    fn to_bring(&self) -> i64 {
        [CoverState::Missing, CoverState::Failed, CoverState::Unreachable]
            .map(|state| self.coverage.of(state))
            .into_iter()
            .sum()
    }

    /// Why a phase must not begin; empty: it may.
    pub fn blocks(&self, phase: Phase) -> Vec<Block> {
        let mut blocks = Vec::new();
        let lacking = self.coverage.lacking();
        if matches!(phase, Phase::Switch | Phase::Retire) && lacking > 0 {
            blocks.push(Block {
                code: "coverage_incomplete",
                message: format!(
                    "{lacking} of {} trust stores are not known to have the new certificate: distribute it to them and see that each node is \
                     read, else nodes meet certificates that they do not trust",
                    self.coverage.total()
                ),
                count: lacking,
            });
        }
        let outside = self.coverage.outside;
        if phase == Phase::Switch && outside > 0 {
            blocks.push(Block {
                code: "trust_outside_scope",
                message: format!(
                    "{outside} trust stores of clusters outside of this root change hold the old certificate and not the new one: their nodes \
                     would refuse what the new CA has signed. Bring the new certificate there first, or widen the scope"
                ),
                count: outside,
            });
        }
        if phase == Phase::Retire {
            let old = self.chained_to_old();
            if old > 0 {
                blocks.push(Block {
                    code: "identities_on_old",
                    message: format!(
                        "{old} identity certificates chain to the old certificate still: have the new CA sign certificates in their place first"
                    ),
                    count: old,
                });
            }
            let outside = self.identities.outside;
            if outside > 0 {
                blocks.push(Block {
                    code: "identities_outside_scope",
                    message: format!(
                        "{outside} identity certificates of clusters outside of this root change chain to the old certificate still: their nodes \
                         would not be trusted here any more. Switch them first, or widen the scope"
                    ),
                    count: outside,
                });
            }
        }
        blocks
    }

    /// Where a phase stands.
    pub fn state(&self, phase: Phase) -> PhaseState {
        let left = match phase {
            Phase::Distribute => self.to_bring() + self.coverage.of(CoverState::UnderWay),
            Phase::Verify => self.coverage.lacking(),
            Phase::Switch => self.chained_to_old(),
            Phase::Retire => self.coverage.holding_old,
        };
        match left {
            0 => PhaseState::Done,
            _ if self.blocks(phase).is_empty() => PhaseState::Open,
            _ => PhaseState::Blocked,
        }
    }

    /// What comes next; what a person can do from here goes before what has to be done elsewhere.
    pub fn next(&self) -> Next {
        let cover = &self.coverage;
        if self.to_bring() > 0 {
            Next::Distribute
        } else if cover.of(CoverState::UnderWay) > 0 {
            Next::Wait
        } else if cover.lacking() > 0 {
            Next::Verify
        } else if self.identities.old > 0 {
            Next::Switch
        } else if self.identities.csr_pending > 0 {
            Next::Upload
        } else if cover.holding_old > 0 {
            Next::Retire
        } else {
            Next::Close
        }
    }

    /// Whether nothing is left to do.
    pub fn is_complete(&self) -> bool {
        Phase::ALL
            .into_iter()
            .all(|phase| self.state(phase) == PhaseState::Done)
    }
}

/// An open root change whose new certificate is not everywhere yet, as an upload has to know it.
#[derive(Clone, Debug)]
pub(crate) struct Undistributed {
    /// Its name.
    pub name: String,
    /// SHA-256 of the new certificate.
    pub sha256: String,
    /// Its subject, encoded.
    pub subject_der: Vec<u8>,
    /// Its key.
    pub spki_der: Vec<u8>,
    /// Places that lack it.
    pub lacking: i64,
    /// Those of the clusters asked for that it is about.
    pub clusters: HashSet<Uuid>,
}

/// Open root changes that one upload is compared with at most.
const MAX_OPEN: u64 = 20;

/// Open root changes about some clusters whose new certificate is not everywhere. Whoever uploads is warned of them, also where they are
/// bound to groups and see neither the root change nor its certificates: told are its name and a number.
pub(crate) async fn undistributed(tx: &OrgTx, clusters: &[Uuid]) -> Result<Vec<Undistributed>> {
    use root_change::{Column, Entity};
    let rows = Entity::find()
        .filter(Column::OrgId.eq(tx.org_id()))
        .filter(Column::State.eq(State::Open.as_str()))
        .order_by_desc(Column::CreatedAt)
        .limit(MAX_OPEN)
        .all(tx)
        .await?;
    let mut found = Vec::new();
    for change in with_certificates(tx, rows).await? {
        let within = of_clusters(tx, &change, clusters).await?;
        if within.is_empty() {
            continue;
        }
        let lacking = coverage::counts(tx, &change).await?.lacking();
        if lacking == 0 {
            continue;
        }
        let stored = der::Entity::find()
            .filter(der::Column::OrgId.eq(tx.org_id()))
            .filter(der::Column::Id.eq(change.new.id))
            .one(tx)
            .await?
            .ok_or_else(|| Error::internal("a certificate of a root change has no bytes"))?;
        let new = certyard_pki::Certificate::from_der(&stored.der).map_err(Error::internal)?;
        found.push(Undistributed {
            name: change.name,
            sha256: change.new.sha256,
            subject_der: new.subject_der,
            spki_der: new.spki_der,
            lacking,
            clusters: within,
        });
    }
    Ok(found)
}

/// Those of some clusters that a root change is about.
async fn of_clusters(tx: &OrgTx, change: &RootChange, clusters: &[Uuid]) -> Result<HashSet<Uuid>> {
    let mut found = HashSet::new();
    for chunk in clusters.chunks(5_000) {
        let select = Query::select()
            .column(("cluster", "id"))
            .from("cluster")
            .and_where(Expr::col(("cluster", "org_id")).eq(tx.org_id()))
            .and_where(Expr::col(("cluster", "id")).is_in(chunk.iter().copied()))
            .cond_where(Condition::all().add(change.within.condition()))
            .take();
        for row in tx.query_all(&select).await? {
            found.insert(row.try_get("", "id").map_err(Error::from)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(places: &[(CoverState, i64)], holding_old: i64, identities: (i64, i64, i64, i64)) -> Progress {
        let (old, csr_pending, new, outside) = identities;
        Progress {
            coverage: CoverCounts::from_counts(places, holding_old),
            identities: IdentityCounts {
                old,
                csr_pending,
                new,
                outside,
            },
        }
    }

    #[test]
    fn each_phase_waits_for_the_one_before() {
        use CoverState::{Covered, Failed, Missing, NeverRead, Refused, UnderWay};
        let codes = |progress: &Progress, phase| -> Vec<&'static str> {
            progress.blocks(phase).into_iter().map(|block| block.code).collect()
        };
        for (places, holding_old, identities, next, switch, retire) in [
            (
                vec![(Missing, 3)],
                3,
                (2, 0, 0, 0),
                Next::Distribute,
                vec!["coverage_incomplete"],
                vec!["coverage_incomplete", "identities_on_old"],
            ),
            (
                vec![(Covered, 2), (UnderWay, 1)],
                3,
                (2, 0, 0, 0),
                Next::Wait,
                vec!["coverage_incomplete"],
                vec!["coverage_incomplete", "identities_on_old"],
            ),
            (
                vec![(Covered, 2), (UnderWay, 1), (Failed, 1)],
                3,
                (0, 0, 2, 0),
                Next::Distribute,
                vec!["coverage_incomplete"],
                vec!["coverage_incomplete"],
            ),
            (
                vec![(Covered, 2), (Refused, 1)],
                3,
                (2, 0, 0, 0),
                Next::Verify,
                vec!["coverage_incomplete"],
                vec!["coverage_incomplete", "identities_on_old"],
            ),
            (
                vec![(Covered, 2), (NeverRead, 1)],
                2,
                (0, 0, 2, 0),
                Next::Verify,
                vec!["coverage_incomplete"],
                vec!["coverage_incomplete"],
            ),
            (
                vec![(Covered, 3)],
                3,
                (1, 1, 0, 0),
                Next::Switch,
                vec![],
                vec!["identities_on_old"],
            ),
            (
                vec![(Covered, 3)],
                3,
                (0, 1, 1, 0),
                Next::Upload,
                vec![],
                vec!["identities_on_old"],
            ),
            (
                vec![(Covered, 3)],
                3,
                (0, 0, 2, 4),
                Next::Retire,
                vec![],
                vec!["identities_outside_scope"],
            ),
            (vec![(Covered, 3)], 3, (0, 0, 2, 0), Next::Retire, vec![], vec![]),
            (vec![(Covered, 3)], 0, (0, 0, 2, 0), Next::Close, vec![], vec![]),
        ] {
            let progress = progress(&places, holding_old, identities);
            assert_eq!(progress.next(), next, "{progress:?}");
            assert_eq!(codes(&progress, Phase::Switch), switch, "{progress:?}");
            assert_eq!(codes(&progress, Phase::Retire), retire, "{progress:?}");
            assert!(codes(&progress, Phase::Distribute).is_empty() && codes(&progress, Phase::Verify).is_empty());
            assert_eq!(progress.is_complete(), next == Next::Close, "{progress:?}");
        }
    }

    #[test]
    fn distributing_ends_with_what_can_be_brought_from_here_and_no_task_is_left() {
        use CoverState::{Covered, Failed, Missing, NeverRead, Refused, UnderWay, Unreachable};
        for (state, distribute, next) in [
            (Missing, PhaseState::Open, Next::Distribute),
            (Failed, PhaseState::Open, Next::Distribute),
            (Unreachable, PhaseState::Open, Next::Distribute),
            (UnderWay, PhaseState::Open, Next::Wait),
            (Refused, PhaseState::Done, Next::Verify),
            (NeverRead, PhaseState::Done, Next::Verify),
        ] {
            let progress = progress(&[(Covered, 2), (state, 1)], 3, (1, 0, 0, 0));
            assert_eq!(progress.state(Phase::Distribute), distribute, "{progress:?}");
            assert_eq!(progress.state(Phase::Verify), PhaseState::Open, "{progress:?}");
            assert_eq!(progress.next(), next, "{progress:?}");
        }
    }
}

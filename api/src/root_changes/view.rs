//! What a root change looks like.

use crate::error::Problem;
use crate::jobs::{Job, job};
use certyard_domain::{jobs, root_changes};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Where a root change stands as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RootChangeState {
    /// It is under way.
    Open,
    /// It was closed with nothing left to do.
    Completed,
    /// It was closed before, for a reason.
    Cancelled,
}

impl RootChangeState {
    pub(super) fn wanted(self) -> root_changes::State {
        match self {
            Self::Open => root_changes::State::Open,
            Self::Completed => root_changes::State::Completed,
            Self::Cancelled => root_changes::State::Cancelled,
        }
    }

    fn of(state: root_changes::State) -> Self {
        match state {
            root_changes::State::Open => Self::Open,
            root_changes::State::Completed => Self::Completed,
            root_changes::State::Cancelled => Self::Cancelled,
        }
    }
}

/// A part of a root change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RootChangePhase {
    /// The new certificate goes to all trust stores that hold the old one.
    Distribute,
    /// The nodes are read: is it there?
    Verify,
    /// CSRs are made for what chains to the old one.
    Switch,
    /// The old one leaves the trust stores.
    Retire,
}

impl RootChangePhase {
    pub(super) fn wanted(self) -> root_changes::Phase {
        match self {
            Self::Distribute => root_changes::Phase::Distribute,
            Self::Verify => root_changes::Phase::Verify,
            Self::Switch => root_changes::Phase::Switch,
            Self::Retire => root_changes::Phase::Retire,
        }
    }

    fn of(phase: root_changes::Phase) -> Self {
        match phase {
            root_changes::Phase::Distribute => Self::Distribute,
            root_changes::Phase::Verify => Self::Verify,
            root_changes::Phase::Switch => Self::Switch,
            root_changes::Phase::Retire => Self::Retire,
        }
    }
}

/// Where a phase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PhaseState {
    /// There is something to do, and it may be done.
    Open,
    /// Something has to be done before.
    Blocked,
    /// There is nothing left to do.
    Done,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NextAction {
    /// Plan `distribute`: something lacks the new certificate.
    Distribute,
    /// Wait for tasks that are under way.
    Wait,
    /// See to what cannot be done from here, and plan `verify`.
    Verify,
    /// Plan `switch`.
    Switch,
    /// Have the new CA sign the open CSRs, and upload its answers.
    Upload,
    /// Plan `retire`.
    Retire,
    /// Close it.
    Close,
}

impl NextAction {
    fn of(next: root_changes::Next) -> Self {
        match next {
            root_changes::Next::Distribute => Self::Distribute,
            root_changes::Next::Wait => Self::Wait,
            root_changes::Next::Verify => Self::Verify,
            root_changes::Next::Switch => Self::Switch,
            root_changes::Next::Upload => Self::Upload,
            root_changes::Next::Retire => Self::Retire,
            root_changes::Next::Close => Self::Close,
        }
    }
}

/// Clusters; what is left out or empty does not matter, so that nothing means all.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RootChangeScope {
    /// Only these clusters.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub cluster_ids: Vec<Uuid>,
    /// Only clusters of these groups.
    #[serde(default)]
    pub group_ids: Vec<Uuid>,
    /// Only clusters of this product.
    #[serde(default)]
    #[schema(example = json!(null))]
    pub product: Option<String>,
}

impl RootChangeScope {
    pub(super) fn within(self) -> root_changes::Within {
        root_changes::Within {
            cluster_ids: self.cluster_ids,
            group_ids: self.group_ids,
            product: self.product,
        }
    }

    fn of(within: root_changes::Within) -> Self {
        Self {
            cluster_ids: within.cluster_ids,
            group_ids: within.group_ids,
            product: within.product,
        }
    }
}

/// The certificate of a CA.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AuthorityCertificate {
    /// The certificate.
    pub id: Uuid,
    /// Common name; empty where it has none.
    #[schema(example = "Example Root CA")]
    pub common_name: String,
    /// Subject, RFC 4514.
    #[schema(example = "CN=Example Root CA,O=Example")]
    pub subject: String,
    /// SHA-256, lower-case hex.
    #[schema(example = "6a9c…")]
    pub sha256: String,
    /// Serial number, upper-case hex.
    #[schema(example = "01AB")]
    pub serial_hex: String,
    /// Begin.
    pub not_before: DateTime<Utc>,
    /// End.
    pub not_after: DateTime<Utc>,
    /// It is signed by its own key: a root.
    pub self_signed: bool,
}

impl AuthorityCertificate {
    fn of(certificate: certyard_domain::certificates::Certificate) -> Self {
        Self {
            id: certificate.id,
            common_name: certificate.common_name,
            subject: certificate.subject,
            sha256: certificate.sha256,
            serial_hex: certificate.serial_hex,
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            self_signed: certificate.self_signed,
        }
    }
}

/// One CA certificate that makes way for another.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RootChange {
    /// The root change.
    pub id: Uuid,
    /// Name.
    #[schema(example = "Example Root CA → Example Root CA G2")]
    pub name: String,
    /// For people.
    #[schema(example = "change 4711")]
    pub note: String,
    /// Where it stands as a whole.
    pub state: RootChangeState,
    /// The certificate that makes way.
    pub old_certificate: AuthorityCertificate,
    /// The one that takes its place.
    pub new_certificate: AuthorityCertificate,
    /// In which clusters.
    pub scope: RootChangeScope,
    /// Why it was closed; empty while it is open.
    #[schema(example = "")]
    pub reason: String,
    /// Who began it.
    #[schema(example = "Ada Lovelace")]
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Last change of it, not of what it is about.
    pub updated_at: DateTime<Utc>,
    /// When it was closed.
    #[schema(example = json!(null))]
    pub closed_at: Option<DateTime<Utc>>,
    /// By whom.
    #[schema(example = json!(null))]
    pub closed_by: Option<String>,
    /// Rises with each change; also the ETag.
    #[schema(example = 1)]
    pub version: i64,
}

impl RootChange {
    pub(super) fn of(change: root_changes::RootChange) -> Self {
        Self {
            id: change.id,
            name: change.name,
            note: change.note,
            state: RootChangeState::of(change.state),
            old_certificate: AuthorityCertificate::of(change.old),
            new_certificate: AuthorityCertificate::of(change.new),
            scope: RootChangeScope::of(change.within),
            reason: change.reason,
            created_by: change.created_by_name,
            created_at: change.created_at,
            updated_at: change.updated_at,
            closed_at: change.closed_at,
            closed_by: change.closed_by_name,
            version: change.version,
        }
    }
}

/// Something to know.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RootChangeWarning {
    /// Stable code.
    #[schema(example = "ends_sooner")]
    pub code: String,
    /// For people.
    #[schema(example = "the new certificate ends on 2030-01-01, not later than the old one (2031-01-01)")]
    pub message: String,
}

/// Why a phase must not begin.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RootChangeBlock {
    /// Stable code: `coverage_incomplete`, `trust_outside_scope`, `identities_on_old`, `identities_outside_scope`; also that of the refusal of a plan.
    #[schema(example = "coverage_incomplete")]
    pub code: String,
    /// Why, and the way out.
    #[schema(example = "2 of 9 trust stores are not known to have the new certificate")]
    pub message: String,
    /// How many places or certificates it is about.
    #[schema(example = 2)]
    pub count: i64,
}

/// A phase of a root change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RootChangePhaseView {
    /// The phase.
    pub phase: RootChangePhase,
    /// Where it stands.
    pub state: PhaseState,
    /// Trust stores, or identity certificates for `switch`, that it is about.
    #[schema(example = 9)]
    pub total: i64,
    /// How many of them are done.
    #[schema(example = 7)]
    pub done: i64,
    /// What keeps it from beginning; empty: nothing.
    pub blocked_by: Vec<RootChangeBlock>,
}

/// Trust stores by where they stand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CoverageCounts {
    /// All.
    #[schema(example = 9)]
    pub total: i64,
    /// A reading has found the new certificate there.
    #[schema(example = 7)]
    pub covered: i64,
    /// A task that brings it has not ended.
    #[schema(example = 0)]
    pub under_way: i64,
    /// It cannot be brought there from here.
    #[schema(example = 1)]
    pub refused: i64,
    /// The last task that was to bring it has failed.
    #[schema(example = 1)]
    pub failed: i64,
    /// The node could not be read the last time.
    #[schema(example = 0)]
    pub unreachable: i64,
    /// Nodes that were never read.
    #[schema(example = 0)]
    pub never_read: i64,
    /// It was not brought there yet.
    #[schema(example = 0)]
    pub missing: i64,
    /// Those that hold the old certificate still.
    #[schema(example = 9)]
    pub holding_old: i64,
}

/// Identity certificates by where they stand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct IdentityCounts {
    /// That chain to the old certificate, without a CSR.
    #[schema(example = 4)]
    pub old: i64,
    /// That chain to the old one, with a CSR that waits for its answer.
    #[schema(example = 0)]
    pub csr_pending: i64,
    /// That chain to the new one.
    #[schema(example = 0)]
    pub new: i64,
    /// That chain to the old one in clusters outside of the scope.
    #[schema(example = 0)]
    pub outside_scope: i64,
}

/// A root change with how far it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RootChangeDetail {
    /// The root change.
    #[serde(flatten)]
    pub change: RootChange,
    /// Its phases in order.
    pub phases: Vec<RootChangePhaseView>,
    /// What comes next; null once it is closed.
    pub next_action: Option<NextAction>,
    /// Trust stores.
    pub coverage: CoverageCounts,
    /// Identity certificates.
    pub identities: IdentityCounts,
    /// What is to be known of the two certificates.
    pub warnings: Vec<RootChangeWarning>,
    /// Its jobs, the newest first, 50 at most.
    pub jobs: Vec<Job>,
}

impl RootChangeDetail {
    pub(super) fn of(
        change: root_changes::RootChange,
        progress: &root_changes::Progress,
        cautions: Vec<root_changes::Caution>,
        jobs: Vec<jobs::Job>,
    ) -> Result<Self, Problem> {
        use root_changes::CoverState;
        let cover = &progress.coverage;
        let identities = progress.identities;
        let phases = root_changes::Phase::ALL.map(|phase| {
            let (total, done) = match phase {
                root_changes::Phase::Distribute | root_changes::Phase::Verify => {
                    (cover.total(), cover.of(CoverState::Covered))
                }
                root_changes::Phase::Switch => {
                    (identities.old + identities.csr_pending + identities.new, identities.new)
                }
                root_changes::Phase::Retire => (cover.total(), cover.total() - cover.holding_old),
            };
            RootChangePhaseView {
                phase: RootChangePhase::of(phase),
                state: match progress.state(phase) {
                    root_changes::PhaseState::Open => PhaseState::Open,
                    root_changes::PhaseState::Blocked => PhaseState::Blocked,
                    root_changes::PhaseState::Done => PhaseState::Done,
                },
                total,
                done,
                blocked_by: progress
                    .blocks(phase)
                    .into_iter()
                    .map(|block| RootChangeBlock {
                        code: block.code.into(),
                        message: block.message,
                        count: block.count,
                    })
                    .collect(),
            }
        });
        Ok(Self {
            next_action: (change.state == root_changes::State::Open).then(|| NextAction::of(progress.next())),
            phases: phases.into(),
            coverage: CoverageCounts {
                total: cover.total(),
                covered: cover.of(CoverState::Covered),
                under_way: cover.of(CoverState::UnderWay),
                refused: cover.of(CoverState::Refused),
                failed: cover.of(CoverState::Failed),
                unreachable: cover.of(CoverState::Unreachable),
                never_read: cover.of(CoverState::NeverRead),
                missing: cover.of(CoverState::Missing),
                holding_old: cover.holding_old,
            },
            identities: IdentityCounts {
                old: identities.old,
                csr_pending: identities.csr_pending,
                new: identities.new,
                outside_scope: identities.outside,
            },
            warnings: cautions
                .into_iter()
                .map(|caution| RootChangeWarning {
                    code: caution.code.into(),
                    message: caution.message,
                })
                .collect(),
            jobs: jobs.into_iter().map(job).collect::<Result<_, _>>()?,
            change: RootChange::of(change),
        })
    }
}

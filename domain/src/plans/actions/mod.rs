//! What each action does: `check` says in the user's words why it cannot, `plan` gives the steps. Both are pure.
//!
//! A new action is a variant of [`super::request::Action`], a file here, and an arm of [`decide`].

mod about;
mod delete;
mod delete_csr;
mod distribute;
mod generate_csr;
mod go_on;
mod offered;
mod refresh;
mod renew;
mod replace;
mod restart;
mod restore;
mod reuse_tomcat;
mod take_up;
mod trust;
mod upload;

use about::about;
pub use offered::Offer;
pub(super) use offered::{offers_of_identity, offers_of_trust};

use super::facts::Facts;
use super::planner;
use super::preview::{CertificateBrief, Preview, PreviewStep, Warning};
use super::request::{Action as Wish, Request};
use super::targets::Earlier;
use crate::profiles::Signing;
use certyard_protocol::{ConnectorKind, Expectation, Rollback, Step, StepKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why an action cannot be done on one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Stable code, `snake_case`.
    pub code: &'static str,
    /// Why, and the way out.
    pub message: String,
}

pub(super) fn refuse<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal {
        code,
        message: message.into(),
    })
}

/// What a task is made of. Stored with each target of a plan and then with its task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Work {
    pub connector: ConnectorKind,
    pub product: String,
    /// Agents that may do it, the first one first.
    pub agents: Vec<Uuid>,
    pub steps: Vec<Step>,
    pub expect: Vec<Expectation>,
    /// Position in the plan of the target whose end this one waits for.
    #[serde(default)]
    pub after: Option<i64>,
    /// SHA-256 of the certificate in the trust store, where the action is on one.
    #[serde(default)]
    pub certificate: Option<String>,
    /// Other nodes of the cluster whose purpose it changes as well.
    #[serde(default)]
    pub reaches: Vec<Uuid>,
    /// Only what an earlier task left undone, whose change of the node stands.
    #[serde(default)]
    pub goes_on: bool,
    /// The steps of that one, or of those before it, whose effect stands.
    #[serde(default)]
    pub made: Vec<Step>,
    /// Version of the product when it was planned.
    #[serde(default)]
    pub version: String,
    /// Other purposes of the node that change with it.
    #[serde(default)]
    pub also: Vec<String>,
}

/// What a target comes to.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// See [`Outline::spreads`].
    pub spreads: Option<String>,
    /// Other purposes of the node that change with this one.
    pub also: Vec<&'static str>,
    pub work: Work,
    pub preview: Preview,
}

/// What an action plans, before the common parts are added.
pub(super) struct Outline {
    pub steps: Vec<Step>,
    pub expect: Vec<Expectation>,
    pub after: Option<CertificateBrief>,
    pub csr: Option<super::preview::CsrBrief>,
    pub restarts: Vec<String>,
    pub notes: Vec<String>,
    pub warnings: Vec<Warning>,
    /// It is done for all nodes of the cluster at once: a name that is equal where the same would be done twice.
    pub spreads: Option<String>,
    /// The other nodes that it reaches.
    pub reaches: Vec<Uuid>,
}

impl Outline {
    fn of(steps: Vec<Step>) -> Self {
        Self {
            steps,
            expect: Vec::new(),
            after: None,
            csr: None,
            restarts: Vec::new(),
            notes: Vec::new(),
            warnings: Vec::new(),
            spreads: None,
            reaches: Vec::new(),
        }
    }
}

/// The behaviour of an action.
trait Action {
    /// What the checks found out on the way and the plan needs.
    type Checked;

    /// Says why it is not offered here, whatever would be handed in for it (R11 to R22).
    fn available(&self, facts: &Facts<'_>) -> Result<(), Refusal>;

    /// Says why it cannot be done with what was handed in.
    fn check(&self, facts: &Facts<'_>) -> Result<Self::Checked, Refusal>;

    /// Says what is to be done.
    fn plan(&self, facts: &Facts<'_>, checked: Self::Checked) -> Outline;
}

/// The one place where the closed list of actions meets their behaviour.
pub(super) fn decide(request: &Request, facts: &Facts<'_>) -> Result<Draft, Refusal> {
    let connector = reachable(facts)?;
    let warning = planner::settled(request, facts)?;
    let mut outline = match &request.action {
        Wish::Refresh => run(&refresh::Refresh, facts),
        Wish::GenerateCsr(options) => run(&generate_csr::GenerateCsr { options }, facts),
        Wish::UploadCertificate(options) => run(&upload::Upload { options }, facts),
        Wish::Distribute(_) => run(&distribute::Distribute, facts),
        Wish::Renew(options) => run(&renew::Renew { options }, facts),
        Wish::ReuseTomcat(options) => run(&reuse_tomcat::ReuseTomcat { options }, facts),
        Wish::DeleteCsr(_) => run(&delete_csr::DeleteCsr, facts),
        Wish::Delete(_) => run(&delete::Delete, facts),
        Wish::Replace(_) => run(&replace::Replace, facts),
        Wish::Restore => run(&restore::Restore, facts),
        Wish::Restart(options) => run(&restart::Restart { options }, facts),
    }?;
    outline.warnings.extend(warning);
    finish(connector, outline, facts, request.action.supersedes())
}

/// Reads a node beside the targets of another action.
pub(super) fn read(facts: &Facts<'_>) -> Result<Draft, Refusal> {
    let connector = reachable(facts)?;
    finish(connector, run(&refresh::Refresh, facts)?, facts, false)
}

/// Goes on where a task for the same place ended, if its change of the node stands; `None`: it is planned anew.
pub(super) fn go_on(earlier: &Earlier, facts: &Facts<'_>) -> Option<Result<Draft, Refusal>> {
    let (made, left) = go_on::left(earlier, facts)?;
    let draft = reachable(facts).and_then(|connector| finish(connector, go_on::outline(left, facts), facts, false));
    Some(draft.map(|mut draft| {
        draft.work.goes_on = true;
        draft.work.made = made;
        draft
    }))
}

fn run<A: Action>(action: &A, facts: &Facts<'_>) -> Result<Outline, Refusal> {
    action.available(facts)?;
    let checked = action.check(facts)?;
    Ok(action.plan(facts, checked))
}

/// What every action needs of a node and its cluster (R2).
fn managed(facts: &Facts<'_>) -> Result<(), Refusal> {
    let node = facts.node;
    if node.retired {
        return refuse(
            "node_retired",
            format!("node `{}` is retired: enter it again to manage it", node.name),
        );
    }
    if !node.enabled {
        return refuse(
            "cluster_not_enabled",
            format!(
                "certificate management is switched off for cluster `{}`: switch it on first",
                node.cluster_name
            ),
        );
    }
    Ok(())
}

/// What every action needs of the agents of a node.
fn reachable(facts: &Facts<'_>) -> Result<ConnectorKind, Refusal> {
    managed(facts)?;
    let node = facts.node;
    let Some(connector) = facts.connector() else {
        return refuse(
            "unsupported_connector",
            format!(
                "no agent knows the connector `{}` of node `{}`",
                node.connector, node.name
            ),
        );
    };
    if facts.agents.is_empty() {
        return refuse(
            "no_agent",
            format!(
                "no agent works for node `{}`: give it one that is neither banned nor retired",
                node.name
            ),
        );
    }
    if !node.ready {
        return refuse(
            "credentials_missing",
            format!(
                "the agent has no credentials for node `{}`: enter them on the agent's host with `certyard-agent credentials set {}`",
                node.name, node.name
            ),
        );
    }
    Ok(connector)
}

fn finish(connector: ConnectorKind, outline: Outline, facts: &Facts<'_>, supersedes: bool) -> Result<Draft, Refusal> {
    let node = facts.node;
    let kinds: Vec<StepKind> = outline.steps.iter().map(Step::kind).collect();
    let protocol = outline.steps.iter().map(Step::since_protocol).max().unwrap_or_default();
    let able = |agent: &&&super::facts::Agent| kinds.iter().all(|kind| facts.agent_offers(agent, *kind).is_some());
    let able: Vec<&super::facts::Agent> = facts.agents.iter().filter(able).copied().collect();
    let agents: Vec<Uuid> = able
        .iter()
        .filter(|agent| agent.protocol >= protocol)
        .map(|agent| agent.id)
        .collect();
    if agents.is_empty() && !able.is_empty() {
        return refuse(
            "agent_outdated",
            format!(
                "the agent of node `{}` is too old for this and would do something else: install the agent of this server's version",
                node.name
            ),
        );
    }
    if agents.is_empty() {
        let missing = kinds.iter().find(|kind| facts.offers(**kind).is_none());
        let step = missing.map_or("all steps together", |kind| kind.as_str());
        return refuse(
            "unsupported_step",
            format!(
                "no agent of node `{}` can do `{step}` with the connector `{}`: update the agent, or wait until it has said what it can",
                node.name,
                connector.as_str()
            ),
        );
    }
    let steps: Vec<PreviewStep> = outline
        .steps
        .iter()
        .map(|step| PreviewStep {
            step: step.kind(),
            rollback: facts.offers(step.kind()).unwrap_or(Rollback::None),
            about: about(step),
        })
        .collect();
    let undo = steps
        .iter()
        .filter(|step| changes(step.step))
        .map(|step| step.rollback)
        .max_by_key(|rollback| severity(*rollback));
    let mut warnings = outline.warnings;
    if undo == Some(Rollback::None) {
        let lasting: Vec<&str> = steps
            .iter()
            .filter(|step| changes(step.step) && step.rollback == Rollback::None)
            .map(|step| step.step.as_str())
            .collect();
        warnings.push(Warning::consent(
            "not_reversible",
            format!(
                "`{}` on node `{}` cannot be undone once it has taken effect",
                lasting.join("`, `"),
                node.name
            ),
        ));
    }
    if !facts.online() {
        warnings.push(Warning::note(
            "agent_offline",
            format!(
                "the agent of node `{}` is offline: the task waits for it until the deadline",
                node.name
            ),
        ));
    }
    if let Some(fault) = &node.fault {
        warnings.push(Warning::note(
            "node_unreachable",
            format!("node `{}` could not be read the last time: {fault}", node.name),
        ));
    }
    if facts.open.running > 0 {
        warnings.push(Warning::note(
            "node_busy",
            format!(
                "another task is under way for this on node `{}`: this one begins after it",
                node.name
            ),
        ));
    }
    let elsewhere: Vec<&str> = facts
        .cluster
        .iter()
        .filter(|other| other.waiting && outline.reaches.contains(&other.node_id))
        .map(|other| other.node.as_str())
        .collect();
    if !elsewhere.is_empty() && supersedes {
        warnings.push(Warning::consent(
            "task_open",
            format!(
                "earlier tasks for this wait on {}, which this one reaches as well: it takes their place",
                super::coverage::listed(&elsewhere)
            ),
        ));
    }
    if facts.open.waiting > 0 && supersedes {
        warnings.push(Warning::consent(
            "task_open",
            format!(
                "an earlier task for this waits on node `{}`: this one takes its place",
                node.name
            ),
        ));
    }
    let before = facts.installed.map(CertificateBrief::of_installed);
    Ok(Draft {
        spreads: outline.spreads,
        also: facts.reused_by.clone(),
        work: Work {
            connector,
            product: node.product.clone(),
            agents,
            steps: outline.steps,
            expect: outline.expect,
            after: None,
            certificate: facts.entry.as_ref().map(|entry| entry.sha256.to_string()),
            reaches: outline.reaches,
            goes_on: false,
            made: Vec::new(),
            version: node.product_version.clone(),
            also: facts.reused_by.iter().map(ToString::to_string).collect(),
        },
        preview: Preview {
            before,
            after: outline.after,
            csr: outline.csr,
            steps,
            undo,
            restarts: outline.restarts,
            notes: outline.notes,
            warnings,
        },
    })
}

/// Whether a step changes the node.
fn changes(step: StepKind) -> bool {
    match step {
        StepKind::GenerateCsr
        | StepKind::DeleteCsr
        | StepKind::InstallTrust
        | StepKind::InstallIdentity
        | StepKind::Regenerate
        | StepKind::ReuseTomcat
        | StepKind::DeleteTrust
        | StepKind::RestartService
        | StepKind::Activate => true,
        StepKind::Verify | StepKind::Inventory => false,
    }
}

fn severity(rollback: Rollback) -> u8 {
    match rollback {
        Rollback::Automatic => 0,
        Rollback::RestorePrevious => 1,
        Rollback::None => 2,
    }
}

/// The catalogue's entry of the purpose.
fn known_purpose(facts: &Facts<'_>) -> Result<&'static crate::catalogue::Purpose, Refusal> {
    let node = facts.node;
    match crate::catalogue::purpose_info(&node.product, &node.product_version, facts.purpose) {
        Some(info) => Ok(info),
        None => refuse(
            "purpose_unknown",
            format!(
                "{} {} has no purpose `{}`",
                product_name(&node.product),
                node.product_version,
                facts.purpose
            ),
        ),
    }
}

/// The same where it can be changed on this node.
fn purpose_on_node(facts: &Facts<'_>) -> Result<&'static crate::catalogue::Purpose, Refusal> {
    let (node, info) = (facts.node, known_purpose(facts)?);
    let publisher = info
        .publisher_only
        .is_some_and(|versions| versions.contains(&node.product_version));
    if publisher && node.role == "subscriber" {
        return refuse(
            "publisher_only",
            format!(
                "`{}` is on the publisher only: node `{}` is a subscriber",
                facts.purpose, node.name
            ),
        );
    }
    Ok(info)
}

/// The same where it can be changed through a CSR.
fn purpose_of(facts: &Facts<'_>) -> Result<&'static crate::catalogue::Purpose, Refusal> {
    if !known_purpose(facts)?.csr {
        return refuse(
            "csr_not_supported",
            format!(
                "`{}` is made by the node itself and is never signed by a CA",
                facts.purpose
            ),
        );
    }
    purpose_on_node(facts)
}

/// R11 to R14: the way that the profile wants decides what can be done; what is installed does not.
fn wanted_by_csr(facts: &Facts<'_>) -> Result<(), Refusal> {
    let wanted = &facts.wanted;
    if let Some(of) = wanted.effective.reuse {
        return refuse(
            "profile_uses_tomcat",
            format!(
                "{} wants `{}` to take the certificate of `{of}`: reuse that one, or give cluster `{}` a profile that wants a CA-signed certificate",
                wanted.who(),
                facts.purpose,
                facts.node.cluster_name
            ),
        );
    }
    match wanted.effective.signing {
        Some(Signing::SelfSigned) => refuse(
            "profile_self_signed",
            format!(
                "{} wants a self-signed certificate for `{}`: give cluster `{}` a profile that wants a CA-signed one, or leaves it open",
                wanted.who(),
                facts.purpose,
                facts.node.cluster_name
            ),
        ),
        Some(Signing::CaSigned) | None => Ok(()),
    }
}

fn product_name(code: &str) -> &str {
    crate::catalogue::product(code).map_or(code, |product| product.name)
}

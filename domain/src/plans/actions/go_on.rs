//! What is left of a task that failed half-way. A change that a node has taken is not made again: a renewal whose restart failed needs
//! the restart, and no other key.

use super::Outline;
use super::take_up::interruption;
use crate::plans::facts::Facts;
use crate::plans::targets::Earlier;
use certyard_protocol::{Step, StepKind};

/// The steps that are left where the change itself is done; `None`: something of the change is left, and is planned anew on what
/// is there now.
pub(super) fn left(earlier: &Earlier, facts: &Facts<'_>) -> Option<Vec<Step>> {
    let seen = earlier.steps.iter().rposition(|step| is_there(step, facts));
    let done = std::cmp::max(earlier.done, seen.map_or(0, |at| at + 1));
    let (before, rest) = earlier.steps.split_at_checked(done)?;
    let changed = earlier.goes_on || before.iter().any(|step| changes_certificates(step.kind()));
    if !changed || rest.iter().any(|step| changes_certificates(step.kind())) {
        return None;
    }
    let mut left = rest.to_vec();
    if left.last() != Some(&Step::Inventory) {
        left.push(Step::Inventory);
    }
    Some(left)
}

pub(super) fn outline(left: Vec<Step>, facts: &Facts<'_>) -> Outline {
    let services: Vec<&str> = left
        .iter()
        .filter_map(|step| match step {
            Step::RestartService { service } => Some(service.as_str()),
            Step::GenerateCsr(_)
            | Step::DeleteCsr { .. }
            | Step::InstallTrust { .. }
            | Step::InstallIdentity { .. }
            | Step::Regenerate { .. }
            | Step::ReuseTomcat { .. }
            | Step::DeleteTrust { .. }
            | Step::Activate { .. }
            | Step::Verify { .. }
            | Step::Inventory => None,
        })
        .collect();
    let warning = (!services.is_empty()).then(|| interruption(facts, &services));
    let mut outline = Outline::of(left);
    outline.warnings.extend(warning);
    outline
        .notes
        .push("the change itself was made by the earlier task: only what that one left is done".into());
    outline
}

/// Whether what the step wants is what the node was last seen with.
fn is_there(step: &Step, facts: &Facts<'_>) -> bool {
    let installed = facts.installed.map(|installed| installed.sha256.as_str());
    match step {
        Step::Regenerate { replaces_sha256, .. } => installed.is_some() && installed != replaces_sha256.as_deref(),
        Step::InstallIdentity { sha256, .. } => installed == Some(sha256.as_str()),
        Step::ReuseTomcat { .. } => installed.is_some() && installed == facts.source.map(|one| one.sha256.as_str()),
        Step::GenerateCsr(_)
        | Step::DeleteCsr { .. }
        | Step::InstallTrust { .. }
        | Step::DeleteTrust { .. }
        | Step::RestartService { .. }
        | Step::Activate { .. }
        | Step::Verify { .. }
        | Step::Inventory => false,
    }
}

/// Whether a step changes what is in the stores of a node.
fn changes_certificates(step: StepKind) -> bool {
    match step {
        StepKind::GenerateCsr
        | StepKind::DeleteCsr
        | StepKind::InstallTrust
        | StepKind::InstallIdentity
        | StepKind::Regenerate
        | StepKind::ReuseTomcat
        | StepKind::DeleteTrust => true,
        StepKind::RestartService | StepKind::Activate | StepKind::Verify | StepKind::Inventory => false,
    }
}

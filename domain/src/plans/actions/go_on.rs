//! What is left of a task that failed half-way. A change that a node has taken is not made again: a renewal whose restart failed needs
//! the restart, and no other key.

use super::Outline;
use super::take_up::interruption;
use crate::plans::facts::Facts;
use crate::plans::targets::Earlier;
use certyard_pki::Certificate;
use certyard_protocol::{Step, StepKind};

/// What stands, and the steps that are left, where the change itself is done; `None`: something of the change is left, or a newer reading
/// of the node does not bear out what was reported, and it is planned anew on what is there now.
pub(super) fn left(earlier: &Earlier, facts: &Facts<'_>) -> Option<(Vec<Step>, Vec<Step>)> {
    let seen = earlier.steps.iter().rposition(|step| is_there(step, facts));
    let done = std::cmp::max(earlier.done, seen.map_or(0, |at| at + 1));
    let (before, rest) = earlier.steps.split_at_checked(done)?;
    let changes = |step: &&Step| changes_certificates(step.kind());
    let made: Vec<Step> = earlier
        .made
        .iter()
        .chain(before.iter().filter(changes))
        .cloned()
        .collect();
    let changed = earlier.goes_on || !made.is_empty();
    if !changed || rest.iter().any(|step| changes(&step)) {
        return None;
    }
    let newer = earlier
        .ended_at
        .is_some_and(|ended| facts.node.inventory_at.is_some_and(|read| read >= ended));
    if newer && made.iter().any(|step| is_missing(step, facts)) {
        return None;
    }
    let mut left = rest.to_vec();
    if left.last() != Some(&Step::Inventory) {
        left.push(Step::Inventory);
    }
    Some((made, left))
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

/// Whether the node was last seen without what the step has made.
fn is_missing(step: &Step, facts: &Facts<'_>) -> bool {
    match step {
        Step::Regenerate { .. } | Step::InstallIdentity { .. } | Step::ReuseTomcat { .. } => !is_there(step, facts),
        Step::GenerateCsr(_) => facts.csr.is_none(),
        Step::DeleteCsr { .. } => facts.csr.is_some(),
        // Beside an identity the store is looked at for what is still to be put in alone.
        Step::InstallTrust {
            store,
            certificates_pem,
        } => {
            let held = |pem: &String| {
                let sha256 = Certificate::from_pem(pem).map(|one| one.sha256_hex());
                sha256.is_ok_and(|sha256| facts.trust.iter().any(|trusted| trusted.sha256 == sha256))
            };
            store == facts.purpose && !certificates_pem.iter().all(held)
        }
        Step::DeleteTrust { store, sha256, .. } => {
            let entry = facts.entry.as_ref().filter(|entry| entry.sha256 == sha256);
            store == facts.purpose && entry.is_some_and(|entry| entry.name.is_some())
        }
        Step::RestartService { .. } | Step::Activate { .. } | Step::Verify { .. } | Step::Inventory => false,
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

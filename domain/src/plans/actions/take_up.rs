//! What has to happen before a node serves its new certificate, or gives up one that it trusted.

use super::{Outline, Refusal, refuse};
use crate::catalogue::restarts;
use crate::plans::facts::Facts;
use crate::plans::preview::Warning;
use certyard_protocol::{Step, StepKind};

/// Services to restart, each once, in the order of the catalogue, and what else is to be known.
pub(super) fn services(facts: &Facts<'_>) -> (Vec<String>, Vec<String>) {
    let node = facts.node;
    let mut services: Vec<String> = Vec::new();
    let mut notes = Vec::new();
    // What takes the certificate over from this purpose changes with it.
    let purposes = std::iter::once(facts.purpose).chain(facts.reused_by.iter().copied());
    for row in purposes.flat_map(|purpose| restarts(&node.product, &node.product_version, purpose)) {
        for service in row.services {
            if !services.iter().any(|known| known == service) {
                services.push((*service).to_string());
            }
        }
        if !row.note.is_empty() && !notes.iter().any(|note| note == row.note) {
            notes.push(row.note.to_string());
        }
    }
    (services, notes)
}

/// Refuses restarts that were asked for and cannot be made.
pub(super) fn check(facts: &Facts<'_>, wanted: bool) -> Result<(), Refusal> {
    if wanted && facts.offers(StepKind::RestartService).is_none() && !services(facts).0.is_empty() {
        return refuse(
            "restart_unsupported",
            format!(
                "no agent reaches the command line of node `{}`: leave the restart out and make it there, or give the node its SSH port",
                facts.node.name
            ),
        );
    }
    Ok(())
}

/// Adds the restarts to what is planned: as steps where they are wanted, else as what is left to do.
pub(super) fn add(outline: &mut Outline, facts: &Facts<'_>, wanted: bool) {
    let (services, notes) = services(facts);
    outline.notes.extend(notes);
    outline.warnings.extend(changed_too(facts));
    if services.is_empty() {
        return;
    }
    if wanted {
        interrupt(outline, facts, services);
        return;
    }
    outline.warnings.push(Warning::consent(
        "restart_needed",
        format!(
            "node `{}` serves the new certificate only after these services were restarted: {}",
            facts.node.name,
            services.join(", ")
        ),
    ));
    outline.restarts = services;
}

/// Warns where another purpose uses the certificate as well, and changes with it.
fn changed_too(facts: &Facts<'_>) -> Option<Warning> {
    if facts.reused_by.is_empty() {
        return None;
    }
    Some(Warning::consent(
        "reused_too",
        format!(
            "{} of node `{}` uses the certificate of `{}` and changes with it: whoever trusts the present one there has to be given the \
             new one, and in mixed mode the CTL file has to be updated",
            super::super::coverage::listed(&facts.reused_by),
            facts.node.name,
            facts.purpose
        ),
    ))
}

/// Restarts services as steps of the task.
pub(super) fn interrupt(outline: &mut Outline, facts: &Facts<'_>, services: Vec<String>) {
    let names: Vec<&str> = services.iter().map(String::as_str).collect();
    outline.warnings.push(interruption(facts, &names));
    for service in services {
        outline.steps.push(Step::RestartService { service });
    }
}

/// Warns of what restarts mean.
pub(super) fn interruption(facts: &Facts<'_>, services: &[&str]) -> Warning {
    Warning::consent(
        "service_interrupted",
        format!(
            "on node `{}` these services are restarted, and whoever uses them waits for minutes: {}",
            facts.node.name,
            services.join(", ")
        ),
    )
}

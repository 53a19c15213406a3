//! Cisco UC nodes (Unified CM, IM and Presence, from release 14) by their certificate management REST API.
//!
//! The node makes keys and CSRs and keeps its own rules; the agent asks, looks what is there, and passes the node's words
//! on. Nothing can be undone over this API, so each step says so. A new `tomcat` certificate is served only after the
//! node's service is restarted. That, and every other step whose path nobody has confirmed, goes by the node's command line where the
//! node has an SSH port here.
//!
//! The node's TLS certificate is pinned at the first contact. Another one is believed when this agent installed it: its pin is
//! added before the upload and taken back when the upload did not happen. So is one that the node, over a pinned connection,
//! says to show after its next restart: a multi-server certificate comes to a node by way of another one.

mod api;
mod pins;
mod stores;

pub use pins::{KeepPins, StoredHostKeys, StoredPins};
pub(super) use stores::{
    IdentityItem, SHOWN_PURPOSES, Snapshot, TrustItem, inventory_of, parse_all, served_at, verify_held,
};

use super::cisco_cli::{COMMAND_STEPS, CiscoCli};

use crate::connector::{Before, Connector, Effect, StepDone, StepError};
use crate::nodes::Secrets;
use api::{Api, csr_body, trust_service};
use async_trait::async_trait;
use certyard_pki::{Certificate, Csr};
use certyard_protocol::{
    Capability, ConnectorKind, CsrSpec, NodeInventory, Rollback, Served, Step, StepCapability, StepKind,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How long the API may take to answer after its service was restarted.
const API_STARTS: Duration = Duration::from_secs(600);

/// What this connector can do.
pub fn capability() -> Capability {
    let step = |step, rollback| StepCapability { step, rollback };
    Capability {
        connector: ConnectorKind::CiscoUc,
        steps: vec![
            step(StepKind::GenerateCsr, Rollback::None),
            step(StepKind::InstallTrust, Rollback::RestorePrevious),
            step(StepKind::InstallIdentity, Rollback::None),
            step(StepKind::Verify, Rollback::Automatic),
            step(StepKind::Inventory, Rollback::Automatic),
        ],
    }
}

/// What it can do on nodes whose command line it may use as well.
pub fn capability_with_commands() -> Capability {
    let mut capability = capability();
    capability.steps.extend(COMMAND_STEPS);
    capability.steps.sort_by_key(|can| can.step);
    capability
}

/// One node.
pub struct CiscoUc {
    node: String,
    api: Api,
    commands: Option<CiscoCli>,
}

impl CiscoUc {
    /// A driver for the node at `address`, host and port.
    pub fn new(node: &str, address: &str, secrets: Secrets, keeper: Arc<dyn KeepPins>) -> Self {
        Self {
            node: node.into(),
            api: Api::new(node, address, &secrets, keeper),
            commands: None,
        }
    }

    /// Uses the node's command line for the steps that its API is not known to have.
    #[must_use]
    pub fn with_commands(mut self, commands: CiscoCli) -> Self {
        self.commands = Some(commands);
        self
    }

    /// The command line, for a step that only it has.
    fn commands(&self, step: StepKind) -> Result<&CiscoCli, StepError> {
        self.commands.as_ref().ok_or_else(|| {
            StepError::lasting(
                "unsupported_step",
                format!(
                    "the connector cisco_uc does {} by the node's command line: give {node} an SSH port with \
                     `certyard-agent credentials set {node} --ssh-port 22`",
                    step.as_str(),
                    node = self.node
                ),
            )
        })
    }

    /// Believes the certificate that the node is about to show after its service is restarted: it has told so over a connection
    /// that is pinned.
    async fn believe_renewed(&self, purpose: &str) -> Result<(), StepError> {
        if SHOWN_PURPOSES.contains(&purpose)
            && let Some(sha256) = self.api.snapshot().await?.installed_sha256(purpose)
        {
            self.api.pins.allow(&sha256);
            self.api.keep_pins()?;
        }
        Ok(())
    }

    /// Believes what waits for a restart: the node told it over a connection that is pinned.
    fn believe_pending(&self, snapshot: &Snapshot, served: &[(String, Served)]) {
        let waiting = served
            .iter()
            .filter(|(_, served)| matches!(served, Served::RestartPending { .. }))
            .filter_map(|(purpose, _)| snapshot.installed_sha256(purpose));
        let allowed = self.api.pins.allowed();
        let unknown: Vec<String> = waiting.filter(|sha256| !allowed.contains(sha256)).collect();
        for sha256 in &unknown {
            self.api.pins.allow(sha256);
        }
        if !unknown.is_empty()
            && let Err(error) = self.api.keep_pins()
        {
            tracing::warn!(node = %self.node, %error, "cannot keep the pins");
        }
    }

    /// The API stands behind the service that may just have been restarted, and answers later than its port. Whatever it is by then,
    /// the next step tells.
    async fn wait_for_api(&self) {
        let until = tokio::time::Instant::now() + API_STARTS;
        while matches!(self.api.snapshot().await, Err(error) if error.passing) && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    async fn generate_csr(&self, spec: &CsrSpec) -> Result<StepDone, StepError> {
        let answer = self.api.post("/csr", csr_body(spec)).await?;
        let pem = match answer.get("csr").and_then(|csr| csr.as_str()) {
            Some(pem) => pem.to_owned(),
            None => {
                let snapshot = self.api.snapshot().await?;
                let csr = snapshot.identity(&spec.purpose).and_then(|item| item.csr.as_ref());
                csr.ok_or_else(|| self.no_csr(&spec.purpose))?.to_pem()
            }
        };
        let csr = Csr::from_pem(&pem)
            .map_err(|error| StepError::lasting("node_answer", format!("the CSR of {}: {error}", self.node)))?;
        let missing: Vec<&str> = spec
            .names
            .iter()
            .filter(|name| !csr.sans.iter().any(|san| san.value.eq_ignore_ascii_case(name)))
            .map(String::as_str)
            .collect();
        let mut note = format!("{} made a key and a CSR", self.node);
        if spec.multi_server {
            let names: Vec<&str> = csr.sans.iter().map(|san| san.value.as_str()).collect();
            note.push_str(&format!(" for the whole cluster, with the names {}", names.join(", ")));
        }
        if !missing.is_empty() {
            note.push_str(&format!(", and left out {}", missing.join(", ")));
        }
        Ok(StepDone {
            note,
            csr_pem: Some(csr.to_pem()),
            inventory: None,
        })
    }

    fn no_csr(&self, purpose: &str) -> StepError {
        StepError::lasting(
            "node_answer",
            format!("{} answered without a CSR for {purpose}", self.node),
        )
    }

    /// Uploads what is missing, root first, and looks whether the node took it: of two certificates with one subject it
    /// keeps the later one without a word.
    async fn install_trust(&self, store: &str, pems: &[String]) -> Result<StepDone, StepError> {
        let wanted = parse_all(pems)?;
        let snapshot = self.api.snapshot().await?;
        let missing: Vec<&Certificate> = wanted
            .iter()
            .filter(|certificate| !snapshot.trusts(store, &certificate.sha256_hex()))
            .collect();
        for certificate in &missing {
            let body = json!({
                "service": [trust_service(store)],
                "certificates": [certificate.to_pem()],
                "description": certificate.common_name.as_deref().unwrap_or("CA"),
            });
            if let Err(error) = self.api.post("/trust/certificates", body).await {
                return Err(StepError {
                    message: format!("{} (CA certificate {})", error.message, certificate.subject),
                    ..error
                });
            }
        }
        if missing.is_empty() {
            return Ok(StepDone::note(format!("all {} are in {store} already", wanted.len())));
        }
        let snapshot = self.api.snapshot().await?;
        for certificate in &missing {
            if !snapshot.trusts(store, &certificate.sha256_hex()) {
                return Err(StepError::lasting(
                    "trust_not_taken",
                    format!(
                        "{} accepted {} but does not hold it in {store}: a certificate of the same name that begins \
                         later is there",
                        self.node, certificate.subject
                    ),
                ));
            }
        }
        let names: Vec<&str> = missing.iter().map(|certificate| certificate.subject.as_str()).collect();
        Ok(StepDone::note(format!("added to {store}: {}", names.join("; "))))
    }

    /// SHA-256 of those of the certificates that the store holds.
    async fn trusted(&self, store: &str, pems: &[String]) -> Result<Vec<String>, StepError> {
        let snapshot = self.api.snapshot().await?;
        let all = parse_all(pems)?.into_iter().map(|certificate| certificate.sha256_hex());
        Ok(all.filter(|sha256| snapshot.trusts(store, sha256)).collect())
    }

    async fn install_identity(&self, purpose: &str, chain: &[String], sha256: &str) -> Result<StepDone, StepError> {
        let certificates = parse_all(chain)?;
        let leaf = certificates.first().map(Certificate::sha256_hex);
        if leaf.as_deref() != Some(sha256) {
            return Err(StepError::lasting(
                "chain_broken",
                "the chain does not begin with the certificate to install",
            ));
        }
        if self.api.snapshot().await?.installed_sha256(purpose).as_deref() == Some(sha256) {
            return Ok(StepDone::note("already installed"));
        }
        let shown = SHOWN_PURPOSES.contains(&purpose);
        let former = self.api.pins.allowed();
        if shown {
            self.api.pins.allow(sha256);
            self.api.keep_pins()?;
        }
        let pems: Vec<String> = certificates.iter().map(Certificate::to_pem).collect();
        let body = json!({ "service": purpose, "certificates": pems });
        match self.api.post("/identity/certificates", body).await {
            Ok(_) => {}
            Err(error) => {
                // After an answer that says no it is not installed; without an answer it may be, and the pin stays.
                if shown && !error.passing {
                    self.api.pins.replace(former);
                    self.api.keep_pins()?;
                }
                return Err(error);
            }
        }
        match self.api.snapshot().await?.installed_sha256(purpose) {
            Some(installed) if installed == sha256 => Ok(StepDone::note(format!("installed as {purpose}"))),
            _ => Err(StepError::lasting(
                "not_installed",
                format!(
                    "{} accepted the certificate but does not hold it as {purpose}",
                    self.node
                ),
            )),
        }
    }

    async fn verify(&self, purpose: &str, sha256: &str) -> Result<StepDone, StepError> {
        let held = self.api.snapshot().await?;
        verify_held(&self.node, self.api.address(), &held, purpose, sha256).await
    }

    /// Forgets pins of certificates that are neither served nor installed by now.
    fn prune_pins(&self, snapshot: &Snapshot) {
        let allowed = self.api.pins.allowed();
        let seen = self.api.pins.seen();
        let kept: Vec<String> = allowed
            .iter()
            .filter(|pin| {
                seen.as_ref() == Some(pin)
                    || SHOWN_PURPOSES
                        .iter()
                        .any(|purpose| snapshot.installed_sha256(purpose).as_ref() == Some(pin))
            })
            .cloned()
            .collect();
        if !kept.is_empty() && kept != allowed {
            self.api.pins.replace(kept);
            if let Err(error) = self.api.keep_pins() {
                tracing::warn!(node = %self.node, %error, "cannot keep the pins");
            }
        }
    }
}

#[async_trait]
impl Connector for CiscoUc {
    fn capability(&self) -> Capability {
        match self.commands {
            Some(_) => capability_with_commands(),
            None => capability(),
        }
    }

    async fn inventory(&self) -> Result<NodeInventory, StepError> {
        let snapshot = self.api.snapshot().await?;
        let mut served = Vec::new();
        for item in &snapshot.identities {
            if let Some(certificate) = &item.certificate {
                let shown = served_at(self.api.address(), &item.purpose, certificate).await;
                served.push((item.purpose.clone(), shown));
            }
        }
        self.believe_pending(&snapshot, &served);
        self.prune_pins(&snapshot);
        Ok(inventory_of(&snapshot, &served))
    }

    async fn before(&self, step: &Step) -> Result<Before, StepError> {
        let purpose = match step {
            Step::GenerateCsr(spec) => &spec.purpose,
            Step::InstallIdentity { purpose, .. } => purpose,
            Step::InstallTrust {
                store,
                certificates_pem,
            } => {
                return Ok(Before {
                    trusted: self.trusted(store, certificates_pem).await?,
                    ..Before::default()
                });
            }
            Step::DeleteCsr { .. }
            | Step::Regenerate { .. }
            | Step::ReuseTomcat { .. }
            | Step::DeleteTrust { .. }
            | Step::RestartService { .. } => return self.commands(step.kind())?.before(step).await,
            Step::Activate { .. } | Step::Verify { .. } | Step::Inventory => return Ok(Before::default()),
        };
        let snapshot = self.api.snapshot().await?;
        let csr = snapshot.identity(purpose).and_then(|item| item.csr.as_ref());
        Ok(Before {
            csr_sha256: csr.map(|csr| hex::encode(csr.sha256)),
            installed_sha256: snapshot.installed_sha256(purpose),
            ..Before::default()
        })
    }

    async fn run(&self, step: &Step, before: &Before) -> Result<StepDone, StepError> {
        match step {
            Step::GenerateCsr(spec) => self.generate_csr(spec).await,
            Step::InstallTrust {
                store,
                certificates_pem,
            } => self.install_trust(store, certificates_pem).await,
            Step::InstallIdentity {
                purpose,
                chain_pem,
                sha256,
            } => self.install_identity(purpose, chain_pem, sha256).await,
            Step::Regenerate { purpose, .. } => {
                let done = self.commands(step.kind())?.run(step, before).await?;
                self.believe_renewed(purpose).await?;
                Ok(done)
            }
            Step::DeleteCsr { .. } | Step::ReuseTomcat { .. } | Step::DeleteTrust { .. } => {
                self.commands(step.kind())?.run(step, before).await
            }
            Step::RestartService { .. } => {
                let done = self.commands(step.kind())?.run(step, before).await?;
                self.wait_for_api().await;
                Ok(done)
            }
            Step::Activate { .. } => Err(StepError::unsupported(self, StepKind::Activate)),
            Step::Verify { purpose, sha256 } => self.verify(purpose, sha256).await,
            Step::Inventory => Ok(StepDone {
                inventory: Some(self.inventory().await?),
                ..StepDone::default()
            }),
        }
    }

    async fn probe_effect(&self, step: &Step, before: &Before) -> Result<Effect, StepError> {
        match step {
            Step::GenerateCsr(spec) => {
                let snapshot = self.api.snapshot().await?;
                let csr = snapshot.identity(&spec.purpose).and_then(|item| item.csr.as_ref());
                Ok(
                    match csr.filter(|csr| before.csr_sha256 != Some(hex::encode(csr.sha256))) {
                        Some(csr) => Effect::Present(StepDone {
                            note: "the node had made the CSR already".into(),
                            csr_pem: Some(csr.to_pem()),
                            inventory: None,
                        }),
                        None => Effect::Absent,
                    },
                )
            }
            Step::InstallIdentity { purpose, sha256, .. } => {
                let installed = self.api.snapshot().await?.installed_sha256(purpose);
                Ok(if installed.as_ref() == Some(sha256) {
                    Effect::Present(StepDone::note("already installed"))
                } else {
                    Effect::Absent
                })
            }
            Step::Regenerate { purpose, .. } => {
                let effect = self.commands(step.kind())?.probe_effect(step, before).await?;
                if effect != Effect::Absent {
                    self.believe_renewed(purpose).await?;
                }
                Ok(effect)
            }
            Step::DeleteCsr { .. }
            | Step::ReuseTomcat { .. }
            | Step::DeleteTrust { .. }
            | Step::RestartService { .. } => self.commands(step.kind())?.probe_effect(step, before).await,
            // These look first and do only what is missing.
            Step::InstallTrust { .. } | Step::Activate { .. } | Step::Verify { .. } | Step::Inventory => {
                Ok(Effect::Absent)
            }
        }
    }

    async fn touched(&self, step: &Step, before: &Before) -> Result<bool, StepError> {
        match step {
            Step::InstallTrust {
                store,
                certificates_pem,
            } => Ok(self.trusted(store, certificates_pem).await? != before.trusted),
            Step::DeleteCsr { .. }
            | Step::Regenerate { .. }
            | Step::ReuseTomcat { .. }
            | Step::DeleteTrust { .. }
            | Step::RestartService { .. } => self.commands(step.kind())?.touched(step, before).await,
            other => Ok(self.probe_effect(other, before).await? != Effect::Absent),
        }
    }

    async fn rollback(&self, step: &Step, before: &Before) -> Result<(), StepError> {
        let kind = step.kind();
        match kind {
            StepKind::Verify | StepKind::Inventory => Ok(()),
            StepKind::GenerateCsr | StepKind::InstallTrust | StepKind::InstallIdentity => Err(StepError::lasting(
                "cannot_undo",
                format!("{} cannot undo {} over its API", self.node, kind.as_str()),
            )),
            StepKind::DeleteCsr
            | StepKind::Regenerate
            | StepKind::ReuseTomcat
            | StepKind::DeleteTrust
            | StepKind::RestartService => self.commands(kind)?.rollback(step, before).await,
            StepKind::Activate => Err(StepError::unsupported(self, kind)),
        }
    }
}

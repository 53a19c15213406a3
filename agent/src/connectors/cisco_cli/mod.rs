//! Cisco UC nodes of any release by their command line over SSH: all steps of releases 11.5 and 12.5, which have no REST API, and from
//! release 14 on those whose REST path nobody has confirmed.
//!
//! The node makes keys and keeps its own rules. What a command printed is for people: whether a step took effect is read from the
//! stores afterwards. What was put into a trust store or deleted from it can be taken back by hand; no other step can be undone. The
//! connector undoes nothing by itself.
//!
//! The node's host key is pinned at the first contact; another one is refused before the password is sent, until the operator
//! accepts it.

mod read;
mod session;
mod steps;
mod texts;

pub use texts::{Network, NetworkNode};

use super::cisco_uc::{KeepPins, SHOWN_PURPOSES, Snapshot, parse_all};
use crate::connector::{Before, Connector, Effect, StepDone, StepError};
use crate::nodes::Secrets;
use crate::tls::Pins;
use crate::wire;
use async_trait::async_trait;
use certyard_pki::Certificate;
use certyard_protocol::{
    Capability, ConnectorKind, CsrSpec, NodeInventory, Rollback, Served, Step, StepCapability, StepKind,
};
use read::Part;
use session::{Session, Target};
use std::sync::Arc;
use std::time::Duration;
use steps::{same, source_of};
use texts::words;
use zeroize::Zeroizing;

/// How long a node may be silent after a pasted certificate.
const QUIET: Duration = Duration::from_secs(10);

/// The service whose restart makes the TLS port take a certificate up.
const TOMCAT_SERVICE: &str = "Cisco Tomcat";

/// Steps that a node of any release has on its command line alone, as far as anybody has confirmed.
pub(super) const COMMAND_STEPS: [StepCapability; 5] = [
    can(StepKind::DeleteCsr, Rollback::None),
    can(StepKind::Regenerate, Rollback::None),
    can(StepKind::ReuseTomcat, Rollback::None),
    can(StepKind::DeleteTrust, Rollback::RestorePrevious),
    can(StepKind::RestartService, Rollback::None),
];

const fn can(step: StepKind, rollback: Rollback) -> StepCapability {
    StepCapability { step, rollback }
}

/// What this connector can do.
pub fn capability() -> Capability {
    let mut steps = vec![
        can(StepKind::GenerateCsr, Rollback::None),
        can(StepKind::InstallTrust, Rollback::RestorePrevious),
        can(StepKind::InstallIdentity, Rollback::None),
        can(StepKind::Verify, Rollback::Automatic),
        can(StepKind::Inventory, Rollback::Automatic),
    ];
    steps.extend(COMMAND_STEPS);
    steps.sort_by_key(|can| can.step);
    Capability {
        connector: ConnectorKind::CiscoCli,
        steps,
    }
}

/// One node.
pub struct CiscoCli {
    target: Target,
    tls_address: String,
}

impl CiscoCli {
    /// A driver for the node whose SSH server is at `address` and whose web server is at `tls_address`, host and port each.
    pub fn new(node: &str, address: &str, tls_address: &str, secrets: &Secrets, keeper: Arc<dyn KeepPins>) -> Self {
        Self {
            target: Target {
                node: node.into(),
                address: address.into(),
                user: secrets.user.clone(),
                password: Zeroizing::new(secrets.password.clone()),
                pins: Arc::new(Pins::new(secrets.host_keys.clone())),
                keeper,
                quiet: QUIET,
            },
            tls_address: tls_address.into(),
        }
    }

    /// After which silence a node that took a pasted certificate gets one more line; 10 seconds where nothing is said.
    #[must_use]
    pub fn with_quiet(mut self, quiet: Duration) -> Self {
        self.target.quiet = quiet;
        self
    }

    /// The nodes of the cluster, and the build that this node runs.
    ///
    /// # Errors
    /// When the node does not answer, or lists nothing.
    pub async fn discover(&self) -> Result<(Network, Option<String>), StepError> {
        let mut session = Session::open(&self.target).await?;
        let version = texts::read_version(&session.run("show version active").await?);
        let text = session.run("show network cluster").await?;
        session.close().await;
        let nodes = texts::read_network(&text);
        if nodes.is_empty() {
            return Err(StepError::lasting(
                "node_answer",
                format!(
                    "{} lists no nodes by `show network cluster`: {}",
                    self.target.node,
                    words(&text)
                ),
            ));
        }
        let address = self.target.address.as_str();
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let mut hosts = vec![host.trim_matches(['[', ']']).to_owned()];
        if let Ok(found) = tokio::net::lookup_host(address).await {
            hosts.extend(found.map(|address| address.ip().to_string()));
        }
        Ok((Network::new(nodes, &hosts), version))
    }

    /// SHA-256 of those of the certificates that the store holds.
    async fn trusted(&self, store: &str, pems: &[String]) -> Result<Vec<String>, StepError> {
        let held = self.read(Part::Trust(store)).await?;
        let all = parse_all(pems)?.into_iter().map(|certificate| certificate.sha256_hex());
        Ok(all.filter(|sha256| held.trusts(store, sha256)).collect())
    }

    async fn served(&self, purpose: &str, installed: &Certificate) -> Served {
        super::cisco_uc::served_at(&self.tls_address, purpose, installed).await
    }

    async fn shown(&self) -> Option<String> {
        let address = &self.tls_address;
        let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
        wire::look(address, host, None).await.ok().map(|shown| shown.sha256())
    }

    async fn verify(&self, purpose: &str, sha256: &str) -> Result<StepDone, StepError> {
        let held = self.identity(purpose).await?;
        super::cisco_uc::verify_held(&self.target.node, &self.tls_address, &held, purpose, sha256).await
    }

    /// [`Self::identity_now`] for a step whose wanted state is another certificate than the one before.
    async fn renewable_now(&self, purpose: &str) -> Result<Before, StepError> {
        let held = self.identity(purpose).await?;
        self.require_readable(&held, purpose)?;
        Ok(seen(&held, purpose))
    }

    /// Whether two looks at the purpose differ, for steps that change an installed certificate or a CSR.
    async fn identity_now(&self, purpose: &str) -> Result<Before, StepError> {
        let held = self.identity(purpose).await?;
        Ok(seen(&held, purpose))
    }
}

fn seen(held: &Snapshot, purpose: &str) -> Before {
    let csr = held.identity(purpose).and_then(|item| item.csr.as_ref());
    Before {
        csr_sha256: csr.map(|csr| hex::encode(csr.sha256)),
        installed_sha256: held.installed_sha256(purpose),
        ..Before::default()
    }
}

#[async_trait]
impl Connector for CiscoCli {
    fn capability(&self) -> Capability {
        capability()
    }

    async fn inventory(&self) -> Result<NodeInventory, StepError> {
        let snapshot = self.read(Part::All).await?;
        let mut served = Vec::new();
        for item in &snapshot.identities {
            if let (true, Some(certificate)) = (SHOWN_PURPOSES.contains(&item.purpose.as_str()), &item.certificate) {
                served.push((item.purpose.clone(), self.served(&item.purpose, certificate).await));
            }
        }
        Ok(super::cisco_uc::inventory_of(&snapshot, &served))
    }

    async fn before(&self, step: &Step) -> Result<Before, StepError> {
        match step {
            Step::GenerateCsr(CsrSpec { purpose, .. })
            | Step::DeleteCsr { purpose }
            | Step::InstallIdentity { purpose, .. }
            | Step::ReuseTomcat { purpose } => self.identity_now(purpose).await,
            Step::Regenerate { purpose, .. } => self.renewable_now(purpose).await,
            Step::InstallTrust {
                store,
                certificates_pem,
            } => Ok(Before {
                trusted: self.trusted(store, certificates_pem).await?,
                ..Before::default()
            }),
            Step::DeleteTrust { store, entry, sha256 } => {
                let held = self.holds(&self.read(Part::Trust(store)).await?, store, entry, sha256)?;
                Ok(Before {
                    trusted: held.then(|| sha256.clone()).into_iter().collect(),
                    ..Before::default()
                })
            }
            Step::RestartService { service } if service == TOMCAT_SERVICE => Ok(Before {
                served: vec![self.shown().await],
                ..Before::default()
            }),
            Step::RestartService { .. } | Step::Activate { .. } | Step::Verify { .. } | Step::Inventory => {
                Ok(Before::default())
            }
        }
    }

    async fn run(&self, step: &Step, before: &Before) -> Result<StepDone, StepError> {
        match step {
            Step::GenerateCsr(spec) => self.generate_csr(spec, before).await,
            Step::DeleteCsr { purpose } => self.delete_csr(purpose).await,
            Step::InstallTrust {
                store,
                certificates_pem,
            } => self.install_trust(store, certificates_pem).await,
            Step::InstallIdentity {
                purpose,
                chain_pem,
                sha256,
            } => self.install_identity(purpose, chain_pem, sha256).await,
            Step::Regenerate {
                purpose,
                replaces_sha256,
            } => self.regenerate(purpose, replaces_sha256.as_deref()).await,
            Step::ReuseTomcat { purpose } => self.reuse_tomcat(purpose).await,
            Step::DeleteTrust { store, entry, sha256 } => self.delete_trust(store, entry, sha256).await,
            Step::RestartService { service } => self.restart_service(service).await,
            Step::Activate { .. } => Err(StepError::unsupported(self, StepKind::Activate)),
            Step::Verify { purpose, sha256 } => self.verify(purpose, sha256).await,
            Step::Inventory => Ok(StepDone {
                inventory: Some(self.inventory().await?),
                ..StepDone::default()
            }),
        }
    }

    async fn probe_effect(&self, step: &Step, before: &Before) -> Result<Effect, StepError> {
        let present = |there: bool, note: &str| {
            if there {
                Effect::Present(StepDone::note(note))
            } else {
                Effect::Absent
            }
        };
        Ok(match step {
            Step::GenerateCsr(spec) => {
                let held = self.identity(&spec.purpose).await?;
                let csr = held.identity(&spec.purpose).and_then(|item| item.csr.as_ref());
                match csr.filter(|csr| before.csr_sha256 != Some(hex::encode(csr.sha256))) {
                    Some(csr) => Effect::Present(StepDone {
                        note: "the node had made the CSR already".into(),
                        csr_pem: Some(csr.to_pem()),
                        inventory: None,
                    }),
                    None => Effect::Absent,
                }
            }
            Step::DeleteCsr { purpose } => {
                let gone = before.csr_sha256.is_some() && self.identity_now(purpose).await?.csr_sha256.is_none();
                present(gone, "the CSR was deleted already")
            }
            Step::InstallIdentity { purpose, sha256, .. } => {
                let installed = self.identity_now(purpose).await?.installed_sha256;
                present(installed.as_ref() == Some(sha256), "already installed")
            }
            Step::Regenerate {
                purpose,
                replaces_sha256,
            } => {
                let installed = self.renewable_now(purpose).await?.installed_sha256;
                present(
                    installed != *replaces_sha256,
                    "the node had made the certificate already",
                )
            }
            Step::ReuseTomcat { purpose } => {
                let source = source_of(purpose);
                let held = self.read(Part::Identities(&[source, purpose])).await?;
                present(same(&held, source, purpose), "it has the certificate already")
            }
            Step::DeleteTrust { store, entry, sha256 } => {
                let held = self.read(Part::Trust(store)).await?;
                let gone = !before.trusted.is_empty() && !self.holds(&held, store, entry, sha256)?;
                present(gone, "it was deleted already")
            }
            // Only the web server shows that it was started anew; another service is restarted once more, which does no harm.
            Step::RestartService { .. } => {
                let former = before.served.first().and_then(Option::as_ref);
                let there = match former {
                    Some(former) => self.shown().await.is_some_and(|shown| shown != *former),
                    None => false,
                };
                present(there, "it was restarted already: another certificate is served")
            }
            // These look first and do only what is missing.
            Step::InstallTrust { .. } | Step::Activate { .. } | Step::Verify { .. } | Step::Inventory => Effect::Absent,
        })
    }

    async fn touched(&self, step: &Step, before: &Before) -> Result<bool, StepError> {
        match step {
            Step::InstallTrust {
                store,
                certificates_pem,
            } => Ok(self.trusted(store, certificates_pem).await? != before.trusted),
            Step::Regenerate { purpose, .. } => {
                Ok(self.renewable_now(purpose).await?.installed_sha256 != before.installed_sha256)
            }
            Step::ReuseTomcat { purpose } => {
                Ok(self.identity_now(purpose).await?.installed_sha256 != before.installed_sha256)
            }
            other => Ok(self.probe_effect(other, before).await? != Effect::Absent),
        }
    }

    async fn rollback(&self, step: &Step, _before: &Before) -> Result<(), StepError> {
        let kind = step.kind();
        match kind {
            StepKind::Verify | StepKind::Inventory => Ok(()),
            StepKind::GenerateCsr
            | StepKind::DeleteCsr
            | StepKind::InstallTrust
            | StepKind::InstallIdentity
            | StepKind::Regenerate
            | StepKind::ReuseTomcat
            | StepKind::DeleteTrust
            | StepKind::RestartService => Err(StepError::lasting(
                "cannot_undo",
                format!("{} cannot undo {} on its command line", self.target.node, kind.as_str()),
            )),
            StepKind::Activate => Err(StepError::unsupported(self, kind)),
        }
    }
}

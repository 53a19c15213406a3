//! A real nginx on the agent's own host.
//!
//! Key and CSR are made here and the key stays here. A certificate is put beside its key in a folder of its own, checked,
//! and put in force by the rename of one link; `nginx -t`, reload, and a look over the wire at every address and name
//! follow. When any of that fails, the former link, a reload and the same look put the former certificate back.

mod commands;
mod layout;
mod look;
mod pair;
mod sites;
mod syntax;

use crate::connector::{Before, Connector, Effect, StepDone, StepError};
use crate::nodes::NginxSettings;
use crate::pem_blocks;
use async_trait::async_trait;
use certyard_pki::{Certificate, Csr, CsrRequest, PrivateKey, Subject};
use certyard_protocol::{
    Capability, ConnectorKind, CsrSpec, InventoryCsr, InventoryEntry, NodeInventory, Rollback, Served, Step,
    StepCapability, StepKind, StoreKind,
};
use layout::Layout;
use pair::{
    broken, check_beside, check_chain, find_key, key_spec, leaf_sha256, read_leaf, read_trust, san, spki_sha256,
};
use sites::{Site, Sites};

/// What this connector can do.
pub fn capability() -> Capability {
    let steps = [
        StepKind::GenerateCsr,
        StepKind::InstallIdentity,
        StepKind::Activate,
        StepKind::Verify,
        StepKind::Inventory,
    ];
    let rollback = Rollback::Automatic;
    Capability {
        connector: ConnectorKind::Nginx,
        steps: steps
            .into_iter()
            .map(|step| StepCapability { step, rollback })
            .collect(),
    }
}

/// One nginx.
#[derive(Debug)]
pub struct Nginx {
    node: String,
    settings: NginxSettings,
}

impl Nginx {
    /// A driver for the nginx of these settings.
    pub fn new(node: &str, settings: NginxSettings) -> Self {
        Self {
            node: node.into(),
            settings,
        }
    }

    fn sites(&self) -> Result<Sites, StepError> {
        sites::find_sites(&self.settings.config)
            .map_err(|error| StepError::lasting("config_unreadable", format!("cannot read the configuration: {error}")))
    }

    fn site(&self, purpose: &str) -> Result<Site, StepError> {
        let sites = self.sites()?;
        sites.find(purpose).cloned().ok_or_else(|| {
            let known: Vec<&str> = sites.sites.iter().map(|site| site.purpose.as_str()).collect();
            let message = format!("{} has no {purpose}; it has {}", self.node, known.join(", "));
            StepError::lasting("unknown_purpose", message)
        })
    }

    fn layout(&self, site: &Site) -> Layout {
        let root = self
            .settings
            .config
            .parent()
            .unwrap_or_else(|| std::path::Path::new("/"));
        let mut allowed = self.settings.allowed.clone();
        allowed.push(root.to_owned());
        Layout::new(&root.join("certyard"), site, allowed)
    }

    async fn check_config(&self) -> Result<(), StepError> {
        let argv = [
            self.settings.program.display().to_string(),
            "-t".into(),
            "-c".into(),
            self.settings.config.display().to_string(),
        ];
        let failed = commands::failed("config_check_failed", "nginx refuses its configuration");
        commands::run(&argv).await.map(drop).map_err(failed)
    }

    async fn reload(&self) -> Result<(), StepError> {
        let failed = commands::failed("reload_failed", "nginx cannot be reloaded");
        commands::run(&self.settings.reload_argv)
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn generate_csr(&self, spec: &CsrSpec) -> Result<StepDone, StepError> {
        if spec.multi_server {
            return Err(StepError::lasting(
                "unsupported_step",
                "an nginx on this machine makes no CSR for other machines (generate_csr, multi-server)",
            ));
        }
        let site = self.site(&spec.purpose)?;
        let (key_spec, hash) = key_spec(spec)?;
        check_beside(&site, &spec.key_type)?;
        let names = if spec.names.is_empty() {
            site.names.clone()
        } else {
            spec.names.clone()
        };
        let common_name = Some(&spec.common_name)
            .filter(|name| !name.is_empty())
            .or(names.first());
        let common_name = common_name.cloned().ok_or_else(|| {
            StepError::lasting(
                "no_name",
                format!("{} has no server_name: give the names to ask for", site.purpose),
            )
        })?;
        let mut subject = vec![("CN".to_owned(), common_name)];
        subject.extend(spec.subject.iter().cloned());
        let mut key_usage = vec!["digitalSignature".to_owned()];
        if spec.key_type == "RSA" {
            key_usage.push("keyEncipherment".to_owned());
        }
        let request = CsrRequest {
            subject: Subject(subject),
            sans: names.iter().map(|name| san(name)).collect(),
            key_usage,
            extended_key_usage: vec!["serverAuth".to_owned()],
            hash,
        };
        let made = tokio::task::spawn_blocking(move || {
            let key = PrivateKey::generate(key_spec)?;
            let csr = certyard_pki::make_csr(&key, &request)?;
            Ok::<_, certyard_pki::PkiError>((key.to_pkcs8_pem(), csr))
        });
        let failed = |error: &dyn std::fmt::Display| StepError::lasting("csr_failed", format!("no CSR: {error}"));
        let (key_pem, csr) = made
            .await
            .map_err(|error| failed(&error))?
            .map_err(|error| failed(&error))?;
        let csr_pem = csr.to_pem();
        self.layout(&site)
            .put_request(&hex::encode(csr.spki_sha256), &key_pem, &csr_pem)?;
        Ok(StepDone {
            note: format!("made a {} {} key and a CSR on this host", spec.key_type, spec.key_bits),
            csr_pem: Some(csr_pem),
            inventory: None,
        })
    }

    fn install_identity(&self, purpose: &str, chain: &[String], sha256: &str) -> Result<StepDone, StepError> {
        let site = self.site(purpose)?;
        if site.shared {
            let message = format!(
                "{purpose} shares {} or {} with another pair: give each server block files of its own",
                site.certificate.display(),
                site.key.display()
            );
            return Err(StepError::lasting("files_shared", message));
        }
        let layout = self.layout(&site);
        let certificates = check_chain(chain, sha256)?;
        let leaf = certificates.first().ok_or_else(|| broken("it is empty"))?;
        check_beside(&site, &leaf.key.key_type)?;
        let installed = leaf_sha256(&layout.configured_chain()?);
        let done = layout.release().as_deref() == Some(sha256) && installed.as_deref() == Some(sha256);
        if !done {
            let key = find_key(&layout, leaf)?;
            let installed = installed.ok_or_else(|| {
                let path = site.certificate.display();
                StepError::lasting(
                    "config_unreadable",
                    format!("{path} holds no certificate that can be read"),
                )
            })?;
            layout.adopt(&installed)?;
            // Servers send no root: who trusts it has it.
            let sent = certificates
                .iter()
                .enumerate()
                .filter(|(at, c)| *at == 0 || !c.is_self_signed());
            let chain_pem: String = sent.map(|(_, certificate)| certificate.to_pem()).collect();
            layout.put_release(sha256, &chain_pem, &key)?;
            layout.swap(sha256)?;
            layout.prune_releases(&[sha256, &installed]);
        }
        let answered = layout.request().is_some_and(|request| request == spki_sha256(leaf));
        if answered {
            layout.set_request(None)?;
        }
        Ok(StepDone::note(if done {
            "already installed".into()
        } else {
            format!("put beside its key and made the configured one of {purpose}")
        }))
    }

    async fn verify(&self, purpose: &str, sha256: &str) -> Result<StepDone, StepError> {
        let site = self.site(purpose)?;
        let installed = leaf_sha256(&self.layout(&site).configured_chain()?);
        if installed.as_deref() != Some(sha256) {
            return Err(StepError::lasting(
                "not_installed",
                format!("{purpose} is configured with another certificate"),
            ));
        }
        let expected = vec![Some(sha256.to_owned()); site.targets().len()];
        let looked = self.look_everywhere(&site, &expected).await?;
        Ok(StepDone::note(match looked {
            0 => "installed; nothing listens with it".into(),
            looked => format!("served at {looked} of {looked} addresses and names"),
        }))
    }

    /// The former link, a reload when nginx accepts its configuration, and a look whether what was served is served.
    async fn put_back(&self, purpose: &str, before: &Before) -> Result<(), StepError> {
        let site = self.site(purpose)?;
        let layout = self.layout(&site);
        let former = before.release.as_ref().or(before.installed_sha256.as_ref());
        let mut changed = false;
        if let (Some(now), Some(former)) = (layout.release(), former)
            && now != *former
        {
            layout.swap(former)?;
            changed = true;
        }
        if layout.request() != before.request {
            layout.set_request(before.request.as_deref())?;
        }
        if !changed {
            return Ok(());
        }
        // A configuration that somebody else broke stays unloaded: what runs goes on serving what it had.
        match self.check_config().await {
            Ok(()) => self.reload().await?,
            Err(error) => tracing::warn!(node = %self.node, %error, "put the files back without a reload"),
        }
        self.look_everywhere(&site, &before.served).await.map(drop)
    }

    async fn version(&self) -> Option<String> {
        let words = commands::run(&[self.settings.program.display().to_string(), "-v".into()]).await;
        Some(
            words
                .ok()?
                .rsplit_once("nginx/")?
                .1
                .split_whitespace()
                .next()?
                .to_owned(),
        )
    }
}

#[async_trait]
impl Connector for Nginx {
    fn capability(&self) -> Capability {
        capability()
    }

    async fn inventory(&self) -> Result<NodeInventory, StepError> {
        let found = self.sites()?;
        let (mut entries, mut csrs) = (Vec::new(), Vec::new());
        for site in &found.sites {
            let layout = self.layout(site);
            if let Some(csr_pem) = layout.csr_pem() {
                csrs.push(InventoryCsr {
                    purpose: site.purpose.clone(),
                    csr_pem,
                });
            }
            // What cannot be read is told, too: it is not gone.
            let (certificate_pem, served) = match read_leaf(&layout) {
                Ok(leaf) => (leaf.to_pem(), self.served(site, &leaf.sha256_hex()).await),
                Err((pem, reason)) => {
                    tracing::warn!(node = %self.node, purpose = %site.purpose, "{reason}");
                    (pem, Served::Unknown { reason })
                }
            };
            entries.push(InventoryEntry {
                store: site.purpose.clone(),
                kind: StoreKind::Identity,
                entry: site.purpose.clone(),
                certificate_pem,
                served,
            });
        }
        for trust in &found.trusts {
            for (entry, certificate_pem) in read_trust(&trust.path)? {
                entries.push(InventoryEntry {
                    store: trust.store.clone(),
                    kind: StoreKind::Trust,
                    entry,
                    certificate_pem,
                    served: Served::NotObservable,
                });
            }
        }
        Ok(super::seal_inventory(entries, csrs, self.version().await))
    }

    async fn before(&self, step: &Step) -> Result<Before, StepError> {
        let (purpose, look) = match step {
            Step::GenerateCsr(spec) => (&spec.purpose, false),
            Step::InstallIdentity { purpose, .. } => (purpose, true),
            Step::InstallTrust { .. }
            | Step::DeleteCsr { .. }
            | Step::Regenerate { .. }
            | Step::ReuseTomcat { .. }
            | Step::DeleteTrust { .. }
            | Step::RestartService { .. }
            | Step::Activate { .. }
            | Step::Verify { .. }
            | Step::Inventory => {
                return Ok(Before::default());
            }
        };
        let site = self.site(purpose)?;
        let layout = self.layout(&site);
        let csr = layout.csr_pem().and_then(|pem| Csr::from_pem(&pem).ok());
        Ok(Before {
            csr_sha256: csr.map(|csr| hex::encode(csr.sha256)),
            installed_sha256: layout.configured_chain().ok().and_then(|chain| leaf_sha256(&chain)),
            release: layout.release(),
            request: layout.request(),
            trusted: vec![],
            served: if look {
                self.served_everywhere(&site).await
            } else {
                vec![]
            },
        })
    }

    async fn run(&self, step: &Step, _before: &Before) -> Result<StepDone, StepError> {
        match step {
            Step::GenerateCsr(spec) => self.generate_csr(spec).await,
            Step::InstallTrust { .. }
            | Step::DeleteCsr { .. }
            | Step::Regenerate { .. }
            | Step::ReuseTomcat { .. }
            | Step::DeleteTrust { .. }
            | Step::RestartService { .. } => Err(StepError::unsupported(self, step.kind())),
            Step::InstallIdentity {
                purpose,
                chain_pem,
                sha256,
            } => self.install_identity(purpose, chain_pem, sha256),
            Step::Activate { .. } => {
                self.check_config().await?;
                self.reload().await?;
                Ok(StepDone::note("nginx checked its configuration and reloaded"))
            }
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
                let layout = self.layout(&self.site(&spec.purpose)?);
                let new = layout.request().is_some() && layout.request() != before.request;
                Ok(match layout.csr_pem().filter(|_| new) {
                    Some(csr_pem) => Effect::Present(StepDone {
                        note: "the CSR had been made already".into(),
                        csr_pem: Some(csr_pem),
                        inventory: None,
                    }),
                    None => Effect::Absent,
                })
            }
            Step::InstallIdentity { purpose, sha256, .. } => {
                let layout = self.layout(&self.site(purpose)?);
                let chain = layout.configured_chain()?;
                let leaf = pem_blocks::certificates(&chain)
                    .first()
                    .and_then(|pem| Certificate::from_pem(pem).ok());
                // The request that the certificate answers is closed last.
                let there = layout.release().as_ref() == Some(sha256)
                    && leaf.is_some_and(|leaf| {
                        leaf.sha256_hex() == *sha256 && layout.request() != Some(spki_sha256(&leaf))
                    });
                Ok(if there {
                    Effect::Present(StepDone::note("already installed"))
                } else {
                    Effect::Absent
                })
            }
            Step::Activate { purpose } => {
                let site = self.site(purpose)?;
                let installed = leaf_sha256(&self.layout(&site).configured_chain()?);
                let served = self.served_everywhere(&site).await;
                let there = !served.is_empty() && served.iter().all(|served| *served == installed);
                Ok(if there {
                    Effect::Present(StepDone::note("nginx had reloaded already"))
                } else {
                    Effect::Absent
                })
            }
            Step::InstallTrust { .. }
            | Step::DeleteCsr { .. }
            | Step::Regenerate { .. }
            | Step::ReuseTomcat { .. }
            | Step::DeleteTrust { .. }
            | Step::RestartService { .. }
            | Step::Verify { .. }
            | Step::Inventory => Ok(Effect::Absent),
        }
    }

    async fn rollback(&self, step: &Step, before: &Before) -> Result<(), StepError> {
        match step {
            Step::GenerateCsr(spec) => {
                let layout = self.layout(&self.site(&spec.purpose)?);
                if layout.request() == before.request {
                    return Ok(());
                }
                layout.set_request(before.request.as_deref())
            }
            Step::InstallIdentity { purpose, .. } => self.put_back(purpose, before).await,
            Step::InstallTrust { .. }
            | Step::DeleteCsr { .. }
            | Step::Regenerate { .. }
            | Step::ReuseTomcat { .. }
            | Step::DeleteTrust { .. }
            | Step::RestartService { .. } => Err(StepError::unsupported(self, step.kind())),
            // The reload comes with the link, when InstallIdentity is undone.
            Step::Activate { .. } | Step::Verify { .. } | Step::Inventory => Ok(()),
        }
    }
}

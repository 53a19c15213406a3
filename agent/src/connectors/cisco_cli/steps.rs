//! The steps that change a node: what to do is read first, and whether it was done is read afterwards.

use super::read::Part;
use super::session::Session;
use super::texts::{self, says_absent, service, word};
use super::{CiscoCli, TOMCAT_SERVICE};
use crate::connector::{Before, StepDone, StepError};
use crate::connectors::cisco_uc::{Snapshot, parse_all};
use crate::wire;
use certyard_pki::Certificate;
use certyard_protocol::CsrSpec;
use std::time::Duration;

impl CiscoCli {
    pub(super) async fn generate_csr(&self, spec: &CsrSpec, before: &Before) -> Result<StepDone, StepError> {
        let unit = word("unit", &spec.purpose)?;
        if spec.multi_server {
            return Err(StepError::lasting(
                "unsupported_step",
                format!(
                    "no command of {} is known to make a CSR for several nodes (generate_csr, multi-server): make it on the node's \
                     own page, or ask for one for each node",
                    self.target.node
                ),
            ));
        }
        let mut session = Session::open(&self.target).await?;
        let text = session.run(&format!("set csr gen {unit}")).await?;
        let csr = self.csr(&mut session, unit).await?;
        session.close().await;
        let Some(csr) = csr.filter(|csr| before.csr_sha256 != Some(hex::encode(csr.sha256))) else {
            return Err(self.refused(&text));
        };
        let missing: Vec<&str> = spec
            .names
            .iter()
            .filter(|name| !csr.sans.iter().any(|san| san.value.eq_ignore_ascii_case(name)))
            .map(String::as_str)
            .collect();
        let mut note = format!("{} made a key and a CSR", self.target.node);
        if !missing.is_empty() {
            note.push_str(&format!(
                ", and left out {}: its command line takes no names",
                missing.join(", ")
            ));
        }
        if csr.key.bits.is_some_and(|bits| bits != spec.key_bits) {
            note.push_str(&format!(
                ", with a key of its own choice instead of {} bits",
                spec.key_bits
            ));
        }
        Ok(StepDone {
            note,
            csr_pem: Some(csr.to_pem()),
            inventory: None,
        })
    }

    pub(super) async fn delete_csr(&self, purpose: &str) -> Result<StepDone, StepError> {
        let unit = word("unit", purpose)?;
        let mut session = Session::open(&self.target).await?;
        if self.csr(&mut session, unit).await?.is_none() {
            session.close().await;
            return Ok(StepDone::note(format!("{unit} has no open CSR")));
        }
        let text = session.run(&format!("set csr delete {unit}")).await?;
        let left = self.csr(&mut session, unit).await?;
        session.close().await;
        match left {
            None => Ok(StepDone::note(format!("the CSR of {unit} is deleted"))),
            Some(_) => Err(self.refused(&text)),
        }
    }

    pub(super) async fn install_trust(&self, store: &str, pems: &[String]) -> Result<StepDone, StepError> {
        let unit = word("trust store", store.strip_suffix("-trust").unwrap_or(store))?;
        let wanted = parse_all(pems)?;
        let mut session = Session::open(&self.target).await?;
        let held = self.read_in(&mut session, Part::Trust(store)).await?;
        let missing: Vec<&Certificate> = wanted
            .iter()
            .filter(|certificate| !held.trusts(store, &certificate.sha256_hex()))
            .collect();
        for certificate in &missing {
            let command = format!("set cert import trust {unit}");
            let text = session.paste(&command, &certificate.to_pem()).await?;
            if texts::refuses(&text) {
                let refused = self.refused(&text);
                return Err(StepError {
                    message: format!("{} (CA certificate {})", refused.message, certificate.subject),
                    ..refused
                });
            }
        }
        if missing.is_empty() {
            session.close().await;
            return Ok(StepDone::note(format!("all {} are in {store} already", wanted.len())));
        }
        let held = self.read_in(&mut session, Part::Trust(store)).await?;
        session.close().await;
        if let Some(lost) = missing
            .iter()
            .find(|certificate| !held.trusts(store, &certificate.sha256_hex()))
        {
            return Err(StepError::lasting(
                "trust_not_taken",
                format!(
                    "{} accepted {} but does not hold it in {store}: a certificate of the same name that begins later is there",
                    self.target.node, lost.subject
                ),
            ));
        }
        let names: Vec<&str> = missing.iter().map(|certificate| certificate.subject.as_str()).collect();
        Ok(StepDone::note(format!("added to {store}: {}", names.join("; "))))
    }

    pub(super) async fn install_identity(
        &self,
        purpose: &str,
        chain: &[String],
        sha256: &str,
    ) -> Result<StepDone, StepError> {
        let unit = word("unit", purpose)?;
        let certificates = parse_all(chain)?;
        let Some(leaf) = certificates.first().filter(|leaf| leaf.sha256_hex() == sha256) else {
            return Err(StepError::lasting(
                "chain_broken",
                "the chain does not begin with the certificate to install",
            ));
        };
        let mut session = Session::open(&self.target).await?;
        let held = self.read_in(&mut session, Part::Identities(&[unit])).await?;
        if held.installed_sha256(unit).as_deref() == Some(sha256) {
            session.close().await;
            return Ok(StepDone::note("already installed"));
        }
        if is_multi_server(leaf) {
            let version = texts::read_version(&session.run("show version active").await?);
            if let Some(version) = version.filter(|version| texts::is_from_14_su2(version)) {
                session.close().await;
                return Err(StepError::lasting(
                    "unsupported_step",
                    format!(
                        "the command line of {} takes no multi-server certificate in release {version} (install_identity): install it \
                         over the API with the connector cisco_uc, or on the node's own page",
                        self.target.node
                    ),
                ));
            }
        }
        let text = session
            .paste(&format!("set cert import own {unit}"), &leaf.to_pem())
            .await?;
        let held = self.read_in(&mut session, Part::Identities(&[unit])).await?;
        session.close().await;
        if held.installed_sha256(unit).as_deref() == Some(sha256) {
            return Ok(StepDone::note(format!("installed as {unit}")));
        }
        self.require_readable(&held, unit)?;
        Err(self.refused(&text))
    }

    pub(super) async fn regenerate(&self, purpose: &str, replaces: Option<&str>) -> Result<StepDone, StepError> {
        let unit = word("unit", purpose)?;
        let mut session = Session::open(&self.target).await?;
        let held = self.read_in(&mut session, Part::Identities(&[unit])).await?;
        self.require_readable(&held, unit)?;
        if held.installed_sha256(unit).as_deref() != replaces {
            session.close().await;
            return Ok(StepDone::note(format!("{unit} has another certificate already")));
        }
        let text = session.run(&format!("set cert regen {unit}")).await?;
        let held = self.read_in(&mut session, Part::Identities(&[unit])).await?;
        session.close().await;
        self.require_readable(&held, unit)?;
        match held.installed_sha256(unit) {
            Some(new) if Some(new.as_str()) != replaces => Ok(StepDone::note(format!(
                "{} made a new certificate for {unit}: {new}",
                self.target.node
            ))),
            _ => Err(self.refused(&text)),
        }
    }

    pub(super) async fn reuse_tomcat(&self, purpose: &str) -> Result<StepDone, StepError> {
        let (source, unit) = (source_of(purpose), word("unit", purpose)?);
        let mut session = Session::open(&self.target).await?;
        if same(
            &self.read_in(&mut session, Part::Identities(&[source, unit])).await?,
            source,
            unit,
        ) {
            session.close().await;
            return Ok(StepDone::note(format!(
                "{unit} has the certificate of {source} already"
            )));
        }
        let text = session.run(&format!("set cert reuse tomcat {unit}")).await?;
        let held = self.read_in(&mut session, Part::Identities(&[source, unit])).await?;
        session.close().await;
        if same(&held, source, unit) {
            return Ok(StepDone::note(format!("{unit} has the certificate of {source}")));
        }
        Err(self.refused(&text))
    }

    pub(super) async fn delete_trust(&self, store: &str, entry: &str, sha256: &str) -> Result<StepDone, StepError> {
        let unit = word("trust store", store)?;
        let absent = || {
            StepDone::note(format!(
                "nothing to delete: the certificate is not in {store} of this node"
            ))
        };
        let mut session = Session::open(&self.target).await?;
        let held = self.read_in(&mut session, Part::Trust(store)).await?;
        let found = held.trusts.iter().find(|item| item.certificate.sha256_hex() == sha256);
        let Some(name) = found.and_then(|item| item.file_name.as_deref()) else {
            session.close().await;
            self.holds(&held, store, entry, sha256)?;
            return Ok(absent());
        };
        let text = session
            .run(&format!("set cert delete {unit} {}", word("certificate", name)?))
            .await?;
        let left = self.read_in(&mut session, Part::Trust(store)).await?;
        session.close().await;
        match (self.holds(&left, store, name, sha256)?, says_absent(&text)) {
            (true, _) => Err(self.refused(&text)),
            // Another node of the cluster was faster.
            (false, true) => Ok(absent()),
            (false, false) => Ok(StepDone::note(format!("{name} is deleted from {store}"))),
        }
    }

    pub(super) async fn restart_service(&self, name: &str) -> Result<StepDone, StepError> {
        let command = match name {
            // It is no service of the service manager, which would say that it is started.
            IPSEC => "utils ipsec restart".into(),
            _ => format!("utils service restart {}", service(name)?),
        };
        let mut session = Session::open(&self.target).await?;
        if name != IPSEC && texts::is_not_activated(&session.run("utils service list").await?, name) {
            session.close().await;
            return Ok(not_activated(name));
        }
        let text = session.run(&command).await?;
        session.close().await;
        if texts::is_not_activated(&text, name) {
            return Ok(not_activated(name));
        }
        let started = name == IPSEC || text.to_ascii_uppercase().contains("STARTED");
        if texts::refuses(&text) || !started {
            return Err(self.refused(&text));
        }
        if name == TOMCAT_SERVICE {
            self.wait_for_web_server().await;
        }
        Ok(StepDone::note(format!("{name} is restarted")))
    }

    /// The service is started long before it answers, and the steps behind look at what it shows. Whatever it is by then, they tell.
    async fn wait_for_web_server(&self) {
        let host = self.tls_address.rsplit_once(':').map_or("", |(host, _)| host);
        let until = tokio::time::Instant::now() + WEB_SERVER_STARTS;
        while wire::look(&self.tls_address, host, None).await.is_err() && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
}

/// A service that a node does not run has no certificate to take up.
fn not_activated(name: &str) -> StepDone {
    StepDone::note(format!("{name} is not activated on this node: nothing to restart"))
}

/// The name of what is restarted by a command of its own.
const IPSEC: &str = "IPsec";
/// How long it may take to answer after its restart.
const WEB_SERVER_STARTS: Duration = Duration::from_secs(600);

/// A certificate that covers several nodes, by the name that nodes give it: `<host>-ms.<domain>`.
fn is_multi_server(leaf: &Certificate) -> bool {
    let host = leaf.common_name.as_deref().and_then(|name| name.split('.').next());
    host.is_some_and(|host| host.ends_with("-ms"))
}

/// The purpose whose certificate is reused (R39).
pub(super) fn source_of(purpose: &str) -> &'static str {
    if purpose.ends_with("-ECDSA") {
        "tomcat-ECDSA"
    } else {
        "tomcat"
    }
}

pub(super) fn same(held: &Snapshot, source: &str, unit: &str) -> bool {
    let sha256 = held.installed_sha256(unit);
    sha256.is_some() && sha256 == held.installed_sha256(source)
}

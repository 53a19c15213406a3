//! Reading a node's stores: lists, then one command for each certificate.

use super::CiscoCli;
use super::session::Session;
use super::texts::{self, Listed, word, words};
use crate::connector::StepError;
use crate::connectors::cisco_uc::{IdentityItem, Snapshot, TrustItem};
use certyard_pki::Csr;
use certyard_protocol::{InventoryCsr, InventoryEntry, StoreKind};

/// Which part of the stores is read: each certificate is a command of its own.
pub(super) enum Part<'a> {
    All,
    Identities(&'a [&'a str]),
    Trust(&'a str),
}

impl CiscoCli {
    pub(super) async fn read(&self, part: Part<'_>) -> Result<Snapshot, StepError> {
        let mut session = Session::open(&self.target).await?;
        let snapshot = self.read_in(&mut session, part).await?;
        session.close().await;
        Ok(snapshot)
    }

    pub(super) async fn read_in(&self, session: &mut Session, part: Part<'_>) -> Result<Snapshot, StepError> {
        let mut snapshot = Snapshot::default();
        let own = match part {
            Part::All | Part::Identities(_) => self.list(session, "own").await?,
            Part::Trust(_) => Vec::new(),
        };
        for listed in own {
            let is = |wanted: &&str| wanted.eq_ignore_ascii_case(&listed.unit);
            if matches!(part, Part::Identities(wanted) if !wanted.iter().any(is)) {
                continue;
            }
            let pem = self.show(session, "own", &listed).await?;
            let place = (StoreKind::Identity, listed.unit.as_str(), Some(listed.unit.as_str()));
            let certificate = snapshot.read(&self.target.node, place, &pem);
            snapshot.identities.push(IdentityItem {
                purpose: listed.unit,
                certificate,
                csr: None,
            });
        }
        if !matches!(part, Part::Trust(_)) {
            let text = session.run("show csr list own").await?;
            if texts::refuses(&text) && !texts::says_absent(&text) {
                return Err(self.refused(&text));
            }
            for purpose in texts::read_csr_list(&text) {
                let pem = match word("unit", &purpose) {
                    Ok(unit) => self.show_csr(session, unit).await?,
                    Err(_) => String::new(),
                };
                let csr = match Csr::from_pem(&pem) {
                    Ok(csr) => csr,
                    Err(error) => {
                        tracing::warn!(node = %self.target.node, purpose, %error, "cannot read a CSR of the node");
                        let csr_pem = pem;
                        snapshot.unreadable_csrs.push(InventoryCsr { purpose, csr_pem });
                        continue;
                    }
                };
                match snapshot
                    .identities
                    .iter_mut()
                    .find(|item| item.purpose.eq_ignore_ascii_case(&purpose))
                {
                    Some(item) => item.csr = Some(csr),
                    None => snapshot.identities.push(IdentityItem {
                        purpose,
                        certificate: None,
                        csr: Some(csr),
                    }),
                }
            }
        }
        let trust = match part {
            Part::All | Part::Trust(_) => self.list(session, "trust").await?,
            Part::Identities(_) => Vec::new(),
        };
        for listed in trust {
            if matches!(part, Part::Trust(wanted) if !listed.unit.eq_ignore_ascii_case(wanted)) {
                continue;
            }
            let pem = self.show(session, "trust", &listed).await?;
            let file_name = format!("{}.pem", listed.name);
            let place = (StoreKind::Trust, listed.unit.as_str(), Some(file_name.as_str()));
            if let Some(certificate) = snapshot.read(&self.target.node, place, &pem) {
                snapshot.trusts.push(TrustItem {
                    store: listed.unit,
                    file_name: Some(file_name),
                    certificate,
                });
            }
        }
        let unread = |one: &InventoryEntry| one.kind == StoreKind::Trust;
        if snapshot.unreadable.iter().any(unread) {
            // The product may have taken it from the store between the list and the look, as part of a deletion elsewhere.
            let still = self.list(session, "trust").await?;
            let listed = |one: &InventoryEntry| {
                still
                    .iter()
                    .any(|listed| listed.unit == one.store && format!("{}.pem", listed.name) == one.entry)
            };
            snapshot.unreadable.retain(|one| !unread(one) || listed(one));
        }
        if matches!(part, Part::All) {
            snapshot.version = texts::read_version(&session.run("show version active").await?);
        }
        Ok(snapshot)
    }

    pub(super) async fn list(&self, session: &mut Session, kind: &str) -> Result<Vec<Listed>, StepError> {
        let text = session.run(&format!("show cert list {kind}")).await?;
        if texts::refuses(&text) {
            return Err(self.refused(&text));
        }
        Ok(texts::read_list(&text))
    }

    /// One certificate in PEM; empty where the node prints something else: an inventory does not end at one file that nobody can read,
    /// and what is listed is not gone.
    pub(super) async fn show(&self, session: &mut Session, kind: &str, listed: &Listed) -> Result<String, StepError> {
        let path = listed.path();
        let (node, place) = (&self.target.node, path.as_str());
        if word("unit", &listed.unit)
            .and(word("certificate", &listed.name))
            .is_err()
        {
            tracing::warn!(node, place, "cannot ask for a certificate of this name");
            return Ok(String::new());
        }
        let text = session.run(&format!("show cert {kind} {path}")).await?;
        let pem = texts::read_pem(&text, "CERTIFICATE");
        if pem.is_none() {
            tracing::warn!(node, place, "the node prints no certificate: {}", words(&text));
        }
        Ok(pem.unwrap_or_default().to_owned())
    }

    /// The open CSR of a unit in PEM; empty where the node prints something else.
    async fn show_csr(&self, session: &mut Session, unit: &str) -> Result<String, StepError> {
        let text = session.run(&format!("show csr own {unit}")).await?;
        let pem = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"]
            .iter()
            .find_map(|label| texts::read_pem(&text, label));
        Ok(pem.unwrap_or_default().to_owned())
    }

    pub(super) async fn csr(&self, session: &mut Session, purpose: &str) -> Result<Option<Csr>, StepError> {
        let pem = self.show_csr(session, word("unit", purpose)?).await?;
        (!pem.is_empty())
            .then(|| Csr::from_pem(&pem))
            .transpose()
            .map_err(|error| StepError::lasting("node_answer", format!("the CSR of {}: {error}", self.target.node)))
    }

    pub(super) fn refused(&self, text: &str) -> StepError {
        StepError::lasting("node_refused", format!("{} refused: {}", self.target.node, words(text)))
    }

    /// Whether a trust store holds the certificate.
    ///
    /// # Errors
    /// Where its entry is listed and cannot be read: that is not absence.
    pub(super) fn holds(&self, held: &Snapshot, store: &str, entry: &str, sha256: &str) -> Result<bool, StepError> {
        if held.trusts(store, sha256) {
            return Ok(true);
        }
        let bare = |name: &str| name.strip_suffix(".pem").unwrap_or(name).to_owned();
        let listed = |one: &&InventoryEntry| one.store.eq_ignore_ascii_case(store) && bare(&one.entry) == bare(entry);
        match held.unreadable.iter().find(listed) {
            None => Ok(false),
            Some(one) => Err(StepError::lasting(
                "entry_unreadable",
                format!(
                    "{} lists {} in {store} and prints no certificate for it: whether it is the one to delete cannot be told; look at \
                     it on the node",
                    self.target.node, one.entry
                ),
            )),
        }
    }

    /// Makes sure that an identity which is listed was read.
    ///
    /// # Errors
    /// Where it was not: which certificate it is cannot be told, and an unknown one is not another one.
    pub(super) fn require_readable(&self, held: &Snapshot, unit: &str) -> Result<(), StepError> {
        let listed = |one: &InventoryEntry| one.store.eq_ignore_ascii_case(unit) && one.kind == StoreKind::Identity;
        if !held.unreadable.iter().any(listed) {
            return Ok(());
        }
        Err(StepError::lasting(
            "entry_unreadable",
            format!(
                "{} lists a certificate for {unit} and prints none that can be read: which one it is cannot be told; look at it on \
                 the node",
                self.target.node
            ),
        ))
    }

    pub(super) async fn identity(&self, purpose: &str) -> Result<Snapshot, StepError> {
        self.read(Part::Identities(&[purpose])).await
    }
}

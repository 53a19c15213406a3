//! The stores of a UC node as both its connectors see them, and what its TLS port shows of them.

use crate::connector::{StepDone, StepError};
use crate::wire;
use certyard_pki::{Certificate, Csr};
use certyard_protocol::{InventoryCsr, InventoryEntry, NodeInventory, Served, StoreKind};

/// Identity stores whose certificate the node shows on its TLS port.
pub(crate) const SHOWN_PURPOSES: [&str; 2] = ["tomcat", "tomcat-ECDSA"];

/// All stores of a node.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub identities: Vec<IdentityItem>,
    pub trusts: Vec<TrustItem>,
    /// Certificates that are there and that this program does not understand, as the node gave them.
    pub unreadable: Vec<InventoryEntry>,
    /// CSRs of that kind.
    pub unreadable_csrs: Vec<InventoryCsr>,
    pub version: Option<String>,
}

#[derive(Debug)]
pub(crate) struct IdentityItem {
    pub purpose: String,
    pub certificate: Option<Certificate>,
    pub csr: Option<Csr>,
}

#[derive(Debug)]
pub(crate) struct TrustItem {
    pub store: String,
    pub file_name: Option<String>,
    pub certificate: Certificate,
}

impl Snapshot {
    pub fn identity(&self, purpose: &str) -> Option<&IdentityItem> {
        let mut all = self.identities.iter();
        all.find(|item| item.purpose.eq_ignore_ascii_case(purpose))
    }

    pub fn installed_sha256(&self, purpose: &str) -> Option<String> {
        Some(self.identity(purpose)?.certificate.as_ref()?.sha256_hex())
    }

    pub fn trusts(&self, store: &str, sha256: &str) -> bool {
        self.trusts
            .iter()
            .any(|item| item.store.eq_ignore_ascii_case(store) && item.certificate.sha256_hex() == sha256)
    }
}

pub(crate) fn parse_all(pems: &[String]) -> Result<Vec<Certificate>, StepError> {
    pems.iter()
        .map(|pem| Certificate::from_pem(pem))
        .collect::<Result<_, _>>()
        .map_err(|error| StepError::lasting("chain_broken", format!("a certificate of the task: {error}")))
}

/// Whether an installed certificate is what the port at `address` shows.
pub(crate) async fn served_at(address: &str, purpose: &str, installed: &Certificate) -> Served {
    if !SHOWN_PURPOSES.contains(&purpose) {
        return Served::NotObservable;
    }
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    match wire::look(address, host, Some(&installed.key.key_type)).await {
        Ok(shown) if shown.sha256() == installed.sha256_hex() => Served::Served,
        Ok(shown) => Served::RestartPending {
            served_sha256: shown.sha256(),
        },
        // No certificate of this kind of key on this port.
        Err(_) if purpose != "tomcat" => Served::NotObservable,
        Err(reason) => Served::Unknown { reason },
    }
}

/// The step `Verify`: is this certificate held, and is it shown?
pub(crate) async fn verify_held(
    node: &str,
    address: &str,
    held: &Snapshot,
    purpose: &str,
    sha256: &str,
) -> Result<StepDone, StepError> {
    let installed = held.identity(purpose).and_then(|item| item.certificate.as_ref());
    let Some(installed) = installed.filter(|certificate| certificate.sha256_hex() == sha256) else {
        return Err(StepError::lasting(
            "not_installed",
            format!("{node} does not hold this certificate as {purpose}"),
        ));
    };
    match served_at(address, purpose, installed).await {
        Served::Served => Ok(StepDone::note("installed and served")),
        Served::RestartPending { .. } => Ok(StepDone::note(
            "installed, restart pending: the node serves it after its service is restarted",
        )),
        Served::NotObservable => Ok(StepDone::note("installed; no port shows it")),
        Served::Unknown { reason } => Err(StepError::passing("node_unreachable", reason)),
    }
}

/// The inventory of a node; `served` says of some purposes what the port shows.
pub(crate) fn inventory_of(snapshot: &Snapshot, served: &[(String, Served)]) -> NodeInventory {
    let shown = |purpose: &str| {
        let found = served.iter().find(|(of, _)| of == purpose);
        found.map_or(Served::NotObservable, |(_, served)| served.clone())
    };
    let mut entries = Vec::new();
    let mut csrs = Vec::new();
    for item in &snapshot.identities {
        if let Some(certificate) = &item.certificate {
            entries.push(InventoryEntry {
                store: item.purpose.clone(),
                kind: StoreKind::Identity,
                entry: item.purpose.clone(),
                certificate_pem: certificate.to_pem(),
                served: shown(&item.purpose),
            });
        }
        if let Some(csr) = &item.csr {
            csrs.push(InventoryCsr {
                purpose: item.purpose.clone(),
                csr_pem: csr.to_pem(),
            });
        }
    }
    for item in &snapshot.trusts {
        entries.push(InventoryEntry {
            store: item.store.clone(),
            kind: StoreKind::Trust,
            entry: item.file_name.clone().unwrap_or_else(|| item.certificate.sha256_hex()),
            certificate_pem: item.certificate.to_pem(),
            served: Served::NotObservable,
        });
    }
    entries.extend(snapshot.unreadable.iter().cloned());
    csrs.extend(snapshot.unreadable_csrs.iter().cloned());
    crate::connectors::seal_inventory(entries, csrs, snapshot.version.clone())
}

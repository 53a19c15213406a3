//! The parameters of actions other than CSRs.

use super::request::push;
use crate::error::FieldError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Certificates of one plan that distributes at most: each is part of every task's signed payload.
pub(super) const MAX_DISTRIBUTED: usize = 50;
/// Trust stores of one plan at most: no product has as many.
const MAX_STORES: usize = 20;
/// Services of one plan at most.
const MAX_SERVICES: usize = 20;
/// Certificates that one plan names by their ids at most, where it deletes.
const MAX_NAMED: usize = 500;

/// The answer of a CA.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UploadOptions {
    /// Purpose, for targets that are nodes.
    pub purpose: Option<String>,
    /// The files as received: PEM, DER or PKCS#7. Emptied once they are read into `certificates_pem`.
    #[serde(skip)]
    pub files: Vec<Vec<u8>>,
    /// What was read: the certificates in PEM, duplicates removed.
    pub certificates_pem: Vec<String>,
    /// Restart what takes the certificate up only then, in the same task.
    pub restart: bool,
}

impl std::fmt::Debug for UploadOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UploadOptions")
            .field("purpose", &self.purpose)
            .field("files", &self.files.len())
            .field("certificates", &self.certificates_pem.len())
            .field("restart", &self.restart)
            .finish()
    }
}

/// Certificates for trust stores: uploaded, or known already.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DistributeOptions {
    /// Trust stores by their names: `tomcat-trust`, `CallManager-trust`.
    pub stores: Vec<String>,
    /// Certificates that the organisation knows.
    pub certificate_ids: Vec<Uuid>,
    /// The files as received: PEM, DER or PKCS#7. Emptied once they are read into `certificates_pem`.
    #[serde(skip)]
    pub files: Vec<Vec<u8>>,
    /// What was read from both: the certificates in PEM, duplicates removed.
    pub certificates_pem: Vec<String>,
}

impl std::fmt::Debug for DistributeOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DistributeOptions")
            .field("stores", &self.stores)
            .field("certificates", &self.certificates_pem.len())
            .finish()
    }
}

/// A change that a node makes for itself: of its self-signed certificate, or of the certificate that a purpose takes over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RenewOptions {
    /// Purpose, for targets that are nodes.
    pub purpose: Option<String>,
    /// Restart what takes the certificate up only then, in the same task.
    pub restart: bool,
}

/// Which CSRs are deleted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteCsrOptions {
    /// Purpose, for targets that are nodes.
    pub purpose: Option<String>,
}

/// Which trust certificates are deleted, where the targets are nodes or a filter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteOptions {
    /// Only from these stores; empty: from whichever holds them.
    pub stores: Vec<String>,
    /// These certificates; empty: whatever the filter matches.
    pub certificate_ids: Vec<Uuid>,
}

/// What takes the place of trust certificates.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplaceOptions {
    /// What is replaced, where the targets are nodes or a filter.
    #[serde(flatten)]
    pub replaced: DeleteOptions,
    /// The files as received: PEM, DER or PKCS#7 with one certificate. Emptied once they are read into `certificates_pem`.
    #[serde(skip)]
    pub files: Vec<Vec<u8>>,
    /// What was read: one certificate in PEM.
    pub certificates_pem: Vec<String>,
}

impl std::fmt::Debug for ReplaceOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplaceOptions")
            .field("replaced", &self.replaced)
            .field("certificates", &self.certificates_pem.len())
            .finish()
    }
}

/// What is restarted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RestartOptions {
    /// Services by the names that nodes give them; empty: those that take up the certificate of a purpose.
    pub services: Vec<String>,
    /// Purpose, for targets that are nodes, where no service is named.
    pub purpose: Option<String>,
    /// The services of each node, in order, where they were taken from the after-care of a job: one node of a cluster after the other.
    pub by_node: BTreeMap<Uuid, Vec<String>>,
}

impl RestartOptions {
    /// Whether nodes are restarted as a whole, and not for a purpose.
    pub(super) fn names_services(&self) -> bool {
        !self.services.is_empty() || !self.by_node.is_empty()
    }

    /// The services that are named for a node.
    pub(super) fn of(&self, node: Uuid) -> &[String] {
        self.by_node.get(&node).map_or(&self.services, |all| all.as_slice())
    }
}

impl DistributeOptions {
    pub(super) fn validate(&self, wrong: &mut Vec<FieldError>) {
        if self.stores.is_empty() {
            push(
                wrong,
                "stores",
                "required",
                "name at least one trust store, for instance tomcat-trust".into(),
            );
        }
        check_stores(&self.stores, wrong);
        if self.certificate_ids.len() > MAX_DISTRIBUTED {
            push(
                wrong,
                "certificate_ids",
                "too_many",
                format!("at most {MAX_DISTRIBUTED} certificates are distributed in one plan: split it"),
            );
        }
    }
}

impl DeleteOptions {
    pub(super) fn validate(&self, wrong: &mut Vec<FieldError>) {
        check_stores(&self.stores, wrong);
        if self.certificate_ids.len() > MAX_NAMED {
            push(
                wrong,
                "certificate_ids",
                "too_many",
                format!("at most {MAX_NAMED} certificates by their ids: split the plan"),
            );
        }
    }
}

impl RestartOptions {
    pub(super) fn validate(&self, wrong: &mut Vec<FieldError>) {
        if self.services.len() > MAX_SERVICES {
            push(
                wrong,
                "services",
                "too_many",
                format!("at most {MAX_SERVICES} services"),
            );
        }
        if !self.services.is_empty() && self.purpose.is_some() {
            push(
                wrong,
                "services",
                "ambiguous",
                "name either the services or the purpose whose services are meant".into(),
            );
        }
    }
}

fn check_stores(stores: &[String], wrong: &mut Vec<FieldError>) {
    if stores.len() > MAX_STORES {
        push(wrong, "stores", "too_many", format!("at most {MAX_STORES} stores"));
    }
}

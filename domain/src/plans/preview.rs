//! What people see of a plan.

use super::facts::Installed;
use crate::Timestamp;
use certyard_pki::Certificate;
use certyard_protocol::{Rollback, StepKind};
use serde::{Deserialize, Serialize};

/// Something to know before the job is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable code, `snake_case`.
    pub code: String,
    /// What happens.
    pub message: String,
    /// Whether a job needs the user's consent, by the code.
    pub consent: bool,
    /// How many targets it is about.
    pub targets: i64,
}

impl Warning {
    pub(super) fn consent(code: &str, message: String) -> Self {
        Self {
            code: code.into(),
            message,
            consent: true,
            targets: 1,
        }
    }

    pub(super) fn note(code: &str, message: String) -> Self {
        Self {
            consent: false,
            ..Self::consent(code, message)
        }
    }
}

/// The warnings of all targets, one for each code, in the words of the first.
pub(super) fn gather_warnings<'a>(previews: impl Iterator<Item = &'a Preview>) -> Vec<Warning> {
    let mut all: Vec<Warning> = Vec::new();
    for warning in previews.flat_map(|preview| &preview.warnings) {
        match all.iter_mut().find(|known| known.code == warning.code) {
            Some(known) => known.targets += 1,
            None => all.push(warning.clone()),
        }
    }
    for warning in all.iter_mut().filter(|warning| warning.targets > 1) {
        warning.message = format!("on {} targets, for instance: {}", warning.targets, warning.message);
    }
    all
}

/// One target: what is there, what will be, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preview {
    /// The installed certificate.
    pub before: Option<CertificateBrief>,
    /// The certificate that will be installed.
    pub after: Option<CertificateBrief>,
    /// The CSR that will be made.
    pub csr: Option<CsrBrief>,
    /// What is done, in order.
    pub steps: Vec<PreviewStep>,
    /// How the whole is undone: as its weakest step; `None` where nothing is changed.
    pub undo: Option<Rollback>,
    /// Services that have to be restarted before the certificate is served.
    pub restarts: Vec<String>,
    /// What else is to be known.
    pub notes: Vec<String>,
    /// What to think of first.
    pub warnings: Vec<Warning>,
}

/// A step of a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewStep {
    /// The step.
    pub step: StepKind,
    /// How the connector undoes it.
    pub rollback: Rollback,
    /// What it does here.
    pub about: String,
}

/// A certificate in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateBrief {
    /// SHA-256 of the DER, lower-case hex.
    pub sha256: String,
    /// Common name; empty where it has none.
    pub common_name: String,
    /// Issuer by RFC 4514.
    pub issuer: String,
    /// Serial number in upper-case hex.
    pub serial_hex: String,
    /// Whether it is signed by its own key.
    pub self_signed: bool,
    /// End of its validity.
    pub not_after: Timestamp,
    /// DNS names and addresses, where they were looked at.
    pub names: Vec<String>,
}

impl CertificateBrief {
    pub(super) fn of(certificate: &Certificate) -> Self {
        Self {
            sha256: certificate.sha256_hex(),
            common_name: certificate.common_name.clone().unwrap_or_default(),
            issuer: certificate.issuer.clone(),
            serial_hex: certificate.serial_hex.clone(),
            self_signed: certificate.is_self_signed(),
            not_after: certificate.not_after,
            names: certificate.sans.iter().map(|san| san.value.clone()).collect(),
        }
    }

    pub(super) fn of_installed(installed: &Installed) -> Self {
        Self {
            sha256: installed.sha256.clone(),
            common_name: installed.common_name.clone(),
            issuer: installed.issuer.clone(),
            serial_hex: installed.serial_hex.clone(),
            self_signed: installed.self_signed,
            not_after: installed.not_after,
            names: installed.names.clone(),
        }
    }
}

/// A CSR in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsrBrief {
    /// Common name; empty: the node's own choice.
    pub common_name: String,
    /// DNS names and addresses; empty: the node's own choice.
    pub names: Vec<String>,
    /// `RSA` or `EC`.
    pub key_type: String,
    /// Bits.
    pub key_bits: u32,
    /// Hash of its signature.
    pub hash: String,
    /// It is for all nodes of the cluster, whose names the node adds by itself.
    #[serde(default)]
    pub multi_server: bool,
}

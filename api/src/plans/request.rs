//! What a plan is asked for.

use crate::error::Problem;
use crate::installations::ActionName;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certyard_domain::plans;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Asks what an action would do. The targets are named by one of `installations`, `nodes`, `filter`, `csr_id` and `quarantine`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreatePlan {
    /// The action.
    pub action: ActionName,
    /// Targets by installation.
    #[serde(default)]
    pub installations: Vec<Uuid>,
    /// Targets by node; actions on identity certificates need `purpose`, those on trust certificates `certificate_ids`.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub nodes: Vec<Uuid>,
    /// Targets by what they match at this moment.
    #[serde(default)]
    pub filter: Option<PlanFilter>,
    /// For `restore`: what is put back, by the ids of `GET /api/v1/quarantine`.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub quarantine: Vec<Uuid>,
    /// What the certificate is for, with `nodes`.
    #[serde(default)]
    #[schema(example = json!(null))]
    pub purpose: Option<String>,
    /// How the job proceeds.
    #[serde(default)]
    pub order: Option<PlanOrder>,
    /// For `generate_csr`: what to ask for; what is left out is taken from the installed certificate.
    #[serde(default)]
    pub csr: Option<CsrWish>,
    /// For `upload_certificate` and `delete_csr`: the CSR that is meant; left out: the open one of the target.
    #[serde(default)]
    pub csr_id: Option<Uuid>,
    /// For `distribute`: the trust stores. For `delete` and `replace` with `nodes` or `filter`: only these; empty: whichever hold it.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub stores: Vec<String>,
    /// For `distribute`: certificates that are known already. For `delete` and `replace` with `nodes` or `filter`: what is taken away.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub certificate_ids: Vec<Uuid>,
    /// For `restart`: services by the names that nodes give them; empty: those that take up the certificate of a purpose.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub services: Vec<String>,
    /// For `upload_certificate`, `renew` and `reuse_tomcat`: restart what takes the certificate up only then, in the same task.
    #[serde(default)]
    #[schema(example = false)]
    pub restart: bool,
    /// Why what should not be done in one go is done all the same: changes of CallManager with TVS or ITLRecovery.
    #[serde(default)]
    #[schema(example = "")]
    pub override_reason: String,
    /// For `upload_certificate`: the certificate and its chain; for `distribute`: one or more certificates; for `replace`: the one that
    /// takes the place. PEM text or base64 of a DER or PKCS#7 file.
    #[serde(default)]
    #[schema(example = "-----BEGIN CERTIFICATE-----…")]
    pub certificate: Option<String>,
}

/// All nodes, or all identity certificates, that match; what is left out or empty does not matter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanFilter {
    /// Clusters.
    #[serde(default)]
    pub cluster_ids: Vec<Uuid>,
    /// Groups of clusters.
    #[serde(default)]
    pub group_ids: Vec<Uuid>,
    /// Product of the cluster.
    #[serde(default)]
    #[schema(example = "cucm")]
    pub product: Option<String>,
    /// Identity certificates for this purpose.
    #[serde(default)]
    #[schema(example = "tomcat")]
    pub purpose: Option<String>,
    /// Certificates that end before this time: identity certificates, or those of trust stores for `delete` and `replace`.
    #[serde(default)]
    pub not_after_before: Option<DateTime<Utc>>,
}

/// How a job proceeds; what is left out or 0 is no limit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanOrder {
    /// So many targets go first, alone.
    #[serde(default)]
    #[schema(example = 1)]
    pub canary: u32,
    /// At most so many tasks at a time.
    #[serde(default)]
    #[schema(example = 50)]
    pub max_parallel: u32,
    /// The rest is cancelled once so many tasks have failed.
    #[serde(default)]
    #[schema(example = 1)]
    pub stop_at_failures: u32,
    /// Not before this time.
    #[serde(default)]
    pub not_before: Option<DateTime<Utc>>,
    /// Seconds within which each task has to begin.
    #[serde(default)]
    #[schema(example = 86400)]
    pub deadline_seconds: Option<i64>,
}

/// What a CSR is to ask for.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CsrWish {
    /// Common name.
    #[serde(default)]
    #[schema(example = "cucm-n-1.example.org")]
    pub common_name: Option<String>,
    /// DNS names and IP addresses.
    #[serde(default)]
    #[schema(example = json!(["cucm-n-1.example.org"]))]
    pub names: Option<Vec<String>>,
    /// `RSA` or `EC`.
    #[serde(default)]
    #[schema(example = "RSA")]
    pub key_type: Option<String>,
    /// Bits of the modulus or the curve.
    #[serde(default)]
    #[schema(example = 3072)]
    pub key_bits: Option<u32>,
    /// `SHA256`, `SHA384` or `SHA512`.
    #[serde(default)]
    #[schema(example = "SHA256")]
    pub hash: Option<String>,
    /// Further subject fields by short name, in order: `O`, `OU`, `L`, `ST`, `C`.
    #[serde(default)]
    #[schema(example = json!([["O", "Example"]]))]
    pub subject: Vec<(String, String)>,
    /// One CSR for all nodes of the cluster: one node makes it and the product spreads it; left out: as the profile wants it, else
    /// one for each node.
    #[serde(default)]
    #[schema(example = json!(null))]
    pub multi_server: Option<bool>,
}

impl CreatePlan {
    pub(super) fn request(self) -> Result<plans::Request, Problem> {
        let csr = self.csr.unwrap_or_default();
        let action = match self.action {
            ActionName::Refresh => plans::Action::Refresh,
            ActionName::GenerateCsr => plans::Action::GenerateCsr(plans::CsrOptions {
                purpose: self.purpose.clone(),
                common_name: csr.common_name,
                names: csr.names.unwrap_or_default(),
                key_type: csr.key_type,
                key_bits: csr.key_bits,
                hash: csr.hash,
                subject: csr.subject,
                multi_server: csr.multi_server,
            }),
            ActionName::UploadCertificate => plans::Action::UploadCertificate(plans::UploadOptions {
                purpose: self.purpose.clone(),
                files: self.certificate.map(file).into_iter().collect(),
                certificates_pem: Vec::new(),
                restart: self.restart,
            }),
            ActionName::Distribute => plans::Action::Distribute(plans::DistributeOptions {
                stores: self.stores,
                certificate_ids: self.certificate_ids,
                files: self.certificate.map(file).into_iter().collect(),
                certificates_pem: Vec::new(),
            }),
            ActionName::Renew => plans::Action::Renew(plans::RenewOptions {
                purpose: self.purpose.clone(),
                restart: self.restart,
            }),
            ActionName::ReuseTomcat => plans::Action::ReuseTomcat(plans::RenewOptions {
                purpose: self.purpose.clone(),
                restart: self.restart,
            }),
            ActionName::DeleteCsr => plans::Action::DeleteCsr(plans::DeleteCsrOptions {
                purpose: self.purpose.clone(),
            }),
            ActionName::Delete => plans::Action::Delete(plans::DeleteOptions {
                stores: self.stores,
                certificate_ids: self.certificate_ids,
            }),
            ActionName::Replace => plans::Action::Replace(plans::ReplaceOptions {
                replaced: plans::DeleteOptions {
                    stores: self.stores,
                    certificate_ids: self.certificate_ids,
                },
                files: self.certificate.map(file).into_iter().collect(),
                certificates_pem: Vec::new(),
            }),
            ActionName::Restore => plans::Action::Restore,
            ActionName::Restart => plans::Action::Restart(plans::RestartOptions {
                services: self.services,
                purpose: self.purpose.clone(),
                ..plans::RestartOptions::default()
            }),
        };
        let named = [
            !self.installations.is_empty(),
            !self.nodes.is_empty(),
            self.filter.is_some(),
            self.csr_id.is_some(),
            !self.quarantine.is_empty(),
        ];
        if named.into_iter().filter(|named| *named).count() > 1 {
            return Err(Problem::field(
                "installations",
                "ambiguous",
                "name the targets by one of `installations`, `nodes`, `filter`, `csr_id` and `quarantine`",
            ));
        }
        let targets = if !self.installations.is_empty() {
            plans::Targets::Installations(self.installations)
        } else if !self.nodes.is_empty() {
            plans::Targets::Nodes(self.nodes)
        } else if let Some(filter) = self.filter {
            plans::Targets::Filter(plans::TargetFilter {
                cluster_ids: filter.cluster_ids,
                group_ids: filter.group_ids,
                product: filter.product,
                purpose: filter.purpose,
                not_after_before: filter.not_after_before,
            })
        } else if let Some(csr) = self.csr_id {
            plans::Targets::Csrs(vec![csr])
        } else if !self.quarantine.is_empty() {
            plans::Targets::Kept(self.quarantine)
        } else {
            return Err(Problem::field(
                "installations",
                "required",
                "name the targets by `installations`, `nodes`, `filter`, `csr_id` or `quarantine`",
            ));
        };
        let order = self.order.map(Into::into).unwrap_or_default();
        Ok(plans::Request {
            action,
            targets,
            order,
            override_reason: self.override_reason,
            aftercare_of: None,
            root_change: None,
        })
    }
}

impl From<PlanOrder> for plans::Order {
    fn from(order: PlanOrder) -> Self {
        Self {
            canary: order.canary,
            max_parallel: order.max_parallel,
            stop_at_failures: order.stop_at_failures,
            not_before: order.not_before,
            deadline_seconds: order.deadline_seconds,
        }
    }
}

/// The bytes of a file: PEM is text, anything else comes in base64.
pub(crate) fn file(text: String) -> Vec<u8> {
    if text.contains("-----BEGIN") {
        return text.into_bytes();
    }
    let packed: String = text.split_ascii_whitespace().collect();
    // What is neither is refused as what it is, by whoever reads files.
    STANDARD.decode(packed).unwrap_or_else(|_| text.into_bytes())
}

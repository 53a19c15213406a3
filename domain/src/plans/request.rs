//! What a user asks for.

use crate::Timestamp;
use crate::error::{Error, FieldError, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Targets of one plan at most: what is planned, stored and shown in one go.
pub const MAX_TARGETS: usize = 20_000;
/// Certificates of one plan that distributes at most: each is part of every task's signed payload.
pub(super) const MAX_DISTRIBUTED: usize = 50;
/// Trust stores of one plan at most: no product has as many.
const MAX_STORES: usize = 20;
/// Names of one CSR at most, as public CAs take them.
const MAX_NAMES: usize = 100;
/// A task may be claimed for so long unless the request says otherwise.
pub const DEFAULT_DEADLINE_SECONDS: i64 = 24 * 3600;
/// A job that has not begun after so long is no longer what its user had in mind.
const MAX_DEADLINE_SECONDS: i64 = 30 * 24 * 3600;

/// An action, what to do it on, and in which order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What to do.
    pub action: Action,
    /// On what.
    pub targets: Targets,
    /// How the job proceeds.
    #[serde(default)]
    pub order: Order,
}

/// The closed list of actions, with their parameters. What an action does is behind one `match` in
/// `plans::actions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Read the stores of the nodes.
    Refresh,
    /// Make a key and a CSR on each node (R13).
    GenerateCsr(CsrOptions),
    /// Install the answer of a CA beside the key that waits on the node (R14).
    UploadCertificate(UploadOptions),
    /// Put certificates into trust stores of many nodes (R16, R21).
    Distribute(DistributeOptions),
}

impl Action {
    /// Names of all actions.
    pub const NAMES: [&'static str; 4] = ["refresh", "generate_csr", "upload_certificate", "distribute"];

    /// Its name in the API and the database.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Refresh => Self::NAMES[0],
            Self::GenerateCsr(_) => Self::NAMES[1],
            Self::UploadCertificate(_) => Self::NAMES[2],
            Self::Distribute(_) => Self::NAMES[3],
        }
    }

    /// The purpose that the request itself names, for targets that do not say it.
    pub(crate) fn purpose(&self) -> Option<&str> {
        match self {
            Self::Refresh | Self::Distribute(_) => None,
            Self::GenerateCsr(options) => options.purpose.as_deref(),
            Self::UploadCertificate(options) => options.purpose.as_deref(),
        }
    }

    /// Whether the targets are purposes of nodes rather than nodes.
    pub(crate) fn needs_purpose(&self) -> bool {
        match self {
            Self::Refresh | Self::Distribute(_) => false,
            Self::GenerateCsr(_) | Self::UploadCertificate(_) => true,
        }
    }

    /// The trust stores that the request itself names: each is a target of its own on each node.
    pub(crate) fn stores(&self) -> &[String] {
        match self {
            Self::Refresh | Self::GenerateCsr(_) | Self::UploadCertificate(_) => &[],
            Self::Distribute(options) => &options.stores,
        }
    }

    /// Whether it takes the place of an earlier change of the same purpose that has not begun: only the newest wish for
    /// an identity counts, while a trust store takes what each job brings.
    pub(crate) fn supersedes(&self) -> bool {
        match self {
            Self::Refresh | Self::Distribute(_) => false,
            Self::GenerateCsr(_) | Self::UploadCertificate(_) => true,
        }
    }
}

/// What the CSRs are to ask for. What is left out follows from the purpose and from what is installed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CsrOptions {
    /// Purpose, for targets that are nodes: `tomcat`, `nginx:www.example.org`.
    pub purpose: Option<String>,
    /// Common name; left out: the first name, else the node's own choice.
    pub common_name: Option<String>,
    /// DNS names and IP addresses; left out: those of the installed certificate, else the node's own choice.
    pub names: Vec<String>,
    /// `RSA` or `EC`; left out: as the purpose wants it.
    pub key_type: Option<String>,
    /// Bits of the modulus (2048, 3072, 4096) or of the curve (256, 384, 521); left out: the first that the purpose takes.
    pub key_bits: Option<u32>,
    /// `SHA256`, `SHA384` or `SHA512`; left out: as strong as the key.
    pub hash: Option<String>,
    /// Further subject fields by short name, in order: `O`, `OU`, `L`, `ST`, `C`.
    pub subject: Vec<(String, String)>,
}

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
}

impl std::fmt::Debug for UploadOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UploadOptions")
            .field("purpose", &self.purpose)
            .field("files", &self.files.len())
            .field("certificates", &self.certificates_pem.len())
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

/// What an action is done on. Ids that are unknown, foreign or out of scope are answered as one thing: there is no such.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", content = "of", rename_all = "snake_case")]
pub enum Targets {
    /// The purposes, or nodes, of these installations.
    Installations(Vec<Uuid>),
    /// These nodes, with the purpose that the action names where it needs one.
    Nodes(Vec<Uuid>),
    /// The nodes and purposes of these open CSRs.
    Csrs(Vec<Uuid>),
    /// Whatever matches at this moment.
    Filter(TargetFilter),
    /// These purposes of these nodes, as a retry names them.
    Purposes(Vec<(Uuid, String)>),
}

/// All nodes, or all identity certificates, that match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetFilter {
    /// Only in these clusters; empty: in all.
    pub cluster_ids: Vec<Uuid>,
    /// Only in these groups; empty: in all.
    pub group_ids: Vec<Uuid>,
    /// Only of this product.
    pub product: Option<String>,
    /// Only identity certificates of this purpose.
    pub purpose: Option<String>,
    /// Only identity certificates that end before.
    pub not_after_before: Option<Timestamp>,
}

/// How a job proceeds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Order {
    /// So many targets go first, alone; 0: all at once.
    pub canary: u32,
    /// At most so many tasks are open to agents at a time; 0: no limit.
    pub max_parallel: u32,
    /// The rest is cancelled once so many tasks have failed; 0: never, or at the first failure where there are canaries.
    pub stop_at_failures: u32,
    /// Not before this time.
    pub not_before: Option<Timestamp>,
    /// Seconds from `not_before`, or from the start of the job, within which each task has to begin.
    pub deadline_seconds: Option<i64>,
}

impl Order {
    /// The number of failures at which the job stops; 0: it never does.
    pub(crate) fn stop_at(&self) -> u32 {
        if self.canary > 0 {
            self.stop_at_failures.max(1)
        } else {
            self.stop_at_failures
        }
    }
}

impl Request {
    /// Checks what can be checked without looking at the fleet.
    pub(super) fn validate(&self, now: Timestamp) -> Result<()> {
        let mut wrong = Vec::new();
        match &self.action {
            Action::Refresh => {}
            Action::GenerateCsr(options) => options.validate(&mut wrong),
            Action::UploadCertificate(_) => {}
            Action::Distribute(options) => options.validate(&mut wrong),
        }
        self.validate_targets(&mut wrong);
        self.order.validate(now, &mut wrong);
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(wrong))
        }
    }

    fn validate_targets(&self, wrong: &mut Vec<FieldError>) {
        let (field, count) = match &self.targets {
            Targets::Installations(ids) => ("installations", ids.len()),
            Targets::Nodes(ids) => ("nodes", ids.len()),
            Targets::Csrs(ids) => ("csrs", ids.len()),
            Targets::Purposes(pairs) => ("purposes", pairs.len()),
            Targets::Filter(_) => ("filter", 1),
        };
        if count == 0 {
            push(wrong, field, "required", "name at least one target".into());
        }
        let places = match &self.targets {
            // These name the store already.
            Targets::Purposes(_) => 1,
            Targets::Installations(_) | Targets::Nodes(_) | Targets::Csrs(_) | Targets::Filter(_) => {
                self.action.stores().len().max(1)
            }
        };
        if count.saturating_mul(places) > MAX_TARGETS {
            push(
                wrong,
                field,
                "too_many",
                format!("at most {MAX_TARGETS} targets in one plan: split it"),
            );
        }
        let named = matches!(self.targets, Targets::Nodes(_));
        if named && self.action.needs_purpose() && self.action.purpose().is_none_or(str::is_empty) {
            push(
                wrong,
                "purpose",
                "required",
                "say for which purpose, for instance tomcat".into(),
            );
        }
        if matches!(self.targets, Targets::Installations(_)) && matches!(self.action, Action::Distribute(_)) {
            push(
                wrong,
                "installations",
                "not_allowed",
                "certificates are distributed to nodes or clusters: name those, and the certificate by `certificate_ids`".into(),
            );
        }
        if matches!(self.targets, Targets::Csrs(_)) && !matches!(self.action, Action::UploadCertificate(_)) {
            push(
                wrong,
                "csrs",
                "not_allowed",
                "CSRs are targets of an upload only".into(),
            );
        }
    }
}

impl Order {
    fn validate(&self, now: Timestamp, wrong: &mut Vec<FieldError>) {
        let seconds = self.deadline_seconds.unwrap_or(DEFAULT_DEADLINE_SECONDS);
        if !(60..=MAX_DEADLINE_SECONDS).contains(&seconds) {
            let text = format!("between 60 and {MAX_DEADLINE_SECONDS} seconds");
            push(wrong, "order.deadline_seconds", "out_of_range", text);
        }
        if let Some(not_before) = self.not_before
            && not_before > now + chrono::Duration::seconds(MAX_DEADLINE_SECONDS)
        {
            push(
                wrong,
                "order.not_before",
                "out_of_range",
                "at most 30 days ahead".into(),
            );
        }
        for (field, value) in [
            ("order.canary", self.canary),
            ("order.max_parallel", self.max_parallel),
            ("order.stop_at_failures", self.stop_at_failures),
        ] {
            if value as usize > MAX_TARGETS {
                push(wrong, field, "out_of_range", format!("at most {MAX_TARGETS}"));
            }
        }
    }
}

impl CsrOptions {
    fn validate(&self, wrong: &mut Vec<FieldError>) {
        if self.names.len() > MAX_NAMES {
            push(wrong, "csr.names", "too_many", format!("at most {MAX_NAMES} names"));
        }
        for (index, name) in self.names.iter().enumerate() {
            if !is_host_name(name) && name.parse::<std::net::IpAddr>().is_err() {
                let text = format!("`{}` is neither a DNS name nor an IP address", printable(name));
                push(wrong, format!("csr.names[{index}]"), "invalid_name", text);
            }
        }
        if let Some(name) = &self.common_name
            && (name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control))
        {
            let text = "1 to 64 characters without control characters; leave it out for the node's own choice";
            push(wrong, "csr.common_name", "invalid_name", text.into());
        }
        let key_type = self.key_type.as_deref();
        if key_type.is_some_and(|text| !["RSA", "EC"].contains(&text)) {
            push(wrong, "csr.key_type", "unsupported", "RSA or EC".into());
        }
        if let Some(bits) = self.key_bits {
            let known: &[u32] = match key_type {
                Some("RSA") => &[2048, 3072, 4096],
                Some("EC") => &[256, 384, 521],
                _ => &[2048, 3072, 4096, 256, 384, 521],
            };
            if !known.contains(&bits) {
                let list: Vec<String> = known.iter().map(u32::to_string).collect();
                push(
                    wrong,
                    "csr.key_bits",
                    "unsupported",
                    format!("one of {}", list.join(", ")),
                );
            }
        }
        if let Some(hash) = self.hash.as_deref() {
            if hash_bits(hash).is_none() {
                push(wrong, "csr.hash", "unsupported", "SHA256, SHA384 or SHA512".into());
            } else if let Some(least) = self.key_bits.and_then(least_hash)
                && hash_bits(hash) < hash_bits(least)
            {
                let text = format!("a key of {} bits needs {least} or stronger", self.key_bits.unwrap_or(0));
                push(wrong, "csr.hash", "too_weak", text);
            }
        }
        for (index, (field, value)) in self.subject.iter().enumerate() {
            if let Some((code, text)) = crate::catalogue::subject_fault(field, value) {
                push(wrong, format!("csr.subject[{index}]"), code, text.into());
            }
        }
    }
}

impl DistributeOptions {
    fn validate(&self, wrong: &mut Vec<FieldError>) {
        if self.stores.is_empty() {
            push(
                wrong,
                "stores",
                "required",
                "name at least one trust store, for instance tomcat-trust".into(),
            );
        }
        if self.stores.len() > MAX_STORES {
            push(wrong, "stores", "too_many", format!("at most {MAX_STORES} stores"));
        }
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

fn push(wrong: &mut Vec<FieldError>, field: impl Into<String>, code: &'static str, message: String) {
    wrong.push(FieldError {
        field: field.into(),
        code,
        message,
    });
}

/// The weakest hash that a curve is signed with: as strong as the key (cisco.md 2.3).
pub(super) fn least_hash(key_bits: u32) -> Option<&'static str> {
    match key_bits {
        256 | 2048 | 3072 | 4096 => Some("SHA256"),
        384 => Some("SHA384"),
        521 => Some("SHA512"),
        _ => None,
    }
}

/// How strong a hash is.
pub(super) fn hash_bits(hash: &str) -> Option<u32> {
    match hash {
        "SHA256" => Some(256),
        "SHA384" => Some(384),
        "SHA512" => Some(512),
        _ => None,
    }
}

/// A DNS name of RFC 1123 labels in its ASCII form, possibly with a leading `*.`.
pub(super) fn is_host_name(name: &str) -> bool {
    let labels = name.strip_prefix("*.").unwrap_or(name);
    name.len() <= 253
        && !labels.is_empty()
        && labels.parse::<std::net::IpAddr>().is_err()
        && labels.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        })
}

/// Text of a user that goes back into a message: short, without control characters.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

//! What a user asks for.

use super::options::{
    DeleteCsrOptions, DeleteOptions, DistributeOptions, RenewOptions, ReplaceOptions, RestartOptions, UploadOptions,
};
use super::targets::{MAX_TARGETS, Order, Targets};
use crate::Timestamp;
use crate::catalogue::{KEY_CHOICES, KeyChoice};
use crate::error::{Error, FieldError, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Names of one CSR at most, as public CAs take them.
const MAX_NAMES: usize = 100;
/// Characters of the reason for what should not be done in one go.
const MAX_REASON: usize = 500;

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
    /// Why what should not be done in one go is done all the same; empty: it is not.
    #[serde(default)]
    pub override_reason: String,
    /// The job whose after-care it carries out.
    #[serde(default)]
    pub aftercare_of: Option<Uuid>,
    /// What of a root change it carries out.
    #[serde(default)]
    pub root_change: Option<RootChangePart>,
}

/// A phase of a root change that a plan carries out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootChangePart {
    /// The root change.
    pub id: Uuid,
    /// The phase.
    pub phase: crate::root_changes::Phase,
    /// Codes of what kept the phase from beginning when it was planned, which the reason overrides; nothing else is overridden.
    #[serde(default)]
    pub overridden: Vec<String>,
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
    /// Have the nodes make new self-signed certificates (R11).
    Renew(RenewOptions),
    /// Have a purpose take the certificate of tomcat (R12).
    ReuseTomcat(RenewOptions),
    /// Delete open CSRs and their keys (R15).
    DeleteCsr(DeleteCsrOptions),
    /// Delete certificates from trust stores (R20).
    Delete(DeleteOptions),
    /// Put a certificate into trust stores in the place of another (R19).
    Replace(ReplaceOptions),
    /// Put certificates back that were deleted from trust stores.
    Restore,
    /// Restart services.
    Restart(RestartOptions),
}

/// What a target of an action is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A node as a whole.
    Node,
    /// A purpose of a node.
    Purpose,
    /// A trust store of a node, which the request names.
    Store,
    /// A certificate in a trust store of a node.
    Entry,
}

impl Action {
    /// Names of all actions.
    pub const NAMES: [&'static str; 11] = [
        "refresh",
        "generate_csr",
        "upload_certificate",
        "distribute",
        "renew",
        "reuse_tomcat",
        "delete_csr",
        "delete",
        "replace",
        "restore",
        "restart",
    ];

    /// Its name in the API and the database.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Refresh => Self::NAMES[0],
            Self::GenerateCsr(_) => Self::NAMES[1],
            Self::UploadCertificate(_) => Self::NAMES[2],
            Self::Distribute(_) => Self::NAMES[3],
            Self::Renew(_) => Self::NAMES[4],
            Self::ReuseTomcat(_) => Self::NAMES[5],
            Self::DeleteCsr(_) => Self::NAMES[6],
            Self::Delete(_) => Self::NAMES[7],
            Self::Replace(_) => Self::NAMES[8],
            Self::Restore => Self::NAMES[9],
            Self::Restart(_) => Self::NAMES[10],
        }
    }

    /// What its targets are.
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Refresh => Place::Node,
            Self::GenerateCsr(_)
            | Self::UploadCertificate(_)
            | Self::Renew(_)
            | Self::ReuseTomcat(_)
            | Self::DeleteCsr(_) => Place::Purpose,
            Self::Distribute(_) => Place::Store,
            Self::Delete(_) | Self::Replace(_) | Self::Restore => Place::Entry,
            Self::Restart(options) if !options.names_services() => Place::Purpose,
            Self::Restart(_) => Place::Node,
        }
    }

    /// Whether it may reach other nodes of a cluster than its targets: by certificates that cover several, or by trust stores that the
    /// product keeps alike.
    pub(super) fn may_spread(&self) -> bool {
        match self {
            Self::GenerateCsr(_)
            | Self::UploadCertificate(_)
            | Self::DeleteCsr(_)
            | Self::ReuseTomcat(_)
            | Self::Distribute(_)
            | Self::Delete(_)
            | Self::Replace(_)
            | Self::Restore => true,
            Self::Refresh | Self::Renew(_) | Self::Restart(_) => false,
        }
    }

    /// The purpose that the request itself names, for targets that do not say it.
    pub(crate) fn purpose(&self) -> Option<&str> {
        match self {
            Self::Refresh | Self::Distribute(_) | Self::Delete(_) | Self::Replace(_) | Self::Restore => None,
            Self::GenerateCsr(options) => options.purpose.as_deref(),
            Self::UploadCertificate(options) => options.purpose.as_deref(),
            Self::Renew(options) | Self::ReuseTomcat(options) => options.purpose.as_deref(),
            Self::DeleteCsr(options) => options.purpose.as_deref(),
            Self::Restart(options) => options.purpose.as_deref(),
        }
    }

    /// The trust stores that the request itself names: each is a target of its own on each node.
    pub(crate) fn stores(&self) -> &[String] {
        match self {
            Self::Distribute(options) => &options.stores,
            Self::Refresh
            | Self::GenerateCsr(_)
            | Self::UploadCertificate(_)
            | Self::Renew(_)
            | Self::ReuseTomcat(_)
            | Self::DeleteCsr(_)
            | Self::Delete(_)
            | Self::Replace(_)
            | Self::Restore
            | Self::Restart(_) => &[],
        }
    }

    /// Which certificates of trust stores are meant, where the targets are nodes or a filter.
    pub(super) fn entries(&self) -> Option<&DeleteOptions> {
        match self {
            Self::Delete(options) => Some(options),
            Self::Replace(options) => Some(&options.replaced),
            Self::Refresh
            | Self::GenerateCsr(_)
            | Self::UploadCertificate(_)
            | Self::Distribute(_)
            | Self::Renew(_)
            | Self::ReuseTomcat(_)
            | Self::DeleteCsr(_)
            | Self::Restore
            | Self::Restart(_) => None,
        }
    }

    /// Whether it takes the place of an earlier change of the same purpose that has not begun: only the newest wish for
    /// an identity counts, while a trust store takes what each job brings.
    pub(crate) fn supersedes(&self) -> bool {
        match self {
            Self::GenerateCsr(_)
            | Self::UploadCertificate(_)
            | Self::Renew(_)
            | Self::ReuseTomcat(_)
            | Self::DeleteCsr(_) => true,
            Self::Refresh
            | Self::Distribute(_)
            | Self::Delete(_)
            | Self::Replace(_)
            | Self::Restore
            | Self::Restart(_) => false,
        }
    }

    /// Whether it gives a purpose another certificate.
    pub(super) fn changes_identity(&self) -> bool {
        match self {
            Self::UploadCertificate(_) | Self::Renew(_) | Self::ReuseTomcat(_) => true,
            Self::Refresh
            | Self::GenerateCsr(_)
            | Self::Distribute(_)
            | Self::DeleteCsr(_)
            | Self::Delete(_)
            | Self::Replace(_)
            | Self::Restore
            | Self::Restart(_) => false,
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
    /// One CSR for all nodes of the cluster; left out: as the profile wants it, else one for each node.
    pub multi_server: Option<bool>,
}

impl Request {
    /// Checks what can be checked without looking at the fleet.
    pub(super) fn validate(&self, now: Timestamp) -> Result<()> {
        let mut wrong = Vec::new();
        match &self.action {
            Action::Refresh
            | Action::UploadCertificate(_)
            | Action::Renew(_)
            | Action::ReuseTomcat(_)
            | Action::DeleteCsr(_)
            | Action::Restore => {}
            Action::GenerateCsr(options) => options.validate(&mut wrong),
            Action::Distribute(options) => options.validate(&mut wrong),
            Action::Delete(options) => options.validate(&mut wrong),
            Action::Replace(options) => options.replaced.validate(&mut wrong),
            Action::Restart(options) => options.validate(&mut wrong),
        }
        if self.override_reason.chars().count() > MAX_REASON || self.override_reason.chars().any(char::is_control) {
            push(
                &mut wrong,
                "override_reason",
                "invalid_value",
                format!("at most {MAX_REASON} characters without control characters"),
            );
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
            Targets::Kept(ids) => ("quarantine", ids.len()),
            Targets::Places(places) => ("places", places.len()),
            Targets::Filter(_) => ("filter", 1),
        };
        if count == 0 {
            push(wrong, field, "required", "name at least one target".into());
        }
        let places = match &self.targets {
            // These name the store already.
            Targets::Places(_) => 1,
            Targets::Installations(_)
            | Targets::Nodes(_)
            | Targets::Csrs(_)
            | Targets::Kept(_)
            | Targets::Filter(_) => self.action.stores().len().max(1),
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
        let by_purpose = self.action.place() == Place::Purpose;
        if named && by_purpose && self.action.purpose().is_none_or(str::is_empty) {
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
        if matches!(self.targets, Targets::Csrs(_))
            && !matches!(self.action, Action::UploadCertificate(_) | Action::DeleteCsr(_))
        {
            push(
                wrong,
                "csrs",
                "not_allowed",
                "CSRs are targets of an upload or of their deletion only".into(),
            );
        }
        if matches!(self.targets, Targets::Kept(_)) && !matches!(self.action, Action::Restore) {
            push(
                wrong,
                "quarantine",
                "not_allowed",
                "what is kept can be restored only".into(),
            );
        }
        self.validate_entries(wrong);
    }

    /// What is deleted has to be named: nothing is meant by leaving everything out.
    fn validate_entries(&self, wrong: &mut Vec<FieldError>) {
        if self.action.place() != Place::Entry {
            return;
        }
        let by_ids = self
            .action
            .entries()
            .is_some_and(|which| !which.certificate_ids.is_empty());
        match &self.targets {
            Targets::Nodes(_) | Targets::Filter(_) if self.action.entries().is_none() => push(
                wrong,
                "installations",
                "required",
                "name what is put back by `quarantine`, or by the `installations` that are gone".into(),
            ),
            Targets::Nodes(_) if !by_ids => push(
                wrong,
                "certificate_ids",
                "required",
                "name the trust certificates that are meant".into(),
            ),
            Targets::Filter(filter) if !by_ids && filter.not_after_before.is_none() => push(
                wrong,
                "certificate_ids",
                "required",
                "name the trust certificates that are meant, or a `not_after_before` in the filter".into(),
            ),
            Targets::Filter(filter) if filter.purpose.is_some() => push(
                wrong,
                "filter.purpose",
                "not_allowed",
                "trust certificates have no purpose: name `stores`".into(),
            ),
            Targets::Installations(_)
            | Targets::Nodes(_)
            | Targets::Csrs(_)
            | Targets::Kept(_)
            | Targets::Filter(_)
            | Targets::Places(_) => {}
        }
    }
}

impl CsrOptions {
    /// Refuses what no product makes; what the purpose takes is seen with the node.
    fn validate_key(&self, wrong: &mut Vec<FieldError>) {
        let is = |asked: &&str| KEY_CHOICES.iter().any(|row| row.key_type == *asked);
        if self.key_type.as_deref().is_some_and(|asked| !is(&asked)) {
            push(wrong, "csr.key_type", "unsupported", "RSA or EC".into());
        }
        let key_type = self.key_type.as_deref().filter(is);
        let of_type = || {
            let all = KEY_CHOICES.iter();
            all.filter(move |row| key_type.is_none_or(|asked| row.key_type == asked))
        };
        if let Some(bits) = self.key_bits
            && !of_type().any(|row| row.bits == bits)
        {
            let known: BTreeSet<u32> = of_type().map(|row| row.bits).collect();
            let list: Vec<String> = known.iter().map(u32::to_string).collect();
            let text = format!("one of {}", list.join(", "));
            push(wrong, "csr.key_bits", "unsupported", text);
        }
        let Some(hash) = self.hash.as_deref() else {
            return;
        };
        if !KEY_CHOICES.iter().any(|row| row.hashes.contains(&hash)) {
            push(wrong, "csr.hash", "unsupported", "SHA256, SHA384 or SHA512".into());
            return;
        }
        let of_bits: Vec<&KeyChoice> = of_type().filter(|row| Some(row.bits) == self.key_bits).collect();
        if let Some(first) = of_bits.first().and_then(|row| row.hashes.first())
            && !of_bits.iter().any(|row| row.hashes.contains(&hash))
        {
            let bits = self.key_bits.unwrap_or_default();
            let text = format!("a key of {bits} bits needs {first} or stronger");
            push(wrong, "csr.hash", "too_weak", text);
        }
    }

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
        self.validate_key(wrong);
        for (index, (field, value)) in self.subject.iter().enumerate() {
            if let Some((code, text)) = crate::catalogue::subject_fault(field, value) {
                push(wrong, format!("csr.subject[{index}]"), code, text.into());
            }
        }
    }
}

pub(super) fn push(wrong: &mut Vec<FieldError>, field: impl Into<String>, code: &'static str, message: String) {
    wrong.push(FieldError {
        field: field.into(),
        code,
        message,
    });
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

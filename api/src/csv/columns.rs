//! The columns of each list. They are part of the API: one is added at the end, none is taken away or renamed.

use super::{Column, Columns, header, maybe, several, time, word};
use crate::agents::Agent;
use crate::audit::AuditEntry;
use crate::certificates::{CertificateCluster, CertificateRow};
use crate::clusters::{Cluster, TrustCertificate};
use crate::compliance::ClusterCompliance;
use crate::hygiene::ClutterRow;
use crate::installations::Installation;
use crate::jobs::Job;
use crate::messages::Message;
use crate::nodes::Node;
use crate::profiles::Profile;
use crate::quarantine::KeptCertificate;
use crate::root_changes::{CoverageRow, IdentityRow, RootChange};
use crate::usages::ServerOnly;

/// The line of names that an operation begins with, for its example.
pub(crate) fn header_of(operation_id: &str) -> Option<String> {
    Some(match operation_id {
        "export_alerts" | "export_installations" | "export_cluster_identity_certificates" => header::<Installation>(),
        "export_cluster_trust_certificates" => header::<TrustCertificate>(),
        "export_clusters" => header::<Cluster>(),
        "export_jobs" | "export_cluster_jobs" => header::<Job>(),
        "export_certificates" => header::<CertificateRow>(),
        "export_certificate_clusters" => header::<CertificateCluster>(),
        "export_nodes" => header::<Node>(),
        "export_agents" => header::<Agent>(),
        "export_compliance" => header::<ClusterCompliance>(),
        "export_audit" => header::<AuditEntry>(),
        "export_messages" => header::<Message>(),
        "export_profiles" => header::<Profile>(),
        "export_trust_hygiene" => header::<ClutterRow>(),
        "export_quarantine" => header::<KeptCertificate>(),
        "export_server_only_certificates" => header::<ServerOnly>(),
        "export_root_changes" => header::<RootChange>(),
        "export_root_change_coverage" => header::<CoverageRow>(),
        "export_root_change_identities" => header::<IdentityRow>(),
        _ => return None,
    })
}

impl Columns for Installation {
    const COLUMNS: &'static [Column<Self>] = &[
        ("cluster", |row| row.cluster.name.clone()),
        ("certificate", |row| row.store.clone()),
        ("common_name", |row| row.common_name.clone()),
        ("product", |row| row.product.clone()),
        ("type", |row| word(&row.kind)),
        ("status", |row| word(&row.status)),
        ("server_name", |row| row.node.name.clone()),
        ("not_after", |row| time(row.not_after)),
        ("not_before", |row| time(row.not_before)),
        ("entry", |row| row.entry.clone()),
        ("subject", |row| row.subject.clone()),
        ("issuer", |row| row.issuer.clone()),
        ("serial_hex", |row| row.serial_hex.clone()),
        ("sha256", |row| row.sha256.clone()),
        ("self_signed", |row| row.self_signed.to_string()),
        ("key_type", |row| row.key.key_type.clone()),
        ("key_bits", |row| maybe(&row.key.bits)),
        ("served", |row| word(&row.served.state)),
        ("compliant", |row| {
            maybe(&row.compliance.as_ref().map(|stands| stands.compliant))
        }),
        ("differences", |row| {
            let differences = row.compliance.iter().flat_map(|stands| &stands.differences);
            several(differences.map(|one| format!("{}: wanted {}, installed {}", one.field, one.wanted, one.installed)))
        }),
        ("installed_at", |row| time(row.installed_at)),
        ("seen_at", |row| time(row.seen_at)),
        ("id", |row| row.id.to_string()),
        ("certificate_id", |row| row.certificate_id.to_string()),
        ("node_id", |row| row.node.id.to_string()),
        ("cluster_id", |row| row.cluster.id.to_string()),
        ("acknowledged_until", |row| {
            time(row.acknowledgement.as_ref().map(|found| found.until))
        }),
    ];
}

impl Columns for ClutterRow {
    const COLUMNS: &'static [Column<Self>] = &[
        ("common_name", |row| row.common_name.clone()),
        ("serial_hex", |row| row.serial_hex.clone()),
        ("issuer", |row| row.issuer.clone()),
        ("reasons", |row| {
            several(row.reasons.iter().map(|reason| word(&reason.code)))
        }),
        ("not_after", |row| time(row.not_after)),
        ("not_before", |row| time(row.not_before)),
        ("subject", |row| row.subject.clone()),
        ("sha256", |row| row.sha256.clone()),
        ("key_type", |row| row.key.key_type.clone()),
        ("key_bits", |row| maybe(&row.key.bits)),
        ("signature_algorithm", |row| row.signature_algorithm.clone()),
        ("identity", |row| row.identity.to_string()),
        ("stores", |row| several(&row.stores)),
        ("cluster_count", |row| row.cluster_count.to_string()),
        ("node_count", |row| row.node_count.to_string()),
        ("certificate_id", |row| row.certificate_id.to_string()),
    ];
}

impl Columns for KeptCertificate {
    const COLUMNS: &'static [Column<Self>] = &[
        ("removed_at", |row| time(row.removed_at)),
        ("removed_by", |row| maybe(&row.removed_by)),
        ("common_name", |row| row.common_name.clone()),
        ("cluster", |row| row.cluster.name.clone()),
        ("server_name", |row| row.node.name.clone()),
        ("store", |row| row.store.clone()),
        ("product", |row| row.product.clone()),
        ("not_after", |row| time(row.not_after)),
        ("issuer", |row| row.issuer.clone()),
        ("serial_hex", |row| row.serial_hex.clone()),
        ("sha256", |row| row.sha256.clone()),
        ("entry", |row| row.entry.clone()),
        ("job_id", |row| maybe(&row.job_id)),
        ("restored_at", |row| time(row.restored_at)),
        ("restored_by", |row| maybe(&row.restored_by)),
        ("id", |row| row.id.to_string()),
    ];
}

impl Columns for ServerOnly {
    const COLUMNS: &'static [Column<Self>] = &[
        ("cluster", |row| row.cluster.name.clone()),
        ("certificate", |row| row.purpose.clone()),
        ("common_name", |row| row.common_name.clone()),
        ("product", |row| row.product.clone()),
        ("server_name", |row| row.node.name.clone()),
        ("not_after", |row| time(row.not_after)),
        ("issuer", |row| row.issuer.clone()),
        ("extended_key_usage", |row| several(&row.extended_key_usage)),
        ("evidence", |row| row.evidence.clone()),
        ("message", |row| row.message.clone()),
        ("installation_id", |row| row.installation_id.to_string()),
    ];
}

impl Columns for TrustCertificate {
    const COLUMNS: &'static [Column<Self>] = &[
        ("common_name", |row| row.common_name.clone()),
        ("serial_hex", |row| row.serial_hex.clone()),
        ("issuer", |row| row.issuer.clone()),
        ("status", |row| word(&row.status)),
        ("not_after", |row| time(row.not_after)),
        ("not_before", |row| time(row.not_before)),
        ("subject", |row| row.subject.clone()),
        ("sha256", |row| row.sha256.clone()),
        ("self_signed", |row| row.self_signed.to_string()),
        ("stores", |row| several(&row.stores)),
        ("node_count", |row| row.node_count.to_string()),
        ("certificate_id", |row| row.certificate_id.to_string()),
    ];
}

impl Columns for Cluster {
    const COLUMNS: &'static [Column<Self>] = &[
        ("name", |row| row.name.clone()),
        ("status", |row| word(&row.status)),
        ("product", |row| row.product.clone()),
        ("version", |row| row.version.clone()),
        ("profile", |row| row.profile.name.clone()),
        ("group", |row| row.group.name.clone()),
        ("enabled", |row| row.enabled.to_string()),
        ("description", |row| row.description.clone()),
        ("node_count", |row| row.node_count.to_string()),
        ("nodes_unreachable", |row| row.nodes_unreachable.to_string()),
        ("identity_valid", |row| row.identity.valid.to_string()),
        ("identity_expiring", |row| row.identity.expiring.to_string()),
        ("identity_expired", |row| row.identity.expired.to_string()),
        ("trust_valid", |row| row.trust.valid.to_string()),
        ("trust_expiring", |row| row.trust.expiring.to_string()),
        ("trust_expired", |row| row.trust.expired.to_string()),
        ("inventory_at", |row| time(row.inventory_at)),
        ("id", |row| row.id.to_string()),
        ("group_id", |row| row.group.id.to_string()),
        ("profile_id", |row| row.profile.id.to_string()),
    ];
}

impl Columns for Job {
    const COLUMNS: &'static [Column<Self>] = &[
        ("status", |row| word(&row.status)),
        ("type", |row| row.action.clone()),
        ("nodes", |row| {
            several(row.targets.iter().map(|target| &target.node.name))
        }),
        ("created_at", |row| time(row.created_at)),
        ("certificates", |row| {
            several(row.targets.iter().filter_map(|target| target.certificate.as_ref()))
        }),
        ("product", |row| maybe(&row.product)),
        ("title", |row| row.title.clone()),
        ("clusters", |row| {
            several(row.clusters.iter().map(|cluster| &cluster.name))
        }),
        ("cluster_count", |row| row.cluster_count.to_string()),
        ("total", |row| row.total.to_string()),
        ("succeeded", |row| row.counts.succeeded.to_string()),
        ("failed", |row| row.counts.failed.to_string()),
        ("cancelled", |row| row.counts.cancelled.to_string()),
        ("expired", |row| row.counts.expired.to_string()),
        ("finished_at", |row| time(row.finished_at)),
        ("created_by", |row| row.created_by.clone()),
        ("id", |row| row.id.to_string()),
    ];
}

impl Columns for CertificateRow {
    const COLUMNS: &'static [Column<Self>] = &[
        ("common_name", |row| row.common_name.clone()),
        ("status", |row| word(&row.status)),
        ("not_after", |row| time(row.not_after)),
        ("not_before", |row| time(row.not_before)),
        ("subject", |row| row.subject.clone()),
        ("issuer", |row| row.issuer.clone()),
        ("serial_hex", |row| row.serial_hex.clone()),
        ("sha256", |row| row.sha256.clone()),
        ("key_type", |row| row.key.key_type.clone()),
        ("key_bits", |row| maybe(&row.key.bits)),
        ("signature_algorithm", |row| row.signature_algorithm.clone()),
        ("is_ca", |row| row.is_ca.to_string()),
        ("self_signed", |row| row.self_signed.to_string()),
        ("created_at", |row| time(row.created_at)),
        ("id", |row| row.id.to_string()),
    ];
}

impl Columns for CertificateCluster {
    const COLUMNS: &'static [Column<Self>] = &[
        ("cluster", |row| row.cluster.name.clone()),
        ("product", |row| row.product.clone()),
        ("node_count", |row| row.node_count.to_string()),
        ("identity_count", |row| row.identity_count.to_string()),
        ("trust_count", |row| row.trust_count.to_string()),
        ("stores", |row| several(&row.stores)),
        ("cluster_id", |row| row.cluster.id.to_string()),
    ];
}

impl Columns for Node {
    const COLUMNS: &'static [Column<Self>] = &[
        ("name", |row| row.name.clone()),
        ("status", |row| word(&row.status)),
        ("cluster", |row| row.cluster.name.clone()),
        ("address", |row| row.address.clone()),
        ("role", |row| word(&row.role)),
        ("connector", |row| word(&row.connector)),
        ("version", |row| maybe(&row.version)),
        ("agent", |row| maybe(&row.agent.as_ref().map(|agent| &agent.name))),
        ("inventory_at", |row| time(row.inventory_at)),
        ("error_code", |row| maybe(&row.error.as_ref().map(|error| &error.code))),
        ("error", |row| maybe(&row.error.as_ref().map(|error| &error.message))),
        ("id", |row| row.id.to_string()),
        ("cluster_id", |row| row.cluster.id.to_string()),
    ];
}

impl Columns for Agent {
    const COLUMNS: &'static [Column<Self>] = &[
        ("name", |row| row.name.clone()),
        ("status", |row| word(&row.status)),
        ("group", |row| row.group.name.clone()),
        ("hostname", |row| row.hostname.clone()),
        ("os", |row| row.os.clone()),
        ("arch", |row| row.arch.clone()),
        ("version", |row| row.version.clone()),
        ("node_count", |row| row.node_count.to_string()),
        ("last_seen_at", |row| time(row.last_seen_at)),
        ("not_after", |row| time(row.not_after)),
        ("created_at", |row| time(row.created_at)),
        ("id", |row| row.id.to_string()),
    ];
}

impl Columns for ClusterCompliance {
    const COLUMNS: &'static [Column<Self>] = &[
        ("cluster", |row| row.cluster.name.clone()),
        ("product", |row| row.product.clone()),
        ("version", |row| row.version.clone()),
        ("profile", |row| row.profile.name.clone()),
        ("compared", |row| row.compared.to_string()),
        ("different", |row| row.different.to_string()),
        ("rules", |row| {
            let rules = row.rules.iter();
            several(rules.map(|rule| format!("{}: {} of {} differ", rule.rule, rule.different, rule.compared)))
        }),
        ("pending", |row| row.pending.to_string()),
        ("cluster_id", |row| row.cluster.id.to_string()),
        ("profile_id", |row| row.profile.id.to_string()),
    ];
}

impl Columns for Message {
    const COLUMNS: &'static [Column<Self>] = &[
        ("created_at", |row| time(row.created_at)),
        ("recipient", |row| row.recipient.clone()),
        ("state", |row| word(&row.state)),
        ("told_count", |row| row.told_count.to_string()),
        ("attempts", |row| row.attempts.to_string()),
        ("settled_at", |row| time(row.settled_at)),
        ("reply", |row| maybe(&row.reply)),
        ("queue_id", |row| maybe(&row.queue_id)),
        ("subject", |row| maybe(&row.subject)),
        ("message_id", |row| maybe(&row.message_id)),
        ("first_tried_at", |row| time(row.first_tried_at)),
        ("next_try_at", |row| time(row.next_try_at)),
        ("id", |row| row.id.to_string()),
        ("channel_id", |row| maybe(&row.channel_id)),
        ("about", |row| word(&row.about)),
    ];
}

impl Columns for AuditEntry {
    const COLUMNS: &'static [Column<Self>] = &[
        ("at", |row| time(row.at)),
        ("actor_kind", |row| row.actor.kind.clone()),
        ("actor", |row| row.actor.name.clone()),
        ("address", |row| maybe(&row.address)),
        ("action", |row| row.action.clone()),
        ("object_kind", |row| row.object_kind.clone()),
        ("object", |row| row.object_name.clone()),
        ("before", |row| maybe(&row.before)),
        ("after", |row| maybe(&row.after)),
        ("request_id", |row| maybe(&row.request_id)),
        ("actor_id", |row| maybe(&row.actor.id)),
        ("object_id", |row| maybe(&row.object_id)),
        ("id", |row| row.id.to_string()),
    ];
}

impl Columns for Profile {
    const COLUMNS: &'static [Column<Self>] = &[
        ("name", |row| row.name.clone()),
        ("description", |row| row.description.clone()),
        ("is_default", |row| row.is_default.to_string()),
        ("built_in", |row| row.built_in.to_string()),
        ("cluster_count", |row| row.cluster_count.to_string()),
        ("settings", |row| word(&row.settings)),
        ("updated_at", |row| time(row.updated_at)),
        ("id", |row| row.id.to_string()),
    ];
}

impl Columns for RootChange {
    const COLUMNS: &'static [Column<Self>] = &[
        ("name", |row| row.name.clone()),
        ("state", |row| word(&row.state)),
        ("old_certificate", |row| row.old_certificate.subject.clone()),
        ("old_sha256", |row| row.old_certificate.sha256.clone()),
        ("new_certificate", |row| row.new_certificate.subject.clone()),
        ("new_sha256", |row| row.new_certificate.sha256.clone()),
        ("note", |row| row.note.clone()),
        ("reason", |row| row.reason.clone()),
        ("created_by", |row| row.created_by.clone()),
        ("created_at", |row| time(row.created_at)),
        ("closed_by", |row| maybe(&row.closed_by)),
        ("closed_at", |row| time(row.closed_at)),
        ("id", |row| row.id.to_string()),
    ];
}

impl Columns for CoverageRow {
    const COLUMNS: &'static [Column<Self>] = &[
        ("cluster", |row| row.cluster.name.clone()),
        ("product", |row| row.product.clone()),
        ("node", |row| row.node.name.clone()),
        ("store", |row| maybe(&row.store)),
        ("state", |row| word(&row.state)),
        ("code", |row| maybe(&row.code)),
        ("message", |row| maybe(&row.message)),
        ("holds_old", |row| row.holds_old.to_string()),
        ("read_at", |row| time(row.read_at)),
        ("job_id", |row| maybe(&row.job_id)),
        ("node_id", |row| row.node.id.to_string()),
        ("cluster_id", |row| row.cluster.id.to_string()),
    ];
}

impl Columns for IdentityRow {
    const COLUMNS: &'static [Column<Self>] = &[
        ("cluster", |row| row.cluster.name.clone()),
        ("product", |row| row.product.clone()),
        ("node", |row| row.node.name.clone()),
        ("purpose", |row| row.purpose.clone()),
        ("state", |row| word(&row.state)),
        ("common_name", |row| row.common_name.clone()),
        ("issuer", |row| row.issuer.clone()),
        ("not_after", |row| time(row.not_after)),
        ("sha256", |row| row.sha256.clone()),
        ("csr_id", |row| maybe(&row.csr_id)),
        ("installation_id", |row| row.installation_id.to_string()),
    ];
}

//! The one table of operations: what each needs. A request that matches no row is refused, a row that is not in the OpenAPI
//! document (or the other way round) fails a test.

use certyard_domain::Permission;

/// What an operation needs of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Public,
    /// A credential, of whatever role.
    SignedIn,
    /// A credential whose role has the permission.
    Needs(Permission),
}

/// What a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// None, or JSON of at most 1 MiB.
    Json,
    /// JSON that may carry a certificate file.
    LargeJson,
    /// A form with a file.
    File,
    /// A stream without an end.
    Stream,
}

/// One operation of the API.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// `operationId` of the OpenAPI document.
    pub id: &'static str,
    /// HTTP method.
    pub method: &'static str,
    /// Path with its parameters in braces.
    pub path: &'static str,
    /// What it needs.
    pub access: Access,
    /// What its body may be.
    pub body: Body,
}

const fn op(method: &'static str, path: &'static str, id: &'static str, access: Access) -> Operation {
    Operation {
        id,
        method,
        path,
        access,
        body: Body::Json,
    }
}

impl Operation {
    const fn takes(mut self, body: Body) -> Self {
        self.body = body;
        self
    }
}

const READ: Access = Access::Needs(Permission::ReadFleet);
const OPERATE: Access = Access::Needs(Permission::Operate);
const FLEET: Access = Access::Needs(Permission::ManageFleet);
const PROFILES: Access = Access::Needs(Permission::ManageProfiles);
const READ_ALERTS: Access = Access::Needs(Permission::ReadAlerts);
const ALERTS: Access = Access::Needs(Permission::ManageAlerts);
const READ_PEOPLE: Access = Access::Needs(Permission::ReadPeople);
const PEOPLE: Access = Access::Needs(Permission::ManagePeople);
const ORGANISATION: Access = Access::Needs(Permission::ManageOrganisation);
const AUDIT: Access = Access::Needs(Permission::ReadAudit);

/// Every operation.
pub const OPERATIONS: &[Operation] = &[
    op("GET", "/healthz", "get_health", Access::Public),
    op("GET", "/api/v1/setup", "get_setup", Access::Public),
    op("POST", "/api/v1/setup", "set_up", Access::Public),
    op("POST", "/api/v1/sessions", "sign_in", Access::Public),
    op("GET", "/api/v1/sessions", "list_sessions", Access::SignedIn),
    op(
        "GET",
        "/api/v1/sessions/current",
        "get_current_session",
        Access::SignedIn,
    ),
    op("DELETE", "/api/v1/sessions/current", "sign_out", Access::SignedIn),
    op("DELETE", "/api/v1/sessions/{id}", "end_session", Access::SignedIn),
    op("GET", "/api/v1/me", "get_me", Access::SignedIn),
    op("POST", "/api/v1/me/password", "change_password", Access::SignedIn),
    op("GET", "/api/v1/organisation", "get_organisation", READ),
    op("PATCH", "/api/v1/organisation", "update_organisation", ORGANISATION),
    op("GET", "/api/v1/members", "list_members", READ_PEOPLE),
    op("POST", "/api/v1/members", "create_member", PEOPLE),
    op("GET", "/api/v1/members/{id}", "get_member", READ_PEOPLE),
    op("PATCH", "/api/v1/members/{id}", "update_member", PEOPLE),
    op("DELETE", "/api/v1/members/{id}", "remove_member", PEOPLE),
    op("GET", "/api/v1/tokens", "list_tokens", READ_PEOPLE),
    op("POST", "/api/v1/tokens", "create_token", PEOPLE),
    op("DELETE", "/api/v1/tokens/{id}", "revoke_token", PEOPLE),
    op("GET", "/api/v1/groups", "list_groups", READ),
    op("POST", "/api/v1/groups", "create_group", FLEET),
    op("GET", "/api/v1/groups/{id}", "get_group", READ),
    op("PATCH", "/api/v1/groups/{id}", "update_group", FLEET),
    op("DELETE", "/api/v1/groups/{id}", "retire_group", FLEET),
    op("GET", "/api/v1/clusters", "list_clusters", READ),
    op("GET", "/api/v1/clusters.csv", "export_clusters", READ),
    op("POST", "/api/v1/clusters", "create_cluster", FLEET),
    op("GET", "/api/v1/clusters/{id}", "get_cluster", READ),
    op("PATCH", "/api/v1/clusters/{id}", "update_cluster", FLEET),
    op("DELETE", "/api/v1/clusters/{id}", "retire_cluster", FLEET),
    op("GET", "/api/v1/clusters/{id}/nodes", "list_cluster_nodes", READ),
    op("POST", "/api/v1/clusters/{id}/nodes", "create_node", FLEET),
    op(
        "GET",
        "/api/v1/clusters/{id}/identity-certificates",
        "list_cluster_identity_certificates",
        READ,
    ),
    op(
        "GET",
        "/api/v1/clusters/{id}/identity-certificates.csv",
        "export_cluster_identity_certificates",
        READ,
    ),
    op(
        "GET",
        "/api/v1/clusters/{id}/trust-certificates",
        "list_cluster_trust_certificates",
        READ,
    ),
    op(
        "GET",
        "/api/v1/clusters/{id}/trust-certificates.csv",
        "export_cluster_trust_certificates",
        READ,
    ),
    op("GET", "/api/v1/clusters/{id}/jobs", "list_cluster_jobs", READ),
    op("GET", "/api/v1/clusters/{id}/jobs.csv", "export_cluster_jobs", READ),
    op("GET", "/api/v1/clusters/{id}/summary", "get_cluster_summary", READ),
    op("PUT", "/api/v1/clusters/{id}/profile", "set_cluster_profile", FLEET),
    op("GET", "/api/v1/compliance", "list_compliance", READ),
    op("GET", "/api/v1/compliance.csv", "export_compliance", READ),
    op("POST", "/api/v1/compliance/fix", "fix_compliance", OPERATE),
    op("GET", "/api/v1/profiles", "list_profiles", READ),
    op("GET", "/api/v1/profiles.csv", "export_profiles", READ),
    op("POST", "/api/v1/profiles", "create_profile", PROFILES),
    op("GET", "/api/v1/profiles/options", "get_profile_options", READ),
    op("GET", "/api/v1/profiles/{id}", "get_profile", READ),
    op("PATCH", "/api/v1/profiles/{id}", "update_profile", PROFILES),
    op("DELETE", "/api/v1/profiles/{id}", "retire_profile", PROFILES),
    op("POST", "/api/v1/profiles/{id}/copy", "copy_profile", PROFILES),
    op("POST", "/api/v1/profiles/{id}/default", "set_default_profile", PROFILES),
    op("POST", "/api/v1/profiles/{id}/clusters", "assign_profile", FLEET),
    op("GET", "/api/v1/nodes", "list_nodes", READ),
    op("GET", "/api/v1/nodes.csv", "export_nodes", READ),
    op("GET", "/api/v1/nodes/{id}", "get_node", READ),
    op("PATCH", "/api/v1/nodes/{id}", "update_node", FLEET),
    op("DELETE", "/api/v1/nodes/{id}", "retire_node", FLEET),
    op("GET", "/api/v1/agents", "list_agents", READ),
    op("GET", "/api/v1/agents.csv", "export_agents", READ),
    op("GET", "/api/v1/agents/{id}", "get_agent", READ),
    op("DELETE", "/api/v1/agents/{id}", "retire_agent", FLEET),
    op("POST", "/api/v1/agents/{id}/ban", "ban_agent", FLEET),
    op("POST", "/api/v1/agents/{id}/unban", "unban_agent", FLEET),
    op("GET", "/api/v1/join-tokens", "list_join_tokens", FLEET),
    op("POST", "/api/v1/join-tokens", "create_join_token", FLEET),
    op("DELETE", "/api/v1/join-tokens/{id}", "revoke_join_token", FLEET),
    op("GET", "/api/v1/certificates", "list_certificates", READ),
    op("GET", "/api/v1/certificates.csv", "export_certificates", READ),
    op("POST", "/api/v1/certificates/inspect", "inspect_certificates", READ).takes(Body::File),
    op("POST", "/api/v1/certificates/import", "import_certificates", OPERATE).takes(Body::File),
    op("POST", "/api/v1/certificates/bulk", "bulk_import_certificates", OPERATE).takes(Body::Stream),
    op("GET", "/api/v1/certificates/{id}.pem", "get_certificate_pem", READ),
    op("GET", "/api/v1/certificates/{id}.der", "get_certificate_der", READ),
    op(
        "GET",
        "/api/v1/certificates/{id}/clusters",
        "list_certificate_clusters",
        READ,
    ),
    op(
        "GET",
        "/api/v1/certificates/{id}/clusters.csv",
        "export_certificate_clusters",
        READ,
    ),
    op("GET", "/api/v1/certificates/{id}", "get_certificate", READ),
    op("GET", "/api/v1/installations", "list_installations", READ),
    op("GET", "/api/v1/installations.csv", "export_installations", READ),
    op("GET", "/api/v1/alerts", "list_alerts", READ),
    op("GET", "/api/v1/alerts.csv", "export_alerts", READ),
    op("GET", "/api/v1/alerts/summary", "get_alert_summary", READ),
    op("GET", "/api/v1/expiries", "get_expiries", READ),
    op(
        "GET",
        "/api/v1/certificates/{id}/history",
        "list_certificate_history",
        READ,
    ),
    op("GET", "/api/v1/installations/{id}", "get_installation", READ),
    op(
        "GET",
        "/api/v1/installations/{id}/history",
        "list_installation_history",
        READ,
    ),
    op("GET", "/api/v1/csrs", "list_csrs", READ),
    op("GET", "/api/v1/csrs/{id}.pem", "get_csr_pem", READ),
    op("GET", "/api/v1/csrs/{id}", "get_csr", READ),
    op("GET", "/api/v1/catalogue", "get_catalogue", READ),
    op("GET", "/api/v1/trust-hygiene", "list_trust_hygiene", READ),
    op("GET", "/api/v1/trust-hygiene.csv", "export_trust_hygiene", READ),
    op("GET", "/api/v1/quarantine", "list_quarantine", READ),
    op("GET", "/api/v1/quarantine.csv", "export_quarantine", READ),
    op(
        "GET",
        "/api/v1/server-only-certificates",
        "list_server_only_certificates",
        READ,
    ),
    op(
        "GET",
        "/api/v1/server-only-certificates.csv",
        "export_server_only_certificates",
        READ,
    ),
    op("GET", "/api/v1/root-changes", "list_root_changes", READ),
    op("GET", "/api/v1/root-changes.csv", "export_root_changes", READ),
    op("POST", "/api/v1/root-changes", "create_root_change", OPERATE).takes(Body::LargeJson),
    op("GET", "/api/v1/root-changes/{id}", "get_root_change", READ),
    op("PATCH", "/api/v1/root-changes/{id}", "update_root_change", OPERATE),
    op(
        "GET",
        "/api/v1/root-changes/{id}/coverage",
        "list_root_change_coverage",
        READ,
    ),
    op(
        "GET",
        "/api/v1/root-changes/{id}/coverage.csv",
        "export_root_change_coverage",
        READ,
    ),
    op(
        "GET",
        "/api/v1/root-changes/{id}/identities",
        "list_root_change_identities",
        READ,
    ),
    op(
        "GET",
        "/api/v1/root-changes/{id}/identities.csv",
        "export_root_change_identities",
        READ,
    ),
    op("POST", "/api/v1/root-changes/{id}/plans", "plan_root_change", OPERATE),
    op("POST", "/api/v1/root-changes/{id}/close", "close_root_change", OPERATE),
    op("POST", "/api/v1/plans", "create_plan", OPERATE).takes(Body::LargeJson),
    op("GET", "/api/v1/plans/{id}", "get_plan", READ),
    op("GET", "/api/v1/plans/{id}/targets", "list_plan_targets", READ),
    op("POST", "/api/v1/jobs", "create_job", OPERATE),
    op("GET", "/api/v1/jobs", "list_jobs", READ),
    op("GET", "/api/v1/jobs.csv", "export_jobs", READ),
    op("GET", "/api/v1/jobs/{id}", "get_job", READ),
    op("GET", "/api/v1/jobs/{id}/tasks", "list_tasks", READ),
    op("GET", "/api/v1/jobs/{id}/tasks/{task_id}", "get_task", READ),
    op("GET", "/api/v1/jobs/{id}/events", "follow_job", READ),
    op("GET", "/api/v1/jobs/{id}/aftercare", "list_aftercare", READ),
    op("POST", "/api/v1/jobs/{id}/aftercare", "confirm_aftercare", OPERATE),
    op(
        "POST",
        "/api/v1/jobs/{id}/aftercare/restarts",
        "restart_aftercare",
        OPERATE,
    ),
    op("POST", "/api/v1/jobs/{id}/cancel", "cancel_job", OPERATE),
    op("POST", "/api/v1/jobs/{id}/retry", "retry_job", OPERATE),
    op(
        "GET",
        "/api/v1/settings/notifications",
        "get_notification_settings",
        READ_ALERTS,
    ),
    op(
        "PUT",
        "/api/v1/settings/notifications",
        "set_notification_settings",
        ALERTS,
    ),
    op(
        "POST",
        "/api/v1/settings/notifications/resume",
        "resume_recipient",
        ALERTS,
    ),
    op(
        "GET",
        "/api/v1/settings/notifications/preview",
        "preview_notification",
        READ_ALERTS,
    ),
    op(
        "GET",
        "/api/v1/settings/notifications/rules",
        "list_notification_rules",
        READ_ALERTS,
    ),
    op(
        "POST",
        "/api/v1/settings/notifications/rules",
        "create_notification_rule",
        ALERTS,
    ),
    op(
        "POST",
        "/api/v1/settings/notifications/rules/preview",
        "preview_notification_rule",
        READ_ALERTS,
    ),
    op(
        "GET",
        "/api/v1/settings/notifications/rules/{id}",
        "get_notification_rule",
        READ_ALERTS,
    ),
    op(
        "PUT",
        "/api/v1/settings/notifications/rules/{id}",
        "replace_notification_rule",
        ALERTS,
    ),
    op(
        "DELETE",
        "/api/v1/settings/notifications/rules/{id}",
        "delete_notification_rule",
        ALERTS,
    ),
    op("GET", "/api/v1/settings/mail", "get_mail_settings", READ_ALERTS),
    op("PUT", "/api/v1/settings/mail", "set_mail_settings", ALERTS),
    op("POST", "/api/v1/settings/mail/test", "send_test_mail", ALERTS),
    op("GET", "/api/v1/channels", "list_channels", READ_ALERTS),
    op("POST", "/api/v1/channels", "create_channel", ALERTS),
    op("GET", "/api/v1/channels/{id}", "get_channel", READ_ALERTS),
    op("PATCH", "/api/v1/channels/{id}", "update_channel", ALERTS),
    op("DELETE", "/api/v1/channels/{id}", "delete_channel", ALERTS),
    op("POST", "/api/v1/channels/{id}/test", "test_channel", ALERTS),
    op("GET", "/api/v1/acknowledgements", "list_acknowledgements", READ),
    op("POST", "/api/v1/acknowledgements", "create_acknowledgement", OPERATE),
    op("GET", "/api/v1/acknowledgements/{id}", "get_acknowledgement", READ),
    op(
        "DELETE",
        "/api/v1/acknowledgements/{id}",
        "end_acknowledgement",
        OPERATE,
    ),
    op("GET", "/api/v1/messages", "list_messages", READ_ALERTS),
    op("GET", "/api/v1/messages.csv", "export_messages", READ_ALERTS),
    op("GET", "/api/v1/messages/{id}", "get_message", READ_ALERTS),
    op("POST", "/api/v1/messages/{id}/retry", "retry_message", ALERTS),
    op(
        "GET",
        "/api/v1/certificates/{id}/messages",
        "list_certificate_messages",
        READ_ALERTS,
    ),
    op("GET", "/api/v1/audit", "list_audit", AUDIT),
    op("GET", "/api/v1/audit.csv", "export_audit", AUDIT),
    op("GET", "/api/v1/search", "search", READ),
    op("GET", "/api/v1/overview", "get_overview", READ),
    op(
        "GET",
        "/api/v1/metrics",
        "get_metrics",
        Access::Needs(Permission::ReadMetrics),
    ),
    op("GET", "/api/v1/feeds", "list_feeds", READ),
    op("POST", "/api/v1/feeds", "create_feed", READ),
    // Its credential is the token in the address.
    op("GET", "/api/v1/feeds/expiries.ics", "read_feed", Access::Public),
    op("DELETE", "/api/v1/feeds/{id}", "revoke_feed", READ),
];

/// The operation at a path, and what else the path takes where it has none for the method.
pub(crate) fn find(method: &str, path: &str) -> Result<&'static Operation, Vec<&'static str>> {
    OPERATIONS
        .iter()
        .find(|operation| operation.method == method && operation.path == path)
        .ok_or_else(|| {
            OPERATIONS
                .iter()
                .filter(|operation| operation.path == path)
                .map(|operation| operation.method)
                .collect()
        })
}

//! Alerts: when certificates are warned of and whom, what was raised, and which mail told whom of it.

use crate::table::*;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000005_alerts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// SQLite would not run a migration in a transaction by itself.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        settings(manager).await?;
        ledger(manager).await?;
        // When a certificate that is renewed by itself has to have been; empty while nothing is renewed by itself.
        add_column(manager, "installation", time_null("renewal_due_at")).await
    }
}

async fn settings(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // One row where an organisation has said something; the number of start days stands in `org`. `has_recipients` is what
    // the loops ask. `swept_at`: the last sweep that came to its end. `sweeping_until`: lease of the one under way.
    tenant_table_keyed("notification_setting", &[])
        .col(integer("frequency_days"))
        .col(json("recipients"))
        .col(boolean("has_recipients"))
        .col(text("time_zone"))
        .col(integer("hour"))
        .col(text("language"))
        .col(boolean("include_trust"))
        .col(integer("repeat_expired_days"))
        .col(integer("repeat_expired_until_days"))
        .col(time("created_at"))
        .col(time("updated_at"))
        .col(time_null("swept_at"))
        .col(time_null("sweeping_until"))
        .make(manager)
        .await?;
    // `security`: starttls, tls, none. The password is sealed with the data key of the organisation.
    tenant_table_keyed("mail_setting", &[])
        .col(text("host"))
        .col(integer("port"))
        .col(text("security"))
        .col(text_null("username"))
        .col(bytes_null("sealed_password"))
        .col(text("from_address"))
        .col(text("from_name"))
        .col(text_null("ca_pem"))
        .col(time("updated_at"))
        .make(manager)
        .await?;
    // Recipients whose server said that it takes no mail for them.
    tenant_table_keyed("suspended_recipient", &["recipient"])
        .col(text("recipient"))
        .col(time("suspended_at"))
        .col(text("reply"))
        .col(uuid_null("message_id"))
        .make(manager)
        .await
}

async fn ledger(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // What is told at once, to all recipients of a rule. `state`: open while a sweep gathers, closed once its messages exist.
    tenant_table("alert_run")
        .col(uuid("rule_id"))
        .col(text("state"))
        .col(long("alert_count"))
        .col(time("created_at"))
        .col(time_null("closed_at"))
        .index_where(&["rule_id"], true, "state = 'open'")
        .make(manager)
        .await?;
    // One warning of one certificate. It copies what it tells of, so that it outlives the certificate.
    tenant_table("alert")
        .col(uuid("run_id"))
        .col(uuid("certificate_id"))
        .col(uuid("rule_id"))
        .col(time("slot_at"))
        .col(text("stage"))
        .col(time("not_after"))
        .col(text("common_name"))
        .col(text("serial_hex"))
        .col(text("sha256"))
        .col(long("node_count"))
        .col(time("created_at"))
        .reference("run_id", "alert_run", true)
        .unique(&["certificate_id", "rule_id", "slot_at"])
        .index(&["run_id", "not_after", "id"])
        .make(manager)
        .await?;
    // How far the warnings of a certificate have come: a sweep looks at a certificate again from `next_at` on, never where it is
    // empty. `schedule` is the one that the slot was computed with.
    tenant_table_keyed("alert_mark", &["certificate_id", "rule_id"])
        .col(uuid_null("alert_id"))
        .col(time_null("slot_at"))
        .col(time("raised_at"))
        .col(text("schedule"))
        .col(time_null("next_at"))
        .make(manager)
        .await?;
    // `state`: due, sending, deferred, accepted, refused, dead, cancelled. `due_at`: when somebody has to look at it: empty
    // where it is over. `attempt` numbers the tries; only the last one may settle.
    tenant_table("message")
        .col(uuid("run_id"))
        .col(text("recipient"))
        .col(text("state"))
        .col(text_null("message_id"))
        .col(text_null("subject"))
        .col(integer("attempt"))
        .col(time_null("due_at"))
        .col(time_null("first_tried_at"))
        .col(long("told_count"))
        .col(text_null("reply"))
        .col(text_null("queue_id"))
        .col(time_null("settled_at"))
        .col(time("created_at"))
        .reference("run_id", "alert_run", true)
        .unique(&["run_id", "recipient"])
        .index(&["created_at", "id"])
        .index(&["recipient", "created_at", "id"])
        .index(&["state", "created_at", "id"])
        .index_where(&["due_at"], false, "due_at IS NOT NULL")
        .make(manager)
        .await?;
    // Alerts of its run that a message did not tell of, as they were not true any more when it was sent.
    tenant_table_keyed("message_skip", &["message_id", "alert_id"])
        .reference("message_id", "message", true)
        .make(manager)
        .await
}

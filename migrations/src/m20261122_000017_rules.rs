//! Rules beside the default of the organisation: what they cover, whom they tell and how, and what the ledger keeps of them.

use crate::table::*;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000017_rules"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // `mode`: immediate, weekly_digest. Of start and frequency either the days or the percents are there. `escalation_id`: under what the
        // ledger keeps what this rule escalates. `digested_at`: the last digest that was made.
        tenant_table("alert_rule")
            .col(text("name"))
            .col(boolean("enabled"))
            .col(json("scope"))
            .col(integer_null("start_days"))
            .col(integer_null("start_percent"))
            .col(integer_null("frequency_days"))
            .col(integer_null("frequency_percent"))
            .col(text("mode"))
            .col(integer_null("digest_weekday"))
            .col(boolean("digest_empty"))
            .col(time_null("digested_at"))
            .col(json("recipients"))
            .col(json("channels"))
            .col(boolean("instead_of_default"))
            .col(json_null("escalation"))
            .col(uuid("escalation_id"))
            .col(long("version"))
            .col(time("created_at"))
            .col(time("updated_at"))
            .unique(&["name"])
            .make(manager)
            .await?;
        settings(manager).await?;
        ledger(manager).await
    }
}

async fn settings(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = "notification_setting";
    add_column(manager, table, json_null("escalation")).await?;
    // A day of the week, 1 is Monday; empty: no digest.
    add_column(manager, table, integer_null("digest_weekday")).await?;
    add_column(manager, table, boolean("digest_empty").default(false).take()).await?;
    add_column(manager, table, time_null("digested_at")).await?;
    // A channel that gets nothing of the default.
    add_column(manager, "channel", boolean("rules_only").default(false).take()).await
}

async fn ledger(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // `kind`: warning, digest, escalation. Rule and name are copied, so that the ledger names rules that were deleted.
    add_column(manager, "alert_run", text("kind").default("warning").take()).await?;
    add_column(manager, "alert_run", uuid_null("of_rule_id")).await?;
    add_column(manager, "alert_run", text_null("rule_name")).await?;
    // When the certificate was raised first: from there an escalation counts.
    add_column(manager, "alert_mark", time_null("first_at")).await?;
    manager
        .get_connection()
        .execute_unprepared("UPDATE alert_mark SET first_at = raised_at WHERE alert_id IS NOT NULL")
        .await
        .map(|_| ())
}

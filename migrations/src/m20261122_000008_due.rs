//! What a sweep finds what is due by, for how long the ledger is kept, and who said that a warning is known.

use crate::table::*;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000008_due"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        settings(manager).await?;
        indexes(manager).await?;
        acknowledgements(manager).await
    }
}

async fn settings(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = "notification_setting";
    // Settings that the last sweep was made with: others have it look at all certificates again.
    add_column(manager, table, text_null("swept_as")).await?;
    // The last sweep that looked at all certificates of the window, and not only at what had come.
    add_column(manager, table, time_null("looked_at")).await?;
    // The version before writes rows without these.
    add_column(manager, table, integer("keep_days").default(400).take()).await?;
    add_column(manager, table, boolean("attach_calendar").default(false).take()).await
}

async fn indexes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let due = "next_at IS NOT NULL";
    add_index_where(
        manager,
        "ix_alert_mark_next_at",
        "alert_mark",
        &["rule_id", "next_at"],
        due,
    )
    .await?;
    let there = "gone_at IS NULL";
    add_index_where(
        manager,
        "ix_installation_installed_at",
        "installation",
        &["installed_at"],
        there,
    )
    .await?;
    let closed = "closed_at IS NOT NULL";
    add_index_where(
        manager,
        "ix_alert_run_closed_at",
        "alert_run",
        &["closed_at", "id"],
        closed,
    )
    .await
}

async fn acknowledgements(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // Somebody knows of a certificate and wants no mail about it until then. One at a time: another one ends the one before.
    // It copies what it is about, so that it outlives the certificate.
    tenant_table("acknowledgement")
        .col(uuid("certificate_id"))
        .col(text("common_name"))
        .col(text("sha256"))
        .col(text("reason"))
        .col(time("until_at"))
        .col(text("created_by_name"))
        .col(time("created_at"))
        .col(time_null("ended_at"))
        .col(text_null("ended_by_name"))
        .index_where(&["certificate_id"], true, "ended_at IS NULL")
        .index(&["created_at", "id"])
        .make(manager)
        .await
}

//! Profiles: what is wanted of certificates, which clusters it is for, and how far they are from it.

use crate::table::*;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000002_profiles"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// SQLite would not run a migration in a transaction by itself.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // `settings` is read and written as a whole. The built-in profile is no row.
        tenant_table("profile")
            .col(text("name"))
            .col(text("description"))
            .col(boolean("is_default"))
            .col(json("settings"))
            .col(long("version"))
            .col(time("created_at"))
            .col(time("updated_at"))
            .col(time_null("retired_at"))
            .index(&["name", "id"])
            .index_where(&["name"], true, "retired_at IS NULL")
            .index_where(&["is_default"], true, "is_default AND retired_at IS NULL")
            .make(manager)
            .await?;
        // A cluster without a row, or with `own` false, follows the organisation's default; `own` without a profile is the
        // built-in one. `due_at`: what is wanted of it has changed and has not been compared yet.
        tenant_table_keyed("cluster_profile", &["cluster_id"])
            .col(boolean("own"))
            .col(uuid_null("profile_id"))
            .col(time_null("due_at"))
            .reference("cluster_id", "cluster", true)
            .reference("profile_id", "profile", false)
            .index(&["profile_id"])
            .index_where(&["due_at"], false, "due_at IS NOT NULL")
            .make(manager)
            .await?;
        // Counts by rule, recomputed where touched: certificates for which the profile says something, and those that differ.
        tenant_table_keyed("cluster_compliance", &["cluster_id", "rule"])
            .col(text("rule"))
            .col(long("compared"))
            .col(long("different"))
            .reference("cluster_id", "cluster", true)
            .make(manager)
            .await?;
        // `wanted`: how the profile wants the certificate made; NULL leaves it open. `difference_count`: NULL where nothing
        // differs, or nothing is wanted.
        add_column(manager, "installation", text_null("wanted")).await?;
        add_column(manager, "installation", integer_null("difference_count")).await?;
        add_column(manager, "installation", json_null("differences")).await?;
        add_index_where(
            manager,
            "ix_installation_different",
            "installation",
            &["not_after", "id"],
            "gone_at IS NULL AND difference_count IS NOT NULL",
        )
        .await
    }
}

//! Root changes: the certificate of a CA makes way for another in trust stores.

use crate::table::*;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000016_root_changes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // What becomes what, where, and how it ended. How far it is follows from the inventory and is stored nowhere.
        tenant_table("root_change")
            .col(text("name"))
            .col(text("note"))
            .col(uuid("old_certificate_id"))
            .col(uuid("new_certificate_id"))
            .col(json("within"))
            .col(text("state"))
            .col(text("reason"))
            .col(uuid_null("created_by"))
            .col(text("created_by_name"))
            .col(time("created_at"))
            .col(time("updated_at"))
            .col(time_null("closed_at"))
            .col(text_null("closed_by_name"))
            .col(long("version"))
            .reference("old_certificate_id", "certificate", false)
            .reference("new_certificate_id", "certificate", false)
            .index(&["old_certificate_id"])
            .index(&["new_certificate_id"])
            .index(&["created_at", "id"])
            .index_where(&["state"], false, "state = 'open'")
            .make(manager)
            .await?;
        // The root change that a job carries out a part of.
        add_column(manager, "job", uuid_null("root_change_id")).await?;
        add_index_where(
            manager,
            "ix_job_root_change_id",
            "job",
            &["root_change_id"],
            "root_change_id IS NOT NULL",
        )
        .await?;
        // What a CA has signed is found by its name.
        add_index_where(
            manager,
            "ix_certificate_issuer_hash",
            "certificate",
            &["issuer_hash"],
            "self_signed = FALSE",
        )
        .await
    }
}

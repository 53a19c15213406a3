//! What people said of the after-care of a job: done, or not needed.

use crate::table::*;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000010_aftercare"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The list itself follows from the tasks and the catalogue; only what was said of an item is kept.
        tenant_table_keyed("aftercare", &["job_id", "cluster_id", "purpose", "item"])
            .col(text("purpose"))
            .col(text("item"))
            .col(text("state"))
            .col(text("note"))
            .col(uuid_null("by_id"))
            .col(text("by_name"))
            .col(time("at"))
            .reference("job_id", "job", true)
            .make(manager)
            .await
    }
}

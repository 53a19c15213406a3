//! Jobs that belong together: retries, and restarts that were made from the after-care of another.

use crate::table::*;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000014_family"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The job whose after-care it carries out.
        add_column(manager, "job", uuid_null("aftercare_of")).await?;
        for (name, column, condition) in [
            ("ix_job_retry_of", "retry_of", "retry_of IS NOT NULL"),
            ("ix_job_aftercare_of", "aftercare_of", "aftercare_of IS NOT NULL"),
        ] {
            add_index_where(manager, name, "job", &[column], condition).await?;
        }
        // Readings beside the targets of a job, which are passed over where their agents are away.
        add_index_where(
            manager,
            "ix_task_beside",
            "task",
            &["job_id"],
            "state = 'pending' AND action = 'refresh' AND after_id IS NOT NULL",
        )
        .await
    }
}

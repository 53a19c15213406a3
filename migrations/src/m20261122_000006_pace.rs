//! Indexes that keep the way of a task as fast at the end of a large job as at its beginning.

use crate::table::add_index_where;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000006_pace"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The clusters in which a job is not done, and those where something waits for its turn.
        let open = "waiting + pending + running > 0";
        add_index_where(manager, "ix_job_cluster_open", "job_cluster", &["job_id"], open).await?;
        add_index_where(
            manager,
            "ix_job_cluster_waiting",
            "job_cluster",
            &["job_id"],
            "waiting > 0",
        )
        .await?;
        // With counts of rows from before a large job all partial indexes of open tasks look alike to a claim. Each has a condition
        // that only its own statements meet: sweeps name the wave, which is never below 0, and claims one of the agents.
        for (name, column, condition) in [
            ("ix_task_lease_until", "lease_until", "state = 'running' AND wave >= 0"),
            (
                "ix_task_deadline",
                "deadline",
                "state IN ('waiting', 'pending') AND wave >= 0",
            ),
        ] {
            again(manager, name, &[column], condition).await?;
        }
        for (name, columns, condition) in [
            (
                "ix_task_agent_id_not_before",
                &["agent_id", "not_before"],
                "state = 'pending' AND agent_id IS NOT NULL",
            ),
            (
                "ix_task_second_agent_id_not_before",
                &["second_agent_id", "not_before"],
                "state = 'pending' AND second_agent_id IS NOT NULL",
            ),
        ] {
            again(manager, name, columns, condition).await?;
        }
        Ok(())
    }
}

/// Makes an index of `task` again, for fewer rows.
async fn again(
    manager: &SchemaManager<'_>,
    name: &'static str,
    columns: &[&'static str],
    condition: &'static str,
) -> Result<(), DbErr> {
    manager
        .drop_index(Index::drop().name(name).table("task").to_owned())
        .await?;
    add_index_where(manager, name, "task", columns, condition).await
}

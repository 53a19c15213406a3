//! What tells two servers that do not share their keys, and two programs that share one agent's identity.

use crate::table::{json_null, text_null, time_null};
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000003_vigilance"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The id of the key with which all servers of this database sign tasks.
        add(manager, "server_state", text_null("task_key_id")).await?;
        // Poll sessions that others have followed, the latest last, and since when one of them has come back.
        add(manager, "agent", json_null("former_sessions")).await?;
        add(manager, "agent", time_null("cloned_at")).await
    }
}

/// SQLite adds one column with each statement.
async fn add(manager: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    manager
        .alter_table(Table::alter().table(table).add_column(column).to_owned())
        .await
}

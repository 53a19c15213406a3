//! Whose a sweep is, which certificates it could not raise, and for which groups an acknowledgement speaks.

use crate::table::*;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000011_watchful"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Whoever holds the lease of the sweep; another token means that somebody else has taken over.
        add_column(manager, "notification_setting", uuid_null("sweep_token")).await?;
        // Certificates that the last sweep could not raise: tried again by each sweep.
        add_column(manager, "notification_setting", json_null("sweep_failures")).await?;
        // Given by somebody who is bound to groups: it holds for places in these groups alone.
        let bound = boolean("bound").default(false).take();
        add_column(manager, "acknowledgement", bound).await?;
        tenant_table_keyed("acknowledgement_group", &["acknowledgement_id", "group_id"])
            .reference("acknowledgement_id", "acknowledgement", true)
            .make(manager)
            .await
    }
}

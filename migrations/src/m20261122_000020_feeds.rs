//! Feeds: calendars of a person that programs read by a token.

use crate::table::*;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000020_feeds"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        tenant_table("feed")
            .col(uuid("membership_id"))
            .col(text("name"))
            .col(text("token_hash"))
            .col(text("hint"))
            .col(text("language"))
            .col(boolean("include_trust"))
            .col(time("created_at"))
            .col(time_null("last_used_at"))
            .col(time_null("revoked_at"))
            .reference("membership_id", "membership", true)
            .index(&["membership_id", "created_at", "id"])
            .make(manager)
            .await
    }
}

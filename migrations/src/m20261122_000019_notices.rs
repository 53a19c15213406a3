//! Notices: what keeps people from being told, since when, and the messages that say so.

use crate::table::*;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000019_notices"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // `told_at`: when a notice of it was last made. `ended_at`: it is gone, and still remembered, so that what comes and goes
        // is not told each time.
        tenant_table_keyed("trouble", &["code"])
            .col(text("code"))
            .col(time("since_at"))
            .col(time_null("told_at"))
            .col(time_null("ended_at"))
            .make(manager)
            .await?;
        // What a message tells of: certificates, or trouble.
        let about = text("about").default("certificates").take();
        add_column(manager, "message", about).await
    }
}

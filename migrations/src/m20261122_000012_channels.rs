//! Channels: receivers of calls beside the recipients of mail.

use crate::table::*;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000012_channels"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // `kind`: generic, slack, teams, pagerduty. The URL is a secret itself at most receivers, and sealed like the secret that signs;
        // `origin` is what may be shown of it.
        tenant_table("channel")
            .col(text("name"))
            .col(text("kind"))
            .col(text("origin"))
            .col(bytes("sealed_url"))
            .col(bytes_null("sealed_secret"))
            .col(text_null("ca_pem"))
            .col(boolean("enabled"))
            .col(long("version"))
            .col(time("created_at"))
            .col(time("updated_at"))
            .unique(&["name"])
            .make(manager)
            .await?;
        // The channel of a message; empty for mail. It hangs on no foreign key: messages outlive their channel.
        add_column(manager, "message", uuid_null("channel_id")).await
    }
}

//! What is to be known of an installed certificate beside what its profile says: the nodes that it should name and does not.

use crate::table::json_null;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000007_coverage"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table("installation")
                    .add_column(json_null("warnings"))
                    .to_owned(),
            )
            .await
    }
}

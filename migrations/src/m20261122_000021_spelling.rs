//! Names of nodes are kept in the spelling of the catalogue: what stands in another one is read anew.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000021_spelling"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Without a digest the next report of a node is a whole inventory, which is compared name by name.
        let update = Query::update()
            .table("node")
            .value("inventory_digest", Option::<String>::None)
            .take();
        manager.execute(update).await
    }
}

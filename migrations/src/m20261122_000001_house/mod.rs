//! The first schema: organisations and their people, the fleet, certificates and where they are, plans and jobs, and what
//! the server keeps for itself.

mod certificates;
mod fleet;
mod jobs;
mod people;
mod server;

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    /// Written out: derived it would be the name of this file, which every migration in a folder shares.
    fn name(&self) -> &str {
        "m20261122_000001_house"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// SQLite would not run a migration in a transaction by itself.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        server::make(manager).await?;
        people::make(manager).await?;
        fleet::make(manager).await?;
        certificates::make(manager).await?;
        jobs::make(manager).await
    }
}

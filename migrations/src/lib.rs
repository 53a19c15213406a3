//! The schema's history. Each migration spells out its own names: it knows no entity, so that an edit of an entity can
//! never rewrite what has run somewhere.
//!
//! Every table is written with the helpers of [`table`], which keep the rules for tables of an organisation: primary key
//! `(org_id, id)`, foreign keys and indexes that begin with `org_id`, row-level security on PostgreSQL.

mod m20261122_000001_house;
mod m20261122_000002_profiles;
mod m20261122_000003_vigilance;
mod m20261122_000004_lists;
mod m20261122_000005_alerts;
mod m20261122_000006_pace;
mod m20261122_000007_coverage;
mod m20261122_000008_due;
mod m20261122_000010_aftercare;
mod m20261122_000011_watchful;
mod m20261122_000012_channels;
mod m20261122_000014_family;
mod m20261122_000015_quarantine;
mod m20261122_000016_root_changes;
mod m20261122_000017_rules;
mod m20261122_000019_notices;
mod m20261122_000020_feeds;
mod m20261122_000021_spelling;
pub mod roles;
pub mod table;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, TransactionTrait};

/// All migrations in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_house::Migration),
            Box::new(m20261122_000002_profiles::Migration),
            Box::new(m20261122_000003_vigilance::Migration),
            Box::new(m20261122_000004_lists::Migration),
            Box::new(m20261122_000005_alerts::Migration),
            Box::new(m20261122_000006_pace::Migration),
            Box::new(m20261122_000007_coverage::Migration),
            Box::new(m20261122_000008_due::Migration),
            Box::new(m20261122_000010_aftercare::Migration),
            Box::new(m20261122_000011_watchful::Migration),
            Box::new(m20261122_000012_channels::Migration),
            Box::new(m20261122_000014_family::Migration),
            Box::new(m20261122_000015_quarantine::Migration),
            Box::new(m20261122_000016_root_changes::Migration),
            Box::new(m20261122_000017_rules::Migration),
            Box::new(m20261122_000019_notices::Migration),
            Box::new(m20261122_000020_feeds::Migration),
            Box::new(m20261122_000021_spelling::Migration),
        ]
    }
}

/// Key of the advisory lock under which migrations run: "certyard" as bytes, so that no other program's number meets it.
const LOCK: i64 = 0x6365_7274_7961_7264;

/// Brings the schema up to date on a connection of the owner. Any number of servers may call it at once: on PostgreSQL
/// they wait for an advisory lock, on SQLite for the write lock of one transaction.
///
/// # Errors
/// Whatever the database refuses; nothing is half applied, as each migration is one transaction.
pub async fn migrate(owner: &DatabaseConnection) -> Result<(), DbErr> {
    match owner.get_database_backend() {
        DbBackend::Postgres => {
            let lock = owner.begin().await?;
            lock.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})"))
                .await?;
            roles::create(owner).await?;
            Migrator::up(owner, None).await?;
            roles::grant(owner).await?;
            lock.commit().await
        }
        DbBackend::Sqlite => Migrator::up(owner, None).await,
        other => Err(DbErr::Custom(format!(
            "{other:?} is not supported: use SQLite or PostgreSQL"
        ))),
    }
}

/// How many migrations are still to run; 0 when the schema is up to date.
///
/// # Errors
/// Whatever the database refuses.
pub async fn pending(owner: &DatabaseConnection) -> Result<usize, DbErr> {
    Ok(Migrator::get_pending_migrations(owner).await?.len())
}

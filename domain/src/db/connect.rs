//! Opens the pools with the settings that the schema relies on.

use crate::error::{Error, Result};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use std::path::PathBuf;
use std::time::Duration;

/// Where the database is.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// `postgres://…`, or none for the embedded database.
    pub url: Option<String>,
    /// File of the embedded database.
    pub file: PathBuf,
    /// Sizes of the pools.
    pub pools: PoolSizes,
}

/// Connections at most.
#[derive(Clone, Copy, Debug)]
pub struct PoolSizes {
    /// For requests.
    pub app: u32,
    /// For loops over all organisations and for sending wake-ups; hearing them takes one more.
    pub survey: u32,
}

impl Default for PoolSizes {
    fn default() -> Self {
        Self { app: 16, survey: 2 }
    }
}

pub(super) struct Pools {
    pub app: DatabaseConnection,
    pub writer: DatabaseConnection,
    pub survey: DatabaseConnection,
}

/// A request waits this long for a connection before it is told to come back.
const ACQUIRE: Duration = Duration::from_secs(10);

pub(super) async fn open(options: &DbOptions) -> Result<Pools> {
    match &options.url {
        Some(url) => {
            let app = Database::connect(postgres(url, options.pools.app, Some("certyard_app"))?).await?;
            let survey = Database::connect(postgres(url, options.pools.survey + 1, Some("certyard_worker"))?).await?;
            Ok(Pools {
                writer: app.clone(),
                app,
                survey,
            })
        }
        None => {
            // The writer first: it makes the file and switches it to WAL.
            let writer = Database::connect(sqlite(options, 1)).await?;
            let app = Database::connect(sqlite(options, options.pools.app.min(8))).await?;
            Ok(Pools {
                survey: app.clone(),
                app,
                writer,
            })
        }
    }
}

pub(super) async fn open_owner(options: &DbOptions) -> Result<DatabaseConnection> {
    let connect = match &options.url {
        Some(url) => postgres(url, 2, None)?,
        None => sqlite(options, 1),
    };
    Ok(Database::connect(connect).await?)
}

fn common(url: String, size: u32) -> ConnectOptions {
    let mut connect = ConnectOptions::new(url);
    connect
        .max_connections(size)
        .min_connections(1)
        .acquire_timeout(ACQUIRE)
        .connect_timeout(ACQUIRE)
        .idle_timeout(Duration::from_secs(600))
        .test_before_acquire(false)
        .sqlx_logging(false);
    connect
}

fn sqlite(options: &DbOptions, size: u32) -> ConnectOptions {
    let mut connect = common(format!("sqlite://{}?mode=rwc", options.file.display()), size);
    connect.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            .pragma("temp_store", "memory")
            .pragma("cache_size", "-16384")
    });
    connect
}

fn postgres(url: &str, size: u32, role: Option<&'static str>) -> Result<ConnectOptions> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(Error::field(
            "DATABASE_URL",
            "unsupported",
            "begins with postgres:// or is left out for the embedded database",
        ));
    }
    let mut connect = common(url.into(), size);
    connect.test_before_acquire_if_idle_for(Duration::from_secs(30));
    connect.map_sqlx_postgres_opts(|postgres| postgres.application_name("certyard"));
    if let Some(role) = role {
        // Settings of a role are not applied by SET ROLE, so they are made here. A generic plan would serve one large and
        // many small organisations badly.
        let settings = format!(
            "SET ROLE {role}; SET plan_cache_mode = force_custom_plan; SET statement_timeout = '30s'; SET lock_timeout = '10s'; \
             SET idle_in_transaction_session_timeout = '60s'"
        );
        connect.map_sqlx_postgres_pool_opts(move |pool| {
            let settings = settings.clone();
            pool.after_connect(move |connection, _| {
                let settings = settings.clone();
                Box::pin(async move {
                    use sea_orm::sqlx::Executor;
                    connection
                        .execute(sea_orm::sqlx::raw_sql(sea_orm::sqlx::AssertSqlSafe(settings)))
                        .await
                        .map(|_| ())
                })
            })
        });
    }
    Ok(connect)
}

//! Settings that several commands share: where the data, the keys and the database are.

use anyhow::{Context, Result};
use certyard_domain::Db;
use certyard_domain::db::{DbOptions, PoolSizes};
use certyard_domain::keys::{KeyFiles, Keys, create_private_dir};
use certyard_worker::Reach;
use clap::Args;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;

/// Where things are.
#[derive(Args)]
pub struct StoreSettings {
    /// Folder of the embedded database and of the key files. Mode 0700; made where it is missing.
    #[arg(long, env = "CERTYARD_DATA", default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
    /// PostgreSQL to use in place of the embedded database: postgres://user:password@host/database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Connections to PostgreSQL at most, for each program.
    #[arg(long, env = "CERTYARD_DATABASE_CONNECTIONS", default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=500))]
    pub database_connections: u32,
    /// Folder of the key files `kek` and `task-signing-key`, where it is not DATA/keys. All servers share them.
    #[arg(long, env = "CERTYARD_KEY_DIR", value_name = "DIR")]
    pub key_dir: Option<PathBuf>,
    /// Key encryption key in 64 hex digits, in place of its file.
    #[arg(long, env = "CERTYARD_KEK", hide = true, hide_env_values = true, value_name = "HEX")]
    pub kek: Option<String>,
    /// The key encryption key before it, while secrets are sealed anew.
    #[arg(
        long,
        env = "CERTYARD_KEK_PREVIOUS",
        hide = true,
        hide_env_values = true,
        value_name = "HEX"
    )]
    pub kek_previous: Option<String>,
}

/// Where the server connects to for organisations.
#[derive(Args)]
pub struct OutgoingSettings {
    /// How far connections may go that organisations ask for by their settings (mail servers, channels): `public` addresses, `private` networks
    /// as well, or this host as well (`local`).
    #[arg(long, env = "CERTYARD_OUTGOING", default_value_t, value_name = "REACH")]
    pub outgoing: Reach,
}

impl StoreSettings {
    /// How to open the database. Makes the data folder, as the embedded database and the keys need it.
    pub fn database(&self) -> Result<DbOptions> {
        create_private_dir(&self.data)?;
        Ok(DbOptions {
            url: self.database_url.clone().filter(|url| !url.is_empty()),
            file: self.data.join("certyard.db"),
            pools: PoolSizes {
                app: self.database_connections,
                survey: 2,
            },
        })
    }

    /// Keeps a second program away from the embedded database until it is dropped: two would each do all the work of the
    /// worker, and not hear each other. PostgreSQL takes any number.
    pub fn lock(&self) -> Result<Option<File>> {
        let options = self.database()?;
        if options.url.is_some() {
            return Ok(None);
        }
        let path = self.data.join("lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "another Certyard runs on {}: stop it, or give this one a folder of its own by --data",
                self.data.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", path.display()))
            }
        }
    }

    /// Opens the database after bringing its schema up to date.
    pub async fn open_migrated(&self) -> Result<Db> {
        let options = self.database()?;
        migrate(&options).await?;
        self.open(&options).await
    }

    /// Opens the database; refuses one that is not there or whose schema is behind.
    pub async fn open_as_is(&self) -> Result<Db> {
        if self.database_url.as_deref().unwrap_or_default().is_empty() && !self.data.join("certyard.db").exists() {
            anyhow::bail!(
                "there is no database in {}: name the server's folder by --data, or its PostgreSQL by --database-url; `certyard serve` and \
                 `certyard migrate` make a new one",
                self.data.display()
            );
        }
        let options = self.database()?;
        let owner = Db::open_owner(&options)
            .await
            .context("the database cannot be reached")?;
        let pending = certyard_migrations::pending(&owner).await?;
        owner.close().await?;
        if pending > 0 {
            anyhow::bail!("the schema of the database is {pending} migrations behind: run `certyard migrate` first");
        }
        self.open(&options).await
    }

    async fn open(&self, options: &DbOptions) -> Result<Db> {
        Db::open(options).await.context("the database cannot be opened")
    }

    /// Where the keys of the server are.
    pub fn key_files(&self) -> KeyFiles {
        KeyFiles {
            dir: self.key_dir.clone().unwrap_or_else(|| self.data.join("keys")),
            kek: self.kek.clone(),
            previous_kek: self.kek_previous.clone(),
        }
    }

    /// Reads the keys of the server, or makes them.
    pub async fn keys(&self, db: &Db) -> Result<Keys> {
        Ok(Keys::load(db, &self.key_files()).await?)
    }
}

/// Brings the schema up to date.
pub async fn migrate(options: &DbOptions) -> Result<()> {
    let owner = Db::open_owner(options)
        .await
        .context("the database cannot be reached")?;
    certyard_migrations::migrate(&owner)
        .await
        .context("the schema could not be brought up to date")?;
    owner.close().await?;
    Ok(())
}

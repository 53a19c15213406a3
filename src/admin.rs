//! `certyard migrate` and `certyard admin`.

use crate::settings::{self, StoreSettings};
use anyhow::Result;
use certyard_domain::{orgs, people};
use clap::{Args, Subcommand};

/// Settings of `certyard migrate`.
#[derive(Args)]
pub struct MigrateSettings {
    #[command(flatten)]
    store: StoreSettings,
    /// Only print the SQL with which an administrator of PostgreSQL makes the two roles, for a user who may not.
    #[arg(long)]
    print_roles: bool,
}

/// Runs `certyard migrate`.
pub async fn migrate(settings: MigrateSettings) -> Result<()> {
    if settings.print_roles {
        println!("{}", certyard_migrations::roles::SQL);
        return Ok(());
    }
    settings::migrate(&settings.store.database()?).await?;
    println!("the schema is up to date");
    Ok(())
}

/// Settings of `certyard admin`.
#[derive(Args)]
pub struct AdminSettings {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Organisations, the tenants of this installation.
    #[command(subcommand)]
    Org(OrgCommand),
    /// Print a new set-up code for the first owner; the one before it ends.
    SetupCode {
        #[command(flatten)]
        store: StoreSettings,
    },
}

#[derive(Subcommand)]
enum OrgCommand {
    /// Make an organisation. The embedded database holds one.
    Create {
        /// Its name.
        name: String,
        #[command(flatten)]
        store: StoreSettings,
    },
    /// List the organisations: id, name.
    List {
        #[command(flatten)]
        store: StoreSettings,
    },
}

/// Runs `certyard admin`.
pub async fn run(settings: AdminSettings) -> Result<()> {
    match settings.command {
        AdminCommand::Org(OrgCommand::Create { name, store }) => {
            let db = store.open_migrated().await?;
            let keys = store.keys(&db).await?;
            let org = orgs::create(&db, &keys, &name).await?;
            println!("{}\t{}", org.id, org.name);
            db.close().await;
        }
        AdminCommand::Org(OrgCommand::List { store }) => {
            let db = store.open_as_is().await?;
            for org in orgs::list(&db).await? {
                println!("{}\t{}", org.id, org.name);
            }
            db.close().await;
        }
        AdminCommand::SetupCode { store } => {
            let db = store.open_as_is().await?;
            match people::new_setup_code(&db).await? {
                Some(code) => println!("{}", code.as_str()),
                None => {
                    anyhow::bail!("somebody has set this server up already: sign in, or ask an owner for a membership")
                }
            }
            db.close().await;
        }
    }
    Ok(())
}

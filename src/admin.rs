//! `certyard migrate` and `certyard admin`.

use crate::settings::{self, StoreSettings};
use anyhow::{Context, Result};
use certyard_domain::keys::Keys;
use certyard_domain::{Error, Role, Scope, orgs, people};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

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
    /// Have tasks signed with the key of this server's key folder from now on: only when the key that the others sign with is
    /// lost.
    ReplaceTaskKey {
        #[command(flatten)]
        store: StoreSettings,
    },
    /// Give a member another password, when they have lost theirs; all their sessions end.
    ResetPassword {
        /// Address that they sign in with.
        email: String,
        /// File with the new password, and nothing else.
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
        /// Id of the organisation, where there are several: see `certyard admin org list`.
        #[arg(long, value_name = "ID")]
        org: Option<String>,
        #[command(flatten)]
        store: StoreSettings,
    },
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
        /// Address of its first owner; the first organisation may go without and take the set-up code instead.
        #[arg(long, requires = "owner_password_file", value_name = "EMAIL")]
        owner: Option<String>,
        /// Name of that owner, where it is not the address.
        #[arg(long, requires = "owner", value_name = "NAME")]
        owner_name: Option<String>,
        /// File with that owner's first password, and nothing else.
        #[arg(long, requires = "owner", value_name = "FILE")]
        owner_password_file: Option<PathBuf>,
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
        AdminCommand::Org(OrgCommand::Create {
            name,
            owner,
            owner_name,
            owner_password_file,
            store,
        }) => {
            // Read and checked before anything is made, so that no organisation is left without its owner.
            let owner = match (owner, owner_password_file) {
                (Some(email), Some(file)) => Some(first_owner(email, owner_name, &file)?),
                _ => None,
            };
            let db = store.open_migrated().await?;
            let keys = store.keys(&db).await?;
            let org = orgs::create(&db, &keys, &name).await?;
            println!("{}\t{}", org.id, org.name);
            if let Some(owner) = owner {
                let scope = Scope::system(org.id, "command line");
                people::add_member(&db, &scope, &owner).await?;
                println!("{} is its owner", owner.email);
            }
            db.close().await;
        }
        AdminCommand::Org(OrgCommand::List { store }) => {
            let db = store.open_as_is().await?;
            for org in orgs::list(&db).await? {
                println!("{}\t{}", org.id, org.name);
            }
            db.close().await;
        }
        AdminCommand::ReplaceTaskKey { store } => {
            let db = store.open_as_is().await?;
            let id = Keys::replace_task_key(&db, &store.key_files()).await?;
            println!("tasks are signed with the key {id}: share its file with all servers and start them again");
            db.close().await;
        }
        AdminCommand::ResetPassword {
            email,
            password_file,
            org,
            store,
        } => {
            let password = read_password(&password_file)?;
            let db = store.open_as_is().await?;
            let orgs = orgs::list(&db).await?;
            let org = match (org, orgs.as_slice()) {
                (None, [only]) => only,
                (None, _) => anyhow::bail!("name the organisation by --org: `certyard admin org list` lists them"),
                (Some(id), all) => all
                    .iter()
                    .find(|one| one.id.to_string() == id)
                    .with_context(|| format!("there is no organisation {id}: `certyard admin org list` lists them"))?,
            };
            let scope = Scope::system(org.id, "command line");
            people::reset_password(&db, &scope, &email, &password)
                .await
                .with_context(|| format!("the password of {email} in {} stays as it is", org.name))?;
            println!("{email} has the new password; all sessions have ended");
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

fn read_password(file: &Path) -> Result<Zeroizing<String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let text = Zeroizing::new(text);
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_string()))
}

fn first_owner(email: String, name: Option<String>, password_file: &Path) -> Result<people::Invitation> {
    let password = read_password(password_file)?;
    let mut errors = Vec::new();
    people::check_password(&password, &email, &mut errors);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors).into());
    }
    Ok(people::Invitation {
        name: name.unwrap_or_else(|| email.clone()),
        email,
        password,
        role: Role::Owner,
        group_ids: None,
    })
}

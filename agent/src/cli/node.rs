//! `node add | list | remove` and `credentials set`.

use crate::connectors;
use crate::folder::Folder;
use crate::identity::parse_sha256;
use crate::nodes::{NginxSettings, Node, NodeSettings, NodeStore, Secrets, read_assignments};
use anyhow::{Context, bail};
use certyard_protocol::{ConnectorKind, NodeDeclaration};
use clap::{Args, Subcommand, ValueEnum};
use std::io::Read;
use std::path::PathBuf;
use zeroize::Zeroizing;

#[derive(Debug, Subcommand)]
pub(super) enum NodeCommand {
    /// Add a node; a running agent takes it up and declares it to the server.
    #[command(disable_version_flag = true)]
    Add(Box<AddArgs>),
    /// Show the nodes, without secrets.
    List,
    /// Forget a node and its credentials. The server keeps its history.
    Remove {
        /// Name of the node.
        node: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum CredentialsCommand {
    /// Set the credentials of a node, also of one that was entered on the server.
    Set {
        /// Name of the node.
        node: String,
        #[command(flatten)]
        secrets: SecretArgs,
        /// Believe this TLS certificate of the node (SHA-256) from now on, and no other.
        #[arg(long, value_name = "SHA256")]
        accept_certificate: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    /// Cisco UC nodes from release 14.
    CiscoUc,
    /// nginx on this machine.
    Nginx,
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Name of the cluster; made on the server when it is new.
    #[arg(long)]
    cluster: String,
    /// Product of the cluster: cucm, imp, cuc, cer, server.
    #[arg(long)]
    product: String,
    /// Version of the product, such as 15.
    #[arg(long, default_value = "")]
    version: String,
    /// Name of the node, as a rule its host name.
    #[arg(long)]
    name: String,
    /// Host and port of the node.
    #[arg(long)]
    address: String,
    /// publisher, subscriber or standalone.
    #[arg(long, default_value = "standalone", value_parser = ["publisher", "subscriber", "standalone"])]
    role: String,
    /// How the agent speaks to the node.
    #[arg(long)]
    connector: Kind,
    #[command(flatten)]
    secrets: SecretArgs,
    /// cisco_uc: SHA-256 of the node's TLS certificate; by default the first one that it shows is pinned.
    #[arg(long, value_name = "SHA256")]
    pin_sha256: Option<String>,
    /// nginx: main configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/nginx/nginx.conf")]
    config: PathBuf,
    /// nginx: the program, for `nginx -t`.
    #[arg(long, value_name = "PROGRAM", default_value = "/usr/sbin/nginx")]
    nginx: PathBuf,
    /// nginx: a further folder in which certificate files may be replaced; the configuration's own is allowed.
    #[arg(long, value_name = "DIR")]
    allow: Vec<PathBuf>,
    /// nginx: reload command, program and arguments, the last option of the line; by default PROGRAM -c FILE -s reload.
    #[arg(long, value_name = "ARG", num_args = 1.., allow_hyphen_values = true)]
    reload_command_argv: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct SecretArgs {
    /// cisco_uc: user with privilege level 1 on the node.
    #[arg(long)]
    user: Option<String>,
    /// File that holds the user's password, and nothing else.
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    password_file: Option<PathBuf>,
    /// Read the user's password from standard input.
    #[arg(long)]
    password_stdin: bool,
}

impl SecretArgs {
    fn password(&self) -> anyhow::Result<Option<Zeroizing<String>>> {
        let mut text = Zeroizing::new(String::new());
        match (&self.password_file, self.password_stdin) {
            (Some(file), _) => {
                let mut file = std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
                file.read_to_string(&mut text)?;
            }
            (None, true) => {
                std::io::stdin().read_to_string(&mut text)?;
            }
            (None, false) => return Ok(None),
        }
        let password = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
        if password.is_empty() {
            bail!("the password is empty");
        }
        Ok(Some(password))
    }
}

fn pin(text: &str) -> anyhow::Result<String> {
    Ok(hex::encode(parse_sha256(text).context("a SHA-256 has 64 hex digits")?))
}

pub(super) fn node_command(folder: &Folder, command: NodeCommand) -> anyhow::Result<()> {
    let store = NodeStore::open(folder)?;
    match command {
        NodeCommand::Add(args) => add(&store, *args),
        NodeCommand::List => list(&store),
        NodeCommand::Remove { node } => {
            store.remove(&node)?;
            println!("{node} and its credentials are forgotten");
            Ok(())
        }
    }
}

fn add(store: &NodeStore, args: AddArgs) -> anyhow::Result<()> {
    if args
        .address
        .rsplit_once(':')
        .is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err())
    {
        bail!("--address wants host:port, for instance {}:443", args.address);
    }
    let (connector, settings, secrets) = match args.connector {
        Kind::CiscoUc => {
            let user = args.secrets.user.clone().context("cisco_uc wants --user")?;
            let password = args
                .secrets
                .password()?
                .context("cisco_uc wants --password-file or --password-stdin")?;
            let pins = args.pin_sha256.as_deref().map(pin).transpose()?.into_iter().collect();
            let secrets = Secrets {
                user,
                password: password.to_string(),
                pins,
            };
            (ConnectorKind::CiscoUc, NodeSettings::CiscoUc, Some(secrets))
        }
        Kind::Nginx => (ConnectorKind::Nginx, NodeSettings::Nginx(nginx_settings(&args)?), None),
    };
    let declaration = NodeDeclaration {
        cluster: args.cluster,
        product: args.product,
        version: args.version,
        name: args.name.clone(),
        address: args.address,
        role: args.role,
        connector,
    };
    store.add(Node::new(declaration, settings, true), secrets.as_ref())?;
    println!("{} is added; a running agent declares it within seconds", args.name);
    Ok(())
}

fn nginx_settings(args: &AddArgs) -> anyhow::Result<NginxSettings> {
    let absolute =
        |path: &PathBuf| std::fs::canonicalize(path).with_context(|| format!("{} cannot be found", path.display()));
    let config = absolute(&args.config)?;
    let program = absolute(&args.nginx)?;
    let reload_argv = if args.reload_command_argv.is_empty() {
        let text = |path: &PathBuf| path.display().to_string();
        vec![text(&program), "-c".into(), text(&config), "-s".into(), "reload".into()]
    } else {
        args.reload_command_argv.clone()
    };
    Ok(NginxSettings {
        config,
        program,
        reload_argv,
        allowed: args.allow.iter().map(absolute).collect::<Result<_, _>>()?,
    })
}

fn list(store: &NodeStore) -> anyhow::Result<()> {
    println!(
        "{:<28} {:<20} {:<10} {:<12} {:<10} {:<28} pinned",
        "NAME", "CLUSTER", "PRODUCT", "ROLE", "CONNECTOR", "ADDRESS"
    );
    for node in store.list()? {
        let pinned = match node.settings {
            NodeSettings::CiscoUc => store.secrets(&node.name)?.pins.join(","),
            NodeSettings::Nginx(_) => "-".into(),
        };
        let product = format!("{} {}", node.product, node.version);
        println!(
            "{:<28} {:<20} {:<10} {:<12} {:<10} {:<28} {pinned}",
            node.name,
            node.cluster,
            product.trim(),
            node.role,
            node.connector().as_str(),
            node.address
        );
    }
    Ok(())
}

pub(super) fn credentials_command(folder: &Folder, command: CredentialsCommand) -> anyhow::Result<()> {
    let CredentialsCommand::Set {
        node,
        secrets,
        accept_certificate,
    } = command;
    let store = NodeStore::open(folder)?;
    let password = secrets.password()?;
    let accepted = accept_certificate.as_deref().map(pin).transpose()?;
    if store.get(&node).is_err() {
        let assigned = read_assignments(folder)?;
        let assignment = assigned.into_iter().find(|assignment| assignment.name == node);
        let assignment = assignment.with_context(|| {
            format!("neither this agent nor its server knows a node `{node}`: start the agent once, or use `node add`")
        })?;
        if assignment.connector != ConnectorKind::CiscoUc || secrets.user.is_none() || password.is_none() {
            bail!(
                "a new node of connector {} wants --user and a password, or `node add`",
                assignment.connector.as_str()
            );
        }
        let declaration = NodeDeclaration {
            cluster: assignment.cluster,
            product: assignment.product,
            version: assignment.version,
            name: assignment.name,
            address: assignment.address,
            role: assignment.role,
            connector: assignment.connector,
        };
        store.add(
            Node::new(declaration, NodeSettings::CiscoUc, false),
            Some(&Secrets::default()),
        )?;
    }
    if connectors::capability(store.get(&node)?.connector()).connector == ConnectorKind::Nginx {
        bail!("{node} is an nginx on this machine and has no credentials");
    }
    store.update_secrets(&node, |sealed| {
        if let Some(user) = secrets.user {
            sealed.user = user;
        }
        if let Some(password) = password {
            sealed.password = password.to_string();
        }
        if let Some(accepted) = accepted {
            sealed.pins = vec![accepted];
        }
    })?;
    println!("the credentials of {node} are set; a running agent uses them within seconds");
    Ok(())
}

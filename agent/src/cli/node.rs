//! `node add | set | discover | list | remove` and `credentials set`.

use super::discover::{DiscoverArgs, discover};
use crate::folder::Folder;
use crate::identity::parse_sha256;
use crate::nodes::{
    CiscoCliSettings, NginxSettings, Node, NodeError, NodeSettings, NodeStore, Secrets, read_assignments,
};
use crate::sealed::SealError;
use anyhow::{Context, bail};
use certyard_protocol::{ConnectorKind, NodeAssignment, NodeDeclaration};
use clap::{Args, Subcommand, ValueEnum};
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use uuid::Uuid;
use zeroize::Zeroizing;

#[derive(Debug, Subcommand)]
pub(super) enum NodeCommand {
    /// Add a node; a running agent takes it up and declares it to the server.
    #[command(disable_version_flag = true)]
    Add(Box<AddArgs>),
    /// Ask a node of a Cisco UC cluster over SSH which nodes the cluster has (`show network cluster`), and add them with --add.
    #[command(disable_version_flag = true)]
    Discover(Box<DiscoverArgs>),
    /// Change what was entered of a node; a running agent tells the server, which keeps the names that it gave.
    Set(SetArgs),
    /// Show the nodes, without secrets. Fails when one of them is damaged.
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
        /// Believe this SSH host key of the node (`SHA256:…`) from now on, and no other.
        #[arg(long, value_name = "FINGERPRINT")]
        accept_host_key: Option<String>,
        /// cisco_uc: port of the node's command line, for the steps that its API is not known to have.
        #[arg(long, value_name = "PORT")]
        ssh_port: Option<u16>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    /// Cisco UC nodes from release 14.
    CiscoUc,
    /// Cisco UC nodes of any release by their command line over SSH; before release 14 there is no other way.
    CiscoCli,
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
    /// Host and port of the node: of its API, for cisco_cli of its SSH server.
    #[arg(long)]
    address: String,
    /// publisher, subscriber or standalone.
    #[arg(long, default_value = "standalone", value_parser = ROLES)]
    role: String,
    /// How the agent speaks to the node.
    #[arg(long)]
    connector: Kind,
    #[command(flatten)]
    secrets: SecretArgs,
    /// cisco_uc: SHA-256 of the node's TLS certificate; by default the first one that it shows is pinned.
    #[arg(long, value_name = "SHA256")]
    pin_sha256: Option<String>,
    /// cisco_uc: port of the node's command line; without it the steps that its API is not known to have are refused.
    #[arg(long, value_name = "PORT")]
    ssh_port: Option<u16>,
    /// cisco_cli: TLS port of the node, where the served certificate is looked at.
    #[arg(long, value_name = "PORT", default_value_t = 443)]
    tls_port: u16,
    /// Fingerprint of the node's SSH host key; by default the first one that it shows is pinned.
    #[arg(long, value_name = "FINGERPRINT")]
    pin_host_key: Option<String>,
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
pub(super) struct SetArgs {
    /// Name of the node.
    node: String,
    /// Host and port of the node.
    #[arg(long, required_unless_present = "role")]
    address: Option<String>,
    /// publisher, subscriber or standalone.
    #[arg(long, value_parser = ROLES)]
    role: Option<String>,
}

const ROLES: [&str; 3] = ["publisher", "subscriber", "standalone"];

#[derive(Debug, Args)]
pub(super) struct SecretArgs {
    /// cisco_uc, cisco_cli: user with privilege level 1 on the node.
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
    /// User, password and host key of a node that is spoken to.
    pub(super) fn sign_in(&self, host_key: Option<&str>) -> anyhow::Result<Secrets> {
        let user = self.user.clone().context("--user is missing")?;
        let password = self
            .password()?
            .context("the password is missing: --password-file or --password-stdin")?;
        let mut secrets = Secrets::default();
        secrets.user = user;
        secrets.password.push_str(&password);
        secrets.host_keys.extend(host_key.map(fingerprint).transpose()?);
        Ok(secrets)
    }

    /// Asks for user and password at the terminal; gives the password.
    fn ask(&mut self, node: &str) -> anyhow::Result<Zeroizing<String>> {
        if !std::io::stdin().is_terminal() {
            bail!("give --user with --password-file or --password-stdin; only at a terminal are you asked");
        }
        eprint!("User with privilege level 1 on {node}: ");
        let mut user = String::new();
        std::io::stdin().read_line(&mut user)?;
        let password = Zeroizing::new(rpassword::prompt_password("Password (it is not shown): ")?);
        if user.trim().is_empty() || password.is_empty() {
            bail!("a user and a password are needed: nothing was changed");
        }
        self.user = Some(user.trim().to_owned());
        Ok(password)
    }

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

fn fingerprint(text: &str) -> anyhow::Result<String> {
    let base64 = text.strip_prefix("SHA256:").unwrap_or(text).trim_end_matches('=');
    if base64.len() != 43 {
        bail!("a fingerprint of a host key is `SHA256:` and 43 characters, as `ssh-keygen -l` prints it");
    }
    Ok(format!("SHA256:{base64}"))
}

pub(super) async fn node_command(folder: &Folder, command: NodeCommand) -> anyhow::Result<()> {
    let store = NodeStore::open(folder)?;
    match command {
        NodeCommand::Discover(args) => discover(&store, *args).await,
        NodeCommand::Add(args) => add(&store, *args),
        NodeCommand::Set(args) => set(&store, &read_assignments(folder)?, args),
        NodeCommand::List => list(&store, &read_assignments(folder)?),
        NodeCommand::Remove { node } => {
            let node = file_of(&store, &read_assignments(folder)?, &node);
            store.remove(&node)?;
            println!("{node} and its credentials are forgotten");
            Ok(())
        }
    }
}

/// The name under which a node is kept here, by that name or by the one that the server gave it.
fn file_of(store: &NodeStore, assigned: &[NodeAssignment], name: &str) -> String {
    let known = match store.get(name) {
        Err(NodeError::Unknown(_)) => store.list().ok().and_then(|listing| {
            let ids: Vec<Uuid> = named(assigned, name).map(|assignment| assignment.node_id).collect();
            let mut nodes = listing.nodes.into_iter();
            nodes.find(|node| node.node_id.is_some_and(|id| ids.contains(&id)))
        }),
        Ok(_) | Err(_) => None,
    };
    known.map_or_else(|| name.to_owned(), |node| node.name)
}

fn named<'a>(assigned: &'a [NodeAssignment], name: &str) -> impl Iterator<Item = &'a NodeAssignment> {
    assigned.iter().filter(move |assignment| assignment.name == name)
}

fn check_address(address: &str) -> anyhow::Result<()> {
    let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
        bail!("--address wants host:port, for instance {address}:443");
    }
    Ok(())
}

fn set(store: &NodeStore, assigned: &[NodeAssignment], args: SetArgs) -> anyhow::Result<()> {
    let name = file_of(store, assigned, &args.node);
    if !store.get(&name)?.declared {
        bail!("{name} was entered on the server: change it on the page of its cluster");
    }
    if let Some(address) = &args.address {
        check_address(address)?;
    }
    store.change(&name, |node| {
        // What is not named stays as the server has it.
        if let Some(told) = assigned.iter().find(|told| Some(told.node_id) == node.node_id) {
            node.address.clone_from(&told.address);
            node.role.clone_from(&told.role);
        }
        if let Some(address) = args.address {
            node.address = address;
        }
        if let Some(role) = args.role {
            node.role = role;
        }
    })?;
    println!("{name} is changed; a running agent tells the server within seconds");
    Ok(())
}

fn add(store: &NodeStore, args: AddArgs) -> anyhow::Result<()> {
    check_address(&args.address)?;
    let (connector, settings, secrets) = match args.connector {
        Kind::CiscoUc => {
            let mut secrets = args.secrets.sign_in(args.pin_host_key.as_deref())?;
            secrets.pins = args.pin_sha256.as_deref().map(pin).transpose()?.into_iter().collect();
            (ConnectorKind::CiscoUc, NodeSettings::CiscoUc, Some(secrets))
        }
        Kind::CiscoCli => {
            let settings = CiscoCliSettings {
                tls_port: args.tls_port,
            };
            let secrets = args.secrets.sign_in(args.pin_host_key.as_deref())?;
            (ConnectorKind::CiscoCli, NodeSettings::CiscoCli(settings), Some(secrets))
        }
        Kind::Nginx => (ConnectorKind::Nginx, NodeSettings::Nginx(nginx_settings(&args)?), None),
    };
    let declaration = NodeDeclaration {
        node_id: None,
        changed: true,
        cluster: args.cluster.trim().to_owned(),
        product: args.product,
        version: args.version,
        name: args.name.clone(),
        address: args.address,
        role: args.role,
        connector,
    };
    let mut node = Node::new(declaration, settings, true);
    node.ssh_port = args.ssh_port;
    store.add(node, secrets.as_ref())?;
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

/// What the server says of a node holds; until it said something, what was entered.
fn list(store: &NodeStore, assigned: &[NodeAssignment]) -> anyhow::Result<()> {
    println!(
        "{:<28} {:<20} {:<10} {:<12} {:<10} {:<28} {:<14} pinned",
        "NAME", "CLUSTER", "PRODUCT", "ROLE", "CONNECTOR", "ADDRESS", "STATE"
    );
    let listing = store.list()?;
    for node in &listing.nodes {
        let pinned = match node.settings {
            NodeSettings::CiscoUc | NodeSettings::CiscoCli(_) => {
                let mut secrets = store.secrets(&node.name)?;
                secrets.pins.extend(secrets.host_keys.clone());
                secrets.pins.join(",")
            }
            NodeSettings::Nginx(_) => "-".into(),
        };
        let told = assigned.iter().find(|told| Some(told.node_id) == node.node_id);
        let state = match told {
            None if node.node_id.is_none() => "not declared",
            None => "not assigned",
            Some(_) if node.changed => "changed",
            Some(_) => "assigned",
        };
        let shown = told
            .filter(|_| !node.changed)
            .cloned()
            .unwrap_or_else(|| NodeAssignment {
                node_id: Uuid::nil(),
                cluster: node.cluster.clone(),
                name: node.name.clone(),
                address: node.address.clone(),
                product: node.product.clone(),
                version: node.version.clone(),
                role: node.role.clone(),
                connector: node.connector(),
            });
        let product = format!("{} {}", shown.product, shown.version);
        println!(
            "{:<28} {:<20} {:<10} {:<12} {:<10} {:<28} {state:<14} {pinned}",
            node.name,
            shown.cluster,
            product.trim(),
            shown.role,
            shown.connector.as_str(),
            shown.address
        );
        if shown.name != node.name {
            println!("  named {} on the server", shown.name);
        }
    }
    for (name, error) in &listing.damaged {
        println!("{name:<28} damaged: {}", crate::execute::full(error));
    }
    if listing.damaged.is_empty() {
        return Ok(());
    }
    bail!("{} of the nodes cannot be worked on", listing.damaged.len())
}

pub(super) fn credentials_command(folder: &Folder, command: CredentialsCommand) -> anyhow::Result<()> {
    let CredentialsCommand::Set {
        node,
        mut secrets,
        accept_certificate,
        accept_host_key,
        ssh_port,
    } = command;
    let store = NodeStore::open(folder)?;
    let assigned = read_assignments(folder)?;
    let accepted = accept_certificate.as_deref().map(pin).transpose()?;
    let host_key = accept_host_key.as_deref().map(fingerprint).transpose()?;
    let name = file_of(&store, &assigned, &node);
    refuse_without_credentials(&store, &assigned, &name, &node)?;
    let changes_else = accepted.is_some() || host_key.is_some() || ssh_port.is_some();
    let password = match secrets.password()? {
        None if secrets.user.is_none() && !changes_else => Some(secrets.ask(&node)?),
        given => given,
    };
    match store.get(&name) {
        Ok(_) => {}
        Err(NodeError::Unknown(_)) => {
            let assignment = assignment_of(&assigned, &node)?;
            let settings = match assignment.connector {
                ConnectorKind::CiscoUc => Some(NodeSettings::CiscoUc),
                ConnectorKind::CiscoCli => Some(NodeSettings::CiscoCli(CiscoCliSettings::default())),
                ConnectorKind::Nginx => None,
            };
            let Some(settings) = settings.filter(|_| secrets.user.is_some() && password.is_some()) else {
                bail!("{name} has no credentials yet: give --user with --password-file or --password-stdin");
            };
            store.add(
                Node::new(entered(assignment), settings, false),
                Some(&Secrets::default()),
            )?;
        }
        Err(error) => return Err(error.into()),
    }
    let complete = secrets.user.is_some() && password.is_some();
    let enter = |sealed: &mut Secrets| {
        if let Some(user) = &secrets.user {
            sealed.user.clone_from(user);
        }
        if let Some(password) = &password {
            sealed.password = password.to_string();
        }
        if let Some(accepted) = &accepted {
            sealed.pins = vec![accepted.clone()];
        }
        if let Some(host_key) = &host_key {
            sealed.host_keys = vec![host_key.clone()];
        }
    };
    match store.update_secrets(&name, enter) {
        // What cannot be opened any more is entered anew.
        Err(NodeError::Seal(SealError::Broken(_))) if complete => {
            let mut sealed = Secrets::default();
            enter(&mut sealed);
            store.set_secrets(&name, &sealed)?;
        }
        updated => updated?,
    }
    if let Some(port) = ssh_port {
        store.set_ssh_port(&name, port)?;
    }
    println!("the credentials of {name} are set; a running agent uses them within seconds");
    Ok(())
}

/// Says what a node needs that has no credentials: nginx is on the machine itself.
fn refuse_without_credentials(
    store: &NodeStore,
    assigned: &[NodeAssignment],
    name: &str,
    node: &str,
) -> anyhow::Result<()> {
    match store.get(name) {
        Ok(present) if !present.connector().is_cisco() => {
            bail!("{name} is an nginx on this machine and has no credentials")
        }
        Err(NodeError::Unknown(_)) => {}
        Ok(_) | Err(_) => return Ok(()),
    }
    let told = assignment_of(assigned, node)?;
    if told.connector.is_cisco() {
        return Ok(());
    }
    bail!(
        "{name} is an nginx and has no credentials. On its machine, where an agent of the server runs:\n    \
         certyard-agent node add --connector nginx --cluster {:?} --product {} --name {} --address {} --role {}",
        told.cluster,
        told.product,
        told.name,
        told.address,
        told.role
    )
}

/// The one node of this name that the server assigned.
fn assignment_of<'a>(assigned: &'a [NodeAssignment], name: &str) -> anyhow::Result<&'a NodeAssignment> {
    let found: Vec<&NodeAssignment> = named(assigned, name).collect();
    match found.as_slice() {
        [] => bail!("neither this agent nor its server knows a node `{name}`: start the agent once, or use `node add`"),
        [one] => Ok(one),
        more => {
            let clusters: Vec<&str> = more.iter().map(|assignment| assignment.cluster.as_str()).collect();
            bail!(
                "the clusters {} each have a node `{name}`: give them names of their own on the server",
                clusters.join(", ")
            )
        }
    }
}

/// A node that was entered on the server, as it is kept here.
fn entered(assignment: &NodeAssignment) -> NodeDeclaration {
    NodeDeclaration {
        node_id: Some(assignment.node_id),
        changed: false,
        cluster: assignment.cluster.clone(),
        product: assignment.product.clone(),
        version: assignment.version.clone(),
        name: assignment.name.clone(),
        address: assignment.address.clone(),
        role: assignment.role.clone(),
        connector: assignment.connector,
    }
}

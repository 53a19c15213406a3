//! Commands of the program.

mod discover;
mod node;

use crate::agent::{Agent, Options, Stop};
use crate::folder::{Folder, FolderError};
use crate::identity::{JoinToken, Stored, join, parse_sha256};
use crate::journal::Journal;
use crate::nodes::NodeStore;
use crate::server::FirstTrust;
use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// What the process says to a service manager after the server retired the agent: do not start it again.
const EXIT_RETIRED: u8 = 3;

/// Manages the certificates of the nodes at this site for a Certyard server.
///
/// The agent connects out to the server; nothing connects to it. Node credentials and private keys stay on this machine.
///
/// First steps:
///   certyard-agent join --url https://certyard.example.org:8443 --token cyj_…
///   certyard-agent node add --cluster London --product cucm --version 15 --name cucm-pub --role publisher \
///     --address cucm-pub.example.org:443 --connector cisco_uc --user certadmin --password-stdin
///   certyard-agent run
#[derive(Debug, Parser)]
#[command(name = "certyard-agent", version, verbatim_doc_comment)]
struct Cli {
    /// Folder for identity, credentials and journal; 0700, and all files in it 0600.
    #[arg(
        long,
        global = true,
        env = "CERTYARD_AGENT_DATA",
        default_value = "/var/lib/certyard-agent"
    )]
    data: PathBuf,
    /// How log lines look.
    #[arg(long, global = true, env = "CERTYARD_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
    /// What is logged: error, warn, info, debug, or by part, such as `info,certyard_agent=debug`.
    #[arg(long, global = true, env = "CERTYARD_LOG", default_value = "info")]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Spend a join token for this machine's identity.
    Join(JoinArgs),
    /// Work: poll, run tasks, read nodes. Ends at SIGTERM; with status 3 when the server retired this agent.
    Run(RunArgs),
    /// Nodes that this agent holds.
    #[command(subcommand)]
    Node(node::NodeCommand),
    /// Credentials of nodes.
    #[command(subcommand)]
    Credentials(node::CredentialsCommand),
    /// Show identity, nodes, and what is under way. Also beside a running agent.
    Status,
}

#[derive(Debug, Args)]
struct JoinArgs {
    /// Address of the server's agent listener.
    #[arg(long, env = "CERTYARD_AGENT_URL")]
    url: String,
    /// Join token from the page Agents, `cyj_…`; best by the variable, which no list of processes shows.
    #[arg(long, env = "CERTYARD_AGENT_TOKEN", hide_env_values = true)]
    token: String,
    /// SHA-256 of the agent CA's certificate, 64 hex digits; stands behind the dot of most tokens.
    #[arg(long, env = "CERTYARD_AGENT_CA_SHA256", conflicts_with = "ca")]
    ca_sha256: Option<String>,
    /// File with the agent CA's certificate in PEM.
    #[arg(long, env = "CERTYARD_AGENT_CA")]
    ca: Option<PathBuf>,
    /// Name to show; by default the host name.
    #[arg(long, env = "CERTYARD_AGENT_NAME")]
    name: Option<String>,
    /// Give up the identity that is in the data folder. Nodes and credentials stay.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Minutes between two readings of a node.
    #[arg(long, env = "CERTYARD_AGENT_REFRESH_MINUTES", default_value_t = 15.0)]
    refresh_minutes: f64,
    /// Nodes worked on at the same time; always one task at a time for each node.
    #[arg(long, env = "CERTYARD_AGENT_PARALLEL", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024))]
    parallel: u16,
    /// The first poll waits a random part of this, so that many agents do not come at once.
    #[arg(long, env = "CERTYARD_AGENT_START_JITTER_SECONDS", default_value_t = 5.0)]
    start_jitter_seconds: f64,
    /// Seconds for which the server is asked to hold a poll; by default its own choice.
    #[arg(long, env = "CERTYARD_AGENT_POLL_HOLD_SECONDS")]
    poll_hold_seconds: Option<u64>,
}

/// Reads the command line and does it.
pub async fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logs(&cli);
    match command(cli).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("certyard-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start_logs(cli: &Cli) {
    let filter = tracing_subscriber::EnvFilter::try_new(&cli.log);
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let _ = match cli.log_format {
        LogFormat::Text => logs.with_ansi(false).try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
}

async fn command(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Join(args) => join_command(&Folder::create(&cli.data)?, args).await?,
        Command::Run(args) => return run_command(Folder::open(&cli.data)?, args).await,
        Command::Node(command) => node::node_command(&Folder::create(&cli.data)?, command).await?,
        Command::Credentials(command) => node::credentials_command(&Folder::open(&cli.data)?, command)?,
        Command::Status => status(&Folder::open(&cli.data)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn join_command(folder: &Folder, args: JoinArgs) -> anyhow::Result<()> {
    if !args.url.starts_with("https://") {
        bail!("the URL has to begin with https://");
    }
    let _held = folder.hold()?;
    let token = JoinToken::parse(&args.token)?;
    let trust = match (&args.ca_sha256, &args.ca) {
        (Some(text), _) => FirstTrust::CaSha256(parse_sha256(text).context("--ca-sha256 wants 64 hex digits")?),
        (None, Some(file)) => {
            let pem = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            FirstTrust::CaPem(pem)
        }
        (None, None) => token.first_trust(),
    };
    let stored = join(folder, &args.url, &token, &trust, args.name, args.force).await?;
    if args.force {
        // Another agent to the server, perhaps another server: what was entered here is told anew.
        let store = NodeStore::open(folder)?;
        for node in store.list()?.nodes.iter().filter(|node| node.declared) {
            store.change(&node.name, |_| {})?;
        }
    }
    println!(
        "This machine is agent {}. Its nodes: `certyard-agent node add`, then `certyard-agent run`.",
        stored.identity.agent_id
    );
    Ok(())
}

async fn run_command(folder: Folder, args: RunArgs) -> anyhow::Result<ExitCode> {
    let seconds = |value: f64, name: &str| {
        Duration::try_from_secs_f64(value).map_err(|_| anyhow::anyhow!("{name} is not a length of time"))
    };
    let options = Options {
        refresh: seconds(args.refresh_minutes * 60.0, "--refresh-minutes")?.max(Duration::from_secs(1)),
        parallel: args.parallel.into(),
        start_jitter: seconds(args.start_jitter_seconds, "--start-jitter-seconds")?,
        poll_hold_seconds: args.poll_hold_seconds,
    };
    let _held = hold(&folder).await?;
    let agent = Arc::new(Agent::open(folder, options)?);
    let stopper = agent.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        stopper.stop(Stop::Asked);
    });
    Ok(match crate::run::run(agent).await {
        Stop::Asked => ExitCode::SUCCESS,
        Stop::Retired => ExitCode::from(EXIT_RETIRED),
    })
}

/// A command that the former process had just begun to start can hold the folder for a moment longer than that process.
async fn hold(folder: &Folder) -> anyhow::Result<std::fs::File> {
    let mut tries = 0;
    loop {
        match folder.hold() {
            Err(FolderError::InUse { .. }) if tries < 30 => tries += 1,
            held => return Ok(held?),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

fn status(folder: &Folder) -> anyhow::Result<()> {
    match Stored::load(folder) {
        Ok(stored) => {
            let identity = &stored.identity;
            println!("agent        {}", identity.agent_id);
            println!("organisation {}", identity.org_id);
            println!("server       {}", stored.url);
            println!(
                "identity     generation {}, until {}, renewed from {}",
                identity.generation,
                identity.not_after,
                stored.renew_at()
            );
        }
        Err(error) => println!("identity     {error}"),
    }
    let contact = folder.read("contact")?.unwrap_or_else(|| b"never".to_vec());
    println!("last contact {}", String::from_utf8_lossy(&contact));
    let listing = NodeStore::open(folder)?.list()?;
    println!("nodes        {}", listing.nodes.len());
    for (name, error) in &listing.damaged {
        println!("damaged      {name}: {}", crate::execute::full(error));
    }
    let (open, undelivered) = Journal::count(folder)?;
    println!("tasks        {open} under way, {undelivered} results not delivered yet");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}

//! `certyard serve`, `certyard api` and `certyard worker`.

use crate::settings::{OutgoingSettings, StoreSettings};
use anyhow::{Context, Result};
use certyard_api::{Config, Network, Secret, Server, TlsFiles};
use certyard_domain::keys::Keys;
use certyard_domain::{Db, orgs, people};
use clap::Args;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;

/// Settings of `certyard serve` and `certyard api`.
#[derive(Args)]
pub struct ServeSettings {
    #[command(flatten)]
    store: StoreSettings,
    #[command(flatten)]
    outgoing: OutgoingSettings,
    /// Address of the API and the dashboard.
    #[arg(long, env = "CERTYARD_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR")]
    listen: SocketAddr,
    /// Address of the agents' listener: TLS in both directions, with certificates of Certyard's own agent CA.
    #[arg(
        long,
        env = "CERTYARD_AGENT_LISTEN",
        default_value = "127.0.0.1:8443",
        value_name = "ADDR"
    )]
    agent_listen: SocketAddr,
    /// Address of `/metrics`, `/readyz` and `/healthz`; keep it away from the public. `off` for none.
    #[arg(
        long,
        env = "CERTYARD_OPS_LISTEN",
        default_value = "127.0.0.1:9090",
        value_name = "ADDR"
    )]
    ops_listen: OptionalAddress,
    /// What people type into the browser: https://certyard.example.org. Default: made from --listen.
    #[arg(long, env = "CERTYARD_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// What agents are told to connect to: https://certyard.example.org:8443. Default: made from --agent-listen.
    #[arg(long, env = "CERTYARD_AGENT_URL", value_name = "URL")]
    agent_url: Option<String>,
    /// Certificate chain in PEM, to serve HTTPS on --listen. Read again when the file changes.
    #[arg(long, env = "CERTYARD_TLS_CERT", requires = "tls_key", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Private key in PEM for --tls-cert.
    #[arg(long, env = "CERTYARD_TLS_KEY", requires = "tls_cert", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Address or network of a proxy whose forwarding headers are believed, for instance 10.0.0.0/8. May be repeated.
    #[arg(long, env = "CERTYARD_TRUSTED_PROXY", value_delimiter = ',', value_name = "CIDR")]
    trusted_proxy: Vec<Network>,
    /// Folder of a dashboard to serve in place of the embedded one.
    #[arg(long, env = "CERTYARD_UI_DIR", value_name = "DIR")]
    ui_dir: Option<PathBuf>,
    /// A value that is accepted as an API token of an owner of the first organisation, for scripts.
    #[arg(
        long,
        env = "CERTYARD_BOOTSTRAP_TOKEN",
        hide = true,
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    bootstrap_token: Option<String>,
}

/// Settings of `certyard worker`.
#[derive(Args)]
pub struct WorkerSettings {
    #[command(flatten)]
    store: StoreSettings,
    #[command(flatten)]
    outgoing: OutgoingSettings,
    /// What people type into the browser: links in mails begin with it.
    #[arg(
        long,
        env = "CERTYARD_PUBLIC_URL",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    public_url: String,
    /// Address of `/metrics`, `/readyz` and `/healthz`. `off` for none.
    #[arg(
        long,
        env = "CERTYARD_OPS_LISTEN",
        default_value = "127.0.0.1:9090",
        value_name = "ADDR"
    )]
    ops_listen: OptionalAddress,
}

/// An address, or `off`.
#[derive(Clone, Copy, Debug)]
struct OptionalAddress(Option<SocketAddr>);

impl std::str::FromStr for OptionalAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        text.parse()
            .map(|address| Self(Some(address)))
            .map_err(|_| "an address like 127.0.0.1:9090, or off".into())
    }
}

/// Shortest bootstrap token that is accepted: it is as good as a password of the owner.
const BOOTSTRAP_LENGTH: usize = 16;

/// Runs `certyard serve` (with the worker) or `certyard api` (without).
pub async fn serve(settings: ServeSettings, with_worker: bool) -> Result<()> {
    let _alone = settings.store.lock()?;
    let db = if with_worker {
        settings.store.open_migrated().await?
    } else {
        settings.store.open_as_is().await?
    };
    let keys = Arc::new(settings.store.keys(&db).await?);
    let code_file = settings.store.data.join("setup-code");
    let config = config(&settings, code_file.clone())?;
    if config.bootstrap_token.is_some() && !orgs::any(&db).await? {
        orgs::create(&db, &keys, "First organisation").await?;
    }
    let server = Server::bind(config, db.clone(), keys.clone()).await?;
    let public_url = server.public_url().to_string();
    let addresses = server.addresses();
    tracing::info!(listen = %addresses.listen, agents = %addresses.agent, "Certyard listens");
    if !addresses.listen.ip().is_loopback() && settings.tls_cert.is_none() && settings.trusted_proxy.is_empty() {
        tracing::warn!(
            "passwords travel in clear: give --tls-cert and --tls-key, or put a proxy with TLS in front and name it by --trusted-proxy"
        );
    }
    offer_set_up(&db, &code_file, &public_url).await?;
    let shutdown = on_signal()?;
    let worker = with_worker.then(|| {
        tokio::spawn(seal_anew(db.clone(), keys.clone()));
        let reach = settings.outgoing.outgoing;
        let tools = certyard_worker::Tools::new(db.clone(), keys.clone(), &public_url, reach);
        tokio::spawn(certyard_worker::run(tools, shutdown.clone()))
    });
    let served = server.run(shutdown).await;
    if let Some(worker) = worker {
        // A server that fails by itself takes the worker with it: nobody will ask that one to stop.
        if served.is_err() {
            worker.abort();
        } else {
            worker.await?;
        }
    }
    db.close().await;
    served?;
    tracing::info!("Certyard has stopped");
    Ok(())
}

fn config(settings: &ServeSettings, code_file: PathBuf) -> Result<Config> {
    let bootstrap = settings.bootstrap_token.clone().filter(|token| !token.is_empty());
    if bootstrap.as_ref().is_some_and(|token| token.len() < BOOTSTRAP_LENGTH) {
        anyhow::bail!(
            "CERTYARD_BOOTSTRAP_TOKEN is shorter than {BOOTSTRAP_LENGTH} characters: make it long and random"
        );
    }
    let tls = match (&settings.tls_cert, &settings.tls_key) {
        (Some(certificate), Some(key)) => Some(TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        }),
        _ => None,
    };
    Ok(Config {
        post: Some(Arc::new(certyard_worker::Mailer {
            reach: settings.outgoing.outgoing,
        })),
        listen: settings.listen,
        agent_listen: settings.agent_listen,
        ops_listen: settings.ops_listen.0,
        public_url: settings.public_url.clone(),
        agent_url: settings.agent_url.clone(),
        tls,
        trusted_proxies: settings.trusted_proxy.clone(),
        ui_dir: settings.ui_dir.clone(),
        bootstrap_token: bootstrap.map(Secret::new),
        on_set_up: Some(Arc::new(move || {
            // Spent: the file is of no use any more, and a missing one is as good.
            let _ = std::fs::remove_file(&code_file);
        })),
        ..Config::default()
    })
}

/// While there is nobody yet, prints a set-up code and keeps it in a file for scripts and for people who missed it.
async fn offer_set_up(db: &Db, code_file: &Path, public_url: &str) -> Result<()> {
    let Some(code) = people::new_setup_code(db).await? else {
        return Ok(());
    };
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(code_file)
        .with_context(|| format!("{} cannot be written", code_file.display()))?;
    file.write_all(code.as_bytes())?;
    println!(
        "Nobody has set Certyard up yet. Open {public_url} and enter the set-up code {} (also in {})",
        code.as_str(),
        code_file.display()
    );
    Ok(())
}

/// Runs `certyard worker`.
pub async fn worker(settings: WorkerSettings) -> Result<()> {
    let _alone = settings.store.lock()?;
    let db = settings.store.open_as_is().await?;
    let keys = Arc::new(settings.store.keys(&db).await?);
    tokio::spawn(seal_anew(db.clone(), keys.clone()));
    let shutdown = on_signal()?;
    let ops = settings
        .ops_listen
        .0
        .map(|address| tokio::spawn(certyard_api::serve_ops(address, db.clone(), shutdown.clone())));
    tracing::info!("the worker runs");
    let public_url = settings.public_url.trim_end_matches('/');
    let tools = certyard_worker::Tools::new(db.clone(), keys, public_url, settings.outgoing.outgoing);
    certyard_worker::run(tools, shutdown).await;
    if let Some(ops) = ops {
        ops.await??;
    }
    db.close().await;
    Ok(())
}

/// After a change of the key encryption key, seals with the new one what the former had sealed.
async fn seal_anew(db: Db, keys: Arc<Keys>) {
    match orgs::reseal(&db, &keys).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(
            count,
            "secrets were sealed anew; CERTYARD_KEK_PREVIOUS is not needed any more"
        ),
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "secrets could not be sealed anew"
        ),
    }
}

/// Turns true on SIGTERM and on Ctrl-C.
fn on_signal() -> Result<watch::Receiver<bool>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        let _ = sender.send(true);
        // A second signal ends the program at once.
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(130);
    });
    Ok(receiver)
}

//! Starts and stops the listeners.

use crate::config::Config;
use crate::limit::Limits;
use crate::state::{App, State};
use crate::{agent_listener, dashboard, docs, error, gate, ops, routes, tls, wrap};
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web::{self, PathConfig};
use actix_web::{App as Web, HttpServer};
use certyard_domain::Db;
use certyard_domain::keys::Keys;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use utoipa_actix_web::AppExt;

/// What is under way at a stop has so long to end.
const STOP_SECONDS: u64 = 20;
/// Rate limits forget whoever has not come so often.
const TIDY: Duration = Duration::from_secs(60);
/// The certificate of the agent listener lives 30 days.
const RENEW_LISTENER: Duration = Duration::from_secs(24 * 3600);

/// Listeners that are bound, and not yet served.
pub struct Server {
    state: App,
    stop: watch::Sender<bool>,
    listen: TcpListener,
    agents: TcpListener,
    ops: Option<TcpListener>,
    addresses: Addresses,
}

/// Where a server listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// For people and programs.
    pub listen: SocketAddr,
    /// For agents.
    pub agent: SocketAddr,
    /// For operators.
    pub ops: Option<SocketAddr>,
}

/// Binds all listeners and serves until `shutdown` turns true; then ends what is under way.
///
/// # Errors
/// An address cannot be bound, or the server's own certificate cannot be used.
pub async fn serve(config: Config, db: Db, keys: Arc<Keys>, shutdown: watch::Receiver<bool>) -> io::Result<()> {
    Server::bind(config, db, keys).await?.run(shutdown).await
}

/// Serves metrics, health and readiness alone, until `shutdown` turns true: for a program without an API.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve_ops(address: SocketAddr, db: Db, shutdown: watch::Receiver<bool>) -> io::Result<()> {
    let _ = ops::recorder();
    let server = ops_server(db, shutdown.clone(), bind(address)?)?;
    let handle = server.handle();
    let serving = tokio::spawn(server);
    turned(shutdown).await;
    handle.stop(true).await;
    serving.await.map_err(io::Error::other)?
}

async fn turned(mut shutdown: watch::Receiver<bool>) {
    // Whoever dropped the other end wants no more.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

impl Server {
    /// Binds all listeners, so that their addresses are known.
    ///
    /// # Errors
    /// An address cannot be bound, or the certificate or key cannot be used: the message names it.
    pub async fn bind(config: Config, db: Db, keys: Arc<Keys>) -> io::Result<Self> {
        // Before anything says that it listens.
        if let Some(files) = &config.tls {
            tls::read(files)?;
        }
        let listen = bind(config.listen)?;
        let agents = bind(config.agent_listen)?;
        let ops = config.ops_listen.map(bind).transpose()?;
        let addresses = Addresses {
            listen: listen.local_addr()?,
            agent: agents.local_addr()?,
            ops: ops.as_ref().map(TcpListener::local_addr).transpose()?,
        };
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let trimmed = |url: &str| url.trim_end_matches('/').to_string();
        let public_url = match &config.public_url {
            Some(url) => trimmed(url),
            None => format!("{scheme}://{}", addresses.listen),
        };
        let agent_url = match &config.agent_url {
            Some(url) => trimmed(url),
            None => format!("https://{}", addresses.agent),
        };
        let (stop, stopping) = watch::channel(false);
        let state = web::Data::new(State {
            limits: Limits::new(config.rates),
            db,
            keys,
            config,
            public_url,
            agent_url,
            waiters: Arc::default(),
            bundle_known: Mutex::default(),
            stopping,
        });
        Ok(Self {
            state,
            stop,
            listen,
            agents,
            ops,
            addresses,
        })
    }

    /// Where it listens, with the ports that the system chose.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// How people reach the server.
    pub fn public_url(&self) -> &str {
        &self.state.public_url
    }

    /// Serves until `shutdown` turns true. Held polls and event streams are then answered at once; other requests have 20
    /// seconds to end.
    ///
    /// # Errors
    /// A listener fails.
    pub async fn run(self, shutdown: watch::Receiver<bool>) -> io::Result<()> {
        let _ = ops::recorder();
        let mut helpers = JoinSet::new();
        let mut servers = JoinSet::new();
        let mut handles = Vec::new();
        let mut start = |server: actix_web::dev::Server| {
            handles.push(server.handle());
            servers.spawn(server);
        };

        start(main_server(&self.state, self.listen, &mut helpers)?);
        start(agent_server(&self.state, self.agents, &mut helpers).await?);
        if let Some(listener) = self.ops {
            start(ops_server(
                self.state.db.clone(),
                self.state.stopping.clone(),
                listener,
            )?);
        }
        helpers.spawn(self.state.waiters.clone().hear(self.state.db.signal().clone()));
        let state = self.state.clone();
        helpers.spawn(async move {
            loop {
                tokio::time::sleep(TIDY).await;
                state.limits.tidy();
            }
        });

        let ended = tokio::select! {
            () = turned(shutdown) => None,
            ended = servers.join_next() => ended,
        };
        // Waiters first, so that the listeners find nobody who waits.
        let _ = self.stop.send(true);
        futures_util::future::join_all(handles.iter().map(|handle: &ServerHandle| handle.stop(true))).await;
        helpers.shutdown().await;
        let mut result = ended.map_or(Ok(()), |ended| {
            ended.unwrap_or_else(|error| Err(io::Error::other(error)))
        });
        while let Some(ended) = servers.join_next().await {
            result = result.and(ended.unwrap_or_else(|error| Err(io::Error::other(error))));
        }
        result
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let named = |error: io::Error| {
        let why = if error.kind() == io::ErrorKind::AddrInUse {
            "another program listens there: stop it, or choose another address".to_string()
        } else {
            error.to_string()
        };
        io::Error::new(error.kind(), format!("cannot listen on {address}: {why}"))
    };
    let listener = TcpListener::bind(address).map_err(named)?;
    listener.set_nonblocking(true).map_err(named)?;
    Ok(listener)
}

fn main_server(state: &App, listener: TcpListener, helpers: &mut JoinSet<()>) -> io::Result<actix_web::dev::Server> {
    let data = state.clone();
    let mut server = HttpServer::new(move || {
        let (app, _) = Web::new()
            .into_utoipa_app()
            .map(|app| {
                app.app_data(data.clone())
                    .app_data(PathConfig::default().error_handler(error::path_error))
                    .wrap(from_fn(gate::gate))
                    .wrap(from_fn(wrap::wrap))
            })
            .configure(routes::register)
            .map(|app| {
                app.service(docs::document)
                    .service(docs::to_page)
                    .service(docs::page)
                    .default_service(web::to(dashboard::serve))
            })
            .split_for_parts();
        app
    })
    .disable_signals()
    .shutdown_timeout(STOP_SECONDS)
    .h1_allow_half_closed(false);
    if state.config.workers > 0 {
        server = server.workers(state.config.workers);
    }
    Ok(match &state.config.tls {
        Some(files) => {
            let (config, current) = tls::server_config(tls::read(files)?, None)?;
            helpers.spawn(tls::reload(files.clone(), current));
            server.listen_rustls_0_23(listener, config)?
        }
        None => server.listen(listener)?,
    }
    .run())
}

async fn agent_server(
    state: &App,
    listener: TcpListener,
    helpers: &mut JoinSet<()>,
) -> io::Result<actix_web::dev::Server> {
    let data = state.clone();
    let own = listener.local_addr()?;
    let make = async move || agent_listener::certificate(&data, own).await;
    let clients = tls::clients(&state.keys.bundle_pem())?;
    let (config, current) = tls::server_config(make().await?, Some(clients))?;
    helpers.spawn(tls::renew(RENEW_LISTENER, current, make));
    let data = state.clone();
    Ok(HttpServer::new(move || {
        Web::new()
            .app_data(data.clone())
            .app_data(PathConfig::default().error_handler(error::path_error))
            .wrap(from_fn(agent_listener::admit))
            .wrap(from_fn(wrap::wrap))
            .configure(agent_listener::register)
    })
    .on_connect(agent_listener::remember_peer)
    .workers(if state.config.workers > 0 {
        state.config.workers
    } else {
        2
    })
    .disable_signals()
    .shutdown_timeout(STOP_SECONDS)
    .h1_allow_half_closed(false)
    .listen_rustls_0_23(listener, config)?
    .run())
}

fn ops_server(db: Db, stopping: watch::Receiver<bool>, listener: TcpListener) -> io::Result<actix_web::dev::Server> {
    let data = web::Data::new(ops::Ops {
        db,
        stopping,
        alerting: std::sync::Arc::default(),
    });
    let server = HttpServer::new(move || Web::new().app_data(data.clone()).configure(ops::register))
        .workers(1)
        .disable_signals()
        .shutdown_timeout(STOP_SECONDS);
    Ok(server.listen(listener)?.run())
}

//! One node on the wire: its ports, its TLS certificate, its credentials and its faults.

use crate::{
    cluster::Cluster,
    faults::{Failure, NodeFaults, Trouble},
    keys::Keys,
    lab::Inner,
    record::{Operation, Record, Request as Seen},
    rest::{Call, answer, error_body, route},
    ssh,
    state::Served,
    version::Version,
};
use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::Utc;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Response, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::CertificateDer;
use std::{
    net::SocketAddr,
    pin::pin,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// The certificate that a port serves, until the node's service is restarted.
#[derive(Debug)]
pub(crate) struct Serving(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Serving {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn certified(served: &Served, keys: &Keys) -> anyhow::Result<Arc<CertifiedKey>> {
    let chain = served
        .chain
        .iter()
        .map(|stored| CertificateDer::from(stored.der.clone()))
        .collect();
    Ok(Arc::new(CertifiedKey::new(chain, keys.serving(&served.key)?)))
}

/// What all connections of a node are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Serve; a new number means that the service was restarted and that every connection ends after its request.
    Serving(u64),
    /// Break off.
    Cut,
}

/// A port of the node.
#[derive(Debug)]
enum Door {
    Open(JoinHandle<()>),
    /// Bound without listening: connections are refused and nobody else gets the port.
    Shut(TcpSocket),
    Gone,
}

/// One node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) cluster: Arc<Cluster>,
    /// Its place in the cluster.
    pub(crate) index: usize,
    pub(crate) address: SocketAddr,
    /// Where its command line listens.
    pub(crate) ssh_address: SocketAddr,
    /// SHA-256 of its SSH host key.
    pub(crate) ssh_host_key: String,
    /// The lab around it.
    pub(crate) home: OnceLock<Weak<Inner>>,
    version: Version,
    authorization: String,
    serving: Arc<Serving>,
    tls: Arc<ServerConfig>,
    faults: Mutex<NodeFaults>,
    record: Arc<Record>,
    phase: watch::Sender<Phase>,
    door: tokio::sync::Mutex<Door>,
    ssh: Arc<russh::server::Config>,
    ssh_door: tokio::sync::Mutex<Door>,
}

/// What a node listens with.
pub(crate) struct Sockets {
    /// For its API.
    pub(crate) tls: TcpSocket,
    /// For its command line.
    pub(crate) ssh: TcpSocket,
}

/// Binds the port, or any free one where it is taken.
pub(crate) fn bind(address: SocketAddr) -> anyhow::Result<TcpSocket> {
    let bind_to = |address: SocketAddr| -> std::io::Result<TcpSocket> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(socket)
    };
    match bind_to(address) {
        Err(error) if address.port() != 0 && error.kind() == std::io::ErrorKind::AddrInUse => {
            bind_to(SocketAddr::new(address.ip(), 0))
        }
        bound => bound,
    }
    .with_context(|| format!("cannot listen on {address}"))
}

impl Node {
    /// A node whose ports are bound and not yet open.
    pub(crate) fn new(
        cluster: Arc<Cluster>,
        index: usize,
        sockets: Sockets,
        host_key: russh::keys::PrivateKey,
        provider: Arc<CryptoProvider>,
        record: Arc<Record>,
    ) -> anyhow::Result<Self> {
        let (name, served, credentials, version) = cluster.read(|state| {
            let node = state.nodes.get(index).context("no such node in its cluster")?;
            anyhow::Ok((
                node.name.clone(),
                node.served.clone(),
                format!("{}:{}", node.user, node.password),
                state.version,
            ))
        })?;
        let serving = Arc::new(Serving(RwLock::new(certified(&served, &cluster.keys)?)));
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&serving) as _;
        let mut tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        // A resumed session would show the certificate of before a restart; and a thousand nodes need no memory for sessions.
        tls.session_storage = Arc::new(NoServerSessionStorage {});
        tls.send_tls13_tickets = 0;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            name,
            cluster,
            index,
            address: sockets.tls.local_addr()?,
            ssh_address: sockets.ssh.local_addr()?,
            ssh_host_key: ssh::fingerprint(&host_key),
            home: OnceLock::new(),
            version,
            authorization: format!("Basic {}", STANDARD.encode(credentials)),
            serving,
            tls: Arc::new(tls),
            faults: Mutex::default(),
            record,
            phase: watch::Sender::new(Phase::Serving(0)),
            door: tokio::sync::Mutex::new(Door::Shut(sockets.tls)),
            ssh: Arc::new(ssh::config(host_key)),
            ssh_door: tokio::sync::Mutex::new(Door::Shut(sockets.ssh)),
        })
    }

    /// Opens the ports.
    pub(crate) async fn open(self: &Arc<Self>) -> anyhow::Result<()> {
        let node = Arc::clone(self);
        let opened = open(&self.door, self.address, |listener| {
            self.phase.send_modify(|phase| *phase = next(*phase));
            accept(listener, self.name.clone(), move |stream| {
                converse(Arc::clone(&node), stream, node.phase.subscribe())
            })
        });
        opened.await?;
        let node = Arc::clone(self);
        let opened = open(&self.ssh_door, self.ssh_address, |listener| {
            accept(listener, self.name.clone(), move |stream| {
                converse_ssh(Arc::clone(&node), stream, node.phase.subscribe())
            })
        });
        opened.await
    }

    /// Closes the ports and every connection, and keeps the ports for later.
    pub(crate) async fn shut(&self) -> anyhow::Result<()> {
        for (door, address) in self.doors() {
            let mut door = door.lock().await;
            if self.close(&mut door).await {
                *door = Door::Shut(bind(address)?);
            }
        }
        Ok(())
    }

    /// Closes the ports and every connection for good.
    pub(crate) async fn end(&self) {
        for (door, _) in self.doors() {
            let mut door = door.lock().await;
            self.close(&mut door).await;
            *door = Door::Gone;
        }
    }

    /// As [`Self::end`], without waiting for the ports to be free.
    pub(crate) fn end_now(&self) {
        for (door, _) in self.doors() {
            if let Ok(mut door) = door.try_lock()
                && let Door::Open(task) = std::mem::replace(&mut *door, Door::Gone)
            {
                task.abort();
            }
        }
        self.phase.send_replace(Phase::Cut);
    }

    fn doors(&self) -> [(&tokio::sync::Mutex<Door>, SocketAddr); 2] {
        [(&self.door, self.address), (&self.ssh_door, self.ssh_address)]
    }

    async fn close(&self, door: &mut Door) -> bool {
        let Door::Open(task) = door else { return false };
        task.abort();
        // It answers that it was aborted, which is what is wanted: the listener is gone then.
        let _ = task.await;
        self.phase.send_replace(Phase::Cut);
        true
    }

    /// These are the credentials of the node's administrator.
    pub(crate) fn knows(&self, user: &str, password: &str) -> bool {
        self.authorization == format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
    }

    /// Restarts the service of the node's TLS port.
    pub(crate) fn restart_tomcat(&self) -> anyhow::Result<()> {
        let lab = self.home.get().and_then(Weak::upgrade).context("the lab is ending")?;
        lab.restart(&self.name).map(drop)
    }

    /// Serves what the state says from now on, and ends the connections that know the former certificate.
    pub(crate) fn take_up(&self, served: &Served) -> anyhow::Result<()> {
        let certified = certified(served, &self.cluster.keys)?;
        *self.serving.0.write().unwrap_or_else(PoisonError::into_inner) = certified;
        self.phase.send_if_modified(|phase| match phase {
            Phase::Serving(number) => {
                *number += 1;
                true
            }
            Phase::Cut => false,
        });
        Ok(())
    }

    pub(crate) fn add_trouble(&self, trouble: Trouble) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).add(trouble);
    }

    pub(crate) fn clear_troubles(&self) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn is_offline(&self) -> bool {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).offline()
    }

    pub(crate) fn take_failure(&self, operation: Operation) -> Option<Failure> {
        self.faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(operation)
    }

    pub(crate) fn delay(&self) -> Duration {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).delay()
    }

    pub(crate) fn note(&self, operation: Option<Operation>, service: String, status: u16, changed: bool) {
        let node = self.name.clone();
        self.record.add(Seen {
            at: Utc::now(),
            node,
            operation,
            service,
            status,
            changed,
        });
    }
}

fn next(phase: Phase) -> Phase {
    match phase {
        Phase::Serving(number) => Phase::Serving(number + 1),
        Phase::Cut => Phase::Serving(0),
    }
}

/// Listens at a door that is shut.
async fn open<T: Future<Output = ()> + Send + 'static>(
    door: &tokio::sync::Mutex<Door>,
    address: SocketAddr,
    task: impl FnOnce(TcpListener) -> T,
) -> anyhow::Result<()> {
    let mut door = door.lock().await;
    if let Door::Open(_) = &*door {
        return Ok(());
    }
    let socket = match std::mem::replace(&mut *door, Door::Gone) {
        Door::Shut(socket) => socket,
        Door::Open(_) | Door::Gone => anyhow::bail!("the port {address} was given up"),
    };
    let listener = socket
        .listen(128)
        .with_context(|| format!("cannot listen on {address}"))?;
    *door = Door::Open(tokio::spawn(task(listener)));
    Ok(())
}

async fn accept<T: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    node: String,
    converse: impl Fn(TcpStream) -> T,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(converse(stream));
            }
            Err(error) => {
                tracing::warn!(node, %error, "a connection could not be accepted");
                // Most likely there are no file descriptors left; trying at once would only burn time.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// A conversation over SSH lasts over a restart of the service behind the other port.
async fn converse_ssh(node: Arc<Node>, stream: TcpStream, mut phase: watch::Receiver<Phase>) {
    let config = Arc::clone(&node.ssh);
    let mut conversation = pin!(ssh::converse(node, config, stream));
    loop {
        tokio::select! {
            () = conversation.as_mut() => return,
            changed = phase.changed() => {
                if changed.is_err() || *phase.borrow_and_update() == Phase::Cut {
                    return;
                }
            }
        }
    }
}

async fn converse(node: Arc<Node>, stream: TcpStream, mut phase: watch::Receiver<Phase>) {
    let _ = stream.set_nodelay(true);
    let shaking = TlsAcceptor::from(Arc::clone(&node.tls)).accept(stream);
    let tls = match tokio::time::timeout(Duration::from_secs(10), shaking).await {
        Ok(Ok(tls)) => tls,
        Ok(Err(error)) => return tracing::debug!(node = node.name, %error, "no TLS session"),
        Err(_) => return tracing::debug!(node = node.name, "no TLS session in time"),
    };
    let serve = service_fn(|request| handle(Arc::clone(&node), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(60))
        .serve_connection(TokioIo::new(tls), serve);
    let mut connection = pin!(connection);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(node = node.name, %error, "a connection broke");
                }
                return;
            }
            changed = phase.changed() => {
                let now = *phase.borrow_and_update();
                match (changed, now) {
                    (Ok(()), Phase::Serving(_)) => connection.as_mut().graceful_shutdown(),
                    (Err(_), _) | (_, Phase::Cut) => return,
                }
            }
        }
    }
}

/// The connection is to break without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is broken off because a fault says so")]
struct Broken;

/// No answer of a CA is that large.
const BODY_BYTES: usize = 1024 * 1024;

async fn handle(node: Arc<Node>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
    tokio::time::sleep(node.delay()).await;
    if !node.version.has_rest() {
        node.note(None, String::new(), 404, false);
        return Ok(no_such_page());
    }
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if given != Some(node.authorization.as_str()) {
        node.note(None, String::new(), 401, false);
        let mut response = respond(401, &error_body("Authentication failed"));
        let realm = header::HeaderValue::from_static("Basic realm=\"CMPlatform\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
        return Ok(response);
    }
    let operation = match route(request.method().as_str(), request.uri().path()) {
        Ok(operation) => operation,
        Err(status) => {
            node.note(None, String::new(), status, false);
            return Ok(respond(status, &error_body("There is no such operation")));
        }
    };
    let failure = node.take_failure(operation);
    match failure {
        Some(Failure::Status(status)) => {
            node.note(Some(operation), String::new(), status, false);
            return Ok(respond(status, &error_body("The lab was told to fail here")));
        }
        Some(Failure::Drop) => {
            node.note(Some(operation), String::new(), 0, false);
            return Err(Broken);
        }
        // Nothing is deleted from a trust store over the API.
        Some(Failure::LoseAnswer | Failure::Absent) | None => {}
    }
    let service = request.uri().query().and_then(|query| {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix("service="))
            .map(str::to_owned)
    });
    let Ok(body) = Limited::new(request.into_body(), BODY_BYTES).collect().await else {
        node.note(Some(operation), String::new(), 413, false);
        return Ok(respond(413, &error_body("The request is too large or was broken off")));
    };
    let call = Call {
        operation,
        service,
        body: body.to_bytes().to_vec(),
    };
    let (cluster, index) = (Arc::clone(&node.cluster), node.index);
    let Ok(answer) = tokio::task::spawn_blocking(move || answer(&cluster, index, &call)).await else {
        return Err(Broken);
    };
    if failure == Some(Failure::LoseAnswer) {
        node.note(Some(operation), answer.service, 0, answer.changed);
        return Err(Broken);
    }
    node.note(Some(operation), answer.service, answer.status, answer.changed);
    Ok(respond(answer.status, &answer.body))
}

fn respond(status: u16, body: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// A web server without the API.
fn no_such_page() -> Response<Full<Bytes>> {
    let page =
        "<!doctype html><html><head><title>HTTP Status 404</title></head><body><h1>HTTP Status 404</h1></body></html>";
    let mut response = Response::new(Full::new(Bytes::from_static(page.as_bytes())));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let html = header::HeaderValue::from_static("text/html;charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}

//! The listener for agents: mutual TLS, `/agent/v1`. Which agent asks is read from its certificate and looked up at every
//! request, so that a ban or an end takes effect at once.

mod calls;
mod poll;

use crate::body::BodyLimit;
use crate::error::Problem;
use crate::state::{App, State};
use crate::tls;
use crate::wrap;
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Extensions, Payload, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use certyard_domain::agents::{self, AgentIdentity, Peer, Purpose};
use certyard_protocol::BASE_PATH;
use rustls::sign::CertifiedKey;
use std::any::Any;
use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

/// A whole inventory of 5,000 certificates in PEM, with room.
const INVENTORY_BYTES: usize = 32 << 20;

/// Method, path and name of every call; the second column of `certyard_agent_requests_total`.
const CALLS: [(&str, &str, &str); 9] = [
    ("POST", "/agent/v1/enroll", "enroll"),
    ("POST", "/agent/v1/renew", "renew"),
    ("GET", "/agent/v1/bundle", "bundle"),
    ("POST", "/agent/v1/poll", "poll"),
    ("POST", "/agent/v1/claim", "claim"),
    ("POST", "/agent/v1/tasks/{id}/lease", "lease"),
    ("POST", "/agent/v1/tasks/{id}/result", "result"),
    ("PUT", "/agent/v1/nodes", "nodes"),
    ("PUT", "/agent/v1/nodes/{id}/inventory", "inventory"),
];

/// Who the client certificate of a connection says it is, read once.
struct Shown(Result<Peer, Problem>);

/// The agent that asks, as the listener recognised it.
#[derive(Clone)]
pub(crate) struct AgentCaller(pub Rc<AgentIdentity>);

impl FromRequest for AgentCaller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or_else(no_certificate))
    }
}

fn no_certificate() -> Problem {
    Problem::unauthenticated(
        "no_certificate",
        "agents show their certificate: join first, with a join token",
    )
}

/// Keeps the client certificate of a new connection for its requests.
pub(crate) fn remember_peer(connection: &dyn Any, data: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>()
        && let Some(leaf) = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first())
    {
        data.insert(Shown(agents::peer(leaf).map_err(Problem::from)));
    }
}

/// The middleware in front of all calls.
pub(crate) async fn admit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // What is boxed is gone while the call is held: thousands of agents wait at a time.
    let call = match Box::pin(enter(&request)).await {
        Ok(call) => call,
        Err(problem) => return Ok(request.into_response(problem.respond())),
    };
    let response = next.call(request).await?.map_into_boxed_body();
    metrics::counter!("certyard_agent_requests_total", "call" => call, "status" => response.status().as_u16().to_string())
        .increment(1);
    Ok(response)
}

/// Lets a call through. Whoever shows no certificate is counted by address for whatever they ask; a certificate was issued
/// by the agent CA, or there would be no connection, and is counted by its agent before the agent is looked up. Agents
/// behind one address, as a balancer's, do not share a limit.
async fn enter(request: &ServiceRequest) -> Result<&'static str, Problem> {
    let app = request
        .app_data::<App>()
        .cloned()
        .ok_or_else(|| Problem::internal("the state of the server is missing"))?;
    let peer = peer(request.request());
    match &peer {
        Some(Ok(peer)) => app.limits.credential(&format!("agent {}", peer.agent_id.simple()))?,
        Some(Err(_)) | None => count_address(&app, request)?,
    }
    let pattern = wrap::pattern(request).ok_or_else(Problem::no_route)?;
    let method = request.method().as_str();
    let Some((_, _, call)) = CALLS.iter().find(|call| call.0 == method && call.1 == &*pattern) else {
        let others: Vec<_> = CALLS
            .iter()
            .filter(|call| call.1 == &*pattern)
            .map(|call| call.0)
            .collect();
        return Err(Problem::wrong_method(others.join(", ")));
    };
    if *call == "enroll" {
        if peer.is_some() {
            // Whoever is an agent already guesses no join tokens any faster.
            count_address(&app, request)?;
        }
        return Ok(call);
    }
    let purpose = if *call == "renew" {
        Purpose::Renewal
    } else {
        Purpose::Work
    };
    let agent = identify(&app, request.request(), purpose).await?;
    request.extensions_mut().insert(BodyLimit(INVENTORY_BYTES));
    request.extensions_mut().insert(AgentCaller(Rc::new(agent)));
    Ok(call)
}

fn count_address(app: &State, request: &ServiceRequest) -> Result<(), Problem> {
    match request.peer_addr() {
        Some(peer) => app.limits.address(peer.ip()),
        None => Ok(()),
    }
}

fn peer(request: &HttpRequest) -> Option<Result<&Peer, &Problem>> {
    request.conn_data::<Shown>().map(|shown| shown.0.as_ref())
}

/// Looks up the agent of the connection.
async fn identify(app: &State, request: &HttpRequest, purpose: Purpose) -> Result<AgentIdentity, Problem> {
    let peer = peer(request).ok_or_else(no_certificate)?.map_err(Problem::clone)?;
    let address = request.peer_addr().map(|peer| peer.ip().to_canonical().to_string());
    Ok(agents::identify(&app.db, peer, address, purpose).await?)
}

/// Registers the calls.
pub(crate) fn register(config: &mut web::ServiceConfig) {
    config
        .service(
            web::scope(BASE_PATH)
                .service(calls::enroll)
                .service(calls::renew)
                .service(calls::bundle)
                .service(poll::poll)
                .service(calls::claim)
                .service(calls::lease)
                .service(calls::result)
                .service(calls::put_nodes)
                .service(calls::put_inventory),
        )
        .default_service(web::to(|| async { Err::<HttpResponse, _>(Problem::no_route()) }));
}

/// A new certificate of the listener, for the host that agents are told and the address that it listens on.
pub(crate) async fn certificate(app: &State, own: SocketAddr) -> io::Result<CertifiedKey> {
    let mut names = vec![host(&app.agent_url)];
    for further in ["localhost".to_string(), own.ip().to_string()] {
        if !names.contains(&further) && !own.ip().is_unspecified() {
            names.push(further);
        }
    }
    let now = app.db.now().await.map_err(io::Error::other)?;
    let (chain, key) = app
        .keys
        .agent_ca()
        .issue_listener(&names, now)
        .map_err(io::Error::other)?;
    tls::certified(chain.as_bytes(), key.as_bytes())
}

/// Host of a URL.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default().into(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host).into(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_host_of_a_url_is_found() {
        for (url, host) in [
            ("https://certyard.example.org:8443", "certyard.example.org"),
            ("https://certyard.example.org", "certyard.example.org"),
            ("https://[::1]:8443", "::1"),
            ("https://127.0.0.1:8443/x", "127.0.0.1"),
        ] {
            assert_eq!(super::host(url), host);
        }
    }
}

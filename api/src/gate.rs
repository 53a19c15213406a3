//! The gate: no request reaches a handler of the API unless its operation is in the table and its caller may. In order:
//! the operation, the length of the body, the credential, the site of the browser, the rate, the permission, the
//! idempotency key.

use crate::body::{BodyLimit, announced_length};
use crate::caller::Caller;
use crate::error::Problem;
use crate::idempotency;
use crate::limit::Shown;
use crate::operations::{self, Access, Operation};
use crate::origin::{Site, address, site};
use crate::state::{App, State};
use crate::wrap::{self, RequestId};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap, USER_AGENT};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use certyard_domain::people::{self, Origin, Principal};
use std::net::IpAddr;
use std::rc::Rc;

/// Begins the paths that the gate guards.
const GUARDED: &str = "/api/";
/// Documents about the API, open to everybody.
const OPEN_DOCUMENTS: [&str; 2] = ["/api/openapi.json", "/api/docs"];

/// Middleware in front of all handlers.
pub(crate) async fn gate(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match admit(&mut request).await {
        Ok(Some(operation)) if operation.method == "POST" => idempotency::call(operation, request, next).await,
        Ok(_) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(problem) => Ok(request.into_response(problem.respond())),
    }
}

async fn admit(request: &mut ServiceRequest) -> Result<Option<&'static Operation>, Problem> {
    let path = request.path();
    if !path.starts_with(GUARDED) || OPEN_DOCUMENTS.iter().any(|open| path.starts_with(open)) {
        return Ok(None);
    }
    let pattern = wrap::pattern(request).ok_or_else(Problem::no_route)?;
    let operation = operations::find(request.method().as_str(), &pattern).map_err(|others| {
        if others.is_empty() {
            Problem::no_route()
        } else {
            Problem::wrong_method(others.join(", "))
        }
    })?;
    if let (Some(length), Some(limit)) = (announced_length(request.headers()), operation.body.limit())
        && length > limit
    {
        return Err(Problem::too_large(limit));
    }
    let app = app(request)?;
    let address = address(
        request.peer_addr().map(|peer| peer.ip()),
        request.headers(),
        &app.config.trusted_proxies,
    );
    let origin = Origin {
        address: address.to_string(),
        user_agent: header(request.headers(), USER_AGENT.as_str())
            .chars()
            .take(200)
            .collect(),
        request_id: request
            .extensions()
            .get::<RequestId>()
            .map(|id| id.0.clone())
            .unwrap_or_default(),
    };
    match operation.access {
        Access::Public => {
            app.limits.address(address)?;
            check_site(request.headers(), request.method(), &app, false)?;
        }
        Access::SignedIn => {
            enter(request, &app, address, &origin).await?;
        }
        Access::Needs(permission) => {
            let principal = enter(request, &app, address, &origin).await?;
            principal.scope.require(permission)?;
        }
    }
    request.extensions_mut().insert(origin);
    if let Some(limit) = operation.body.limit() {
        request.extensions_mut().insert(BodyLimit(limit));
    }
    Ok(Some(operation))
}

fn app(request: &ServiceRequest) -> Result<App, Problem> {
    request
        .app_data::<App>()
        .cloned()
        .ok_or_else(|| Problem::internal("the state of the server is missing"))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Finds who asks and lets them in; whoever cannot be found is counted by address, and an address that was counted too
/// often is refused before the database is asked.
async fn enter(
    request: &mut ServiceRequest,
    app: &State,
    address: IpAddr,
    origin: &Origin,
) -> Result<Rc<Principal>, Problem> {
    let credential = match credential(request.headers(), request.method(), app) {
        Ok(credential) => credential,
        Err(problem) => return Err(refused(app, address, problem)),
    };
    let shown = Shown::new(credential.text());
    app.limits.unknown(address, &shown)?;
    let principal = match authenticate(app, &credential, origin).await {
        Ok(principal) => principal,
        Err(problem) => {
            if problem.status() == StatusCode::UNAUTHORIZED {
                app.limits.forget(&shown);
            }
            return Err(refused(app, address, problem));
        }
    };
    app.limits.accept(&shown);
    app.limits.credential(&credential_key(&principal))?;
    let principal = Rc::new(principal);
    request.extensions_mut().insert(Caller(principal.clone()));
    Ok(principal)
}

/// Names a credential in limits and idempotency keys.
pub(crate) fn credential_key(principal: &Principal) -> String {
    let actor = principal.scope.actor();
    let id = actor.id.map(|id| id.simple().to_string()).unwrap_or_default();
    format!("{} {} {id}", principal.scope.org_id().simple(), actor.kind.as_str())
}

/// Counts whoever showed no good credential; another fault is none of theirs.
fn refused(app: &State, address: IpAddr, problem: Problem) -> Problem {
    if problem.status() == StatusCode::UNAUTHORIZED
        && let Err(throttled) = app.limits.address(address)
    {
        return throttled;
    }
    problem
}

/// What a request shows of itself.
enum Credential<'a> {
    Token(&'a str),
    Session(&'a str),
}

impl Credential<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Token(text) | Self::Session(text) => text,
        }
    }
}

fn credential<'a>(headers: &'a HeaderMap, method: &Method, app: &State) -> Result<Credential<'a>, Problem> {
    if headers.contains_key(AUTHORIZATION) {
        return header(headers, AUTHORIZATION.as_str())
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| Credential::Token(token.trim()))
            .ok_or_else(|| {
                Problem::unauthenticated("invalid_credential", "the credential is `Bearer` and an API token")
            });
    }
    let Some(session) = cookie(headers, cookie_name(app)) else {
        return Err(Problem::unauthenticated(
            "no_credential",
            "sign in, or send an API token as `Authorization: Bearer cyd_…`",
        ));
    };
    check_site(headers, method, app, true)?;
    Ok(Credential::Session(session))
}

async fn authenticate(app: &State, credential: &Credential<'_>, origin: &Origin) -> Result<Principal, Problem> {
    Ok(match credential {
        Credential::Token(token) if app.is_bootstrap_token(token) => {
            people::bootstrap_principal(&app.db, origin).await?
        }
        Credential::Token(token) => people::authenticate_token(&app.db, token, origin).await?,
        // An API token in a cookie is no session and is refused here like any unknown text.
        Credential::Session(session) => people::authenticate_session(&app.db, session, origin).await?,
    })
}

/// Refuses what a foreign page may have made a browser send. With a cookie the proof is an own header and the page's own
/// address; without one (sign-in, set-up) a foreign page is refused and programs need nothing.
fn check_site(headers: &HeaderMap, method: &Method, app: &State, with_cookie: bool) -> Result<(), Problem> {
    if method == Method::GET {
        return Ok(());
    }
    let refused = |message: &str| Err(Problem::new(StatusCode::FORBIDDEN, "csrf", message));
    match site(headers, &app.public_url) {
        Site::Same => {}
        Site::Absent if !with_cookie => {}
        Site::Absent | Site::Foreign => {
            return refused("requests with a session come from the dashboard itself: send its address as `Origin`");
        }
    }
    if with_cookie && header(headers, "x-certyard-csrf") != "1" {
        return refused("requests with a session that change something carry the header `X-Certyard-CSRF: 1`");
    }
    Ok(())
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Name of the session cookie; the prefix makes browsers keep to HTTPS, this host and all paths.
pub(crate) fn cookie_name(app: &State) -> &'static str {
    if app.is_https() {
        "__Host-certyard_session"
    } else {
        "certyard_session"
    }
}

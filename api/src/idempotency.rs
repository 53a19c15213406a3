//! `Idempotency-Key`: the same key with the same request gets the first answer again.

use crate::body::read;
use crate::caller::Caller;
use crate::error::Problem;
use crate::gate::credential_key;
use crate::operations::Operation;
use crate::state::{App, State};
use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, HttpResponseBuilder};
use certyard_domain::Scope;
use certyard_domain::idempotency::{self, Answer, Begin, MAX_KEY_LENGTH, Ticket};
use std::time::Duration;

/// A request that finds the first one under way waits so long for its answer, by looks of [`LOOK`].
const WAIT: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);
/// Where the bodies of answers stand, as their seal names it.
const PLACE: &str = "idempotency_key/body";
/// Letters of the id of a key encryption key.
const KEK_ID: usize = 16;

/// Calls the handler once for each key; without a key or a credential, simply calls it.
pub(crate) async fn call(
    operation: &'static Operation,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let begun = match begin(operation, &mut request).await {
        Ok(begun) => begun,
        Err(problem) => return Ok(request.into_response(problem.respond())),
    };
    match begun {
        Begun::Plain => Ok(next.call(request).await?.map_into_boxed_body()),
        Begun::Replay(answer) => Ok(request.into_response(replay(answer))),
        Begun::First(app, scope, ticket) => {
            let response = next.call(request).await?.map_into_boxed_body();
            keep(&app, &scope, &ticket, response).await
        }
    }
}

enum Begun {
    Plain,
    Replay(Answer),
    First(App, Scope, Ticket),
}

async fn begin(operation: &'static Operation, request: &mut ServiceRequest) -> Result<Begun, Problem> {
    let caller = request.extensions().get::<Caller>().cloned();
    let (Some(key), Some(caller)) = (request.headers().get("idempotency-key"), caller) else {
        return Ok(Begun::Plain);
    };
    let Some(limit) = operation.body.limit() else {
        // A stream is not kept; what it does is harmless to repeat.
        return Ok(Begun::Plain);
    };
    let key = key
        .to_str()
        .ok()
        .filter(|key| (1..=MAX_KEY_LENGTH).contains(&key.len()))
        .ok_or_else(|| {
            Problem::field(
                "Idempotency-Key",
                "length",
                format!("has 1 to {MAX_KEY_LENGTH} visible ASCII characters"),
            )
        })?;
    let path = match request.query_string() {
        "" => request.path().to_string(),
        query => format!("{}?{query}", request.path()),
    };
    let key = idempotency::key_hash(&credential_key(&caller.0), operation.method, &path, key);
    let app = request
        .app_data::<App>()
        .cloned()
        .ok_or_else(|| Problem::internal("the state of the server is missing"))?;
    let body = read(request.take_payload(), limit).await?;
    // A form has another boundary each time; what it holds counts with it.
    let hash = idempotency::request_hash(&body);
    request.set_payload(Payload::from(body));
    let scope = caller.scope().clone();
    let started = tokio::time::Instant::now();
    loop {
        match idempotency::begin(&app.db, &scope, &key, &hash).await {
            Ok(Begin::New(ticket)) => return Ok(Begun::First(app, scope, ticket)),
            Ok(Begin::Replay(answer)) => {
                let body = open(&app, &answer.body)?;
                return Ok(Begun::Replay(Answer { body, ..answer }));
            }
            Err(certyard_domain::Error::Conflict {
                code: "idempotency_in_flight",
                ..
            }) if started.elapsed() < WAIT => tokio::time::sleep(LOOK).await,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Keeps what was answered, unless it was a fault that may pass: then the key is free again.
async fn keep(
    app: &App,
    scope: &Scope,
    ticket: &Ticket,
    response: ServiceResponse<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let status = response.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        idempotency::abandon(&app.db, scope, ticket)
            .await
            .map_err(Problem::from)?;
        return Ok(response);
    }
    let text = |name| {
        let value = response.headers().get(name)?;
        value.to_str().ok().map(String::from)
    };
    let (content_type, location) = (text(CONTENT_TYPE), text(LOCATION));
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let body = to_bytes(body)
        .await
        .map_err(|error| Problem::internal(error.to_string()))?;
    let answer = Answer {
        status: status.as_u16(),
        content_type,
        location,
        body: seal(app, &body)?,
    };
    idempotency::finish(&app.db, scope, ticket, answer)
        .await
        .map_err(Problem::from)?;
    Ok(ServiceResponse::new(request, head.set_body(body).map_into_boxed_body()))
}

/// An answer may hold a token that is shown once and kept nowhere else: the body is sealed, behind the id of its key.
fn seal(app: &State, body: &[u8]) -> Result<Vec<u8>, Problem> {
    let kek = app.keys.ring().active();
    let mut kept = kek.id().as_bytes().to_vec();
    kept.extend(kek.seal(PLACE, body)?);
    Ok(kept)
}

fn open(app: &State, kept: &[u8]) -> Result<Vec<u8>, Problem> {
    let (id, sealed) = kept
        .split_at_checked(KEK_ID)
        .ok_or_else(|| Problem::internal("a kept answer is too short"))?;
    let id = std::str::from_utf8(id).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(app.keys.ring().open(id, PLACE, sealed)?.to_vec())
}

fn replay(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponseBuilder::new(status);
    if let Some(kind) = answer.content_type {
        response.insert_header((CONTENT_TYPE, kind));
    }
    if let Some(location) = answer.location {
        response.insert_header((LOCATION, location));
    }
    response.insert_header(("Idempotency-Replayed", "true"));
    response.body(answer.body)
}

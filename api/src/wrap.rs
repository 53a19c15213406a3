//! Around every answer: its id, its headers, its line in the log, its place in the metrics.

use crate::error::Problem;
use crate::operations::{self, Operation};
use crate::state::App;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use std::rc::Rc;
use std::time::Instant;
use uuid::Uuid;

/// Id of a request, as in logs, answers and audit rows.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub String);

/// The pattern that a request's path has, once looked up: the search goes through all patterns.
#[derive(Clone)]
struct Pattern(Option<Rc<str>>);

/// The pattern of the path, as `/api/v1/jobs/{id}`; none where no handler is.
pub(crate) fn pattern(request: &ServiceRequest) -> Option<Rc<str>> {
    if let Some(known) = request.extensions().get::<Pattern>() {
        return known.0.clone();
    }
    let found: Option<Rc<str>> = request.match_pattern().map(Into::into);
    request.extensions_mut().insert(Pattern(found.clone()));
    found
}

/// For answers that are no page: nothing may be loaded, run or framed.
const CLOSED: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The outermost middleware.
pub(crate) async fn wrap(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = Uuid::now_v7().simple().to_string();
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let path = request.path().to_string();
    let operation = operation_of(&request);
    let is_https = request.app_data::<App>().is_some_and(|app| app.is_https());
    let mut response = next.call(request).await?.map_into_boxed_body();
    let problem = response.response().extensions().get::<Problem>().cloned();
    if let Some(mut problem) = problem {
        problem.request_id = Some(id.clone());
        response = response.into_response(problem.respond());
    }
    let is_api = path.starts_with("/api/") || path.starts_with("/agent/");
    secure(response.headers_mut(), is_https, is_api);
    set(response.headers_mut(), "x-request-id", &id);
    set(response.headers_mut(), "x-certyard-version", env!("CARGO_PKG_VERSION"));
    let status = response.status().as_u16();
    let took = started.elapsed();
    metrics::counter!("certyard_http_requests_total", "operation" => operation, "status" => status.to_string())
        .increment(1);
    metrics::histogram!("certyard_http_request_seconds", "operation" => operation).record(took.as_secs_f64());
    let (path, millis) = (path.escape_default().to_string(), took.as_millis() as u64);
    // Agents ask each minute for as long as they live: what they do is logged where it is done.
    if path.starts_with("/agent/") && status < 400 {
        tracing::debug!(request_id = id, %method, path, status, millis, "answered");
    } else {
        tracing::info!(request_id = id, %method, path, status, millis, "answered");
    }
    Ok(response)
}

fn operation_of(request: &ServiceRequest) -> &'static str {
    pattern(request)
        .and_then(|pattern| operations::find(request.method().as_str(), &pattern).ok())
        .map_or("other", |operation: &Operation| operation.id)
}

/// Sets the headers that every answer has, unless the handler knew better.
pub(crate) fn secure(headers: &mut HeaderMap, is_https: bool, is_api: bool) {
    set(headers, "content-security-policy", CLOSED);
    set(headers, "x-content-type-options", "nosniff");
    set(headers, "x-frame-options", "DENY");
    set(headers, "referrer-policy", "same-origin");
    set(headers, "cross-origin-opener-policy", "same-origin");
    set(headers, "cross-origin-resource-policy", "same-origin");
    set(
        headers,
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    );
    if is_https {
        // For this host alone: hosts below it may belong to others, who never agreed to it.
        set(headers, "strict-transport-security", "max-age=31536000");
    }
    if is_api && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let name = HeaderName::from_static(name);
    if !headers.contains_key(&name)
        && let Ok(value) = HeaderValue::from_str(value)
    {
        headers.insert(name, value);
    }
}

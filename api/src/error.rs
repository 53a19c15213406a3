//! The one place that says what an error of the domain means over HTTP: `application/problem+json` (RFC 9457).

use actix_web::error::PathError;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError, web};
use certyard_domain::Error;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use utoipa::ToSchema;

/// What a handler answers with JSON.
pub(crate) type Reply<T> = Result<web::Json<T>, Problem>;

/// A refusal or fault, as `application/problem+json`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// URI of the kind: `urn:certyard:problem:<code>`.
    #[serde(rename = "type")]
    #[schema(example = "urn:certyard:problem:not_found")]
    pub kind: String,
    /// The status in words.
    #[schema(example = "Not Found")]
    pub title: String,
    /// HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// Stable code, `snake_case`.
    #[schema(example = "not_found")]
    pub code: String,
    /// What is wrong and the way out.
    #[schema(example = "there is no such cluster")]
    pub detail: String,
    /// Fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!([]))]
    pub errors: Vec<FieldProblem>,
    /// What a 409 is about: with the code `plan_changed` each difference, with `choose_organisation` each organisation, with `plan_used`
    /// the job, with `confirmation_required` how many clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>, example = json!([]))]
    pub changes: Option<Value>,
    /// Request id, as in logs and audit rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(skip)]
    retry_after: Option<u64>,
    #[serde(skip)]
    allow: Option<String>,
}

/// A field that is wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// Path of the field in the request.
    #[schema(example = "name")]
    pub field: String,
    /// Stable code.
    #[schema(example = "too_long")]
    pub code: String,
    /// What is wrong and what would be right.
    #[schema(example = "has at most 200 characters")]
    pub message: String,
}

impl Problem {
    /// A problem with a status, a stable code and a sentence.
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:certyard:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error").into(),
            status: status.as_u16(),
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            changes: None,
            request_id: None,
            retry_after: None,
            allow: None,
        }
    }

    /// One field is wrong.
    pub(crate) fn field(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        Error::field(field, code, message).into()
    }

    /// There is nothing at this address.
    pub(crate) fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no_route", "there is nothing at this address")
    }

    /// There is something at this address, but not for this method.
    pub(crate) fn wrong_method(allow: String) -> Self {
        let mut problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            format!("this address takes {allow}"),
        );
        problem.allow = Some(allow);
        problem
    }

    /// The body is larger than allowed.
    pub(crate) fn too_large(limit_bytes: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("a body has at most {limit_bytes} bytes here"),
        )
    }

    /// The credential is missing or not accepted.
    pub(crate) fn unauthenticated(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    /// Too often.
    pub(crate) fn throttled(seconds: u64) -> Self {
        Error::Throttled {
            retry_after_seconds: seconds,
        }
        .into()
    }

    /// A fault of ours; the sentence is for the log only.
    pub(crate) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::internal(source).into()
    }

    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The response with the id of its request.
    pub(crate) fn respond(&self) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status());
        if let Some(seconds) = self.retry_after {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        if let Some(allow) = self
            .allow
            .as_deref()
            .and_then(|allow| HeaderValue::from_str(allow).ok())
        {
            response.insert_header((ALLOW, allow));
        }
        if self.status == 401 {
            response.insert_header(("WWW-Authenticate", "Bearer realm=\"certyard\""));
        }
        let body = serde_json::to_vec(self).unwrap_or_default();
        let mut response = response.content_type("application/problem+json").body(body);
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.respond()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            Error::Invalid(errors) => {
                let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail);
                problem.errors = errors
                    .into_iter()
                    .map(|error| FieldProblem {
                        field: error.field,
                        code: error.code.into(),
                        message: error.message,
                    })
                    .collect();
                problem
            }
            Error::Refused { code, .. } => {
                let status = if code == "protocol_unsupported" {
                    StatusCode::UPGRADE_REQUIRED
                } else {
                    StatusCode::UNPROCESSABLE_ENTITY
                };
                Self::new(status, code, detail)
            }
            Error::Conflict {
                code, detail: changes, ..
            } => {
                let status = if code == "version_mismatch" {
                    StatusCode::PRECONDITION_FAILED
                } else {
                    StatusCode::CONFLICT
                };
                let mut problem = Self::new(status, code, detail);
                problem.changes = changes.map(listed);
                problem
            }
            Error::Unauthenticated { code, .. } => Self::new(StatusCode::UNAUTHORIZED, code, detail),
            Error::Forbidden { .. } => Self::new(StatusCode::FORBIDDEN, "forbidden", detail),
            Error::Throttled { retry_after_seconds } => {
                let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
                problem.retry_after = Some(retry_after_seconds.max(1));
                problem
            }
            Error::Gone { code, .. } => Self::new(StatusCode::GONE, code, detail),
            Error::Unavailable { source } => {
                tracing::warn!(error = chain(source.as_ref()), "the database is busy or away");
                let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
                problem.retry_after = Some(1);
                problem
            }
            Error::Internal { source } => {
                tracing::error!(error = chain(source.as_ref()), "a request failed by a fault of ours");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
            }
        }
    }
}

/// What a conflict is about, always as a list: the differences of a plan, or the one fact that is different.
fn listed(detail: Value) -> Value {
    match detail {
        Value::Array(_) => detail,
        Value::Object(mut fields) => match fields.remove("changes") {
            Some(changes) => changes,
            None => Value::Array(vec![Value::Object(fields)]),
        },
        other => Value::Array(vec![other]),
    }
}

/// An error with its sources, for the log.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// A body broke off or is larger than allowed.
pub(crate) fn payload_problem(error: &actix_web::error::PayloadError) -> Problem {
    match error {
        actix_web::error::PayloadError::Overflow => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too large")
        }
        error => Problem::new(StatusCode::BAD_REQUEST, "broken_body", error.to_string()),
    }
}

/// What serde says of a member, as a field error.
pub(crate) fn invalid_body(message: &str) -> Problem {
    let field = quoted(message).unwrap_or_default();
    let code = if message.starts_with("unknown field") {
        "unknown_field"
    } else if message.starts_with("missing field") {
        "missing"
    } else {
        "wrong_type"
    };
    Problem::field(&field, code, message)
}

fn quoted(message: &str) -> Option<String> {
    let (_, rest) = message.split_once('`')?;
    let (name, _) = rest.split_once('`')?;
    Some(name.into())
}

/// Ids in paths: what is no id is unknown.
pub(crate) fn path_error(_error: PathError, _request: &HttpRequest) -> actix_web::Error {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_conflict_is_about_is_a_list_as_the_document_says() {
        for (detail, told) in [
            (json!({"changes": [{"node": "n1"}]}), json!([{"node": "n1"}])),
            (json!([{"node": "n1"}]), json!([{"node": "n1"}])),
            (json!({"job_id": "j"}), json!([{"job_id": "j"}])),
        ] {
            let error = Error::Conflict {
                code: "plan_changed",
                message: "changed".into(),
                detail: Some(detail),
            };
            assert_eq!(Problem::from(error).changes, Some(told));
        }
    }
}

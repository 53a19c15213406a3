//! Versions of things over HTTP: `ETag` on what is read, `If-Match` on what is changed. An edit without `If-Match` is taken
//! as it is.

use crate::error::Problem;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, IF_MATCH, LOCATION};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use certyard_domain::Timestamp;
use chrono::{TimeZone, Utc};
use serde::Serialize;
use std::future::{Ready, ready};

/// The version that the caller read, where it says.
pub(crate) struct IfMatch(Option<String>);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let value = request.headers().get(IF_MATCH).map(|value| value.to_str());
        ready(match value {
            None => Ok(Self(None)),
            Some(Ok("*")) => Ok(Self(None)),
            Some(Ok(text)) => Ok(Self(Some(text.into()))),
            Some(Err(_)) => Err(Self::stale()),
        })
    }
}

impl IfMatch {
    /// The version, as a number that rises.
    pub(crate) fn version(&self) -> Result<Option<i64>, Problem> {
        self.0
            .as_deref()
            .map(|text| {
                text.trim()
                    .trim_matches('"')
                    .parse()
                    // What this server never gave is the version of nothing.
                    .map_err(|_| Self::stale())
            })
            .transpose()
    }

    /// The version of a thing whose version is the time of its last change.
    pub(crate) fn time(&self) -> Result<Option<Timestamp>, Problem> {
        self.version()?
            .map(|micros| Utc.timestamp_micros(micros).single().ok_or_else(Self::stale))
            .transpose()
    }

    /// Refuses another version.
    pub(crate) fn require(&self, present: i64) -> Result<(), Problem> {
        match self.version()? {
            Some(version) if version != present => Err(Self::stale()),
            _ => Ok(()),
        }
    }

    fn stale() -> Problem {
        Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "version_mismatch",
            "it was changed meanwhile: read it again",
        )
    }
}

/// The version of a thing that carries the time of its last change.
pub(crate) fn time_version(updated_at: Timestamp) -> i64 {
    updated_at.timestamp_micros()
}

/// 200 with the version.
pub(crate) fn versioned(version: i64, body: impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((ETAG, format!("\"{version}\"")))
        .json(body)
}

/// 201 with the address of what was made.
pub(crate) fn created(location: String, body: impl Serialize) -> HttpResponse {
    HttpResponse::Created().insert_header((LOCATION, location)).json(body)
}

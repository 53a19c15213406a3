//! Bodies of requests: JSON with its limits, and what serde cannot say by itself.

use crate::error::{Problem, invalid_body, payload_problem};
use crate::operations::Body;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// Bytes of a JSON body at most.
const JSON_BYTES: usize = 1 << 20;
/// Bytes of an uploaded file at most (R30).
pub(crate) const FILE_BYTES: usize = 10 << 20;
/// Room for the boundary and headers of a form around a file.
const FORM_BYTES: usize = 64 << 10;

impl Body {
    /// Bytes at most; none for streams.
    pub(crate) fn limit(self) -> Option<usize> {
        match self {
            Self::Json => Some(JSON_BYTES),
            // A file of the largest size in base64, or PEM with escaped line ends.
            Self::LargeJson => Some(FILE_BYTES / 3 * 4 + JSON_BYTES),
            Self::File => Some(FILE_BYTES + FORM_BYTES),
            Self::Stream => None,
        }
    }
}

/// Bytes of the body of this request at most, as the gate says.
pub(crate) struct BodyLimit(pub usize);

/// A JSON body. Says 413, 415, 400 or 422 where it is none.
pub(crate) struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|kind| {
                let kind = kind.split(';').next().unwrap_or_default().trim();
                kind.eq_ignore_ascii_case("application/json")
            });
        let limit = request
            .extensions()
            .get::<BodyLimit>()
            .map(|limit| limit.0)
            .unwrap_or(JSON_BYTES);
        let payload = payload.take();
        Box::pin(async move {
            if !is_json {
                return Err(Problem::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "unsupported_media_type",
                    "the body is JSON, with the content type application/json",
                ));
            }
            let bytes = read(payload, limit).await?;
            serde_json::from_slice(&bytes).map(Self).map_err(|error| {
                if error.is_data() {
                    invalid_body(&error.to_string())
                } else {
                    Problem::new(
                        StatusCode::BAD_REQUEST,
                        "broken_json",
                        format!("the body is no JSON: {error}"),
                    )
                }
            })
        })
    }
}

/// A JSON body that may be left out.
pub(crate) struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(CONTENT_TYPE) && announced_length(request.headers()).unwrap_or(0) == 0 {
            return Box::pin(async { Ok(Self(T::default())) });
        }
        let body = Json::<T>::from_request(request, payload);
        Box::pin(async move { Ok(Self(body.await?.0)) })
    }
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read(mut payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| payload_problem(&error))?;
        if bytes.len() + chunk.len() > limit {
            return Err(Problem::too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// What the request says of its length, before anything is read.
pub(crate) fn announced_length(headers: &actix_web::http::header::HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Tells a member that is null from one that is absent: absent is `None`, null is `Some(None)`.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

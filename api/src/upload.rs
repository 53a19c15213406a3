//! Files that people send: one in a form, or an endless stream of rows.

use crate::body::FILE_BYTES;
use crate::caller::Caller;
use crate::certificates::BulkVerdict;
use crate::error::{Problem, payload_problem};
use crate::state::App;
use actix_multipart::{Multipart, MultipartError};
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};
use certyard_domain::certificates::{self, BulkRow, Format, Outcome, RawRow, Rows, Verdict};
use futures_util::{StreamExt, future, stream};

/// Rows that are read and stored at once.
const ROWS: usize = 1000;

fn content_type(request: &HttpRequest) -> String {
    let value = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = value.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

fn unsupported(message: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
}

/// The bytes of the field `file` of a form; other fields are refused.
pub(crate) async fn file(request: &HttpRequest, payload: Payload) -> Result<Vec<u8>, Problem> {
    if content_type(request) != "multipart/form-data" {
        return Err(unsupported(
            "the body is a form, multipart/form-data with the field `file`",
        ));
    }
    let mut form = Multipart::new(request.headers(), payload);
    let mut file: Option<Vec<u8>> = None;
    while let Some(field) = form.next().await {
        let mut field = field.map_err(form_problem)?;
        let name = field.name().unwrap_or_default().to_string();
        if name != "file" {
            return Err(Problem::field(&name, "unknown_field", "the form has one field, `file`"));
        }
        if file.is_some() {
            return Err(Problem::field(
                "file",
                "repeated",
                "one file at a time: `bulk` takes many",
            ));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = field.next().await {
            let chunk = chunk.map_err(form_problem)?;
            if bytes.len() + chunk.len() > FILE_BYTES {
                return Err(Problem::too_large(FILE_BYTES));
            }
            bytes.extend_from_slice(&chunk);
        }
        file = Some(bytes);
    }
    file.ok_or_else(|| Problem::field("file", "missing", "the form has no field `file`"))
}

fn form_problem(error: MultipartError) -> Problem {
    match error {
        MultipartError::Payload(error) => payload_problem(&error),
        error => Problem::new(
            StatusCode::BAD_REQUEST,
            "broken_form",
            format!("the form cannot be read: {error}"),
        ),
    }
}

/// Stores a stream of rows and answers with a stream of verdicts: memory holds two batches, whatever the length, as one is read
/// while the one before it is stored.
pub(crate) fn bulk(app: App, caller: Caller, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let format = match content_type(request).as_str() {
        "application/x-pem-file" | "text/plain" => Format::Pem,
        "application/x-ndjson" => Format::Ndjson,
        _ => {
            return Err(unsupported(
                "the body is PEM, application/x-pem-file, or a JSON object in each line, application/x-ndjson",
            ));
        }
    };
    let begin = Bulk {
        app,
        caller,
        source: RowSource {
            format,
            payload,
            rows: Some(Rows::new(format)),
            waiting: Vec::new(),
        },
        ahead: None,
    };
    let answers = stream::unfold(Some(begin), |state| async move {
        let mut bulk = state?;
        match bulk.next().await {
            Ok(Some(verdicts)) => Some((Ok::<_, Problem>(lines(&verdicts)), Some(bulk))),
            Ok(None) => None,
            // The status is sent by now: the last line tells why it broke off.
            Err(problem) => Some((Ok(last_line(&problem)), None)),
        }
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/x-ndjson"))
        .streaming(answers))
}

struct Bulk {
    app: App,
    caller: Caller,
    source: RowSource,
    /// The batch that was read while the one before it was stored.
    ahead: Option<Result<Vec<BulkRow>, Problem>>,
}

impl Bulk {
    /// The verdicts on the next batch; none at the end.
    async fn next(&mut self) -> Result<Option<Vec<Verdict>>, Problem> {
        let rows = match self.ahead.take() {
            Some(read) => read?,
            None => self.source.read().await?,
        };
        if rows.is_empty() {
            return Ok(None);
        }
        let store = certificates::bulk(&self.app.db, self.caller.scope(), rows);
        let (stored, ahead) = future::join(store, self.source.read()).await;
        self.ahead = Some(ahead);
        Ok(Some(stored?))
    }
}

/// Where the rows come from.
struct RowSource {
    format: Format,
    payload: Payload,
    rows: Option<Rows>,
    waiting: Vec<RawRow>,
}

impl RowSource {
    /// The next batch, read; empty at the end.
    async fn read(&mut self) -> Result<Vec<BulkRow>, Problem> {
        while self.waiting.len() < ROWS
            && let Some(rows) = &mut self.rows
        {
            match self.payload.next().await {
                Some(chunk) => {
                    let chunk = chunk.map_err(|error| payload_problem(&error))?;
                    self.waiting.extend(rows.push(&chunk)?);
                }
                None => {
                    if let Some(rows) = self.rows.take() {
                        self.waiting.extend(rows.finish());
                    }
                }
            }
        }
        let rest = self.waiting.split_off(self.waiting.len().min(ROWS));
        let batch = std::mem::replace(&mut self.waiting, rest);
        Ok(certificates::read_rows(self.format, batch).await?)
    }
}

fn lines(verdicts: &[Verdict]) -> Bytes {
    let mut text = Vec::new();
    for verdict in verdicts {
        let (ok, id, sha256, new, code, message) = match &verdict.outcome {
            Outcome::New { id, sha256 } => (true, Some(*id), Some(sha256.clone()), Some(true), None, None),
            Outcome::Known { id, sha256 } => (true, Some(*id), Some(sha256.clone()), Some(false), None, None),
            Outcome::Refused { code, message } => {
                (false, None, None, None, Some(code.to_string()), Some(message.clone()))
            }
        };
        let line = BulkVerdict {
            row: verdict.row,
            ok,
            id,
            sha256,
            new,
            code,
            message,
        };
        text.extend(serde_json::to_vec(&line).unwrap_or_default());
        text.push(b'\n');
    }
    text.into()
}

fn last_line(problem: &Problem) -> Bytes {
    let line = BulkVerdict {
        row: 0,
        ok: false,
        id: None,
        sha256: None,
        new: None,
        code: Some(problem.code.clone()),
        message: Some(problem.detail.clone()),
    };
    let mut text = serde_json::to_vec(&line).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

//! Pages of lists: `{items, next}`, walked by `?limit&cursor`.

use crate::error::Problem;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;
use uuid::Uuid;

/// Rows on a page when the request does not say.
const DEFAULT_LIMIT: u64 = 50;
/// Rows on a page at most.
pub(crate) const MAX_LIMIT: u64 = 200;

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last.
    #[schema(example = json!(null))]
    pub next: Option<String>,
}

/// A thing by its id and name.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Named {
    /// The thing.
    pub id: Uuid,
    /// Its name.
    #[schema(example = "north")]
    pub name: String,
}

/// The wanted number of rows.
pub(crate) fn limit(wanted: Option<u64>) -> Result<u64, Problem> {
    match wanted {
        None => Ok(DEFAULT_LIMIT),
        Some(limit @ 1..=MAX_LIMIT) => Ok(limit),
        Some(_) => Err(Problem::field(
            "limit",
            "out_of_range",
            format!("is between 1 and {MAX_LIMIT}"),
        )),
    }
}

/// Reads a cursor that [`page`] wrote.
pub(crate) fn cursor<C: DeserializeOwned>(text: &Option<String>) -> Result<Option<C>, Problem> {
    let Some(text) = text else { return Ok(None) };
    URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .map(Some)
        .ok_or_else(|| {
            Problem::field(
                "cursor",
                "unknown_cursor",
                "is the `next` of an earlier page of this list",
            )
        })
}

/// Makes a page of rows that were read with `limit`; a full page has a cursor behind its last row.
pub(crate) fn page<R, T, C: Serialize>(
    rows: Vec<R>,
    limit: u64,
    key: impl Fn(&R) -> C,
    convert: impl Fn(R) -> Result<T, Problem>,
) -> Result<Page<T>, Problem> {
    let next = match rows.last() {
        Some(last) if rows.len() as u64 >= limit => encode(&key(last)),
        _ => None,
    };
    let items = rows.into_iter().map(convert).collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}

/// Makes a page of a page of the domain.
pub(crate) fn convert<R, T, C: Serialize>(page: certyard_domain::Page<R, C>, convert: impl Fn(R) -> T) -> Page<T> {
    Page {
        next: page.next.as_ref().and_then(encode),
        items: page.items.into_iter().map(convert).collect(),
    }
}

/// As [`convert`], for rows that may be unreadable.
pub(crate) fn try_convert<R, T, C: Serialize>(
    page: certyard_domain::Page<R, C>,
    convert: impl Fn(R) -> Result<T, Problem>,
) -> Result<Page<T>, Problem> {
    Ok(Page {
        next: page.next.as_ref().and_then(encode),
        items: page.items.into_iter().map(convert).collect::<Result<_, _>>()?,
    })
}

fn encode<C: Serialize>(key: &C) -> Option<String> {
    serde_json::to_vec(key).ok().map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

/// Reads a name that is stored as text into its enum.
pub(crate) fn stored<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    stored_json(serde_json::Value::String(text.into()))
}

/// Reads what is stored as JSON.
pub(crate) fn stored_json<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Problem> {
    serde_json::from_value(value).map_err(Problem::internal)
}

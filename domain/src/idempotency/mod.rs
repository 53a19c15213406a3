//! Idempotency-Key: the first answer to a POST is kept, and given again to whoever repeats the request.
//!
//! A key belongs to an organisation, a caller, a method and a path; the caller of this room folds them into `key_hash`.
//! The ticket is taken before the request is worked on and the answer is kept after it, each in a transaction of its own:
//! when the program dies in between, the ticket is taken over after [`TAKE_OVER_MINUTES`].

mod entity;

use crate::digest::sha256_hex;
use crate::error::{Error, Result, is_unique_violation};
use crate::{Db, Scope, Timestamp};
use chrono::Duration;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};

/// Hours for which answers are kept.
pub const KEPT_HOURS: i64 = 24;
const TAKE_OVER_MINUTES: i64 = 5;
/// Longest key that is accepted.
pub const MAX_KEY_LENGTH: usize = 255;

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Content type, where there was a body.
    pub content_type: Option<String>,
    /// `Location` header.
    pub location: Option<String>,
    /// Body.
    pub body: Vec<u8>,
}

/// What to do with a request that carries a key.
#[derive(Debug)]
pub enum Begin {
    /// It is the first: work on it, then [`finish`] or [`abandon`].
    New(Ticket),
    /// It was answered before: give this answer.
    Replay(Answer),
}

/// The right to answer a key.
#[derive(Debug)]
pub struct Ticket {
    key_hash: String,
    taken_at: Timestamp,
}

/// Folds what a key belongs to, and the key, into one hash.
pub fn key_hash(caller: &str, method: &str, path: &str, key: &str) -> String {
    let mut folded = Vec::new();
    for part in [caller, method, path, key] {
        folded.extend_from_slice(&(part.len() as u64).to_be_bytes());
        folded.extend_from_slice(part.as_bytes());
    }
    sha256_hex(&folded)
}

/// Hash of a request's body, to tell a repetition from another request under the same key.
pub fn request_hash(body: &[u8]) -> String {
    sha256_hex(body)
}

/// Takes the ticket of a key, or finds the answer that was given.
///
/// # Errors
/// [`Error::Conflict`] `idempotency_in_flight` while the first request is under way; [`Error::Invalid`]
/// when the same key came with another body.
pub async fn begin(db: &Db, scope: &Scope, key_hash: &str, request_hash: &str) -> Result<Begin> {
    let tx = db.write(scope).await?;
    let row = entity::ActiveModel {
        org_id: Set(tx.org_id()),
        key_hash: Set(key_hash.into()),
        request_hash: Set(request_hash.into()),
        status: Set(None),
        content_type: Set(None),
        location: Set(None),
        body: Set(None),
        created_at: Set(tx.now()),
    };
    let taken_at = tx.now();
    match row.insert(&tx).await {
        Ok(_) => {
            tx.commit().await?;
            return Ok(Begin::New(Ticket {
                key_hash: key_hash.into(),
                taken_at,
            }));
        }
        Err(error) if is_unique_violation(&error) => drop(tx),
        Err(error) => return Err(error.into()),
    }
    // PostgreSQL refuses every statement after a failed one, so the row is read in a transaction of its own.
    let tx = db.write(scope).await?;
    let Some(found) = tx
        .find::<entity::Entity>()
        .filter(entity::Column::KeyHash.eq(key_hash))
        .one(&tx)
        .await?
    else {
        return Err(in_flight());
    };
    if found.request_hash != request_hash {
        return Err(Error::field(
            "Idempotency-Key",
            "reused",
            "this key was used for another request: make a new one for each request",
        ));
    }
    if let Some(status) = found.status {
        return Ok(Begin::Replay(Answer {
            status: u16::try_from(status).map_err(Error::internal)?,
            content_type: found.content_type,
            location: found.location,
            body: found.body.unwrap_or_default(),
        }));
    }
    if found.created_at > tx.now() - Duration::minutes(TAKE_OVER_MINUTES) {
        return Err(in_flight());
    }
    let taken = tx
        .update_many::<entity::Entity>()
        .col_expr(entity::Column::CreatedAt, sea_orm::sea_query::Expr::value(tx.now()))
        .filter(entity::Column::KeyHash.eq(key_hash))
        .filter(entity::Column::Status.is_null())
        .filter(entity::Column::CreatedAt.eq(found.created_at))
        .exec(&tx)
        .await?;
    let taken_at = tx.now();
    tx.commit().await?;
    if taken.rows_affected == 1 {
        Ok(Begin::New(Ticket {
            key_hash: key_hash.into(),
            taken_at,
        }))
    } else {
        Err(in_flight())
    }
}

fn in_flight() -> Error {
    Error::conflict(
        "idempotency_in_flight",
        "a request with this Idempotency-Key is under way: repeat it in a moment",
    )
}

/// Keeps the answer of a ticket.
///
/// # Errors
/// The database is busy or away.
pub async fn finish(db: &Db, scope: &Scope, ticket: &Ticket, answer: Answer) -> Result<()> {
    let tx = db.write(scope).await?;
    let row = entity::ActiveModel {
        org_id: Set(tx.org_id()),
        key_hash: Set(ticket.key_hash.clone()),
        status: Set(Some(i32::from(answer.status))),
        content_type: Set(answer.content_type),
        location: Set(answer.location),
        body: Set(Some(answer.body)),
        ..Default::default()
    };
    entity::Entity::update_many()
        .set(row)
        .filter(entity::Column::OrgId.eq(tx.org_id()))
        .filter(entity::Column::KeyHash.eq(ticket.key_hash.as_str()))
        .filter(entity::Column::CreatedAt.eq(ticket.taken_at))
        .exec(&tx)
        .await?;
    tx.commit().await
}

/// Gives a ticket back: the request had no effect, so that it may be repeated with the same key.
///
/// # Errors
/// The database is busy or away.
pub async fn abandon(db: &Db, scope: &Scope, ticket: &Ticket) -> Result<()> {
    let tx = db.write(scope).await?;
    tx.delete_many::<entity::Entity>()
        .filter(entity::Column::KeyHash.eq(ticket.key_hash.as_str()))
        .filter(entity::Column::CreatedAt.eq(ticket.taken_at))
        .exec(&tx)
        .await?;
    tx.commit().await
}

/// Deletes at most `limit` answers that are older than [`KEPT_HOURS`]; returns how many.
///
/// # Errors
/// The database is busy or away.
pub async fn forget_old(db: &Db, scope: &Scope, limit: u64) -> Result<u64> {
    use sea_orm::QuerySelect;
    let tx = db.write(scope).await?;
    let old: Vec<String> = tx
        .find::<entity::Entity>()
        .select_only()
        .column(entity::Column::KeyHash)
        .filter(entity::Column::CreatedAt.lt(tx.now() - Duration::hours(KEPT_HOURS)))
        .limit(limit)
        .into_tuple()
        .all(&tx)
        .await?;
    if old.is_empty() {
        return Ok(0);
    }
    let deleted = tx
        .delete_many::<entity::Entity>()
        .filter(entity::Column::KeyHash.is_in(old))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(deleted.rows_affected)
}

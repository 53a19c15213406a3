//! Where the two databases differ, all in one file.

use crate::clock::{Timestamp, process_now};
use crate::error::Result;
use sea_orm::sea_query::{LockBehavior, LockType, SelectStatement};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

/// Values that one statement may bind: SQLite allows 32,766, PostgreSQL 65,535.
pub const MAX_BINDS: usize = 32_000;

/// How many rows of so many columns go into one INSERT.
pub fn rows_per_insert(columns: usize) -> usize {
    (MAX_BINDS / columns.max(1)).clamp(1, 1000)
}

/// Values for an `IN`: sorted, each once, and the last one repeated up to a power of two. So the texts of statements are few,
/// and the database knows most of them already.
pub(crate) fn listed<T: Ord + Clone>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_unstable();
    values.dedup();
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}

/// The database's clock. The embedded database has none of its own: it is this process.
pub(crate) async fn clock(connection: &impl ConnectionTrait) -> Result<Timestamp> {
    if connection.get_database_backend() != DbBackend::Postgres {
        return Ok(process_now());
    }
    let statement = Statement::from_string(DbBackend::Postgres, "SELECT clock_timestamp() AS now");
    match connection.query_one_raw(statement).await? {
        Some(row) => Ok(row.try_get("", "now")?),
        None => Ok(process_now()),
    }
}

/// Locks the selected rows against other writers until the end of the transaction. A no-op on SQLite, where a writing
/// transaction is alone from its beginning.
pub(crate) fn lock_rows(select: &mut SelectStatement) {
    select.lock(LockType::NoKeyUpdate);
}

/// Locks the selected rows and passes over those that others hold.
pub(crate) fn lock_free_rows(select: &mut SelectStatement) {
    select.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
}

/// Finds certificates of which a name in lower case is like a pattern, as rows `id`, a certificate more than once where
/// several of its names are. At most `most` by common name and as many by alternative names. PostgreSQL finds parts of
/// names by their trigrams, in a function, as policies would keep it from that; SQLite reads all names.
pub(crate) fn named_certificates(backend: DbBackend, org_id: Uuid, pattern: &str, most: i64) -> Statement {
    if backend == DbBackend::Postgres {
        let sql = "SELECT id FROM certyard_named_certificates($1, $2)";
        return Statement::from_sql_and_values(backend, sql, [pattern.into(), most.into()]);
    }
    let sql = "SELECT id FROM (SELECT id FROM certificate WHERE org_id = ? AND lower(common_name) LIKE ? ESCAPE '\\' LIMIT ?) \
        UNION ALL SELECT certificate_id FROM (SELECT certificate_id FROM certificate_name \
        WHERE org_id = ? AND lower(value) LIKE ? ESCAPE '\\' LIMIT ?)";
    let one = [org_id.into(), pattern.into(), most.into()];
    Statement::from_sql_and_values(backend, sql, one.clone().into_iter().chain(one))
}

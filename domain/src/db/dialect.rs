//! Where the two databases differ, all in one file.

use crate::clock::{Timestamp, process_now};
use crate::error::Result;
use chrono::Datelike;
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

/// Rows for one table, for [`insert_at_once`].
pub(crate) struct Rows {
    /// The table.
    pub table: &'static str,
    /// Its columns but `org_id`, each with its type on PostgreSQL.
    pub columns: &'static [(&'static str, &'static str)],
    /// What follows on a conflict; empty: an error.
    pub on_conflict: &'static str,
}

/// One statement that writes any number of rows, given as JSON objects: PostgreSQL takes one value in the place of thousands. None on
/// SQLite, where values cost nothing on the way.
pub(crate) fn insert_at_once(
    backend: DbBackend,
    org_id: Uuid,
    rows: &Rows,
    values: impl Iterator<Item = serde_json::Value>,
) -> Option<Statement> {
    if backend != DbBackend::Postgres {
        return None;
    }
    let names: Vec<&str> = rows.columns.iter().map(|(name, _)| *name).collect();
    let typed: Vec<String> = rows
        .columns
        .iter()
        .map(|(name, kind)| format!("{name} {kind}"))
        .collect();
    let sql = format!(
        "INSERT INTO {table} (org_id, {names}) SELECT $1, {names} FROM json_to_recordset($2::json) AS given({typed}) {conflict}",
        table = rows.table,
        names = names.join(", "),
        typed = typed.join(", "),
        conflict = rows.on_conflict,
    );
    let values = serde_json::Value::Array(values.collect()).to_string();
    Some(Statement::from_sql_and_values(
        backend,
        sql,
        [org_id.into(), values.into()],
    ))
}

/// A time as [`insert_at_once`] takes it, to the microsecond.
pub(crate) fn written(at: Timestamp) -> String {
    match at.year() {
        1.. => at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        // The year before 1 is 1 BC.
        year => format!("{:04}-{} BC", 1 - year, at.format("%m-%d %H:%M:%S%.6f+00")),
    }
}

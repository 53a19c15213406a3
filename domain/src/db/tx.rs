//! Transactions.

use super::dialect;
use super::tenant::TenantEntity;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::scope::Scope;
use crate::signal::{Signal, Topic};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::sqlx::{self, AssertSqlSafe, Postgres};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, DeleteMany, EntityTrait,
    ExecResult, QueryFilter, QueryResult, RuntimeErr, Select, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait, UpdateMany, Values,
};
use sea_query_sqlx::SqlxValues;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Mutex;
use uuid::Uuid;

/// A transaction on either database. On PostgreSQL it is opened by one statement that also names the organisation, which
/// sea-orm has no way for.
pub(crate) enum Tx {
    Postgres(Mutex<sqlx::Transaction<'static, Postgres>>),
    Sqlite(DatabaseTransaction),
}

/// Writers keep plans. The checks of foreign keys are statements, too, and each row would be planned anew for each of them;
/// what else a writer asks for goes by keys, for which every plan is the same.
const PLANS_KEPT: &str = "SET LOCAL plan_cache_mode = auto";

impl Tx {
    pub(super) async fn begin(pool: &DatabaseConnection, org: Option<Uuid>, write: bool) -> Result<Self> {
        if pool.get_database_backend() == DbBackend::Postgres {
            let begin = match org {
                // A literal, as a parameter of set_config is not passed on by every PostgreSQL; a UUID cannot inject.
                Some(org) if write => format!("BEGIN; SET LOCAL app.org = '{org}'; {PLANS_KEPT}"),
                Some(org) => format!("BEGIN; SET LOCAL app.org = '{org}'"),
                None => "BEGIN".to_string(),
            };
            let tx = pool
                .get_postgres_connection_pool()
                .begin_with(AssertSqlSafe(begin))
                .await
                .map_err(query_error)?;
            return Ok(Self::Postgres(Mutex::new(tx)));
        }
        let mode = if write {
            SqliteTransactionMode::Immediate
        } else {
            SqliteTransactionMode::Deferred
        };
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(mode),
            ..Default::default()
        };
        Ok(Self::Sqlite(pool.begin_with_options(options).await?))
    }

    async fn commit(self) -> Result<()> {
        match self {
            Self::Postgres(tx) => tx.into_inner().commit().await.map_err(query_error)?,
            Self::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

fn query_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn prepare(statement: &Statement) -> sqlx::query::Query<'_, Postgres, SqlxValues> {
    let values = statement.values.clone().unwrap_or(Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), SqlxValues(values))
}

#[async_trait::async_trait]
impl ConnectionTrait for Tx {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Postgres(_) => DbBackend::Postgres,
            Self::Sqlite(_) => DbBackend::Sqlite,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Postgres(tx) => {
                let done = prepare(&statement)
                    .execute(&mut **tx.lock().await)
                    .await
                    .map_err(query_error)?;
                Ok(done.into())
            }
            Self::Sqlite(tx) => tx.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Postgres(tx) => {
                use sqlx::Executor;
                let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_string()));
                let done = (&mut **tx.lock().await).execute(sql).await.map_err(query_error)?;
                Ok(done.into())
            }
            Self::Sqlite(tx) => tx.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Postgres(tx) => {
                let row = prepare(&statement)
                    .fetch_optional(&mut **tx.lock().await)
                    .await
                    .map_err(query_error)?;
                Ok(row.map(Into::into))
            }
            Self::Sqlite(tx) => tx.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Postgres(tx) => {
                let rows = prepare(&statement)
                    .fetch_all(&mut **tx.lock().await)
                    .await
                    .map_err(query_error)?;
                Ok(rows.into_iter().map(Into::into).collect())
            }
            Self::Sqlite(tx) => tx.query_all_raw(statement).await,
        }
    }
}

/// A transaction of one organisation and one scope: the only way from rooms to rows of an organisation.
pub struct OrgTx {
    tx: Tx,
    scope: Scope,
    now: Timestamp,
    signal: Arc<dyn Signal>,
    wake: std::sync::Mutex<Vec<Topic>>,
}

impl OrgTx {
    pub(super) fn new(tx: Tx, scope: Scope, now: Timestamp, signal: Arc<dyn Signal>) -> Self {
        Self {
            tx,
            scope,
            now,
            signal,
            wake: std::sync::Mutex::default(),
        }
    }

    /// The organisation.
    pub fn org_id(&self) -> Uuid {
        self.scope.org_id()
    }

    /// Who acts, and how far.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The time of this transaction: pass it on, never ask again.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Rows of the organisation that the scope may see.
    pub(crate) fn find<E: TenantEntity>(&self) -> Select<E> {
        let rows = E::find().filter(E::org_column().eq(self.org_id()));
        match self.scope.groups() {
            Some(groups) => rows.filter(E::within(self.org_id(), groups)),
            None => rows,
        }
    }

    /// Rows by their ids, in no order, as far as the scope sees them.
    ///
    /// # Errors
    /// The database is busy or away.
    pub(crate) async fn by_ids<E: TenantEntity>(&self, ids: impl IntoIterator<Item = Uuid>) -> Result<Vec<E::Model>> {
        let ids: BTreeSet<Uuid> = ids.into_iter().collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(dialect::MAX_BINDS / 2) {
            let id = Expr::col((E::TABLE, "id"));
            let rows = self
                .find::<E>()
                .filter(id.is_in(dialect::listed(chunk.iter().copied())));
            found.extend(rows.all(self).await?);
        }
        Ok(found)
    }

    /// Updates rows of the organisation that the scope may see.
    pub(crate) fn update_many<E: TenantEntity>(&self) -> UpdateMany<E> {
        let rows = E::update_many().filter(E::org_column().eq(self.org_id()));
        match self.scope.groups() {
            Some(groups) => rows.filter(E::within(self.org_id(), groups)),
            None => rows,
        }
    }

    /// Deletes rows of the organisation that the scope may see.
    pub(crate) fn delete_many<E: TenantEntity>(&self) -> DeleteMany<E> {
        let rows = E::delete_many().filter(E::org_column().eq(self.org_id()));
        match self.scope.groups() {
            Some(groups) => rows.filter(E::within(self.org_id(), groups)),
            None => rows,
        }
    }

    /// Wakes whoever waits for the topic once the transaction is committed.
    pub fn wake(&self, topic: Topic) {
        self.wake
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(topic);
    }

    /// Keeps all that was written and sends the wake-ups.
    ///
    /// # Errors
    /// The database could not commit; nothing was written, unless the connection broke in that very moment.
    pub async fn commit(self) -> Result<()> {
        self.commit_quietly().await?.send();
        Ok(())
    }

    /// Keeps all that was written; the wake-ups are the caller's to send.
    pub(crate) async fn commit_quietly(self) -> Result<WakeUps> {
        self.tx.commit().await?;
        Ok(WakeUps {
            signal: self.signal,
            topics: self
                .wake
                .into_inner()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        })
    }
}

/// Wake-ups of a transaction that was committed. Losing them costs time, never work.
#[must_use = "nobody is woken until they are sent"]
pub(crate) struct WakeUps {
    signal: Arc<dyn Signal>,
    topics: Vec<Topic>,
}

impl WakeUps {
    pub fn send(self) {
        for topic in self.topics {
            self.signal.wake(topic);
        }
    }
}

/// Tables that belong to no organisation; a statement on any other has to name the organisation.
const GLOBAL: [&str; 7] = [
    "\"org\"",
    "\"user_account\"",
    "\"user_org\"",
    "\"server_state\"",
    "\"server_key\"",
    "\"setup_code\"",
    "\"sign_in_throttle\"",
];

fn names_organisation(sql: &str) -> bool {
    sql.contains("org_id") || GLOBAL.iter().any(|table| sql.contains(table)) || !sql.contains("FROM \"")
}

#[async_trait::async_trait]
impl ConnectionTrait for OrgTx {
    fn get_database_backend(&self) -> DbBackend {
        self.tx.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        debug_assert!(
            names_organisation(&statement.sql),
            "a statement names no organisation: {}",
            statement.sql
        );
        self.tx.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        debug_assert!(names_organisation(sql), "a statement names no organisation: {sql}");
        self.tx.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        debug_assert!(
            names_organisation(&statement.sql),
            "a statement names no organisation: {}",
            statement.sql
        );
        self.tx.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        debug_assert!(
            names_organisation(&statement.sql),
            "a statement names no organisation: {}",
            statement.sql
        );
        self.tx.query_all_raw(statement).await
    }
}

/// A transaction over tables that belong to no organisation.
pub struct GlobalTx {
    tx: Tx,
    now: Timestamp,
}

impl GlobalTx {
    pub(super) fn new(tx: Tx, now: Timestamp) -> Self {
        Self { tx, now }
    }

    /// The time of this transaction.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Keeps all that was written.
    ///
    /// # Errors
    /// The database could not commit.
    pub async fn commit(self) -> Result<()> {
        self.tx.commit().await
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for GlobalTx {
    fn get_database_backend(&self) -> DbBackend {
        self.tx.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.tx.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.tx.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.tx.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.tx.query_all_raw(statement).await
    }
}

/// Reads over all organisations, for loops: which are due, never what they hold.
pub struct Survey<'a> {
    pool: &'a DatabaseConnection,
}

impl<'a> Survey<'a> {
    pub(super) fn new(pool: &'a DatabaseConnection) -> Self {
        Self { pool }
    }

    /// Rows of all organisations.
    pub(crate) fn find<E: EntityTrait>(&self) -> Select<E> {
        E::find()
    }

    /// The connection, for the queries of rooms.
    pub(crate) fn connection(&self) -> &'a DatabaseConnection {
        self.pool
    }
}

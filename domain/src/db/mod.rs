//! Storage: one pool to the embedded SQLite or to PostgreSQL, and the one way to it, [`OrgTx`].
//!
//! No bare connection leaves this module. A transaction belongs to one organisation and one scope; work over all
//! organisations lists who is due through [`Db::survey`] and then opens one transaction for each.

mod connect;
pub mod dialect;
mod retry;
mod tenant;
mod tx;

pub use connect::{DbOptions, PoolSizes};
pub(crate) use retry::{retry, was_ended_for_others};
pub(crate) use tenant::tenant_entity;
pub use tenant::{Reach, TenantEntity};
pub use tx::{GlobalTx, OrgTx, Survey};

use crate::clock::{Timestamp, cut};
use crate::error::Result;
use crate::scope::Scope;
use crate::signal::{LocalSignal, PgSignal, Signal};
use sea_orm::{DatabaseConnection, DbBackend};
use std::sync::{Arc, RwLock};

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    /// SQLite: readers. PostgreSQL: the pool whose connections are `certyard_app`.
    app: DatabaseConnection,
    /// SQLite: the one writer, so that writers queue instead of polling a lock. PostgreSQL: the same as `app`.
    writer: DatabaseConnection,
    /// SQLite: the same as `app`. PostgreSQL: the pool whose connections are `certyard_worker`.
    survey: DatabaseConnection,
    signal: Arc<dyn Signal>,
    fixed_time: RwLock<Option<Timestamp>>,
}

impl Db {
    /// Opens the pools, without touching the schema: see `certyard_migrations::migrate`.
    ///
    /// # Errors
    /// The database cannot be reached, or does not let the program act as its roles.
    pub async fn open(options: &DbOptions) -> Result<Self> {
        let pools = connect::open(options).await?;
        let signal: Arc<dyn Signal> = match pools.app.get_database_backend() {
            DbBackend::Postgres => PgSignal::start(pools.survey.get_postgres_connection_pool().clone()),
            _ => Arc::new(LocalSignal::default()),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                app: pools.app,
                writer: pools.writer,
                survey: pools.survey,
                signal,
                fixed_time: RwLock::new(None),
            }),
        })
    }

    /// A connection of the owner, for migrations, backup and restore only.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn open_owner(options: &DbOptions) -> Result<DatabaseConnection> {
        connect::open_owner(options).await
    }

    /// Reads in one organisation. Dropping the transaction ends it.
    ///
    /// # Errors
    /// The database is busy or away.
    pub async fn read(&self, scope: &Scope) -> Result<OrgTx> {
        let tx = tx::Tx::begin(&self.inner.app, Some(scope.org_id()), false).await?;
        let now = self.fixed().unwrap_or_else(crate::clock::process_now);
        Ok(OrgTx::new(tx, scope.clone(), now, self.inner.signal.clone()))
    }

    /// Writes in one organisation: nothing is kept unless [`OrgTx::commit`] is called. The database's clock is read once.
    ///
    /// # Errors
    /// The database is busy or away.
    pub async fn write(&self, scope: &Scope) -> Result<OrgTx> {
        let tx = tx::Tx::begin(&self.inner.writer, Some(scope.org_id()), true).await?;
        let now = match self.fixed() {
            Some(time) => time,
            None => cut(dialect::clock(&tx).await?),
        };
        Ok(OrgTx::new(tx, scope.clone(), now, self.inner.signal.clone()))
    }

    /// Reads or writes the few tables that belong to no organisation: row-level security hides all others.
    ///
    /// # Errors
    /// The database is busy or away.
    pub(crate) async fn global(&self, write: bool) -> Result<GlobalTx> {
        let pool = if write { &self.inner.writer } else { &self.inner.app };
        let tx = tx::Tx::begin(pool, None, write).await?;
        let now = match self.fixed() {
            Some(time) => time,
            None if write => cut(dialect::clock(&tx).await?),
            None => crate::clock::process_now(),
        };
        Ok(GlobalTx::new(tx, now))
    }

    /// Lists over all organisations what is due. It reads only: what is due is then claimed in one [`OrgTx`] each.
    pub fn survey(&self) -> Survey<'_> {
        Survey::new(&self.inner.survey)
    }

    /// Wake-ups.
    pub fn signal(&self) -> &Arc<dyn Signal> {
        &self.inner.signal
    }

    /// The time that transactions will see.
    ///
    /// # Errors
    /// The database is busy or away.
    pub async fn now(&self) -> Result<Timestamp> {
        match self.fixed() {
            Some(time) => Ok(time),
            None => Ok(cut(dialect::clock(&self.inner.app).await?)),
        }
    }

    /// Stops the clock at a time, for tests.
    pub fn fix_time(&self, time: Option<Timestamp>) {
        *self
            .inner
            .fixed_time
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = time.map(cut);
    }

    fn fixed(&self) -> Option<Timestamp> {
        *self
            .inner
            .fixed_time
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Whether this is the embedded database, which holds one organisation and one program.
    pub fn is_embedded(&self) -> bool {
        self.inner.app.get_database_backend() == DbBackend::Sqlite
    }

    /// Closes all connections; open transactions are rolled back.
    pub async fn close(&self) {
        let _ = self.inner.app.close_by_ref().await;
        let _ = self.inner.writer.close_by_ref().await;
        let _ = self.inner.survey.close_by_ref().await;
    }
}

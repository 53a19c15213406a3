//! Keys of the server itself.
//!
//! | key | where | used for |
//! |---|---|---|
//! | KEK | file `kek` or `CERTYARD_KEK` | seals everything below that is sealed |
//! | data key of an organisation | sealed in `org` | seals the organisation's secrets |
//! | agent CA | sealed in `server_key` | identities of agents and of their listener |
//! | task signing key | file `task-signing-key`, beside the KEK and never in the database | signs tasks, so that whoever holds the database alone cannot make agents act |
//!
//! A wrong KEK is noticed at start, by one known value that was sealed with the right one. So is a task signing key that the
//! other servers of the database do not sign with, by its id: agents would refuse the tasks of one of them.

mod agent_ca;
mod entity;
mod files;
mod seal;
mod task_signer;

pub use agent_ca::{AgentCa, AgentIdentityCertificate};
pub use files::{KeyFiles, create_private_dir, read_or_create_secret};
pub(crate) use seal::random_key as new_data_key;
pub use seal::{Kek, KekRing};

use crate::Db;
use crate::db::GlobalTx;
use crate::error::{Error, Result};
use certyard_protocol::{Bundle, TaskKey};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set, Unchanged};
use task_signer::TaskSigner;

const STATE: i32 = 1;
const KNOWN_PLACE: &str = "server_state/kek_check/1";
const KNOWN_VALUE: &[u8] = b"certyard knows its key encryption key";

/// All keys of the server, unsealed, for the life of the process.
pub struct Keys {
    ring: KekRing,
    agent_cas: Vec<AgentCa>,
    signers: Vec<TaskSigner>,
    incarnation: i64,
}

impl Keys {
    /// Reads the keys; makes what does not exist yet. Safe to call from several servers at once.
    ///
    /// # Errors
    /// [`Error::Refused`] with the way out when a key file is readable by others, the KEK is not the one that the
    /// database was sealed with, other servers of the database sign tasks with another key, or a file is broken.
    pub async fn load(db: &Db, files: &KeyFiles) -> Result<Self> {
        let files = files.clone();
        let (ring, signers) =
            tokio::task::spawn_blocking(move || -> Result<_> { Ok((files.kek_ring()?, TaskSigner::load(&files)?)) })
                .await
                .map_err(Error::internal)??;
        Self::load_with(db, ring, signers).await
    }

    /// Notes that tasks are signed with the key of these files from now on, whatever they were signed with before: the way
    /// out when the former key is lost. Says the key's id. Agents take the new key with their bundle.
    ///
    /// # Errors
    /// [`Error::Refused`] when a file is broken or readable by others; the database refuses.
    pub async fn replace_task_key(db: &Db, files: &KeyFiles) -> Result<String> {
        let files = files.clone();
        let signers = tokio::task::spawn_blocking(move || TaskSigner::load(&files))
            .await
            .map_err(Error::internal)??;
        let id = signers
            .first()
            .ok_or_else(|| Error::internal("there is no task signing key"))?
            .id()
            .to_string();
        let tx = db.global(true).await?;
        entity::state::Entity::update_many()
            .col_expr(entity::state::Column::TaskKeyId, Expr::value(id.as_str()))
            .filter(entity::state::Column::Id.eq(STATE))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Keys that are made for one test and kept in memory.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn ephemeral(db: &Db) -> Result<Self> {
        Self::load_with(db, KekRing::generate()?, vec![TaskSigner::generate()?]).await
    }

    async fn load_with(db: &Db, ring: KekRing, signers: Vec<TaskSigner>) -> Result<Self> {
        let tx = db.global(true).await?;
        let fresh = entity::state::ActiveModel {
            id: Set(STATE),
            incarnation: Set(1),
            kek_check: Set(None),
            kek_id: Set(None),
            task_key_id: Set(None),
            created_at: Set(tx.now()),
        };
        entity::state::Entity::insert(fresh)
            .on_conflict_do_nothing_on([entity::state::Column::Id])
            .exec(&tx)
            .await?;
        // The row is the lock: of several servers that start at once one makes the keys.
        let mut select = entity::state::Entity::find_by_id(STATE);
        crate::db::dialect::lock_rows(QuerySelect::query(&mut select));
        let state = select
            .one(&tx)
            .await?
            .ok_or_else(|| Error::internal("the state of the server is missing"))?;
        let mut row = entity::state::ActiveModel {
            id: Unchanged(STATE),
            ..Default::default()
        };
        match (&state.kek_check, &state.kek_id) {
            (Some(sealed), Some(kek_id)) => check_kek(&ring, kek_id, sealed)?,
            _ => {
                row.kek_check = Set(Some(ring.active().seal(KNOWN_PLACE, KNOWN_VALUE)?));
                row.kek_id = Set(Some(ring.active().id().into()));
            }
        }
        let ids: Vec<&str> = signers.iter().map(TaskSigner::id).collect();
        if let Some(id) = task_signer::settle(state.task_key_id.as_deref(), &ids)? {
            row.task_key_id = Set(Some(id.into()));
        }
        if row.is_changed() {
            row.update(&tx).await?;
        }
        let mut rows = entity::key::Entity::find()
            .filter(entity::key::Column::Kind.eq(agent_ca::KIND))
            .filter(entity::key::Column::RetiredAt.is_null())
            .order_by_desc(entity::key::Column::CreatedAt)
            .limit(2)
            .all(&tx)
            .await?;
        if rows.is_empty() {
            rows.push(agent_ca::create(&tx, &ring).await?);
        }
        tx.commit().await?;
        let agent_cas = rows
            .iter()
            .map(|row| agent_ca::open(row, &ring))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            ring,
            agent_cas,
            signers,
            incarnation: state.incarnation,
        })
    }

    /// Seals the server's own values anew, with the active KEK, that the one before it had sealed; returns how many.
    pub(crate) async fn reseal_own(&self, tx: &GlobalTx) -> Result<u64> {
        let active = self.ring.active();
        let mut done = 0;
        for row in entity::key::Entity::find()
            .filter(entity::key::Column::KekId.ne(active.id()))
            .all(tx)
            .await?
        {
            let place = agent_ca::place(row.id);
            let sealed = active.seal(&place, &self.ring.open(&row.kek_id, &place, &row.sealed_key)?)?;
            let mut row: entity::key::ActiveModel = row.into();
            row.sealed_key = Set(sealed);
            row.kek_id = Set(active.id().into());
            row.update(tx).await?;
            done += 1;
        }
        if let Some(state) = entity::state::Entity::find_by_id(STATE).one(tx).await?
            && state.kek_id.as_deref() != Some(active.id())
        {
            let mut row: entity::state::ActiveModel = state.into();
            row.kek_check = Set(Some(active.seal(KNOWN_PLACE, KNOWN_VALUE)?));
            row.kek_id = Set(Some(active.id().into()));
            row.update(tx).await?;
            done += 1;
        }
        Ok(done)
    }

    /// Seals and opens secrets of organisations.
    pub fn ring(&self) -> &KekRing {
        &self.ring
    }

    /// The CA that signs identities of agents.
    pub fn agent_ca(&self) -> &AgentCa {
        // `load_with` makes one where there is none.
        self.agent_cas
            .first()
            .unwrap_or_else(|| unreachable!("keys are loaded with an agent CA"))
    }

    /// Roots of the agents' bundle in PEM, the active one first.
    pub fn bundle_pem(&self) -> String {
        self.agent_cas.iter().map(AgentCa::certificate_pem).collect()
    }

    /// Signs the exact bytes of a task: the id of the key, and an Ed25519 signature.
    pub fn sign_task(&self, payload: &[u8]) -> (String, Vec<u8>) {
        let signer = self
            .signers
            .first()
            .unwrap_or_else(|| unreachable!("keys are loaded with a task signing key"));
        (signer.id().into(), signer.sign(payload))
    }

    /// Public halves of the keys that agents shall accept.
    pub fn task_keys(&self) -> Vec<TaskKey> {
        self.signers.iter().map(TaskSigner::public).collect()
    }

    /// Counts the restores of the database.
    pub fn incarnation(&self) -> i64 {
        self.incarnation
    }

    /// What agents trust, as of `now`.
    pub fn bundle(&self, now: crate::Timestamp) -> Bundle {
        Bundle {
            ca_pem: self.bundle_pem(),
            task_keys: self.task_keys(),
            incarnation: self.incarnation,
            server_time: now,
        }
    }
}

fn check_kek(ring: &KekRing, kek_id: &str, sealed: &[u8]) -> Result<()> {
    let known = ring.get(kek_id).and_then(|kek| kek.open(KNOWN_PLACE, sealed).ok());
    if known.as_deref().map(Vec::as_slice) == Some(KNOWN_VALUE) {
        return Ok(());
    }
    Err(Error::refused(
        "wrong_kek",
        format!(
            "the key encryption key is not the one that this database was sealed with (its id is {kek_id}): put the right key into the \
             file `kek` or CERTYARD_KEK; without it the sealed secrets are lost"
        ),
    ))
}

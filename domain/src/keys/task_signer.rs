//! The key that signs tasks: Ed25519 in a file beside the KEK.
//!
//! All servers of a database sign with one key, whose id the database holds. A change of it is told by the former key, which
//! stays in `task-signing-key.previous` until every agent has taken the new one.

use super::files::{KeyFiles, read_or_create_secret};
use crate::error::{Error, Result};
use aws_lc_rs::digest;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::STANDARD};
use certyard_protocol::TaskKey;
use zeroize::Zeroizing;

/// Compares the key that this database's tasks are signed with to one's own, the active one first: the id to note when it is
/// the first or a rightful change, nothing when it is the same. Pure.
pub(super) fn settle<'a>(noted: Option<&str>, own: &[&'a str]) -> Result<Option<&'a str>> {
    let active = own.first().copied();
    match noted {
        Some(noted) if active == Some(noted) => Ok(None),
        Some(noted) if !own.contains(&noted) => Err(Error::refused(
            "wrong_task_key",
            format!(
                "other servers of this database sign tasks with another key (its id is {noted}, the one here {}), and agents would refuse the \
                 tasks of one of them: put their files `task-signing-key` and, where there is one, `task-signing-key.previous` into the key \
                 folder of this server; if that key is lost, run `certyard admin replace-task-key` once",
                active.unwrap_or("missing")
            ),
        )),
        Some(_) | None => Ok(active),
    }
}

pub(super) struct TaskSigner {
    id: String,
    pair: Ed25519KeyPair,
}

impl TaskSigner {
    /// The active key, and the one before it from `task-signing-key.previous` while agents learn the new one.
    pub(super) fn load(files: &KeyFiles) -> Result<Vec<Self>> {
        let path = files.dir.join("task-signing-key");
        let active = read_or_create_secret(&path, || {
            let pair = Ed25519KeyPair::generate().map_err(|_| Error::internal("no Ed25519 key could be made"))?;
            let document = pair
                .to_pkcs8()
                .map_err(|_| Error::internal("an Ed25519 key could not be written"))?;
            Ok(STANDARD.encode(document.as_ref()))
        })?;
        let mut signers = vec![Self::parse(&active)?];
        let previous = path.with_extension("previous");
        if previous.exists() {
            let text = read_or_create_secret(&previous, || {
                Err(Error::internal("the former task signing key vanished"))
            })?;
            signers.push(Self::parse(&text)?);
        }
        Ok(signers)
    }

    pub(super) fn generate() -> Result<Self> {
        Self::new(Ed25519KeyPair::generate().map_err(|_| Error::internal("no Ed25519 key could be made"))?)
    }

    fn parse(text: &str) -> Result<Self> {
        let broken = || {
            Error::refused(
                "broken_task_key",
                "the task signing key file is broken: restore it from your backup",
            )
        };
        let document = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| broken())?);
        Self::new(Ed25519KeyPair::from_pkcs8(&document).map_err(|_| broken())?)
    }

    fn new(pair: Ed25519KeyPair) -> Result<Self> {
        let id = hex::encode(&digest::digest(&digest::SHA256, pair.public_key().as_ref()).as_ref()[..8]);
        Ok(Self { id, pair })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn sign(&self, payload: &[u8]) -> Vec<u8> {
        self.pair.sign(payload).as_ref().to_vec()
    }

    pub(super) fn public(&self) -> TaskKey {
        TaskKey {
            id: self.id.clone(),
            public_key: STANDARD.encode(self.pair.public_key().as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_noted_kept_and_changed_only_by_who_knows_the_former_one() {
        assert_eq!(settle(None, &["a"]).unwrap(), Some("a"));
        assert_eq!(settle(Some("a"), &["a"]).unwrap(), None);
        assert_eq!(settle(Some("a"), &["a", "z"]).unwrap(), None);
        assert_eq!(settle(Some("a"), &["b", "a"]).unwrap(), Some("b"));
        for own in [vec!["b"], vec!["b", "c"], vec![]] {
            let error = settle(Some("a"), &own).unwrap_err().to_string();
            assert!(error.contains("task-signing-key"), "{error}");
        }
    }
}

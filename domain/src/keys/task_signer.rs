//! The key that signs tasks: Ed25519 in a file beside the KEK.

use super::files::{KeyFiles, read_or_create_secret};
use crate::error::{Error, Result};
use aws_lc_rs::digest;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::STANDARD};
use certyard_protocol::TaskKey;
use zeroize::Zeroizing;

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

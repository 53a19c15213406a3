//! Keys of the simulated nodes.
//!
//! Making an RSA key takes a tenth of a second, and a fleet of 1,200 nodes has thousands of certificates. The certificates
//! that a fleet is born with therefore take their keys in turn from a small pool, made when first needed and kept on disk. A CSR
//! always gets a key of its own, as on a real node.

use crate::files::{make_private_dir, read_if_there, write_private_once};
use anyhow::{Context, bail};
use certyard_pki::{KeySpec, PrivateKey};
use rustls::sign::SigningKey;
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// A key's name: SHA-256 of its public half, lower-case hex. It is the name of its file, too.
pub(crate) type KeyId = String;

pub(crate) fn key_id(spki_der: &[u8]) -> KeyId {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, spki_der))
}

/// The keys of one lab, on disk; only those that serve TLS are in memory.
#[derive(Debug)]
pub(crate) struct Keys {
    dir: PathBuf,
    serving: Mutex<HashMap<KeyId, Weak<dyn SigningKey>>>,
}

impl Keys {
    pub(crate) fn open(dir: PathBuf) -> anyhow::Result<Self> {
        make_private_dir(&dir)?;
        Ok(Self {
            dir,
            serving: Mutex::default(),
        })
    }

    fn file(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.pem"))
    }

    /// Keeps a key for good and says its name.
    pub(crate) fn keep(&self, key: &PrivateKey) -> anyhow::Result<KeyId> {
        let id = key_id(key.spki_der());
        write_private_once(&self.file(&id), key.to_pkcs8_pem().as_bytes())?;
        Ok(id)
    }

    /// Forgets the key of a CSR that is gone.
    pub(crate) fn forget(&self, id: &str) {
        if let Err(error) = std::fs::remove_file(self.file(id)) {
            tracing::warn!(%error, key = id, "cannot remove the key of a CSR that is gone");
        }
    }

    /// The key in the form in which TLS uses it. Nodes that have the same key share it.
    pub(crate) fn serving(&self, id: &str) -> anyhow::Result<Arc<dyn SigningKey>> {
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = serving.get(id).and_then(Weak::upgrade) {
            return Ok(key);
        }
        let Some(pem) = read_if_there(&self.file(id))? else {
            bail!("the key {} is missing", self.file(id).display());
        };
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .with_context(|| format!("{} is no private key", self.file(id).display()))?;
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&der)
            .with_context(|| format!("TLS cannot use the key {}", self.file(id).display()))?;
        serving.insert(id.to_owned(), Arc::downgrade(&key));
        Ok(key)
    }
}

/// Keys for the certificates that a fleet is born with.
#[derive(Debug)]
pub(crate) struct Pool<'a> {
    keys: &'a Keys,
    dir: PathBuf,
    size: usize,
    slots: Mutex<HashMap<String, Slot>>,
}

type Slot = Arc<Mutex<Option<Arc<PooledKey>>>>;

/// A key with its name.
pub(crate) struct PooledKey {
    pub(crate) id: KeyId,
    pub(crate) key: PrivateKey,
}

impl std::fmt::Debug for PooledKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("PooledKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl<'a> Pool<'a> {
    /// A pool in `dir`, which several labs may share.
    pub(crate) fn open(keys: &'a Keys, dir: PathBuf, size: usize) -> anyhow::Result<Self> {
        make_private_dir(&dir)?;
        Ok(Self {
            keys,
            dir,
            size: size.max(1),
            slots: Mutex::default(),
        })
    }

    /// Gives a CA that has no keys yet those of that name, so that labs with a common pool need not make them. No node gets these.
    pub(crate) fn lend_authority(&self, name: &str, dir: &Path) -> anyhow::Result<()> {
        make_private_dir(dir)?;
        for role in ["root", "intermediate"] {
            let file = dir.join(format!("{role}.key"));
            if !file.exists() {
                let key = load_or_make(&self.dir.join(format!("{name}-{role}.pem")), KeySpec::Rsa2048)?;
                write_private_once(&file, key.to_pkcs8_pem().as_bytes())?;
            }
        }
        Ok(())
    }

    /// A key of that kind for the given turn. The same turn gives the same key.
    pub(crate) fn key(&self, spec: KeySpec, turn: u64) -> anyhow::Result<Arc<PooledKey>> {
        let number = usize::try_from(turn % self.size as u64).unwrap_or_default();
        let name = format!("{}-{}-{number:02}", spec.key_type().to_lowercase(), spec.bits());
        let slot = Arc::clone(
            self.slots
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(name.clone())
                .or_default(),
        );
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*slot {
            return Ok(Arc::clone(key));
        }
        let key = load_or_make(&self.dir.join(format!("{name}.pem")), spec)?;
        let id = self.keys.keep(&key)?;
        Ok(Arc::clone(slot.insert(Arc::new(PooledKey { id, key }))))
    }
}

/// The key of a file; where there is none, a new one. Of two that make it at once, both get the first one's.
pub(crate) fn load_or_make(file: &Path, spec: KeySpec) -> anyhow::Result<PrivateKey> {
    let parse =
        |pem: &str| PrivateKey::from_pkcs8_pem(pem).with_context(|| format!("{} is no private key", file.display()));
    if let Some(pem) = read_if_there(file)? {
        return parse(&pem);
    }
    let key = PrivateKey::generate(spec).context("cannot make a key")?;
    if write_private_once(file, key.to_pkcs8_pem().as_bytes())? {
        return Ok(key);
    }
    match read_if_there(file)? {
        Some(pem) => parse(&pem),
        None => bail!("{} was there and is gone", file.display()),
    }
}

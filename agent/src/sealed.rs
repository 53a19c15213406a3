//! Secrets at rest: AES-256-GCM under a key file in the data folder.
//!
//! What this protects: a copy of the node files alone (a backup that leaves `seal.key` out, a file sent to support, a
//! file moved to another node's name). What it does not protect: whoever can read the whole data folder, or is root on
//! this machine, has key and ciphertext. The agent must be able to start without a person, so there is no way around that
//! short of a hardware key store.

use crate::folder::{Folder, FolderError};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

const KEY_FILE: &str = "seal.key";
const KEY_BYTES: usize = 32;

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key file is missing or damaged.
    #[error("the key file {0} is damaged: restore it, or enter the credentials of all nodes again")]
    Key(String),
    /// The text was changed, belongs to another name, or was sealed with another key.
    #[error(
        "the sealed credentials of `{0}` cannot be opened: set them again with `certyard-agent credentials set {0}`"
    )]
    Broken(String),
    /// No randomness, or the cipher refused.
    #[error("the system's cryptography failed")]
    Crypto,
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// The key of a data folder.
pub struct SealKey(LessSafeKey);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(..)")
    }
}

impl SealKey {
    /// Reads the key of the folder, or makes it at the first use.
    ///
    /// # Errors
    /// When the file is damaged or cannot be made.
    pub fn load_or_create(folder: &Folder) -> Result<Self, SealError> {
        let _lock = folder.lock()?;
        let bytes = match folder.read(KEY_FILE)? {
            Some(bytes) => Zeroizing::new(bytes),
            None => {
                let mut bytes = Zeroizing::new(vec![0u8; KEY_BYTES]);
                aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SealError::Crypto)?;
                folder.write(KEY_FILE, &bytes)?;
                bytes
            }
        };
        let damaged = || SealError::Key(folder.file(KEY_FILE).display().to_string());
        if bytes.len() != KEY_BYTES {
            return Err(damaged());
        }
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| damaged())?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals bytes so that they open under this name only. Base64 of nonce and ciphertext.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn seal(&self, name: &str, plain: &[u8]) -> Result<String, SealError> {
        let mut nonce = [0u8; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| SealError::Crypto)?;
        let mut sealed = plain.to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name), &mut sealed)
            .map_err(|_| SealError::Crypto)?;
        let mut out = nonce.to_vec();
        out.append(&mut sealed);
        Ok(STANDARD.encode(out))
    }

    /// Opens what [`SealKey::seal`] made under the same name.
    ///
    /// # Errors
    /// [`SealError::Broken`] when the text was changed or belongs to another name or key.
    pub fn open(&self, name: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let broken = || SealError::Broken(name.into());
        let mut bytes = Zeroizing::new(STANDARD.decode(sealed).map_err(|_| broken())?);
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let plain = self
            .0
            .open_in_place(nonce, Aad::from(name), text)
            .map_err(|_| broken())?;
        Ok(Zeroizing::new(plain.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_under_its_own_name_only() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::create(&temp.path().join("data")).unwrap();
        let key = SealKey::load_or_create(&folder).unwrap();
        let sealed = key.seal("cucm-pub", b"canary").unwrap();
        let again = SealKey::load_or_create(&folder).unwrap();
        assert_eq!(again.open("cucm-pub", &sealed).unwrap().as_slice(), b"canary");
        assert!(again.open("cucm-sub", &sealed).is_err());
        let mut changed = STANDARD.decode(&sealed).unwrap();
        changed[20] ^= 1;
        assert!(again.open("cucm-pub", &STANDARD.encode(changed)).is_err());
        assert!(again.open("cucm-pub", "AAAA").is_err());
    }
}

//! Sealing at rest: AES-256-GCM, each value bound to the place where it stands, so that a sealed value that is copied to
//! another row does not open there.

use crate::error::{Error, Result};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, rand};
use zeroize::Zeroizing;

/// Bytes of a key.
pub const KEY_LEN: usize = 32;

/// The key encryption key.
pub struct Kek {
    id: String,
    key: LessSafeKey,
}

impl Kek {
    /// Takes 32 bytes.
    ///
    /// # Errors
    /// Any other length.
    pub fn new(bytes: &[u8]) -> Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| {
            Error::refused(
                "broken_kek",
                "a key encryption key has 32 bytes, written as 64 hex digits",
            )
        })?;
        let id = hex::encode(&digest::digest(&digest::SHA256, bytes).as_ref()[..8]);
        Ok(Self {
            id,
            key: LessSafeKey::new(key),
        })
    }

    /// First 16 hex digits of the key's SHA-256: tells keys apart without telling the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Seals a value for one place.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn seal(&self, place: &str, value: &[u8]) -> Result<Vec<u8>> {
        seal(&self.key, place, value)
    }

    /// Opens what was sealed for the place.
    ///
    /// # Errors
    /// Another key, another place, or changed bytes.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        open(&self.key, place, sealed)
    }
}

/// The active key encryption key, and the one before it while values are sealed anew.
pub struct KekRing {
    keys: Vec<Kek>,
}

impl KekRing {
    /// The active key first.
    pub fn new(active: Kek, previous: Option<Kek>) -> Self {
        Self {
            keys: std::iter::once(active).chain(previous).collect(),
        }
    }

    /// A ring with one new key.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn generate() -> Result<Self> {
        Ok(Self::new(Kek::new(random_key()?.as_slice())?, None))
    }

    /// The key that seals.
    pub fn active(&self) -> &Kek {
        self.keys
            .first()
            .unwrap_or_else(|| unreachable!("a ring is made with an active key"))
    }

    /// A key by its id.
    pub fn get(&self, id: &str) -> Option<&Kek> {
        self.keys.iter().find(|kek| kek.id == id)
    }

    /// Opens with the key of that id.
    ///
    /// # Errors
    /// No such key in the ring, or the value does not open.
    pub fn open(&self, kek_id: &str, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let kek = self.get(kek_id).ok_or_else(|| {
            Error::refused(
                "unknown_kek",
                format!("a secret was sealed with the key encryption key {kek_id}, which is not configured"),
            )
        })?;
        kek.open(place, sealed)
    }
}

/// 32 random bytes.
///
/// # Errors
/// The system has no randomness.
pub(crate) fn random_key() -> Result<Zeroizing<[u8; KEY_LEN]>> {
    let mut bytes = Zeroizing::new([0; KEY_LEN]);
    rand::fill(bytes.as_mut_slice()).map_err(|_| Error::internal("the system has no randomness"))?;
    Ok(bytes)
}

fn seal(key: &LessSafeKey, place: &str, value: &[u8]) -> Result<Vec<u8>> {
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).map_err(|_| Error::internal("the system has no randomness"))?;
    let mut sealed = nonce.to_vec();
    let mut text = Zeroizing::new(value.to_vec());
    let tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(place.as_bytes()),
            text.as_mut_slice(),
        )
        .map_err(|_| Error::internal("a value could not be sealed"))?;
    sealed.extend_from_slice(&text);
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

fn open(key: &LessSafeKey, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let broken = || {
        Error::refused(
            "sealed_value_broken",
            format!("the sealed value at {place} does not open with its key"),
        )
    };
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
    let mut text = Zeroizing::new(text.to_vec());
    let length = key
        .open_in_place(nonce, Aad::from(place.as_bytes()), text.as_mut_slice())
        .map_err(|_| broken())?
        .len();
    text.truncate(length);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_at_its_place_and_with_its_key() {
        let kek = Kek::new(&[7; 32]).unwrap();
        let sealed = kek.seal("org/sealed_key/1", b"secret").unwrap();
        assert_eq!(kek.open("org/sealed_key/1", &sealed).unwrap().as_slice(), b"secret");
        assert!(kek.open("org/sealed_key/2", &sealed).is_err());
        assert!(Kek::new(&[8; 32]).unwrap().open("org/sealed_key/1", &sealed).is_err());
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(
                kek.open("org/sealed_key/1", &changed).is_err(),
                "byte {index} may be changed unseen"
            );
        }
        assert!(kek.open("org/sealed_key/1", &sealed[..5]).is_err());
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
    }
}

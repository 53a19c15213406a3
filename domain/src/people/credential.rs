//! The text of sessions and tokens: prefix, organisation, secret.

use crate::digest::sha256_hex;
use crate::error::{Error, Result};
use aws_lc_rs::{constant_time, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Begins the text of a session.
pub const SESSION_PREFIX: &str = "cys_";
/// Begins the text of an API token, so that scanners for leaked secrets find it.
pub const TOKEN_PREFIX: &str = "cyd_";

/// Begins the token of a feed.
pub const FEED_PREFIX: &str = "cyf_";

/// A credential as its holder sees it, once.
pub(super) struct Credential {
    pub text: Zeroizing<String>,
    pub hash: String,
}

/// What a text claims: the organisation, its row, and the hash of its secret.
pub(super) struct Claim {
    pub org_id: Uuid,
    pub id: Uuid,
    pub hash: String,
}

impl Credential {
    /// 256 random bits for the row `id` of an organisation.
    pub(super) fn make(prefix: &str, org_id: Uuid, id: Uuid) -> Result<Self> {
        let mut secret = Zeroizing::new([0u8; 32]);
        rand::fill(secret.as_mut_slice()).map_err(|_| Error::internal("the system has no randomness"))?;
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_slice()));
        let text = Zeroizing::new(format!(
            "{prefix}{}_{}_{}",
            org_id.simple(),
            id.simple(),
            secret.as_str()
        ));
        // SHA-256 suffices: there is nothing to guess in 256 random bits.
        let hash = sha256_hex(text.as_bytes());
        Ok(Self { text, hash })
    }

    /// Its last characters, to tell credentials apart.
    pub(super) fn hint(&self) -> String {
        let from = self.text.len().saturating_sub(4);
        self.text.get(from..).unwrap_or_default().to_string()
    }
}

impl Claim {
    pub(super) fn parse(prefix: &str, text: &str) -> Option<Self> {
        let rest = text.strip_prefix(prefix)?;
        let (org, rest) = rest.split_once('_')?;
        let (id, secret) = rest.split_once('_')?;
        if secret.len() != 43 {
            return None;
        }
        Some(Self {
            org_id: Uuid::try_parse(org).ok()?,
            id: Uuid::try_parse(id).ok()?,
            hash: sha256_hex(text.as_bytes()),
        })
    }

    pub(super) fn matches(&self, stored: &str) -> bool {
        constant_time::verify_slices_are_equal(self.hash.as_bytes(), stored.as_bytes()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_names_its_row_and_only_its_own_text_matches() {
        let (org, id) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let made = Credential::make(TOKEN_PREFIX, org, id).unwrap();
        let claim = Claim::parse(TOKEN_PREFIX, &made.text).unwrap();
        assert_eq!((claim.org_id, claim.id), (org, id));
        assert!(claim.matches(&made.hash));
        assert!(Claim::parse(SESSION_PREFIX, &made.text).is_none());
        assert!(Claim::parse(TOKEN_PREFIX, "cyd_x_y_z").is_none());
        let other = Credential::make(TOKEN_PREFIX, org, id).unwrap();
        assert!(!claim.matches(&other.hash));
    }
}

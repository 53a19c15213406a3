//! Who the agent is: its key, its certificate, and what it trusts. One file, replaced as a whole, so that key and
//! certificate always belong together.

use crate::folder::{Folder, FolderError};
use crate::server::{FirstTrust, Server, ServerError};
use certyard_pki::{CsrRequest, Hash, KeySpec, PkiError, PrivateKey, Subject};
use certyard_protocol::{Bundle, EnrollRequest, HostFacts, Identity, PROTOCOL_VERSION, RenewRequest};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const FILE: &str = "identity.json";
/// The key of a renewal under way. It is kept before it is asked for, so that a renewal whose answer was lost is asked
/// again with the same key and not taken for a copy of this agent.
const NEXT_KEY: &str = "next.key";
const RETIRED: &str = "retired";

/// Version of this program, as told to the server.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Not joined.
    #[error("this agent has not joined yet: run `certyard-agent join`")]
    NotJoined,
    /// Joined already.
    #[error("this data folder belongs to agent {0} already: give another --data, or --force to give that identity up")]
    Joined(uuid::Uuid),
    /// The server retired it.
    #[error("the server retired this agent for good: join again with a new token, or remove the data folder")]
    Retired,
    /// The file cannot be read.
    #[error("{FILE} is damaged: join again")]
    Damaged(#[source] serde_json::Error),
    /// The join token.
    #[error("{0}")]
    Token(String),
    /// Key or request could not be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The server said no.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// Wiped when it is dropped.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
struct KeyPem(String);

impl KeyPem {
    fn of(key: &PrivateKey) -> Self {
        Self(key.to_pkcs8_pem().to_string())
    }
}

/// What stands in the file.
#[derive(Clone, Serialize, Deserialize)]
pub struct Stored {
    /// Where the server listens for agents.
    pub url: String,
    /// PKCS#8 in PEM.
    key_pem: KeyPem,
    /// As the server gave it.
    pub identity: Identity,
    /// When it was given, by this machine's clock.
    pub obtained_at: DateTime<Utc>,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Stored {
    /// Reads the identity.
    ///
    /// # Errors
    /// When the agent has not joined, was retired, or the file is damaged.
    pub fn load(folder: &Folder) -> Result<Self, IdentityError> {
        if folder.read(RETIRED)?.is_some() {
            return Err(IdentityError::Retired);
        }
        let bytes = folder.read(FILE)?.ok_or(IdentityError::NotJoined)?;
        serde_json::from_slice(&bytes).map_err(IdentityError::Damaged)
    }

    /// Key and certificate in PEM, as a TLS client wants them.
    pub fn tls_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}\n{}", self.key_pem.0, self.identity.certificate_pem))
    }

    /// When the next identity is due: half of this one's life.
    pub fn renew_at(&self) -> DateTime<Utc> {
        self.obtained_at + (self.identity.not_after - self.obtained_at) / 2
    }

    /// Keeps a new bundle.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn with_bundle(mut self, folder: &Folder, bundle: Bundle) -> Result<Self, IdentityError> {
        self.identity.bundle = bundle;
        self.save(folder)?;
        Ok(self)
    }

    fn save(&self, folder: &Folder) -> Result<(), IdentityError> {
        let bytes = Zeroizing::new(serde_json::to_vec_pretty(self).map_err(IdentityError::Damaged)?);
        Ok(folder.write(FILE, &bytes)?)
    }

    /// Asks for the next identity with a new key.
    ///
    /// # Errors
    /// When the server does not give it; the present one stays.
    pub async fn renew(&self, folder: &Folder, server: &Server) -> Result<Self, IdentityError> {
        let key = match folder.read(NEXT_KEY)? {
            Some(pem) => PrivateKey::from_pkcs8_pem(&String::from_utf8_lossy(&Zeroizing::new(pem)))?,
            None => {
                let key = PrivateKey::generate(KeySpec::P256)?;
                folder.write(NEXT_KEY, key.to_pkcs8_pem().as_bytes())?;
                key
            }
        };
        let identity = server
            .renew(&RenewRequest {
                csr_pem: agent_csr(&key)?,
                version: VERSION.into(),
            })
            .await?;
        let next = Self {
            url: self.url.clone(),
            key_pem: KeyPem::of(&key),
            identity,
            obtained_at: Utc::now(),
        };
        next.save(folder)?;
        folder.remove(NEXT_KEY)?;
        Ok(next)
    }
}

/// Notes that the server retired this agent.
///
/// # Errors
/// When the disk refuses.
pub fn retire(folder: &Folder) -> Result<(), FolderError> {
    folder.write(RETIRED, b"")
}

/// A join token as the page shows it: `cyj_<organisation>_<secret>`, with the SHA-256 of the agent CA behind a dot where
/// the page knew it.
pub struct JoinToken {
    token: Zeroizing<String>,
    pin: Option<[u8; 32]>,
}

impl JoinToken {
    /// Takes token and pin apart.
    ///
    /// # Errors
    /// When the text is no join token.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let text = text.trim();
        let bad = |what: &str| IdentityError::Token(format!("{what}: copy the whole token from the page Agents"));
        if !text.starts_with("cyj_") {
            return Err(bad("a join token begins with cyj_"));
        }
        let (token, pin) = match text.split_once('.') {
            None => (text, None),
            Some((token, pin)) => {
                let pin = parse_sha256(pin).ok_or_else(|| bad("the part behind the dot is not a SHA-256"))?;
                (token, Some(pin))
            }
        };
        Ok(Self {
            token: Zeroizing::new(token.into()),
            pin,
        })
    }

    /// Whom to believe at the first contact, by the token's own pin.
    pub fn first_trust(&self) -> FirstTrust {
        self.pin.map_or(FirstTrust::System, FirstTrust::CaSha256)
    }
}

/// Reads 64 hex digits, with or without colons.
pub fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    hex::decode(text.trim().replace(':', "")).ok()?.try_into().ok()
}

/// Spends a join token for an identity, and stores it. An unfinished join that is run again uses the same key.
///
/// # Errors
/// When the folder belongs to an agent already (unless `force`), or the server says no.
pub async fn join(
    folder: &Folder,
    url: &str,
    token: &JoinToken,
    trust: &FirstTrust,
    name: Option<String>,
    force: bool,
) -> Result<Stored, IdentityError> {
    match Stored::load(folder) {
        Ok(stored) if !force => return Err(IdentityError::Joined(stored.identity.agent_id)),
        Ok(_) | Err(IdentityError::NotJoined | IdentityError::Retired | IdentityError::Damaged(_)) => {}
        Err(error) => return Err(error),
    }
    let key = PrivateKey::generate(KeySpec::P256)?;
    let host = host_facts();
    let request = EnrollRequest {
        token: token.token.to_string(),
        csr_pem: agent_csr(&key)?,
        name: name.unwrap_or_else(|| host.hostname.clone()),
        host,
        version: VERSION.into(),
        protocol: PROTOCOL_VERSION,
    };
    let identity = Server::enroll(url, trust, &request).await?;
    let stored = Stored {
        url: url.trim_end_matches('/').into(),
        key_pem: KeyPem::of(&key),
        identity,
        obtained_at: Utc::now(),
    };
    stored.save(folder)?;
    folder.remove(RETIRED)?;
    folder.remove(NEXT_KEY)?;
    Ok(stored)
}

/// The server takes nothing but the key from it.
fn agent_csr(key: &PrivateKey) -> Result<String, PkiError> {
    let request = CsrRequest {
        subject: Subject(vec![("CN".into(), "certyard-agent".into())]),
        sans: vec![],
        key_usage: vec![],
        extended_key_usage: vec![],
        hash: Hash::Sha256,
    };
    Ok(certyard_pki::make_csr(key, &request)?.to_pem())
}

/// Facts about this machine, for people.
fn host_facts() -> HostFacts {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let os = read("/etc/os-release")
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map_or_else(
            || std::env::consts::OS.to_owned(),
            |name| name.trim_matches('"').to_owned(),
        );
    let hostname = read("/proc/sys/kernel/hostname").trim().to_owned();
    HostFacts {
        hostname: if hostname.is_empty() { "agent".into() } else { hostname },
        os,
        arch: std::env::consts::ARCH.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_token_may_carry_the_pin_of_the_ca() {
        let plain = JoinToken::parse(" cyj_0123_secret\n").unwrap();
        assert!(plain.pin.is_none());
        let pinned = JoinToken::parse(&format!("cyj_0123_secret.{}", "ab".repeat(32))).unwrap();
        assert_eq!(pinned.token.as_str(), "cyj_0123_secret");
        assert_eq!(pinned.pin, Some([0xab; 32]));
        assert!(JoinToken::parse("cyj_0123_secret.abcd").is_err());
        assert!(JoinToken::parse("cyd_0123_secret").is_err());
    }
}

//! Which certificate is served? A TLS handshake, nothing more.

use crate::tls::{onlooker, sha256_hex};
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// What a server showed, as DER, leaf first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The chain as presented.
    pub chain: Vec<Vec<u8>>,
}

impl Shown {
    /// SHA-256 of the leaf, lower-case hex.
    pub fn sha256(&self) -> String {
        self.chain.first().map_or_else(String::new, |leaf| sha256_hex(leaf))
    }
}

/// Looks at `address` (host and port) with `name` as server name, where it can be one.
///
/// # Errors
/// Why nothing was seen, for people.
pub async fn look(address: &str, name: &str, key_type: Option<&str>) -> Result<Shown, String> {
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake(address, name, key_type)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("{address} did not answer a TLS handshake within 5 seconds")),
    }
}

async fn handshake(address: &str, name: &str, key_type: Option<&str>) -> Result<Shown, String> {
    let say = |error: &dyn std::fmt::Display| format!("{address}: {error}");
    let tcp = TcpStream::connect(address).await.map_err(|error| say(&error))?;
    let ip = tcp.peer_addr().map_err(|error| say(&error))?.ip();
    let server_name = ServerName::try_from(name.to_owned()).unwrap_or(ServerName::IpAddress(ip.into()));
    let config = onlooker(key_type).map_err(|error| say(&error))?;
    let tls = TlsConnector::from(Arc::new(config));
    let stream = tls.connect(server_name, tcp).await.map_err(|error| say(&error))?;
    let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
    Ok(Shown {
        chain: shown.iter().map(|der| der.to_vec()).collect(),
    })
}

//! What the servers are told at start.

use certyard_domain::alerts::Post;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Settings of the servers.
#[derive(Clone)]
pub struct Config {
    /// Where people and programs connect.
    pub listen: SocketAddr,
    /// How people reach the server; none: by `listen`. With `https` cookies are `Secure`.
    pub public_url: Option<String>,
    /// Own TLS of the main listener; none: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Where agents connect.
    pub agent_listen: SocketAddr,
    /// What agents are told to connect to; none: `https://` and `agent_listen`.
    pub agent_url: Option<String>,
    /// Where metrics and readiness are told; none: nowhere.
    pub ops_listen: Option<SocketAddr>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Folder with the dashboard, in place of the one in the program.
    pub ui_dir: Option<PathBuf>,
    /// Accepted as an owner's API token of the first organisation, for scripts. Not logged.
    pub bootstrap_token: Option<Secret>,
    /// Called once the first owner is made: the set-up code is spent.
    pub on_set_up: Option<Arc<dyn Fn() + Send + Sync>>,
    /// What composes and sends mail; without it there is no preview and no test mail.
    pub post: Option<Arc<dyn Post>>,
    /// Limits of rate.
    pub rates: Rates,
    /// Threads of the main listener; 0: one for each processor.
    pub workers: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            tls: None,
            agent_listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            agent_url: None,
            ops_listen: Some(SocketAddr::from(([127, 0, 0, 1], 9090))),
            trusted_proxies: Vec::new(),
            ui_dir: None,
            bootstrap_token: None,
            on_set_up: None,
            post: None,
            rates: Rates::default(),
            workers: 0,
        }
    }
}

/// A text that no log shows.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps a text out of logs.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// Files with a certificate chain and its key in PEM; read again when they change.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Certificate chain, leaf first.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// Requests a minute, and how many at once; per process.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// From one address without a credential that is accepted.
    pub address_per_minute: NonZeroU32,
    /// With one credential.
    pub credential_per_minute: NonZeroU32,
}

impl Default for Rates {
    /// A person behind a busy page makes some hundred requests a minute; a script that imports makes thousands.
    fn default() -> Self {
        Self {
            address_per_minute: NonZeroU32::MIN.saturating_add(299),
            credential_per_minute: NonZeroU32::MIN.saturating_add(5_999),
        }
    }
}

/// A network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether the address is in the network. An IPv4 address written as IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                u32::from(network) & mask == u32::from(address) & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                u128::from(network) & mask == u128::from(address) & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("`{text}` is no address or network like 10.0.0.0/8");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| refuse())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| refuse())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        if prefix > longest {
            return Err(refuse());
        }
        Ok(Self { address, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::1", "::1", true),
        ];
        for (network, address, held) in cases {
            let parsed: Network = network.parse().expect(network);
            assert_eq!(
                parsed.contains(address.parse().expect(address)),
                held,
                "{network} {address}"
            );
        }
        for broken in ["", "10.0.0.0/33", "example.org", "10.0.0.0/", "::1/129"] {
            assert!(broken.parse::<Network>().is_err(), "{broken}");
        }
    }
}

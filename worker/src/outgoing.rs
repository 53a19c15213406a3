//! Where the server connects to on behalf of an organisation: mail servers, and receivers of calls. Whoever may enter a host must not be
//! able to look around in the server's own network through it, as far as its operator does not want that.
//!
//! Names are resolved here, every address of a name is judged, and the connection is made to an address that was judged: a
//! name that answers otherwise a moment later changes nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// How far connections may go. Addresses of clouds' metadata and of neighbours on the link are out of reach in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses: where organisations are not the operator's own.
    Public,
    /// Private networks as well.
    Private,
    /// This host as well: a mail relay beside the server.
    #[default]
    Local,
}

impl FromStr for Reach {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "public" => Ok(Self::Public),
            "private" => Ok(Self::Private),
            "local" => Ok(Self::Local),
            _ => Err("is one of public, private, local".into()),
        }
    }
}

impl std::fmt::Display for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Local => "local",
        })
    }
}

/// What kind of address one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Public,
    Private,
    ThisHost,
    /// Neighbours on the link, metadata of clouds, groups of hosts, and what is no address of a host.
    Never,
}

/// Why there is nowhere to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoWay {
    /// The name has no address, or nobody can tell.
    Unknown(String),
    /// An address is out of reach.
    Denied(String),
}

impl NoWay {
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Unknown(why) | Self::Denied(why) => why,
        }
    }
}

impl Reach {
    /// Whether connections to the address may be made.
    ///
    /// # Errors
    /// One sentence with the way out.
    pub(crate) fn permit(self, address: IpAddr) -> Result<(), String> {
        let allowed = match place(address) {
            Place::Public => true,
            Place::Private => matches!(self, Self::Private | Self::Local),
            Place::ThisHost => self == Self::Local,
            Place::Never => {
                return Err(format!(
                    "{address} is not an address that this server connects to: it is link-local, of a metadata service, or of no single host"
                ));
            }
        };
        if allowed {
            return Ok(());
        }
        Err(format!(
            "{address} is in a network that this server does not connect to: its operator can allow that by --outgoing"
        ))
    }

    /// The addresses of a host, all of which are within reach.
    pub(crate) async fn resolve(self, host: &str, port: u16) -> Result<Vec<SocketAddr>, NoWay> {
        let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port))
            .await
            .map_err(|error| NoWay::Unknown(format!("{host} has no address: {error}")))?
            .collect();
        if found.is_empty() {
            return Err(NoWay::Unknown(format!("{host} has no address")));
        }
        for address in &found {
            self.permit(address.ip()).map_err(|why| {
                NoWay::Denied(if why.starts_with(host) {
                    why
                } else {
                    format!("{host}: {why}")
                })
            })?;
        }
        Ok(found)
    }
}

fn place(address: IpAddr) -> Place {
    match address.to_canonical() {
        IpAddr::V4(address) => place_v4(address),
        IpAddr::V6(address) => place_v6(address),
    }
}

fn place_v4(address: Ipv4Addr) -> Place {
    match address.octets() {
        [127, ..] => Place::ThisHost,
        // "This network", link-local and metadata, assignments of the IETF, groups and reserved ones; metadata of a cloud.
        [0, ..] | [169, 254, ..] | [192, 0, 0, _] | [224..=255, ..] | [100, 100, 100, 200] => Place::Never,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] | [198, 18..=19, ..] => Place::Private,
        _ => Place::Public,
    }
}

fn place_v6(address: Ipv6Addr) -> Place {
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        place_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Place::ThisHost,
        // An IPv4 address in another dress: mapped by translators (RFC 6052), in tunnels (RFC 3056), as written once (RFC 4291).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] | [0, 0, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        // Metadata of clouds in their private networks.
        [0xfd00, 0xec2, ..] | [0xfd20, 0xce, ..] => Place::Never,
        [0xfc00..=0xfdff, ..] => Place::Private,
        // Link-local, the former site-local, groups, tunnels through others (RFC 4380), local translators (RFC 8215).
        [0xfe80..=0xfeff, ..] | [0xff00..=0xffff, ..] | [0x2001, 0, ..] | [0x64, 0xff9b, ..] => Place::Never,
        _ => Place::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_in_its_place_whatever_it_is_dressed_as() {
        use Place::{Never, Private, Public, ThisHost};
        for (address, expected) in [
            ("192.0.2.1", Public),
            ("8.8.8.8", Public),
            ("2001:db8::1", Public),
            ("127.0.0.1", ThisHost),
            ("127.255.0.9", ThisHost),
            ("::1", ThisHost),
            ("::ffff:127.0.0.1", ThisHost),
            ("64:ff9b::7f00:1", ThisHost),
            ("2002:7f00:1::", ThisHost),
            ("10.0.0.1", Private),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("172.32.0.1", Public),
            ("192.168.1.1", Private),
            ("100.64.0.1", Private),
            ("fd12:3456::1", Private),
            ("::ffff:10.0.0.1", Private),
            ("169.254.169.254", Never),
            ("::ffff:169.254.169.254", Never),
            ("64:ff9b::a9fe:a9fe", Never),
            ("100.100.100.200", Never),
            ("192.0.0.192", Never),
            ("fd00:ec2::254", Never),
            ("fe80::1", Never),
            ("0.0.0.0", Never),
            ("::", Never),
            ("224.0.0.1", Never),
            ("255.255.255.255", Never),
            ("ff02::1", Never),
            ("64:ff9b:1::1", Never),
        ] {
            assert_eq!(place(address.parse().expect(address)), expected, "{address}");
        }
    }

    #[tokio::test]
    async fn a_host_is_in_reach_only_where_all_of_its_addresses_are() {
        let port = 25;
        for (reach, local, private) in [
            (Reach::Local, true, true),
            (Reach::Private, false, true),
            (Reach::Public, false, false),
        ] {
            assert_eq!(reach.to_string().parse(), Ok(reach));
            for (host, allowed) in [("127.0.0.1", local), ("localhost", local), ("10.1.2.3", private)] {
                let found = reach.resolve(host, port).await;
                assert_eq!(found.is_ok(), allowed, "{reach} {host}: {found:?}");
            }
            for host in ["169.254.169.254", "0.0.0.0", "fe80::1"] {
                let found = reach.resolve(host, port).await;
                assert!(matches!(found, Err(NoWay::Denied(_))), "{reach} {host}: {found:?}");
            }
        }
    }
}

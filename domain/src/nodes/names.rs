//! Whether a certificate names a node.

use std::net::IpAddr;

/// Host of an address with or without a port.
pub(crate) fn host_of(address: &str) -> &str {
    if let Some(rest) = address.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(host, _)| host);
    }
    match address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.parse::<u16>().is_ok() => host,
        _ => address,
    }
}

/// Whether one of the names of a certificate is one by which the node is known: the same, whatever the case, or the full name of
/// a host whose short name is known.
pub(crate) fn is_named<'a>(known: impl IntoIterator<Item = &'a str>, names: &[String]) -> bool {
    known
        .into_iter()
        .any(|known| names.iter().any(|name| is_same(known, name)))
}

fn is_same(known: &str, name: &str) -> bool {
    if let Ok(address) = known.parse::<IpAddr>() {
        return name.parse::<IpAddr>().is_ok_and(|other| other == address);
    }
    let bare = |text: &str| text.trim_end_matches('.').to_ascii_lowercase();
    let (known, name) = (bare(known), bare(name));
    if known.is_empty() {
        return false;
    }
    let short = || !known.contains('.') && name.split('.').next() == Some(known.as_str());
    known == name || short()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_read_from_an_address() {
        for (address, host) in [
            ("pub.example.org", "pub.example.org"),
            ("pub.example.org:8443", "pub.example.org"),
            ("192.0.2.7:443", "192.0.2.7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
        ] {
            assert_eq!(host_of(address), host);
        }
    }

    #[test]
    fn a_node_is_named_by_its_full_or_its_short_name_or_its_address() {
        for (known, name, wanted) in [
            ("pub.example.org", "PUB.example.org.", true),
            ("pub", "pub.example.org", true),
            ("pub", "pub", true),
            ("pub.example.org", "pub", false),
            ("pub.example.org", "pub.example.com", false),
            ("pub", "pub2.example.org", false),
            ("pub", "other.pub.org", false),
            ("2001:db8::7", "2001:DB8:0::7", true),
            ("192.0.2.7", "192.0.2.70", false),
            ("192", "192.0.2.7", true),
            ("", "", false),
        ] {
            assert_eq!(is_named([known], &[name.to_string()]), wanted, "{known} {name}");
        }
    }
}

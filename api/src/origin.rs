//! Where a request comes from: the address behind trusted proxies, and the site that a browser says it is on.

use crate::config::Network;
use actix_web::http::header::{HOST, HeaderMap, ORIGIN};
use std::net::IpAddr;

/// The address of the caller. `X-Forwarded-For` is read from its end while a trusted proxy says it.
pub(crate) fn address(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let unknown = IpAddr::from([0, 0, 0, 0]);
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = peer.unwrap_or(unknown).to_canonical();
    if !is_trusted(address) {
        return address;
    }
    let named: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    for name in named.into_iter().rev() {
        // What cannot be read cannot be believed; the proxy that said it is the caller.
        let Ok(next) = name.parse::<IpAddr>() else { break };
        address = next.to_canonical();
        if !is_trusted(address) {
            break;
        }
    }
    address
}

/// What the `Origin` header says of the page that makes the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// There is none: no browser, or no page.
    Absent,
    /// This server.
    Same,
    /// Another, or one that hides.
    Foreign,
}

/// Compares `Origin` with the public URL, and with the host that was asked under the scheme of the public URL.
pub(crate) fn site(headers: &HeaderMap, public_url: &str) -> Site {
    let Some(origin) = headers.get(ORIGIN) else {
        return Site::Absent;
    };
    let Ok(origin) = origin.to_str() else {
        return Site::Foreign;
    };
    if origin.eq_ignore_ascii_case(origin_of(public_url)) {
        return Site::Same;
    }
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let scheme = if public_url.starts_with("https://") {
        "https://"
    } else {
        "http://"
    };
    let named = origin.strip_prefix(scheme).unwrap_or_default();
    if !named.is_empty() && named.eq_ignore_ascii_case(host) {
        Site::Same
    } else {
        Site::Foreign
    }
}

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    &url[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_str(value).expect("a value"),
            );
        }
        map
    }

    #[test]
    fn forwarded_addresses_are_believed_from_trusted_proxies_only() {
        let trusted: Vec<Network> = vec!["10.0.0.0/8".parse().expect("a network")];
        let cases: [(&str, &[&str], &str); 7] = [
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["192.0.2.66, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1", "10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ];
        for (peer, forwarded, expected) in cases {
            let pairs: Vec<_> = forwarded.iter().map(|value| ("x-forwarded-for", *value)).collect();
            let found = address(Some(peer.parse().expect(peer)), &headers(&pairs), &trusted);
            assert_eq!(
                found,
                expected.parse::<IpAddr>().expect(expected),
                "{peer} {forwarded:?}"
            );
        }
    }

    #[test]
    fn only_this_site_is_the_same_site() {
        let cases = [
            (None, "https://c.example.org", "c.example.org", Site::Absent),
            (
                Some("https://c.example.org"),
                "https://c.example.org",
                "inner:8080",
                Site::Same,
            ),
            (
                Some("https://c.example.org"),
                "https://c.example.org/",
                "inner:8080",
                Site::Same,
            ),
            (
                Some("http://c.example.org"),
                "https://c.example.org",
                "c.example.org",
                Site::Foreign,
            ),
            (
                Some("https://x.c.example.org"),
                "https://c.example.org",
                "c.example.org",
                Site::Foreign,
            ),
            (Some("null"), "https://c.example.org", "c.example.org", Site::Foreign),
            (
                Some("http://localhost:8080"),
                "http://127.0.0.1:8080",
                "localhost:8080",
                Site::Same,
            ),
            (
                Some("http://evil.example"),
                "http://127.0.0.1:8080",
                "127.0.0.1:8080",
                Site::Foreign,
            ),
            (Some("null"), "http://127.0.0.1:8080", "null", Site::Foreign),
            (Some(""), "http://127.0.0.1:8080", "", Site::Foreign),
        ];
        for (origin, url, host, expected) in cases {
            let mut pairs = vec![("host", host)];
            pairs.extend(origin.map(|origin| ("origin", origin)));
            assert_eq!(site(&headers(&pairs), url), expected, "{origin:?} {url} {host}");
        }
    }
}

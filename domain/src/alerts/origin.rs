//! Where a URL leads to: read before anybody connects, and refused where two programs may read it in two ways.

/// Longest URL, in bytes.
const MAX_URL: usize = 2000;

/// Scheme, host and port of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `https` or `http`.
    pub scheme: &'static str,
    /// Host name in the form of the DNS, or an address; IPv6 without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { scheme, host, port } = self;
        match host.contains(':') {
            true => write!(f, "{scheme}://[{host}]")?,
            false => write!(f, "{scheme}://{host}")?,
        }
        match (*scheme, *port) {
            ("https", 443) | ("http", 80) => Ok(()),
            (_, port) => write!(f, ":{port}"),
        }
    }
}

/// Reads the origin of a URL (RFC 3986) that holds no credentials, no fragment and nothing but ASCII.
///
/// # Errors
/// One sentence that says what is wrong.
pub fn parse_origin(url: &str) -> Result<Origin, &'static str> {
    if url.len() > MAX_URL {
        return Err("has at most 2000 bytes");
    }
    if !url.chars().all(|letter| letter.is_ascii_graphic()) || url.contains(['\\', '"', '<', '>', '#']) {
        return Err("is a URL like https://hooks.example.org/path without blanks, fragment or letters beyond ASCII");
    }
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
        _ => return Err("begins with https://"),
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("holds no user or password: use the secret");
    }
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => {
            host.parse::<std::net::Ipv6Addr>()
                .map_err(|_| "has a host name or an address")?;
            (host, port.strip_prefix(':').or(port.is_empty().then_some("")))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, Some("")),
        },
    };
    let port = match port {
        Some("") => match scheme {
            "https" => 443,
            _ => 80,
        },
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or("has a port from 1 to 65535")?,
        None => return Err("has a port from 1 to 65535"),
    };
    let label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    let good = host.contains(':') || (host.len() <= 253 && host.trim_end_matches('.').split('.').all(label));
    // Programs read `0x7f.1` and `2130706433` as addresses, each in its own way.
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let numeric = last.chars().all(|c| c.is_ascii_digit()) || last.to_lowercase().starts_with("0x");
    if !good || (numeric && !host.contains(':') && host.parse::<std::net::Ipv4Addr>().is_err()) {
        return Err("has a host name or an address");
    }
    Ok(Origin {
        scheme,
        host: host.to_lowercase(),
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_of_a_url_is_read_or_the_url_refused() {
        for (url, origin) in [
            (
                "https://hooks.example.org/services/T0/B0/x",
                "https://hooks.example.org",
            ),
            ("HTTPS://Hooks.Example.org:8443/?a=b", "https://hooks.example.org:8443"),
            ("https://192.0.2.1/", "https://192.0.2.1"),
            ("https://[2001:db8::1]:444/x", "https://[2001:db8::1]:444"),
            ("http://localhost:8080/hook", "http://localhost:8080"),
        ] {
            assert_eq!(parse_origin(url).map(|found| found.to_string()).as_deref(), Ok(origin));
        }
        let long = format!("https://example.org/{}", "a".repeat(2000));
        for url in [
            "",
            "ftp://example.org/",
            "https://",
            "https://user:password@example.org/",
            "https://example.org\\@evil.example/",
            "https://exa mple.org/",
            "https://example.org/\r\nHost: x",
            "https://example.org/#part",
            "https://example.org:0/",
            "https://example.org:65536/",
            "https://[::1/",
            "https://[::1]x/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://127.1/",
            "https://bücher.example/",
            "https://a..b/",
            &long,
        ] {
            assert!(parse_origin(url).is_err(), "{url} is taken");
        }
    }
}

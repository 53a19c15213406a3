//! Which certificates an nginx serves, under which names, on which addresses.

use super::syntax::{self, Directive};
use std::path::{Path, PathBuf};

/// One pair of certificate and key file, and all that is served with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// `nginx:` and the first server name; `#2` and so on for a further pair under the same name.
    pub purpose: String,
    /// The configured certificate file.
    pub certificate: PathBuf,
    /// The configured key file.
    pub key: PathBuf,
    /// Server names of all its blocks.
    pub names: Vec<String>,
    /// Where to connect: host and port of each listening address.
    pub listens: Vec<String>,
    /// Another pair shares the certificate or key file: neither can be changed alone.
    pub shared: bool,
    /// Certificate files of other pairs in the same blocks. nginx serves one certificate for each type of key there.
    pub beside: Vec<PathBuf>,
}

/// A bundle of CA certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TrustFile {
    /// `nginx:<name>:client` or `nginx:<name>:trusted`.
    pub store: String,
    /// The configured file.
    pub path: PathBuf,
}

/// All that a configuration says of certificates.
#[derive(Debug, Default)]
pub(super) struct Sites {
    pub sites: Vec<Site>,
    pub trusts: Vec<TrustFile>,
}

impl Sites {
    /// The site of a purpose.
    pub fn find(&self, purpose: &str) -> Option<&Site> {
        self.sites.iter().find(|site| site.purpose == purpose)
    }
}

impl Site {
    /// Each address with each name that can be asked for.
    pub fn targets(&self) -> Vec<(String, String)> {
        let mut names: Vec<&str> = self
            .names
            .iter()
            .map(String::as_str)
            .filter(|name| is_host(name))
            .collect();
        let wild: Vec<String> = self
            .names
            .iter()
            .filter_map(|name| name.strip_prefix("*.").or_else(|| name.strip_prefix('.')))
            .map(|parent| format!("certyard-look.{parent}"))
            .collect();
        names.extend(wild.iter().map(String::as_str));
        if names.is_empty() {
            names.push("");
        }
        let each = |listen: &String| {
            names
                .iter()
                .map(|name| (listen.clone(), (*name).to_owned()))
                .collect::<Vec<_>>()
        };
        self.listens.iter().flat_map(each).collect()
    }
}

fn is_host(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    !name.is_empty() && !name.starts_with('.') && name.chars().all(fine)
}

/// Reads the configuration.
pub(super) fn find_sites(config: &Path) -> Result<Sites, String> {
    let prefix = config.parent().unwrap_or_else(|| Path::new("/"));
    let directives = syntax::read(config)?;
    let mut found = Sites::default();
    for context in directives
        .iter()
        .filter(|d| ["http", "stream", "mail"].contains(&d.name.as_str()))
    {
        for server in context.block.iter().filter(|d| d.name == "server") {
            add_server(&mut found, prefix, context, server);
        }
    }
    let files: Vec<(PathBuf, PathBuf)> = found
        .sites
        .iter()
        .map(|site| (site.certificate.clone(), site.key.clone()))
        .collect();
    for site in &mut found.sites {
        let others = files.iter().filter(|(certificate, key)| {
            (certificate == &site.certificate || key == &site.key || certificate == &site.key)
                && (certificate, key) != (&site.certificate, &site.key)
        });
        site.shared = others.count() > 0 || site.certificate == site.key;
    }
    Ok(found)
}

fn add_server(found: &mut Sites, prefix: &Path, context: &Directive, server: &Directive) {
    let values = |name: &str| -> Vec<&str> {
        let own: Vec<&str> = args(&server.block, name);
        if own.is_empty() {
            args(&context.block, name)
        } else {
            own
        }
    };
    let legacy_ssl = values("ssl").first() == Some(&"on");
    let listens: Vec<String> = server
        .block
        .iter()
        .filter(|d| d.name == "listen" && (legacy_ssl || d.args.iter().any(|arg| arg == "ssl")))
        .filter_map(|d| connectable(d.args.first()?))
        .collect();
    let mut names: Vec<String> = server
        .block
        .iter()
        .filter(|d| d.name == "server_name")
        .flat_map(|d| d.args.clone())
        .filter(|name| !name.is_empty() && name != "_" && !name.starts_with('~'))
        .collect();
    names.dedup();
    let name = names.first().cloned().unwrap_or_else(|| {
        let port = listens.first().and_then(|listen| listen.rsplit(':').next());
        format!("port-{}", port.unwrap_or("none"))
    });
    for (directive, kind) in [
        ("ssl_client_certificate", "client"),
        ("ssl_trusted_certificate", "trusted"),
    ] {
        for path in values(directive).into_iter().filter(|path| is_file_name(path)) {
            let trust = TrustFile {
                store: format!("nginx:{name}:{kind}"),
                path: prefix.join(path),
            };
            if !found.trusts.iter().any(|known| known.store == trust.store) {
                found.trusts.push(trust);
            }
        }
    }
    let keys = values("ssl_certificate_key");
    let pairs: Vec<(PathBuf, PathBuf)> = values("ssl_certificate")
        .into_iter()
        .zip(keys)
        .filter(|(certificate, key)| is_file_name(certificate) && is_file_name(key))
        .map(|(certificate, key)| (prefix.join(certificate), prefix.join(key)))
        .collect();
    for (certificate, key) in pairs.iter().cloned() {
        let others = pairs
            .iter()
            .map(|(other, _)| other)
            .filter(|other| **other != certificate);
        let beside: Vec<PathBuf> = others.cloned().collect();
        let same = |site: &&mut Site| site.certificate == certificate && site.key == key;
        if let Some(site) = found.sites.iter_mut().find(same) {
            add_new(&mut site.names, &names);
            add_new(&mut site.listens, &listens);
            add_new(&mut site.beside, &beside);
            continue;
        }
        let wanted = format!("nginx:{name}");
        let taken = |purpose: &str| found.sites.iter().any(|site| site.purpose == purpose);
        let mut purpose = wanted.clone();
        let mut number = 2;
        while taken(&purpose) {
            purpose = format!("{wanted}#{number}");
            number += 1;
        }
        found.sites.push(Site {
            purpose,
            certificate,
            key,
            names: names.clone(),
            listens: listens.clone(),
            shared: false,
            beside,
        });
    }
}

fn add_new<T: Clone + PartialEq>(list: &mut Vec<T>, new: &[T]) {
    for item in new {
        if !list.contains(item) {
            list.push(item.clone());
        }
    }
}

fn args<'a>(block: &'a [Directive], name: &str) -> Vec<&'a str> {
    let named = block.iter().filter(|d| d.name == name);
    named.filter_map(|d| d.args.first()).map(String::as_str).collect()
}

/// Not a variable, an engine or inline data.
fn is_file_name(text: &str) -> bool {
    !text.contains('$')
        && !["data:", "engine:", "store:"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
}

/// Where to connect for a `listen` argument; `None` for a UNIX socket.
fn connectable(listen: &str) -> Option<String> {
    if listen.starts_with("unix:") {
        return None;
    }
    if listen.parse::<u16>().is_ok() {
        return Some(format!("127.0.0.1:{listen}"));
    }
    let (host, port) = match listen.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => (host, port),
        _ => (listen, "80"),
    };
    let host = match host {
        "*" | "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        host => host,
    };
    Some(format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_names_and_addresses_are_found_with_inheritance() {
        let temp = tempfile::tempdir().unwrap();
        let main = temp.path().join("nginx.conf");
        let text = "
            http {
              ssl_certificate shared.pem; ssl_certificate_key shared.key;
              server { listen 80; listen 443 ssl; listen [::]:443 ssl http2; server_name www.example.org example.org; }
              server { listen *:8443 ssl; server_name *.example.net; }
              server { listen 127.0.0.2:444 ssl; server_name dual.example;
                ssl_certificate rsa.pem; ssl_certificate_key rsa.key;
                ssl_certificate ec.pem; ssl_certificate_key ec.key;
                ssl_client_certificate ca.pem; }
              server { listen 445 ssl; server_name var; ssl_certificate $x.pem; ssl_certificate_key $x.key; }
              server { listen 446 ssl; ssl_certificate other.pem; ssl_certificate_key rsa.key; }
            }";
        std::fs::write(&main, text).unwrap();
        let found = find_sites(&main).unwrap();
        let purposes: Vec<&str> = found.sites.iter().map(|site| site.purpose.as_str()).collect();
        assert_eq!(
            purposes,
            [
                "nginx:www.example.org",
                "nginx:dual.example",
                "nginx:dual.example#2",
                "nginx:port-446"
            ]
        );
        let first = &found.sites[0];
        assert_eq!(first.listens, ["127.0.0.1:443", "[::1]:443", "127.0.0.1:8443"]);
        assert_eq!(first.targets().len(), 9);
        assert!(found.sites[1].shared && !found.sites[2].shared && found.sites[3].shared);
        assert!(first.beside.is_empty());
        assert_eq!(found.sites[1].beside, [temp.path().join("ec.pem")]);
        assert_eq!(found.sites[2].beside, [temp.path().join("rsa.pem")]);
        assert_eq!(found.trusts[0].store, "nginx:dual.example:client");
    }
}

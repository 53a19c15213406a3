//! What a node prints, read with tolerance: both shapes of lists, PEM among other text, and its words of refusal.

use crate::connector::StepError;

/// A line of `show cert list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Unit of an identity (`tomcat`), or trust store (`tomcat-trust`).
    pub unit: String,
    /// Name of the certificate, without an ending.
    pub name: String,
}

impl Listed {
    /// As `show cert` takes it.
    pub fn path(&self) -> String {
        format!("{}/{}.pem", self.unit, self.name)
    }
}

fn bare(name: &str) -> &str {
    [".pem", ".der", ".csr"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(name)
}

/// Reads `unit/name.pem: description` of release 15, and the blocks of Unit, Type, Name of releases before it.
pub(super) fn read_list(text: &str) -> Vec<Listed> {
    let mut all = Vec::new();
    let mut unit: Option<&str> = None;
    for line in text.lines().map(str::trim) {
        if let Some((path, _)) = line.split_once(':')
            && let Some((unit, name)) = path.trim().split_once('/')
            && !unit.contains(char::is_whitespace)
        {
            all.push(Listed {
                unit: unit.into(),
                name: bare(name).into(),
            });
            continue;
        }
        match line.split_once(':').map(|(key, value)| (key.trim(), value.trim())) {
            Some(("Unit", value)) => unit = Some(value),
            Some(("Name", value)) => {
                if let Some(unit) = unit.take() {
                    all.push(Listed {
                        unit: unit.into(),
                        name: bare(value).into(),
                    });
                }
            }
            _ => {}
        }
    }
    all
}

/// Reads `unit/unit.csr` of `show csr list own`.
pub(super) fn read_csr_list(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let path = line.split(':').next()?.trim();
            let (unit, name) = path.split_once('/')?;
            name.ends_with(".csr").then(|| unit.to_owned())
        })
        .collect()
}

/// The first PEM block with that label.
pub(super) fn read_pem<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let end = format!("-----END {label}-----");
    let from = text.find(&format!("-----BEGIN {label}-----"))?;
    let rest = text.get(from..)?;
    let to = rest.find(&end)? + end.len();
    rest.get(..to)
}

/// Reads `show version active`: `15.0.1.12900-234`.
pub(super) fn read_version(text: &str) -> Option<String> {
    let line = text
        .lines()
        .find(|line| line.contains("Active") && line.contains("Version:"))?;
    let version = line.split_once(':')?.1.trim();
    version
        .starts_with(|letter: char| letter.is_ascii_digit())
        .then(|| version.to_owned())
}

/// Whether a build, as [`read_version`] gives it, is of release 14SU2 or later. The thousands of the fourth number count the service
/// updates of release 14: `14.0.1.12900-161` is 14SU2.
pub(super) fn is_from_14_su2(build: &str) -> bool {
    let mut numbers = build
        .split(['.', '-'])
        .map(|part| part.parse::<u32>().unwrap_or_default());
    let release = numbers.next().unwrap_or_default();
    release > 14 || (release == 14 && numbers.nth(2).unwrap_or_default() >= 12_000)
}

const PUBLISHER: &str = "publisher";
const SUBSCRIBER: &str = "subscriber";

/// A line of `show network cluster`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkNode {
    /// IP address.
    pub ip: String,
    /// Full name, or the short one where the node knows no domain.
    pub fqdn: String,
    /// Host name.
    pub name: String,
    /// `publisher` or `subscriber`.
    pub role: &'static str,
    /// Product in the catalogue's spelling; as the node spells it where it is another.
    pub product: String,
}

/// Reads `show network cluster`; lines of another shape say nothing.
pub(super) fn read_network(text: &str) -> Vec<NetworkNode> {
    let mut all: Vec<NetworkNode> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(at) = words.iter().position(|word| {
            [PUBLISHER, SUBSCRIBER]
                .iter()
                .any(|role| word.eq_ignore_ascii_case(role))
        }) else {
            continue;
        };
        let (Some(ip), Some(name), Some(kind)) = (words.first(), words.get(at.wrapping_sub(1)), words.get(at + 1))
        else {
            continue;
        };
        if ip.parse::<std::net::IpAddr>().is_err() || all.iter().any(|known| known.name == *name) {
            continue;
        }
        let product = match kind.to_ascii_lowercase().as_str() {
            "callmanager" => "cucm",
            "cups" => "imp",
            "connection" | "cuc" => "cuc",
            "cer" | "emergencyresponder" => "cer",
            _ => kind,
        };
        all.push(NetworkNode {
            ip: (*ip).into(),
            fqdn: words.get(1).filter(|_| at > 1).unwrap_or(name).to_string(),
            name: (*name).into(),
            role: if words.get(at).is_some_and(|word| word.eq_ignore_ascii_case(PUBLISHER)) {
                PUBLISHER
            } else {
                SUBSCRIBER
            },
            product: product.into(),
        });
    }
    all
}

/// What a node said of its cluster.
#[derive(Clone, Debug)]
pub struct Network {
    /// All nodes that it lists, also those of another product.
    pub nodes: Vec<NetworkNode>,
    /// Name of the node that was asked; none where no line is its own.
    pub asked: Option<String>,
    /// Product of the node that was asked; where no line is its own, that of the publisher.
    pub product: String,
}

impl Network {
    /// `hosts`: the names and addresses that the asked node is reached by.
    pub(super) fn new(mut nodes: Vec<NetworkNode>, hosts: &[String]) -> Self {
        let is = |text: &str| hosts.iter().any(|host| host.eq_ignore_ascii_case(text));
        // A name is one node's; an address may be that of a translation which all share.
        let asked = nodes
            .iter()
            .find(|node| is(&node.fqdn) || is(&node.name))
            .or_else(|| nodes.iter().find(|node| is(&node.ip)));
        let product = asked
            .or_else(|| nodes.iter().find(|node| node.role == PUBLISHER))
            .or(nodes.first())
            .map(|node| node.product.clone())
            .unwrap_or_default();
        let asked = asked.map(|node| node.name.clone());
        // The first node of IM and Presence is a subscriber of Unified CM's database, and the publisher of its own cluster.
        let mut own = nodes.iter_mut().filter(|node| node.product == product);
        if let Some(first) = own.next()
            && first.role != PUBLISHER
            && own.all(|node| node.role != PUBLISHER)
        {
            first.role = PUBLISHER;
        }
        Self { nodes, asked, product }
    }
}

/// The node's own words, for people.
pub(super) fn words(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && *line != "admin:" && *line != "Executed command unsuccessfully")
        .collect();
    let clean: String = lines.join("; ").chars().take(600).collect();
    if clean.is_empty() {
        "it gave no reason".into()
    } else {
        clean
    }
}

/// The node did not do what was asked.
pub(super) fn refuses(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    [
        "executed command unsuccessfully",
        "no valid command",
        "% invalid",
        "invalid command",
    ]
    .iter()
    .any(|words| lower.contains(words))
}

/// Whether a list of services, or the answer to a restart, says that the service is not activated on the node:
/// `Cisco TFTP[STOPPED]  Service Not Activated`.
pub(super) fn is_not_activated(text: &str, service: &str) -> bool {
    text.lines().map(str::trim).any(|line| {
        let state = line.strip_prefix(service).map(str::trim_start);
        state.is_some_and(|state| state.starts_with('[') && state.to_ascii_lowercase().contains("not activated"))
    })
}

/// The node says that the certificate is not there (R23): 12.5 calls it a file that was not found.
pub(super) fn says_absent(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains("does not exist on this node") || lower.contains("file not found")
}

/// A word of a command. Whatever the server asks for, nothing but names gets to a node's command line.
///
/// # Errors
/// Where it is no name.
pub(super) fn word<'a>(what: &str, text: &'a str) -> Result<&'a str, StepError> {
    let fine = |letter: char| letter.is_alphanumeric() || "-_.:()+@=,".contains(letter);
    if !text.is_empty() && text.len() <= 250 && !text.starts_with('-') && text.chars().all(fine) {
        return Ok(text);
    }
    let shown: String = text.chars().filter(|letter| !letter.is_control()).take(60).collect();
    Err(StepError::lasting(
        "name_refused",
        format!("`{shown}` cannot be the name of a {what}"),
    ))
}

/// The name of a service: words with single spaces between.
///
/// # Errors
/// Where it is none.
pub(super) fn service(text: &str) -> Result<&str, StepError> {
    for part in text.split(' ') {
        word("service", part)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(unit: &str, name: &str) -> Listed {
        Listed {
            unit: unit.into(),
            name: name.into(),
        }
    }

    #[test]
    fn the_service_update_is_read_from_the_build() {
        for (build, wanted) in [
            ("12.5.1.15900-66", false),
            ("14.0.1.10000-20", false),
            ("14.0.1.11900-132", false),
            ("14.0.1.12900-161", true),
            ("14.0.1.13900-155", true),
            ("15.0.1.10000-32", true),
            ("", false),
        ] {
            assert_eq!(is_from_14_su2(build), wanted, "{build}");
        }
    }

    #[test]
    fn both_shapes_of_a_list_are_read() {
        let new = "\ntomcat/tomcat.pem: Self-signed certificate generated by system\n\
                   tomcat-trust/Corp_Root_1a2b.pem: Signed Certificate: by hand\n\nadmin:";
        assert_eq!(
            read_list(new),
            [listed("tomcat", "tomcat"), listed("tomcat-trust", "Corp_Root_1a2b")]
        );
        let old = "Unit:   tomcat\nType:   own\nName:   tomcat.pem\nIssuer:   CN=a/b\nExpires:   Thu Jan 30 00:53:07 UTC 2030\n\n\
                   Unit: CAPF-trust\nType: trust\nName: CAPF-1a\n";
        assert_eq!(
            read_list(old),
            [listed("tomcat", "tomcat"), listed("CAPF-trust", "CAPF-1a")]
        );
        assert!(read_list("Executed command unsuccessfully").is_empty());
    }

    #[test]
    fn a_network_is_read_with_and_without_the_time_of_the_connection() {
        let text = "10.3.74.13 imppub.example.com IMPPUB Subscriber cups DBPub authenticated\n\
                    10.3.74.11 cucmpub.example.com CUCMPUB Publisher callmanager DBPub authenticated using TCP since Thu\n\
                    10.3.74.12 CUCMSUB Subscriber callmanager DBSub authenticated\n\
                    10.3.74.12 CUCMSUB Subscriber callmanager DBSub authenticated\n\nServer Table (processnode) Entries\n";
        let nodes = read_network(text);
        assert_eq!(nodes.len(), 3, "{nodes:?}");
        assert_eq!((nodes[0].product.as_str(), nodes[0].role), ("imp", "subscriber"));
        assert_eq!(nodes[1].fqdn, "cucmpub.example.com");
        assert_eq!((nodes[1].name.as_str(), nodes[1].role), ("CUCMPUB", "publisher"));
        assert_eq!(nodes[2].fqdn, "CUCMSUB");
    }

    #[test]
    fn the_cluster_is_that_of_the_node_that_was_asked() {
        let text = "10.3.74.12 cucmsub.example.com CUCMSUB Subscriber callmanager DBSub authenticated using TCP since Thu\n\
                    10.3.74.13 imppub.example.com IMPPUB Subscriber cups DBSub authenticated\n\
                    10.3.74.11 cucmpub.example.com CUCMPUB Publisher callmanager DBPub authenticated using TCP since Thu\n\
                    10.3.74.14 impsub.example.com IMPSUB Subscriber cups DBSub authenticated using TCP since Thu\n";
        let ask = |hosts: &[&str]| {
            let hosts: Vec<String> = hosts.iter().map(|host| (*host).into()).collect();
            Network::new(read_network(text), &hosts)
        };
        let publishers = |network: &Network| -> Vec<String> {
            let nodes = network.nodes.iter().filter(|node| node.product == network.product);
            nodes
                .filter(|node| node.role == PUBLISHER)
                .map(|node| node.name.clone())
                .collect()
        };
        for (hosts, asked, product, publisher) in [
            (&["ImpPub.example.com"][..], Some("IMPPUB"), "imp", "IMPPUB"),
            (&["impsub"], Some("IMPSUB"), "imp", "IMPPUB"),
            (&["alias.example.com", "10.3.74.13"], Some("IMPPUB"), "imp", "IMPPUB"),
            (&["cucmsub", "10.3.74.11"], Some("CUCMSUB"), "cucm", "CUCMPUB"),
            (&["elsewhere.example.com", "192.0.2.1"], None, "cucm", "CUCMPUB"),
        ] {
            let network = ask(hosts);
            assert_eq!((network.asked.as_deref(), network.product.as_str()), (asked, product));
            assert_eq!(publishers(&network), [publisher], "{hosts:?}");
        }
    }

    #[test]
    fn pem_csrs_and_versions_are_found_among_other_text() {
        let text = "[\n Version: V3\n]\n-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\nadmin:";
        assert!(read_pem(text, "CERTIFICATE").is_some_and(|pem| pem.ends_with("-----END CERTIFICATE-----")));
        assert_eq!(read_pem(text, "CERTIFICATE REQUEST"), None);
        assert_eq!(read_csr_list("\ntomcat/tomcat.csr\n.....\n"), ["tomcat"]);
        assert_eq!(
            read_version("Active Master Version: 12.5.1.15900-66\nActive Version Installed\n").as_deref(),
            Some("12.5.1.15900-66")
        );
    }

    #[test]
    fn r23_absence_has_the_words_of_two_releases_and_a_refusal_has_others() {
        for absent in [
            "File not found\nExecuted command unsuccessfully\n",
            "Certificate cannot be deleted as it does not exist on this node\nExecuted command unsuccessfully\n",
        ] {
            assert!(says_absent(absent), "{absent}");
        }
        for refused in [
            "Only trust certificates can be deleted\nExecuted command unsuccessfully\n",
            "CSR for tomcat does not exist\nExecuted command unsuccessfully\n",
            "Successfully deleted certificate x.pem from tomcat-trust\n",
        ] {
            assert!(!says_absent(refused), "{refused}");
        }
    }

    #[test]
    fn nothing_but_names_gets_into_a_command() {
        for bad in [
            "",
            "a b",
            "tomcat\nutils system shutdown",
            "x|y",
            "a;b",
            "-x",
            "a\u{1b}[2J",
        ] {
            assert!(word("unit", bad).is_err(), "{bad:?}");
        }
        assert!(word("certificate", "Corp_Root-CA_1a.pem").is_ok());
        assert!(service("Cisco Tomcat").is_ok());
        assert!(service("Cisco  Tomcat").is_err());
        assert!(service("Cisco Tomcat\nshow tech").is_err());
    }

    #[test]
    fn a_service_that_is_not_activated_is_told_from_one_that_is_stopped() {
        let list = "Requesting service status, please wait...\r\nSystem SSH [STARTED]\r\n\
                    Cisco TFTP[STOPPED]  Service Not Activated\r\nCisco DRF Master [STOPPED]  Commanded Out of Service\r\n\
                    Cisco TFTP Extra[STARTED]\r\nPrimary Node =true\r\n";
        assert!(is_not_activated(list, "Cisco TFTP"));
        for service in ["Cisco DRF Master", "Cisco TFTP Extra", "Cisco Tomcat", "Cisco"] {
            assert!(!is_not_activated(list, service), "{service}");
        }
    }
}

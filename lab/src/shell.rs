//! The command line of a node's administrator, as it is reached over SSH.
//!
//! One line goes in, a text comes out, with the prompt `admin:` or a question at its end. Shapes are those of public transcripts and
//! of the vendor's command reference; `set csr delete` and `set cert reuse` are the lab's guess.

mod services;

use crate::{
    cluster::Cluster,
    faults::Failure,
    node::Node,
    record::Operation,
    rules::{CsrOrder, Refusal, find_service, refuse},
    state::{ClusterState, NodeState, Stored},
    version::Version,
};
use std::sync::Arc;

/// What a conversation begins with.
pub(crate) const GREETING: &str = "Command Line Interface is starting up, please wait ...\n\n   \
                                   Welcome to the Platform Command Line Interface\n\n";
/// What a node waits with.
pub(crate) const PROMPT: &str = "admin:";
/// What a node says where it did not do what was asked.
const UNSUCCESSFUL: &str = "Executed command unsuccessfully";
const END: &str = "-----END ";
/// No chain that somebody pastes is longer.
const PASTE_BYTES: usize = 256 * 1024;

/// One conversation with a node.
#[derive(Debug)]
pub(crate) struct Shell {
    node: Arc<Node>,
    asked: Asked,
}

/// What the next line answers.
#[derive(Debug, Default)]
enum Asked {
    #[default]
    Nothing,
    IncludeOu {
        unit: String,
    },
    Regenerate {
        unit: String,
    },
    Paste {
        own: bool,
        unit: String,
        text: String,
    },
}

/// The connection breaks: a fault says so, or the user has said goodbye.
#[derive(Debug)]
pub(crate) struct Gone;

/// Text, and whether anything has changed.
type Done = Result<(String, bool), Refusal>;

impl Shell {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Self {
            node,
            asked: Asked::Nothing,
        }
    }

    /// Takes a line and answers what the node prints.
    pub(crate) async fn hear(&mut self, line: &str) -> Result<String, Gone> {
        let answer = match std::mem::take(&mut self.asked) {
            Asked::Nothing => self.command(line.trim()).await?,
            Asked::IncludeOu { unit } => match yes_or_no(line) {
                Some(_) => self.generate_csr(unit).await?,
                None => self.ask(Asked::IncludeOu { unit }, INCLUDE_OU),
            },
            Asked::Regenerate { unit } => match yes_or_no(line) {
                Some(true) => self.regenerate(unit).await?,
                Some(false) => String::new(),
                None => self.ask(Asked::Regenerate { unit }, PROCEED),
            },
            Asked::Paste { own, unit, text } => self.paste(own, unit, text, line).await?,
        };
        match self.asked {
            Asked::Nothing => Ok(format!("{answer}{PROMPT}")),
            Asked::IncludeOu { .. } | Asked::Regenerate { .. } | Asked::Paste { .. } => Ok(answer),
        }
    }

    fn ask(&mut self, asked: Asked, question: &str) -> String {
        self.asked = asked;
        question.to_owned()
    }

    async fn command(&mut self, line: &str) -> Result<String, Gone> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => Ok(String::new()),
            ["exit" | "quit"] => Err(Gone),
            ["set", "cli", "pagination", "off"] => Ok("Automatic pagination is turned off\n".to_owned()),
            ["show", "version", "active"] => Ok(self.version()),
            ["show", "network", "cluster"] => Ok(self.network()),
            ["show", "cert", "list", kind @ ("own" | "trust")] => {
                let own = *kind == "own";
                self.look(Operation::Snapshot, kind, move |state, node| {
                    Ok(list_certificates(state, node, own))
                })
                .await
            }
            ["show", "cert", "own", name] => {
                let name = (*name).to_owned();
                self.look(Operation::IdentityRead, &name.clone(), move |state, node| {
                    show_own(state, node, &name)
                })
                .await
            }
            ["show", "cert", "trust", name] => {
                let name = (*name).to_owned();
                self.look(Operation::TrustRead, &name.clone(), move |state, node| {
                    show_trust(state, node, &name)
                })
                .await
            }
            ["show", "csr", "list", "own"] => {
                self.look(Operation::CsrRead, "own", |_, node| {
                    let names = node.csrs.keys().map(|unit| format!("{unit}/{unit}.csr\n"));
                    Ok(names.collect())
                })
                .await
            }
            ["show", "csr", "own", name] => {
                let name = (*name).to_owned();
                self.look(Operation::CsrRead, &name.clone(), move |_, node| {
                    let wanted = bare(&name);
                    match node.csrs.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(wanted)) {
                        Some((_, csr)) => Ok(csr.pem.clone()),
                        None => refuse(format!("CSR for {wanted} does not exist")),
                    }
                })
                .await
            }
            ["set", "csr", "gen", unit] => {
                let unit = (*unit).to_owned();
                if self.version_of() >= Version::V14 {
                    return Ok(self.ask(Asked::IncludeOu { unit }, INCLUDE_OU));
                }
                self.generate_csr(unit).await
            }
            ["set", "csr", "delete", unit] => {
                let unit = (*unit).to_owned();
                self.act(Operation::CsrDelete, unit.clone(), move |cluster, node| {
                    cluster.delete_csr(node, &unit)?;
                    Ok((format!("Successfully deleted CSR for {unit}\n"), true))
                })
                .await
            }
            ["set", "cert", "regen", unit] => {
                let unit = (*unit).to_owned();
                let question = format!(
                    "WARNING: This operation will overwrite any CA signed certificate previously imported for {unit}\n{PROCEED}"
                );
                Ok(self.ask(Asked::Regenerate { unit }, &question))
            }
            ["set", "cert", "reuse", "tomcat", unit] => {
                let unit = (*unit).to_owned();
                self.act(Operation::ReuseTomcat, unit.clone(), move |cluster, node| {
                    let changed = cluster.reuse_tomcat(node, &unit)?;
                    Ok((
                        format!("Successfully reused the tomcat certificate for {unit}\n"),
                        changed,
                    ))
                })
                .await
            }
            ["set", "cert", "delete", unit, name] => self.delete(unit, name).await,
            ["set", "cert", "import", kind @ ("own" | "trust"), unit, ..] => {
                let paste = Asked::Paste {
                    own: *kind == "own",
                    unit: (*unit).to_owned(),
                    text: String::new(),
                };
                Ok(self.ask(paste, "Paste the Certificate and Hit Enter\n"))
            }
            ["utils", "ipsec", "restart"] => self.restart("IPsec".into()).await,
            ["utils", "service", "list"] => Ok(self.services()),
            ["utils", "service", "restart", service @ ..] if !service.is_empty() => {
                self.restart(service.join(" ")).await
            }
            _ => Ok(format!("No valid command entered\n{UNSUCCESSFUL}\n")),
        }
    }

    async fn generate_csr(&self, unit: String) -> Result<String, Gone> {
        self.act(Operation::CsrGenerate, unit.clone(), move |cluster, node| {
            let order = CsrOrder {
                service: unit,
                ..CsrOrder::default()
            };
            let (service, _) = cluster.generate_csr(node, &order)?;
            Ok((format!("Successfully Generated CSR  for {service}\n"), true))
        })
        .await
    }

    async fn regenerate(&self, unit: String) -> Result<String, Gone> {
        self.act(Operation::Regenerate, unit.clone(), move |cluster, node| {
            let service = cluster.regenerate(node, &unit)?;
            let text = format!(
                "Successfully Regenerated Certificate for {service}.\n\
                 You must restart services related to {service} for the regenerated certificates to become active.\n"
            );
            Ok((text, true))
        })
        .await
    }

    async fn delete(&self, unit: &str, name: &str) -> Result<String, Gone> {
        let (unit, name, version) = (unit.to_owned(), name.to_owned(), self.version_of());
        self.act_by(Operation::TrustDelete, unit.clone(), move |cluster, node, failure| {
            if failure == Some(Failure::Absent) {
                // Whoever is faster finds it or not.
                let _ = cluster.delete_trust(node, &unit, &name);
            }
            let own = cluster.read(|state| !unit.ends_with("-trust") && state.service(&unit).is_some());
            if own {
                return refuse("Only trust certificates can be deleted");
            }
            match cluster.delete_trust(node, &unit, &name) {
                Ok(store) => Ok((format!("Successfully deleted certificate {name} from {store}\n"), true)),
                Err(Refusal { status: 404, message }) if version < Version::V14 => {
                    refuse(format!("File not found\n{message}"))
                }
                Err(refusal) => Err(refusal),
            }
        })
        .await
    }

    async fn paste(&mut self, own: bool, unit: String, mut text: String, line: &str) -> Result<String, Gone> {
        text.push_str(line);
        text.push('\n');
        let ended = line.starts_with(END) || (line.trim().is_empty() && !text.trim().is_empty());
        if !ended && text.len() < PASTE_BYTES {
            self.asked = Asked::Paste { own, unit, text };
            return Ok(String::new());
        }
        let done = format!(
            "Successfully imported certificate for {unit}.\n\
             Please restart services related to {unit} for the new certificate to become active.\n"
        );
        if own {
            return self
                .act(Operation::IdentityUpload, unit.clone(), move |cluster, node| {
                    refuse_multi_server(cluster, node, &unit)?;
                    cluster.install_identity(node, &unit, &[text])?;
                    Ok((done, true))
                })
                .await;
        }
        self.act(Operation::TrustUpload, unit.clone(), move |cluster, node| {
            let changed = cluster.add_trust(node, &[unit], &[text])?;
            Ok((done, changed))
        })
        .await
    }

    /// A reading command.
    async fn look(
        &self,
        operation: Operation,
        service: &str,
        look: impl FnOnce(&ClusterState, &NodeState) -> Result<String, Refusal> + Send + 'static,
    ) -> Result<String, Gone> {
        self.act(operation, service.to_owned(), move |cluster, index| {
            cluster.read(|state| match state.nodes.get(index) {
                Some(node) => look(state, node).map(|text| (text, false)),
                None => refuse("No such node"),
            })
        })
        .await
    }

    /// Does what was asked, with the node's faults, and writes it into the record.
    async fn act(
        &self,
        operation: Operation,
        service: String,
        work: impl FnOnce(&Cluster, usize) -> Done + Send + 'static,
    ) -> Result<String, Gone> {
        self.act_by(operation, service, move |cluster, node, _| work(cluster, node))
            .await
    }

    /// The same for work that hears of the fault which it meets.
    async fn act_by(
        &self,
        operation: Operation,
        service: String,
        work: impl FnOnce(&Cluster, usize, Option<Failure>) -> Done + Send + 'static,
    ) -> Result<String, Gone> {
        let node = &self.node;
        tokio::time::sleep(node.delay()).await;
        let failure = node.take_failure(operation);
        match failure {
            Some(Failure::Status(status)) => {
                node.note(Some(operation), service, status, false);
                return Ok(format!("The lab was told to fail here ({status})\n{UNSUCCESSFUL}\n"));
            }
            Some(Failure::Drop) => {
                node.note(Some(operation), service, 0, false);
                return Err(Gone);
            }
            Some(Failure::LoseAnswer | Failure::Absent) | None => {}
        }
        let (cluster, index) = (Arc::clone(&node.cluster), node.index);
        let done = tokio::task::spawn_blocking(move || work(&cluster, index, failure)).await;
        let (status, text, changed) = match done {
            Ok(Ok((text, changed))) => (200, text, changed),
            Ok(Err(refusal)) => (refusal.status, format!("{}\n{UNSUCCESSFUL}\n", refusal.message), false),
            Err(_) => return Err(Gone),
        };
        if failure == Some(Failure::LoseAnswer) {
            node.note(Some(operation), service, 0, changed);
            return Err(Gone);
        }
        node.note(Some(operation), service, status, changed);
        Ok(text)
    }

    fn version_of(&self) -> Version {
        self.node.cluster.read(|state| state.version)
    }

    fn version(&self) -> String {
        format!(
            "Active Master Version: {}\nActive Version Installed Software Options:\nNo Installed Software Options Found.\n",
            self.version_of().build()
        )
    }

    fn network(&self) -> String {
        let address = self.node.address.ip();
        self.node.cluster.read(|state| {
            let line = |(index, node): (usize, &NodeState)| {
                let (role, database) = if node.publisher {
                    ("Publisher", "DBPub")
                } else {
                    ("Subscriber", "DBSub")
                };
                let since = if index == self.node.index {
                    String::new()
                } else {
                    " using TCP since Mon Nov  2 08:15:10 2026".to_owned()
                };
                format!(
                    "{address} {} {} {role} {} {database} authenticated{since}\n",
                    node.fqdn(),
                    node.name,
                    state.product.as_network()
                )
            };
            state.nodes.iter().enumerate().map(line).collect()
        })
    }
}

/// From release 14SU2 on the command line takes no certificate for several nodes.
fn refuse_multi_server(cluster: &Cluster, node: usize, unit: &str) -> Result<(), Refusal> {
    let refused = cluster.read(|state| {
        let csr = state.nodes.get(node).and_then(|node| {
            let (_, csr) = node.csrs.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
            Some(csr)
        });
        state.version >= Version::V14 && csr.is_some_and(|csr| csr.multi_server)
    });
    match refused {
        true => refuse("Upload of a multi-server certificate is not supported through the CLI"),
        false => Ok(()),
    }
}

const INCLUDE_OU: &str = "Include OU in CSR (yes|no)? ";
const PROCEED: &str = "Proceed with regeneration (yes|no)? ";

fn yes_or_no(line: &str) -> Option<bool> {
    match line.trim().to_ascii_lowercase().as_str() {
        "yes" | "y" => Some(true),
        "no" | "n" => Some(false),
        _ => None,
    }
}

/// The last part of `unit/name.pem`, without its ending.
fn bare(name: &str) -> &str {
    let name = name.rsplit_once('/').map_or(name, |(_, name)| name);
    [".pem", ".csr", ".der"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(name)
}

fn list_certificates(state: &ClusterState, node: &NodeState, own: bool) -> String {
    let mut text = String::new();
    let mut add = |unit: &str, name: &str, stored: &Stored| {
        let parsed = stored.parse().ok();
        if state.version >= Version::V15 {
            let what = match &parsed {
                Some(certificate) if own && certificate.is_self_signed() => {
                    "Self-signed certificate generated by system".to_owned()
                }
                Some(certificate) if own => format!("Certificate Signed by {}", certificate.issuer),
                _ => "Trust Certificate".to_owned(),
            };
            text.push_str(&format!("{unit}/{name}.pem: {what}\n"));
        } else {
            let (issuer, expires) = parsed.map_or_else(Default::default, |certificate| {
                (
                    certificate.issuer,
                    certificate.not_after.format("%a %b %d %H:%M:%S UTC %Y").to_string(),
                )
            });
            let kind = if own { "own" } else { "trust" };
            text.push_str(&format!(
                "Unit: {unit}\nType: {kind}\nName: {name}\nIssuer: {issuer}\nExpires: {expires}\n\n"
            ));
        }
    };
    if own {
        for (service, identity) in &node.identities {
            add(service, service, &identity.certificate);
        }
    } else {
        for (store, held) in &node.trusts {
            for stored in held {
                add(&format!("{store}-trust"), bare(&stored.file_name), stored);
            }
        }
    }
    text
}

fn show_own(state: &ClusterState, node: &NodeState, name: &str) -> Result<String, Refusal> {
    let service = find_service(state, bare(name))?;
    match node.identities.get(service.name) {
        Some(identity) => Ok(show(&identity.certificate)),
        None => refuse(format!("There is no {} certificate on this node", service.name)),
    }
}

fn show_trust(state: &ClusterState, node: &NodeState, name: &str) -> Result<String, Refusal> {
    let wanted = bare(name);
    let store = name.rsplit_once('/').and_then(|(unit, _)| state.product.store(unit));
    let held = node
        .trusts
        .iter()
        .filter(|(title, _)| store.is_none_or(|store| store.name == title.as_str()))
        .flat_map(|(_, held)| held);
    match held.into_iter().find(|stored| bare(&stored.file_name) == wanted) {
        Some(stored) => Ok(show(stored)),
        None => refuse(format!("Certificate {wanted} does not exist on this node")),
    }
}

/// What `show cert` prints: fields for people, then the certificate.
fn show(stored: &Stored) -> String {
    let fields = stored.parse().map_or_else(
        |_| String::new(),
        |certificate| {
            format!(
                "[\n  Version: V{}\n  Serial Number: {}\n  SignatureAlgorithm: {}\n  Issuer Name: {}\n  Validity From: {}\n           \
                 To:   {}\n  Subject Name: {}\n]\n",
                certificate.version,
                certificate.serial_hex,
                certificate.signature_algorithm,
                certificate.issuer,
                certificate.not_before.format("%a %b %d %H:%M:%S UTC %Y"),
                certificate.not_after.format("%a %b %d %H:%M:%S UTC %Y"),
                certificate.subject,
            )
        },
    );
    format!("{fields}{}", stored.to_pem())
}

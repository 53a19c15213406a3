//! `certyard lab`: the commands and what they print.

use crate::{
    control::{Command, ask},
    faults::Fault,
    lab::{Lab, LabFile, LabOptions, NodeInfo, lab_file, lock},
    outside_ca::OutsideCa,
};
use anyhow::{Context, bail};
use certyard_pki::Csr;
use clap::{Args, Subcommand, ValueEnum};
use std::{
    io::{IsTerminal, Read, Write},
    net::IpAddr,
    path::{Path, PathBuf},
};

/// Run a simulated fleet of Cisco UC clusters, and play the CA outside.
///
/// The lab is a simulation: no node is real. Each one is a TLS server on a loopback port of its own that speaks the certificate API of
/// real nodes and keeps their rules. Each has a command line over SSH on a second port, and nodes before release 14 have that alone.
#[derive(Clone, Debug, Args)]
pub struct LabArgs {
    /// Folder of the lab's state: certificates, keys, the outside CA, `lab.json`.
    #[arg(
        long,
        global = true,
        env = "CERTYARD_LAB_DATA",
        default_value = "data/lab",
        value_name = "DIR"
    )]
    data: PathBuf,
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum LabCommand {
    /// Start the fleet and run it until Ctrl-C. A second start goes on where the first ended.
    ///
    /// Writes `lab.json` into the folder: for every node its address, user, password and the SHA-256 of the certificate that it serves.
    ///
    /// Faults, each by a `--fault` of its own, where NODE is a node, a cluster or `*`:
    ///   NODE:offline                    nobody listens on its port
    ///   NODE:slow:MILLISECONDS          every answer comes that much later
    ///   NODE:STEP:STATUS[:TIMES]        the step is refused with that HTTP status
    ///   NODE:STEP:drop[:TIMES]          the connection breaks before the step is done
    ///   NODE:STEP:lost[:TIMES]          the step is done, and its answer is lost
    ///   NODE:trust-delete:absent[:TIMES]  what is to be deleted is gone already, and the node says so
    /// STEP is snapshot, csr-generate, csr-read, csr-delete, identity-upload, identity-read, trust-upload, trust-read,
    /// trust-delete, regenerate, reuse-tomcat or service-restart; it fails over the API and on the command line alike.
    #[command(verbatim_doc_comment)]
    Up {
        /// Number of clusters, 1 to 300; on average a cluster has four nodes.
        #[arg(long, env = "CERTYARD_LAB_CLUSTERS", default_value_t = 3, value_name = "N")]
        clusters: usize,
        /// Address on which all nodes listen, each on a port of its own.
        #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
        listen_base: IpAddr,
        /// A fault of a node from the start on; can be given several times.
        #[arg(long = "fault", value_name = "NODE:WHAT")]
        faults: Vec<Fault>,
        /// Decides the mix of certificates of clusters that are new.
        #[arg(long, default_value_t = 1, value_name = "N")]
        seed: u64,
    },
    /// Restart the service of a node in the running lab: from then on its port serves the present `tomcat` certificate.
    ///
    /// It is what `utils service restart Cisco Tomcat` does on a real node.
    Restart {
        /// Name of a node or of a cluster, or `*` for all.
        node: String,
    },
    /// Change the faults of the running lab.
    Fault {
        /// A fault as `certyard lab up --help` explains it, or NODE:none, which ends all faults of the node.
        #[arg(value_name = "NODE:WHAT")]
        fault: String,
    },
    /// Sign a CSR as an outside CA would: with an intermediate below a root of its own, kept in DIR/ca.
    ///
    /// No node knows this CA before its root and intermediate are put into the node's trust store.
    Sign {
        /// File of the CSR in PEM, or `-` for the standard input.
        csr: PathBuf,
        /// File to write, or `-` for the standard output; by default a file beside the CSR, `NAME-signed.p7b` or another ending.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// What to write.
        #[arg(long, value_enum, default_value_t = Format::P7b)]
        format: Format,
        /// For how many days the certificate is valid.
        #[arg(long, default_value_t = 397, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3_650))]
        days: u32,
    },
    /// List the nodes with their addresses and what they serve.
    List {
        /// Print the whole of `lab.json`, with the credentials.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Certificate, intermediate and root in PEM.
    Pem,
    /// Certificate, intermediate and root as PKCS#7.
    P7b,
    /// The certificate alone in DER.
    Der,
}

impl Format {
    fn ending(self) -> &'static str {
        match self {
            Self::Pem => "pem",
            Self::P7b => "p7b",
            Self::Der => "der",
        }
    }
}

/// Runs `certyard lab`.
///
/// # Errors
/// With a sentence for the user and the way out.
pub async fn run(args: LabArgs) -> anyhow::Result<()> {
    match args.command {
        LabCommand::Up {
            clusters,
            listen_base,
            faults,
            seed,
        } => {
            let options = LabOptions {
                clusters,
                listen: listen_base,
                faults,
                seed,
                ..LabOptions::new(&args.data)
            };
            up(options).await
        }
        LabCommand::Restart { node } => {
            let nodes = ask(&args.data, Command::Restart { target: node }).await?;
            let served = |node: &NodeInfo| format!("{} serves {} now\n", node.name, short(&node.sha256));
            print(&nodes.iter().map(served).collect::<String>())
        }
        LabCommand::Fault { fault } => {
            let command = match fault.strip_suffix(":none") {
                Some(target) => Command::ClearFaults {
                    target: target.to_owned(),
                },
                None => Command::Fault {
                    fault: fault.parse::<Fault>()?.to_string(),
                },
            };
            ask(&args.data, command).await?;
            print("the running lab has taken it\n")
        }
        LabCommand::Sign { csr, out, format, days } => sign(&args.data, &csr, out, format, days),
        LabCommand::List { json } => list(&args.data, json),
    }
}

async fn up(options: LabOptions) -> anyhow::Result<()> {
    let dir = options.data_dir.clone();
    print("certyard lab: a simulated fleet, no node is real\n")?;
    let lab = Lab::start(options).await?;
    let nodes = lab.nodes();
    let mut text = table(nodes.iter().take(12));
    if nodes.len() > 12 {
        text.push_str(&format!(
            "… and {} more: certyard lab list --data {}\n",
            nodes.len() - 12,
            dir.display()
        ));
    }
    text.push_str(&format!(
        "\n{} nodes run; their credentials are in {}\nCtrl-C ends the lab and keeps its state\n",
        nodes.len(),
        lab_file(&dir).display()
    ));
    print(&text)?;
    let mut end = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = end.recv() => {}
    }
    lab.shutdown().await;
    Ok(())
}

fn sign(data: &Path, csr: &Path, out: Option<PathBuf>, format: Format, days: u32) -> anyhow::Result<()> {
    let stdin = csr == Path::new("-");
    let text = if stdin {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read the CSR from the standard input")?;
        text
    } else {
        std::fs::read_to_string(csr).with_context(|| format!("cannot read {}", csr.display()))?
    };
    let ca = OutsideCa::open(&data.join("ca"))?;
    let answer = ca.sign(&text, days)?;
    let bytes = match format {
        Format::Pem => answer.pem_chain().into_bytes(),
        Format::P7b => answer.p7b(),
        Format::Der => answer.der().to_vec(),
    };
    let out = match out {
        Some(out) => out,
        None if stdin => PathBuf::from(format!("{}-signed.{}", file_name(&text), format.ending())),
        None => {
            let stem = csr.file_stem().unwrap_or_default().to_string_lossy();
            csr.with_file_name(format!("{stem}-signed.{}", format.ending()))
        }
    };
    if out == Path::new("-") {
        if format != Format::Pem && std::io::stdout().is_terminal() {
            bail!(
                "{} is not text; give a file by --out, or choose --format pem",
                format.ending()
            );
        }
        std::io::stdout().write_all(&bytes)?;
        return Ok(());
    }
    std::fs::write(&out, bytes).with_context(|| format!("cannot write {}", out.display()))?;
    let names: Vec<&str> = answer.leaf.sans.iter().map(|san| san.value.as_str()).collect();
    let inside = match format {
        Format::Pem | Format::P7b => "the certificate, its intermediate and its root",
        Format::Der => "the certificate alone; the nodes must know its root and intermediate",
    };
    print(&format!(
        "{} written: {inside}\n  subject     {}\n  names       {}\n  issuer      {}\n  valid until {}\n  sha256      {}\n\
         The signing CA is a simulation and lies in {}.\n\
         Next: upload the file where the CSR was made: in Certyard, open the cluster and the certificate, then New certificate.\n",
        out.display(),
        answer.leaf.subject,
        names.join(", "),
        answer.leaf.issuer,
        answer.leaf.not_after.format("%Y-%m-%d %H:%M UTC"),
        answer.leaf.sha256_hex(),
        ca.dir().display(),
    ))
}

/// A file name after the CSR's common name.
fn file_name(csr_pem: &str) -> String {
    let name = Csr::from_pem(csr_pem)
        .ok()
        .and_then(|csr| csr.common_name)
        .unwrap_or_default();
    let name: String = name
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || "-.".contains(*letter))
        .collect();
    let name = name.trim_matches('.');
    if name.is_empty() {
        "certificate".to_owned()
    } else {
        name.to_owned()
    }
}

fn list(data: &Path, json: bool) -> anyhow::Result<()> {
    let path = lab_file(data);
    let Ok(text) = std::fs::read_to_string(&path) else {
        bail!(
            "there is no lab in {}; start one with `certyard lab up --data {}`",
            data.display(),
            data.display()
        );
    };
    if json {
        return print(&text);
    }
    let file: LabFile = serde_json::from_str(&text).with_context(|| format!("cannot use {}", path.display()))?;
    let running = lock(data)?.is_none();
    let state = if running {
        "runs"
    } else {
        "does not run; start it with `certyard lab up`"
    };
    print(&format!(
        "{}\n{} nodes in {} clusters; the lab {state}\n",
        table(file.nodes.iter()),
        file.nodes.len(),
        file.clusters
    ))
}

fn table<'a>(nodes: impl Iterator<Item = &'a NodeInfo>) -> String {
    let mut text = format!(
        "{:<18} {:<16} {:<11} {:<11} {:<21} {}\n",
        "NODE", "CLUSTER", "PRODUCT", "ROLE", "ADDRESS", "SERVES (SHA-256)"
    );
    for node in nodes {
        text.push_str(&format!(
            "{:<18} {:<16} {:<11} {:<11} {:<21} {}\n",
            node.name,
            node.cluster,
            format!("{} {}", node.product, node.version),
            node.role,
            node.address.to_string(),
            short(&node.sha256)
        ));
    }
    text
}

fn short(sha256: &str) -> String {
    format!("{}…", sha256.get(..16).unwrap_or(sha256))
}

/// Prints; a reader that has gone away (`| head`) is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).context("cannot print"),
        _ => Ok(()),
    }
}

//! How another process speaks to a running lab: a loopback port whose address and token stand in `control.json`, which only its user can
//! read. One JSON object goes in, one comes out.

use crate::{
    files::{read_if_there, write_private},
    lab::{Inner, NodeInfo},
};
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What a running lab can be asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(crate) enum Command {
    /// Restart the service of nodes.
    Restart {
        /// A node, a cluster, or `*`.
        target: String,
    },
    /// Give nodes a fault.
    Fault {
        /// As on the command line.
        fault: String,
    },
    /// Take all faults from nodes.
    ClearFaults {
        /// A node, a cluster, or `*`.
        target: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Call {
    token: String,
    #[serde(flatten)]
    command: Command,
}

#[derive(Serialize, Deserialize)]
struct Reply {
    error: Option<String>,
    nodes: Vec<NodeInfo>,
}

#[derive(Serialize, Deserialize)]
struct Address {
    address: SocketAddr,
    token: String,
}

fn file(dir: &Path) -> PathBuf {
    dir.join("control.json")
}

/// No command is longer.
const COMMAND_BYTES: u64 = 4_096;

/// The listening side.
#[derive(Debug)]
pub(crate) struct Control {
    task: JoinHandle<()>,
}

impl Control {
    pub(crate) async fn start(inner: &Arc<Inner>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("cannot open the control port")?;
        let token = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        let address = Address {
            address: listener.local_addr()?,
            token: token.clone(),
        };
        write_private(&file(inner.dir()), &serde_json::to_vec(&address)?)?;
        let lab = Arc::downgrade(inner);
        let task = tokio::spawn(async move {
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, token.clone(), lab.clone()));
                }
            }
        });
        Ok(Self { task })
    }

    pub(crate) fn end(&self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, token: String, lab: Weak<Inner>) {
    let talk = async {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        (&mut stream).take(COMMAND_BYTES).read_line(&mut line).await?;
        let reply = match answer(&line, &token, &lab).await {
            Ok(nodes) => Reply { error: None, nodes },
            Err(error) => Reply {
                error: Some(format!("{error:#}")),
                nodes: Vec::new(),
            },
        };
        stream
            .write_all(format!("{}\n", serde_json::to_string(&reply)?).as_bytes())
            .await?;
        stream.shutdown().await?;
        anyhow::Ok(())
    };
    match tokio::time::timeout(Duration::from_secs(30), talk).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(error = format!("{error:#}"), "a command to the lab broke off"),
        Err(_) => tracing::debug!("a command to the lab took too long"),
    }
}

async fn answer(line: &str, token: &str, lab: &Weak<Inner>) -> anyhow::Result<Vec<NodeInfo>> {
    let call: Call = serde_json::from_str(line).context("this is no command")?;
    anyhow::ensure!(call.token == token, "the token is wrong");
    let lab = lab.upgrade().context("the lab is ending")?;
    match call.command {
        Command::Restart { target } => lab.restart(&target),
        Command::Fault { fault } => {
            lab.add_fault(&fault.parse()?).await?;
            Ok(Vec::new())
        }
        Command::ClearFaults { target } => {
            lab.clear_faults(&target).await?;
            Ok(Vec::new())
        }
    }
}

/// Asks the lab that runs in a folder.
pub(crate) async fn ask(dir: &Path, command: Command) -> anyhow::Result<Vec<NodeInfo>> {
    let no_lab = || {
        format!(
            "no lab runs in {}; start it with `certyard lab up --data {}`",
            dir.display(),
            dir.display()
        )
    };
    let Some(text) = read_if_there(&file(dir))? else {
        bail!(no_lab())
    };
    let address: Address =
        serde_json::from_str(&text).with_context(|| format!("cannot use {}", file(dir).display()))?;
    let Ok(stream) = TcpStream::connect(address.address).await else {
        bail!(no_lab())
    };
    let mut stream = BufReader::new(stream);
    let call = Call {
        token: address.token,
        command,
    };
    stream
        .write_all(format!("{}\n", serde_json::to_string(&call)?).as_bytes())
        .await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    // An empty answer or a strange one: after a crash of the lab the port may be another program's.
    let Ok(reply) = serde_json::from_str::<Reply>(&line) else {
        bail!(no_lab())
    };
    match reply.error {
        None => Ok(reply.nodes),
        Some(error) => bail!(error),
    }
}

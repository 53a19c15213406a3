//! The command line on the wire: an SSH server with a password and a shell, and the node's host key.

use crate::{
    files::{make_private_dir, read_if_there, write_private_once},
    node::Node,
    shell::{GREETING, PROMPT, Shell},
};
use anyhow::Context;
use russh::{
    Channel, ChannelId, MethodKind, MethodSet, Pty, SshId,
    keys::{HashAlg, PrivateKey, ssh_key::private::Ed25519Keypair},
    server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, run_stream},
};
use std::{borrow::Cow, path::Path, sync::Arc, time::Duration};
use tokio::net::TcpStream;

/// The host key of a node, made at its first start and kept in `dir`.
pub(crate) fn host_key(dir: &Path, node: &str) -> anyhow::Result<PrivateKey> {
    make_private_dir(dir)?;
    let file = dir.join(format!("{node}.seed"));
    let read = || -> anyhow::Result<Option<[u8; 32]>> {
        let Some(text) = read_if_there(&file)? else {
            return Ok(None);
        };
        let mut seed = [0; 32];
        hex::decode_to_slice(text.trim(), &mut seed).with_context(|| format!("{} is no host key", file.display()))?;
        Ok(Some(seed))
    };
    let seed = match read()? {
        Some(seed) => seed,
        None => {
            let mut seed = [0; 32];
            aws_lc_rs::rand::fill(&mut seed).context("there is no randomness for a host key")?;
            write_private_once(&file, hex::encode(seed).as_bytes())?;
            read()?.with_context(|| format!("{} was there and is gone", file.display()))?
        }
    };
    Ok(PrivateKey::from(Ed25519Keypair::from_seed(&seed)))
}

/// As SSH programs show it: `SHA256:` and base64.
pub(crate) fn fingerprint(key: &PrivateKey) -> String {
    key.public_key().fingerprint(HashAlg::Sha256).to_string()
}

/// What a node offers: a password, and nothing else.
pub(crate) fn config(key: PrivateKey) -> Config {
    Config {
        server_id: SshId::Standard(Cow::Borrowed("SSH-2.0-OpenSSH_8.0")),
        methods: MethodSet::from(&[MethodKind::Password][..]),
        // A lab is no target: tests of wrong passwords need not wait.
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![key],
        inactivity_timeout: Some(Duration::from_secs(600)),
        nodelay: true,
        ..Config::default()
    }
}

/// Speaks with one client until either goes away.
pub(crate) async fn converse(node: Arc<Node>, config: Arc<Config>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let name = node.name.clone();
    let conversation = Conversation {
        node,
        shell: None,
        line: Vec::new(),
        echo: false,
        after_return: false,
    };
    let ended = match run_stream(config, stream, conversation).await {
        Ok(session) => session.await,
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        tracing::debug!(node = name, %error, "a conversation over SSH ended");
    }
}

struct Conversation {
    node: Arc<Node>,
    shell: Option<Shell>,
    line: Vec<u8>,
    /// A terminal was asked for: what is typed comes back.
    echo: bool,
    /// A line ended with a carriage return; the line feed behind it is none.
    after_return: bool,
}

/// A terminal begins lines with a carriage return.
fn on_terminal(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

/// No line that is typed is longer.
const LINE_BYTES: usize = 64 * 1024;

impl Handler for Conversation {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        if self.node.knows(user, password) {
            return Ok(Auth::Accept);
        }
        self.node.note(None, String::new(), 401, false);
        Ok(Auth::reject())
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.echo = true;
        session.channel_success(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        self.shell = Some(Shell::new(Arc::clone(&self.node)));
        session.data(channel, on_terminal(&format!("{GREETING}{PROMPT}")))
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        // Nodes have a shell only.
        session.channel_failure(channel)
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        for byte in data {
            let after_return = std::mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                b'\n' if after_return => continue,
                b'\r' | b'\n' => {}
                _ if self.line.len() < LINE_BYTES => {
                    self.line.push(*byte);
                    continue;
                }
                _ => return Err(russh::Error::Disconnect),
            }
            let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
            let Some(shell) = &mut self.shell else {
                return Err(russh::Error::Disconnect);
            };
            if self.echo {
                session.data(channel, on_terminal(&format!("{line}\n")))?;
            }
            match shell.hear(&line).await {
                Ok(text) => session.data(channel, on_terminal(&text))?,
                Err(_) => return Err(russh::Error::Disconnect),
            }
        }
        Ok(())
    }
}

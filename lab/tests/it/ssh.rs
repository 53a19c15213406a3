//! A small SSH client, so that the lab's command line is tested over the wire.

use certyard_lab::NodeInfo;
use russh::{
    Channel, ChannelMsg,
    client::{Config, Handle, Handler, Msg, connect},
    keys::{HashAlg, PublicKeyOrCertificate},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

pub const PROMPT: &str = "admin:";

#[derive(Clone, Default)]
pub struct Onlooker(pub Arc<Mutex<String>>);

impl Handler for Onlooker {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        *self.0.lock().unwrap() = key.public_key().fingerprint(HashAlg::Sha256).to_string();
        Ok(true)
    }
}

/// An administrator at a node's command line.
pub struct Terminal {
    pub host_key: String,
    channel: Channel<Msg>,
    _handle: Handle<Onlooker>,
}

pub async fn sign_in(node: &NodeInfo, password: &str) -> Option<Terminal> {
    let seen = Onlooker::default();
    let mut handle = connect(Arc::new(Config::default()), node.ssh, seen.clone())
        .await
        .ok()?;
    if !handle
        .authenticate_password(&node.user, password)
        .await
        .unwrap()
        .success()
    {
        return None;
    }
    let channel = handle.channel_open_session().await.unwrap();
    channel.request_pty(false, "vt100", 500, 100, 0, 0, &[]).await.unwrap();
    channel.request_shell(false).await.unwrap();
    let host_key = seen.0.lock().unwrap().clone();
    let mut terminal = Terminal {
        host_key,
        channel,
        _handle: handle,
    };
    terminal.until(PROMPT).await.unwrap();
    Some(terminal)
}

impl Terminal {
    pub async fn of(node: &NodeInfo) -> Self {
        sign_in(node, &node.password).await.unwrap()
    }

    /// What comes up to and with that ending; none where the connection breaks first.
    async fn until(&mut self, ending: &str) -> Option<String> {
        let mut text = Vec::new();
        loop {
            let heard = tokio::time::timeout(Duration::from_secs(60), self.channel.wait()).await;
            match heard.unwrap_or_else(|_| panic!("waited in vain for {ending}: {}", String::from_utf8_lossy(&text))) {
                Some(ChannelMsg::Data { data }) => {
                    text.extend_from_slice(&data);
                    let all = String::from_utf8_lossy(&text).replace('\r', "");
                    if all.trim_end().ends_with(ending) {
                        return Some(all);
                    }
                }
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// Types a line and reads to that ending; none where the node hangs up.
    pub async fn try_until(&mut self, line: &str, ending: &str) -> Option<String> {
        self.channel.data(format!("{line}\n").as_bytes()).await.ok()?;
        let text = self.until(ending).await?;
        let text = text.strip_prefix(&format!("{line}\n")).unwrap_or(&text);
        Some(text.trim_end().trim_end_matches(PROMPT).to_owned())
    }

    /// Types a command and answers what it prints.
    pub async fn run(&mut self, command: &str) -> String {
        self.try_until(command, PROMPT).await.unwrap()
    }

    /// Pastes a certificate after a command that waits for it.
    pub async fn paste(&mut self, command: &str, pem: &str) -> String {
        self.try_until(command, "Hit Enter").await.unwrap();
        self.run(pem.trim_end()).await
    }
}

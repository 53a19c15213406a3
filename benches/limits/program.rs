//! The program under measurement.

use crate::cpu;
use reqwest::Client;
use serde_json::Value;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub const TOKEN: &str = "a-bootstrap-token-for-the-bench";

/// `certyard serve`.
pub struct Server {
    child: Child,
    _data: TempDir,
    listen: u16,
    agents: u16,
    /// Seconds from the start to the first answer.
    pub first_answer: f64,
    client: Client,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port is free")
        .port()
}

impl Server {
    /// Starts it on a database, or on an embedded one of its own.
    pub async fn start(database: Option<&str>) -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder is made"), database).await
    }

    /// Starts it in a data folder.
    pub async fn start_in(data: TempDir, database: Option<&str>) -> Self {
        let (listen, agents) = (free_port(), free_port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_certyard"));
        command
            .args(["serve", "--ops-listen", "off", "--outgoing", "local", "--data"])
            .arg(data.path().join("data"))
            .args([
                "--listen",
                &format!("127.0.0.1:{listen}"),
                "--agent-listen",
                &format!("127.0.0.1:{agents}"),
            ])
            .env("CERTYARD_BOOTSTRAP_TOKEN", TOKEN)
            .env("CERTYARD_LOG", "warn")
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if let Some(url) = database {
            command.env("DATABASE_URL", url);
        }
        let started = Instant::now();
        let mut child = command.spawn().expect("certyard starts");
        let client = Client::builder().no_proxy().build().expect("a client is made");
        let health = format!("http://127.0.0.1:{listen}/healthz");
        while !client
            .get(&health)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            let ended = child.try_wait().expect("the child is ours").is_some();
            assert!(
                !ended && started.elapsed() < Duration::from_secs(60),
                "certyard does not answer"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Self {
            child,
            _data: data,
            listen,
            agents,
            first_answer: started.elapsed().as_secs_f64(),
            client,
        }
    }

    /// Id of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in MB.
    pub fn resident_mb(&self) -> f64 {
        cpu::resident_mb(self.pid())
    }

    /// Where agents connect.
    pub fn agent_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.agents)
    }

    /// URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.listen)
    }

    /// The client, which keeps its connection.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// GET, read to its end: the time in milliseconds.
    pub async fn timed(&self, path: &str) -> f64 {
        let started = Instant::now();
        let answer = self
            .client
            .get(self.url(path))
            .bearer_auth(TOKEN)
            .send()
            .await
            .expect("an answer comes");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.bytes().await.expect("the answer is whole");
        started.elapsed().as_secs_f64() * 1000.0
    }

    /// GET as JSON.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self
            .client
            .get(self.url(path))
            .bearer_auth(TOKEN)
            .send()
            .await
            .expect("an answer comes");
        let (status, text) = (answer.status(), answer.text().await.expect("the answer is whole"));
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).expect("the answer is JSON")
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(self.url(path)).bearer_auth(TOKEN).json(body);
        let answer = request.send().await.expect("an answer comes");
        let (status, text) = (answer.status(), answer.text().await.expect("the answer is whole"));
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).expect("the answer is JSON")
    }

    /// Ends it and gives its data folder back.
    pub fn stop(mut self) -> TempDir {
        let _ = self.child.kill();
        let _ = self.child.wait();
        std::mem::replace(&mut self._data, tempfile::tempdir().expect("a folder is made"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

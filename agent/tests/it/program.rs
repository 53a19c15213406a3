//! The program itself, as people and service managers run it.

use crate::stub::Stub;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A data folder, and the program on it.
pub struct Program {
    temp: tempfile::TempDir,
    pub stub: Arc<Stub>,
    child: Option<Child>,
}

impl Program {
    pub async fn joined() -> Self {
        let program = Self::new(Stub::start().await);
        let token = program.stub.pinned_token();
        let url = program.stub.url();
        let output = program.command(&["join", "--url", &url, "--token", &token], None);
        assert!(output.status.success(), "{}", text(&output));
        program
    }

    pub fn new(stub: Arc<Stub>) -> Self {
        Self {
            temp: tempfile::tempdir().unwrap(),
            stub,
            child: None,
        }
    }

    pub fn data(&self) -> PathBuf {
        self.temp.path().join("data")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.temp.path().join("log")).unwrap_or_default()
    }

    fn raw(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certyard-agent"));
        command.env("CERTYARD_AGENT_DATA", self.data());
        command
    }

    /// Runs a command to its end.
    pub fn command(&self, args: &[&str], input: Option<&str>) -> Output {
        let mut command = self.raw();
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.unwrap_or_default().as_bytes()).unwrap();
        drop(stdin);
        // The server of the test runs in this process: its thread must not be blocked for ever.
        tokio::task::block_in_place(|| child.wait_with_output().unwrap())
    }

    pub fn start(&mut self, failpoint: Option<&str>) {
        self.start_with(failpoint, &["--poll-hold-seconds", "2", "--refresh-minutes", "10"]);
    }

    pub fn start_with(&mut self, failpoint: Option<&str>, more: &[&str]) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.temp.path().join("log"))
            .unwrap();
        let mut command = self.raw();
        command
            .args(["run", "--start-jitter-seconds", "0"])
            .args(more)
            .stderr(log)
            .stdin(Stdio::null());
        if let Some(failpoint) = failpoint {
            command.env("CERTYARD_FAILPOINT", failpoint);
        }
        self.child = Some(command.spawn().unwrap());
    }

    /// Waits for the program's end by itself.
    pub async fn ended(&mut self, what: &str) -> ExitStatus {
        let end = Instant::now() + Duration::from_secs(40);
        let mut child = self.child.take().unwrap();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > end {
                let _ = child.kill();
                panic!("the agent did not end: {what}\n{}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub fn add_nginx(&self, name: &str, nginx: &crate::nginx::TestNginx) {
        let config = nginx.config();
        let address = format!("127.0.0.1:{}", nginx.port);
        let args = [
            "node",
            "add",
            "--cluster",
            "web",
            "--product",
            "server",
            "--name",
            name,
            "--address",
            &address,
            "--connector",
            "nginx",
            "--config",
            path(&config),
        ];
        let output = self.command(&args, None);
        assert!(output.status.success(), "{}", text(&output));
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("the agent's log:\n{}", self.log());
        }
    }
}

pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

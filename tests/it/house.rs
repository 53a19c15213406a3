//! Starts and stops the programs: a server, and agents at a site.

use crate::api::Api;
use certyard_domain::Db;
use certyard_domain::db::DbOptions;
use certyard_lab::NodeInfo;
use certyard_testkit::BareDb;
use sea_orm::ConnectionTrait;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before a test gives up: a lost lease alone takes a minute.
pub const PATIENCE: Duration = Duration::from_secs(240);
const TOKEN: &str = "a-bootstrap-token-for-tests-only";

/// A program that is killed when the test ends.
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts a program whose output goes to a file.
    pub fn start(command: &mut Command, log: PathBuf) -> Self {
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Self { child, log }
    }

    /// As a power cut would end it.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The end of its log, for messages of tests.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until `look` finds something.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let limit = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < limit, "waited {PATIENCE:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A program of the workspace that stands beside `certyard`.
fn beside(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_certyard")).with_file_name(name);
    assert!(
        path.exists(),
        "{} is missing: build with `cargo build --workspace`",
        path.display()
    );
    path
}

/// A server with its data, on ports of its own: one program on the embedded database, api and two
/// workers apart on PostgreSQL.
pub struct House {
    /// Everything of this house.
    pub dir: TempDir,
    programs: Vec<Program>,
    database: BareDb,
    listen: u16,
    agents: u16,
    ops: u16,
}

impl House {
    /// Starts the server and waits until it is ready.
    pub async fn start() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let database = BareDb::new().await;
        let (listen, agents, ops) = (free_port(), free_port(), free_port());
        let mut house = Self {
            dir,
            programs: Vec::new(),
            database,
            listen,
            agents,
            ops,
        };
        house.spawn(None);
        house.wait_ready().await;
        house
    }

    fn spawn(&mut self, failpoint: Option<&str>) {
        let dir = self.dir.path();
        let program = |name: &str, args: &[String]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_certyard"));
            command.arg(name).arg("--data").arg(dir.join("server")).args(args);
            if let Some(failpoint) = failpoint {
                command.env("CERTYARD_FAILPOINT", failpoint);
            }
            command
                .env("CERTYARD_BOOTSTRAP_TOKEN", TOKEN)
                .env("CERTYARD_LOG", "info")
                .env_remove("DATABASE_URL");
            if let Some(url) = &self.database.options.url {
                command.env("DATABASE_URL", url);
            }
            Program::start(&mut command, dir.join(format!("{name}.log")))
        };
        let address = |port: u16| format!("127.0.0.1:{port}");
        let listeners = [
            "--listen".into(),
            address(self.listen),
            "--agent-listen".into(),
            address(self.agents),
            "--ops-listen".into(),
            address(self.ops),
        ];
        self.programs = if self.database.is_postgres() {
            // Two workers, which race for all that is due.
            let worker = ["--ops-listen".into(), "off".into()];
            vec![
                program("api", &listeners),
                program("worker", &worker),
                program("worker", &worker),
            ]
        } else {
            vec![program("serve", &listeners)]
        };
    }

    /// Waits until it answers.
    pub async fn wait_ready(&mut self) {
        let url = format!("http://127.0.0.1:{}/readyz", self.ops);
        let limit = Instant::now() + PATIENCE;
        while !reqwest::get(&url)
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            let ended = self.programs.iter_mut().any(Program::has_ended);
            assert!(
                !ended && Instant::now() < limit,
                "the server is not ready:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Kills the server as a power cut would, and starts it again on the same data.
    pub async fn power_cut(&mut self) {
        self.programs.iter_mut().for_each(Program::kill);
        self.spawn(None);
        self.wait_ready().await;
    }

    /// The same, and from then on it dies by itself at the point, maybe before it was ready.
    pub fn power_cut_to_die_at(&mut self, failpoint: &str) {
        self.programs.iter_mut().for_each(Program::kill);
        self.spawn(Some(failpoint));
    }

    /// Kills the server as a power cut would.
    pub fn stop(&mut self) {
        self.programs.iter_mut().for_each(Program::kill);
    }

    /// Its database, for what people cannot do by the API.
    pub async fn database(&self) -> Db {
        Db::open(&self.options()).await.unwrap()
    }

    /// Runs SQL as the owner of the database.
    pub async fn sql(&self, text: &str) {
        let owner = Db::open_owner(&self.options()).await.unwrap();
        owner.execute_unprepared(text).await.unwrap();
        owner.close().await.unwrap();
    }

    fn options(&self) -> DbOptions {
        if self.database.is_postgres() {
            return self.database.options.clone();
        }
        DbOptions {
            file: self.dir.path().join("server/certyard.db"),
            ..self.database.options.clone()
        }
    }

    /// Waits until one of its programs has died at a failpoint.
    pub async fn wait_dead(&mut self, failpoint: &str) {
        let limit = Instant::now() + PATIENCE;
        while !self.programs.iter_mut().any(Program::has_ended) {
            assert!(Instant::now() < limit, "{failpoint} was never reached:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The API as a script uses it.
    pub fn api(&self) -> Api {
        Api::new(format!("http://127.0.0.1:{}", self.listen), TOKEN.into())
    }

    /// Where agents connect.
    pub fn agent_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.agents)
    }

    /// The end of the server's logs.
    pub fn log(&self) -> String {
        self.programs.iter().map(Program::log).collect::<Vec<_>>().join("\n")
    }
}

/// An agent with its data folder.
pub struct Agent {
    dir: PathBuf,
    running: Option<Program>,
}

impl Agent {
    /// Makes a join token and spends it.
    pub async fn join(house: &House, name: &str) -> Self {
        let token = house
            .api()
            .post("/api/v1/join-tokens", serde_json::json!({ "name": name }))
            .await
            .ok();
        let dir = house.dir.path().join(name);
        let agent = Self { dir, running: None };
        let token = token["token"].as_str().unwrap();
        agent.command(&["join", "--url", &house.agent_url(), "--token", token, "--name", name]);
        agent
    }

    /// Runs a command of the agent to its end.
    pub fn command(&self, args: &[&str]) -> String {
        let mut command = Command::new(beside("certyard-agent"));
        let done = command.arg("--data").arg(&self.dir).args(args).output().unwrap();
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
        assert!(done.status.success(), "certyard-agent {args:?}: {text}");
        text
    }

    /// Enters a node of the lab, which is reached by its REST API alone.
    pub fn add_lab_node(&self, node: &NodeInfo) {
        self.add_node(
            node,
            &["--connector", "cisco_uc", "--address", &node.address.to_string()],
        );
    }

    /// Enters a node of the lab with all the ways in which its release is reached.
    pub fn add_whole_lab_node(&self, node: &NodeInfo) {
        let (rest, ssh) = (node.address.to_string(), node.ssh.to_string());
        let (rest_port, ssh_port) = (node.address.port().to_string(), node.ssh.port().to_string());
        let ways = match node.connector.as_str() {
            "cisco_cli" => ["--address", &ssh, "--tls-port", &rest_port],
            _ => ["--address", &rest, "--ssh-port", &ssh_port],
        };
        self.add_node(
            node,
            &[
                &["--connector", &node.connector, "--pin-host-key", &node.ssh_host_key],
                &ways[..],
            ]
            .concat(),
        );
    }

    fn add_node(&self, node: &NodeInfo, ways: &[&str]) {
        let password = self.dir.with_extension("password");
        std::fs::write(&password, &node.password).unwrap();
        let password_file = password.display().to_string();
        let names = [
            "node",
            "add",
            "--cluster",
            &node.cluster,
            "--product",
            &node.product,
            "--version",
            &node.version,
            "--name",
            &node.name,
            "--role",
            &node.role,
            "--user",
            &node.user,
            "--password-file",
            &password_file,
        ];
        self.command(&[&names, ways].concat());
        std::fs::remove_file(password).unwrap();
    }

    /// Starts `certyard-agent run`; with a failpoint it dies there once, as by kill -9.
    pub fn run(&mut self, failpoint: Option<&str>) {
        let mut command = Command::new(beside("certyard-agent"));
        command
            .arg("--data")
            .arg(&self.dir)
            .args(["run", "--start-jitter-seconds", "0"]);
        command.env("CERTYARD_LOG", "info");
        if let Some(failpoint) = failpoint {
            command.env("CERTYARD_FAILPOINT", failpoint);
        }
        self.running = Some(Program::start(&mut command, self.dir.with_extension("log")));
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Whether `run` has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.running.as_mut().is_none_or(Program::has_ended)
    }

    /// Waits until it has died at its failpoint.
    pub async fn wait_dead(&mut self) {
        let limit = Instant::now() + PATIENCE;
        while !self.has_ended() {
            assert!(Instant::now() < limit, "the agent lives on:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        self.running.as_ref().map(Program::log).unwrap_or_default()
    }
}

//! A real nginx on a port of its own.

use crate::house::{Agent, Program, free_port};
use crate::outside_ca::openssl;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A running nginx with one TLS server.
pub struct WebServer {
    dir: TempDir,
    port: u16,
    _program: Program,
}

/// Its name.
pub const NAME: &str = "www.example.test";
/// The purpose of its certificate.
pub const PURPOSE: &str = "nginx:www.example.test";

impl WebServer {
    /// Starts it with a self-signed certificate.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let path = |name: &str| dir.path().join(name).display().to_string();
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=www.example.test",
            "-days",
            "20",
            "-addext",
            "subjectAltName=DNS:www.example.test",
            "-keyout",
            &path("www.key"),
            "-out",
            &path("www.pem"),
        ]);
        let server = Self {
            _program: Self::run(&dir, port),
            dir,
            port,
        };
        let limit = std::time::Instant::now() + crate::house::PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                std::time::Instant::now() < limit,
                "nginx does not listen: {}",
                server._program.log()
            );
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        server
    }

    fn run(dir: &TempDir, port: u16) -> Program {
        let folder = dir.path().display();
        let config = format!(
            "daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nworker_processes 1;\nevents {{ worker_connections 64; }}\n\
             http {{\n  access_log off;\n  client_body_temp_path {folder}/body;\n  proxy_temp_path {folder}/proxy;\n  fastcgi_temp_path {folder}/fastcgi;\n  \
             uwsgi_temp_path {folder}/uwsgi;\n  scgi_temp_path {folder}/scgi;\n  include {folder}/sites/*.conf;\n}}\n"
        );
        std::fs::create_dir(dir.path().join("sites")).unwrap();
        std::fs::write(dir.path().join("nginx.conf"), config).unwrap();
        let site = format!(
            "server {{\n  listen 127.0.0.1:{port} ssl;\n  server_name {NAME};\n  ssl_certificate {folder}/www.pem;\n  \
             ssl_certificate_key {folder}/www.key;\n  location / {{ return 200 'ok'; }}\n}}\n"
        );
        std::fs::write(dir.path().join("sites/www.conf"), site).unwrap();
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-c").arg(dir.path().join("nginx.conf"));
        Program::start(&mut command, dir.path().join("nginx.log"))
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Puts something into the configuration that nginx refuses, or takes it out again.
    pub fn break_config(&self, broken: bool) {
        let file: PathBuf = self.dir.path().join("sites/zz-broken.conf");
        if broken {
            std::fs::write(file, "this is no directive;\n").unwrap();
        } else {
            std::fs::remove_file(file).unwrap();
        }
    }

    /// Enters it on an agent of the same host.
    pub fn add_to(&self, agent: &Agent) {
        let config = self.dir.path().join("nginx.conf").display().to_string();
        agent.command(&[
            "node",
            "add",
            "--cluster",
            "web",
            "--product",
            "server",
            "--name",
            "web-1",
            "--address",
            &self.address(),
            "--connector",
            "nginx",
            "--config",
            &config,
            "--nginx",
            "/usr/sbin/nginx",
        ]);
    }
}

//! A real nginx in a folder of its own, with two sites on free ports.

use certyard_agent::connectors::nginx::Nginx;
use certyard_agent::nodes::NginxSettings;
use certyard_agent::wire;
use certyard_lab::{Answer, OutsideCa};
use certyard_pki::{Certificate, KeySpec, PrivateKey, Profile, San, Subject};
use certyard_protocol::{CsrSpec, Step};
use chrono::{TimeDelta, Utc};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const NAME: &str = "www.example.test";
pub const OTHER: &str = "other.example.test";
pub const PURPOSE: &str = "nginx:www.example.test";

pub struct TestNginx {
    pub temp: tempfile::TempDir,
    pub port: u16,
    pub second_port: u16,
    pub ca: OutsideCa,
    child: Child,
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl TestNginx {
    pub async fn start() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path();
        for folder in ["ssl", "sites", "temp"] {
            std::fs::create_dir(root.join(folder)).unwrap();
        }
        let (port, second_port) = (free_port(), free_port());
        for name in [NAME, OTHER] {
            self_signed(&root.join("ssl"), name, name, KeySpec::P256);
        }
        let site = |name: &str, listens: &str| {
            format!(
                "server {{ {listens} server_name {name} alt-{name};
                   ssl_certificate ssl/{name}.pem; ssl_certificate_key ssl/{name}.key;
                   location / {{ return 200 'ok'; }} }}"
            )
        };
        let both = format!("listen 127.0.0.1:{port} ssl; listen 127.0.0.1:{second_port} ssl;");
        std::fs::write(root.join("sites/a.conf"), site(NAME, &both)).unwrap();
        std::fs::write(
            root.join("sites/b.conf"),
            site(OTHER, &format!("listen 127.0.0.1:{port} ssl;")),
        )
        .unwrap();
        let dir = root.display();
        let temps: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {dir}/temp/{kind};"))
            .collect();
        let main = format!(
            "daemon off; pid {dir}/nginx.pid; error_log {dir}/error.log; worker_processes 2; events {{}}
             http {{ access_log off; {temps} include sites/*.conf; }}"
        );
        std::fs::write(root.join("nginx.conf"), main).unwrap();
        let child = Command::new("/usr/sbin/nginx")
            .arg("-c")
            .arg(root.join("nginx.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let ca = OutsideCa::open(&root.join("ca")).unwrap();
        let nginx = Self {
            temp,
            port,
            second_port,
            ca,
            child,
        };
        let end = Instant::now() + Duration::from_secs(20);
        while nginx.try_served(NAME).await.is_err() {
            assert!(Instant::now() < end, "nginx did not start: {}", nginx.errors());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        nginx
    }

    /// Gives the first site a second certificate, with an RSA key, in the same server block.
    pub async fn add_rsa(&self) {
        self_signed(&self.temp.path().join("ssl"), "rsa", NAME, KeySpec::Rsa2048);
        let site = self.temp.path().join("sites/a.conf");
        let text = std::fs::read_to_string(&site).unwrap();
        let pair = "ssl_certificate ssl/rsa.pem; ssl_certificate_key ssl/rsa.key; location /";
        std::fs::write(&site, text.replacen("location /", pair, 1)).unwrap();
        let argv = self.settings().reload_argv;
        assert!(Command::new(&argv[0]).args(&argv[1..]).status().unwrap().success());
        let end = Instant::now() + Duration::from_secs(20);
        // Each worker answers for itself.
        let mut hits = 0;
        while hits < 5 {
            assert!(Instant::now() < end, "no RSA certificate: {}", self.errors());
            let seen = self.served_of(Some("RSA")).await.is_ok();
            hits = if seen { hits + 1 } else { 0 };
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// SHA-256 of what the first site shows to whoever knows this type of key alone.
    pub async fn served_of(&self, key_type: Option<&str>) -> Result<String, String> {
        let address = format!("127.0.0.1:{}", self.port);
        Ok(wire::look(&address, NAME, key_type).await?.sha256())
    }

    pub fn config(&self) -> PathBuf {
        self.temp.path().join("nginx.conf")
    }

    pub fn errors(&self) -> String {
        std::fs::read_to_string(self.temp.path().join("error.log")).unwrap_or_default()
    }

    pub fn settings(&self) -> NginxSettings {
        let config = self.config();
        NginxSettings {
            reload_argv: ["/usr/sbin/nginx", "-c", config.to_str().unwrap(), "-s", "reload"]
                .map(String::from)
                .into(),
            program: "/usr/sbin/nginx".into(),
            allowed: vec![],
            config,
        }
    }

    pub fn connector(&self) -> Nginx {
        Nginx::new("web", self.settings())
    }

    /// SHA-256 of what is served under a name.
    pub async fn served(&self, name: &str) -> String {
        self.try_served(name).await.unwrap()
    }

    async fn try_served(&self, name: &str) -> Result<String, String> {
        Ok(wire::look(&format!("127.0.0.1:{}", self.port), name, None)
            .await?
            .sha256())
    }

    pub fn csr_step(&self) -> Step {
        Step::GenerateCsr(CsrSpec {
            purpose: PURPOSE.into(),
            common_name: NAME.into(),
            names: vec![NAME.into(), format!("alt-{NAME}")],
            key_type: "EC".into(),
            key_bits: 256,
            hash: "SHA256".into(),
            subject: vec![("O".into(), "Example".into())],
            multi_server: false,
        })
    }

    pub fn folder(&self) -> PathBuf {
        self.temp.path().join("certyard").join(NAME)
    }

    pub fn count(&self, kind: &str) -> usize {
        std::fs::read_dir(self.folder().join(kind)).map_or(0, |entries| {
            entries
                .flatten()
                .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
                .count()
        })
    }

    /// The pair that nginx would load at a cold start fits, is whole, and its key is 0600.
    pub fn assert_working_pair(&self) {
        let ssl = self.temp.path().join("ssl");
        let key_file = ssl.join(format!("{NAME}.key"));
        let chain = std::fs::read_to_string(ssl.join(format!("{NAME}.pem"))).unwrap();
        let leaf = chain.split_inclusive("-----END CERTIFICATE-----").next().unwrap();
        let leaf = Certificate::from_pem(leaf).unwrap();
        let key = PrivateKey::from_pem(&std::fs::read_to_string(&key_file).unwrap()).unwrap();
        assert!(key.matches(&leaf.spki_der), "certificate and key do not fit");
        assert_eq!(
            std::fs::metadata(&key_file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let check = Command::new("/usr/sbin/nginx")
            .arg("-t")
            .arg("-c")
            .arg(self.config())
            .output()
            .unwrap();
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    }
}

impl Drop for TestNginx {
    fn drop(&mut self) {
        let _ = Command::new("/usr/sbin/nginx")
            .arg("-c")
            .arg(self.config())
            .args(["-s", "stop"])
            .output();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A pair in the files `file`.
fn self_signed(folder: &std::path::Path, file: &str, name: &str, key: KeySpec) {
    let key = PrivateKey::generate(key).unwrap();
    let (from, to) = (Utc::now() - TimeDelta::days(300), Utc::now() + TimeDelta::days(20));
    let profile = Profile::end_entity(Subject::common_name(name), vec![San::dns(name)], from, to);
    let certificate = certyard_pki::self_signed(&key, &profile).unwrap();
    std::fs::write(folder.join(format!("{file}.pem")), certificate.to_pem()).unwrap();
    let file = folder.join(format!("{file}.key"));
    std::fs::write(&file, key.to_pkcs8_pem().as_bytes()).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The step that installs an answer of the CA.
pub fn install_step(purpose: &str, answer: &Answer) -> Step {
    Step::InstallIdentity {
        purpose: purpose.into(),
        chain_pem: [&answer.leaf, &answer.intermediate, &answer.root]
            .map(Certificate::to_pem)
            .into(),
        sha256: answer.leaf.sha256_hex(),
    }
}

/// Install, activate, verify, read.
pub fn install_steps(purpose: &str, answer: &Answer) -> Vec<Step> {
    vec![
        install_step(purpose, answer),
        Step::Activate {
            purpose: purpose.into(),
        },
        verify_step(purpose, answer),
        Step::Inventory,
    ]
}

pub fn verify_step(purpose: &str, answer: &Answer) -> Step {
    Step::Verify {
        purpose: purpose.into(),
        sha256: answer.leaf.sha256_hex(),
    }
}

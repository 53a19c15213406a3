//! What the tests share: a lab in a throw-away folder, a client of a node, and the `openssl` command as a second opinion.

use certyard_lab::{Lab, LabOptions, NodeInfo};
use certyard_pki::{Certificate, Csr};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, process::Command};

/// Keys that all tests and all their runs share; making them anew each time would take most of the time.
pub fn pool_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab-pool")
}

pub fn options(dir: &Path, clusters: usize) -> LabOptions {
    LabOptions {
        clusters,
        pool_dir: Some(pool_dir()),
        ..LabOptions::new(dir)
    }
}

/// A lab of so many clusters in a new folder.
pub async fn start(clusters: usize) -> (TempDir, Lab) {
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::start(options(dir.path(), clusters)).await.unwrap();
    (dir, lab)
}

/// A client of one node, with its credentials.
pub struct Client {
    pub node: NodeInfo,
    http: reqwest::Client,
}

impl Client {
    pub fn new(node: NodeInfo) -> Self {
        let http = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .no_proxy()
            .build()
            .unwrap();
        Self { node, http }
    }

    pub fn of(lab: &Lab, name: &str) -> Self {
        Self::new(lab.node(name).unwrap())
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://{}/platformcom/api/v1/certmgr/config{path}", self.node.address)
    }

    pub async fn try_send(&self, method: &str, path: &str, body: Option<&Value>) -> reqwest::Result<(u16, Value)> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, self.url(path))
            .basic_auth(&self.node.user, Some(&self.node.password));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        Ok((response.status().as_u16(), response.json().await?))
    }

    pub async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.try_send(method, path, body).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send("POST", path, Some(&body)).await
    }

    /// A new CSR for this server alone.
    pub async fn csr(&self, service: &str) -> Csr {
        self.csr_by(json!({ "service": service, "distribution": "this-server" }))
            .await
    }

    pub async fn csr_by(&self, body: Value) -> Csr {
        let (status, body) = self.post("/csr", body).await;
        assert_eq!(status, 200, "{body}");
        Csr::from_pem(body["csr"].as_str().unwrap()).unwrap()
    }

    pub async fn upload(&self, service: &str, pem: &str) -> (u16, Value) {
        self.post(
            "/identity/certificates",
            json!({ "service": service, "certificates": [pem] }),
        )
        .await
    }

    pub async fn trust(&self, service: &str, certificates: &[&Certificate]) -> (u16, Value) {
        let certificates: Vec<String> = certificates.iter().map(|certificate| certificate.to_pem()).collect();
        let body = json!({ "service": [service], "certificates": certificates, "description": "test" });
        self.post("/trust/certificates", body).await
    }

    /// The identity certificate of a service, read anew.
    pub async fn identity(&self, service: &str) -> Certificate {
        let (status, body) = self.get(&format!("/identity/certificate?service={service}")).await;
        assert_eq!(status, 200, "{body}");
        Certificate::from_pem(body["certificate"].as_str().unwrap()).unwrap()
    }

    /// SHA-256 of everything in a trust store.
    pub async fn trusted(&self, service: &str) -> Vec<String> {
        let (status, body) = self.get(&format!("/trust/certificate?service={service}")).await;
        assert_eq!(status, 200, "{body}");
        let pem = |item: &Value| {
            Certificate::from_pem(item["certificate"].as_str().unwrap())
                .unwrap()
                .sha256_hex()
        };
        body["certificates"].as_array().unwrap().iter().map(pem).collect()
    }
}

/// The sentence in which a node refuses.
pub fn message(body: &Value) -> &str {
    body["message"].as_str().unwrap()
}

/// Runs `openssl` and answers what it prints on both its outputs, and whether it was content.
pub async fn openssl(arguments: &[&str], stdin: &[u8]) -> (bool, String) {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the openssl command is needed for this test");
    let mut input = child.stdin.take().unwrap();
    // A command that has seen enough closes its input.
    let _ = input.write_all(stdin).await;
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.success(), text)
}

/// The chain that `openssl s_client` is shown by a node.
pub async fn served(node: &NodeInfo) -> Vec<Certificate> {
    let (content, text) = openssl(&["s_client", "-connect", &node.address.to_string(), "-showcerts"], b"").await;
    assert!(content, "{text}");
    let mut chain = Vec::new();
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once("-----BEGIN CERTIFICATE-----") {
        let (body, after) = after.split_once("-----END CERTIFICATE-----").unwrap();
        let pem = format!("-----BEGIN CERTIFICATE-----{body}-----END CERTIFICATE-----\n");
        chain.push(Certificate::from_pem(&pem).unwrap());
        rest = after;
    }
    // The first certificate is printed once more at the end, after the chain.
    if chain.len() > 1 && chain.first().map(|first| first.sha256) == chain.last().map(|last| last.sha256) {
        chain.pop();
    }
    chain
}

/// Waits until a condition holds, and says what it was if it never does.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds().await {
        assert!(Instant::now() < end, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

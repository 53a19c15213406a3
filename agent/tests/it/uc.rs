//! A node of the lab.

use certyard_agent::connectors::cisco_cli::CiscoCli;
use certyard_agent::connectors::cisco_uc::{CiscoUc, KeepPins};
use certyard_agent::nodes::Secrets;
use certyard_lab::{Lab, LabOptions, NodeInfo};
use certyard_protocol::{CsrSpec, Step};
use std::sync::{Arc, Mutex};

pub struct TestUc {
    pub lab: Lab,
    pub node: NodeInfo,
    pub pins: Arc<MemoryPins>,
    pub host_keys: Arc<MemoryPins>,
    _temp: tempfile::TempDir,
}

#[derive(Default)]
pub struct MemoryPins(pub Mutex<Vec<String>>);

impl KeepPins for MemoryPins {
    fn keep(&self, pins: &[String]) -> Result<(), String> {
        *self.0.lock().unwrap() = pins.to_vec();
        Ok(())
    }
}

impl TestUc {
    pub async fn start() -> Self {
        Self::start_on(1, "sto-cm-pub").await
    }

    /// A node before release 14: it has no REST API.
    pub async fn start_old() -> Self {
        Self::start_on(6, "got-cm-pub").await
    }

    /// A node of release 14, the first that has the REST API.
    pub async fn start_14() -> Self {
        Self::start_on(3, "sto-cc-pub").await
    }

    async fn start_on(clusters: usize, node: &str) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let temp = tempfile::tempdir().unwrap();
        let options = LabOptions {
            clusters,
            pool_size: 2,
            pool_dir: Some(std::env::temp_dir().join("certyard-agent-test-keys")),
            ..LabOptions::new(temp.path().join("lab"))
        };
        let lab = Lab::start(options).await.unwrap();
        let node = lab.node(node).unwrap();
        Self {
            lab,
            node,
            pins: Arc::default(),
            host_keys: Arc::default(),
            _temp: temp,
        }
    }

    pub fn connector(&self) -> CiscoUc {
        self.connector_with(&self.node.password)
    }

    fn secrets(&self, password: &str) -> Secrets {
        let mut secrets = Secrets::default();
        secrets.user.push_str(&self.node.user);
        secrets.password.push_str(password);
        secrets.pins.extend(self.pins.0.lock().unwrap().clone());
        secrets.host_keys.extend(self.host_keys.0.lock().unwrap().clone());
        secrets
    }

    /// By the node's command line.
    pub fn commands(&self) -> CiscoCli {
        self.commands_with(&self.node.password)
    }

    pub fn commands_with(&self, password: &str) -> CiscoCli {
        CiscoCli::new(
            &self.node.name,
            &self.node.ssh.to_string(),
            &self.node.address.to_string(),
            &self.secrets(password),
            self.host_keys.clone(),
        )
    }

    /// Gives all nodes of the cluster one `tomcat` certificate, whose issuers `CallManager-trust` knows, too.
    pub async fn share_tomcat(&self) {
        let http = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .no_proxy()
            .build()
            .unwrap();
        let post = async |path: &str, body: serde_json::Value| -> serde_json::Value {
            let base = "platformcom/api/v1/certmgr/config";
            let call = http.post(format!("https://{}/{base}{path}", self.node.address));
            let call = call.basic_auth(&self.node.user, Some(&self.node.password)).json(&body);
            call.send()
                .await
                .unwrap()
                .error_for_status()
                .unwrap()
                .json()
                .await
                .unwrap()
        };
        let made = post(
            "/csr",
            serde_json::json!({ "service": "tomcat", "distribution": "multi-server" }),
        )
        .await;
        let answer = self.lab.outside_ca().sign(made["csr"].as_str().unwrap(), 30).unwrap();
        let issuers = answer.issuers().map(certyard_pki::Certificate::to_pem);
        let trust = serde_json::json!({ "service": ["tomcat", "CallManager"], "certificates": issuers });
        post("/trust/certificates", trust).await;
        let leaf = serde_json::json!({ "service": "tomcat", "certificates": [answer.leaf.to_pem()] });
        post("/identity/certificates", leaf).await;
    }

    pub fn connector_with(&self, password: &str) -> CiscoUc {
        let secrets = self.secrets(password);
        CiscoUc::new(
            &self.node.name,
            &self.node.address.to_string(),
            secrets,
            self.pins.clone(),
        )
    }

    pub fn csr_step(&self) -> Step {
        Step::GenerateCsr(CsrSpec {
            purpose: "tomcat".into(),
            common_name: self.node.fqdn.clone(),
            names: vec![self.node.fqdn.clone()],
            key_type: "RSA".into(),
            key_bits: 2048,
            hash: "SHA256".into(),
            subject: vec![],
            multi_server: false,
        })
    }

    pub async fn served(&self) -> String {
        let shown = certyard_agent::wire::look(&self.node.address.to_string(), "", Some("RSA")).await;
        shown.unwrap().sha256()
    }
}

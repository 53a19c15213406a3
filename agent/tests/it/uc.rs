//! A node of the lab.

use certyard_agent::connectors::cisco_uc::{CiscoUc, KeepPins};
use certyard_agent::nodes::Secrets;
use certyard_lab::{Lab, LabOptions, NodeInfo};
use certyard_protocol::{CsrSpec, Step};
use std::sync::{Arc, Mutex};

pub struct TestUc {
    pub lab: Lab,
    pub node: NodeInfo,
    pub pins: Arc<MemoryPins>,
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
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let temp = tempfile::tempdir().unwrap();
        let options = LabOptions {
            clusters: 1,
            pool_size: 2,
            pool_dir: Some(std::env::temp_dir().join("certyard-agent-test-keys")),
            ..LabOptions::new(temp.path().join("lab"))
        };
        let lab = Lab::start(options).await.unwrap();
        let node = lab.nodes().into_iter().find(|node| node.role == "publisher").unwrap();
        Self {
            lab,
            node,
            pins: Arc::default(),
            _temp: temp,
        }
    }

    pub fn connector(&self) -> CiscoUc {
        self.connector_with(&self.node.password)
    }

    pub fn connector_with(&self, password: &str) -> CiscoUc {
        let secrets = Secrets {
            user: self.node.user.clone(),
            password: password.into(),
            pins: self.pins.0.lock().unwrap().clone(),
        };
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
        })
    }

    pub async fn served(&self) -> String {
        let shown = certyard_agent::wire::look(&self.node.address.to_string(), "", Some("RSA")).await;
        shown.unwrap().sha256()
    }
}

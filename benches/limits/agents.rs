//! Agents: how they enrol, and the memory of the server for each that waits.

use crate::program::Server;
use crate::report::Report;
use certyard_pki::{CsrRequest, Hash, KeySpec, PrivateKey, Subject, make_csr};
use certyard_protocol::{Capability, ConnectorKind, Rollback, StepCapability, StepKind};
use certyard_protocol::{EnrollRequest, HostFacts, Identity, PROTOCOL_VERSION, PollRequest};
use reqwest::{Certificate, Client};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// An agent as the server sees one.
#[derive(Clone)]
pub struct Agent {
    /// Its id.
    pub id: Uuid,
    client: Client,
    url: String,
}

impl Agent {
    /// POST of JSON to the listener: the answer's status and body.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Value {
        let url = format!("{}/agent/v1/{path}", self.url);
        loop {
            let answer = self.client.post(&url).json(body).send().await.expect("an answer comes");
            let status = answer.status();
            if status.as_u16() == 429 || status.as_u16() == 503 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            let text = answer.text().await.expect("the answer is whole");
            assert!(status.is_success(), "{path}: {status} {text}");
            return serde_json::from_str(&text).expect("the answer is JSON");
        }
    }

    /// Fetches what the server signs with: an agent that lacks it is answered at once instead of held.
    pub async fn fetch_bundle(&self) {
        let url = format!("{}/agent/v1/bundle", self.url);
        let answer = self.client.get(&url).send().await.expect("an answer comes");
        assert!(answer.status().is_success(), "bundle: {}", answer.status());
        answer.bytes().await.expect("the answer is whole");
    }

    /// Asks for work, held by the server for so long; `None`: as long as it likes. Says whether there is any.
    pub async fn poll(&self, wait_seconds: Option<u64>) -> bool {
        let steps = StepKind::ALL.map(|step| StepCapability {
            step,
            rollback: Rollback::Automatic,
        });
        let poll = PollRequest {
            session: self.id,
            seq: 0,
            version: env!("CARGO_PKG_VERSION").into(),
            protocol: PROTOCOL_VERSION,
            capabilities: vec![Capability {
                connector: ConnectorKind::CiscoUc,
                steps: steps.to_vec(),
            }],
            running: Vec::new(),
            wait_seconds,
        };
        self.post("poll", &poll).await["work"] == true
    }
}

/// So many agents, each with an identity of its own.
pub async fn enrolled(server: &Server, count: usize) -> Vec<Agent> {
    let token = server
        .post("/api/v1/join-tokens", &json!({ "name": "bench", "uses": count }))
        .await;
    let token = token["token"].as_str().expect("a token").to_string();
    let mut agents = Vec::new();
    for index in 0..count {
        agents.push(enroll(server, &token, index).await);
    }
    agents
}

/// Memory of the server for each agent that waits.
pub async fn measure(server: &Server, agents: &[Agent], report: &mut Report) {
    let before = server.resident_mb();
    let mut waiting = tokio::task::JoinSet::new();
    for agent in agents {
        let agent = agent.clone();
        waiting.spawn(async move {
            agent.fetch_bundle().await;
            agent.poll(None).await
        });
    }
    // Long enough for all to be held, shorter than the hold.
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(waiting.try_join_next().is_none(), "every agent is held");
    let each = (server.resident_mb() - before) * 1024.0 / agents.len() as f64;
    waiting.abort_all();
    report.add(
        "memory of the server for each waiting agent",
        format!("{each:.1} kB"),
        "TLS alone 10.5 kB, buffers of actix 16 kB (measured before)".into(),
        "32 kB",
        agents.len() as u64,
    );
}

async fn enroll(server: &Server, token: &str, index: usize) -> Agent {
    let key = PrivateKey::generate(KeySpec::P256).expect("a key is made");
    let request = CsrRequest {
        subject: Subject::common_name("agent"),
        sans: Vec::new(),
        key_usage: Vec::new(),
        extended_key_usage: Vec::new(),
        hash: Hash::Sha256,
    };
    let body = EnrollRequest {
        token: token.into(),
        csr_pem: make_csr(&key, &request).expect("a CSR is made").to_pem(),
        name: format!("bench-{index}"),
        host: HostFacts::default(),
        version: env!("CARGO_PKG_VERSION").into(),
        protocol: PROTOCOL_VERSION,
    };
    // The bench trusts the listener unseen; a real agent pins the CA that its token names.
    let unseen = Client::builder()
        .no_proxy()
        .danger_accept_invalid_certs(true)
        .build()
        .expect("a client is made");
    let url = format!("{}/agent/v1/enroll", server.agent_url());
    let identity = loop {
        let answer = unseen.post(&url).json(&body).send().await.expect("an answer comes");
        if answer.status().as_u16() == 429 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        }
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
        break answer.json::<Identity>().await.expect("an identity");
    };
    let pem = format!("{}{}", identity.certificate_pem, key.to_pkcs8_pem().as_str());
    let root = Certificate::from_pem(identity.bundle.ca_pem.as_bytes()).expect("a root");
    let client = Client::builder()
        .no_proxy()
        .tls_certs_only([root])
        .identity(reqwest::Identity::from_pem(pem.as_bytes()).expect("an identity"))
        .build()
        .expect("a client is made");
    Agent {
        id: identity.agent_id,
        client,
        url: server.agent_url(),
    }
}

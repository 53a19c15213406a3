//! Agents that wait: memory of the server for each of them.

use crate::program::Server;
use crate::report::Report;
use certyard_pki::{CsrRequest, Hash, KeySpec, PrivateKey, Subject, make_csr};
use certyard_protocol::{EnrollRequest, HostFacts, Identity, PROTOCOL_VERSION, PollRequest};
use reqwest::{Certificate, Client};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

pub async fn measure(server: &Server, count: usize, report: &mut Report) {
    let token = server
        .post("/api/v1/join-tokens", &json!({ "name": "bench", "uses": count }))
        .await;
    let token = token["token"].as_str().expect("a token").to_string();
    let mut agents = Vec::new();
    for index in 0..count {
        agents.push(enroll(server, &token, index).await);
    }
    let before = server.resident_mb();
    let mut waiting = tokio::task::JoinSet::new();
    for agent in agents {
        let url = format!("{}/agent/v1/poll", server.agent_url());
        waiting.spawn(async move {
            let poll = PollRequest {
                session: Uuid::new_v4(),
                seq: 0,
                version: env!("CARGO_PKG_VERSION").into(),
                protocol: PROTOCOL_VERSION,
                capabilities: Vec::new(),
                running: Vec::new(),
                wait_seconds: None,
            };
            let _ = agent.post(&url).json(&poll).send().await;
        });
    }
    // Long enough for all to be held, shorter than the hold.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let each = (server.resident_mb() - before) * 1024.0 / count as f64;
    waiting.abort_all();
    report.add(
        "memory of the server for each waiting agent",
        format!("{each:.1} kB"),
        "TLS alone 10.5 kB, buffers of actix 16 kB (measured before)".into(),
        "32 kB",
        count as u64,
    );
}

async fn enroll(server: &Server, token: &str, index: usize) -> Client {
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
    Client::builder()
        .no_proxy()
        .tls_certs_only([root])
        .identity(reqwest::Identity::from_pem(pem.as_bytes()).expect("an identity"))
        .build()
        .expect("a client is made")
}

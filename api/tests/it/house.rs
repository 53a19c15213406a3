//! A server with an organisation, for one test.

use certyard_api::{Addresses, Config, Rates, Secret, Server};
use certyard_domain::agents::{NewJoinToken, create_join_token};
use certyard_domain::people::{NewToken, create_token};
use certyard_domain::{Role, Scope};
use certyard_pki::{CsrRequest, Hash, KeySpec, PrivateKey, Profile, San, Subject, make_csr, self_signed};
use certyard_protocol::{EnrollRequest, HostFacts, Identity, PROTOCOL_VERSION};
use certyard_testkit::{TestDb, TestOrg};
use chrono::{Duration, Utc};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use tokio::sync::watch;
use uuid::Uuid;

pub const BOOTSTRAP: &str = "a-token-for-scripts-of-this-test";

pub struct House {
    pub db: TestDb,
    pub org: TestOrg,
    pub owner: String,
    pub addresses: Addresses,
    pub client: reqwest::Client,
    stop: watch::Sender<bool>,
    serving: Option<tokio::task::JoinHandle<std::io::Result<()>>>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().into()
    }

    /// Every refusal is a problem with the members of RFC 9457, the code, and the id of the request.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{}",
            self.text
        );
        let body = self.json();
        assert_eq!(body["status"], status);
        assert_eq!(body["code"], code, "{body:#}");
        assert_eq!(body["type"], format!("urn:certyard:problem:{code}"));
        for member in ["title", "detail", "request_id"] {
            assert!(
                body[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member}: {body:#}"
            );
        }
        assert_eq!(
            self.headers["x-request-id"],
            body["request_id"].as_str().expect("an id")
        );
        body
    }
}

impl House {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let db = TestDb::new().await;
        let org = db.org("First").await;
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let many = NonZeroU32::new(1_000_000).expect("a number");
        let mut config = Config {
            listen: any,
            agent_listen: any,
            ops_listen: Some(any),
            bootstrap_token: Some(Secret::new(BOOTSTRAP)),
            rates: Rates {
                address_per_minute: many,
                credential_per_minute: many,
            },
            workers: 2,
            ..Config::default()
        };
        change(&mut config);
        let server = Server::bind(config, db.db.clone(), db.keys.clone())
            .await
            .expect("the server binds");
        let addresses = server.addresses();
        let (stop, stopping) = watch::channel(false);
        let serving = tokio::spawn(server.run(stopping));
        let owner = token(&db, &org.owner, Role::Owner, None).await;
        Self {
            db,
            org,
            owner,
            addresses,
            client: reqwest::Client::builder().no_proxy().build().expect("a client"),
            stop,
            serving: Some(serving),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addresses.listen)
    }

    pub async fn token(&self, scope: &Scope, role: Role, groups: Option<Vec<Uuid>>) -> String {
        token(&self.db, scope, role, groups).await
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.client.request(method, self.url(path))
    }

    pub async fn call(&self, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Answer {
        let mut request = self.request(method, path);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        answer(request).await
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, Some(&self.owner), None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.json()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.call("POST", path, Some(&self.owner), Some(body)).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        answer.json()
    }

    /// Lets an agent join.
    pub async fn join(&self, group_id: Uuid) -> Joined {
        let tx = self.db.db.write(&self.org.owner).await.expect("a transaction");
        let new = NewJoinToken {
            group_id,
            name: "of a test".into(),
            uses: None,
            lifetime: None,
            ca_sha256: None,
        };
        let (_, token) = create_join_token(&tx, new).await.expect("a join token");
        tx.commit().await.expect("it is kept");
        let (key, csr_pem) = key_and_csr();
        let request = EnrollRequest {
            token,
            csr_pem,
            name: "agent of a test".into(),
            host: HostFacts::default(),
            version: "0.1.0".into(),
            protocol: PROTOCOL_VERSION,
        };
        let stranger = self.agent_client(None);
        let answer = answer(stranger.post(self.agent_url("/agent/v1/enroll")).json(&request)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let identity: Identity = serde_json::from_str(&answer.text).expect("an identity");
        let pem = format!("{}{}", key.to_pkcs8_pem().as_str(), identity.certificate_pem);
        Joined {
            client: self.agent_client(Some(pem.as_bytes())),
            identity,
        }
    }

    /// Lets an agent say what it can.
    pub async fn introduce(&self, agent: &Joined) {
        let body = poll_body(0);
        let told = answer(agent.client.post(self.agent_url("/agent/v1/poll")).json(&body)).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    }

    /// A cluster in a group of its own, with a node that its agent is ready to work on.
    pub async fn furnish(&self, name: &str) -> Furnished {
        let group = self.post("/api/v1/groups", &json!({ "name": name })).await;
        let cluster = json!({"name": name, "product": "cucm", "version": "15", "group_id": group["id"]});
        let cluster = text(&self.post("/api/v1/clusters", &cluster).await["id"]);
        let group = text(&group["id"]);
        let agent = self.join(group.parse().expect("an id")).await;
        self.introduce(&agent).await;
        let node = json!({"name": "n1", "address": "127.0.0.1:1", "role": "publisher", "connector": "cisco_uc", "agent_id": agent.identity.agent_id});
        let node = self.post(&format!("/api/v1/clusters/{cluster}/nodes"), &node).await;
        let node = text(&node["id"]);
        let ready = json!({"declared": [], "ready": [node]});
        let told = answer(agent.client.put(self.agent_url("/agent/v1/nodes")).json(&ready)).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.text);
        Furnished {
            group,
            cluster,
            node,
            agent,
        }
    }

    /// Lets an agent report one identity certificate that ends in so many days, and a CSR.
    pub async fn report(&self, at: &Furnished, days: i64) {
        self.report_entries(at, &[("tomcat", days)]).await;
    }

    /// The same with certificates for several purposes and in trust stores, by the days until their ends.
    pub async fn report_entries(&self, at: &Furnished, purposes: &[(&str, i64)]) {
        let (_, csr) = key_and_csr();
        let kind = |store: &str| if store.ends_with("-trust") { "trust" } else { "identity" };
        let entries: Vec<Value> = purposes
            .iter()
            .map(|(purpose, days)| json!({"store": purpose, "kind": kind(purpose), "entry": purpose, "certificate_pem": certificate(*days), "served": {"state": "served"}}))
            .collect();
        let digest = format!("d{}", purposes.len());
        let inventory = json!({
            "form": "full", "digest": digest, "observed_at": Utc::now(), "version": null,
            "entries": entries,
            "csrs": [{"purpose": "tomcat", "csr_pem": csr}],
        });
        let path = self.agent_url(&format!("/agent/v1/nodes/{}/inventory", at.node));
        let stored = answer(at.agent.client.put(path).json(&inventory)).await;
        assert_eq!(stored.status, StatusCode::OK, "{}", stored.text);
    }

    /// A job that waits for an agent which does not come for it.
    pub async fn waiting_job(&self, at: &Furnished) -> String {
        let plan = self
            .post("/api/v1/plans", &json!({"action": "refresh", "nodes": [at.node]}))
            .await;
        assert_eq!(plan["refusal_count"], 0, "{plan:#}");
        let job = self.post("/api/v1/jobs", &json!({"plan_id": plan["id"]})).await;
        text(&job["id"])
    }

    pub fn agent_url(&self, path: &str) -> String {
        format!("https://{}{path}", self.addresses.agent)
    }

    /// A client that trusts the agent CA only.
    pub fn agent_client(&self, identity: Option<&[u8]>) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.db.keys.bundle_pem().as_bytes()).expect("a root");
        let mut builder = reqwest::Client::builder().no_proxy().tls_certs_only([root]);
        if let Some(pem) = identity {
            builder = builder.identity(reqwest::Identity::from_pem(pem).expect("an identity"));
        }
        builder.build().expect("a client")
    }

    /// Stops the server and waits for its end.
    pub async fn stop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(serving) = self.serving.take() {
            serving.await.expect("no panic").expect("a good end");
        }
    }
}

/// What [`House::furnish`] made.
pub struct Furnished {
    pub group: String,
    pub cluster: String,
    pub node: String,
    pub agent: Joined,
}

pub struct Joined {
    pub client: reqwest::Client,
    pub identity: Identity,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

/// What an agent of Cisco UC nodes asks.
pub fn poll_body(wait_seconds: u64) -> Value {
    json!({"session": Uuid::now_v7(), "seq": 1, "version": "0.1.0", "protocol": 1, "running": [], "wait_seconds": wait_seconds,
        "capabilities": [{"connector": "cisco_uc", "steps": [{"step": "inventory", "rollback": "automatic"}]}]})
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value:#}")).into()
}

/// A certificate of a key that nobody keeps, in PEM.
pub fn certificate(days: i64) -> String {
    let key = PrivateKey::generate(KeySpec::P256).expect("a key");
    self_issued(&key, days)
}

/// A certificate for 127.0.0.1 that its own key has signed.
pub fn self_issued(key: &PrivateKey, days: i64) -> String {
    let subject = Subject(vec![("CN".into(), "n1.example.org".into())]);
    let (begin, end) = (Utc::now() - Duration::days(1), Utc::now() + Duration::days(days));
    let profile = Profile::end_entity(subject, vec![San::ip([127, 0, 0, 1].into())], begin, end);
    self_signed(key, &profile).expect("a certificate").to_pem()
}

pub fn key_and_csr() -> (PrivateKey, String) {
    let key = PrivateKey::generate(KeySpec::P256).expect("a key");
    let request = CsrRequest {
        subject: Subject(vec![("CN".into(), "agent".into())]),
        sans: Vec::new(),
        key_usage: Vec::new(),
        extended_key_usage: Vec::new(),
        hash: Hash::Sha256,
    };
    let csr = make_csr(&key, &request).expect("a CSR").to_pem();
    (key, csr)
}

pub async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        text: String::from_utf8_lossy(&response.bytes().await.expect("a body")).into_owned(),
    }
}

async fn token(db: &TestDb, scope: &Scope, role: Role, group_ids: Option<Vec<Uuid>>) -> String {
    let tx = db.db.write(scope).await.expect("a transaction");
    let new = NewToken {
        name: format!("{} of a test", role.as_str()),
        role,
        group_ids,
        expires_at: None,
    };
    let (_, secret) = create_token(&tx, &new).await.expect("a token");
    tx.commit().await.expect("it is kept");
    secret.to_string()
}

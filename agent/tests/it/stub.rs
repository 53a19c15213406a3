//! A server for agents with everything in memory: it does what the protocol says, or whatever a test makes of it.

mod nodes;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::STANDARD};
use certyard_pki::{Certificate, Csr, KeySpec, PrivateKey, Profile, San, Subject};
use certyard_protocol::*;
use chrono::{DateTime, TimeDelta, Utc};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use uuid::Uuid;

pub const TOKEN: &str = "cyj_00000000000000000000000000000000_secret";

/// What the server knows and has seen.
pub struct State {
    pub nodes: HashMap<String, NodeAssignment>,
    pub ready: Vec<Uuid>,
    pub declared: Vec<NodesRequest>,
    /// What an answered poll says, until the agent asked for its nodes.
    pub nodes_changed: bool,
    queue: VecDeque<ClaimedTask>,
    /// Epochs whose lease holds.
    pub leases: HashMap<Uuid, i64>,
    /// Tasks that were handed out and of which nothing was heard since.
    unheard: HashMap<Uuid, ClaimedTask>,
    /// Of the agent's last poll.
    session: Option<Uuid>,
    pub results: Vec<(Uuid, TaskResult)>,
    pub inventories: Vec<(Uuid, InventoryReport)>,
    digests: HashMap<Uuid, String>,
    pub polls: usize,
    pub renewals: usize,
    pub cancel: Vec<Uuid>,
    /// Statuses to answer next by the end of the path; the last one stays.
    pub scripted: HashMap<&'static str, Vec<(u16, Option<u64>)>>,
    pub requests: Vec<(Instant, String)>,
    pub identity_lives: TimeDelta,
    /// Certificates that clients showed.
    pub clients: Vec<String>,
}

pub struct Stub {
    pub org: Uuid,
    pub agent: Uuid,
    pub port: u16,
    pub ca: Certificate,
    ca_key: PrivateKey,
    signer: Ed25519KeyPair,
    state: Mutex<State>,
    changed: Notify,
}

fn der(certificate: &Certificate) -> CertificateDer<'static> {
    CertificateDer::from(certificate.der.clone())
}

impl Stub {
    pub async fn start() -> Arc<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let now = Utc::now();
        let (from, to) = (now - TimeDelta::days(1), now + TimeDelta::days(30));
        let ca_key = PrivateKey::generate(KeySpec::P256).unwrap();
        let name = Subject::common_name("agent CA of the tests");
        let ca = certyard_pki::self_signed(&ca_key, &Profile::authority(name, None, from, to)).unwrap();
        let key = PrivateKey::generate(KeySpec::P256).unwrap();
        let sans = vec![San::dns("localhost"), San::ip("127.0.0.1".parse().unwrap())];
        let profile = Profile::end_entity(Subject::common_name("localhost"), sans, from, to);
        let certificate = certyard_pki::issue(&ca, &ca_key, key.spki_der(), &profile).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(der(&ca)).unwrap();
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
            .allow_unauthenticated()
            .build()
            .unwrap();
        let tls = rustls::ServerConfig::builder()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![der(&certificate), der(&ca)],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_pkcs8_der().to_vec())),
            )
            .unwrap();
        let stub = Arc::new(Self {
            org: Uuid::new_v4(),
            agent: Uuid::new_v4(),
            port: listener.local_addr().unwrap().port(),
            ca,
            ca_key,
            signer: Ed25519KeyPair::generate().unwrap(),
            state: Mutex::new(State {
                nodes: HashMap::new(),
                ready: vec![],
                declared: vec![],
                nodes_changed: false,
                queue: VecDeque::new(),
                leases: HashMap::new(),
                unheard: HashMap::new(),
                session: None,
                results: vec![],
                inventories: vec![],
                digests: HashMap::new(),
                polls: 0,
                renewals: 0,
                cancel: vec![],
                scripted: HashMap::new(),
                requests: vec![],
                identity_lives: TimeDelta::days(7),
                clients: vec![],
            }),
            changed: Notify::new(),
        });
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
        let server = stub.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, stub) = (acceptor.clone(), server.clone());
                tokio::spawn(async move {
                    let Ok(tls) = acceptor.accept(tcp).await else { return };
                    let client = tls
                        .get_ref()
                        .1
                        .peer_certificates()
                        .and_then(|shown| shown.first().cloned());
                    let client = client.map(|der| Certificate::from_der(&der).unwrap().sha256_hex());
                    let service = service_fn(move |request| {
                        let (stub, client) = (stub.clone(), client.clone());
                        async move { Ok::<_, std::convert::Infallible>(stub.serve(request, client).await) }
                    });
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(tls), service).await;
                });
            }
        });
        stub
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn pinned_token(&self) -> String {
        format!("{TOKEN}.{}", self.ca.sha256_hex())
    }

    pub fn node(&self, name: &str) -> NodeAssignment {
        self.state().nodes[name].clone()
    }

    /// A payload for a node, valid for an hour.
    pub fn payload(&self, node: &NodeAssignment, steps: Vec<Step>) -> TaskPayload {
        TaskPayload {
            org_id: self.org,
            agent_id: self.agent,
            node_id: node.node_id,
            job_id: Uuid::new_v4(),
            task_id: Uuid::new_v4(),
            epoch: 1,
            action: "test".into(),
            connector: node.connector,
            steps,
            expect: vec![],
            not_before: Utc::now() - TimeDelta::seconds(1),
            deadline: Utc::now() + TimeDelta::hours(1),
        }
    }

    pub fn sign(&self, payload: &[u8]) -> Envelope {
        Envelope::encode(payload, &self.key_id(), self.signer.sign(payload).as_ref())
    }

    fn key_id(&self) -> String {
        hex::encode(aws_lc_rs::digest::digest(
            &aws_lc_rs::digest::SHA256,
            self.signer.public_key().as_ref(),
        ))[..16]
            .to_owned()
    }

    /// Signs and queues a task, and holds its lease from the claim on.
    pub fn queue(&self, payload: &TaskPayload) -> TaskRef {
        let task = TaskRef {
            task_id: payload.task_id,
            epoch: payload.epoch,
        };
        let envelope = self.sign(&serde_json::to_vec(payload).unwrap());
        self.queue_raw(task, envelope);
        task
    }

    pub fn queue_raw(&self, task: TaskRef, envelope: Envelope) {
        let mut state = self.state();
        state.leases.insert(task.task_id, task.epoch);
        state.queue.push_back(ClaimedTask {
            task,
            lease_seconds: LEASE_SECONDS,
            envelope,
        });
        drop(state);
        self.changed.notify_waiters();
    }

    /// Waits until the state is so; says what was waited for when it takes too long.
    pub async fn until<T>(&self, what: &str, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        // Long enough for a machine that builds something else at the same time.
        let end = Instant::now() + Duration::from_secs(120);
        loop {
            let changed = self.changed.notified();
            if let Some(found) = look(&mut self.state()) {
                return found;
            }
            assert!(Instant::now() < end, "never came: {what}\n{}", self.story());
            let _ = tokio::time::timeout(Duration::from_millis(100), changed).await;
        }
    }

    /// The last requests and what is open, for whoever waits in vain.
    fn story(&self) -> String {
        let state = self.state();
        let from = state.requests.len().saturating_sub(40);
        let requests: Vec<String> = state.requests[from..]
            .iter()
            .map(|(at, path)| format!("{:>7.1} s ago {path}", at.elapsed().as_secs_f32()))
            .collect();
        let queued: Vec<TaskRef> = state.queue.iter().map(|claimed| claimed.task).collect();
        format!(
            "the last of {} requests:\n{}\nqueued: {queued:?}\nleases: {:?}\nnot heard of: {:?}",
            state.requests.len(),
            requests.join("\n"),
            state.leases,
            state.unheard.keys()
        )
    }

    /// The result of a task in this epoch, or in a later one where the claim of this one was lost on its way.
    pub async fn result(&self, task: TaskRef) -> TaskResult {
        self.until("a result", |state| {
            let fits = |(id, result): &&(Uuid, TaskResult)| *id == task.task_id && result.epoch >= task.epoch;
            state.results.iter().find(fits).map(|(_, result)| result.clone())
        })
        .await
    }

    fn bundle(&self) -> Bundle {
        Bundle {
            ca_pem: self.ca.to_pem(),
            task_keys: vec![TaskKey {
                id: self.key_id(),
                public_key: STANDARD.encode(self.signer.public_key().as_ref()),
            }],
            incarnation: 1,
            server_time: Utc::now(),
        }
    }

    fn identity(&self, csr_pem: &str, generation: i64) -> Identity {
        let csr = Csr::from_pem(csr_pem).unwrap();
        let now = Utc::now();
        let not_after: DateTime<Utc> = now + self.state().identity_lives;
        let sans = vec![San::uri(agent_urn(self.org, self.agent))];
        let name = Subject::common_name("agent");
        let profile = Profile::end_entity(name, sans, now - TimeDelta::minutes(1), not_after);
        let certificate = certyard_pki::issue(&self.ca, &self.ca_key, &csr.spki_der, &profile).unwrap();

        Identity {
            org_id: self.org,
            agent_id: self.agent,
            generation,
            certificate_pem: certificate.to_pem(),
            not_after,
            bundle: self.bundle(),
        }
    }

    async fn serve(&self, request: Request<Incoming>, client: Option<String>) -> Response<Full<Bytes>> {
        let path = request
            .uri()
            .path()
            .strip_prefix(BASE_PATH)
            .unwrap_or_default()
            .to_owned();
        let body = request
            .into_body()
            .collect()
            .await
            .map(|body| body.to_bytes())
            .unwrap_or_default();
        let scripted = {
            let mut state = self.state();
            state.requests.push((Instant::now(), path.clone()));
            if let Some(task) = path.strip_prefix("/tasks/").and_then(|rest| rest.split('/').next()) {
                state.unheard.remove(&task.parse::<Uuid>().unwrap());
            }
            if let Some(client) = &client
                && !state.clients.contains(client)
            {
                state.clients.push(client.clone());
            }
            let found = state.scripted.iter_mut().find(|(end, _)| path.ends_with(*end));
            found.and_then(|(_, answers)| {
                if answers.len() > 1 {
                    Some(answers.remove(0))
                } else {
                    answers.first().copied()
                }
            })
        };
        let answer = match scripted.filter(|(status, _)| *status != 200) {
            Some((status, wait)) => (status, json!({"code": "scripted", "detail": "as the test says"}), wait),
            None if client.is_none() && path != "/enroll" => (401, json!({"detail": "no identity"}), None),
            None => {
                let (status, value) = self.answer(&path, &body).await;
                (status, value, None)
            }
        };
        self.changed.notify_waiters();
        let mut response = Response::builder()
            .status(answer.0)
            .header("content-type", "application/json");
        if let Some(wait) = answer.2 {
            response = response.header("retry-after", wait);
        }
        response.body(Full::new(Bytes::from(answer.1.to_string()))).unwrap()
    }

    async fn answer(&self, path: &str, body: &[u8]) -> (u16, Value) {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            ["enroll"] => {
                let request: EnrollRequest = serde_json::from_slice(body).unwrap();
                if request.token != TOKEN {
                    return (403, json!({"detail": "the join token is unknown or spent"}));
                }
                (201, json!(self.identity(&request.csr_pem, 1)))
            }
            ["renew"] => {
                let request: RenewRequest = serde_json::from_slice(body).unwrap();
                let generation = {
                    let mut state = self.state();
                    state.renewals += 1;
                    state.renewals as i64 + 1
                };
                (200, json!(self.identity(&request.csr_pem, generation)))
            }
            ["bundle"] => (200, json!(self.bundle())),
            ["poll"] => self.poll(serde_json::from_slice(body).unwrap()).await,
            ["claim"] => {
                let request: ClaimRequest = serde_json::from_slice(body).unwrap();
                let mut state = self.state();
                let most = (request.max as usize).min(state.queue.len());
                let tasks: Vec<ClaimedTask> = state.queue.drain(..most).collect();
                let handed_out = tasks.iter().map(|claimed| (claimed.task.task_id, claimed.clone()));
                state.unheard.extend(handed_out);
                (200, json!(ClaimAnswer { tasks }))
            }
            ["tasks", task, "lease"] => {
                let request: LeaseRequest = serde_json::from_slice(body).unwrap();
                let task: Uuid = task.parse().unwrap();
                let state = self.state();
                if state.leases.get(&task) != Some(&request.epoch) {
                    return (409, json!({"detail": "the epoch is stale"}));
                }
                let cancel = state.cancel.contains(&task);
                (200, json!({"lease_seconds": LEASE_SECONDS, "cancel": cancel}))
            }
            ["tasks", task, "result"] => {
                let result: TaskResult = serde_json::from_slice(body).unwrap();
                let task: Uuid = task.parse().unwrap();
                let mut state = self.state();
                if state.leases.get(&task).is_some_and(|epoch| *epoch > result.epoch) {
                    return (409, json!({"detail": "the epoch is stale"}));
                }
                state.results.push((task, result));
                (200, json!({"recorded": true}))
            }
            ["nodes"] => self.put_nodes(serde_json::from_slice(body).unwrap()),
            ["nodes", node, "inventory"] => {
                let report: InventoryReport = serde_json::from_slice(body).unwrap();
                let node: Uuid = node.parse().unwrap();
                let mut state = self.state();
                let known = state.digests.get(&node).cloned();
                let (base, digest) = match &report {
                    InventoryReport::Unchanged { digest, .. } => (Some(digest), Some(digest)),
                    InventoryReport::Full(inventory) => (None, Some(&inventory.digest)),
                    InventoryReport::Delta {
                        base_digest, digest, ..
                    } => (Some(base_digest), Some(digest)),
                    InventoryReport::Failed { .. } => (None, None),
                };
                if base.is_some() && base != known.as_ref() {
                    return (200, json!("full_wanted"));
                }
                if let Some(digest) = digest {
                    state.digests.insert(node, digest.clone());
                }
                state.inventories.push((node, report));
                (200, json!("stored"))
            }
            _ => (404, json!({"detail": "no such path"})),
        }
    }

    async fn poll(&self, request: PollRequest) -> (u16, Value) {
        let end = Instant::now() + Duration::from_secs(request.wait_seconds.unwrap_or(55));
        self.state().polls += 1;
        self.return_lost_claims(&request);
        let mut answer = PollAnswer {
            server_time: Utc::now(),
            ..PollAnswer::default()
        };
        loop {
            let changed = self.changed.notified();
            {
                let state = self.state();
                answer.work = !state.queue.is_empty();
                answer.nodes_changed = state.nodes_changed;
                let running = |task: &&Uuid| request.running.iter().any(|running| running.task_id == **task);
                answer.cancel = state.cancel.iter().filter(running).copied().collect();
            }
            if answer.work || answer.nodes_changed || !answer.cancel.is_empty() || Instant::now() >= end {
                return (200, json!(answer));
            }
            let left = end
                .saturating_duration_since(Instant::now())
                .min(Duration::from_millis(200));
            let _ = tokio::time::timeout(left, changed).await;
        }
    }

    /// A claim whose answer died with the agent comes back in the next epoch, as when its lease has run out; the first poll
    /// of a new session tells it without a wait.
    fn return_lost_claims(&self, request: &PollRequest) {
        let mut state = self.state();
        if state.session.replace(request.session) == Some(request.session) {
            return;
        }
        let running: Vec<Uuid> = request.running.iter().map(|task| task.task_id).collect();
        let lost: Vec<ClaimedTask> = state.unheard.drain().map(|(_, claimed)| claimed).collect();
        drop(state);
        for claimed in lost.into_iter().filter(|lost| !running.contains(&lost.task.task_id)) {
            let Some((bytes, _)) = claimed.envelope.decode() else {
                continue;
            };
            // A test that hands out what is no payload wants no second try.
            if let Ok(mut payload) = serde_json::from_slice::<TaskPayload>(&bytes) {
                payload.epoch += 1;
                self.queue(&payload);
            }
        }
    }
}

//! The calls of an agent to its server, and what each refusal means for it.

use crate::identity::Stored;
use certyard_protocol::{
    BASE_PATH, Bundle, ClaimAnswer, ClaimRequest, EnrollRequest, Identity, InventoryAnswer, InventoryReport,
    LeaseAnswer, LeaseRequest, NodesAnswer, NodesRequest, POLL_HOLD_SECONDS, PollAnswer, PollRequest, RenewRequest,
    ResultAnswer, TaskResult,
};
use reqwest::{Method, Response, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;
use uuid::Uuid;

const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// An answer that is larger is not read to its end.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

/// What the server, or the way to it, said.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No answer.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// Where.
        url: String,
        /// Each cause in turn.
        reason: String,
    },
    /// 401: the identity is unknown.
    #[error("the server does not know this agent's identity ({0}): join again with a new token")]
    Unknown(String),
    /// 403: banned, or not the caller's.
    #[error("the server refuses this agent: {0}")]
    Forbidden(String),
    /// 409: the epoch or digest is stale.
    #[error("the server has newer knowledge: {0}")]
    Stale(String),
    /// 410: retired for good.
    #[error("the server retired this agent for good: {0}")]
    Retired(String),
    /// 426: this program is too old.
    #[error("the server no longer serves this version of the agent: {0}")]
    TooOld(String),
    /// 429 or 503, or another 5xx: later.
    #[error("the server asks to come back later ({status}): {message}")]
    Later {
        /// Status.
        status: u16,
        /// What it said.
        message: String,
        /// Its `Retry-After`.
        wait: Option<Duration>,
    },
    /// Any other refusal: the request itself is wrong.
    #[error("the server refused the request ({status}): {message}")]
    Refused {
        /// Status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The answer makes no sense.
    #[error("the server's answer cannot be read: {0}")]
    Unreadable(String),
    /// TLS cannot be set up with what is on disk.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// Whom to believe at the first contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstTrust {
    /// The CAs of this machine.
    System,
    /// The agent CA by the SHA-256 of its certificate.
    CaSha256([u8; 32]),
    /// CA certificates in PEM.
    CaPem(String),
}

/// A connection to the server with this agent's identity.
#[derive(Clone, Debug)]
pub struct Server {
    base: String,
    client: reqwest::Client,
}

impl Server {
    /// Uses the identity on disk; only the roots of its bundle are believed.
    ///
    /// # Errors
    /// [`ServerError::Tls`] when key, certificate or bundle are damaged.
    pub fn new(stored: &Stored) -> Result<Self, ServerError> {
        let tls = |error: reqwest::Error| ServerError::Tls(chain(&error));
        let identity = reqwest::Identity::from_pem(stored.tls_pem().as_bytes()).map_err(tls)?;
        let roots = reqwest::Certificate::from_pem_bundle(stored.identity.bundle.ca_pem.as_bytes()).map_err(tls)?;
        let client = builder()
            .tls_certs_only(roots)
            .identity(identity)
            .build()
            .map_err(tls)?;
        Ok(Self {
            base: base(&stored.url),
            client,
        })
    }

    /// Spends a join token.
    ///
    /// # Errors
    /// When the server cannot be believed or says no.
    pub async fn enroll(url: &str, trust: &FirstTrust, request: &EnrollRequest) -> Result<Identity, ServerError> {
        let tls = |error: reqwest::Error| ServerError::Tls(chain(&error));
        let builder = match trust {
            FirstTrust::System => builder(),
            FirstTrust::CaPem(pem) => {
                builder().tls_certs_only(reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(tls)?)
            }
            FirstTrust::CaSha256(pin) => builder().tls_backend_preconfigured(
                crate::tls::pinned_ca(*pin).map_err(|error| ServerError::Tls(error.to_string()))?,
            ),
        };
        let server = Self {
            base: base(url),
            client: builder.build().map_err(tls)?,
        };
        server.call(Method::POST, "/enroll", Some(request), CALL_TIMEOUT).await
    }

    /// `POST /renew`
    ///
    /// # Errors
    /// As every call: see [`ServerError`].
    pub async fn renew(&self, request: &RenewRequest) -> Result<Identity, ServerError> {
        self.call(Method::POST, "/renew", Some(request), CALL_TIMEOUT).await
    }

    /// `GET /bundle`
    ///
    /// # Errors
    /// As every call.
    pub async fn bundle(&self) -> Result<Bundle, ServerError> {
        self.call(Method::GET, "/bundle", None::<&()>, CALL_TIMEOUT).await
    }

    /// `POST /poll`, held by the server.
    ///
    /// # Errors
    /// As every call.
    pub async fn poll(&self, request: &PollRequest) -> Result<PollAnswer, ServerError> {
        let held = Duration::from_secs(request.wait_seconds.unwrap_or(POLL_HOLD_SECONDS));
        self.call(Method::POST, "/poll", Some(request), held + CALL_TIMEOUT)
            .await
    }

    /// `POST /claim`
    ///
    /// # Errors
    /// As every call.
    pub async fn claim(&self, max: u32) -> Result<ClaimAnswer, ServerError> {
        self.call(Method::POST, "/claim", Some(&ClaimRequest { max }), CALL_TIMEOUT)
            .await
    }

    /// `POST /tasks/{id}/lease`
    ///
    /// # Errors
    /// [`ServerError::Stale`] when the lease is another's by now.
    pub async fn lease(&self, task: Uuid, request: &LeaseRequest) -> Result<LeaseAnswer, ServerError> {
        let path = format!("/tasks/{task}/lease");
        self.call(Method::POST, &path, Some(request), CALL_TIMEOUT).await
    }

    /// `POST /tasks/{id}/result`
    ///
    /// # Errors
    /// [`ServerError::Stale`] when the result is not wanted any more.
    pub async fn result(&self, task: Uuid, result: &TaskResult) -> Result<ResultAnswer, ServerError> {
        let path = format!("/tasks/{task}/result");
        self.call(Method::POST, &path, Some(result), CALL_TIMEOUT).await
    }

    /// `PUT /nodes`
    ///
    /// # Errors
    /// As every call.
    pub async fn nodes(&self, request: &NodesRequest) -> Result<NodesAnswer, ServerError> {
        self.call(Method::PUT, "/nodes", Some(request), CALL_TIMEOUT).await
    }

    /// `PUT /nodes/{id}/inventory`
    ///
    /// # Errors
    /// [`ServerError::Stale`] when the base digest is unknown there.
    pub async fn inventory(&self, node: Uuid, report: &InventoryReport) -> Result<InventoryAnswer, ServerError> {
        let path = format!("/nodes/{node}/inventory");
        self.call(Method::PUT, &path, Some(report), CALL_TIMEOUT).await
    }

    async fn call<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        request: Option<&Q>,
        timeout: Duration,
    ) -> Result<A, ServerError> {
        let mut call = self
            .client
            .request(method, format!("{}{path}", self.base))
            .timeout(timeout);
        if let Some(request) = request {
            call = call.json(request);
        }
        let answer = call.send().await.map_err(|error| self.unreachable(&error))?;
        let (status, wait) = (answer.status(), retry_after(&answer));
        let body = self.read(answer).await?;
        if !status.is_success() {
            return Err(refusal(status, wait, &body));
        }
        serde_json::from_slice(&body).map_err(|error| ServerError::Unreadable(format!("{path}: {error}")))
    }

    async fn read(&self, mut answer: Response) -> Result<Vec<u8>, ServerError> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(ServerError::Unreadable("it is larger than 32 MiB".into()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn unreachable(&self, error: &reqwest::Error) -> ServerError {
        let mut reason = chain(error);
        let hints = [
            (
                "CertificateRequired",
                "the server wants this agent's certificate and did not get it",
            ),
            ("CertificateExpired", "this agent's identity has expired: join again"),
            (
                "UnknownIssuer",
                "the server's certificate is not from the expected CA, or the server does not present that CA in its chain",
            ),
            (
                "NotValidForName",
                "the server's certificate does not name this host: use the address that the page Agents shows",
            ),
        ];
        for (sign, hint) in hints {
            if reason.contains(sign) {
                reason = format!("{hint} ({reason})");
            }
        }
        ServerError::Unreachable {
            url: self.base.clone(),
            reason,
        }
    }
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tcp_nodelay(true)
        .user_agent(concat!("certyard-agent/", env!("CARGO_PKG_VERSION")))
}

fn base(url: &str) -> String {
    format!("{}{BASE_PATH}", url.trim_end_matches('/'))
}

/// The causes of an error in turn: reqwest's own `Display` names only the outermost.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn retry_after(answer: &Response) -> Option<Duration> {
    let text = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(text.trim().parse::<u64>().ok()?.min(3600)))
}

fn refusal(status: StatusCode, wait: Option<Duration>, body: &[u8]) -> ServerError {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let said = ["detail", "title", "code"]
        .iter()
        .find_map(|key| problem.get(key).and_then(|value| value.as_str()))
        .unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason given"));
    let message: String = said.chars().filter(|c| !c.is_control()).take(400).collect();
    let status = status.as_u16();
    match status {
        401 => ServerError::Unknown(message),
        403 => ServerError::Forbidden(message),
        409 => ServerError::Stale(message),
        410 => ServerError::Retired(message),
        426 => ServerError::TooOld(message),
        429 | 500..=599 => ServerError::Later { status, message, wait },
        _ => ServerError::Refused { status, message },
    }
}

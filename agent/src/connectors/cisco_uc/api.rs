//! The node's certificate management API: requests, answers in all shapes that were seen, and errors in its own words.

use super::pins::KeepPins;
use super::stores::{IdentityItem, Snapshot, TrustItem};
use crate::connector::StepError;
use crate::connectors::with_port;
use crate::nodes::Secrets;
use crate::server::chain;
use crate::tls::{Pins, pinned_node, sha256_hex};
use certyard_pki::{Certificate, Csr};
use certyard_protocol::{InventoryCsr, InventoryEntry, Served, StoreKind};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

const BASE: &str = "/platformcom/api/v1/certmgr/config";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A node that makes a 4096-bit key or replicates a certificate takes its time.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;
/// Where the API is, where the address names no port.
const HTTPS: u16 = 443;

/// HTTP Basic over TLS with a pinned certificate.
pub(super) struct Api {
    node: String,
    address: String,
    user: String,
    password: Zeroizing<String>,
    client: Result<reqwest::Client, String>,
    pub pins: Arc<Pins>,
    keeper: Arc<dyn KeepPins>,
}

impl Api {
    pub fn new(node: &str, address: &str, secrets: &Secrets, keeper: Arc<dyn KeepPins>) -> Self {
        let pins = Arc::new(Pins::new(secrets.pins.clone()));
        let client = pinned_node(pins.clone())
            .map_err(|error| error.to_string())
            .and_then(|tls| {
                reqwest::Client::builder()
                    .tls_backend_preconfigured(tls)
                    .connect_timeout(CONNECT_TIMEOUT)
                    .timeout(CALL_TIMEOUT)
                    .redirect(reqwest::redirect::Policy::none())
                    .no_proxy()
                    // Pooled connections would hide that the node took up another certificate.
                    .pool_max_idle_per_host(0)
                    .build()
                    .map_err(|error| chain(&error))
            });
        Self {
            node: node.into(),
            address: with_port(address, HTTPS),
            user: secrets.user.clone(),
            password: Zeroizing::new(secrets.password.clone()),
            client,
            pins,
            keeper,
        }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub async fn snapshot(&self) -> Result<Snapshot, StepError> {
        let answer = self.call(Method::GET, "/snapshot/server", None).await?;
        Ok(read_snapshot(&self.node, &answer))
    }

    pub async fn post(&self, path: &str, body: Value) -> Result<Value, StepError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Keeps the pins as they are now, for the next start.
    pub fn keep_pins(&self) -> Result<(), StepError> {
        self.keeper
            .keep(&self.pins.allowed())
            .map_err(|error| StepError::lasting("agent_disk", format!("cannot keep the pin of {}: {error}", self.node)))
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, StepError> {
        let client = self
            .client
            .as_ref()
            .map_err(|error| StepError::lasting("agent_tls", error.clone()))?;
        let first = self.pins.allowed().is_empty();
        let mut call = client
            .request(method, format!("https://{}{BASE}{path}", self.address))
            .basic_auth(&self.user, Some(self.password.as_str()));
        if let Some(body) = &body {
            call = call.json(body);
        }
        let mut answer = call.send().await.map_err(|error| self.unreachable(&error))?;
        if first {
            self.keep_pins()?;
            let sha256 = self.pins.seen().unwrap_or_default();
            tracing::info!(node = %self.node, sha256, "pinned the certificate that node {} showed first", self.node);
        }
        let status = answer.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.unreachable(&error))? {
            if bytes.len() + chunk.len() > LARGEST_ANSWER {
                return Err(StepError::lasting(
                    "node_answer",
                    format!("{} answered more than 32 MiB", self.node),
                ));
            }
            bytes.extend_from_slice(&chunk);
        }
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        match status {
            200..=299 => Ok(json),
            _ => Err(self.refused(status, &json, &bytes)),
        }
    }

    fn refused(&self, status: u16, json: &Value, bytes: &[u8]) -> StepError {
        let node = &self.node;
        let words = error_words(json).unwrap_or_else(|| {
            let text = String::from_utf8_lossy(bytes);
            text.chars().filter(|c| !c.is_control()).take(200).collect()
        });
        match status {
            401 => StepError::lasting(
                "node_credentials_refused",
                format!(
                    "{node} refuses the user `{}`: set the right one with `certyard-agent credentials set {node}`",
                    self.user
                ),
            ),
            403 => StepError::lasting(
                "node_credentials_refused",
                format!(
                    "{node} does not let the user `{}` do this (privilege level 1 is needed): {words}",
                    self.user
                ),
            ),
            429 | 500..=599 => StepError::passing("node_failed", format!("{node} answered {status}: {words}")),
            _ => StepError::lasting("node_refused", format!("{node} refused ({status}): {words}")),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> StepError {
        let node = &self.node;
        if let Some(shown) = self.pins.take_refused() {
            return StepError::lasting(
                "node_certificate_changed",
                format!(
                    "{node} shows a certificate that is not pinned (SHA-256 {shown}); its password was not sent. If the \
                     certificate was changed by hand, accept it with `certyard-agent credentials set {node} \
                     --accept-certificate {shown}`"
                ),
            );
        }
        StepError::passing(
            "node_unreachable",
            format!("{node} at {} does not answer: {}", self.address, chain(error)),
        )
    }
}

fn error_words(json: &Value) -> Option<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(_) => value.get("message").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let found = ["message", "messages", "error", "errors"].iter().find_map(|key| {
        let value = json.get(key)?;
        match value {
            Value::Array(items) => Some(items.iter().filter_map(text).collect::<Vec<_>>().join("; ")),
            other => text(other),
        }
    })?;
    let clean: String = found.chars().filter(|c| !c.is_control()).take(600).collect();
    (!clean.is_empty()).then_some(clean)
}

/// An array as it is, an object as its only item, anything else as nothing.
fn items(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(value @ Value::Object(_)) => vec![value],
        _ => vec![],
    }
}

fn text<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a str> {
    let found = keys.iter().find_map(|key| value.get(key)?.as_str())?;
    (!found.trim().is_empty()).then_some(found)
}

impl Snapshot {
    /// A certificate of the node; one that cannot be understood is kept as it is.
    pub(crate) fn read(
        &mut self,
        node: &str,
        place: (StoreKind, &str, Option<&str>),
        pem: &str,
    ) -> Option<Certificate> {
        let (kind, store, entry) = place;
        let error = match Certificate::from_pem(pem) {
            Ok(certificate) => return Some(certificate),
            Err(error) => error,
        };
        tracing::warn!(node, store, %error, "cannot read a certificate of the node");
        self.unreadable.push(InventoryEntry {
            store: store.into(),
            kind,
            entry: entry.map_or_else(|| sha256_hex(pem.as_bytes()), str::to_owned),
            certificate_pem: pem.into(),
            served: Served::NotObservable,
        });
        None
    }
}

fn read_snapshot(node: &str, answer: &Value) -> Snapshot {
    let mut snapshot = Snapshot {
        version: answer
            .get("server")
            .and_then(|server| text(server, &["version"]))
            .or_else(|| text(answer, &["version"]))
            .map(str::to_owned),
        ..Snapshot::default()
    };
    for item in items(answer.get("identities")) {
        let Some(purpose) = text(item, &["service", "name"]) else {
            continue;
        };
        let csr = text(item, &["csr"]).and_then(|pem| match Csr::from_pem(pem) {
            Ok(csr) => Some(csr),
            Err(error) => {
                tracing::warn!(node, purpose, %error, "cannot read a CSR of the node");
                snapshot.unreadable_csrs.push(InventoryCsr {
                    purpose: purpose.into(),
                    csr_pem: pem.into(),
                });
                None
            }
        });
        let place = (StoreKind::Identity, purpose, Some(purpose));
        let certificate = text(item, &["certificate"]).and_then(|pem| snapshot.read(node, place, pem));
        snapshot.identities.push(IdentityItem {
            purpose: purpose.into(),
            certificate,
            csr,
        });
    }
    for trust in items(answer.get("trusts")) {
        let Some(service) = text(trust, &["service", "name"]) else {
            continue;
        };
        let store = trust_store(service);
        let data = ["certificate_data", "certificateData", "certificates"]
            .iter()
            .find_map(|key| trust.get(key));
        let entries: Vec<&Value> = match data {
            Some(Value::Array(entries)) => entries.iter().collect(),
            Some(entry @ (Value::Object(_) | Value::String(_))) => vec![entry],
            _ => vec![],
        };
        for entry in entries {
            let pem = entry.as_str().or_else(|| text(entry, &["certificate", "pem"]));
            let file_name = text(entry, &["filename", "fileName", "name"]);
            let place = (StoreKind::Trust, store.as_str(), file_name);
            let certificate = pem.and_then(|pem| snapshot.read(node, place, pem));
            if let Some(certificate) = certificate {
                snapshot.trusts.push(TrustItem {
                    store: store.clone(),
                    file_name: file_name.map(str::to_owned),
                    certificate,
                });
            }
        }
    }
    snapshot
}

/// The API says `tomcat`, people and the catalogue say `tomcat-trust`.
fn trust_store(service: &str) -> String {
    if service.ends_with("-trust") {
        service.into()
    } else {
        format!("{service}-trust")
    }
}

/// The API's name of a trust store.
pub(super) fn trust_service(store: &str) -> &str {
    store.strip_suffix("-trust").unwrap_or(store)
}

/// The body of a request for a CSR. It has no field for the subject beside the common name: the node takes the others from its
/// installation.
pub(super) fn csr_body(spec: &certyard_protocol::CsrSpec) -> Value {
    let distribution = if spec.multi_server {
        "multi-server"
    } else {
        "this-server"
    };
    let mut body = json!({ "service": spec.purpose, "distribution": distribution });
    let mut set = |key: &str, value: Value| {
        if let Some(fields) = body.as_object_mut() {
            fields.insert(key.into(), value);
        }
    };
    if !spec.common_name.is_empty() {
        set("commonName", spec.common_name.clone().into());
    }
    if !spec.names.is_empty() {
        set("altNames", spec.names.clone().into());
    }
    if !spec.key_type.is_empty() {
        set("keyType", spec.key_type.to_ascii_lowercase().into());
        set("keyLength", spec.key_bits.into());
    }
    if !spec.hash.is_empty() {
        set("hashAlgorithm", spec.hash.to_ascii_lowercase().into());
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_in_all_three_spellings() {
        let words = |text: &str| error_words(&serde_json::from_str(text).unwrap());
        assert_eq!(words(r#"{"message":"CA missing"}"#).unwrap(), "CA missing");
        assert_eq!(words(r#"{"messages":["a","b"]}"#).unwrap(), "a; b");
        assert_eq!(words(r#"{"messages":[{"message":"c"}]}"#).unwrap(), "c");
        assert_eq!(words(r#"{"error":"d\r\n"}"#).unwrap(), "d");
        assert_eq!(words("null"), None);
    }

    #[test]
    fn what_cannot_be_understood_is_told_and_not_taken_for_gone() {
        let answer = json!({
            "identities": [{"service": "tomcat", "certificate": "odd", "csr": "odd, too"}],
            "trusts": [{"service": "tomcat", "certificates": ["strange", {"certificate": "x", "fileName": "a.pem"}]}],
        });
        let snapshot = read_snapshot("n", &answer);
        let places: Vec<(&str, &str, &str)> = snapshot
            .unreadable
            .iter()
            .map(|entry| {
                (
                    entry.store.as_str(),
                    entry.entry.as_str(),
                    entry.certificate_pem.as_str(),
                )
            })
            .collect();
        let hash = sha256_hex(b"strange");
        assert_eq!(
            places,
            [
                ("tomcat", "tomcat", "odd"),
                ("tomcat-trust", hash.as_str(), "strange"),
                ("tomcat-trust", "a.pem", "x")
            ]
        );
        assert_eq!(snapshot.unreadable_csrs[0].csr_pem, "odd, too");
    }

    #[test]
    fn a_csr_is_asked_for_with_documented_fields_only() {
        let mut spec = certyard_protocol::CsrSpec {
            purpose: "tomcat".into(),
            common_name: "cm.example.org".into(),
            names: vec!["cm.example.org".into()],
            key_type: "RSA".into(),
            key_bits: 2048,
            hash: "SHA256".into(),
            subject: vec![("O".into(), "Example".into())],
            multi_server: false,
        };
        let wanted = |distribution: &str| {
            json!({
                "service": "tomcat", "distribution": distribution, "commonName": "cm.example.org",
                "altNames": ["cm.example.org"], "keyType": "rsa", "keyLength": 2048, "hashAlgorithm": "sha256",
            })
        };
        assert_eq!(csr_body(&spec), wanted("this-server"));
        spec.multi_server = true;
        assert_eq!(csr_body(&spec), wanted("multi-server"));
    }

    #[test]
    fn the_port_of_https_is_meant_where_none_is_named() {
        for (given, address) in [
            ("pub.example.org", "pub.example.org:443"),
            ("pub.example.org:8443", "pub.example.org:8443"),
            ("192.0.2.7", "192.0.2.7:443"),
            ("[2001:db8::7]:8443", "[2001:db8::7]:8443"),
            ("[2001:db8::7]", "[2001:db8::7]:443"),
            ("2001:db8::7", "[2001:db8::7]:443"),
        ] {
            assert_eq!(with_port(given, HTTPS), address);
        }
    }

    #[test]
    fn one_item_without_its_array_is_still_an_item() {
        let snapshot = read_snapshot(
            "n",
            &json!({"identities": {"service": "tomcat", "certificate": "", "csr": null}}),
        );
        assert_eq!(snapshot.identities.len(), 1);
        assert!(snapshot.installed_sha256("tomcat").is_none());
        assert!(read_snapshot("n", &Value::Null).identities.is_empty());
    }
}

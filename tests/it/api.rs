//! The API as a script uses it.

use crate::house::until;
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// A client with a token.
#[derive(Clone)]
pub struct Api {
    base: String,
    token: String,
    client: Client,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its JSON, or null.
    pub json: Value,
    /// Its text.
    pub text: String,
}

impl Answer {
    /// The JSON of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text);
        self.json
    }
}

impl Api {
    /// A client of that server.
    pub fn new(base: String, token: String) -> Self {
        Self {
            base,
            token,
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    async fn try_send(&self, method: Method, path: &str, body: Option<Value>) -> reqwest::Result<Answer> {
        let mut request = self
            .client
            .request(method.clone(), format!("{}{path}", self.base))
            .bearer_auth(&self.token);
        if method == Method::POST {
            request = request.header("Idempotency-Key", uuid::Uuid::new_v4().to_string());
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        Ok(Answer {
            status,
            json: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.try_send(method.clone(), path, body)
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// POST.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// PUT.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// All rows of a list.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let join = if path.contains('?') { '&' } else { '?' };
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}{join}limit=200{cursor}")).await.ok();
            rows.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }

    /// A plan for an action.
    pub async fn plan(&self, request: Value) -> Value {
        self.post("/api/v1/plans", request).await.ok()
    }

    /// Asks for a job; nothing when the server died before it answered.
    pub async fn try_run(&self, plan: &Value) -> Option<Answer> {
        let body = json!({ "plan_id": plan["id"], "consent": consent(plan) });
        self.try_send(Method::POST, "/api/v1/jobs", Some(body)).await.ok()
    }

    /// Runs a plan with all the consent that it asks for.
    pub async fn run(&self, plan: &Value) -> Value {
        self.post(
            "/api/v1/jobs",
            json!({ "plan_id": plan["id"], "consent": consent(plan) }),
        )
        .await
        .ok()
    }

    /// Waits for the end of a job.
    pub async fn finished(&self, job: &Value) -> Value {
        let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
        until("a job ends", || async {
            let job = self.get(&path).await.ok();
            (!job["finished_at"].is_null()).then_some(job)
        })
        .await
    }

    /// Plans, runs and waits; the tasks.
    pub async fn carry_out(&self, request: Value) -> Vec<Value> {
        let plan = self.plan(request).await;
        assert_eq!(plan["refusal_count"], 0, "{:#}", plan["refusals"]);
        let job = self.run(&plan).await;
        let job = self.finished(&job).await;
        self.all(&format!("/api/v1/jobs/{}/tasks", job["id"].as_str().unwrap()))
            .await
    }

    /// Asks for an upload; `file` as it came from the CA.
    pub async fn plan_upload(&self, node: &Value, purpose: &str, file: &[u8]) -> Value {
        let certificate = match std::str::from_utf8(file) {
            Ok(text) => text.to_string(),
            Err(_) => STANDARD.encode(file),
        };
        let request = json!({ "action": "upload_certificate", "nodes": [node["id"]], "purpose": purpose, "certificate": certificate });
        self.plan(request).await
    }

    /// The open CSR of a node and purpose, in PEM.
    pub async fn open_csr(&self, node: &Value, purpose: &str) -> String {
        let rows = self
            .all(&format!("/api/v1/csrs?node_id={}", node["id"].as_str().unwrap()))
            .await;
        let csr = rows
            .iter()
            .find(|csr| csr["purpose"] == purpose && csr["state"] == "open")
            .unwrap_or_else(|| {
                panic!("{} has no open CSR for {purpose}: {rows:#?}", node["name"]);
            });
        self.get(&format!("/api/v1/csrs/{}.pem", csr["id"].as_str().unwrap()))
            .await
            .text
    }

    /// The identity certificate of a node and purpose.
    pub async fn identity(&self, node: &Value, purpose: &str) -> Value {
        let path = format!(
            "/api/v1/installations?node_id={}&kind=identity",
            node["id"].as_str().unwrap()
        );
        let rows = self.all(&path).await;
        rows.into_iter()
            .find(|row| row["store"] == purpose)
            .unwrap_or_else(|| panic!("{} has no {purpose}", node["name"]))
    }

    /// Nodes whose inventory has arrived, once there are `count` of them.
    pub async fn nodes(&self, count: usize) -> Vec<Value> {
        until("all nodes were read", || async {
            let nodes = self.all("/api/v1/nodes").await;
            let read = nodes.iter().filter(|node| !node["inventory_at"].is_null()).count();
            (read == count && nodes.len() == count).then_some(nodes)
        })
        .await
    }
}

/// What a plan wants to be agreed to.
pub fn consent(plan: &Value) -> Vec<Value> {
    let warnings = plan["warnings"].as_array().cloned().unwrap_or_default();
    let mut codes: Vec<Value> = warnings
        .into_iter()
        .filter(|warning| warning["consent"] == true)
        .map(|warning| warning["code"].clone())
        .collect();
    codes.dedup();
    codes
}

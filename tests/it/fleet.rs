//! A house with one agent and as many clusters of the lab as a test needs; what the server tells is compared with the nodes' own stores.

use crate::api::Api;
use crate::house::{Agent, House};
use certyard_lab::{Lab, LabOptions, NodeInfo, NodeStores};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// Everything that runs.
pub struct Fleet {
    /// The server.
    pub house: House,
    /// The agent.
    pub agent: Agent,
    /// The lab.
    pub lab: Lab,
    /// The lab nodes that were entered, as the lab tells them.
    pub infos: Vec<NodeInfo>,
    /// The same as the API tells them.
    pub nodes: Vec<Value>,
}

impl Fleet {
    /// Starts a lab of so many clusters, enters the wanted nodes and waits for their first inventory. Twelve clusters have every
    /// product in every release that the lab has.
    pub async fn start(clusters: usize, wanted: impl Fn(&NodeInfo) -> bool) -> Self {
        let house = House::start().await;
        let options = LabOptions {
            clusters,
            pool_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab-pool")),
            ..LabOptions::new(house.dir.path().join("lab"))
        };
        let lab = Lab::start(options).await.unwrap();
        let mut agent = Agent::join(&house, "agent").await;
        let infos: Vec<NodeInfo> = lab.nodes().into_iter().filter(wanted).collect();
        for node in &infos {
            agent.add_whole_lab_node(node);
        }
        agent.run(None);
        let nodes = house.api().nodes(infos.len()).await;
        Self {
            house,
            agent,
            lab,
            infos,
            nodes,
        }
    }

    /// The API.
    pub fn api(&self) -> Api {
        self.house.api()
    }

    /// A node as the API tells it.
    pub fn row(&self, info: &NodeInfo) -> &Value {
        let row = self.nodes.iter().find(|row| row["name"] == info.name.as_str());
        row.unwrap_or_else(|| panic!("no node {}", info.name))
    }

    /// The n-th node of a product and version, the publisher first: as the lab tells it and as the API does.
    pub fn node(&self, product: &str, version: &str, index: usize) -> (&NodeInfo, &Value) {
        let info = self
            .infos
            .iter()
            .filter(|node| node.product == product && node.version == version)
            .nth(index)
            .unwrap_or_else(|| panic!("no {product} {version}"));
        (info, self.row(info))
    }

    /// What a node holds itself, in any release.
    pub fn stores(&self, node: &NodeInfo) -> NodeStores {
        self.lab.stores(&node.name).unwrap()
    }

    /// The identity of a service as the node holds it: its fingerprint.
    pub fn identity_of(&self, node: &NodeInfo, service: &str) -> String {
        self.stores(node).identities.remove(service).unwrap()
    }

    /// A trust store as the node holds it: fingerprints.
    pub fn trusted(&self, node: &NodeInfo, store: &str) -> BTreeSet<String> {
        self.stores(node).trusts.remove(store).unwrap()
    }

    /// Plans, runs and expects that every task succeeds.
    pub async fn succeeds(&self, request: Value) -> Vec<Value> {
        let tasks = self.api().carry_out(request).await;
        for task in &tasks {
            assert_eq!(task["state"], "succeeded", "{task:#}\n{}", self.agent.log());
        }
        tasks
    }

    /// The codes of what a plan refuses.
    pub async fn refused(&self, request: Value) -> Vec<String> {
        let plan = self.api().plan(request).await;
        let refusals = plan["refusals"].as_array().unwrap().iter();
        refusals.map(|one| one["code"].as_str().unwrap().to_string()).collect()
    }

    /// The places of a node's trust stores in which the inventory has a certificate.
    pub async fn trust_rows(&self, node: &Value, sha256: &str) -> Vec<Value> {
        let path = format!(
            "/api/v1/installations?kind=trust&node_id={}",
            node["id"].as_str().unwrap()
        );
        let rows = self.api().all(&path).await;
        rows.into_iter().filter(|row| row["sha256"] == sha256).collect()
    }
}

/// A plan's request for one purpose of a node.
pub fn of(node: &Value, action: &str, purpose: &str) -> Value {
    json!({ "action": action, "nodes": [node["id"]], "purpose": purpose })
}

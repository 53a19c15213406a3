//! From the certificates of a fleet to a new one that is installed and served, node by node.

use crate::api::Api;
use crate::house::{Agent, House, until};
use crate::outside_ca::{Order, OutsideCa, fingerprint, served};
use crate::web_server::{NAME, PURPOSE, WebServer};
use certyard_lab::{Lab, LabOptions, NodeInfo};
use serde_json::{Value, json};

/// Good for a year.
pub const YEAR: Order = Order { days: 365 };

/// A house with an agent, three nodes of one lab cluster, and an nginx.
pub struct Site {
    /// The server.
    pub house: House,
    /// The agent.
    pub agent: Agent,
    /// The lab.
    pub lab: Lab,
    /// The lab nodes that were entered.
    pub lab_nodes: Vec<NodeInfo>,
    /// The web server.
    pub web: WebServer,
    /// All nodes as the API tells them.
    pub nodes: Vec<Value>,
}

impl Site {
    /// Starts everything and waits for the first inventory.
    pub async fn start() -> Self {
        let house = House::start().await;
        let lab = Lab::start(LabOptions::new(house.dir.path().join("lab"))).await.unwrap();
        let web = WebServer::start();
        let mut agent = Agent::join(&house, "agent").await;
        let lab_nodes = three_of_one_cluster(&lab);
        for node in &lab_nodes {
            agent.add_lab_node(node);
        }
        web.add_to(&agent);
        agent.run(None);
        let nodes = house.api().nodes(4).await;
        Self {
            house,
            agent,
            lab,
            lab_nodes,
            web,
            nodes,
        }
    }

    /// A node by its name.
    pub fn node(&self, name: &str) -> &Value {
        self.nodes
            .iter()
            .find(|node| node["name"] == name)
            .unwrap_or_else(|| panic!("no node {name}"))
    }

    /// The web server as the API tells it.
    pub fn web_node(&self) -> &Value {
        self.node("web-1")
    }

    /// A node of the lab, and as the API tells it.
    pub fn uc(&self, index: usize) -> (&NodeInfo, &Value) {
        let node = &self.lab_nodes[index];
        (node, self.node(&node.name))
    }

    /// Has nodes make CSRs for a purpose.
    pub async fn make_csrs(&self, nodes: &[&Value], purpose: &str) {
        let ids: Vec<&Value> = nodes.iter().map(|node| &node["id"]).collect();
        let request = json!({ "action": "generate_csr", "nodes": ids, "purpose": purpose });
        for task in self.house.api().carry_out(request).await {
            assert_eq!(task["state"], "succeeded", "{task:#}\n{}", self.agent.log());
        }
    }
}

/// The nodes of the first cluster that has three.
pub fn three_of_one_cluster(lab: &Lab) -> Vec<NodeInfo> {
    let nodes = lab.nodes();
    let of = |cluster: &str| {
        nodes
            .iter()
            .filter(|node| node.cluster == cluster)
            .cloned()
            .collect::<Vec<_>>()
    };
    nodes
        .iter()
        .map(|node| of(&node.cluster))
        .find(|cluster| cluster.len() == 3)
        .expect("a cluster of three nodes")
}

async fn succeeded(api: &Api, site: &Site, plan: &Value) -> Value {
    assert_eq!(plan["refusal_count"], 0, "{plan:#}");
    let job = api.run(plan).await;
    let job = api.finished(&job).await;
    let tasks = api
        .all(&format!("/api/v1/jobs/{}/tasks", job["id"].as_str().unwrap()))
        .await;
    for task in &tasks {
        assert_eq!(
            task["state"],
            "succeeded",
            "{task:#}\n{}\n{}",
            site.agent.log(),
            site.house.log()
        );
    }
    job
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_fleet_with_old_certificates_to_new_ones_served_on_every_node() {
    let site = Site::start().await;
    let api = site.house.api();
    let ca = OutsideCa::new();

    // An administrator sees the certificates of the fleet.
    let clusters = api.all("/api/v1/clusters").await;
    assert_eq!(clusters.len(), 2);
    for cluster in &clusters {
        assert!(cluster["identity"]["total"].as_i64().unwrap() > 0, "{cluster:#}");
    }

    // Has the nodes make CSRs.
    let uc: Vec<&Value> = (0..3).map(|index| site.uc(index).1).collect();
    site.make_csrs(&uc, "tomcat").await;
    site.make_csrs(&[site.web_node()], PURPOSE).await;

    // Has them signed and uploads the answers: PKCS#7 on UC nodes, a PEM chain on nginx.
    for index in 0..3 {
        let (lab_node, node) = site.uc(index);
        let before = api.identity(node, "tomcat").await;
        let leaf = ca.sign(&api.open_csr(node, "tomcat").await, YEAR);
        let plan = api.plan_upload(node, "tomcat", &ca.p7b(&leaf)).await;
        assert_eq!(plan["undo"], "none", "a UC node cannot put a key back: {plan:#}");
        let refused = api
            .post("/api/v1/jobs", json!({ "plan_id": plan["id"], "consent": [] }))
            .await;
        assert_eq!(refused.status, 422, "consent is needed: {}", refused.text);
        let job = succeeded(&api, &site, &plan).await;

        // Installed, but the service still shows the old one until it is restarted.
        let after = api.identity(node, "tomcat").await;
        assert_eq!(after["sha256"], fingerprint(&leaf));
        assert_eq!(after["served"]["state"], "restart_pending", "{after:#}");
        let (shown, _) = served(&lab_node.address.to_string(), &lab_node.fqdn, None);
        assert_eq!(
            json!(fingerprint(&shown[0])),
            before["sha256"],
            "the node restarted by itself"
        );
        site.lab.restart(&lab_node.name).await.unwrap();
        api.carry_out(json!({ "action": "refresh", "nodes": [node["id"]] }))
            .await;
        let after = api.identity(node, "tomcat").await;
        assert_eq!(after["served"]["state"], "served", "{after:#}");
        let (shown, verified) = served(&lab_node.address.to_string(), &lab_node.fqdn, Some(&ca.root_file()));
        assert_eq!(fingerprint(&shown[0]), fingerprint(&leaf));
        assert!(verified, "openssl does not trust the chain of {}", lab_node.name);

        // History and audit tell the same story.
        let history = api
            .all(&format!(
                "/api/v1/installations/{}/history",
                after["id"].as_str().unwrap()
            ))
            .await;
        assert!(
            history
                .iter()
                .any(|event| event["sha256"] == after["sha256"] && event["job_id"] == job["id"]),
            "{history:#?}"
        );
        let audit = api
            .all(&format!("/api/v1/audit?object_id={}", job["id"].as_str().unwrap()))
            .await;
        assert!(audit.iter().any(|row| row["action"] == "job.create"), "{audit:#?}");
    }

    let leaf = ca.sign(&api.open_csr(site.web_node(), PURPOSE).await, YEAR);
    let plan = api.plan_upload(site.web_node(), PURPOSE, &ca.pem_chain(&leaf)).await;
    assert_eq!(plan["undo"], "automatic", "{plan:#}");
    succeeded(&api, &site, &plan).await;
    let after = api.identity(site.web_node(), PURPOSE).await;
    assert_eq!(after["sha256"], fingerprint(&leaf));
    assert_eq!(after["served"]["state"], "served", "{after:#}");
    let (shown, verified) = served(&site.web.address(), NAME, Some(&ca.root_file()));
    assert_eq!(fingerprint(&shown[0]), fingerprint(&leaf));
    assert!(shown.len() >= 2 && verified, "nginx serves the chain");

    // Nothing is left open, and the counts are what the lists hold.
    let csrs = api.all("/api/v1/csrs").await;
    assert!(
        csrs.iter()
            .all(|csr| csr["state"] != "open" || csr["purpose"] != "tomcat"),
        "{csrs:#?}"
    );
    for cluster in api.all("/api/v1/clusters").await {
        let id = cluster["id"].as_str().unwrap();
        for (kind, path) in [("identity", "identity"), ("trust", "trust")] {
            let rows = api
                .all(&format!("/api/v1/installations?cluster_id={id}&kind={path}"))
                .await;
            assert_eq!(cluster[kind]["total"], rows.len(), "{kind} of {}", cluster["name"]);
        }
    }
    until("the overview answers", || async {
        api.get("/api/v1/overview").await.status.is_success().then_some(())
    })
    .await;
}

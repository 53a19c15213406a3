//! A CA gets a new root: from the old one to the new one on nodes of the lab, one of which is away at first. What the server tells is compared
//! with the nodes' own stores.

use crate::api::Api;
use crate::house::{Agent, House, until};
use crate::main_job::{YEAR, three_of_one_cluster};
use crate::outside_ca::{OutsideCa, fingerprint};
use certyard_lab::{Lab, LabOptions, NodeInfo};
use serde_json::{Value, json};

/// A trust store that the product keeps alike on all nodes of a cluster, and one that each node has for itself.
const SHARED: &str = "tomcat-trust";
const LOCAL: &str = "TVS-trust";

/// Three nodes of a cluster, reached in all the ways that their release has.
struct Site {
    house: House,
    agent: Agent,
    lab: Lab,
    infos: Vec<NodeInfo>,
    nodes: Vec<Value>,
}

impl Site {
    async fn start() -> Self {
        let house = House::start().await;
        let lab = Lab::start(LabOptions::new(house.dir.path().join("lab"))).await.unwrap();
        let mut agent = Agent::join(&house, "agent").await;
        let infos = three_of_one_cluster(&lab);
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

    /// A node of the lab, and as the API tells it.
    fn uc(&self, index: usize) -> (&NodeInfo, &Value) {
        let info = &self.infos[index];
        let row = self.nodes.iter().find(|row| row["name"] == info.name.as_str());
        (info, row.unwrap())
    }
}

/// The trust store of a node as it tells it itself: fingerprints.
async fn trusted(node: &NodeInfo, store: &str) -> Vec<String> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .danger_accept_invalid_certs(true)
        .build()
        .unwrap();
    let url = format!(
        "https://{}/platformcom/api/v1/certmgr/config/snapshot/server",
        node.address
    );
    let answer = client.get(url).basic_auth(&node.user, Some(&node.password));
    let snapshot: Value = answer.send().await.unwrap().json().await.unwrap();
    let trusts = snapshot["trusts"].as_array().unwrap().iter();
    trusts
        .filter(|one| one["service"] == store || one["service"] == store.trim_end_matches("-trust"))
        .flat_map(|one| one["certificate_data"].as_array().cloned().unwrap_or_default())
        .map(|one| fingerprint(one["certificate"].as_str().unwrap()))
        .collect()
}

/// The root change, and what is done with it.
struct Change<'a> {
    site: &'a Site,
    api: Api,
    path: String,
}

impl Change<'_> {
    async fn get(&self) -> Value {
        self.api.get(&self.path).await.ok()
    }

    async fn ask(&self, phase: &str) -> crate::api::Answer {
        self.api
            .post(&format!("{}/plans", self.path), json!({ "phase": phase }))
            .await
    }

    #[track_caller]
    fn is_refused(answer: &crate::api::Answer, code: &str) {
        assert_eq!(
            (answer.status.as_u16(), &answer.json["code"]),
            (422, &json!(code)),
            "{}",
            answer.text
        );
    }

    /// Plans a phase and carries it out to its end.
    async fn carry_out(&self, phase: &str) -> Value {
        let plan = self.ask(phase).await.ok();
        let job = self.api.run(&plan).await;
        assert_eq!(
            Some(&job["root_change_id"].as_str().unwrap()),
            self.path.rsplit('/').next().as_ref()
        );
        self.api.finished(&job).await
    }

    async fn succeeds(&self, phase: &str) -> Value {
        let job = self.carry_out(phase).await;
        assert_eq!(job["status"], "succeeded", "{job:#}\n{}", self.site.agent.log());
        job
    }

    async fn coverage(&self, state: &str) -> Vec<Value> {
        self.api.all(&format!("{}/coverage?state={state}", self.path)).await
    }
}

fn places() -> impl Iterator<Item = (usize, &'static str)> {
    (0..3).flat_map(|index| [SHARED, LOCAL].map(|store| (index, store)))
}

/// Has a CA sign new certificates for tomcat on all nodes, and installs them.
async fn sign_all(site: &Site, api: &Api, ca: &OutsideCa) {
    for index in 0..3 {
        let (_, node) = site.uc(index);
        let leaf = ca.sign(&api.open_csr(node, "tomcat").await, YEAR);
        let plan = api.plan_upload(node, "tomcat", &ca.p7b(&leaf)).await;
        assert_eq!(plan["refusal_count"], 0, "{plan:#}");
        let job = api.run(&plan).await;
        let job = api.finished(&job).await;
        assert_eq!(job["status"], "succeeded", "{job:#}\n{}", site.agent.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_comes_from_an_old_root_to_a_new_one_in_the_only_safe_order() {
    let site = Site::start().await;
    let api = site.house.api();
    let nodes: Vec<&Value> = (0..3).map(|index| site.uc(index).1).collect();
    let ids: Vec<&Value> = nodes.iter().map(|node| &node["id"]).collect();

    // Today: an old CA has signed what the nodes show, and all of them trust it.
    let (old, new) = (OutsideCa::named("Old"), OutsideCa::named("New"));
    let request = json!({ "action": "generate_csr", "nodes": ids, "purpose": "tomcat" });
    for task in api.carry_out(request).await {
        assert_eq!(task["state"], "succeeded", "{task:#}\n{}", site.agent.log());
    }
    sign_all(&site, &api, &old).await;
    let stores = json!([LOCAL]);
    api.carry_out(json!({ "action": "distribute", "nodes": ids, "stores": stores, "certificate": old.root() }))
        .await;
    api.carry_out(json!({ "action": "refresh", "nodes": ids })).await;
    let path = format!("/api/v1/certificates?search={}", fingerprint(&old.root()));
    let old_id = api.all(&path).await[0]["id"].clone();

    let body = json!({ "old_certificate_id": old_id, "new_certificate": new.root() });
    let change = api.post("/api/v1/root-changes", body).await.ok();
    let change = Change {
        site: &site,
        path: format!("/api/v1/root-changes/{}", change["id"].as_str().unwrap()),
        api,
    };
    let now = change.get().await;
    assert_eq!(
        (&now["next_action"], &now["coverage"]["missing"]),
        (&json!("distribute"), &json!(6)),
        "{now:#}"
    );
    assert_eq!(now["identities"]["old"], 3, "by way of the issuing CA: {now:#}");
    for phase in ["switch", "retire"] {
        Change::is_refused(&change.ask(phase).await, "coverage_incomplete");
    }

    // The last node takes nothing: the others go on, and it is told by name.
    let away = site.uc(2).0;
    site.lab
        .fault(&format!("{}:trust-upload:400", away.name))
        .await
        .unwrap();
    let job = change.carry_out("distribute").await;
    assert_eq!(job["status"], "partly_failed", "{job:#}");
    let failed = change.coverage("failed").await;
    assert!(
        failed.iter().any(|row| row["store"] == LOCAL)
            && failed.iter().all(|row| row["node"]["name"] == away.name.as_str()),
        "{failed:#?}"
    );
    assert!(
        failed
            .iter()
            .all(|row| row["job_id"] == job["id"] && row["message"].as_str().unwrap().len() > 20)
    );
    assert!(!trusted(away, LOCAL).await.contains(&fingerprint(&new.root())));
    Change::is_refused(&change.ask("switch").await, "coverage_incomplete");
    site.lab.clear_faults(&away.name).await.unwrap();
    let plan = change.ask("distribute").await.ok();
    let again = plan["targets"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|target| !target["purpose"].is_null());
    for target in again {
        assert_eq!(
            target["node"]["name"],
            away.name.as_str(),
            "only what is missing: {plan:#}"
        );
    }
    change.succeeds("distribute").await;
    change.succeeds("verify").await;
    for (index, store) in places() {
        let held = trusted(site.uc(index).0, store).await;
        assert!(
            held.contains(&fingerprint(&new.root())) && held.contains(&fingerprint(&old.root())),
            "both, while both are in use: {held:?}"
        );
    }
    let now = change.get().await;
    assert_eq!(
        (&now["next_action"], &now["coverage"]["covered"]),
        (&json!("switch"), &json!(6)),
        "{now:#}"
    );

    // Old ones make way; the old root does not while one is left.
    change.succeeds("switch").await;
    let now = change.get().await;
    assert_eq!(
        (&now["next_action"], &now["identities"]["csr_pending"]),
        (&json!("upload"), &json!(3)),
        "{now:#}"
    );
    Change::is_refused(&change.ask("retire").await, "identities_on_old");
    sign_all(&site, &change.api, &new).await;
    let now = change.get().await;
    assert_eq!(
        (&now["next_action"], &now["identities"]["new"]),
        (&json!("retire"), &json!(3)),
        "{now:#}"
    );

    change.succeeds("retire").await;
    let now = until("the inventory knows that it is gone", || async {
        let now = change.get().await;
        (now["next_action"] == "close").then_some(now)
    })
    .await;
    assert_eq!(now["coverage"]["holding_old"], 0);
    for (index, store) in places() {
        let held = trusted(site.uc(index).0, store).await;
        assert!(
            held.contains(&fingerprint(&new.root())) && !held.contains(&fingerprint(&old.root())),
            "{held:?}"
        );
    }
    let kept = change
        .api
        .all(&format!(
            "/api/v1/quarantine?certificate_id={}",
            old_id.as_str().unwrap()
        ))
        .await;
    assert_eq!(kept.len(), 6, "it can be restored: {kept:#?}");
    let closed = change.api.post(&format!("{}/close", change.path), json!({})).await.ok();
    assert_eq!(closed["state"], "completed", "{closed:#}");
    let jobs: Vec<&Value> = closed["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| &job["action"])
        .collect();
    assert!(
        jobs.contains(&&json!("distribute")) && jobs.contains(&&json!("delete")),
        "{jobs:?}"
    );
}

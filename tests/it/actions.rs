//! The actions of central certificate management on a lab of twelve clusters, four products and four releases, with faults; what the
//! server tells is compared with the nodes' own stores and with openssl. Uploads have tests of their own as well.

use crate::api::Api;
use crate::house::{Agent, House, until};
use crate::outside_ca::{OutsideCa, fingerprint, served};
use certyard_lab::{Lab, LabOptions, NodeInfo};
use serde_json::{Value, json};

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
        let options = LabOptions {
            clusters: 12,
            ..LabOptions::new(house.dir.path().join("lab"))
        };
        let lab = Lab::start(options).await.unwrap();
        let mut agent = Agent::join(&house, "agent").await;
        let infos = lab.nodes();
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

    fn api(&self) -> Api {
        self.house.api()
    }

    /// The n-th node of a product and version, the publisher first: as the lab tells it and as the API does.
    fn node(&self, product: &str, version: &str, index: usize) -> (&NodeInfo, &Value) {
        let info = self
            .infos
            .iter()
            .filter(|node| node.product == product && node.version == version)
            .nth(index)
            .unwrap_or_else(|| panic!("no {product} {version}"));
        let row = self.nodes.iter().find(|row| row["name"] == info.name.as_str());
        (info, row.unwrap())
    }

    /// What a node tells itself.
    async fn snapshot(&self, node: &NodeInfo) -> Value {
        let client = reqwest::Client::builder()
            .no_proxy()
            .danger_accept_invalid_certs(true)
            .build()
            .unwrap();
        let url = format!(
            "https://{}/platformcom/api/v1/certmgr/config/snapshot/server",
            node.address
        );
        let answer = client
            .get(url)
            .basic_auth(&node.user, Some(&node.password))
            .send()
            .await
            .unwrap();
        answer.json().await.unwrap()
    }

    /// The identity of a service as the node tells it itself: its fingerprint.
    async fn identity_of(&self, node: &NodeInfo, service: &str) -> String {
        let snapshot = self.snapshot(node).await;
        let mut identities = snapshot["identities"].as_array().unwrap().iter();
        let found = identities.find(|one| one["service"] == service).unwrap();
        fingerprint(found["certificate"].as_str().unwrap())
    }

    /// The trust store of a node as it tells it itself: fingerprints.
    async fn trusted(&self, node: &NodeInfo, store: &str) -> Vec<String> {
        let snapshot = self.snapshot(node).await;
        let unit = store.trim_end_matches("-trust");
        let trusts = snapshot["trusts"].as_array().unwrap().iter();
        trusts
            .filter(|one| one["service"] == unit || one["service"] == store)
            .flat_map(|one| one["certificate_data"].as_array().cloned().unwrap_or_default())
            .map(|one| fingerprint(one["certificate"].as_str().unwrap()))
            .collect()
    }

    /// Plans, runs and expects that every task succeeds.
    async fn succeeds(&self, request: Value) -> Vec<Value> {
        let tasks = self.api().carry_out(request).await;
        for task in &tasks {
            assert_eq!(task["state"], "succeeded", "{task:#}\n{}", self.agent.log());
        }
        tasks
    }

    /// The codes of what a plan refuses.
    async fn refused(&self, request: Value) -> Vec<String> {
        let plan = self.api().plan(request).await;
        let refusals = plan["refusals"].as_array().unwrap().iter();
        refusals.map(|one| one["code"].as_str().unwrap().to_string()).collect()
    }

    async fn trust_rows(&self, node: &Value, sha256: &str) -> Vec<Value> {
        let path = format!(
            "/api/v1/installations?kind=trust&node_id={}",
            node["id"].as_str().unwrap()
        );
        let rows = self.api().all(&path).await;
        rows.into_iter().filter(|row| row["sha256"] == sha256).collect()
    }
}

fn of(node: &Value, action: &str, purpose: &str) -> Value {
    json!({ "action": action, "nodes": [node["id"]], "purpose": purpose })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_on_a_fleet_of_twelve_clusters() {
    let site = Site::start().await;
    renewals(&site).await;
    csrs(&site).await;
    restarts(&site).await;
    reuse(&site).await;
    trust(&site).await;
    forbidden(&site).await;
}

/// R11: on the REST releases by their command line, on the older ones by it alone.
async fn renewals(site: &Site) {
    for (product, version) in [
        ("cucm", "15"),
        ("cucm", "12.5"),
        ("imp", "14"),
        ("cuc", "15"),
        ("cer", "14"),
    ] {
        let (info, node) = site.node(product, version, 1);
        let before = site.api().identity(node, "tomcat").await;
        let mut request = of(node, "renew", "tomcat");
        request["restart"] = true.into();
        let plan = site.api().plan(request.clone()).await;
        if plan["refusal_count"] != 0 && version == "12.5" {
            // A certificate of several nodes cannot be renewed before release 14 (R39).
            assert_eq!(plan["refusals"][0]["code"], "multi_server_not_renewed", "{plan:#}");
            continue;
        }
        site.succeeds(request).await;
        let after = site.api().identity(node, "tomcat").await;
        assert_ne!(before["sha256"], after["sha256"], "{product} {version}");
        assert_eq!(after["self_signed"], true);
        let shown = served(&info.address.to_string(), &info.fqdn, None).0;
        assert_eq!(
            shown.first().map(|pem| fingerprint(pem)).as_deref(),
            after["sha256"].as_str(),
            "{product} {version}"
        );
    }
}

/// R13 and R15.
async fn csrs(site: &Site) {
    for (product, version) in [("cucm", "15"), ("imp", "12.5")] {
        let (_, node) = site.node(product, version, 0);
        site.succeeds(of(node, "generate_csr", "tomcat")).await;
        site.api().open_csr(node, "tomcat").await;
        site.succeeds(of(node, "delete_csr", "tomcat")).await;
        let path = format!("/api/v1/csrs?node_id={}&state=open", node["id"].as_str().unwrap());
        let open = site.api().all(&path).await;
        assert!(!open.iter().any(|csr| csr["purpose"] == "tomcat"), "{open:#?}");
        assert_eq!(site.refused(of(node, "delete_csr", "tomcat")).await, ["no_csr"]);
    }
}

/// What was renewed without a restart is served after one.
async fn restarts(site: &Site) {
    let (info, node) = site.node("cucm", "14", 2);
    site.succeeds(of(node, "renew", "tomcat")).await;
    let pending = site.api().identity(node, "tomcat").await;
    assert_eq!(pending["served"]["state"], "restart_pending", "{pending:#}");
    site.succeeds(json!({ "action": "restart", "nodes": [node["id"]], "services": ["Cisco Tomcat"] }))
        .await;
    let after = site.api().identity(node, "tomcat").await;
    assert_eq!(after["served"]["state"], "served", "{after:#}");
    let shown = served(&info.address.to_string(), &info.fqdn, None).0;
    assert_eq!(
        shown.first().map(|pem| fingerprint(pem)).as_deref(),
        after["sha256"].as_str()
    );
}

/// R12 and R39: from a CSR for all nodes to one certificate for tomcat and calls, and a change of it later on.
async fn reuse(site: &Site) {
    let api = site.api();
    let publisher = site.node("cucm", "15", 0).1;
    let of_cluster = |row: &&Value| row["cluster"]["id"] == publisher["cluster"]["id"];
    let nodes: Vec<&Value> = site.nodes.iter().filter(of_cluster).collect();
    let ids: Vec<&Value> = nodes.iter().map(|node| &node["id"]).collect();
    let info = |node: &Value| {
        site.infos
            .iter()
            .find(|info| info.name == node["name"].as_str().unwrap())
            .unwrap()
    };
    let calls = json!({ "action": "reuse_tomcat", "nodes": ids, "purpose": "CallManager" });
    let cluster = format!("/api/v1/clusters/{}", publisher["cluster"]["id"].as_str().unwrap());

    // The profile decides whether it is offered.
    assert!(
        site.refused(calls.clone())
            .await
            .iter()
            .all(|code| code == "profile_not_tomcat")
    );
    let wants =
        json!({ "name": "calls", "settings": [{ "product": "cucm", "purpose": "CallManager", "use_tomcat": true }] });
    let profile = api.post("/api/v1/profiles", wants).await.ok();
    api.put(&format!("{cluster}/profile"), json!({ "profile_id": profile["id"] }))
        .await
        .ok();

    // One certificate for tomcat of all nodes, signed by a CA.
    let ca = OutsideCa::new();
    let csr = json!({ "action": "generate_csr", "nodes": ids, "purpose": "tomcat", "csr": { "multi_server": true } });
    carried_out(site, csr).await;
    let leaf = ca.sign(&api.open_csr(publisher, "tomcat").await, crate::main_job::YEAR);
    let chain = String::from_utf8(ca.pem_chain(&leaf)).unwrap();
    let upload = json!({ "action": "upload_certificate", "nodes": ids, "purpose": "tomcat", "certificate": chain });
    carried_out(site, upload).await;

    // Its issuers go into the other trust store first; one node does it, and all have it.
    let tasks = carried_out(site, calls.clone()).await;
    let made = tasks.iter().find(|task| task["purpose"] == "CallManager").unwrap();
    let planned: Vec<&Value> = made["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["step"])
        .collect();
    assert_eq!(planned, ["install_trust", "reuse_tomcat", "inventory"], "{made:#}");
    for node in &nodes {
        for purpose in ["tomcat", "CallManager"] {
            assert_eq!(
                site.identity_of(info(node), purpose).await,
                fingerprint(&leaf),
                "{purpose}"
            );
            assert_eq!(
                api.identity(node, purpose).await["sha256"],
                fingerprint(&leaf),
                "{purpose}"
            );
        }
        assert!(
            site.trusted(info(node), "CallManager-trust")
                .await
                .contains(&fingerprint(&ca.root()))
        );
        let stands = api.identity(node, "CallManager").await["compliance"].clone();
        assert_eq!(stands["compliant"], true, "{stands:#}");
    }
    assert!(site.refused(calls).await.iter().all(|code| code == "already_installed"));

    // A change of tomcat is one of CallManager too, and says so.
    let mut renew = of(publisher, "renew", "tomcat");
    renew["restart"] = true.into();
    let plan = api.plan(renew.clone()).await;
    let warned = plan["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .any(|one| one["code"] == "reused_too");
    assert!(warned, "{plan:#}");
    let tasks = site.succeeds(renew).await;
    let notes: Vec<&str> = tasks[0]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|step| step["message"].as_str())
        .collect();
    assert!(notes.contains(&"Cisco HAProxy is restarted"), "{notes:?}");
    let new = site.identity_of(info(publisher), "tomcat").await;
    assert_ne!(new, fingerprint(&leaf));
    assert_eq!(site.identity_of(info(publisher), "CallManager").await, new);
    assert_eq!(api.identity(publisher, "CallManager").await["sha256"], json!(new));
    let shown = served(&info(publisher).address.to_string(), &info(publisher).fqdn, None).0;
    assert_eq!(fingerprint(&shown[0]), new);
}

/// Runs what is done once for a cluster: its other nodes are refused as covered.
async fn carried_out(site: &Site, request: Value) -> Vec<Value> {
    let api = site.api();
    let plan = api.plan(request).await;
    for refusal in plan["refusals"].as_array().unwrap() {
        assert_eq!(refusal["code"], "covered_by_cluster", "{refusal:#}");
    }
    let job = api.run(&plan).await;
    let job = api.finished(&job).await;
    let tasks = api
        .all(&format!("/api/v1/jobs/{}/tasks", job["id"].as_str().unwrap()))
        .await;
    for task in &tasks {
        assert_eq!(task["state"], "succeeded", "{task:#}\n{}", site.agent.log());
    }
    tasks
}

/// R16, R19, R20, R23, and the way back.
async fn trust(site: &Site) {
    let ca = OutsideCa::new();
    let sha256 = fingerprint(&ca.root());
    let places = [("cucm", "15"), ("cucm", "12.5"), ("imp", "15"), ("cuc", "14")];
    let clusters: Vec<&Value> = places
        .iter()
        .map(|(product, version)| &site.node(product, version, 0).1["cluster"]["id"])
        .collect();
    let filter = json!({ "cluster_ids": clusters });
    let distribute =
        json!({ "action": "distribute", "filter": filter, "stores": ["tomcat-trust"], "certificate": ca.root() });
    site.succeeds(distribute).await;
    let (info, node) = site.node("cucm", "15", 1);
    assert!(site.trusted(info, "tomcat-trust").await.contains(&sha256));
    let row = site
        .trust_rows(node, &sha256)
        .await
        .pop()
        .expect("it is in the inventory");

    let delete = json!({ "action": "delete", "filter": filter, "certificate_ids": [row["certificate_id"]] });
    site.succeeds(delete).await;
    assert!(!site.trusted(info, "tomcat-trust").await.contains(&sha256));
    let gone = until("the inventory knows that it is gone", || async {
        site.trust_rows(node, &sha256).await.is_empty().then_some(())
    });
    gone.await;

    failed_nodes_alone(site, &ca).await;

    // Back again by what the quarantine tells, and another in its place.
    let path = format!(
        "/api/v1/quarantine?certificate_id={}&store=tomcat-trust",
        row["certificate_id"].as_str().unwrap()
    );
    let kept = site.api().all(&path).await;
    assert!(kept.len() > places.len(), "each place is kept: {kept:#?}");
    let mine = kept
        .iter()
        .find(|one| one["node"]["id"] == node["id"])
        .expect("it is kept");
    assert!(!mine["removed_by"].is_null() && !mine["job_id"].is_null(), "{mine:#}");
    site.succeeds(mine["plan"].clone()).await;
    assert!(site.trusted(info, "tomcat-trust").await.contains(&sha256));
    let back = site.api().all(&format!("{path}&restored=true")).await;
    assert!(
        back.iter()
            .any(|one| one["id"] == mine["id"] && !one["restored_by"].is_null()),
        "{back:#?}"
    );
    let other = ca.issuing();
    let row = site.trust_rows(node, &sha256).await.pop().expect("it is there");
    let replace = json!({ "action": "replace", "installations": [row["id"]], "certificate": other });
    site.succeeds(replace).await;
    let held = site.trusted(info, "tomcat-trust").await;
    assert!(
        held.contains(&fingerprint(&other)) && !held.contains(&sha256),
        "{held:?}"
    );
}

/// R23: a store that stays on its node, and one node that fails once.
async fn failed_nodes_alone(site: &Site, ca: &OutsideCa) {
    let nodes: Vec<&Value> = (0..3).map(|index| &site.node("cucm", "15", index).1["id"]).collect();
    let request = json!({ "action": "distribute", "nodes": nodes, "stores": ["TVS-trust"], "certificate": ca.root() });
    site.succeeds(request).await;
    let (broken, node) = site.node("cucm", "15", 1);
    let row = site
        .trust_rows(node, &fingerprint(&ca.root()))
        .await
        .pop()
        .expect("it is in the inventory");
    site.lab
        .fault(&format!("{}:trust-delete:500:1", broken.name))
        .await
        .unwrap();
    let delete = json!({ "action": "delete", "nodes": nodes, "certificate_ids": [row["certificate_id"]] });
    let plan = site.api().plan(delete).await;
    let job = site.api().run(&plan).await;
    let job = site.api().finished(&job).await;
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    assert_eq!(
        (&job["counts"]["succeeded"], &job["counts"]["failed"]),
        (&json!(2), &json!(1)),
        "{job:#}"
    );
    let tasks = site.api().all(&format!("{path}/tasks?state=failed")).await;
    assert_eq!(tasks[0]["node"]["name"], broken.name.as_str());
    let again = site.api().post(&format!("{path}/retry"), json!({})).await.ok();
    let again = site.api().finished(&again).await;
    assert_eq!(again["counts"]["succeeded"], 1, "{again:#}");
    assert!(
        !site
            .trusted(broken, "TVS-trust")
            .await
            .contains(&fingerprint(&ca.root()))
    );
}

/// What the products do not do is refused before a node is touched (R4, R12, R14, R22, R28, R39).
async fn forbidden(site: &Site) {
    let ca = OutsideCa::new();
    let (_, responder) = site.node("cer", "14", 0);
    let into = |node: &Value, store: &str| json!({ "action": "distribute", "nodes": [node["id"]], "stores": [store], "certificate": ca.root() });
    assert_eq!(
        site.refused(into(responder, "tomcat-trust")).await,
        ["product_excluded"]
    );
    let (_, subscriber) = site.node("cucm", "15", 1);
    for store in ["CAPF-trust", "ipsec-trust"] {
        assert_eq!(site.refused(into(subscriber, store)).await, ["publisher_only"]);
    }
    assert_eq!(
        site.refused(of(responder, "renew", "tomcat-ECDSA")).await,
        ["purpose_unknown"]
    );
    let (_, presence) = site.node("imp", "15", 0);
    assert_eq!(
        site.refused(of(presence, "reuse_tomcat", "cup")).await,
        ["reuse_not_supported"]
    );
    let (_, old) = site.node("cucm", "12.5", 0);
    assert_eq!(
        site.refused(of(old, "reuse_tomcat", "CallManager")).await,
        ["reuse_not_supported"]
    );
    let changed = site.lab.requests().iter().filter(|request| request.changed).count();
    let plan = site.api().plan_upload(subscriber, "tomcat", ca.root().as_bytes()).await;
    assert_eq!(plan["refusals"][0]["code"], "no_csr", "{plan:#}");
    assert_eq!(
        site.lab.requests().iter().filter(|request| request.changed).count(),
        changed
    );
}

//! The actions of central certificate management on a lab of twelve clusters, four products and four releases, with faults; what the
//! server tells is compared with the nodes' own stores and with openssl. Uploads have tests of their own as well.

use crate::fleet::{Fleet, of};
use crate::house::until;
use crate::outside_ca::{OutsideCa, fingerprint, served};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn every_action_on_a_fleet_of_twelve_clusters() {
    let site = Fleet::start(12, |_| true).await;
    renewals(&site).await;
    csrs(&site).await;
    restarts(&site).await;
    reuse(&site).await;
    trust(&site).await;
    forbidden(&site).await;
}

/// R11: on the REST releases by their command line, on the older ones by it alone.
async fn renewals(site: &Fleet) {
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
async fn csrs(site: &Fleet) {
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
async fn restarts(site: &Fleet) {
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
async fn reuse(site: &Fleet) {
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
            assert_eq!(site.identity_of(info(node), purpose), fingerprint(&leaf), "{purpose}");
            assert_eq!(
                api.identity(node, purpose).await["sha256"],
                fingerprint(&leaf),
                "{purpose}"
            );
        }
        assert!(
            site.trusted(info(node), "CallManager-trust")
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
    let new = site.identity_of(info(publisher), "tomcat");
    assert_ne!(new, fingerprint(&leaf));
    assert_eq!(site.identity_of(info(publisher), "CallManager"), new);
    assert_eq!(api.identity(publisher, "CallManager").await["sha256"], json!(new));
    let shown = served(&info(publisher).address.to_string(), &info(publisher).fqdn, None).0;
    assert_eq!(fingerprint(&shown[0]), new);
}

/// Runs what is done once for a cluster: its other nodes are refused as covered.
async fn carried_out(site: &Fleet, request: Value) -> Vec<Value> {
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
async fn trust(site: &Fleet) {
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
    assert!(site.trusted(info, "tomcat-trust").contains(&sha256));
    let row = site
        .trust_rows(node, &sha256)
        .await
        .pop()
        .expect("it is in the inventory");

    let delete = json!({ "action": "delete", "filter": filter, "certificate_ids": [row["certificate_id"]] });
    site.succeeds(delete).await;
    assert!(!site.trusted(info, "tomcat-trust").contains(&sha256));
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
    assert!(site.trusted(info, "tomcat-trust").contains(&sha256));
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
    let held = site.trusted(info, "tomcat-trust");
    assert!(
        held.contains(&fingerprint(&other)) && !held.contains(&sha256),
        "{held:?}"
    );
}

/// R23: a store that stays on its node, and one node that fails once.
async fn failed_nodes_alone(site: &Fleet, ca: &OutsideCa) {
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
    assert!(!site.trusted(broken, "TVS-trust").contains(&fingerprint(&ca.root())));
}

/// What the products do not do is refused before a node is touched (R4, R12, R14, R22, R28, R39).
async fn forbidden(site: &Fleet) {
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

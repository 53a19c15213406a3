//! One certificate for all nodes of a cluster, from the plan to every node that serves it, and a node that comes later.

use crate::main_job::{Site, YEAR};
use crate::outside_ca::{OutsideCa, fingerprint, served};
use serde_json::{Value, json};

fn covered(plan: &Value, maker: &str) -> Vec<String> {
    let refusals = plan["refusals"].as_array().unwrap();
    refusals
        .iter()
        .map(|refusal| {
            assert_eq!(refusal["code"], "covered_by_cluster", "{refusal:#}");
            assert!(refusal["message"].as_str().unwrap().contains(maker), "{refusal:#}");
            refusal["node"].as_str().unwrap().to_string()
        })
        .collect()
}

async fn run(site: &Site, plan: &Value) -> Vec<Value> {
    let api = site.house.api();
    let job = api.run(plan).await;
    let job = api.finished(&job).await;
    let tasks = api
        .all(&format!("/api/v1/jobs/{}/tasks", job["id"].as_str().unwrap()))
        .await;
    for task in &tasks {
        assert_eq!(task["state"], "succeeded", "{task:#}\n{}", site.agent.log());
    }
    tasks
}

#[tokio::test(flavor = "multi_thread")]
async fn one_csr_and_one_upload_give_all_nodes_of_a_cluster_a_certificate() {
    let site = Site::start().await;
    let api = site.house.api();
    let ca = OutsideCa::new();
    let nodes: Vec<&Value> = (0..3).map(|index| site.uc(index).1).collect();
    let ids: Vec<&Value> = nodes.iter().map(|node| &node["id"]).collect();
    let publisher = site.lab_nodes.iter().find(|node| node.role == "publisher").unwrap();
    let before = api.identity(nodes[0], "tomcat").await;
    let cluster = format!("/api/v1/clusters/{}", before["cluster"]["id"].as_str().unwrap());

    let plan = api
        .plan(json!({ "action": "generate_csr", "nodes": ids, "purpose": "tomcat", "csr": { "multi_server": true } }))
        .await;
    assert_eq!(covered(&plan, &publisher.name).len(), 2);
    assert_eq!(plan["target_count"], 3, "one makes it, two are read after it");
    assert_eq!(plan["targets"][0]["csr"]["multi_server"], true);
    let note = plan["targets"][0]["note"].as_str().unwrap();
    assert!(note.starts_with("covers 3 nodes: "), "{note}");
    run(&site, &plan).await;
    let csr = api.open_csr(nodes[0], "tomcat").await;
    for node in &nodes {
        assert_eq!(
            api.open_csr(node, "tomcat").await,
            csr,
            "all hold the same, and are shown with it"
        );
    }

    // The answer is offered on any of them; all are asked for.
    let leaf = ca.sign(&csr, YEAR);
    let certificate = String::from_utf8(ca.pem_chain(&leaf)).unwrap();
    let request =
        json!({ "action": "upload_certificate", "nodes": ids, "purpose": "tomcat", "certificate": certificate });
    let plan = api.plan(request).await;
    assert_eq!(covered(&plan, &publisher.name).len(), 2);
    let codes: Vec<&Value> = plan["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["code"])
        .collect();
    assert!(!codes.contains(&&json!("san_drift")), "{codes:?}");
    let tasks = run(&site, &plan).await;
    assert_eq!(tasks.len(), 3);
    for node in &nodes {
        let after = api.identity(node, "tomcat").await;
        assert_eq!(after["sha256"], fingerprint(&leaf), "{after:#}");
        assert_eq!(after["served"]["state"], "restart_pending", "{after:#}");
        assert_eq!(after["warnings"], json!([]));
    }

    // Each serves it after its own restart, and the agent goes on to trust them.
    site.lab.restart(&publisher.cluster).await.unwrap();
    api.carry_out(json!({ "action": "refresh", "nodes": ids })).await;
    for (index, node) in nodes.iter().enumerate() {
        let lab_node = &site.lab_nodes[index];
        assert_eq!(api.identity(node, "tomcat").await["served"]["state"], "served");
        let (shown, verified) = served(&lab_node.address.to_string(), &lab_node.fqdn, Some(&ca.root_file()));
        assert_eq!(fingerprint(&shown[0]), fingerprint(&leaf));
        assert!(verified, "openssl does not trust the chain of {}", lab_node.name);
    }

    // A node that comes later is not named.
    assert_eq!(api.get(&cluster).await.ok()["warnings"], json!([]));
    let late = json!({
        "name": "late-1", "address": "late-1.example.org:443", "role": "subscriber", "connector": "cisco_uc",
    });
    let late = api.post(&format!("{cluster}/nodes"), late).await.ok();
    let listed = api
        .all(&format!("{cluster}/identity-certificates?purpose=tomcat"))
        .await;
    assert_eq!(listed.len(), 3);
    for row in &listed {
        assert_eq!(row["warnings"][0]["code"], "san_drift", "{row:#}");
        assert_eq!(row["warnings"][0]["nodes"], json!(["late-1"]));
    }
    let warned = api.get(&cluster).await.ok()["warnings"].clone();
    assert_eq!(
        (&warned[0]["code"], &warned[0]["certificates"]),
        (&json!("san_drift"), &json!(3))
    );
    let path = format!("/api/v1/nodes/{}", late["id"].as_str().unwrap());
    api.delete(&path).await;
    assert_eq!(api.get(&cluster).await.ok()["warnings"], json!([]));
    assert_eq!(api.identity(nodes[1], "tomcat").await["warnings"], json!([]));
}

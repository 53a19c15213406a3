//! What goes wrong, and what it leaves behind.

use crate::house::until;
use crate::main_job::{Site, YEAR};
use crate::outside_ca::{Order, OutsideCa, fingerprint, openssl, served};
use crate::web_server::{NAME, PURPOSE};
use serde_json::json;

fn refusals(plan: &serde_json::Value) -> Vec<String> {
    plan["refusals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refusal| refusal["code"].as_str().unwrap().to_string())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_answer_of_the_ca_is_refused_before_the_node_is_touched() {
    let site = Site::start().await;
    let api = site.house.api();
    let ca = OutsideCa::new();
    let (lab_node, node) = site.uc(0);
    let before = api.identity(node, "tomcat").await;
    let no_csr = api.plan_upload(node, "tomcat", &ca.pem_chain(&ca.issuing())).await;
    assert_eq!(refusals(&no_csr), ["no_csr"]);
    site.make_csrs(&[node], "tomcat").await;
    let csr = api.open_csr(node, "tomcat").await;

    // For another key.
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("other.csr").display().to_string();
    let key = dir.path().join("other.key").display().to_string();
    let names = format!("subjectAltName=DNS:{}", lab_node.fqdn);
    openssl(&[
        "req",
        "-new",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        &format!("/CN={}", lab_node.fqdn),
        "-addext",
        &names,
        "-keyout",
        &key,
        "-out",
        &other,
    ]);
    let wrong_key = ca.sign(&std::fs::read_to_string(&other).unwrap(), YEAR);
    let plan = api.plan_upload(node, "tomcat", &ca.pem_chain(&wrong_key)).await;
    assert!(refusals(&plan).contains(&"key_mismatch".to_string()), "{plan:#}");

    // Without its root.
    let leaf = ca.sign(&csr, YEAR);
    let plan = api
        .plan_upload(node, "tomcat", format!("{leaf}{}", ca.issuing()).as_bytes())
        .await;
    assert!(refusals(&plan).contains(&"chain_incomplete".to_string()), "{plan:#}");

    // Expired.
    let expired = ca.sign(&csr, Order { days: -1 });
    let plan = api.plan_upload(node, "tomcat", &ca.pem_chain(&expired)).await;
    assert!(refusals(&plan).contains(&"expired".to_string()), "{plan:#}");

    // A private key in the file is refused whole.
    let with_key = format!("{leaf}{}", std::fs::read_to_string(&key).unwrap());
    let request =
        json!({ "action": "upload_certificate", "nodes": [node["id"]], "purpose": "tomcat", "certificate": with_key });
    let refused = api.post("/api/v1/plans", request).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains("private key"), "{}", refused.text);

    assert_eq!(api.identity(node, "tomcat").await["sha256"], before["sha256"]);
    assert_eq!(api.open_csr(node, "tomcat").await, csr);
    // The right answer is still taken.
    let plan = api.plan_upload(node, "tomcat", &ca.pem_chain(&leaf)).await;
    assert_eq!(plan["refusal_count"], 0, "{plan:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_with_a_broken_configuration_is_rolled_back_and_serves_the_old_certificate() {
    let site = Site::start().await;
    let api = site.house.api();
    let ca = OutsideCa::new();
    let node = site.web_node();
    let before = api.identity(node, PURPOSE).await;
    site.make_csrs(&[node], PURPOSE).await;
    let leaf = ca.sign(&api.open_csr(node, PURPOSE).await, YEAR);
    let plan = api.plan_upload(node, PURPOSE, &ca.pem_chain(&leaf)).await;
    assert_eq!(plan["refusal_count"], 0, "{plan:#}");
    site.web.break_config(true);
    let job = api.run(&plan).await;
    let job = api.finished(&job).await;
    assert_eq!(job["status"], "failed", "{job:#}");
    let tasks = api
        .all(&format!("/api/v1/jobs/{}/tasks", job["id"].as_str().unwrap()))
        .await;
    assert_eq!(tasks[0]["outcome"], "rolled_back", "{:#}", tasks[0]);
    let (shown, _) = served(&site.web.address(), NAME, None);
    assert_eq!(json!(fingerprint(&shown[0])), before["sha256"]);

    // Mended, only the failed node is tried again.
    site.web.break_config(false);
    let retried = api
        .post(
            &format!("/api/v1/jobs/{}/retry", job["id"].as_str().unwrap()),
            json!({}),
        )
        .await
        .ok();
    let again = api.finished(&retried).await;
    assert_eq!(again["status"], "succeeded", "{again:#}\n{}", site.agent.log());
    let (shown, _) = served(&site.web.address(), NAME, None);
    assert_eq!(fingerprint(&shown[0]), fingerprint(&leaf));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_down_fails_alone_and_is_retried_alone() {
    let site = Site::start().await;
    let api = site.house.api();
    let down = site.lab_nodes[1].name.clone();
    site.lab.fault(&format!("{down}:offline")).await.unwrap();
    let ids: Vec<_> = (0..3).map(|index| site.uc(index).1["id"].clone()).collect();
    let plan = api
        .plan(json!({ "action": "generate_csr", "nodes": ids, "purpose": "tomcat" }))
        .await;
    let job = api.run(&plan).await;
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    // Two nodes are done while the third is still being tried.
    until("two nodes are done", || async {
        (api.get(&path).await.ok()["counts"]["succeeded"] == 2).then_some(())
    })
    .await;
    site.lab.clear_faults(&down).await.unwrap();
    let job = api.finished(&job).await;
    let retried = match job["status"].as_str() {
        // It came back in time for one of the task's own tries.
        Some("succeeded") => job,
        _ => {
            api.finished(&api.post(&format!("{path}/retry"), json!({})).await.ok())
                .await
        }
    };
    assert_eq!(retried["status"], "succeeded", "{retried:#}\n{}", site.agent.log());
    for index in 0..3 {
        let (lab_node, _) = site.uc(index);
        assert_eq!(
            site.lab.effects(&lab_node.name, certyard_lab::Operation::CsrGenerate),
            1,
            "{}",
            lab_node.name
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_jobs_on_one_node_run_one_after_the_other() {
    let site = Site::start().await;
    let api = site.house.api();
    let (_, node) = site.uc(0);
    let mut jobs = Vec::new();
    for purpose in ["tomcat", "ipsec"] {
        let plan = api
            .plan(json!({ "action": "generate_csr", "nodes": [node["id"]], "purpose": purpose }))
            .await;
        assert_eq!(plan["refusal_count"], 0, "{plan:#}");
        jobs.push(api.run(&plan).await);
    }
    let mut spans = Vec::new();
    for job in &jobs {
        let job = api.finished(job).await;
        assert_eq!(job["status"], "succeeded", "{job:#}");
        let task = api
            .all(&format!("/api/v1/jobs/{}/tasks", job["id"].as_str().unwrap()))
            .await
            .remove(0);
        let time = |field: &str| {
            task[field]
                .as_str()
                .unwrap()
                .parse::<chrono::DateTime<chrono::Utc>>()
                .unwrap()
        };
        spans.push((time("started_at"), time("finished_at")));
    }
    spans.sort();
    assert!(spans[0].1 <= spans[1].0, "they ran at the same time: {spans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_that_moved_under_the_plan_is_a_conflict_that_tells_the_difference() {
    let site = Site::start().await;
    let api = site.house.api();
    let ca = OutsideCa::new();
    let node = site.web_node();
    site.make_csrs(&[node], PURPOSE).await;
    let leaf = ca.sign(&api.open_csr(node, PURPOSE).await, YEAR);
    let first = api.plan_upload(node, PURPOSE, &ca.pem_chain(&leaf)).await;
    let second = api.plan_upload(node, PURPOSE, &ca.pem_chain(&leaf)).await;
    let job = api.run(&first).await;
    assert_eq!(api.finished(&job).await["status"], "succeeded");
    let refused = api.post("/api/v1/jobs", json!({ "plan_id": second["id"] })).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(
        refused.text.contains("web-1"),
        "the difference names the node: {}",
        refused.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_of_the_server_loses_no_job() {
    let mut site = Site::start().await;
    let api = site.house.api();
    let ids: Vec<_> = (0..3).map(|index| site.uc(index).1["id"].clone()).collect();
    let plan = api
        .plan(json!({ "action": "generate_csr", "nodes": ids, "purpose": "tomcat" }))
        .await;
    let job = api.run(&plan).await;
    site.house.power_cut().await;
    let job = api.finished(&job).await;
    assert_eq!(job["status"], "succeeded", "{job:#}\n{}", site.agent.log());
    for node in &site.lab_nodes {
        assert_eq!(
            site.lab.effects(&node.name, certyard_lab::Operation::CsrGenerate),
            1,
            "{}",
            node.name
        );
    }
}

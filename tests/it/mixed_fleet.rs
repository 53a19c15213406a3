//! Clusters of releases 12.5 and 14 that are changed together, where a certificate is gone already on some nodes and others fail (R23).

use crate::fleet::Fleet;
use crate::house::until;
use crate::outside_ca::{OutsideCa, fingerprint};
use certyard_lab::{NodeInfo, Operation};
use serde_json::{Value, json};

/// A trust store of each node by itself.
const STORE: &str = "TVS-trust";

/// One node of each release in a trouble of its own.
struct Troubles<'a> {
    /// Somebody else has taken the certificate away before the node comes to it.
    absent: [&'a NodeInfo; 2],
    /// The node refuses to delete, once.
    failing: [&'a NodeInfo; 2],
}

impl<'a> Troubles<'a> {
    async fn begin(fleet: &'a Fleet, absent: usize, failing: usize) -> Self {
        let of = |index| ["12.5", "14"].map(|version| fleet.node("cucm", version, index).0);
        let troubles = Self {
            absent: of(absent),
            failing: of(failing),
        };
        for (nodes, failure) in [(troubles.absent, "absent"), (troubles.failing, "500")] {
            for node in nodes {
                let fault = format!("{}:trust-delete:{failure}:1", node.name);
                fleet.lab.fault(&fault).await.unwrap();
            }
        }
        troubles
    }

    fn fails(&self, node: &NodeInfo) -> bool {
        self.failing.contains(&node)
    }
}

fn names(tasks: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> = tasks
        .iter()
        .map(|task| task["node"]["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    names
}

/// Runs a request in which the failing nodes fail, and they alone. The path of the job, and the failed tasks.
async fn fails_on_some(fleet: &Fleet, request: Value, troubles: &Troubles<'_>) -> (String, Vec<Value>) {
    let api = fleet.api();
    let plan = api.plan(request).await;
    assert_eq!(plan["refusal_count"], 0, "{:#}", plan["refusals"]);
    let job = api.finished(&api.run(&plan).await).await;
    assert_eq!(job["status"], "partly_failed", "{job:#}\n{}", fleet.agent.log());
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    let (failed, done): (Vec<Value>, Vec<Value>) = api
        .all(&format!("{path}/tasks"))
        .await
        .into_iter()
        .partition(|task| task["state"] == "failed");
    let mut expected = troubles.failing.map(|node| node.name.as_str());
    expected.sort_unstable();
    assert_eq!(names(&failed), expected);
    for task in &failed {
        let words = task["error"]["message"].as_str().unwrap();
        assert!(words.contains("told to fail here"), "the node's own words: {task:#}");
    }
    assert_eq!(done.len(), fleet.infos.len() - failed.len());
    for task in &done {
        assert_eq!(task["state"], "succeeded", "{task:#}");
        let steps = task["steps"].as_array().unwrap();
        let step = steps.iter().find(|step| step["step"] == "delete_trust").unwrap();
        let absent = troubles
            .absent
            .iter()
            .any(|node| task["node"]["name"] == node.name.as_str());
        let noted = step["message"] == format!("nothing to delete: the certificate is not in {STORE} of this node");
        assert_eq!(noted, absent, "{task:#}");
    }
    (path, failed)
}

/// Tries the failed nodes again, and no other.
async fn retried(fleet: &Fleet, path: &str, troubles: &Troubles<'_>) {
    let api = fleet.api();
    let again = api.post(&format!("{path}/retry"), json!({})).await.ok();
    let again = api.finished(&again).await;
    assert_eq!(again["status"], "succeeded", "{again:#}\n{}", fleet.agent.log());
    let tasks = api
        .all(&format!("/api/v1/jobs/{}/tasks", again["id"].as_str().unwrap()))
        .await;
    let mut expected = troubles.failing.map(|node| node.name.as_str());
    expected.sort_unstable();
    assert_eq!(names(&tasks), expected);
}

/// Waits until the inventory has a certificate in the store on no node.
async fn gone_from_inventory(fleet: &Fleet, sha256: &str) {
    until("the inventory knows that it is gone everywhere", || async {
        for node in &fleet.nodes {
            if !fleet.trust_rows(node, sha256).await.is_empty() {
                return None;
            }
        }
        Some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r23_where_it_is_gone_already_is_a_success_with_a_note_and_only_the_failed_nodes_are_tried_again() {
    let old_and_new = |node: &NodeInfo| node.product == "cucm" && ["12.5", "14"].contains(&node.version.as_str());
    let fleet = Fleet::start(6, old_and_new).await;
    assert_eq!(fleet.infos.len(), 10);
    let ca = OutsideCa::new();
    let (root, issuing) = (fingerprint(&ca.root()), fingerprint(&ca.issuing()));
    let clusters = ["12.5", "14"].map(|version| &fleet.node("cucm", version, 0).1["cluster"]["id"]);
    let filter = json!({ "cluster_ids": clusters });
    let both = format!("{}{}", ca.root(), ca.issuing());
    let distribute = json!({ "action": "distribute", "filter": filter, "stores": [STORE], "certificate": both });
    fleet.succeeds(distribute).await;
    for node in &fleet.infos {
        let held = fleet.trusted(node, STORE);
        assert!(
            held.contains(&root) && held.contains(&issuing),
            "{}: {held:?}",
            node.name
        );
    }

    // Delete.
    let troubles = Troubles::begin(&fleet, 1, 2).await;
    let row = fleet.trust_rows(&fleet.nodes[0], &root).await.remove(0);
    let delete = json!({ "action": "delete", "filter": filter, "certificate_ids": [row["certificate_id"]] });
    let (path, failed) = fails_on_some(&fleet, delete, &troubles).await;
    for task in &failed {
        assert_eq!(task["outcome"], "not_started", "{task:#}");
    }
    for node in &fleet.infos {
        let held = fleet.trusted(node, STORE);
        assert_eq!(held.contains(&root), troubles.fails(node), "{}", node.name);
        assert!(held.contains(&issuing), "the other one is left alone on {}", node.name);
    }
    retried(&fleet, &path, &troubles).await;
    for node in &fleet.infos {
        assert!(!fleet.trusted(node, STORE).contains(&root), "{}", node.name);
        let deleted = fleet.lab.effects(&node.name, Operation::TrustDelete);
        assert_eq!(deleted, usize::from(!troubles.absent.contains(&node)), "{}", node.name);
    }
    gone_from_inventory(&fleet, &root).await;

    // Replace.
    let troubles = Troubles::begin(&fleet, 3, 4).await;
    let other = OutsideCa::new().root();
    let new = fingerprint(&other);
    let row = fleet.trust_rows(&fleet.nodes[0], &issuing).await.remove(0);
    let replace = json!({
        "action": "replace", "filter": filter, "certificate_ids": [row["certificate_id"]], "certificate": other,
    });
    let uploads = |node: &NodeInfo| fleet.lab.effects(&node.name, Operation::TrustUpload);
    let before: Vec<usize> = fleet.infos.iter().map(uploads).collect();
    let (path, failed) = fails_on_some(&fleet, replace, &troubles).await;
    for task in &failed {
        assert_eq!(
            task["outcome"], "partial",
            "the new one is in, the old one too: {task:#}"
        );
    }
    for node in &fleet.infos {
        let held = fleet.trusted(node, STORE);
        assert!(held.contains(&new), "{}", node.name);
        assert_eq!(held.contains(&issuing), troubles.fails(node), "{}", node.name);
    }
    retried(&fleet, &path, &troubles).await;
    for (node, before) in fleet.infos.iter().zip(before) {
        let held = fleet.trusted(node, STORE);
        assert!(held.contains(&new) && !held.contains(&issuing), "{}", node.name);
        assert_eq!(uploads(node), before + 1, "the new one is put in once on {}", node.name);
    }
    gone_from_inventory(&fleet, &issuing).await;
}

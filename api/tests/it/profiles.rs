//! Profiles over HTTP: what may be chosen, edits under a version, deleting with a warning, and what follows for certificates.

use crate::house::{House, text};
use reqwest::StatusCode;
use serde_json::{Value, json};

const BUILT_IN: &str = "/api/v1/profiles/00000000-0000-0000-0000-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn r34_the_built_in_profile_is_read_copied_and_never_changed() {
    let house = House::new().await;
    let owner = Some(house.owner.as_str());
    let built_in = house.get(BUILT_IN).await;
    assert_eq!(
        (&built_in["built_in"], &built_in["is_default"]),
        (&json!(true), &json!(true))
    );
    let change = json!({"description": "mine"});
    house
        .call("PATCH", BUILT_IN, owner, Some(&change))
        .await
        .problem(422, "profile_built_in");
    house
        .call("DELETE", &format!("{BUILT_IN}?confirm=true"), owner, None)
        .await
        .problem(422, "profile_built_in");
    let copy = house.post(&format!("{BUILT_IN}/copy"), &json!({})).await;
    assert_eq!(
        (&copy["name"], &copy["built_in"]),
        (&json!("copy of Default"), &json!(false))
    );
    let first = &house.get("/api/v1/profiles").await["items"][0];
    assert_eq!(first["built_in"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn r35_an_edit_names_its_version_and_deleting_what_is_in_use_is_confirmed() {
    let house = House::new().await;
    let owner = Some(house.owner.as_str());
    let at = house.furnish("campus").await;
    let setting = json!({"product": "cucm", "purpose": "tomcat", "signing": "ca_signed", "key_bits": 3072});
    let made = house
        .post("/api/v1/profiles", &json!({"name": "Campus", "settings": [setting]}))
        .await;
    let path = format!("/api/v1/profiles/{}", text(&made["id"]));
    let read = house.call("GET", &path, owner, None).await;
    assert_eq!(read.headers["etag"], "\"1\"");
    let stale = house
        .request("PATCH", &path)
        .bearer_auth(&house.owner)
        .header("If-Match", "\"7\"")
        .json(&json!({"name": "Other"}));
    assert_eq!(
        stale.send().await.expect("an answer").status(),
        StatusCode::PRECONDITION_FAILED
    );
    let wrong = json!({"settings": [{"product": "cucm", "purpose": "tomcat", "key_type": "EC"}]});
    let refused = house.call("PATCH", &path, owner, Some(&wrong)).await;
    assert_eq!(
        refused.problem(422, "invalid")["errors"][0]["field"],
        "settings[0].key_type"
    );
    let given = house
        .post(&format!("{path}/clusters"), &json!({"cluster_ids": [at.cluster]}))
        .await;
    assert_eq!(given["changed"], 1);
    let cluster = house.get(&format!("/api/v1/clusters/{}", at.cluster)).await;
    assert_eq!(
        (&cluster["profile"]["name"], &cluster["profile"]["own"]),
        (&json!("Campus"), &json!(true))
    );
    let warned = house.call("DELETE", &path, owner, None).await;
    assert_eq!(
        warned.problem(409, "confirmation_required")["changes"][0]["clusters"],
        1
    );
    let gone = house.call("DELETE", &format!("{path}?confirm=true"), owner, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    let cluster = house.get(&format!("/api/v1/clusters/{}", at.cluster)).await;
    assert_eq!(cluster["profile"]["name"], "Default");
}

#[tokio::test(flavor = "multi_thread")]
async fn r37_options_follow_the_version() {
    let house = House::new().await;
    for (version, reuse, always) in [("12.5", json!(null), json!(5)), ("14", json!("tomcat"), json!(null))] {
        let options = house
            .get(&format!("/api/v1/profiles/options?product=cucm&version={version}"))
            .await;
        let purposes = options["purposes"].as_array().expect("purposes");
        let calls = purposes
            .iter()
            .find(|row| row["purpose"] == "CallManager")
            .expect("a purpose");
        assert_eq!(
            (&calls["reuse"], &calls["validity"]["always_years"]),
            (&reuse, &always),
            "{version}"
        );
    }
    house
        .call(
            "GET",
            "/api/v1/profiles/options?product=windows",
            Some(&house.owner),
            None,
        )
        .await
        .problem(422, "invalid");
}

/// The actions that a row allows.
fn offered(row: &Value) -> Vec<&str> {
    let all = row["actions"].as_array().expect("actions").iter();
    all.filter(|one| one["allowed"] == true)
        .map(|one| one["action"].as_str().expect("a name"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn r27_a_row_says_what_differs_and_offers_what_the_profile_wants() {
    let house = House::new().await;
    let at = house.furnish("campus").await;
    house.report(&at, 100).await;
    let list = "/api/v1/installations?kind=identity";
    let row = house.get(list).await["items"][0].clone();
    assert_eq!(row["compliance"]["compliant"], true);
    assert_eq!(
        offered(&row),
        [
            "refresh",
            "renew",
            "generate_csr",
            "upload_certificate",
            "delete_csr",
            "distribute",
            "restart"
        ]
    );
    let setting = json!({"product": "cucm", "purpose": "tomcat", "signing": "self_signed", "key_type": "RSA"});
    let made = house
        .post("/api/v1/profiles", &json!({"name": "Own", "settings": [setting]}))
        .await;
    let put = house
        .call(
            "PUT",
            &format!("/api/v1/clusters/{}/profile", at.cluster),
            Some(&house.owner),
            Some(&json!({"profile_id": made["id"]})),
        )
        .await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.text);
    let row = house.get(&format!("{list}&compliant=false")).await["items"][0].clone();
    assert_eq!(row["compliance"]["wanted"], "self_signed");
    let difference = json!({"field": "key_type", "wanted": "RSA", "installed": "EC"});
    assert_eq!(row["compliance"]["differences"], json!([difference]));
    assert_eq!(offered(&row), ["refresh", "renew", "distribute", "restart"]);
    let refused = row["actions"]
        .as_array()
        .expect("actions")
        .iter()
        .find(|one| one["action"] == "generate_csr");
    assert_eq!(refused.expect("it is listed")["code"], "profile_self_signed");
    let matrix = house.get("/api/v1/compliance?compliant=false").await;
    let row = &matrix["items"][0];
    assert_eq!(
        (&row["compared"], &row["different"], &row["pending"]),
        (&json!(1), &json!(1), &json!(false))
    );
    assert_eq!(
        row["rules"],
        json!([
            {"rule": "signing", "compared": 1, "different": 0},
            {"rule": "key_type", "compared": 1, "different": 1}
        ])
    );
    assert_eq!(house.get("/api/v1/compliance?compliant=true").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn r18_what_differs_becomes_plans_and_what_nothing_mends_is_told() {
    let house = House::new().await;
    let owner = Some(house.owner.as_str());
    let at = house.furnish("campus").await;
    house.report(&at, 100).await;
    let none = house.post("/api/v1/compliance/fix", &json!({})).await;
    assert_eq!(none, json!({"plans": [], "unfixable": [], "unfixable_count": 0}));
    let setting = json!({"product": "cucm", "purpose": "tomcat", "signing": "ca_signed"});
    let made = house
        .post("/api/v1/profiles", &json!({"name": "Campus", "settings": [setting]}))
        .await;
    let path = format!("/api/v1/clusters/{}/profile", at.cluster);
    let given = json!({"profile_id": made["id"]});
    assert_eq!(
        house.call("PUT", &path, owner, Some(&given)).await.status,
        StatusCode::OK
    );
    // A CSR waits already.
    let asked = json!({"cluster_ids": [at.cluster], "purposes": ["tomcat"]});
    let fix = house.post("/api/v1/compliance/fix", &asked).await;
    assert_eq!(fix["plans"], json!([]));
    let left = &fix["unfixable"][0];
    assert_eq!(
        (&left["code"], &left["purpose"]),
        (&json!("csr_open"), &json!("tomcat"))
    );
    assert_eq!(
        (&left["cluster"]["name"], &left["node"]["name"]),
        (&json!("campus"), &json!("n1"))
    );
    // Wanted the other way round nothing waits; what the node chooses by itself is told.
    let setting = json!({"product": "cucm", "purpose": "tomcat", "signing": "self_signed", "validity_years": 20});
    let profile = format!("/api/v1/profiles/{}", text(&made["id"]));
    let change = json!({"settings": [setting]});
    assert_eq!(
        house.call("PATCH", &profile, owner, Some(&change)).await.status,
        StatusCode::OK
    );
    let fix = house
        .post("/api/v1/compliance/fix", &json!({"products": ["cucm"]}))
        .await;
    assert_eq!(fix["unfixable"][0]["code"], "chosen_by_node");
    assert_eq!(fix["unfixable_count"], 1);
    // For a purpose without an open CSR it is a plan, which a job can be made of.
    house.report_entries(&at, &[("tomcat", 100), ("ipsec", 100)]).await;
    let setting = json!({"product": "cucm", "purpose": "ipsec", "signing": "ca_signed"});
    let change = json!({"settings": [setting]});
    assert_eq!(
        house.call("PATCH", &profile, owner, Some(&change)).await.status,
        StatusCode::OK
    );
    let fix = house
        .post("/api/v1/compliance/fix", &json!({"purposes": ["ipsec"]}))
        .await;
    let plan = &fix["plans"][0];
    assert_eq!(plan["action"], "generate_csr", "{fix:#}");
    assert_eq!(
        (&plan["refusals"][0]["code"], &plan["refusals"][0]["purpose"]),
        (&json!("unsupported_step"), &json!("ipsec")),
        "an agent that has not said what it can is asked for nothing: {plan:#}"
    );
    // What fits nothing is refused: it would pass for certificates that are as they should be.
    for wrong in [
        json!({"cluster_ids": ["x"]}),
        json!({"products": ["cuccm"]}),
        json!({"purposes": ["tomcat", "tomcatt"]}),
    ] {
        house
            .call("POST", "/api/v1/compliance/fix", owner, Some(&wrong))
            .await
            .problem(422, "invalid");
    }
    for unknown in ["cluster_ids", "group_ids"] {
        let asked = json!({ unknown: [uuid::Uuid::now_v7()] });
        house
            .call("POST", "/api/v1/compliance/fix", owner, Some(&asked))
            .await
            .problem(404, "not_found");
    }
}

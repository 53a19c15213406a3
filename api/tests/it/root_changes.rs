//! Root changes over HTTP: made, looked at, planned phase by phase, closed.

use crate::house::{Furnished, House, answer, text};
use base64::{Engine, engine::general_purpose::STANDARD};
use certyard_domain::Role;
use certyard_pki::{Certificate, KeySpec, PrivateKey, Profile, San, Subject, issue, self_signed};
use chrono::{Duration, Utc};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// A CA with what it has signed.
struct Ca {
    root: Certificate,
    key: PrivateKey,
}

impl Ca {
    fn new(name: &str, days: i64) -> Self {
        let key = PrivateKey::generate(KeySpec::P256).expect("a key");
        let subject = Subject(vec![("CN".into(), name.into())]);
        let profile = Profile::authority(
            subject,
            None,
            Utc::now() - Duration::days(900),
            Utc::now() + Duration::days(days),
        );
        let root = self_signed(&key, &profile).expect("a root");
        Self { root, key }
    }

    fn leaf(&self) -> Certificate {
        let key = PrivateKey::generate(KeySpec::P256).expect("a key");
        let subject = Subject(vec![("CN".into(), "n1.example.org".into())]);
        let profile = Profile::end_entity(
            subject,
            vec![San::ip([127, 0, 0, 1].into())],
            Utc::now() - Duration::days(1),
            Utc::now() + Duration::days(90),
        );
        issue(&self.root, &self.key, key.spki_der(), &profile).expect("a certificate")
    }
}

/// Lets the agent report what its node has.
async fn report(house: &House, at: &Furnished, digest: &str, identity: &Certificate, trusted: &[&Certificate]) {
    let served = json!({"state": "not_observable"});
    let mut entries = vec![json!({"store": "tomcat", "kind": "identity", "entry": "tomcat",
        "certificate_pem": identity.to_pem(), "served": served})];
    entries.extend(trusted.iter().map(|one| {
        json!({"store": "tomcat-trust", "kind": "trust", "entry": one.sha256_hex(), "certificate_pem": one.to_pem(), "served": served})
    }));
    let inventory = json!({"form": "full", "digest": digest, "observed_at": Utc::now(), "version": null, "entries": entries, "csrs": []});
    let path = house.agent_url(&format!("/agent/v1/nodes/{}/inventory", at.node));
    let stored = answer(at.agent.client.put(path).json(&inventory)).await;
    assert_eq!(stored.status, StatusCode::OK, "{}", stored.text);
}

async fn certificate_id(house: &House, certificate: &Certificate) -> Value {
    let path = format!("/api/v1/certificates?search={}", certificate.sha256_hex());
    house.get(&path).await["items"][0]["id"].clone()
}

/// Begins a root change on a furnished node; what it trusted is reported as it is told afterwards.
pub async fn begin(house: &House, at: &Furnished) -> String {
    let (old, new) = (Ca::new("Walked", 900), Ca::new("Walked G2", 4000));
    report(house, at, "walked", &old.leaf(), &[&old.root]).await;
    let body =
        json!({"old_certificate_id": certificate_id(house, &old.root).await, "new_certificate": new.root.to_pem()});
    text(&house.post("/api/v1/root-changes", &body).await["id"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_change_says_what_comes_next_and_what_keeps_it_from_going_on() {
    let house = House::new().await;
    let at = house.furnish("north").await;
    let (old, new) = (Ca::new("Example", 900), Ca::new("Example G2", 4000));
    let leaf = old.leaf();
    report(&house, &at, "before", &leaf, &[&old.root]).await;
    let old_id = certificate_id(&house, &old.root).await;

    // DER in base64, and one key for one root change.
    let body = json!({"old_certificate_id": old_id, "new_certificate": STANDARD.encode(&new.root.der),
        "scope": {"group_ids": [at.group]}, "note": "change 4711"});
    let once = async || {
        let request = house.request("POST", "/api/v1/root-changes").bearer_auth(&house.owner);
        answer(request.header("idempotency-key", "root").json(&body)).await
    };
    let made = once().await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let again = once().await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let change = made.json();
    assert_eq!(change["id"], again.json()["id"]);
    let path = format!("/api/v1/root-changes/{}", text(&change["id"]));
    assert_eq!(made.headers["location"], path.as_str());
    assert_eq!(
        (&change["name"], &change["state"], &change["next_action"]),
        (&json!("Example → Example G2"), &json!("open"), &json!("distribute"))
    );
    assert_eq!(change["new_certificate"]["sha256"], new.root.sha256_hex());
    let phases = change["phases"].as_array().expect("phases");
    let told: Vec<Value> = phases
        .iter()
        .map(|one| {
            json!([
                one["phase"],
                one["state"],
                one["done"],
                one["total"],
                one["blocked_by"][0]["code"]
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["distribute", "open", 0, 1, null]),
            json!(["verify", "open", 0, 1, null]),
            json!(["switch", "blocked", 0, 1, "coverage_incomplete"]),
            json!(["retire", "blocked", 0, 1, "coverage_incomplete"]),
        ]
    );

    // Row by row, and as files.
    let rows = house.get(&format!("{path}/coverage?state=missing&state=failed")).await;
    let row = &rows["items"][0];
    assert_eq!(
        (&row["node"]["name"], &row["store"], &row["state"], &row["holds_old"]),
        (&json!("n1"), &json!("tomcat-trust"), &json!("missing"), &json!(true))
    );
    assert!(!row["message"].is_null() && !row["read_at"].is_null(), "{row:#}");
    assert_eq!(
        house.get(&format!("{path}/coverage?state=covered")).await["items"],
        json!([])
    );
    let rows = house.get(&format!("{path}/identities?state=old")).await;
    assert_eq!(rows["items"][0]["sha256"], leaf.sha256_hex());
    for (list, begins, lines) in [
        (format!("{path}/coverage.csv"), "cluster,product,node,store,state", 2),
        (
            format!("{path}/identities.csv"),
            "cluster,product,node,purpose,state",
            2,
        ),
        ("/api/v1/root-changes.csv".into(), "name,state,old_certificate", 2),
        (
            "/api/v1/root-changes.csv?state=completed".into(),
            "name,state,old_certificate",
            1,
        ),
    ] {
        let file = house.call("GET", &list, Some(&house.owner), None).await;
        assert!(file.text.starts_with(begins), "{}", file.text);
        assert_eq!(file.text.lines().count(), lines, "{}", file.text);
    }
    let listed = house.get("/api/v1/root-changes?state=open&search=g2").await;
    assert_eq!(listed["items"][0]["id"], change["id"]);

    // A phase is an ordinary plan, or the reason why not.
    let owner = Some(house.owner.as_str());
    let plans = format!("{path}/plans");
    let ask = async |body: Value| house.call("POST", &plans, owner, Some(&body)).await;
    for phase in ["switch", "retire"] {
        ask(json!({"phase": phase})).await.problem(422, "coverage_incomplete");
    }
    ask(json!({"phase": "all"})).await.problem(422, "invalid");
    let plan = ask(json!({"phase": "distribute"})).await;
    assert_eq!(plan.status, StatusCode::CREATED, "{}", plan.text);
    assert_eq!(plan.json()["action"], "distribute");
    assert_eq!(
        plan.json()["refusals"][0]["code"],
        "unsupported_step",
        "this agent has not said that it can"
    );
    let verify = ask(json!({"phase": "verify"})).await.json();
    let job = house.post("/api/v1/jobs", &json!({"plan_id": verify["id"]})).await;
    assert_eq!(job["root_change_id"], change["id"]);
    assert_eq!(house.get(&path).await["jobs"][0]["id"], job["id"]);

    // Once a reading has found it, the next phase is open.
    report(&house, &at, "both", &leaf, &[&old.root, &new.root]).await;
    let change = house.get(&path).await;
    assert_eq!(
        (&change["next_action"], &change["coverage"]["covered"]),
        (&json!("switch"), &json!(1))
    );
    ask(json!({"phase": "retire"})).await.problem(422, "identities_on_old");
    report(&house, &at, "switched", &new.leaf(), &[&old.root, &new.root]).await;
    assert_eq!(house.get(&path).await["next_action"], "retire");
    report(&house, &at, "retired", &new.leaf(), &[&new.root]).await;
    assert_eq!(house.get(&path).await["next_action"], "close");

    // Edited by version, closed once.
    let stale = house
        .request("PATCH", &path)
        .bearer_auth(&house.owner)
        .header("if-match", "\"7\"")
        .json(&json!({"name": "other"}));
    answer(stale).await.problem(412, "version_mismatch");
    let named = house.call("PATCH", &path, owner, Some(&json!({"name": "other"}))).await;
    assert_eq!(
        (&named.json()["name"], &named.json()["note"]),
        (&json!("other"), &json!("change 4711"))
    );
    let closed = house.post(&format!("{path}/close"), &json!({})).await;
    assert_eq!(
        (&closed["state"], &closed["next_action"]),
        (&json!("completed"), &Value::Null)
    );
    house
        .call("PATCH", &path, owner, Some(&json!({"name": "x"})))
        .await
        .problem(422, "root_change_closed");
    let audit = house
        .get(&format!("/api/v1/audit?object_id={}", text(&change["id"])))
        .await;
    let actions: Vec<&str> = audit["items"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["action"].as_str())
        .collect();
    assert_eq!(
        actions,
        [
            "root_change.complete",
            "root_change.update",
            "root_change.plan",
            "root_change.plan",
            "root_change.create"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_told_by_its_field_and_who_may_not_learns_nothing() {
    let house = House::new().await;
    let at = house.furnish("north").await;
    let (old, new) = (Ca::new("Example", 900), Ca::new("Example G2", 4000));
    report(&house, &at, "before", &old.leaf(), &[&old.root]).await;
    let old_id = certificate_id(&house, &old.root).await;
    let owner = house.owner.clone();
    let path = "/api/v1/root-changes";
    let pem = |certificate: &Certificate| json!(certificate.to_pem());
    let key = PrivateKey::generate(KeySpec::P256).expect("a key");
    for (new, field, code) in [
        (json!({}), "new_certificate", "required"),
        (
            json!({"new_certificate": pem(&new.root), "new_certificate_id": old_id}),
            "new_certificate",
            "ambiguous",
        ),
        (
            json!({"new_certificate": pem(&new.leaf())}),
            "new_certificate",
            "not_an_authority",
        ),
        (
            json!({"new_certificate": pem(&Ca::new("Ended", -1).root)}),
            "new_certificate",
            "expired",
        ),
        (
            json!({"new_certificate": pem(&old.root)}),
            "new_certificate",
            "same_certificate",
        ),
        (
            json!({"new_certificate_id": old_id}),
            "new_certificate_id",
            "same_certificate",
        ),
        (
            json!({"new_certificate": pem(&Ca::new("Example", 4000).root)}),
            "new_certificate",
            "not_newer",
        ),
        (
            json!({"new_certificate": key.to_pkcs8_pem().as_str()}),
            "new_certificate",
            "private_key",
        ),
        (
            json!({"new_certificate": pem(&new.root), "scope": {"product": "fax"}}),
            "scope.product",
            "unknown",
        ),
    ] {
        let mut body = new;
        body["old_certificate_id"] = old_id.clone();
        let refused = house
            .call("POST", path, Some(&owner), Some(&body))
            .await
            .problem(422, "invalid");
        let errors = refused["errors"].as_array().expect("errors").clone();
        let found = errors.iter().any(|one| one["field"] == field && one["code"] == code);
        assert!(found, "{field} {code}: {refused:#}");
    }
    let body = json!({"old_certificate_id": old_id, "new_certificate": pem(&new.root)});
    for (role, groups, status) in [
        (Role::Viewer, None, StatusCode::FORBIDDEN),
        (
            Role::Operator,
            Some(vec![at.group.parse().expect("an id")]),
            StatusCode::FORBIDDEN,
        ),
        (Role::Operator, None, StatusCode::CREATED),
    ] {
        let token = house.token(&house.org.owner, role, groups).await;
        let answer = house.call("POST", path, Some(&token), Some(&body)).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    let change = house.get(path).await["items"][0].clone();
    let theirs = house.db.org("Theirs").await;
    let stranger = house.token(&theirs.owner, Role::Owner, None).await;
    let at = format!("{path}/{}", text(&change["id"]));
    house
        .call("GET", &at, Some(&stranger), None)
        .await
        .problem(404, "not_found");
    house
        .call("POST", path, Some(&stranger), Some(&body))
        .await
        .problem(404, "not_found");
    house
        .call("POST", &format!("{at}/close"), Some(&owner), Some(&json!({})))
        .await
        .problem(422, "invalid");
}

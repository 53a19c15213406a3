//! Settings of notifications and mail over HTTP: bounds, names of fields, versions, secrets, and what the overview says.

use crate::house::{House, text};
use certyard_domain::alerts::{ChannelTarget, Letter, MailServer, Post, Rendered, SendFailure, TestCall, TestMail};
use reqwest::StatusCode;
use serde_json::{Value, json};

const NOTIFICATIONS: &str = "/api/v1/settings/notifications";
const MAIL: &str = "/api/v1/settings/mail";

async fn put(house: &House, path: &str, body: &Value) -> crate::house::Answer {
    house.call("PUT", path, Some(&house.owner), Some(body)).await
}

/// The fields that a refusal names.
fn fields(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().expect("errors");
    errors.iter().map(|error| text(&error["field"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn r40_bounds_are_inclusive_and_each_violation_names_its_field() {
    let house = House::new().await;
    for (field, good, bad) in [
        ("start_days", vec![30, 365], vec![29, 366, 0, -1]),
        ("frequency_days", vec![1, 30], vec![0, 31, -1]),
        ("hour", vec![0, 23], vec![-1, 24]),
        ("repeat_expired_days", vec![0, 30], vec![-1, 31]),
        ("repeat_expired_until_days", vec![0, 365], vec![-1, 366]),
        ("keep_days", vec![30, 3650], vec![29, 3651]),
    ] {
        for value in good {
            let answer = put(&house, NOTIFICATIONS, &json!({ field: value })).await;
            assert_eq!(answer.status, StatusCode::OK, "{field} {value}: {}", answer.text);
            assert_eq!(answer.json()[field], value);
        }
        for value in bad {
            let answer = put(&house, NOTIFICATIONS, &json!({ field: value })).await;
            assert_eq!(fields(&answer.problem(422, "invalid")), [field], "{value}");
        }
    }
    let addresses = |count: usize| -> Vec<String> { (0..count).map(|index| format!("r{index}@example.org")).collect() };
    let full = put(&house, NOTIFICATIONS, &json!({"recipients": addresses(25)})).await;
    assert_eq!(full.json()["recipients"].as_array().map(Vec::len), Some(25));
    let over = put(&house, NOTIFICATIONS, &json!({"recipients": addresses(26)})).await;
    assert_eq!(fields(&over.problem(422, "invalid")), ["recipients"]);
    for (bad, field) in [
        (json!(["a@example.org", "not an address"]), "recipients[1]"),
        (json!(["a@example.org", "A@Example.ORG"]), "recipients[1]"),
        (json!(["a@bücher.example", "a@xn--bcher-kva.example"]), "recipients[1]"),
        (json!(["a@example.org\r\nBcc: eve@example.org"]), "recipients[0]"),
        (json!([""]), "recipients[0]"),
    ] {
        let answer = put(&house, NOTIFICATIONS, &json!({ "recipients": bad })).await;
        assert_eq!(fields(&answer.problem(422, "invalid")), [field]);
    }
    let answer = put(&house, NOTIFICATIONS, &json!({"time_zone": "Mars/Olympus"})).await;
    assert_eq!(fields(&answer.problem(422, "invalid")), ["time_zone"]);
    let answer = put(&house, NOTIFICATIONS, &json!({"language": "xx"})).await;
    assert_eq!(fields(&answer.problem(422, "invalid")), ["language"]);
    // All at once, and nothing is kept.
    let all = json!({"start_days": 29, "frequency_days": 31, "recipients": ["x"]});
    let answer = put(&house, NOTIFICATIONS, &all).await;
    assert_eq!(
        fields(&answer.problem(422, "invalid")),
        ["start_days", "frequency_days", "recipients[0]"]
    );
    let kept = house.get(NOTIFICATIONS).await;
    assert_eq!(
        (&kept["start_days"], &kept["frequency_days"]),
        (&json!(365), &json!(30))
    );
    assert_eq!(kept["recipients"].as_array().map(Vec::len), Some(25));
}

#[tokio::test(flavor = "multi_thread")]
async fn r42_start_days_are_one_number_of_the_organisation_under_versions_and_in_the_audit_log() {
    let house = House::new().await;
    let before = house.call("GET", NOTIFICATIONS, Some(&house.owner), None).await;
    let etag = before.headers["etag"].to_str().expect("a version").to_string();
    let body =
        json!({"start_days": 90, "recipients": ["ops@example.org"], "language": "sv", "time_zone": "Europe/Stockholm"});
    let send = async |etag: &str| {
        let request = house
            .request("PUT", NOTIFICATIONS)
            .bearer_auth(&house.owner)
            .header("If-Match", etag)
            .json(&body);
        request.send().await.expect("an answer").status()
    };
    assert_eq!(send(&etag).await, StatusCode::OK);
    assert_eq!(send(&etag).await, StatusCode::PRECONDITION_FAILED);
    assert_eq!(house.get("/api/v1/organisation").await["start_days"], 90);
    let patch = json!({"start_days": 45});
    let answer = house
        .call("PATCH", "/api/v1/organisation", Some(&house.owner), Some(&patch))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(house.get(NOTIFICATIONS).await["start_days"], 45);
    let log = house.get("/api/v1/audit?action=notifications.update").await;
    let entry = &log["items"][0];
    assert_eq!(
        (&entry["before"]["start_days"], &entry["after"]["start_days"]),
        (&json!(60), &json!(90))
    );
    assert_eq!(entry["after"]["recipients"], json!(["ops@example.org"]));
}

/// Connects to no link-local address, and sends nothing.
struct Careful;

#[async_trait::async_trait]
impl Post for Careful {
    async fn check_host(&self, host: &str, _: u16) -> Result<(), String> {
        match host {
            "fe80::1" => Err("fe80::1 is link-local".into()),
            _ => Ok(()),
        }
    }

    async fn send_test(&self, _: &MailServer, _: &TestMail) -> Result<String, SendFailure> {
        Err(SendFailure {
            step: "connect",
            reply: "nothing is sent".into(),
        })
    }

    async fn call_test(&self, _: &ChannelTarget, _: &TestCall) -> Result<String, String> {
        Err("nothing is called".into())
    }

    fn render(&self, _: &Letter, _: &str) -> Result<Rendered, String> {
        Err("nothing is rendered".into())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_the_password_of_the_mail_server_is_never_answered_and_stays_with_its_server() {
    let house = House::with(|config| config.post = Some(std::sync::Arc::new(Careful))).await;
    assert_eq!(house.get(MAIL).await["configured"], false);
    let server = |host: &str| json!({"host": host, "username": "certyard", "password": "correct horse battery", "from_address": "certyard@example.org"});
    let set = put(&house, MAIL, &server("mail.example.org")).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text);
    let told = set.json();
    assert_eq!(
        (&told["port"], &told["security"], &told["has_password"]),
        (&json!(587), &json!("starttls"), &json!(true))
    );
    let read = house.call("GET", MAIL, Some(&house.owner), None).await;
    let log = house.call("GET", "/api/v1/audit", Some(&house.owner), None).await;
    for answer in [&set, &read, &log] {
        assert!(!answer.text.contains("battery"), "{}", answer.text);
    }
    // It stays where only the sender changes, and is wanted again for another server.
    let keep = json!({"host": "mail.example.org", "username": "certyard", "from_address": "other@example.org"});
    assert_eq!(put(&house, MAIL, &keep).await.json()["has_password"], true);
    let mut elsewhere = keep.clone();
    elsewhere["host"] = json!("evil.example.com");
    let refused = put(&house, MAIL, &elsewhere).await;
    assert_eq!(fields(&refused.problem(422, "invalid")), ["password"]);
    for (change, field) in [
        (json!({"security": "none"}), "security"),
        (json!({"security": "ssl"}), "security"),
        (json!({"port": 0}), "port"),
        (json!({"port": 65536}), "port"),
        (json!({"host": "mail example"}), "host"),
        (json!({"host": "[fe80::1]"}), "host"),
        (json!({"host": "mail.example.org\r\nX: y"}), "host"),
        (json!({"from_address": "nobody"}), "from_address"),
        (json!({"from_name": "Cert\r\nBcc: eve@example.org"}), "from_name"),
        (json!({"ca_pem": "no certificate"}), "ca_pem"),
    ] {
        let mut body = json!({"host": "relay.example.org", "from_address": "certyard@example.org"});
        for (name, value) in change.as_object().expect("fields") {
            body[name] = value.clone();
        }
        let answer = put(&house, MAIL, &body).await;
        assert_eq!(fields(&answer.problem(422, "invalid")), [field], "{body}");
    }
    let meant = json!({"host": "localhost", "port": 25, "security": "none", "allow_plaintext": true, "from_address": "certyard@example.org"});
    assert_eq!(put(&house, MAIL, &meant).await.json()["security"], "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_says_when_nobody_would_be_told() {
    let house = House::new().await;
    assert_eq!(house.get("/api/v1/overview").await["alerting"], json!([]));
    let at = house.furnish("north").await;
    house.report(&at, 20).await;
    let code = async || house.get("/api/v1/overview").await["alerting"][0]["code"].clone();
    assert_eq!(code().await, "no_recipients");
    let answer = put(&house, NOTIFICATIONS, &json!({"recipients": ["ops@example.org"]})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(code().await, "mail_not_configured");
    // Readiness waits for no look over all organisations: it hears of it a moment later.
    let ready = async || {
        let url = format!("http://{}/readyz", house.addresses.ops.expect("a listener"));
        let answer = house.client.get(url).send().await.expect("an answer");
        let told: Value = answer.json().await.expect("json");
        assert_eq!(told["status"], "ready");
        told["alerting"]["mail_not_configured"].clone()
    };
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while ready().await != 1 {
        assert!(std::time::Instant::now() < until, "it is never told");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // The ledger has what waits.
    certyard_domain::alerts::raise_due(&house.db.db).await.expect("a sweep");
    let waiting = house.get("/api/v1/messages?state=due&recipient=ops@example.org").await;
    assert_eq!(waiting["items"].as_array().map(Vec::len), Some(1), "{waiting}");
    let id = text(&waiting["items"][0]["id"]);
    let message = house.get(&format!("/api/v1/messages/{id}")).await;
    let certificate = text(&message["alerts"][0]["certificate_id"]);
    let told = house.get(&format!("/api/v1/certificates/{certificate}/messages")).await;
    assert_eq!(told["items"][0]["message"]["id"], id.as_str());
    let of = house
        .get(&format!("/api/v1/messages?certificate_id={certificate}"))
        .await;
    assert_eq!(of["items"][0]["id"], id.as_str());
    assert_eq!(house.get("/api/v1/messages?state=accepted").await["items"], json!([]));
    let rows = async |query: &str| {
        let path = format!("/api/v1/messages.csv?state={query}");
        let answer = house.call("GET", &path, Some(&house.owner), None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.text.lines().skip(1).map(str::to_string).collect::<Vec<_>>()
    };
    assert_eq!(rows("accepted").await, [""; 0]);
    let all = rows("due").await;
    assert!(all.len() == 1 && all[0].contains("ops@example.org,due"), "{all:?}");
    acknowledge(&house, &certificate).await;
    let retry = house
        .call(
            "POST",
            &format!("/api/v1/messages/{id}/retry"),
            Some(&house.owner),
            None,
        )
        .await;
    retry.problem(422, "message_not_over");
}

/// Acknowledges a certificate, and takes that back.
async fn acknowledge(house: &House, certificate: &str) {
    let path = "/api/v1/acknowledgements";
    let row = async || {
        let page = house.get("/api/v1/alerts").await;
        let rows = page["items"].as_array().expect("rows").clone();
        let found = rows.into_iter().find(|row| row["certificate_id"] == certificate);
        found.expect("an alert")["acknowledgement"].clone()
    };
    assert_eq!(row().await, Value::Null);
    let until = |days| json!(chrono::Utc::now() + chrono::TimeDelta::days(days));
    let say = |reason: &str, days| json!({"certificate_id": certificate, "reason": reason, "until": until(days)});
    for (body, field) in [
        (say(" ", 3), "reason"),
        (say("known", -1), "until"),
        (say("known", 366), "until"),
    ] {
        let answer = house.call("POST", path, Some(&house.owner), Some(&body)).await;
        assert_eq!(fields(&answer.problem(422, "invalid")), [field], "{body}");
    }
    let made = house.post(path, &say("switched off on Friday", 3)).await;
    let told = row().await;
    assert_eq!(
        (&told["id"], &told["reason"]),
        (&made["id"], &json!("switched off on Friday"))
    );
    let csv = house.call("GET", "/api/v1/alerts.csv", Some(&house.owner), None).await;
    let header: Vec<&str> = csv.text.lines().next().expect("a line").trim().split(',').collect();
    assert_eq!(header.last(), Some(&"acknowledged_until"));
    let one = format!("{path}/{}", text(&made["id"]));
    let ended = house.call("DELETE", &one, Some(&house.owner), None).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.text);
    assert_eq!(row().await, Value::Null);
    let again = house.call("DELETE", &one, Some(&house.owner), None).await;
    again.problem(422, "acknowledgement_over");
    let active = house
        .get(&format!("{path}?active=true&certificate_id={certificate}"))
        .await;
    assert_eq!(active["items"], json!([]));
    assert!(!house.get(&one).await["ended_at"].is_null());
    for action in ["create", "end"] {
        let log = house
            .get(&format!("/api/v1/audit?action=acknowledgement.{action}"))
            .await;
        assert_eq!(log["items"][0]["object_id"], made["id"], "{action}");
    }
}

const RULES: &str = "/api/v1/settings/notifications/rules";

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_cannot_be_is_refused_with_all_fields_that_are_wrong() {
    let house = House::new().await;
    let good = json!({"name": "Edge", "start_percent": 20, "recipients": ["edge@example.org"]});
    let unknown = uuid::Uuid::now_v7();
    for (wrong, field) in [
        (json!({"start_percent": null, "start_days": 29}), "start_days"),
        (json!({"start_percent": null, "start_days": 366}), "start_days"),
        (json!({"start_percent": null}), "start_days"),
        (json!({"start_percent": 0}), "start_percent"),
        (json!({"start_percent": 100}), "start_percent"),
        (json!({"start_days": 30}), "start_percent"),
        (json!({"frequency_percent": 0}), "frequency_percent"),
        (json!({"frequency_percent": 100}), "frequency_percent"),
        (json!({"frequency_days": 7}), "frequency_days"),
        (
            json!({"start_percent": null, "start_days": 30, "frequency_days": 31}),
            "frequency_days",
        ),
        (
            json!({"start_percent": null, "start_days": 30, "frequency_percent": 5}),
            "frequency_percent",
        ),
        (json!({"mode": "daily"}), "mode"),
        (json!({"mode": "weekly_digest", "digest_weekday": 8}), "digest_weekday"),
        (
            json!({"mode": "weekly_digest", "frequency_percent": 5}),
            "frequency_percent",
        ),
        (json!({"digest_weekday": 1}), "digest_weekday"),
        (json!({"digest_empty": true}), "digest_empty"),
        (json!({"recipients": ["no address"]}), "recipients[0]"),
        (json!({"recipients": []}), "recipients"),
        (json!({"channels": [unknown]}), "channels[0]"),
        (json!({"name": " "}), "name"),
        (json!({"scope": {"clusters": [unknown]}}), "scope.clusters[0]"),
        (json!({"scope": {"groups": [unknown]}}), "scope.groups[0]"),
        (
            json!({"scope": {"issuer_certificates": [unknown]}}),
            "scope.issuer_certificates[0]",
        ),
        (json!({"scope": {"products": ["cucm", "toaster"]}}), "scope.products[1]"),
        (json!({"scope": {"purposes": [""]}}), "scope.purposes[0]"),
        (json!({"scope": {"issuers": ["a\nb"]}}), "scope.issuers[0]"),
        (json!({"scope": {"kind": "other"}}), "scope.kind"),
        (json!({"scope": {"purposes": vec!["x"; 101]}}), "scope.purposes"),
        (
            json!({"escalation": {"after_days": 0, "recipients": ["b@example.org"]}}),
            "escalation.after_days",
        ),
        (
            json!({"escalation": {"after_days": 91, "recipients": ["b@example.org"]}}),
            "escalation.after_days",
        ),
        (json!({"escalation": {"after_days": 3}}), "escalation.recipients"),
        (
            json!({"escalation": {"after_days": 3, "recipients": ["b"]}}),
            "escalation.recipients[0]",
        ),
    ] {
        let mut body = good.clone();
        for (name, value) in wrong.as_object().expect("fields") {
            body[name] = value.clone();
        }
        for path in [RULES.to_string(), format!("{RULES}/preview")] {
            let answer = house.call("POST", &path, Some(&house.owner), Some(&body)).await;
            assert_eq!(fields(&answer.problem(422, "invalid")), [field], "{wrong}");
        }
    }
    let all = json!({"name": "", "start_percent": 0, "recipients": ["x"], "scope": {"clusters": [unknown]}});
    let answer = house.call("POST", RULES, Some(&house.owner), Some(&all)).await;
    assert_eq!(
        fields(&answer.problem(422, "invalid")),
        ["name", "start_percent", "recipients[0]", "scope.clusters[0]"]
    );
    assert_eq!(house.get(RULES).await["items"], json!([]));
    for (bad, field) in [
        (json!({"digest_weekday": 0}), "digest_weekday"),
        (json!({"escalation": {"after_days": 3}}), "escalation.recipients"),
    ] {
        let answer = put(&house, NOTIFICATIONS, &bad).await;
        assert_eq!(fields(&answer.problem(422, "invalid")), [field]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_made_read_replaced_under_its_version_and_deleted() {
    let house = House::new().await;
    let channel =
        json!({"name": "Edge chat", "kind": "slack", "url": "https://hooks.example.org/x", "rules_only": true});
    let channel = house.post("/api/v1/channels", &channel).await;
    assert_eq!(channel["rules_only"], true);
    let body = json!({
        "name": "Edge",
        "scope": {"kind": "identity", "issuers": ["Let's Encrypt"]},
        "start_percent": 33,
        "channels": [channel["id"]],
        "escalation": {"after_days": 2, "recipients": ["Boss@Example.org"]},
    });
    let made = house.post(RULES, &body).await;
    assert_eq!(
        (
            &made["frequency_percent"],
            &made["mode"],
            &made["enabled"],
            &made["revision"]
        ),
        (&json!(9), &json!("immediate"), &json!(true), &json!(1))
    );
    assert_eq!(made["escalation"]["recipients"], json!(["Boss@example.org"]));
    let path = format!("{RULES}/{}", text(&made["id"]));
    let read = house.call("GET", &path, Some(&house.owner), None).await;
    assert_eq!(read.headers["etag"], "\"1\"");
    let weekly = json!({"name": "Edge", "start_days": 60, "mode": "weekly_digest", "recipients": ["edge@example.org"]});
    let send = async |etag: &str| {
        let request = house.request("PUT", &path).bearer_auth(&house.owner);
        let request = request.header("If-Match", etag).json(&weekly);
        request.send().await.expect("an answer").status()
    };
    assert_eq!(send("\"1\"").await, StatusCode::OK);
    assert_eq!(send("\"1\"").await, StatusCode::PRECONDITION_FAILED);
    let now = house.get(&path).await;
    assert_eq!(
        (
            &now["digest_weekday"],
            &now["start_percent"],
            &now["escalation"],
            &now["channels"]
        ),
        (&json!(1), &json!(null), &json!(null), &json!([]))
    );
    let gone = house.call("DELETE", &path, Some(&house.owner), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let gone = house.call("GET", &path, Some(&house.owner), None).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let log = house.get("/api/v1/audit?action=notification_rule.update").await;
    assert_eq!(log["items"][0]["before"]["start_percent"], 33);
    let settings = json!({"digest_weekday": 5, "escalation": {"after_days": 7, "recipients": ["boss@example.org"]}});
    let set = put(&house, NOTIFICATIONS, &settings).await.json();
    assert_eq!(
        (&set["digest_weekday"], &set["escalation"]["after_days"]),
        (&json!(5), &json!(7))
    );
    let none = json!({"digest_weekday": null, "escalation": null});
    let set = put(&house, NOTIFICATIONS, &none).await.json();
    assert_eq!(
        (&set["digest_weekday"], &set["escalation"]),
        (&json!(null), &json!(null))
    );
}

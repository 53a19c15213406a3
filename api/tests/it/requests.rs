//! What the server makes of requests: wrong ones, foreign pages, repeated ones, too many.

use crate::house::{BOOTSTRAP, House, answer};
use certyard_api::operations::OPERATIONS;
use serde_json::{Value, json};
use std::num::NonZeroU32;

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_request_gets_a_problem_that_names_what_is_wrong() {
    let house = House::new().await;
    let token = house.owner.as_str();
    let post = |path: &str, kind: &'static str, body: &str| {
        answer(
            house
                .request("POST", path)
                .bearer_auth(token)
                .header("content-type", kind)
                .body(body.to_string()),
        )
    };
    post("/api/v1/groups", "application/json", "{")
        .await
        .problem(400, "broken_json");
    post("/api/v1/groups", "text/plain", "{}")
        .await
        .problem(415, "unsupported_media_type");
    let wrong = post("/api/v1/groups", "application/json", "{\"name\": 7}")
        .await
        .problem(422, "invalid");
    assert_eq!(wrong["errors"][0]["code"], "wrong_type");
    let unknown = post("/api/v1/groups", "application/json", "{\"name\": \"x\", \"org_id\": 1}")
        .await
        .problem(422, "invalid");
    assert_eq!(
        unknown["errors"][0],
        json!({"field": "org_id", "code": "unknown_field", "message": unknown["errors"][0]["message"]})
    );
    let missing = post("/api/v1/groups", "application/json", "{}")
        .await
        .problem(422, "invalid");
    assert_eq!(missing["errors"][0]["field"], "name");
    let empty = post("/api/v1/groups", "application/json", "{\"name\": \" \"}")
        .await
        .problem(422, "invalid");
    assert_eq!(empty["errors"][0]["field"], "name");
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(2 << 20));
    post("/api/v1/groups", "application/json", &large)
        .await
        .problem(413, "too_large");
    post("/api/v1/certificates/inspect", "application/json", "{}")
        .await
        .problem(415, "unsupported_media_type");
    post("/api/v1/certificates/inspect", "multipart/form-data", "x")
        .await
        .problem(400, "broken_form");
    post(
        "/api/v1/certificates/inspect",
        "multipart/form-data; boundary=b",
        "nonsense",
    )
    .await
    .problem(400, "broken_form");
    post("/api/v1/certificates/bulk", "application/json", "{}")
        .await
        .problem(415, "unsupported_media_type");
    let get = |path: &'static str| house.call("GET", path, Some(token), None);
    get("/api/v1/clusters?limit=0").await.problem(422, "invalid");
    get("/api/v1/clusters?limit=x").await.problem(422, "invalid");
    get("/api/v1/clusters?colour=red").await.problem(422, "invalid");
    get("/api/v1/clusters?cursor=AAAA").await.problem(422, "invalid");
    get("/api/v1/clusters/no-id").await.problem(404, "not_found");
    get("/api/v1/clusters/0199f0a2-7c10-7e53-9d3c-3f7f0c0f3b1a")
        .await
        .problem(404, "not_found");
    get("/api/v1/nothing").await.problem(404, "no_route");
    get("/api/v2/clusters").await.problem(404, "no_route");
    let method = house.call("PUT", "/api/v1/clusters", Some(token), None).await;
    method.problem(405, "method_not_allowed");
    assert_eq!(method.headers["allow"], "GET, POST");
    house
        .call("GET", "/api/v1/clusters", None, None)
        .await
        .problem(401, "no_credential");
    answer(house.request("GET", "/api/v1/me").header("authorization", "Basic eA=="))
        .await
        .problem(401, "invalid_credential");
    assert_eq!(
        house.call("GET", "/api/v1/me", Some(BOOTSTRAP), None).await.json()["role"],
        "owner"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_headers_that_keep_browsers_safe() {
    let house = House::new().await;
    let mut paths: Vec<String> = OPERATIONS
        .iter()
        .filter(|row| row.method == "GET" && row.id != "follow_job")
        .map(|row| {
            row.path
                .replace("{id}", "0199f0a2-7c10-7e53-9d3c-3f7f0c0f3b1a")
                .replace("{task_id}", "x")
        })
        .collect();
    paths.extend(
        [
            "/",
            "/clusters",
            "/api/docs/",
            "/api/openapi.json",
            "/nothing.js",
            "/api/nothing",
            "/api/docs",
        ]
        .map(Into::into),
    );
    for path in paths {
        let answer = answer(
            house
                .request("GET", &path)
                .bearer_auth(&house.owner)
                .header("accept", "text/html"),
        )
        .await;
        let header = |name: &str| {
            answer
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        assert!(!answer.status.is_server_error(), "{path}: {}", answer.text);
        let policy = header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"),
            "{path}: {policy}"
        );
        assert!(
            !policy.contains("script-src 'unsafe") && !policy.contains("http"),
            "{path}: {policy}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert!(!header("x-request-id").is_empty(), "{path}");
        if path.starts_with("/api/v1") {
            assert_eq!(header("cache-control"), "no-store", "{path}");
        }
    }
    let page = answer(house.request("GET", "/jobs").header("accept", "text/html")).await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("__CSP_NONCE__"));
    let docs = answer(house.request("GET", "/api/docs/")).await;
    assert!(
        docs.text.contains("swagger") && !docs.text.contains("https://"),
        "{}",
        docs.text
    );
    let ops = house.addresses.ops.expect("an address");
    for path in ["/healthz", "/readyz", "/metrics"] {
        let response = house
            .client
            .get(format!("http://{ops}{path}"))
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
    }
    let metrics = house
        .client
        .get(format!("http://{ops}/metrics"))
        .send()
        .await
        .expect("an answer");
    assert!(
        metrics
            .text()
            .await
            .expect("text")
            .contains("certyard_http_requests_total")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_works_for_the_dashboard_and_for_no_other_page() {
    let house = House::new().await;
    let member =
        json!({"email": "ada@example.org", "name": "Ada", "role": "admin", "password": "a long enough passphrase"});
    house.post("/api/v1/members", &member).await;
    let sign_in = json!({"email": "ada@example.org", "password": "a long enough passphrase"});
    let wrong = json!({"email": "ada@example.org", "password": "another long passphrase"});
    let refused = house.call("POST", "/api/v1/sessions", None, Some(&wrong)).await;
    assert_eq!(refused.status, 401, "{}", refused.text);
    let signed_in = house.call("POST", "/api/v1/sessions", None, Some(&sign_in)).await;
    assert_eq!(signed_in.status, 201, "{}", signed_in.text);
    let cookie = signed_in.headers["set-cookie"].to_str().expect("text").to_string();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    let session = cookie.split(';').next().expect("a pair").to_string();
    let me = answer(house.request("GET", "/api/v1/me").header("cookie", &session)).await;
    assert_eq!(me.json()["user"]["email"], "ada@example.org");
    let own = house.url("");
    let sub = own.replace("127.0.0.1", "evil.127.0.0.1");
    let cases: [(Option<&str>, Option<&str>, u16); 7] = [
        (Some(&own), Some("1"), 201),
        (Some(&own), None, 403),
        (Some(&own), Some("0"), 403),
        (None, Some("1"), 403),
        (Some("null"), Some("1"), 403),
        (Some("http://evil.example"), Some("1"), 403),
        (Some(&sub), Some("1"), 403),
    ];
    for (number, (origin, header, status)) in cases.into_iter().enumerate() {
        let body = json!({ "name": format!("group {number}") });
        let mut request = house
            .request("POST", "/api/v1/groups")
            .header("cookie", &session)
            .json(&body);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        if let Some(header) = header {
            request = request.header("x-certyard-csrf", header);
        }
        let answer = answer(request).await;
        assert_eq!(answer.status, status, "{origin:?} {header:?}: {}", answer.text);
    }
    // A foreign page cannot sign its own account in, and a token is never taken from a cookie.
    let foreign = house
        .request("POST", "/api/v1/sessions")
        .header("origin", "http://evil.example")
        .json(&sign_in);
    answer(foreign).await.problem(403, "csrf");
    let token = format!("certyard_session={}", house.owner);
    answer(house.request("GET", "/api/v1/me").header("cookie", token))
        .await
        .problem(401, "invalid_credential");
    let out = house
        .request("DELETE", "/api/v1/sessions/current")
        .header("cookie", &session);
    let out = answer(out.header("origin", &own).header("x-certyard-csrf", "1")).await;
    assert_eq!(out.status, 204, "{}", out.text);
    answer(house.request("GET", "/api/v1/me").header("cookie", &session))
        .await
        .problem(401, "invalid_credential");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_with_one_key_have_one_effect_and_one_answer() {
    let house = House::new().await;
    let send = |key: &str, body: Value| {
        answer(
            house
                .request("POST", "/api/v1/groups")
                .bearer_auth(&house.owner)
                .header("idempotency-key", key)
                .json(&body),
        )
    };
    let body = json!({ "name": "once" });
    let answers = futures_util::future::join_all((0..50).map(|_| send("k1", body.clone()))).await;
    let first = answers[0].json()["id"].clone();
    for answer in &answers {
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(answer.json()["id"], first);
        assert!(answer.headers.contains_key("location"));
    }
    assert_eq!(
        house.get("/api/v1/groups").await["items"].as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(
        house.get("/api/v1/audit?action=group.create").await["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    send("k1", json!({ "name": "other" })).await.problem(422, "invalid");
    // A refusal is the answer of its key, too.
    let (one, two) = (send("k2", body.clone()).await, send("k2", body.clone()).await);
    assert_eq!(
        (one.status, two.status),
        (422.try_into().expect("a status"), one.status)
    );
    assert_eq!(two.headers["idempotency-replayed"], "true");
    // Another caller's key is another key.
    let other = house.token(&house.org.owner, certyard_domain::Role::Owner, None).await;
    let request = house
        .request("POST", "/api/v1/groups")
        .bearer_auth(other)
        .header("idempotency-key", "k1");
    assert_eq!(answer(request.json(&json!({"name": "theirs"}))).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_an_old_version_is_refused() {
    let house = House::new().await;
    let group = house.post("/api/v1/groups", &json!({ "name": "a" })).await;
    let path = format!("/api/v1/groups/{}", group["id"].as_str().expect("an id"));
    let read = house.call("GET", &path, Some(&house.owner), None).await;
    let tag = read.headers["etag"].to_str().expect("text").to_string();
    let edit = |tag: &str, name: &str| {
        let request = house
            .request("PATCH", &path)
            .bearer_auth(&house.owner)
            .header("if-match", tag);
        answer(request.json(&json!({ "name": name })))
    };
    let edited = edit(&tag, "b").await;
    assert_eq!(edited.status, 200, "{}", edited.text);
    assert_ne!(edited.headers["etag"], tag.as_str());
    edit(&tag, "c").await.problem(412, "version_mismatch");
    edit("\"nonsense\"", "c").await.problem(412, "version_mismatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_are_told_when_to_come_again() {
    let house = House::with(|config| {
        config.rates.address_per_minute = NonZeroU32::new(5).expect("a number");
        config.rates.credential_per_minute = NonZeroU32::new(10).expect("a number");
    })
    .await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(house.call("GET", "/api/v1/me", Some(&house.owner), None).await);
    }
    let last = statuses.pop().expect("an answer");
    last.problem(429, "too_many_requests");
    assert!(
        last.headers["retry-after"]
            .to_str()
            .expect("text")
            .parse::<u64>()
            .expect("a number")
            >= 1
    );
    assert_eq!(statuses[0].status, 200);
    let mut wrong = Vec::new();
    for _ in 0..7 {
        wrong.push(
            house
                .call("GET", "/api/v1/me", Some("cyd_wrong"), None)
                .await
                .status
                .as_u16(),
        );
    }
    assert_eq!((wrong[0], wrong[6]), (401, 429), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_after_care_of_a_job_is_read_by_cluster_and_confirmed_by_name() {
    let house = House::new().await;
    let at = house.furnish("campus").await;
    let job = house.waiting_job(&at).await;
    let path = format!("/api/v1/jobs/{job}/aftercare");
    let page = house.get(&path).await;
    let list = &page["items"][0];
    assert_eq!(list["cluster"]["name"], "campus");
    assert_eq!(
        (&list["open"], &list["items"]),
        (&json!(0), &json!([])),
        "a reading leaves nothing to do"
    );
    let said = json!({"cluster_id": at.cluster, "purpose": "tomcat", "item": "backup", "state": "done"});
    let owner = Some(house.owner.as_str());
    let refused = house.call("POST", &path, owner, Some(&said)).await;
    refused.problem(422, "still_running");
    house.post(&format!("/api/v1/jobs/{job}/cancel"), &json!({})).await;
    let refused = house.call("POST", &path, owner, Some(&said)).await;
    assert_eq!(refused.problem(422, "invalid")["errors"][0]["field"], "item");
    let unknown = json!({"cluster_id": uuid::Uuid::now_v7(), "purpose": "tomcat", "item": "backup", "state": "done"});
    house
        .call("POST", &path, owner, Some(&unknown))
        .await
        .problem(404, "not_found");
    let restarts = format!("{path}/restarts");
    let refused = house.call("POST", &restarts, owner, Some(&json!({}))).await;
    refused.problem(422, "nothing_to_restart");
    let elsewhere = json!({"cluster_ids": [uuid::Uuid::now_v7()]});
    let refused = house.call("POST", &restarts, owner, Some(&elsewhere)).await;
    refused.problem(404, "not_found");
    let wrong = json!({"cluster_id": at.cluster, "purpose": "tomcat", "item": "backup", "state": "maybe"});
    house
        .call("POST", &path, owner, Some(&wrong))
        .await
        .problem(422, "invalid");
}

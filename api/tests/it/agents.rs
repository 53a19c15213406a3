//! The agent listener: who is let in, what a poll waits for, whose tasks and nodes are whose.

use crate::house::{House, Joined, answer, key_and_csr, poll_body};
use certyard_domain::clusters::create_group;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

async fn group(house: &House, name: &str) -> Uuid {
    let tx = house.db.db.write(&house.org.owner).await.expect("a transaction");
    let id = create_group(&tx, name, "").await.expect("a group").group.id;
    tx.commit().await.expect("it is kept");
    id
}

async fn poll(house: &House, agent: &Joined, wait_seconds: u64) -> crate::house::Answer {
    answer(
        agent
            .client
            .post(house.agent_url("/agent/v1/poll"))
            .json(&poll_body(wait_seconds)),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_agents_in_use_are_let_in() {
    let house = House::new().await;
    let north = group(&house, "north").await;
    let stranger = house.agent_client(None);
    for (method, path) in [
        ("GET", "/agent/v1/bundle"),
        ("POST", "/agent/v1/poll"),
        ("PUT", "/agent/v1/nodes"),
    ] {
        let request = stranger.request(method.parse().expect("a method"), house.agent_url(path));
        answer(request.json(&json!({}))).await.problem(401, "no_certificate");
    }
    answer(stranger.get(house.agent_url("/agent/v1/nothing")))
        .await
        .problem(404, "no_route");
    answer(stranger.get(house.agent_url("/agent/v1/poll")))
        .await
        .problem(405, "method_not_allowed");
    // The people's API is not here, and the agents' is not there.
    answer(stranger.get(house.agent_url("/api/v1/me")))
        .await
        .problem(404, "no_route");
    house
        .call("GET", "/agent/v1/bundle", Some(&house.owner), None)
        .await
        .problem(404, "no_route");

    let agent = house.join(north).await;
    let bundle = answer(agent.client.get(house.agent_url("/agent/v1/bundle"))).await;
    assert_eq!(bundle.status, 200, "{}", bundle.text);
    let path = format!("/api/v1/agents/{}", agent.identity.agent_id);
    house.post(&format!("{path}/ban"), &json!({"reason": "stolen"})).await;
    let banned = poll(&house, &agent, 0).await;
    assert!(
        banned.problem(403, "forbidden")["detail"]
            .as_str()
            .is_some_and(|text| text.contains("stolen"))
    );
    house.post(&format!("{path}/unban"), &json!({})).await;
    assert_eq!(poll(&house, &agent, 0).await.status, 200);
    // A connection outlives its certificate; the agent does not.
    let now = house.db.db.now().await.expect("a time");
    house.db.db.fix_time(Some(now + chrono::Duration::days(8)));
    poll(&house, &agent, 0).await.problem(401, "identity_expired");
    house.db.db.fix_time(None);
    let old =
        json!({"session": Uuid::now_v7(), "seq": 1, "version": "9", "protocol": 99, "running": [], "capabilities": []});
    answer(agent.client.post(house.agent_url("/agent/v1/poll")).json(&old))
        .await
        .problem(426, "protocol_unsupported");
    assert_eq!(house.call("DELETE", &path, Some(&house.owner), None).await.status, 204);
    poll(&house, &agent, 0).await.problem(410, "agent_retired");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_away_renews_its_identity_and_does_nothing_else_before() {
    let house = House::new().await;
    let north = group(&house, "north").await;
    let now = house.db.db.now().await.expect("a time");
    let joined_days_ago = async |days: i64| {
        house.db.db.fix_time(Some(now - chrono::Duration::days(days)));
        let agent = house.join(north).await;
        house.db.db.fix_time(None);
        agent
    };
    let renew = async |agent: &Joined| {
        let (_, csr) = key_and_csr();
        agent
            .client
            .post(house.agent_url("/agent/v1/renew"))
            .json(&json!({"csr_pem": csr, "version": "9"}))
            .send()
            .await
    };
    // An identity lives for seven days.
    let away = joined_days_ago(7 + 29).await;
    poll(&house, &away, 0).await.problem(401, "identity_expired");
    let renewed = renew(&away).await.expect("an answer");
    assert_eq!(renewed.status(), 200);
    let lost = joined_days_ago(7 + 31).await;
    assert!(renew(&lost).await.is_err(), "it does not get through TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_poll_is_woken_by_work_and_answered_at_the_end_of_the_server() {
    let mut house = House::new().await;
    let north = group(&house, "north").await;
    let agent = house.join(north).await;
    let other = house.join(north).await;
    // What is new is told at once; then there is nothing.
    for agent in [&agent, &other] {
        let first = poll(&house, agent, 30).await.json();
        assert_eq!(first["bundle_changed"], true, "{first}");
        answer(agent.client.get(house.agent_url("/agent/v1/bundle"))).await;
        let nodes = json!({"declared": [], "ready": []});
        answer(agent.client.put(house.agent_url("/agent/v1/nodes")).json(&nodes)).await;
    }
    let idle = poll(&house, &agent, 1).await;
    assert_eq!(idle.json()["work"], false, "{}", idle.text);

    let cluster = house
        .post(
            "/api/v1/clusters",
            &json!({"name": "c1", "product": "cucm", "version": "15", "group_id": north}),
        )
        .await;
    let path = format!("/api/v1/clusters/{}/nodes", cluster["id"].as_str().expect("an id"));
    let node = json!({"name": "n1", "address": "127.0.0.1:1", "role": "publisher", "connector": "cisco_uc", "agent_id": agent.identity.agent_id});
    let node = house.post(&path, &node).await;
    assert_eq!(poll(&house, &agent, 5).await.json()["nodes_changed"], true);
    let nodes = json!({"declared": [], "ready": [node["id"]]});
    let told = answer(agent.client.put(house.agent_url("/agent/v1/nodes")).json(&nodes)).await;
    assert_eq!(told.json()["nodes"][0]["name"], "n1", "{}", told.text);

    let asked = poll(&house, &agent, 30);
    let work = async {
        let plan = house
            .post("/api/v1/plans", &json!({"action": "refresh", "nodes": [node["id"]]}))
            .await;
        assert_eq!(plan["refusal_count"], 0, "{plan:#}");
        house.post("/api/v1/jobs", &json!({"plan_id": plan["id"]})).await
    };
    let began = Instant::now();
    let (woken, _job) = tokio::join!(asked, work);
    assert_eq!(woken.json()["work"], true, "{}", woken.text);
    assert!(
        began.elapsed() < Duration::from_secs(12),
        "it was not woken: {:?}",
        began.elapsed()
    );

    // Tasks and nodes are their agent's.
    let none = answer(
        other
            .client
            .post(house.agent_url("/agent/v1/claim"))
            .json(&json!({"max": 10})),
    )
    .await;
    assert_eq!(none.json()["tasks"], json!([]));
    let claimed = answer(
        agent
            .client
            .post(house.agent_url("/agent/v1/claim"))
            .json(&json!({"max": 10})),
    )
    .await
    .json();
    let task = &claimed["tasks"][0];
    let path = format!(
        "/agent/v1/tasks/{}",
        task["task_id"].as_str().unwrap_or_else(|| panic!("{claimed:#}"))
    );
    let lease = json!({"epoch": task["epoch"], "step": "inventory", "message": "reading"});
    let result = json!({"epoch": task["epoch"], "outcome": "failed", "node_state": "not_started", "steps": [], "csr_pem": null, "inventory": null,
        "failure": {"code": "node_unreachable", "message": "the node does not answer"}});
    let theirs =
        |end: &str, body: &Value| answer(other.client.post(house.agent_url(&format!("{path}/{end}"))).json(body));
    for refused in [theirs("lease", &lease).await, theirs("result", &result).await] {
        assert!(matches!(refused.status.as_u16(), 403 | 404), "{}", refused.text);
    }
    let inventory = json!({"form": "failed", "observed_at": chrono::Utc::now(), "code": "x", "message": "x"});
    let foreign = house.agent_url(&format!(
        "/agent/v1/nodes/{}/inventory",
        node["id"].as_str().expect("an id")
    ));
    assert_eq!(answer(other.client.put(&foreign).json(&inventory)).await.status, 404);
    let mine =
        |end: &str, body: &Value| answer(agent.client.post(house.agent_url(&format!("{path}/{end}"))).json(body));
    assert_eq!(mine("lease", &lease).await.status, 200);
    let stale = json!({"epoch": 99, "step": null, "message": ""});
    assert_eq!(mine("lease", &stale).await.status, 409);
    let (first, again) = (mine("result", &result).await, mine("result", &result).await);
    assert_eq!(
        (first.status.as_u16(), &first.text),
        (200, &again.text),
        "{}",
        first.text
    );

    // A poll that is held when the server stops is answered, not cut.
    let request = other
        .client
        .post(house.agent_url("/agent/v1/poll"))
        .json(&poll_body(50));
    let held = tokio::spawn(answer(request));
    let ops = house.addresses.ops.expect("an address");
    let begin = Instant::now();
    loop {
        let metrics = house
            .client
            .get(format!("http://{ops}/metrics"))
            .send()
            .await
            .expect("an answer");
        let text = metrics.text().await.expect("text");
        if text
            .lines()
            .any(|line| line.starts_with("certyard_agent_polls ") && !line.ends_with(" 0"))
        {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "no poll is held: {text}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    house.stop().await;
    let held = held.await.expect("no panic");
    assert_eq!(held.status, 200, "{}", held.text);
}

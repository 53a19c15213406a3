//! Live progress of a job.

use crate::house::House;
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;

struct Event {
    id: String,
    job: Value,
}

async fn follow(house: &House, path: &str, last: Option<&str>) -> Vec<Event> {
    let mut request = house.request("GET", path).bearer_auth(&house.owner);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = request.send().await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    let mut stream = response.bytes_stream();
    let reading = async {
        while let Some(chunk) = stream.next().await {
            text.push_str(&String::from_utf8_lossy(&chunk.expect("a chunk")));
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reading)
        .await
        .expect("the stream ends with the job");
    text.split("\n\n")
        .filter(|block| block.starts_with("event: job"))
        .map(|block| {
            let line = |name: &str| {
                block
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .expect("a line")
                    .to_string()
            };
            Event {
                id: line("id: "),
                job: serde_json::from_str(&line("data: ")).expect("a job"),
            }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_followed_to_its_end_and_can_be_taken_up_again() {
    let house = House::new().await;
    let cluster = house
        .post(
            "/api/v1/clusters",
            &json!({"name": "c1", "product": "cucm", "version": "15"}),
        )
        .await;
    let group = cluster["group"]["id"].as_str().expect("an id").parse().expect("an id");
    let agent = house.join(group).await;
    house.introduce(&agent).await;
    let path = format!("/api/v1/clusters/{}/nodes", cluster["id"].as_str().expect("an id"));
    let node = json!({"name": "n1", "address": "127.0.0.1:1", "role": "publisher", "connector": "cisco_uc", "agent_id": agent.identity.agent_id});
    let node = house.post(&path, &node).await;
    let ready = json!({"declared": [], "ready": [node["id"]]});
    agent
        .client
        .put(house.agent_url("/agent/v1/nodes"))
        .json(&ready)
        .send()
        .await
        .expect("an answer");
    let plan = house
        .post("/api/v1/plans", &json!({"action": "refresh", "nodes": [node["id"]]}))
        .await;
    assert_eq!(plan["refusal_count"], 0, "{plan:#}");
    let job = house.post("/api/v1/jobs", &json!({"plan_id": plan["id"]})).await;
    let job = job["id"].as_str().expect("an id").to_string();
    let path = format!("/api/v1/jobs/{job}/events");
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        house.post(&format!("/api/v1/jobs/{job}/cancel"), &json!({})).await
    };
    let (events, _) = tokio::join!(follow(&house, &path, None), cancel);
    let last = events.last().expect("an event");
    assert_eq!(last.job["status"], "cancelled", "{:#}", last.job);
    assert!(events.len() >= 2, "{}", events.len());
    let versions: Vec<i64> = events.iter().map(|event| event.id.parse().expect("a number")).collect();
    assert!(versions.is_sorted(), "{versions:?}");
    // Whoever saw the first event only hears the rest; whoever saw all hears the end again.
    assert_eq!(follow(&house, &path, Some(&events[0].id)).await.len(), 1);
    assert_eq!(follow(&house, &path, Some(&last.id)).await.len(), 1);
}

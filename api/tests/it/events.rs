//! Live progress of a job.

use crate::house::House;
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::Barrier;

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
    let furnished = house.furnish("c1").await;
    let job = house.waiting_job(&furnished).await;
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

/// In the last event of a job that was cancelled.
const CANCELLED: &str = "\"status\":\"cancelled\"";

/// Reads a stream to its end, once all that wait are open; whether the job was over is in the last event.
async fn to_the_end(request: reqwest::RequestBuilder, open: &Barrier) -> Vec<String> {
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    open.wait().await;
    let text = tokio::time::timeout(Duration::from_secs(60), response.text())
        .await
        .expect("the stream ends")
        .expect("text");
    text.split("\n\n").map(String::from).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_the_session_the_token_or_the_right_that_opened_it() {
    let house = House::new().await;
    let furnished = house.furnish("north").await;
    let elsewhere = house.post("/api/v1/groups", &json!({"name": "south"})).await;
    let job = house.waiting_job(&furnished).await;
    let path = format!("/api/v1/jobs/{job}/events");
    let body =
        json!({"email": "ada@example.org", "name": "Ada", "role": "viewer", "password": "a long enough passphrase"});
    house.post("/api/v1/members", &body).await;
    let body = json!({"email": "grace@example.org", "name": "Grace", "role": "viewer", "password": "a long enough passphrase"});
    let grace = house.post("/api/v1/members", &body).await;
    let sign_in = async |email: &str| {
        let body = json!({"email": email, "password": "a long enough passphrase"});
        let answer = house.call("POST", "/api/v1/sessions", None, Some(&body)).await;
        let cookie = answer.headers["set-cookie"].to_str().expect("text").to_string();
        cookie.split(';').next().expect("a pair").to_string()
    };
    let (signs_out, loses_group) = (sign_in("ada@example.org").await, sign_in("grace@example.org").await);
    let token = house
        .post("/api/v1/tokens", &json!({"name": "t", "role": "viewer"}))
        .await;
    let open = Barrier::new(5);
    let follow = || house.request("GET", &path);
    let streams = async {
        tokio::join!(
            to_the_end(follow().header("cookie", &signs_out), &open),
            to_the_end(follow().header("cookie", &loses_group), &open),
            to_the_end(follow().bearer_auth(token["secret"].as_str().expect("a token")), &open),
        )
    };
    let stays = to_the_end(follow().bearer_auth(&house.owner), &open);
    let ends = async {
        open.wait().await;
        let out = house
            .request("DELETE", "/api/v1/sessions/current")
            .header("cookie", &signs_out);
        let out = out.header("origin", house.url("")).header("x-certyard-csrf", "1");
        assert_eq!(out.send().await.expect("an answer").status(), 204);
        let revoke = format!("/api/v1/tokens/{}", token["token"]["id"].as_str().expect("an id"));
        assert_eq!(
            house.call("DELETE", &revoke, Some(&house.owner), None).await.status,
            204
        );
        let bind = format!("/api/v1/members/{}", grace["id"].as_str().expect("an id"));
        let groups = json!({"group_ids": [elsewhere["id"]]});
        assert_eq!(
            house
                .call("PATCH", &bind, Some(&house.owner), Some(&groups))
                .await
                .status,
            200
        );
    };
    let first_three = async {
        let (three, ()) = tokio::join!(streams, ends);
        // Whoever is still let in hears the end of the job.
        house.post(&format!("/api/v1/jobs/{job}/cancel"), &json!({})).await;
        three
    };
    let (three, fourth) = tokio::join!(first_three, stays);
    for events in [&three.0, &three.1, &three.2] {
        assert!(!events.concat().contains(CANCELLED), "{events:?}");
    }
    assert!(fourth.concat().contains(CANCELLED), "{fourth:?}");
}

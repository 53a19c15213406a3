//! Who is told to come later, and who is let in meanwhile.

use crate::house::{Answer, House, answer};
use certyard_api::Config;
use certyard_domain::Role;
use serde_json::json;
use std::num::NonZeroU32;

/// One failure a minute for each address: the second one throttles it for a minute, longer than any test takes from there.
fn one_failure(config: &mut Config) {
    config.rates.address_per_minute = NonZeroU32::MIN;
}

/// A request that says which address it comes from.
async fn from(house: &House, address: &str, token: &str) -> Answer {
    let request = house.request("GET", "/api/v1/me").bearer_auth(token);
    answer(request.header("x-forwarded-for", address)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_guesses_is_refused_unheard_and_whoever_was_in_stays_in() {
    let house = House::with(one_failure).await;
    let stranger = house.token(&house.org.owner, Role::Viewer, None).await;
    let me = async |token: &str| house.call("GET", "/api/v1/me", Some(token), None).await;
    assert_eq!(me(&house.owner).await.status, 200);
    me("cyd_wrong").await.problem(401, "invalid_credential");
    me("cyd_wrong").await.problem(429, "too_many_requests");
    // Nothing is looked up for it any more, or this good token would be let in.
    let refused = me(&stranger).await;
    refused.problem(429, "too_many_requests");
    let seconds: u64 = refused.headers["retry-after"]
        .to_str()
        .expect("text")
        .parse()
        .expect("a number");
    assert!((1..=61).contains(&seconds), "{seconds}");
    assert_eq!(me(&house.owner).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_believed_from_a_trusted_proxy_in_limits_and_in_the_audit() {
    let house = House::with(|config| {
        one_failure(config);
        config.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    })
    .await;
    from(&house, "198.51.100.1", "cyd_wrong")
        .await
        .problem(401, "invalid_credential");
    from(&house, "198.51.100.1", "cyd_wrong")
        .await
        .problem(429, "too_many_requests");
    from(&house, "198.51.100.2", "cyd_wrong")
        .await
        .problem(401, "invalid_credential");
    // What the client itself put before the proxy's word is not believed.
    from(&house, "198.51.100.3, 198.51.100.1", &house.owner)
        .await
        .problem(429, "too_many_requests");
    let create = house.request("POST", "/api/v1/groups").bearer_auth(&house.owner);
    let created = answer(
        create
            .header("x-forwarded-for", "198.51.100.9")
            .json(&json!({"name": "g"})),
    )
    .await;
    assert_eq!(created.status, 201, "{}", created.text);
    let row = house.get("/api/v1/audit?action=group.create").await["items"][0].clone();
    assert_eq!(row["address"], "198.51.100.9", "{row:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_from_anyone_else_is_not_believed() {
    let house = House::with(|config| {
        one_failure(config);
        config.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a network")];
    })
    .await;
    let create = house.request("POST", "/api/v1/groups").bearer_auth(&house.owner);
    let created = answer(
        create
            .header("x-forwarded-for", "198.51.100.9")
            .json(&json!({"name": "g"})),
    )
    .await;
    assert_eq!(created.status, 201, "{}", created.text);
    let row = house.get("/api/v1/audit?action=group.create").await["items"][0].clone();
    assert_eq!(row["address"], "127.0.0.1", "{row:#}");
    from(&house, "198.51.100.1", "cyd_wrong")
        .await
        .problem(401, "invalid_credential");
    from(&house, "198.51.100.2", "cyd_wrong")
        .await
        .problem(429, "too_many_requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_at_the_listener_of_agents_are_limited_whatever_they_ask_and_agents_are_not() {
    let house = House::with(|config| config.rates.address_per_minute = NonZeroU32::new(3).expect("a number")).await;
    // Joining is a stranger's request.
    let agent = house.furnish("north").await.agent;
    let stranger = house.agent_client(None);
    let get = async |path: &str| answer(stranger.get(house.agent_url(path))).await;
    get("/agent/v1/bundle").await.problem(401, "no_certificate");
    get("/agent/v1/nothing").await.problem(404, "no_route");
    for path in ["/agent/v1/bundle", "/agent/v1/nothing", "/agent/v1/enroll"] {
        // A slow machine gives some of the rate back meanwhile.
        let mut last = get(path).await;
        for _ in 0..50 {
            if last.status == 429 {
                break;
            }
            last = get(path).await;
        }
        last.problem(429, "too_many_requests");
    }
    let bundle = answer(agent.client.get(house.agent_url("/agent/v1/bundle"))).await;
    assert_eq!(bundle.status, 200, "{}", bundle.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_asks_too_much_is_refused_before_it_is_looked_up() {
    let mut house =
        House::with(|config| config.rates.credential_per_minute = NonZeroU32::new(60).expect("a number")).await;
    let agent = house.furnish("north").await.agent;
    let bundle = async || answer(agent.client.get(house.agent_url("/agent/v1/bundle"))).await;
    let banned = format!("/api/v1/agents/{}/ban", agent.identity.agent_id);
    house.post(&banned, &json!({"reason": "stolen"})).await;
    let mut codes = Vec::new();
    for _ in 0..200 {
        codes.push(bundle().await.code());
        if codes.last().is_some_and(|code| code == "too_many_requests") {
            break;
        }
    }
    assert_eq!(codes.first().map(String::as_str), Some("forbidden"), "{codes:?}");
    assert_eq!(codes.last().map(String::as_str), Some("too_many_requests"), "{codes:?}");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_session_is_no_place_to_guess_the_password_at() {
    let house = House::new().await;
    let password = "a long enough passphrase";
    let member = json!({"email": "ada@example.org", "name": "Ada", "role": "admin", "password": password});
    house.post("/api/v1/members", &member).await;
    let sign_in = json!({"email": "ada@example.org", "password": password});
    let signed_in = house.call("POST", "/api/v1/sessions", None, Some(&sign_in)).await;
    let cookie = signed_in.headers["set-cookie"].to_str().expect("text");
    let session = cookie.split(';').next().expect("a pair").to_string();
    let change = async |present: &str| {
        let request = house
            .request("POST", "/api/v1/me/password")
            .header("cookie", &session)
            .header("origin", house.url(""))
            .header("x-certyard-csrf", "1");
        answer(request.json(&json!({"present_password": present, "new_password": "another long passphrase"}))).await
    };
    for guess in 0..5 {
        let refused = change(&format!("guess {guess}")).await.problem(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "present_password");
    }
    change(password).await.problem(429, "too_many_requests");
    // The same guesses at the door count as well.
    let door = house.call("POST", "/api/v1/sessions", None, Some(&sign_in)).await;
    door.problem(429, "too_many_requests");
    let rows = house.get("/api/v1/audit?action=member.refuse_password").await;
    assert_eq!(rows["items"].as_array().map(Vec::len), Some(5), "{rows:#}");
    let now = house.db.db.now().await.expect("a time");
    house.db.db.fix_time(Some(now + chrono::Duration::minutes(16)));
    assert_eq!(change(password).await.status, 204);
}

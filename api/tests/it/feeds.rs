//! Feeds and gauges over HTTP: calendars by a token in the address, and the text of Prometheus by a token that reads nothing else.

use crate::house::{Answer, House, text};
use certyard_domain::Role;
use serde_json::{Value, json};

const PASSWORD: &str = "a long enough passphrase";

impl House {
    /// A person with a session: their membership and cookie.
    async fn person(&self, email: &str, groups: Option<&[&str]>) -> (String, String) {
        let body = json!({"email": email, "name": "Ada", "role": "viewer", "password": PASSWORD, "group_ids": groups});
        let member = self.post("/api/v1/members", &body).await;
        let body = json!({"email": email, "password": PASSWORD});
        let answer = self.call("POST", "/api/v1/sessions", None, Some(&body)).await;
        let cookie = answer.headers["set-cookie"].to_str().expect("text");
        let session = cookie.split(';').next().expect("a pair").to_string();
        (text(&member["id"]), session)
    }

    async fn as_person(&self, session: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self
            .request(method, path)
            .header("cookie", session)
            .header("x-certyard-csrf", "1")
            .header("origin", self.url(""));
        if let Some(body) = body {
            request = request.json(body);
        }
        crate::house::answer(request).await
    }

    async fn feed(&self, session: &str, body: &Value) -> (String, String) {
        let made = self.as_person(session, "POST", "/api/v1/feeds", Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json();
        let url = text(&made["url"]);
        let path = url[url.find("/api/").expect("a path")..].to_string();
        (text(&made["feed"]["id"]), path)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_a_calendar_of_what_its_person_sees_until_it_is_revoked_or_they_are_gone() {
    let house = House::new().await;
    let (north, south) = (house.furnish("north, east; \"x\"").await, house.furnish("south").await);
    house
        .report_entries(&north, &[("tomcat", 20), ("tomcat-trust", 40)])
        .await;
    house.report(&south, 30).await;
    let group = text(&house.get(&format!("/api/v1/clusters/{}", south.cluster)).await["group"]["id"]);
    let (_, all) = house.person("ada@example.org", None).await;
    let (bound_id, bound) = house.person("grace@example.org", Some(&[&group])).await;

    let (feed, path) = house.feed(&all, &json!({"name": "my calendar"})).await;
    let read = house.call("GET", &path, None, None).await;
    assert_eq!(read.status, 200, "{}", read.text);
    assert_eq!(
        read.headers["content-type"],
        "text/calendar; charset=utf-8; method=PUBLISH"
    );
    let unfolded = read.text.replace("\r\n ", "");
    assert_eq!(unfolded.matches("BEGIN:VEVENT").count(), 2, "{unfolded}");
    assert!(
        unfolded.contains("SUMMARY:Expires: n1.example.org (tomcat\\, north\\, east\\; \"x\")"),
        "{unfolded}"
    );
    let (_, with_trust) = house
        .feed(&all, &json!({"name": "all", "language": "de", "include_trust": true}))
        .await;
    let read = house.call("GET", &with_trust, None, None).await.text;
    assert_eq!(read.matches("BEGIN:VEVENT").count(), 3, "{read}");
    assert!(read.contains("SUMMARY:Läuft ab: "), "{read}");

    // Whoever is bound to a group has its ends in the calendar, and sees the feeds of nobody else.
    let (_, narrow) = house.feed(&bound, &json!({"name": "mine"})).await;
    let read = house.call("GET", &narrow, None, None).await.text;
    assert_eq!(read.matches("BEGIN:VEVENT").count(), 1, "{read}");
    assert!(read.contains("south") && !read.contains("north"), "{read}");
    let listed = house.as_person(&bound, "GET", "/api/v1/feeds", None).await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed:#}");
    assert!(listed["items"][0]["last_used_at"].is_string(), "{listed:#}");
    assert!(!listed.to_string().contains("cyf_"), "{listed:#}");
    let foreign = house
        .as_person(&bound, "DELETE", &format!("/api/v1/feeds/{feed}"), None)
        .await;
    assert_eq!(foreign.status, 404, "{}", foreign.text);

    // Revoked, and ended with its person.
    let revoked = house
        .as_person(&all, "DELETE", &format!("/api/v1/feeds/{feed}"), None)
        .await;
    assert_eq!(revoked.status, 204, "{}", revoked.text);
    house
        .call("GET", &path, None, None)
        .await
        .problem(401, "invalid_credential");
    let gone = house
        .call(
            "DELETE",
            &format!("/api/v1/members/{bound_id}"),
            Some(&house.owner),
            None,
        )
        .await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    house
        .call("GET", &narrow, None, None)
        .await
        .problem(401, "invalid_credential");

    // What people send: another token, none, a feed of a program, a language that is none.
    for wrong in ["cyf_x_y_z", &house.owner] {
        let path = format!("/api/v1/feeds/expiries.ics?token={wrong}");
        house
            .call("GET", &path, None, None)
            .await
            .problem(401, "invalid_credential");
    }
    let program = house
        .call("POST", "/api/v1/feeds", Some(&house.owner), Some(&json!({"name": "x"})))
        .await;
    program.problem(422, "people_only");
    for (field, body) in [
        ("name", json!({"name": " "})),
        ("language", json!({"name": "x", "language": "xx"})),
    ] {
        let answer = house.as_person(&all, "POST", "/api/v1/feeds", Some(&body)).await;
        assert_eq!(answer.problem(422, "invalid")["errors"][0]["field"], field);
    }
    for index in 1..20 {
        house.feed(&all, &json!({"name": format!("feed {index}")})).await;
    }
    let one_more = house
        .as_person(&all, "POST", "/api/v1/feeds", Some(&json!({"name": "x"})))
        .await;
    one_more.problem(422, "too_many");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_reads_gauges_of_its_groups_and_nothing_else() {
    let house = House::new().await;
    let (north, south) = (house.furnish("north").await, house.furnish("south").await);
    house
        .report_entries(&north, &[("tomcat", 20), ("tomcat-trust", 3)])
        .await;
    house
        .report_entries(&south, &[("tomcat", 1000), ("CallManager", -1)])
        .await;
    certyard_domain::inventory::refresh_due(&house.db.db)
        .await
        .expect("the counts follow");
    let monitor = house.token(&house.org.owner, Role::Monitor, None).await;
    let answer = house.call("GET", "/api/v1/metrics", Some(&monitor), None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    for line in [
        r#"certyard_certificates{product="cucm",kind="identity",state="valid"} 1"#,
        r#"certyard_certificates{product="cucm",kind="identity",state="expiring"} 1"#,
        r#"certyard_certificates{product="cucm",kind="identity",state="expired"} 1"#,
        r#"certyard_certificates{product="cucm",kind="trust",state="expiring"} 1"#,
        r#"certyard_certificates_ending{product="cucm",kind="identity",window="7d"} 0"#,
        r#"certyard_certificates_ending{product="cucm",kind="identity",window="30d"} 1"#,
        r#"certyard_certificates_ending{product="cucm",kind="trust",window="7d"} 1"#,
        r#"certyard_organisation_alerting_trouble{code="no_recipients"} 1"#,
    ] {
        assert!(
            answer.text.contains(&format!("{line}\n")),
            "{line} is missing:\n{}",
            answer.text
        );
    }
    assert!(!answer.text.contains("north"), "{}", answer.text);
    let group = text(&house.get(&format!("/api/v1/clusters/{}", south.cluster)).await["group"]["id"]);
    let groups = Some(vec![group.parse().expect("an id")]);
    let bound = house.token(&house.org.owner, Role::Monitor, groups).await;
    let answer = house
        .call("GET", "/api/v1/metrics?per_cluster=true", Some(&bound), None)
        .await;
    assert!(
        answer
            .text
            .contains(r#"certyard_cluster_certificates{cluster="south","#),
        "{}",
        answer.text
    );
    assert!(
        !answer.text.contains("north") && !answer.text.contains("expiring\"} 1"),
        "{}",
        answer.text
    );
    for path in [
        "/api/v1/clusters",
        "/api/v1/overview",
        "/api/v1/messages",
        "/api/v1/feeds",
    ] {
        house
            .call("GET", path, Some(&monitor), None)
            .await
            .problem(403, "forbidden");
    }
    let person = json!({"email": "ada@example.org", "name": "Ada", "role": "monitor", "password": PASSWORD});
    let refused = house
        .call("POST", "/api/v1/members", Some(&house.owner), Some(&person))
        .await;
    assert_eq!(refused.problem(422, "invalid")["errors"][0]["code"], "programs_only");
}

//! Lists over HTTP: alerts, filters with several values, search, periods, and the same lists as CSV.

use crate::house::{House, text};
use certyard_domain::Role;
use certyard_domain::clusters::{self, NewCluster};
use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

fn names(page: &Value, member: &str) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| text(&item[member])).collect()
}

/// Reads CSV as RFC 4180 has it.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut letters) = (false, text.chars().peekable());
    while let Some(letter) = letters.next() {
        match (letter, quoted) {
            ('"', true) if letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            ('"', _) => quoted = !quoted,
            (',', false) => record.push(std::mem::take(&mut cell)),
            ('\r', false) => {
                assert_eq!(letters.next(), Some('\n'), "a line ends in CR LF");
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            (letter, _) => cell.push(letter),
        }
    }
    assert!(
        !quoted && cell.is_empty() && record.is_empty(),
        "the last line has an end"
    );
    let width = records[0].len();
    assert!(records.iter().all(|record| record.len() == width));
    records
}

async fn csv(house: &House, path: &str) -> Vec<Vec<String>> {
    let answer = house.call("GET", path, Some(&house.owner), None).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    assert_eq!(
        answer.headers["content-type"], "text/csv; charset=utf-8; header=present",
        "{path}"
    );
    let disposition = answer.headers["content-disposition"].to_str().expect("text");
    assert!(
        disposition.starts_with("attachment; filename=\"") && disposition.ends_with(".csv\""),
        "{disposition}"
    );
    records(&answer.text)
}

fn column<'a>(records: &'a [Vec<String>], name: &str) -> Vec<&'a str> {
    let at = records[0].iter().position(|known| known == name).expect("a column");
    records[1..].iter().map(|record| record[at].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn r06_r07_r08_alerts_have_their_columns_filters_and_totals() {
    let house = House::new().await;
    let (soon, late) = (house.furnish("soon").await, house.furnish("late").await);
    house.report(&soon, 5).await;
    house.report(&late, 4000).await;
    let page = house.get("/api/v1/alerts").await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1), "{page:#}");
    let row = &page["items"][0];
    // R7: Cluster, Certificate, Common name, Product, Type, Status, Server name, Expiry date.
    assert_eq!(row["cluster"]["name"], "soon");
    assert_eq!(row["store"], "tomcat");
    assert_eq!(row["common_name"], "n1.example.org");
    assert_eq!(row["product"], "cucm");
    assert_eq!(row["kind"], "identity");
    assert_eq!(row["status"], "critical");
    assert_eq!(row["node"]["name"], "n1");
    assert!(row["not_after"].is_string());
    let count = async |query: &str| {
        let page = house.get(&format!("/api/v1/alerts?{query}")).await;
        page["items"].as_array().expect("items").len()
    };
    let cluster = |id: &str| format!("cluster={id}");
    for (query, expected) in [
        ("certificate=tomcat&certificate=ipsec".to_string(), 1),
        ("certificate=ipsec".into(), 0),
        ("product=imp&product=cucm".into(), 1),
        ("product=imp".into(), 0),
        ("status=expired".into(), 0),
        ("status=expired&status=expiring".into(), 1),
        ("kind=trust".into(), 0),
        (format!("group={}", soon.group), 1),
        (format!("group={}", late.group), 0),
        (cluster(&late.cluster), 0),
        (format!("{}&{}", cluster(&late.cluster), cluster(&soon.cluster)), 1),
        ("search=N1.EXAMPLE".into(), 1),
        ("search=%25".into(), 0),
    ] {
        assert_eq!(count(&query).await, expected, "{query}");
    }
    let owner = Some(house.owner.as_str());
    let valid = house.call("GET", "/api/v1/alerts?status=valid", owner, None).await;
    assert_eq!(valid.problem(422, "invalid")["errors"][0]["field"], "status");
    let totals = house.get("/api/v1/alerts/summary").await;
    assert_eq!(
        totals,
        json!({"identity": {"total": 1, "expired": 0, "expiring": 1}, "trust": {"total": 0, "expired": 0, "expiring": 0}})
    );
    let none = house.get("/api/v1/alerts/summary?product=imp").await;
    assert_eq!(none["identity"]["total"], 0);
    // The same as CSV, with R7's columns first.
    let records = csv(&house, "/api/v1/alerts.csv?certificate=tomcat").await;
    assert_eq!(
        records[0][..8],
        [
            "cluster",
            "certificate",
            "common_name",
            "product",
            "type",
            "status",
            "server_name",
            "not_after"
        ]
    );
    assert_eq!(
        records[1][..7],
        ["soon", "tomcat", "n1.example.org", "cucm", "identity", "critical", "n1"]
    );
    assert_eq!(records[1][7], text(&row["not_after"]));
    assert_eq!(csv(&house, "/api/v1/alerts.csv?certificate=ipsec").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_are_counted_by_day_as_the_lists_of_these_days_have_them() {
    let house = House::new().await;
    let (soon, late) = (house.furnish("soon").await, house.furnish("late").await);
    house.report(&soon, 5).await;
    house.report(&late, 4000).await;
    let row = house.get("/api/v1/alerts").await["items"][0].clone();
    let day = text(&row["not_after"])[..10].to_string();
    let next = (day.parse::<NaiveDate>().expect("a day") + Days::new(1)).to_string();
    let range = format!("from={day}&until={next}");
    let days = house.get(&format!("/api/v1/expiries?{range}")).await;
    let counted = json!({"days": [{"day": day, "identity": 1, "trust": 0}]});
    assert_eq!(days, counted);
    let ends = format!("not_after_from={day}T00:00:00Z&not_after_until={next}T00:00:00Z");
    for list in ["alerts", "installations"] {
        let page = house.get(&format!("/api/v1/{list}?{ends}")).await;
        assert_eq!(names(&page, "id"), [text(&row["id"])], "{list} of the day");
        let page = house
            .get(&format!("/api/v1/{list}?not_after_until={day}T00:00:00Z"))
            .await;
        assert_eq!(names(&page, "id"), [""; 0], "{list} before the day");
    }
    // Who sees some groups is told of these alone, and of the same numbers.
    for (group, expected) in [(&soon.group, counted), (&late.group, json!({"days": []}))] {
        let body = json!({"name": "bound", "role": "viewer", "group_ids": [group]});
        let secret = text(&house.post("/api/v1/tokens", &body).await["secret"]);
        let path = format!("/api/v1/expiries?{range}");
        let answer = house.call("GET", &path, Some(&secret), None).await;
        assert_eq!(answer.json(), expected);
    }
    let owner = Some(house.owner.as_str());
    for until in [day.as_str(), "2099-01-01"] {
        let path = format!("/api/v1/expiries?from={day}&until={until}");
        let refused = house.call("GET", &path, owner, None).await;
        assert_eq!(refused.problem(422, "invalid")["errors"][0]["field"], "until");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_listed_by_how_they_are() {
    let house = House::new().await;
    let here = house.furnish("here").await;
    let listed = async |query: &str| names(&house.get(&format!("/api/v1/agents?{query}")).await, "id");
    let id = here.agent.identity.agent_id.to_string();
    assert_eq!(listed("status=online&status=banned").await, [id.as_str()]);
    assert_eq!(listed("status=offline").await, [""; 0]);
    house
        .post(&format!("/api/v1/agents/{id}/ban"), &json!({"reason": "stolen"}))
        .await;
    assert_eq!(listed("status=online").await, [""; 0]);
    assert_eq!(listed("status=banned").await, [id.as_str()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_tells_what_happened_where_it_is() {
    let house = House::new().await;
    let here = house.furnish("here").await;
    house.report(&here, 5).await;
    let row = house.get("/api/v1/installations").await["items"][0].clone();
    let path = format!("/api/v1/certificates/{}/history", text(&row["certificate_id"]));
    let page = house.get(&path).await;
    let events = names(&page, "event");
    assert!(events.iter().any(|event| event == "installed"), "{events:?}");
    let of_place = house
        .get(&format!("/api/v1/installations/{}/history", text(&row["id"])))
        .await;
    assert_eq!(page, of_place);
    let elsewhere = house.furnish("elsewhere").await;
    let body = json!({"name": "bound", "role": "viewer", "group_ids": [elsewhere.group]});
    let secret = text(&house.post("/api/v1/tokens", &body).await["secret"]);
    house
        .call("GET", &path, Some(&secret), None)
        .await
        .problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_all_rows_and_none_that_a_spreadsheet_calculates() {
    let house = House::new().await;
    let group = text(&house.post("/api/v1/groups", &json!({"name": "north"})).await["id"]);
    let group = group.parse().expect("an id");
    // More than two of the largest pages, and names that need quotes.
    let odd = ["=1+1", "+1", "-1", "@x", "a,b", "say \"hi\"", "åäö"];
    let tx = house.db.db.write(&house.org.owner).await.expect("a transaction");
    let plain = (0..410).map(|index| format!("plain-{index:03}"));
    let mut expected: Vec<String> = odd.iter().map(ToString::to_string).chain(plain).collect();
    for (index, name) in expected.iter().enumerate() {
        let new = NewCluster {
            group_id: group,
            name: name.clone(),
            product: if index % 2 == 0 { "cucm" } else { "imp" }.into(),
            product_version: "14".into(),
            enabled: true,
            description: String::new(),
        };
        clusters::create(&tx, new).await.expect("a cluster");
    }
    tx.commit().await.expect("it is kept");
    let records = csv(&house, "/api/v1/clusters.csv").await;
    let mut found: Vec<String> = column(&records, "name").iter().map(ToString::to_string).collect();
    for name in ["=1+1", "+1", "-1", "@x"] {
        assert!(!found.contains(&name.to_string()), "{name} would be calculated");
        let at = found
            .iter()
            .position(|known| *known == format!("'{name}"))
            .expect("with an apostrophe");
        found[at] = name.into();
    }
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    // The same filters as the list.
    let cucm = csv(&house, "/api/v1/clusters.csv?product=cucm&search=plain").await;
    assert_eq!(column(&cucm, "product"), vec!["cucm"; 205]);
    let both = csv(&house, "/api/v1/clusters.csv?product=cucm&product=imp&search=plain-00").await;
    assert_eq!(both.len(), 11);
    // The list itself pages.
    assert_eq!(
        house.get("/api/v1/clusters?limit=200").await["items"]
            .as_array()
            .map(Vec::len),
        Some(200)
    );
    let owner = Some(house.owner.as_str());
    for (query, field) in [("limit=5", "limit"), ("cursor=x", "cursor"), ("colour=red", "colour")] {
        let refused = house
            .call("GET", &format!("/api/v1/clusters.csv?{query}"), owner, None)
            .await;
        assert_eq!(refused.problem(422, "invalid")["errors"][0]["field"], field);
    }
    // Whoever is bound to another group exports their own rows only.
    let south = text(&house.post("/api/v1/groups", &json!({"name": "south"})).await["id"]);
    let bound = house
        .token(
            &house.org.owner,
            Role::Viewer,
            Some(vec![south.parse().expect("an id")]),
        )
        .await;
    let answer = house.call("GET", "/api/v1/clusters.csv", Some(&bound), None).await;
    assert_eq!(records_of(&answer.text), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clutters_a_trust_store_has_a_plan_and_what_was_taken_has_the_way_back() {
    let house = House::new().await;
    let at = house.furnish("campus").await;
    house
        .report_entries(&at, &[("tomcat", 100), ("ipsec-trust", 50), ("TVS-trust", 60)])
        .await;
    let path = format!(
        "/api/v1/trust-hygiene?reason=unused&store=ipsec-trust&cluster_id={}",
        at.cluster
    );
    let page = house.get(&path).await;
    let row = &page["items"][0];
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1), "{page:#}");
    let reasons = row["reasons"].as_array().expect("reasons");
    assert!(reasons.iter().any(|reason| reason["code"] == "unused"), "{row:#}");
    assert_eq!(
        (&row["stores"], &row["node_count"]),
        (&json!(["ipsec-trust"]), &json!(1))
    );
    assert_eq!(
        row["plan"],
        json!({"action": "delete", "filter": {"cluster_ids": [at.cluster], "group_ids": [], "product": null},
            "stores": ["ipsec-trust"], "certificate_ids": [row["certificate_id"]]})
    );
    // A plan is made of it as it stands; this agent has not said that it can delete.
    let plan = house.post("/api/v1/plans", &row["plan"]).await;
    assert_eq!(
        (&plan["action"], &plan["refusals"][0]["code"]),
        (&json!("delete"), &json!("unsupported_step"))
    );
    let wrong = house
        .call("GET", "/api/v1/trust-hygiene?reason=old", Some(&house.owner), None)
        .await;
    wrong.problem(422, "invalid");

    assert_eq!(house.get("/api/v1/quarantine").await["items"], json!([]));
    house.report_entries(&at, &[("tomcat", 100), ("TVS-trust", 60)]).await;
    let page = house.get("/api/v1/quarantine?store=ipsec-trust").await;
    let kept = &page["items"][0];
    assert_eq!(kept["sha256"], row["sha256"]);
    assert_eq!(
        (&kept["node"]["name"], &kept["job_id"], &kept["removed_by"]),
        (&json!("n1"), &Value::Null, &Value::Null),
        "it went without a job"
    );
    assert_eq!(kept["plan"], json!({"action": "restore", "quarantine": [kept["id"]]}));
    let plan = house.post("/api/v1/plans", &kept["plan"]).await;
    assert_eq!(
        (&plan["action"], &plan["refusal_count"]),
        (&json!("restore"), &json!(1))
    );
    let unknown = json!({"action": "restore", "quarantine": [uuid::Uuid::now_v7()]});
    let owner = Some(house.owner.as_str());
    house
        .call("POST", "/api/v1/plans", owner, Some(&unknown))
        .await
        .problem(404, "not_found");
    let other = json!({"action": "delete", "quarantine": [kept["id"]]});
    let refused = house.call("POST", "/api/v1/plans", owner, Some(&other)).await;
    assert_eq!(refused.problem(422, "invalid")["errors"][0]["field"], "quarantine");
    assert_eq!(house.get("/api/v1/quarantine?restored=true").await["items"], json!([]));
    // A self-signed certificate is of no public CA.
    assert_eq!(
        house.get("/api/v1/server-only-certificates?purpose=tomcat").await["items"],
        json!([])
    );
}

fn records_of(text: &str) -> usize {
    records(text).len() - 1
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_has_its_file_with_the_rows_of_the_list() {
    let house = House::new().await;
    let at = house.furnish("north").await;
    let root_change = crate::root_changes::begin(&house, &at).await;
    house.report_entries(&at, &[("tomcat", 5), ("ipsec-trust", 5)]).await;
    house.waiting_job(&at).await;
    house.post("/api/v1/profiles", &json!({"name": "Campus"})).await;
    let certificate = text(&house.get("/api/v1/certificates").await["items"][0]["id"]);
    let (mut exports, mut rows) = (0, 0);
    for operation in certyard_api::operations::OPERATIONS {
        let Some(list) = operation.path.strip_suffix(".csv") else {
            continue;
        };
        let of = |path: &str| {
            let id = if path.contains("/certificates/{id}") {
                &certificate
            } else if path.contains("/root-changes/{id}") {
                &root_change
            } else {
                &at.cluster
            };
            path.replace("{id}", id)
        };
        let records = csv(&house, &of(operation.path)).await;
        // Other tests of the same organisation there are none: both are of one moment.
        let page = house.get(&format!("{}?limit=200", of(list))).await;
        let listed = page["items"].as_array().expect("items");
        assert_eq!(records.len() - 1, listed.len(), "{list}");
        if let Some(ids) = records[0].iter().position(|name| name == "id") {
            let told: Vec<&str> = records[1..].iter().map(|record| record[ids].as_str()).collect();
            let wanted: Vec<&str> = listed.iter().map(|item| item["id"].as_str().expect("an id")).collect();
            assert_eq!(told, wanted, "{list}");
        }
        exports += 1;
        rows += listed.len();
    }
    assert_eq!(exports, 21);
    assert!(rows > exports, "only {rows} rows in {exports} files");
}

#[tokio::test(flavor = "multi_thread")]
async fn r24_r26_r29_filters_take_several_values() {
    let house = House::new().await;
    let at = house.furnish("north").await;
    house.report(&at, 5).await;
    house.furnish("south").await;
    let clusters = house
        .get("/api/v1/clusters?product=cucm&product=imp&status=ok&status=attention")
        .await;
    assert_eq!(names(&clusters, "name"), ["north", "south"]);
    assert_eq!(clusters["items"][0]["identity"]["expiring"], 1);
    let built_in = "profile=00000000-0000-0000-0000-000000000000";
    assert_eq!(
        names(&house.get(&format!("/api/v1/clusters?{built_in}")).await, "name").len(),
        2
    );
    let own = house.post("/api/v1/profiles", &json!({"name": "Campus"})).await;
    let body = json!({"profile_id": own["id"]});
    let path = format!("/api/v1/clusters/{}/profile", at.cluster);
    let owner = Some(house.owner.as_str());
    house.call("PUT", &path, owner, Some(&body)).await;
    let campus = format!("profile={}", text(&own["id"]));
    assert_eq!(
        names(&house.get(&format!("/api/v1/clusters?{campus}")).await, "name"),
        ["north"]
    );
    assert_eq!(
        names(
            &house.get(&format!("/api/v1/clusters?{campus}&{built_in}")).await,
            "name"
        )
        .len(),
        2
    );
    let identity = format!("/api/v1/clusters/{}/identity-certificates", at.cluster);
    for (query, expected) in [
        ("", 1),
        ("?purpose=tomcat&purpose=ipsec", 1),
        ("?store=ipsec", 0),
        ("?status=expired&status=expiring", 1),
        ("?status=valid", 0),
        ("?search=N1", 1),
    ] {
        let page = house.get(&format!("{identity}{query}")).await;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(expected), "{query}");
    }
    for field in ["kind=trust", "cluster_id=00000000-0000-0000-0000-000000000001"] {
        let refused = house.call("GET", &format!("{identity}?{field}"), owner, None).await;
        let named = field.split('=').next().expect("a name");
        assert_eq!(refused.problem(422, "invalid")["errors"][0]["field"], named);
    }
    let certificate = text(&house.get(&identity).await["items"][0]["certificate_id"]);
    let holders = house.get(&format!("/api/v1/certificates/{certificate}/clusters")).await;
    assert_eq!(holders["items"][0]["cluster"]["name"], "north");
    assert_eq!(
        (
            &holders["items"][0]["node_count"],
            &holders["items"][0]["identity_count"]
        ),
        (&json!(1), &json!(1))
    );
    let trusting = house
        .get(&format!("/api/v1/certificates/{certificate}/clusters?kind=trust"))
        .await;
    assert_eq!(trusting["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn r25_r31_the_summary_counts_jobs_of_the_period_that_was_asked_for() {
    let house = House::new().await;
    let at = house.furnish("north").await;
    house.report(&at, 5).await;
    let job = house.waiting_job(&at).await;
    let path = format!("/api/v1/clusters/{}/summary", at.cluster);
    let month = house.get(&path).await;
    assert_eq!(
        month["identity"],
        json!({"total": 1, "valid": 0, "expiring": 1, "expired": 0})
    );
    assert_eq!(
        month["jobs"],
        json!({"total": 1, "complete": 0, "pending": 1, "failed": 0})
    );
    assert!(text(&month["from"]).ends_with("-01T00:00:00Z"), "{month}");
    assert_eq!(month["to"], Value::Null);
    let past = house
        .get(&format!("{path}?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z"))
        .await;
    assert_eq!(past["jobs"]["total"], 0);
    assert_eq!(past["to"], "2020-02-01T00:00:00Z");
    assert_eq!(past["identity"]["total"], 1, "certificates have no period");
    let owner = Some(house.owner.as_str());
    for query in [
        "from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z",
        "to=2020-01-01T00:00:00Z",
    ] {
        for path in [
            path.clone(),
            format!("/api/v1/clusters/{}/jobs", at.cluster),
            "/api/v1/jobs".into(),
        ] {
            let refused = house.call("GET", &format!("{path}?{query}"), owner, None).await;
            assert_eq!(refused.problem(422, "invalid")["errors"][0]["field"], "to");
        }
    }
    // R31: Job status, Job type, Node, Time stamp, Certificate, Product.
    let row = house.get(&format!("/api/v1/clusters/{}/jobs", at.cluster)).await["items"][0].clone();
    assert_eq!((&row["status"], &row["action"]), (&json!("waiting"), &json!("refresh")));
    assert_eq!(
        row["targets"],
        json!([{"node": {"id": at.node, "name": "n1"}, "certificate": null}])
    );
    assert_eq!(row["product"], "cucm");
    assert!(row["created_at"].is_string());
    let records = csv(&house, &format!("/api/v1/clusters/{}/jobs.csv", at.cluster)).await;
    assert_eq!(
        records[0][..6],
        ["status", "type", "nodes", "created_at", "certificates", "product"]
    );
    assert_eq!(records[1][..3], ["waiting", "refresh", "n1"]);
    let detail = house.get(&format!("/api/v1/jobs/{job}")).await;
    assert_eq!((&detail["id"], &detail["failures"]), (&json!(job), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_search_finds_a_few_of_each_kind() {
    let house = House::new().await;
    let at = house.furnish("n1-site").await;
    house.report(&at, 5).await;
    let job = house.waiting_job(&at).await;
    let found = house.get("/api/v1/search?q=N1").await;
    assert_eq!(found["clusters"][0]["id"], json!(at.cluster));
    assert_eq!(found["nodes"][0]["id"], json!(at.node));
    assert_eq!(found["nodes"][0]["cluster"]["name"], "n1-site");
    assert_eq!(found["certificates"][0]["common_name"], "n1.example.org");
    let title = text(&house.get(&format!("/api/v1/jobs/{job}")).await["title"]);
    let word = title.split(' ').next().expect("a word");
    let jobs = house.get(&format!("/api/v1/search?q={word}")).await;
    assert_eq!(jobs["jobs"][0]["id"], json!(job));
    for member in ["serial_hex", "sha256"] {
        let whole = text(&found["certificates"][0][member]);
        let by = house.get(&format!("/api/v1/search?q={}", &whole[..8])).await;
        assert_eq!(by["certificates"][0]["id"], found["certificates"][0]["id"], "{member}");
        assert_eq!(by["clusters"], json!([]));
    }
    for index in 0..7 {
        let new = json!({"name": format!("many-{index}"), "product": "cucm", "version": "14"});
        house.post("/api/v1/clusters", &new).await;
    }
    let many = async |query: &str| {
        let found = house.get(&format!("/api/v1/search?{query}")).await;
        found["clusters"].as_array().expect("clusters").len()
    };
    assert_eq!(many("q=many").await, 5);
    assert_eq!(many("q=many&limit=10").await, 7);
    assert_eq!(many("q=many&limit=1").await, 1);
    assert_eq!(many("q=%20").await, 0);
    assert_eq!(many("q=%25").await, 0);
    let owner = Some(house.owner.as_str());
    for (query, field) in [("limit=5", "q"), ("q=x&limit=0", "limit"), ("q=x&limit=11", "limit")] {
        let refused = house.call("GET", &format!("/api/v1/search?{query}"), owner, None).await;
        assert_eq!(refused.problem(422, "invalid")["errors"][0]["field"], field);
    }
}

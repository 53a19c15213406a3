//! The walk: every operation × no credential, each role, a role of another group, another organisation.

use crate::house::{Furnished, House, text};
use certyard_api::operations::{Access, OPERATIONS, Operation};
use certyard_domain::Role;
use serde_json::{Value, json};
use uuid::Uuid;

/// A body that passes the checks of form, so that the ids in it and in the path are what is judged.
fn body(operation: &Operation, ids: &Ids) -> Option<Value> {
    Some(match operation.id {
        "update_organisation" | "update_member" | "update_group" | "update_cluster" | "update_node" => json!({}),
        "create_node" => {
            json!({"name": "n", "address": "n.example.org:443", "role": "subscriber", "connector": "cisco_uc"})
        }
        "ban_agent" => json!({"reason": "walk"}),
        "create_cluster" => json!({"name": "walked", "product": "cucm", "version": "15", "group_id": ids.group}),
        "create_join_token" => json!({"name": "walked", "group_id": ids.group}),
        "create_plan" => json!({"action": "refresh", "nodes": [ids.node]}),
        "create_job" => json!({"plan_id": ids.plan}),
        "create_root_change" => {
            json!({"old_certificate_id": ids.certificate, "new_certificate_id": ids.certificate})
        }
        "plan_root_change" => json!({"phase": "verify"}),
        "update_root_change" | "close_root_change" => json!({}),
        "fix_compliance" => json!({"cluster_ids": [ids.cluster]}),
        "confirm_aftercare" => {
            json!({"cluster_id": ids.cluster, "purpose": "tomcat", "item": "backup", "state": "done"})
        }
        "update_profile" | "copy_profile" | "restart_aftercare" => json!({}),
        "assign_profile" => json!({"cluster_ids": [ids.cluster]}),
        "set_cluster_profile" => json!({"profile_id": ids.profile}),
        "set_notification_settings" => json!({}),
        "create_acknowledgement" => json!({
            "certificate_id": ids.certificate,
            "reason": "walk",
            "until": chrono::Utc::now() + chrono::TimeDelta::days(3),
        }),
        "create_channel" => {
            json!({"name": "walked", "kind": "slack", "url": "https://hooks.example.org/walk", "enabled": false})
        }
        "update_channel" => json!({}),
        "create_notification_rule" | "replace_notification_rule" | "preview_notification_rule" => {
            json!({"name": "walked", "start_percent": 20, "recipients": ["edge@example.org"]})
        }
        "resume_recipient" => json!({"recipient": "nobody@example.org"}),
        "set_mail_settings" | "send_test_mail" => json!({"walk": 1}),
        "set_up" | "sign_in" | "change_password" | "create_member" | "create_token" | "create_group"
        | "create_profile" => {
            json!({"walk": 1})
        }
        _ => return None,
    })
}

#[derive(Default)]
struct Ids {
    group: String,
    cluster: String,
    node: String,
    profile: String,
    agent: String,
    join_token: String,
    certificate: String,
    installation: String,
    csr: String,
    plan: String,
    job: String,
    task: String,
    member: String,
    token: String,
    session: String,
    message: String,
    acknowledgement: String,
    channel: String,
    rule: String,
    root_change: String,
}

impl Ids {
    fn unknown() -> Self {
        let id = || Uuid::now_v7().to_string();
        Self {
            group: id(),
            cluster: id(),
            node: id(),
            profile: id(),
            agent: id(),
            join_token: id(),
            certificate: id(),
            installation: id(),
            csr: id(),
            plan: id(),
            job: id(),
            task: id(),
            member: id(),
            token: id(),
            session: id(),
            message: id(),
            acknowledgement: id(),
            channel: id(),
            rule: id(),
            root_change: id(),
        }
    }

    fn path(&self, path: &str) -> String {
        let id = match path.strip_prefix("/api/v1/").and_then(|rest| rest.split('/').next()) {
            Some("groups") => &self.group,
            Some("clusters") => &self.cluster,
            Some("nodes") => &self.node,
            Some("profiles") => &self.profile,
            Some("agents") => &self.agent,
            Some("join-tokens") => &self.join_token,
            Some("certificates") => &self.certificate,
            Some("installations") => &self.installation,
            Some("csrs") => &self.csr,
            Some("plans") => &self.plan,
            Some("jobs") => &self.job,
            Some("members") => &self.member,
            Some("tokens") => &self.token,
            Some("sessions") => &self.session,
            Some("messages") => &self.message,
            Some("channels") => &self.channel,
            Some("settings") => &self.rule,
            Some("acknowledgements") => &self.acknowledgement,
            Some("root-changes") => &self.root_change,
            _ => return path.into(),
        };
        path.replace("{id}", id).replace("{task_id}", &self.task)
    }
}

/// An organisation with one of everything.
async fn furnish(house: &House) -> Ids {
    let furnished = house.furnish("north").await;
    let root_change = crate::root_changes::begin(house, &furnished).await;
    house.report(&furnished, 100).await;
    let Furnished {
        group,
        cluster,
        node,
        agent,
    } = &furnished;
    let first = async |path: &str| house.get(path).await["items"][0].clone();
    let installation = first("/api/v1/installations").await;
    let job = house.waiting_job(&furnished).await;
    let plan = text(&house.get(&format!("/api/v1/jobs/{job}")).await["plan_id"]);
    house.post("/api/v1/join-tokens", &json!({"group_id": group})).await;
    let member = json!({"email": "grace@example.org", "name": "Grace", "role": "viewer", "password": "a long enough passphrase"});
    let profile = house.post("/api/v1/profiles", &json!({"name": "walked"})).await;
    let told = json!({"start_days": 120, "recipients": ["ops@example.org"]});
    let path = "/api/v1/settings/notifications";
    let answer = house.call("PUT", path, Some(&house.owner), Some(&told)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let swept = certyard_domain::alerts::raise_due(&house.db.db).await.expect("a sweep");
    assert_eq!(swept.messages, 1, "{swept:?}");
    let known = json!({
        "certificate_id": installation["certificate_id"],
        "reason": "furnished",
        "until": chrono::Utc::now() + chrono::TimeDelta::days(3),
    });
    let channel = json!({"name": "furnished", "kind": "slack", "url": "https://hooks.example.org/x", "enabled": false});
    let rule = json!({"name": "furnished", "start_days": 30, "recipients": ["edge@example.org"]});
    Ids {
        rule: text(&house.post("/api/v1/settings/notifications/rules", &rule).await["id"]),
        root_change,
        channel: text(&house.post("/api/v1/channels", &channel).await["id"]),
        acknowledgement: text(&house.post("/api/v1/acknowledgements", &known).await["id"]),
        message: text(&first("/api/v1/messages").await["id"]),
        profile: text(&profile["id"]),
        csr: text(&first("/api/v1/csrs").await["id"]),
        join_token: text(&first("/api/v1/join-tokens").await["id"]),
        task: text(&first(&format!("/api/v1/jobs/{job}/tasks")).await["id"]),
        member: text(&house.post("/api/v1/members", &member).await["id"]),
        token: text(&first("/api/v1/tokens").await["id"]),
        session: Uuid::now_v7().to_string(),
        certificate: text(&installation["certificate_id"]),
        installation: text(&installation["id"]),
        plan,
        group: group.clone(),
        cluster: cluster.clone(),
        node: node.clone(),
        agent: agent.identity.agent_id.to_string(),
        job,
    }
}

/// What an answer says, without the id of its request.
fn told(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(mut body)) => {
            body.remove("request_id");
            Value::Object(body).to_string()
        }
        _ => text.into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_lets_in_whom_the_table_says_and_nobody_else() {
    let house = House::new().await;
    let ids = furnish(&house).await;
    let mut checks = 0;
    let mut wrong = Vec::new();
    for operation in OPERATIONS {
        let (path, sent) = (ids.path(operation.path), body(operation, &ids));
        let answer = house.call(operation.method, &path, None, sent.as_ref()).await;
        let open = operation.access == Access::Public;
        if (answer.status == 401) == open || answer.status.is_server_error() {
            wrong.push(format!("{} without a credential: {}", operation.id, answer.text));
        }
        checks += 1;
        let bad = house
            .call(operation.method, &path, Some("cyd_nonsense"), sent.as_ref())
            .await;
        if !open && bad.status != 401 {
            wrong.push(format!("{} with a bad token: {}", operation.id, bad.text));
        }
        checks += 1;
    }
    let unknown = Ids::unknown();
    for role in Role::ALL {
        let token = house.token(&house.org.owner, role, None).await;
        for operation in OPERATIONS {
            let allowed = match operation.access {
                Access::Public | Access::SignedIn => true,
                Access::Needs(permission) => role.allows(permission),
            };
            // Unknown ids, so that what is allowed has no effect on what the next check needs.
            let (path, sent) = (unknown.path(operation.path), body(operation, &unknown));
            if operation.id == "update_organisation" {
                continue;
            }
            let answer = house.call(operation.method, &path, Some(&token), sent.as_ref()).await;
            let refused = answer.status == 403;
            let public = operation.access == Access::Public;
            let unexpected = (answer.status == 401 && !public) || answer.status.is_server_error();
            if (refused == allowed && operation.id != "change_password") || unexpected {
                wrong.push(format!(
                    "{} as {}: {} {}",
                    operation.id,
                    role.as_str(),
                    answer.status,
                    answer.text
                ));
            }
            checks += 1;
        }
    }
    println!("{checks} checks of credentials and roles");
    assert!(checks >= OPERATIONS.len() * 6, "only {checks} checks");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_group_and_another_organisation_look_like_nothing_at_all() {
    let house = House::new().await;
    let ids = furnish(&house).await;
    let south: Uuid = text(&house.post("/api/v1/groups", &json!({"name": "south"})).await["id"])
        .parse()
        .expect("an id");
    let strangers = house.db.org("Second").await;
    let tokens = [
        (
            "an admin of another group",
            house.token(&house.org.owner, Role::Admin, Some(vec![south])).await,
        ),
        (
            "an operator of another group",
            house.token(&house.org.owner, Role::Operator, Some(vec![south])).await,
        ),
        (
            "the owner of another organisation",
            house.token(&strangers.owner, Role::Owner, None).await,
        ),
    ];
    let mut checks = 0;
    let mut wrong = Vec::new();
    for (who, token) in &tokens {
        for operation in OPERATIONS {
            let names_ids = operation.path.contains('{')
                || [
                    "create_cluster",
                    "create_join_token",
                    "create_plan",
                    "create_job",
                    "fix_compliance",
                    "create_acknowledgement",
                ]
                .contains(&operation.id);
            if !names_ids || operation.access == Access::Public {
                continue;
            }
            // Profiles are of the whole organisation: whoever belongs to it sees them, whatever the group.
            if operation.id == "get_profile" && who.contains("group") {
                continue;
            }
            let unknown = Ids::unknown();
            let real = house
                .call(
                    operation.method,
                    &ids.path(operation.path),
                    Some(token),
                    body(operation, &ids).as_ref(),
                )
                .await;
            let none = house
                .call(
                    operation.method,
                    &unknown.path(operation.path),
                    Some(token),
                    body(operation, &unknown).as_ref(),
                )
                .await;
            let same = real.status == none.status && told(&real.text) == told(&none.text);
            if !same || !matches!(real.status.as_u16(), 403 | 404) {
                wrong.push(format!(
                    "{} as {who}: {} {}\n  unknown: {} {}",
                    operation.id, real.status, real.text, none.status, none.text
                ));
            }
            checks += 1;
        }
        // Lists and counts hold nothing of it either. Messages are of the whole organisation.
        for path in [
            "acknowledgements",
            "alerts",
            "clusters",
            "compliance",
            "nodes",
            "agents",
            "certificates",
            "installations",
            "csrs",
            "jobs",
            "root-changes",
        ] {
            let answer = house.call("GET", &format!("/api/v1/{path}"), Some(token), None).await;
            if answer.json()["items"] != json!([]) {
                wrong.push(format!("{path} as {who}: {}", answer.text));
            }
            checks += 1;
        }
        for operation in OPERATIONS
            .iter()
            .filter(|one| one.path.ends_with(".csv") && !one.path.contains('{'))
        {
            // Profiles and the audit log are of the whole organisation.
            if ["export_profiles", "export_audit"].contains(&operation.id) {
                continue;
            }
            let answer = house.call("GET", operation.path, Some(token), None).await;
            if answer.text.lines().count() != 1 {
                wrong.push(format!("{} as {who}: {}", operation.id, answer.text));
            }
            checks += 1;
        }
        let found = house.call("GET", "/api/v1/search?q=n", Some(token), None).await.json();
        if found != json!({"clusters": [], "nodes": [], "certificates": [], "jobs": []}) {
            wrong.push(format!("search as {who}: {found}"));
        }
        checks += 1;
        let overview = house.call("GET", "/api/v1/overview", Some(token), None).await.json();
        if overview["clusters"] != 0 || overview["nodes"] != 0 || overview["identity"]["total"] != 0 {
            wrong.push(format!("overview as {who}: {overview}"));
        }
        checks += 1;
    }
    println!("{checks} checks of other groups and organisations");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    // All of it is still there.
    assert_eq!(house.get(&format!("/api/v1/nodes/{}", ids.node)).await["name"], "n1");
}

//! Alerts: what a sweep finds and writes, once, whatever happens around it; secrets; who may.

use crate::fleet::*;
use certyard_domain::alerts::{
    self, Code, MailChange, MessageFilter, NotificationChange, PasswordChange, SendState, Swept,
};
use certyard_domain::{Error, Role, Timestamp, audit};
use certyard_protocol::Served;
use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, Statement};
use zeroize::Zeroizing;

async fn change(fleet: &Fleet, change: NotificationChange) {
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    alerts::set_notifications(&tx, change).await.unwrap();
    tx.commit().await.unwrap();
}

async fn tell(fleet: &Fleet, recipients: &[&str]) {
    let recipients = Some(recipients.iter().map(ToString::to_string).collect());
    change(
        fleet,
        NotificationChange {
            recipients,
            ..NotificationChange::default()
        },
    )
    .await;
}

async fn sweep(fleet: &Fleet) -> Swept {
    alerts::raise_due(&fleet.test.db).await.unwrap()
}

fn raised(alerts: u64, messages: u64) -> Swept {
    Swept { alerts, messages }
}

/// Runs SQL as the owner.
async fn sql(fleet: &Fleet, text: &str) {
    let owner = fleet.test.owner().await;
    owner.execute_unprepared(text).await.unwrap();
}

async fn number(fleet: &Fleet, text: &str) -> i64 {
    let owner = fleet.test.owner().await;
    let statement = Statement::from_string(owner.get_database_backend(), text);
    owner
        .query_one_raw(statement)
        .await
        .unwrap()
        .unwrap()
        .try_get("", "n")
        .unwrap()
}

#[tokio::test]
async fn a_certificate_in_many_stores_is_one_alert_with_its_nodes_and_a_second_sweep_adds_nothing() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let root = Ca::root("Root");
    let shared = root.leaf("shared", 20);
    for name in ["n1", "n2", "n3"] {
        let node = fleet.node(cluster, name).await.node.id;
        let entries = vec![
            identity_entry("tomcat", &shared, Served::NotObservable),
            identity_entry("CallManager", &shared, Served::NotObservable),
            identity_entry("TVS", &root.leaf("later", 300), Served::NotObservable),
            trust_entry("tomcat-trust", "t", &root.leaf("trusted", 10)),
        ];
        fleet.apply(node, &inventory(name, entries)).await;
    }
    // Nobody to tell: nothing is raised that would count as told.
    assert_eq!(sweep(&fleet).await, Swept::default());
    tell(&fleet, &["a@example.org", "b@example.org"]).await;
    assert_eq!(
        sweep(&fleet).await,
        raised(4, 2),
        "the shared one, and three in trust stores"
    );
    assert_eq!(sweep(&fleet).await, Swept::default());
    let nodes = number(&fleet, "SELECT max(node_count) AS n FROM alert").await;
    assert_eq!(nodes, 3);
    let alerts = number(&fleet, "SELECT count(*) AS n FROM alert").await;
    assert_eq!(alerts, 4);
}

#[tokio::test]
async fn trust_certificates_are_left_out_where_the_settings_say_so() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let root = Ca::root("Root");
    let entries = vec![
        identity_entry("tomcat", &root.leaf("own", 20), Served::NotObservable),
        trust_entry("tomcat-trust", "t", &root.leaf("trusted", 10)),
    ];
    fleet.apply(node, &inventory("1", entries)).await;
    change(
        &fleet,
        NotificationChange {
            recipients: Some(vec!["a@example.org".into()]),
            include_trust: Some(false),
            ..NotificationChange::default()
        },
    )
    .await;
    assert_eq!(sweep(&fleet).await, raised(1, 1));
    change(
        &fleet,
        NotificationChange {
            include_trust: Some(true),
            ..NotificationChange::default()
        },
    )
    .await;
    assert_eq!(
        sweep(&fleet).await,
        raised(1, 1),
        "the one in the trust store, and not the first again"
    );
}

#[tokio::test]
async fn other_settings_hold_from_the_next_sweep_on_and_tell_nothing_twice() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let root = Ca::root("Root");
    let (near, far) = (root.leaf("near", 50), root.leaf("far", 100));
    let entries = vec![
        identity_entry("tomcat", &near, Served::NotObservable),
        identity_entry("CallManager", &far, Served::NotObservable),
    ];
    fleet.apply(node, &inventory("1", entries)).await;
    tell(&fleet, &["a@example.org"]).await;
    assert_eq!(sweep(&fleet).await, raised(1, 1));
    // A wider window: what comes into it is told, what was told is not.
    change(
        &fleet,
        NotificationChange {
            start_days: Some(120),
            frequency_days: Some(1),
            ..NotificationChange::default()
        },
    )
    .await;
    assert_eq!(sweep(&fleet).await, raised(1, 1));
    assert_eq!(sweep(&fleet).await, Swept::default());
    // Both a day later, at the hour of sending.
    fleet.test.db.fix_time(Some(noon() + TimeDelta::hours(20)));
    assert_eq!(sweep(&fleet).await, raised(2, 1));
}

#[tokio::test]
async fn a_run_that_a_dead_worker_left_open_gets_its_messages() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let leaf = Ca::root("Root").leaf("n1", 20);
    let entries = vec![identity_entry("tomcat", &leaf, Served::NotObservable)];
    fleet.apply(node, &inventory("1", entries)).await;
    tell(&fleet, &["a@example.org"]).await;
    assert_eq!(sweep(&fleet).await, raised(1, 1));
    // As a worker leaves it that dies between the alerts and the messages, with its lease.
    sql(&fleet, "DELETE FROM message").await;
    sql(&fleet, "UPDATE alert_run SET state = 'open', closed_at = NULL").await;
    fleet.test.db.fix_time(Some(noon() + TimeDelta::minutes(2)));
    assert_eq!(sweep(&fleet).await, raised(0, 1));
    assert_eq!(sweep(&fleet).await, Swept::default());
}

#[tokio::test]
async fn what_renews_by_itself_is_raised_only_when_its_renewal_is_overdue() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let leaf = Ca::root("Root").leaf("n1", 40);
    let entries = vec![identity_entry("tomcat", &leaf, Served::NotObservable)];
    fleet.apply(node, &inventory("1", entries)).await;
    tell(&fleet, &["a@example.org"]).await;
    let due: Timestamp = noon() + TimeDelta::days(10);
    let due = due.format("%Y-%m-%d %H:%M:%S+00:00");
    sql(&fleet, &format!("UPDATE installation SET renewal_due_at = '{due}'")).await;
    assert_eq!(sweep(&fleet).await, Swept::default());
    fleet.test.db.fix_time(Some(noon() + TimeDelta::days(11)));
    assert_eq!(sweep(&fleet).await, raised(1, 1));
}

#[tokio::test]
async fn a_sweep_reads_what_ends_next_and_not_the_fleet() {
    let fleet = Fleet::new().await;
    let owner = fleet.test.owner().await;
    let select = "SELECT certificate_id, min(not_after) FROM installation WHERE org_id = ORG AND gone_at IS NULL \
                  AND not_after <= '2027-01-21 12:00:00+00:00' GROUP BY certificate_id";
    let (explain, org, column) = if fleet.test.is_postgres() {
        owner.execute_unprepared("SET enable_seqscan = off").await.unwrap();
        ("EXPLAIN ", format!("'{}'::uuid", fleet.org.id), "QUERY PLAN")
    } else {
        ("EXPLAIN QUERY PLAN ", format!("x'{}'", fleet.org.id.simple()), "detail")
    };
    let statement = Statement::from_string(
        owner.get_database_backend(),
        format!("{explain}{}", select.replace("ORG", &org)),
    );
    let plan: Vec<String> = owner
        .query_all_raw(statement)
        .await
        .unwrap()
        .iter()
        .map(|row| row.try_get("", column).unwrap())
        .collect();
    let plan = plan.join("\n");
    assert!(plan.contains("not_after"), "{plan}");
}

fn server(host: &str, password: PasswordChange) -> MailChange {
    MailChange {
        host: host.into(),
        port: 587,
        security: "starttls".into(),
        allow_plaintext: false,
        username: Some("certyard".into()),
        password,
        from_address: "certyard@example.org".into(),
        from_name: "Certyard".into(),
        ca_pem: None,
    }
}

#[tokio::test]
async fn the_password_is_sealed_where_it_is_stored_opens_for_the_worker_and_is_in_no_audit_row() {
    let fleet = Fleet::new().await;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let password = PasswordChange::Set(Zeroizing::new("correct horse battery".into()));
    alerts::set_mail(&tx, &fleet.test.keys, server("mail.example.org", password))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let owner = fleet.test.owner().await;
    let statement = Statement::from_string(
        owner.get_database_backend(),
        "SELECT sealed_password AS n FROM mail_setting",
    );
    let sealed: Vec<u8> = owner
        .query_one_raw(statement)
        .await
        .unwrap()
        .unwrap()
        .try_get("", "n")
        .unwrap();
    assert!(!sealed.windows(7).any(|bytes| bytes == b"battery"));
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let open = alerts::mail_server(&tx, &fleet.test.keys).await.unwrap().unwrap();
    assert_eq!(
        open.password.as_ref().map(|text| text.as_str()),
        Some("correct horse battery")
    );
    assert!(!format!("{open:?}").contains("battery"));
    let rows = audit::list(&tx, &audit::Filter::default(), None, 200).await.unwrap();
    assert!(rows.iter().any(|row| row.action == "mail.update"));
    assert!(!format!("{rows:?}").contains("battery"));
    drop(tx);
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let moved = alerts::set_mail(&tx, &fleet.test.keys, server("other.example.org", PasswordChange::Keep)).await;
    assert!(matches!(moved, Err(Error::Invalid(errors)) if errors[0].field == "password"));
}

#[tokio::test]
async fn who_is_bound_to_a_group_or_only_reads_changes_nothing() {
    let fleet = Fleet::new().await;
    for (role, groups, reads) in [
        (Role::Viewer, None, true),
        (Role::Operator, None, true),
        (Role::Admin, Some(vec![fleet.group]), false),
    ] {
        let scope = fleet.org.member(role, groups);
        let tx = fleet.test.db.write(&scope).await.unwrap();
        let change = alerts::set_notifications(&tx, NotificationChange::default()).await;
        assert!(matches!(change, Err(Error::Forbidden { .. })), "{role:?}");
        assert_eq!(alerts::notifications(&tx).await.is_ok(), reads, "{role:?}");
        assert_eq!(
            alerts::list_messages(&tx, &MessageFilter::default(), None, 50)
                .await
                .is_ok(),
            reads
        );
        // What is wrong is no secret.
        assert_eq!(alerts::health(&tx).await.unwrap(), []);
    }
    assert_eq!(SendState::ALL.len(), 7);
}

#[tokio::test]
async fn a_sweep_that_has_not_ended_for_two_hours_is_told() {
    let fleet = Fleet::new().await;
    tell(&fleet, &["a@example.org"]).await;
    let codes = async || {
        let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
        let found = alerts::health(&tx).await.unwrap();
        found.into_iter().map(|trouble| trouble.code).collect::<Vec<_>>()
    };
    assert_eq!(codes().await, [Code::MailNotConfigured]);
    fleet.test.db.fix_time(Some(noon() + TimeDelta::minutes(121)));
    assert_eq!(codes().await, [Code::MailNotConfigured, Code::SweepLate]);
    sweep(&fleet).await;
    assert_eq!(codes().await, [Code::MailNotConfigured]);
    let all = alerts::health_of_all(&fleet.test.db).await.unwrap();
    assert_eq!((all[&Code::MailNotConfigured], all[&Code::SweepLate]), (1, 0));
}

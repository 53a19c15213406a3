//! Acknowledgements: who may, for how long, and what is told afterwards.

use crate::fleet::*;
use certyard_domain::alerts::{
    self, AcknowledgementFilter, NewAcknowledgement, NotificationChange, Swept, acknowledge, end_acknowledgement,
};
use certyard_domain::inventory::{self as stores, InstallationFilter, Sort};
use certyard_domain::{Error, Role, Scope, Timestamp, audit, clusters};
use certyard_protocol::Served;
use chrono::TimeDelta;
use uuid::Uuid;

async fn watched(days: i64) -> (Fleet, Uuid) {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let leaf = Ca::root("Root").leaf("n1", days);
    let entries = vec![identity_entry("tomcat", &leaf, Served::NotObservable)];
    fleet.apply(node, &inventory("1", entries)).await;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let change = NotificationChange {
        recipients: Some(vec!["a@example.org".into()]),
        ..NotificationChange::default()
    };
    alerts::set_notifications(&tx, change).await.unwrap();
    tx.commit().await.unwrap();
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let all = InstallationFilter::default();
    let rows = stores::installations(&tx, &all, Sort::NotAfter, None, 10)
        .await
        .unwrap();
    let certificate = rows.items[0].installation.certificate_id;
    drop(tx);
    (fleet, certificate)
}

fn new(certificate_id: Uuid, until: Timestamp) -> NewAcknowledgement {
    NewAcknowledgement {
        certificate_id,
        reason: "switched off on Friday".into(),
        until,
    }
}

async fn say(fleet: &Fleet, scope: &Scope, new: NewAcknowledgement) -> Result<Uuid, Error> {
    let tx = fleet.test.db.write(scope).await.unwrap();
    let made = acknowledge(&tx, new).await?;
    tx.commit().await.unwrap();
    Ok(made.id)
}

async fn sweep(fleet: &Fleet, at: Timestamp) -> Swept {
    fleet.test.db.fix_time(Some(at));
    alerts::raise_due(&fleet.test.db).await.unwrap()
}

const TOLD: Swept = Swept { alerts: 1, messages: 1 };

#[tokio::test]
async fn whoever_knows_is_not_told_until_the_day_that_they_gave_and_then_of_what_was_missed() {
    let (fleet, certificate) = watched(40).await;
    let days = |days| noon() + TimeDelta::days(days);
    say(&fleet, fleet.owner(), new(certificate, days(10))).await.unwrap();
    for day in [0, 3, 8] {
        assert_eq!(sweep(&fleet, days(day)).await, Swept::default(), "on day {day}");
    }
    assert_eq!(sweep(&fleet, days(10)).await, TOLD);
    assert_eq!(sweep(&fleet, days(10)).await, Swept::default());
}

#[tokio::test]
async fn what_is_taken_back_is_told_by_the_next_sweep_and_the_log_has_both() {
    let (fleet, certificate) = watched(40).await;
    let first = say(&fleet, fleet.owner(), new(certificate, noon() + TimeDelta::days(30)))
        .await
        .unwrap();
    assert_eq!(sweep(&fleet, noon()).await, Swept::default());
    // Another one takes its place.
    let second = say(&fleet, fleet.owner(), new(certificate, noon() + TimeDelta::days(20)))
        .await
        .unwrap();
    assert_eq!(sweep(&fleet, noon() + TimeDelta::minutes(1)).await, Swept::default());
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let over = end_acknowledgement(&tx, first).await;
    assert!(matches!(
        over,
        Err(Error::Refused {
            code: "acknowledgement_over",
            ..
        })
    ));
    let ended = end_acknowledgement(&tx, second).await.unwrap();
    assert_eq!(ended.ended_at, Some(noon() + TimeDelta::minutes(1)));
    let active = AcknowledgementFilter {
        active: true,
        ..AcknowledgementFilter::default()
    };
    let holding = alerts::list_acknowledgements(&tx, &active, None, 10).await.unwrap();
    assert_eq!(holding.items, []);
    assert!(alerts::acknowledged(&tx, [certificate]).await.unwrap().is_empty());
    let rows = audit::list(&tx, &audit::Filter::default(), None, 50).await.unwrap();
    let said: Vec<&str> = rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(
        said.iter()
            .filter(|action| action.starts_with("acknowledgement."))
            .count(),
        3,
        "{said:?}"
    );
    tx.commit().await.unwrap();
    assert_eq!(sweep(&fleet, noon() + TimeDelta::minutes(2)).await, TOLD);
}

#[tokio::test]
async fn that_a_certificate_has_expired_is_told_in_any_case_and_may_be_acknowledged_then() {
    let (fleet, certificate) = watched(5).await;
    let days = |days| noon() + TimeDelta::days(days);
    say(&fleet, fleet.owner(), new(certificate, days(60))).await.unwrap();
    assert_eq!(sweep(&fleet, days(4)).await, Swept::default());
    assert_eq!(sweep(&fleet, days(5)).await, TOLD, "it has expired");
    say(&fleet, fleet.owner(), new(certificate, days(60))).await.unwrap();
    assert_eq!(sweep(&fleet, days(20)).await, Swept::default());
}

#[tokio::test]
async fn who_may_acknowledge_what_and_with_which_words() {
    let (fleet, certificate) = watched(40).await;
    let until = noon() + TimeDelta::days(3);
    let viewer = fleet.org.member(Role::Viewer, None);
    let refused = say(&fleet, &viewer, new(certificate, until)).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
    let unknown = say(&fleet, fleet.owner(), new(Uuid::now_v7(), until)).await;
    assert!(matches!(unknown, Err(Error::NotFound { .. })));
    for (reason, until, field) in [
        ("", until, "reason"),
        ("a\r\nb", until, "reason"),
        ("x", noon(), "until"),
        ("x", noon() + TimeDelta::days(366), "until"),
    ] {
        let wrong = NewAcknowledgement {
            reason: reason.into(),
            ..new(certificate, until)
        };
        let told = say(&fleet, fleet.owner(), wrong).await;
        assert!(
            matches!(&told, Err(Error::Invalid(errors)) if errors[0].field == field),
            "{reason:?}: {told:?}"
        );
    }
    // An operator of the group speaks for what is in it alone.
    let operator = fleet.org.member(Role::Operator, Some(vec![fleet.group]));
    say(&fleet, &operator, new(certificate, until)).await.unwrap();
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let south = clusters::create_group(&tx, "South", "").await.unwrap().group.id;
    tx.commit().await.unwrap();
    let stranger = fleet.org.member(Role::Operator, Some(vec![south]));
    let unseen = say(&fleet, &stranger, new(certificate, until)).await;
    assert!(matches!(unseen, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn an_acknowledgement_of_a_group_says_nothing_of_places_that_come_to_others() {
    let fleet = Fleet::new().await;
    let north = fleet.cluster("alpha").await.cluster.id;
    let leaf = Ca::root("Root").leaf("shared", 40);
    let node = fleet.node(north, "n1").await.node.id;
    let entry = || vec![identity_entry("tomcat", &leaf, Served::NotObservable)];
    fleet.apply(node, &inventory("1", entry())).await;
    let change = NotificationChange {
        recipients: Some(vec!["a@example.org".into()]),
        ..NotificationChange::default()
    };
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    alerts::set_notifications(&tx, change).await.unwrap();
    let south = clusters::create_group(&tx, "South", "").await.unwrap().group.id;
    let certificate = certyard_domain::certificates::list(&tx, &Default::default(), None, 1)
        .await
        .unwrap()
        .items[0]
        .id;
    tx.commit().await.unwrap();
    let operator = fleet.org.member(Role::Operator, Some(vec![fleet.group]));
    let given = say(&fleet, &operator, new(certificate, noon() + TimeDelta::days(20)))
        .await
        .unwrap();
    assert_eq!(sweep(&fleet, noon()).await, Swept::default());
    // The same certificate comes to a cluster of another group.
    let elsewhere = cluster(&fleet.test, fleet.owner(), south, "beta").await.cluster.id;
    let other = fleet.node(elsewhere, "n2").await.node.id;
    fleet.apply(other, &inventory("2", entry())).await;
    assert_eq!(sweep(&fleet, noon() + TimeDelta::minutes(5)).await, TOLD);
    // Whoever may speak for all replaces it, which the audit log tells.
    let later = say(&fleet, fleet.owner(), new(certificate, noon() + TimeDelta::days(30)))
        .await
        .unwrap();
    assert_eq!(sweep(&fleet, noon() + TimeDelta::days(7)).await, Swept::default());
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let filter = audit::Filter {
        object_id: Some(later),
        ..Default::default()
    };
    let log = audit::list(&tx, &filter, None, 5).await.unwrap();
    let before = log[0].before.clone().expect("what was before");
    assert_eq!(before["id"], given.to_string());
    assert_eq!(before["reason"], "switched off on Friday");
}

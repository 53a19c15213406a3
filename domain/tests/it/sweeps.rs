//! What a sweep looks at, how far certificates have come after it, and what is kept of it all.

use crate::fleet::*;
use certyard_domain::Timestamp;
use certyard_domain::alerts::{self, NotificationChange, Swept};
use certyard_protocol::Served;
use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, Statement};

/// A fleet of one node, with somebody to tell.
struct Watched {
    fleet: Fleet,
    node: uuid::Uuid,
    reports: usize,
}

impl Watched {
    async fn new() -> Self {
        let fleet = Fleet::new().await;
        let cluster = fleet.cluster("alpha").await.cluster.id;
        let node = fleet.node(cluster, "n1").await.node.id;
        let watched = Self {
            fleet,
            node,
            reports: 0,
        };
        let recipients = Some(vec!["a@example.org".into()]);
        watched
            .change(NotificationChange {
                recipients,
                ..NotificationChange::default()
            })
            .await;
        watched
    }

    async fn change(&self, change: NotificationChange) {
        let tx = self.fleet.test.db.write(self.fleet.owner()).await.unwrap();
        alerts::set_notifications(&tx, change).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// What the node holds from now on: purposes and days until the end.
    async fn holds(&mut self, entries: &[(&str, i64)]) {
        self.reports += 1;
        let root = Ca::root("Root");
        let entries = entries
            .iter()
            .map(|(purpose, days)| identity_entry(purpose, &root.leaf(purpose, *days), Served::NotObservable))
            .collect();
        let report = inventory(&self.reports.to_string(), entries);
        self.fleet.apply(self.node, &report).await;
    }

    fn at(&self, time: Timestamp) {
        self.fleet.test.db.fix_time(Some(time));
    }

    async fn sweep(&self) -> Swept {
        alerts::raise_due(&self.fleet.test.db).await.unwrap()
    }

    async fn sql(&self, text: &str) {
        let owner = self.fleet.test.owner().await;
        owner.execute_unprepared(text).await.unwrap();
    }

    async fn count(&self, of: &str) -> i64 {
        let owner = self.fleet.test.owner().await;
        let statement = Statement::from_string(owner.get_database_backend(), format!("SELECT count(*) AS n FROM {of}"));
        let row = owner.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get("", "n").unwrap()
    }
}

fn raised(alerts: u64) -> Swept {
    Swept {
        alerts,
        messages: u64::from(alerts > 0),
    }
}

const LOST: &str = "alert_mark WHERE NOT EXISTS (SELECT 1 FROM alert WHERE alert.id = alert_mark.alert_id)";

#[tokio::test]
async fn a_clock_that_ran_ahead_silences_no_slot_that_comes_later() {
    let mut watched = Watched::new().await;
    watched.holds(&[("tomcat", 40)]).await;
    assert_eq!(watched.sweep().await, raised(1));
    // A database whose clock is two weeks ahead, and then right again.
    watched.at(noon() + TimeDelta::days(14));
    assert_eq!(watched.sweep().await, raised(1));
    watched.at(noon() + TimeDelta::minutes(1));
    assert_eq!(
        watched.sweep().await,
        Swept::default(),
        "the slot of today has been told"
    );
    assert_eq!(watched.count(LOST).await, 0, "marks without an alert");
    for days in [7, 14] {
        watched.at(noon() + TimeDelta::days(days));
        assert_eq!(watched.sweep().await, raised(1), "after {days} days");
        assert_eq!(watched.count(LOST).await, 0, "after {days} days");
        assert_eq!(watched.sweep().await, Swept::default());
    }
}

#[tokio::test]
async fn a_mark_that_was_lost_is_made_again_and_its_slot_is_not_told_twice() {
    let mut watched = Watched::new().await;
    watched.holds(&[("tomcat", 40)]).await;
    assert_eq!(watched.sweep().await, raised(1));
    watched.sql("DELETE FROM alert_mark").await;
    watched.at(noon() + TimeDelta::hours(25));
    assert_eq!(watched.sweep().await, Swept::default());
    assert_eq!(watched.count("alert_mark").await, 1);
    assert_eq!(watched.count(LOST).await, 0);
    watched.at(noon() + TimeDelta::days(7));
    assert_eq!(watched.sweep().await, raised(1));
}

#[tokio::test]
async fn another_schedule_while_nothing_is_due_takes_what_was_told_along() {
    let mut watched = Watched::new().await;
    watched.holds(&[("tomcat", 20)]).await;
    // The slot of 18 November, told on the 22nd at noon.
    assert_eq!(watched.sweep().await, raised(1));
    watched
        .change(NotificationChange {
            frequency_days: Some(1),
            ..NotificationChange::default()
        })
        .await;
    assert_eq!(watched.sweep().await, Swept::default());
    let told = "alert_mark WHERE slot_at >= '2026-11-22 08:00:00+00:00'";
    assert_eq!(watched.count(told).await, 1, "this morning's slot lies before the mail");
    watched.at(noon() + TimeDelta::hours(20));
    assert_eq!(watched.sweep().await, raised(1));
}

#[tokio::test]
async fn an_idle_sweep_looks_at_what_has_come_and_once_a_day_at_all() {
    let mut watched = Watched::new().await;
    watched.holds(&[("tomcat", 40)]).await;
    assert_eq!(watched.sweep().await, raised(1));
    // Longer ago than any transaction takes.
    watched.at(noon() + TimeDelta::minutes(30));
    assert_eq!(watched.sweep().await, Swept::default());
    // Who looks at the whole window finds this certificate, which nothing says anything of.
    watched.sql("DELETE FROM alert_mark").await;
    watched.sql("DELETE FROM alert").await;
    watched.at(noon() + TimeDelta::hours(1));
    assert_eq!(watched.sweep().await, Swept::default());
    assert_eq!(watched.count("alert_mark").await, 0);
    // What is installed meanwhile is found at once.
    watched.holds(&[("tomcat", 40), ("CallManager", 30)]).await;
    assert_eq!(watched.sweep().await.alerts, 2, "both were installed anew");
    watched.at(noon() + TimeDelta::hours(2));
    assert_eq!(watched.sweep().await, Swept::default());
    watched.sql("DELETE FROM alert_mark").await;
    watched.sql("DELETE FROM alert").await;
    watched.at(noon() + TimeDelta::hours(23));
    assert_eq!(watched.sweep().await, Swept::default());
    watched.at(noon() + TimeDelta::hours(26));
    assert_eq!(watched.sweep().await, raised(2));
}

#[tokio::test]
async fn a_mark_that_is_wrong_silences_a_certificate_for_a_day_at_most() {
    let mut watched = Watched::new().await;
    watched.holds(&[("tomcat", 40)]).await;
    assert_eq!(watched.sweep().await, raised(1));
    // As a fault of ours would leave it: far in the future, for a slot that comes next week.
    watched
        .sql("UPDATE alert_mark SET next_at = '2027-11-22 12:00:00+00:00'")
        .await;
    watched.at(noon() + TimeDelta::days(7));
    assert_eq!(watched.sweep().await, raised(1));
    watched.at(noon() + TimeDelta::days(8) + TimeDelta::hours(1));
    let written = "alert_mark WHERE next_at < '2026-12-10 00:00:00+00:00'";
    assert_eq!(
        (watched.sweep().await, watched.count(written).await),
        (Swept::default(), 1)
    );
}

#[tokio::test]
async fn a_certificate_that_cannot_be_raised_keeps_no_other_one_waiting_and_is_named() {
    let mut watched = Watched::new().await;
    // Neither database takes its alert.
    watched
        .sql(match watched.fleet.test.db.is_embedded() {
            true => "CREATE TRIGGER poison BEFORE INSERT ON alert WHEN NEW.common_name = 'poison' BEGIN SELECT RAISE(ABORT, 'poison'); END",
            false => "ALTER TABLE alert ADD CONSTRAINT poison CHECK (common_name <> 'poison')",
        })
        .await;
    watched
        .holds(&[
            ("tomcat", 40),
            ("poison", 30),
            ("CallManager", 20),
            ("TVS", 10),
            ("ipsec", 5),
        ])
        .await;
    assert_eq!(watched.sweep().await, raised(4), "all others are told at once");
    assert_eq!(watched.count("alert_run WHERE state = 'open'").await, 0);
    let troubles = async || {
        let tx = watched.fleet.test.db.read(watched.fleet.owner()).await.unwrap();
        alerts::health(&tx).await.unwrap()
    };
    let found = troubles().await;
    let failing = found
        .iter()
        .find(|found| found.code == alerts::Code::CertificatesFailing);
    let failing = failing.expect("a trouble");
    let tx = watched.fleet.test.db.read(watched.fleet.owner()).await.unwrap();
    let named = certyard_domain::certificates::list(&tx, &Default::default(), None, 50)
        .await
        .unwrap();
    let poison = named.items.iter().find(|found| found.common_name == "poison").unwrap();
    assert!(
        failing.message.contains(&poison.id.to_string()) && failing.count == 1,
        "{failing:?}"
    );
    drop(tx);
    // It is tried again by each sweep, also where nothing else has it looked at.
    watched.at(noon() + TimeDelta::hours(1));
    assert_eq!(watched.sweep().await, Swept::default());
    assert_eq!(
        troubles()
            .await
            .iter()
            .filter(|found| found.code == alerts::Code::CertificatesFailing)
            .count(),
        1
    );
    watched
        .sql(match watched.fleet.test.db.is_embedded() {
            true => "DROP TRIGGER poison",
            false => "ALTER TABLE alert DROP CONSTRAINT poison",
        })
        .await;
    watched.at(noon() + TimeDelta::hours(2));
    assert_eq!(watched.sweep().await, raised(1));
    assert_eq!(
        troubles()
            .await
            .iter()
            .filter(|found| found.code == alerts::Code::CertificatesFailing)
            .count(),
        0
    );
}

#[tokio::test]
async fn what_time_brings_into_the_window_is_seen_by_the_next_sweep() {
    let mut watched = Watched::new().await;
    watched.holds(&[("tomcat", 60), ("CallManager", 300)]).await;
    watched.at(noon() - TimeDelta::hours(10));
    assert_eq!(watched.sweep().await, Swept::default());
    assert_eq!(watched.count("alert_mark").await, 0);
    watched.at(noon() + TimeDelta::minutes(1));
    assert_eq!(
        watched.sweep().await,
        Swept::default(),
        "the first hour of sending is tomorrow's"
    );
    assert_eq!(watched.count("alert_mark").await, 1);
    watched.at(noon() + TimeDelta::hours(20));
    assert_eq!(watched.sweep().await, raised(1));
}

#[tokio::test]
async fn what_is_gone_is_left_alone_and_what_comes_back_is_told_of_what_it_missed() {
    let mut watched = Watched::new().await;
    let root = Ca::root("Root");
    let leaf = root.leaf("tomcat", 40);
    let entry = || vec![identity_entry("tomcat", &leaf, Served::NotObservable)];
    watched.fleet.apply(watched.node, &inventory("a", entry())).await;
    assert_eq!(watched.sweep().await, raised(1));
    watched.holds(&[]).await;
    watched.at(noon() + TimeDelta::days(7));
    assert_eq!(watched.sweep().await, Swept::default());
    assert_eq!(watched.count("alert_mark WHERE next_at IS NOT NULL").await, 0);
    watched.at(noon() + TimeDelta::days(8));
    watched.fleet.apply(watched.node, &inventory("b", entry())).await;
    assert_eq!(watched.sweep().await, raised(1), "of the slot of the day before");
    assert_eq!(watched.sweep().await, Swept::default());
}

#[tokio::test]
async fn messages_that_are_over_go_after_their_days_in_small_steps_and_others_stay() {
    let mut watched = Watched::new().await;
    watched.holds(&[("tomcat", 40), ("CallManager", 30)]).await;
    assert_eq!(watched.sweep().await, raised(2));
    let scope = certyard_domain::Scope::system(watched.fleet.org.id, "test");
    let db = watched.fleet.test.db.clone();
    let forget = async |at_once| alerts::forget_old(&db, &scope, at_once).await.unwrap();
    watched.at(noon() + TimeDelta::days(500));
    assert_eq!(forget(1000).await, 0, "its message waits still");
    watched
        .sql("UPDATE message SET state = 'accepted', due_at = NULL, settled_at = '2026-11-22 12:00:00+00:00'")
        .await;
    watched.at(noon() + TimeDelta::days(399));
    assert_eq!(forget(1000).await, 0);
    watched.at(noon() + TimeDelta::days(401));
    assert_eq!(forget(1).await, 1);
    assert_eq!(watched.count("alert").await, 1);
    assert_eq!(forget(1000).await, 2, "the other alert, and the run with its message");
    for table in ["alert", "alert_run", "message"] {
        assert_eq!(watched.count(table).await, 0, "{table}");
    }
    assert_eq!(forget(1000).await, 0);
    // Marks go with their certificates, and acknowledgements once they are over.
    watched.at(noon());
    let tx = watched.fleet.test.db.write(watched.fleet.owner()).await.unwrap();
    let found = certyard_domain::certificates::list(&tx, &Default::default(), None, 1)
        .await
        .unwrap();
    let new = alerts::NewAcknowledgement {
        certificate_id: found.items[0].id,
        reason: "known".into(),
        until: noon() + TimeDelta::days(9),
    };
    alerts::acknowledge(&tx, new).await.unwrap();
    tx.commit().await.unwrap();
    watched.at(noon() + TimeDelta::days(408));
    assert_eq!(forget(1000).await, 0);
    watched.at(noon() + TimeDelta::days(410));
    assert_eq!(forget(1000).await, 1, "the acknowledgement");
    assert_eq!(watched.count("alert_mark").await, 2);
    watched.holds(&[]).await;
    watched.sql("UPDATE alert_mark SET next_at = NULL").await;
    assert_eq!(forget(1000).await, 2);
}

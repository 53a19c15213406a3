//! Rules beside the default: whom they tell of what and when, once a week, and others after days without an acknowledgement.

use crate::fleet::*;
use certyard_domain::alerts::{
    self, Contents, Escalation, Letter, MessageFilter, MessageKind, MessageRow, NewAcknowledgement, NewRule,
    NotificationChange, Rule, RuleScope, SendState, Swept,
};
use certyard_domain::{Error, Role, Scope, Timestamp, audit};
use certyard_pki::{Certificate, issue};
use certyard_protocol::Served;
use chrono::TimeDelta;
use std::collections::BTreeSet;
use uuid::Uuid;

struct Site {
    fleet: Fleet,
    cluster: Uuid,
    node: Uuid,
    root: Ca,
    reports: usize,
}

impl Site {
    async fn new(recipients: &[&str]) -> Self {
        let fleet = Fleet::new().await;
        let cluster = fleet.cluster("alpha").await.cluster.id;
        let node = fleet.node(cluster, "n1").await.node.id;
        let site = Self {
            fleet,
            cluster,
            node,
            root: Ca::root("Root"),
            reports: 0,
        };
        let recipients = Some(recipients.iter().map(ToString::to_string).collect());
        site.change(NotificationChange {
            recipients,
            ..NotificationChange::default()
        })
        .await;
        site
    }

    async fn change(&self, change: NotificationChange) {
        let tx = self.fleet.test.db.write(self.fleet.owner()).await.unwrap();
        alerts::set_notifications(&tx, change).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn rule(&self, new: NewRule) -> Result<Rule, Error> {
        let tx = self.fleet.test.db.write(self.fleet.owner()).await?;
        let made = alerts::create_rule(&tx, new).await?;
        tx.commit().await?;
        Ok(made)
    }

    async fn replace(&self, rule: &Rule, new: NewRule) -> Rule {
        let tx = self.fleet.test.db.write(self.fleet.owner()).await.unwrap();
        let after = alerts::replace_rule(&tx, rule.id, Some(rule.version), new)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        after
    }

    async fn delete(&self, rule: &Rule) {
        let tx = self.fleet.test.db.write(self.fleet.owner()).await.unwrap();
        alerts::delete_rule(&tx, rule.id, None).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn holds(&mut self, entries: &[(&str, &Certificate)]) {
        self.reports += 1;
        let entries = entries.iter();
        let entries = entries.map(|(purpose, leaf)| identity_entry(purpose, leaf, Served::NotObservable));
        let report = inventory(&self.reports.to_string(), entries.collect());
        self.fleet.apply(self.node, &report).await;
    }

    /// A certificate of so many hours that ends so many hours from noon.
    fn lives(&self, name: &str, hours: i64, left: i64) -> Certificate {
        let mut wanted = profile(name, false, noon() + TimeDelta::hours(left));
        wanted.not_before = wanted.not_after - TimeDelta::hours(hours);
        issue(&self.root.certificate, &self.root.key, key().spki_der(), &wanted).unwrap()
    }

    fn at(&self, time: Timestamp) {
        self.fleet.test.db.fix_time(Some(time));
    }

    async fn sweep(&self) -> Swept {
        alerts::raise_due(&self.fleet.test.db).await.unwrap()
    }

    async fn sweep_at(&self, time: Timestamp) -> Swept {
        self.at(time);
        self.sweep().await
    }

    async fn messages(&self) -> Vec<MessageRow> {
        let tx = self.fleet.test.db.read(self.fleet.owner()).await.unwrap();
        let all = MessageFilter::default();
        alerts::list_messages(&tx, &all, None, 200).await.unwrap().items
    }

    /// Kind, recipient and rule of messages that are due.
    async fn due(&self) -> BTreeSet<(&'static str, String, Option<String>)> {
        let rows = self.messages().await;
        let rows = rows.into_iter().filter(|row| row.state == SendState::Due);
        rows.map(|row| (row.kind.map_or("", MessageKind::as_str), row.recipient, row.rule_name))
            .collect()
    }

    /// Common names of all that was raised in messages of a kind to a recipient, each as often as it was.
    async fn told(&self, kind: MessageKind, recipient: &str) -> Vec<String> {
        let rows = self.messages().await;
        let tx = self.fleet.test.db.read(self.fleet.owner()).await.unwrap();
        let mut names = Vec::new();
        for row in rows
            .iter()
            .filter(|row| row.kind == Some(kind) && row.recipient == recipient)
        {
            let (_, alerts) = alerts::get_message(&tx, row.id).await.unwrap();
            names.extend(alerts.into_iter().map(|alert| alert.common_name));
        }
        names.sort();
        names
    }

    async fn certificate(&self, leaf: &Certificate) -> Uuid {
        let tx = self.fleet.test.db.read(self.fleet.owner()).await.unwrap();
        let all = certyard_domain::certificates::list(&tx, &Default::default(), None, 200)
            .await
            .unwrap();
        let sha256 = leaf.sha256_hex();
        all.items.iter().find(|found| found.sha256 == sha256).unwrap().id
    }

    async fn acknowledge(&self, leaf: &Certificate, until: Timestamp) -> Uuid {
        let certificate_id = self.certificate(leaf).await;
        let tx = self.fleet.test.db.write(self.fleet.owner()).await.unwrap();
        let reason = "known".into();
        let new = NewAcknowledgement {
            certificate_id,
            reason,
            until,
        };
        let made = alerts::acknowledge(&tx, new).await.unwrap();
        tx.commit().await.unwrap();
        made.id
    }

    /// Claims all mail that is due: what each tells.
    async fn claim_all(&self) -> Vec<(String, Letter)> {
        let scope = Scope::system(self.fleet.org.id, "mail");
        let mut found = Vec::new();
        while let Some(claimed) = alerts::claim(&self.fleet.test.db, &scope, &self.fleet.test.keys)
            .await
            .unwrap()
        {
            let Contents::Letter(letter) = claimed.contents else {
                panic!("a notice")
            };
            found.push((claimed.recipient, *letter));
        }
        found
    }

    async fn mail_server(&self) {
        let tx = self.fleet.test.db.write(self.fleet.owner()).await.unwrap();
        let change = alerts::MailChange {
            host: "127.0.0.1".into(),
            port: 25,
            security: "none".into(),
            allow_plaintext: true,
            username: None,
            password: alerts::PasswordChange::Clear,
            from_address: "certyard@example.org".into(),
            from_name: "Certyard".into(),
            ca_pem: None,
        };
        alerts::set_mail(&tx, &self.fleet.test.keys, change).await.unwrap();
        tx.commit().await.unwrap();
    }
}

fn edge() -> NewRule {
    NewRule {
        name: "Edge".into(),
        enabled: true,
        start_days: Some(30),
        mode: "immediate".into(),
        recipients: vec!["edge@example.org".into()],
        ..NewRule::default()
    }
}

fn raised(alerts: u64, messages: u64) -> Swept {
    Swept { alerts, messages }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_rule_tells_its_own_recipients_of_what_it_covers_and_the_default_tells_all_as_before() {
    let mut site = Site::new(&["ops@example.org"]).await;
    let (one, other) = (site.root.leaf("one", 20), site.root.leaf("other", 50));
    site.holds(&[("tomcat", &one), ("CallManager", &other)]).await;
    let scope = RuleScope {
        purposes: names(&["tomcat"]),
        ..RuleScope::default()
    };
    let rule = site.rule(NewRule { scope, ..edge() }).await.unwrap();
    assert_eq!(site.sweep().await, raised(3, 2), "both by the default, one by the rule");
    assert_eq!(site.sweep().await, Swept::default());
    assert_eq!(
        site.told(MessageKind::Warning, "ops@example.org").await,
        names(&["one", "other"])
    );
    assert_eq!(
        site.told(MessageKind::Warning, "edge@example.org").await,
        names(&["one"])
    );
    let rows = site.messages().await;
    let named: BTreeSet<_> = rows
        .iter()
        .map(|row| (row.recipient.as_str(), row.rule_id, row.rule_name.as_deref()))
        .collect();
    assert_eq!(
        named,
        BTreeSet::from([
            ("ops@example.org", None, None),
            ("edge@example.org", Some(rule.id), Some("Edge"))
        ])
    );
    // Each by its own slots, a week later.
    assert_eq!(site.sweep_at(noon() + TimeDelta::days(7)).await.alerts, 3);
    // The ledger names a rule that is gone.
    site.delete(&rule).await;
    let kept = site.messages().await;
    assert!(kept.iter().any(|row| row.rule_name.as_deref() == Some("Edge")));
    assert_eq!(site.sweep_at(noon() + TimeDelta::days(14)).await, raised(2, 1));
}

#[tokio::test]
async fn every_part_of_a_scope_narrows_what_a_rule_covers() {
    let mut site = Site::new(&[]).await;
    let other_root = Ca::root("Other authority");
    let (one, other) = (site.root.leaf("one", 20), other_root.leaf("other", 20));
    site.reports += 1;
    let entries = vec![
        identity_entry("tomcat", &one, Served::NotObservable),
        identity_entry("CallManager", &other, Served::NotObservable),
        trust_entry("tomcat-trust", "t", &other_root.certificate),
    ];
    site.fleet.apply(site.node, &inventory("1", entries)).await;
    let second = site.fleet.cluster("beta").await.cluster.id;
    let signer = site.certificate(&other_root.certificate).await;
    let elsewhere = group(&site.fleet.test, site.fleet.owner(), "Site 2").await;
    for (scope, expected) in [
        (RuleScope::default(), 2),
        (
            RuleScope {
                clusters: vec![site.cluster],
                ..RuleScope::default()
            },
            2,
        ),
        (
            RuleScope {
                clusters: vec![second],
                ..RuleScope::default()
            },
            0,
        ),
        (
            RuleScope {
                groups: vec![site.fleet.group],
                ..RuleScope::default()
            },
            2,
        ),
        (
            RuleScope {
                groups: vec![elsewhere],
                ..RuleScope::default()
            },
            0,
        ),
        (
            RuleScope {
                products: names(&["cucm"]),
                ..RuleScope::default()
            },
            2,
        ),
        (
            RuleScope {
                products: names(&["cuc"]),
                ..RuleScope::default()
            },
            0,
        ),
        (
            RuleScope {
                purposes: names(&["CallManager", "CAPF"]),
                ..RuleScope::default()
            },
            1,
        ),
        (
            RuleScope {
                kind: Some("trust".into()),
                ..RuleScope::default()
            },
            0,
        ),
        (
            RuleScope {
                kind: Some("identity".into()),
                ..RuleScope::default()
            },
            2,
        ),
        (
            RuleScope {
                issuers: names(&["OTHER auth"]),
                ..RuleScope::default()
            },
            1,
        ),
        (
            RuleScope {
                issuers: names(&["100%"]),
                ..RuleScope::default()
            },
            0,
        ),
        (
            RuleScope {
                issuer_certificates: vec![signer],
                ..RuleScope::default()
            },
            1,
        ),
        (
            RuleScope {
                issuer_certificates: vec![signer],
                issuers: names(&["cn=root"]),
                ..RuleScope::default()
            },
            2,
        ),
        (
            RuleScope {
                issuer_certificates: vec![signer],
                purposes: names(&["tomcat"]),
                ..RuleScope::default()
            },
            0,
        ),
    ] {
        let tx = site.fleet.test.db.read(site.fleet.owner()).await.unwrap();
        let new = NewRule {
            scope: scope.clone(),
            ..edge()
        };
        let preview = alerts::preview_rule(&tx, new).await.unwrap();
        assert_eq!((preview.certificates, preview.due), (expected, expected), "{scope:?}");
        assert!(preview.complete);
    }
}

#[tokio::test]
async fn what_a_rule_takes_from_the_default_is_told_by_the_rule_alone_while_it_tells_anybody() {
    let mut site = Site::new(&["ops@example.org"]).await;
    let (one, other) = (site.root.leaf("one", 20), site.root.leaf("other", 20));
    site.holds(&[("tomcat", &one), ("CallManager", &other)]).await;
    let second = site.fleet.node(site.cluster, "n2").await.node.id;
    // In a place beside that the rule does not cover, the default tells of it there.
    let entries = vec![identity_entry("TVS", &one, Served::NotObservable)];
    site.fleet.apply(second, &inventory("2", entries)).await;
    let new = NewRule {
        scope: RuleScope {
            purposes: names(&["tomcat", "CallManager"]),
            ..RuleScope::default()
        },
        instead_of_default: true,
        ..edge()
    };
    let rule = site.rule(new.clone()).await.unwrap();
    assert_eq!(site.sweep().await, raised(3, 2));
    assert_eq!(
        site.told(MessageKind::Warning, "ops@example.org").await,
        names(&["one"])
    );
    assert_eq!(
        site.told(MessageKind::Warning, "edge@example.org").await,
        names(&["one", "other"])
    );
    site.mail_server().await;
    for (recipient, letter) in site.claim_all().await {
        let rows: Vec<&str> = letter
            .groups
            .iter()
            .flat_map(|group| &group.rows)
            .map(|row| row.purpose.as_str())
            .collect();
        match recipient.as_str() {
            "ops@example.org" => assert_eq!((rows, letter.rule), (vec!["TVS"], None)),
            _ => assert_eq!((rows.len(), letter.rule.as_deref()), (2, Some("Edge"))),
        }
    }
    // Switched off it takes nothing: the default tells.
    site.replace(&rule, NewRule { enabled: false, ..new }).await;
    assert_eq!(site.sweep().await, raised(1, 1));
    assert_eq!(
        site.told(MessageKind::Warning, "ops@example.org").await,
        names(&["one", "other"])
    );
}

#[tokio::test]
async fn a_percentage_of_the_lifetime_tells_of_47_days_and_of_6_days_in_time() {
    let mut site = Site::new(&[]).await;
    // 47 days, of which 12 are left; 6 days, of which 40 hours are left; a year, of which 30 days are left.
    let (long, short) = (site.lives("47 days", 47 * 24, 12 * 24), site.lives("6 days", 144, 40));
    let year = site.lives("a year", 365 * 24, 30 * 24);
    site.holds(&[("tomcat", &long), ("CallManager", &short), ("TVS", &year)])
        .await;
    let new = NewRule {
        start_days: None,
        start_percent: Some(20),
        ..edge()
    };
    let rule = site.rule(new.clone()).await.unwrap();
    assert_eq!((rule.frequency_days, rule.frequency_percent), (None, Some(5)));
    assert_eq!(site.sweep().await, raised(1, 1), "30 days are less than 20 % of a year");
    // 28.8 hours before the end of the short one: the full hour after that.
    assert_eq!(site.sweep_at(noon() + TimeDelta::hours(11)).await, Swept::default());
    assert_eq!(site.sweep_at(noon() + TimeDelta::hours(12)).await, raised(1, 1));
    assert_eq!(site.sweep_at(noon() + TimeDelta::hours(18)).await, Swept::default());
    assert_eq!(site.sweep_at(noon() + TimeDelta::hours(19)).await, raised(1, 1));
    // After a night without a worker: the nearest slot alone.
    assert_eq!(site.sweep_at(noon() + TimeDelta::hours(39)).await, raised(1, 1));
    assert_eq!(
        site.sweep_at(noon() + TimeDelta::hours(40)).await,
        raised(1, 1),
        "it has expired"
    );
    assert_eq!(site.sweep_at(noon() + TimeDelta::hours(41)).await, Swept::default());
    // 9.4 days before the end of the long one, at the hour of sending.
    let tx = site.fleet.test.db.read(site.fleet.owner()).await.unwrap();
    let preview = alerts::preview_rule(&tx, new).await.unwrap();
    assert_eq!((preview.certificates, preview.due), (3, 2));
    let first = noon() + TimeDelta::days(3) - TimeDelta::hours(4);
    assert!(preview.next.iter().any(|(at, _)| *at == first), "{preview:?}");
    drop(tx);
    assert_eq!(site.sweep_at(first - TimeDelta::minutes(1)).await, Swept::default());
    assert_eq!(site.sweep_at(first).await, raised(1, 1));
}

#[tokio::test]
async fn a_rule_that_is_deleted_or_switched_off_between_due_and_sent_sends_nothing() {
    let mut site = Site::new(&[]).await;
    let leaf = site.root.leaf("one", 20);
    site.holds(&[("tomcat", &leaf)]).await;
    site.mail_server().await;
    let rule = site.rule(edge()).await.unwrap();
    assert_eq!(site.sweep().await, raised(1, 1));
    let off = site
        .replace(
            &rule,
            NewRule {
                enabled: false,
                ..edge()
            },
        )
        .await;
    assert_eq!(site.claim_all().await.len(), 0);
    let rows = site.messages().await;
    assert_eq!(rows[0].state, SendState::Cancelled, "{rows:?}");
    // Nobody was told: switched on again, it tells.
    let on = site.replace(&off, edge()).await;
    assert_eq!(site.sweep_at(noon() + TimeDelta::minutes(1)).await, raised(1, 1));
    site.delete(&on).await;
    assert_eq!(site.claim_all().await.len(), 0);
    assert!(
        site.messages()
            .await
            .iter()
            .all(|row| row.state == SendState::Cancelled)
    );
    assert_eq!(site.sweep_at(noon() + TimeDelta::days(8)).await, Swept::default());
}

#[tokio::test]
async fn what_nobody_acknowledges_is_told_to_others_once_for_each_stage() {
    let mut site = Site::new(&["ops@example.org"]).await;
    let (known, unknown) = (site.root.leaf("known", 20), site.root.leaf("unknown", 20));
    site.holds(&[("tomcat", &known), ("CallManager", &unknown)]).await;
    let boss = |name: &str| Escalation {
        after_days: 3,
        recipients: names(&[name]),
        channels: Vec::new(),
    };
    site.change(NotificationChange {
        escalation: Some(Some(boss("boss@example.org"))),
        ..NotificationChange::default()
    })
    .await;
    let rule = NewRule {
        escalation: Some(boss("head@example.org")),
        ..edge()
    };
    site.rule(rule).await.unwrap();
    assert_eq!(site.sweep().await, raised(4, 2));
    // Whoever says so on the second day keeps the third quiet.
    site.at(noon() + TimeDelta::days(2));
    let acknowledged = site.acknowledge(&known, noon() + TimeDelta::days(30)).await;
    let third = site.sweep_at(noon() + TimeDelta::hours(72)).await;
    assert_eq!(
        third,
        raised(1, 1),
        "the default's next one; the hour of sending of the escalation is the next day's"
    );
    let escalated = noon() + TimeDelta::hours(72 + 20);
    assert_eq!(site.sweep_at(escalated).await, raised(2, 2));
    for recipient in ["boss@example.org", "head@example.org"] {
        assert_eq!(site.told(MessageKind::Escalation, recipient).await, names(&["unknown"]));
    }
    assert_eq!(site.told(MessageKind::Escalation, "ops@example.org").await, names(&[]));
    site.mail_server().await;
    let subjects: BTreeSet<(&str, Option<String>)> = site
        .claim_all()
        .await
        .into_iter()
        .map(|(_, letter)| (letter.kind.as_str(), letter.rule))
        .collect();
    assert!(subjects.contains(&("escalation", Some("Edge".into()))) && subjects.contains(&("escalation", None)));
    // Nothing more of this stage, however often the others are told.
    let weekly = site.sweep_at(noon() + TimeDelta::days(8)).await;
    assert_eq!(weekly, raised(1, 1), "the rule's next one");
    // Taken back: it is escalated at once, as it has been known for longer than the days.
    let tx = site.fleet.test.db.write(site.fleet.owner()).await.unwrap();
    alerts::end_acknowledgement(&tx, acknowledged).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        site.sweep_at(noon() + TimeDelta::days(8) + TimeDelta::minutes(1)).await,
        raised(4, 4)
    );
    assert_eq!(
        site.told(MessageKind::Escalation, "boss@example.org").await,
        names(&["known", "unknown"])
    );
    // On the last day again, and when it has expired.
    let end = noon() + TimeDelta::days(20);
    site.sweep_at(end - TimeDelta::hours(1)).await;
    assert_eq!(site.told(MessageKind::Escalation, "boss@example.org").await.len(), 4);
    site.sweep_at(end + TimeDelta::hours(1)).await;
    assert_eq!(site.told(MessageKind::Escalation, "boss@example.org").await.len(), 6);
    assert_eq!(site.sweep().await, Swept::default());
}

#[tokio::test]
async fn an_acknowledgement_stops_an_escalation_that_is_due_already() {
    let mut site = Site::new(&["ops@example.org"]).await;
    let leaf = site.root.leaf("one", 20);
    site.holds(&[("tomcat", &leaf)]).await;
    assert_eq!(site.sweep().await, raised(1, 1));
    // Asked for afterwards: it counts from the first alert.
    let escalation = Escalation {
        after_days: 2,
        recipients: names(&["boss@example.org"]),
        channels: Vec::new(),
    };
    site.at(noon() + TimeDelta::days(4));
    site.change(NotificationChange {
        escalation: Some(Some(escalation)),
        ..NotificationChange::default()
    })
    .await;
    assert_eq!(
        site.sweep().await,
        raised(2, 2),
        "the next of the default, and the escalation"
    );
    site.acknowledge(&leaf, noon() + TimeDelta::days(30)).await;
    site.mail_server().await;
    assert_eq!(
        site.claim_all().await.len(),
        0,
        "neither the warning nor the escalation"
    );
    assert!(
        site.messages()
            .await
            .iter()
            .all(|row| row.state == SendState::Cancelled)
    );
}

/// The first moment of a digest on Mondays after noon of 22 November 2026, a Sunday.
fn monday() -> Timestamp {
    noon() + TimeDelta::hours(20)
}

fn weekly() -> NewRule {
    NewRule {
        mode: "weekly_digest".into(),
        start_days: Some(60),
        ..edge()
    }
}

#[tokio::test]
async fn a_digest_comes_once_a_week_with_all_that_is_covered_and_once_after_three_weeks_without_a_worker() {
    let mut site = Site::new(&[]).await;
    let (one, other) = (site.root.leaf("one", 55), site.root.leaf("other", 50));
    let late = site.root.leaf("late", 40);
    site.holds(&[("tomcat", &one), ("CallManager", &other)]).await;
    site.rule(weekly()).await.unwrap();
    assert_eq!(site.sweep().await, Swept::default(), "it is Sunday");
    assert_eq!(site.sweep_at(monday()).await, raised(2, 1));
    assert_eq!(
        site.due().await,
        BTreeSet::from([("digest", "edge@example.org".into(), Some("Edge".into()))])
    );
    assert_eq!(site.sweep().await, Swept::default());
    // What comes on Wednesday waits for Monday.
    site.at(monday() + TimeDelta::days(2));
    site.holds(&[("tomcat", &one), ("CallManager", &other), ("TVS", &late)])
        .await;
    assert_eq!(site.sweep().await, Swept::default());
    assert_eq!(site.sweep_at(monday() + TimeDelta::days(7)).await, raised(3, 1));
    // Three Mondays pass; on Wednesday there is one digest, and on Monday the next.
    assert_eq!(site.sweep_at(monday() + TimeDelta::days(30)).await, raised(3, 1));
    assert_eq!(site.sweep_at(monday() + TimeDelta::days(31)).await, Swept::default());
    assert_eq!(site.sweep_at(monday() + TimeDelta::days(35)).await, raised(3, 1));
    assert_eq!(site.messages().await.len(), 4);
}

#[tokio::test]
async fn the_last_day_and_the_end_do_not_wait_for_a_digest() {
    let mut site = Site::new(&[]).await;
    // Ends on Thursday at noon.
    let leaf = site.root.leaf("one", 4);
    site.holds(&[("tomcat", &leaf)]).await;
    site.rule(weekly()).await.unwrap();
    assert_eq!(site.sweep_at(monday()).await, raised(1, 1));
    assert_eq!(
        site.sweep_at(monday() + TimeDelta::days(3)).await,
        raised(1, 1),
        "the last day"
    );
    assert_eq!(
        site.sweep_at(noon() + TimeDelta::days(4)).await,
        raised(1, 1),
        "the end"
    );
    assert_eq!(site.sweep_at(monday() + TimeDelta::days(5)).await, Swept::default());
    assert_eq!(
        site.sweep_at(monday() + TimeDelta::days(7)).await,
        raised(1, 1),
        "expired still"
    );
    let kinds: Vec<_> = site
        .messages()
        .await
        .iter()
        .map(|row| row.kind.map_or("", MessageKind::as_str))
        .collect();
    assert_eq!(kinds, ["digest", "warning", "warning", "digest"]);
}

#[tokio::test]
async fn a_digest_of_nothing_is_sent_only_where_it_is_wanted() {
    let site = Site::new(&["ops@example.org"]).await;
    let digest = NotificationChange {
        digest_weekday: Some(Some(1)),
        ..NotificationChange::default()
    };
    site.change(digest).await;
    assert_eq!(site.sweep_at(monday()).await, Swept::default());
    let empty = NotificationChange {
        digest_empty: Some(true),
        ..NotificationChange::default()
    };
    site.change(empty).await;
    assert_eq!(site.sweep_at(monday() + TimeDelta::days(1)).await, Swept::default());
    assert_eq!(site.sweep_at(monday() + TimeDelta::days(7)).await, raised(0, 1));
    assert_eq!(site.sweep().await, Swept::default());
    site.mail_server().await;
    let claimed = site.claim_all().await;
    assert_eq!((claimed.len(), claimed[0].1.kind), (1, MessageKind::Digest));
    assert!(claimed[0].1.groups.is_empty());
    // Another day of the week, another hour: no second one within three days.
    let sooner = NotificationChange {
        digest_weekday: Some(Some(2)),
        hour: Some(9),
        ..NotificationChange::default()
    };
    site.change(sooner).await;
    assert_eq!(
        site.sweep_at(monday() + TimeDelta::hours(8 * 24 + 1)).await,
        Swept::default()
    );
    assert_eq!(
        site.sweep_at(monday() + TimeDelta::hours(15 * 24 + 1)).await,
        raised(0, 1)
    );
}

#[tokio::test]
async fn the_default_tells_weekly_and_begins_with_the_next_week() {
    let mut site = Site::new(&["ops@example.org"]).await;
    let leaf = site.root.leaf("one", 50);
    site.holds(&[("tomcat", &leaf)]).await;
    assert_eq!(site.sweep().await, raised(1, 1));
    site.change(NotificationChange {
        digest_weekday: Some(Some(7)),
        ..NotificationChange::default()
    })
    .await;
    assert_eq!(site.sweep().await, Swept::default(), "this Sunday's moment has passed");
    assert_eq!(site.sweep_at(monday() + TimeDelta::days(5)).await, Swept::default());
    assert_eq!(site.sweep_at(monday() + TimeDelta::days(6)).await, raised(1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_sweep_at_once_tell_once() {
    let mut site = Site::new(&["ops@example.org"]).await;
    let leaves: Vec<Certificate> = (0..6).map(|index| site.root.leaf(&format!("n{index}"), 20)).collect();
    let purposes = ["tomcat", "CallManager", "TVS", "CAPF", "ipsec", "tomcat-ECDSA"];
    let entries: Vec<(&str, &Certificate)> = purposes.into_iter().zip(&leaves).collect();
    site.holds(&entries).await;
    let escalation = Escalation {
        after_days: 1,
        recipients: names(&["boss@example.org"]),
        channels: Vec::new(),
    };
    site.rule(NewRule {
        escalation: Some(escalation.clone()),
        ..edge()
    })
    .await
    .unwrap();
    let digest = NewRule {
        name: "Weekly".into(),
        recipients: names(&["week@example.org"]),
        ..weekly()
    };
    site.rule(digest).await.unwrap();
    for time in [
        noon(),
        monday(),
        monday() + TimeDelta::days(1),
        monday() + TimeDelta::days(7),
    ] {
        site.at(time);
        let mut sweeps = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let db = site.fleet.test.db.clone();
            sweeps.spawn(async move { alerts::raise_due(&db).await });
        }
        while let Some(sweep) = sweeps.join_next().await {
            sweep.unwrap().unwrap();
        }
        // Whoever came second left it to the first.
        site.sweep().await;
    }
    let mut counts = std::collections::BTreeMap::new();
    for row in site.messages().await {
        *counts.entry(row.recipient).or_insert(0) += 1;
    }
    let expected = [
        ("boss@example.org", 1),
        ("edge@example.org", 2),
        ("ops@example.org", 2),
        ("week@example.org", 2),
    ];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_string(), count)).into());
    for (kind, recipient, times) in [
        (MessageKind::Warning, "ops@example.org", 2),
        (MessageKind::Escalation, "boss@example.org", 1),
        (MessageKind::Digest, "week@example.org", 2),
    ] {
        assert_eq!(site.told(kind, recipient).await.len(), 6 * times, "{recipient}");
    }
}

#[tokio::test]
async fn whoever_may_not_manage_alerts_makes_no_rule_and_what_is_made_is_in_the_audit_log() {
    let site = Site::new(&[]).await;
    let made = site.rule(edge()).await.unwrap();
    let again = site.rule(edge()).await;
    assert!(matches!(again, Err(Error::Invalid(errors)) if errors[0].field == "name"));
    for role in [Role::Operator, Role::Viewer] {
        let scope = site.fleet.org.member(role, None);
        let tx = site.fleet.test.db.write(&scope).await.unwrap();
        let new = NewRule {
            name: "mine".into(),
            ..edge()
        };
        assert!(matches!(
            alerts::create_rule(&tx, new).await,
            Err(Error::Forbidden { .. })
        ));
        assert!(matches!(
            alerts::delete_rule(&tx, made.id, None).await,
            Err(Error::Forbidden { .. })
        ));
    }
    let after = site
        .replace(
            &made,
            NewRule {
                recipients: names(&["new@example.org"]),
                ..edge()
            },
        )
        .await;
    let tx = site.fleet.test.db.write(site.fleet.owner()).await.unwrap();
    let stale = alerts::replace_rule(&tx, made.id, Some(made.version), edge()).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    drop(tx);
    site.delete(&after).await;
    let tx = site.fleet.test.db.read(site.fleet.owner()).await.unwrap();
    let log = audit::list(&tx, &audit::Filter::default(), None, 200).await.unwrap();
    let mut actions: Vec<&str> = log
        .iter()
        .map(|entry| entry.action.as_str())
        .filter(|action| action.starts_with("notification_rule"))
        .collect();
    actions.sort_unstable();
    assert_eq!(
        actions,
        [
            "notification_rule.create",
            "notification_rule.delete",
            "notification_rule.update"
        ]
    );
}

//! Alerts from the end of a certificate to a mail server that says 250, or does not.

use crate::sink::{Behaviour, Sink};
use crate::tools;
use certyard_domain::alerts::{
    self, About, Code, MailChange, MailServer, MessageFilter, MessageRow, NotificationChange, Outcome, PasswordChange,
    Post, SendState, TestMail,
};
use certyard_domain::clusters::{self, NewCluster};
use certyard_domain::inventory::{self, Cause};
use certyard_domain::nodes::{self, NewNode};
use certyard_domain::{Scope, Timestamp};
use certyard_pki::{Certificate, Hash, KeySpec, PrivateKey, Profile, Subject, self_signed};
use certyard_protocol::{ConnectorKind, InventoryEntry, NodeInventory, Served, StoreKind};
use certyard_testkit::{TestDb, TestOrg};
use chrono::{TimeDelta, TimeZone, Utc};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;
use zeroize::Zeroizing;

fn noon() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).single().unwrap()
}

pub fn certificate(name: &str, days: i64) -> Certificate {
    let profile = Profile {
        subject: Subject(vec![("CN".into(), name.into())]),
        sans: Vec::new(),
        ca: None,
        key_usage: vec!["digitalSignature"],
        extended_key_usage: Vec::new(),
        not_before: noon() - TimeDelta::days(400),
        not_after: noon() + TimeDelta::days(days),
        hash: Hash::Sha256,
    };
    self_signed(&PrivateKey::generate(KeySpec::P256).unwrap(), &profile).unwrap()
}

/// An organisation with a cluster of two nodes.
pub struct Site {
    pub test: TestDb,
    pub org: TestOrg,
    nodes: Vec<Uuid>,
    reports: usize,
}

impl Site {
    pub async fn new() -> Self {
        let test = TestDb::new().await;
        test.db.fix_time(Some(noon()));
        let org = test.org("Example Corp").await;
        let tx = test.db.write(&org.owner).await.unwrap();
        let group = clusters::create_group(&tx, "Site 1", "").await.unwrap().group.id;
        let new = NewCluster {
            group_id: group,
            name: "north".into(),
            product: "cucm".into(),
            product_version: "14".into(),
            enabled: true,
            description: String::new(),
        };
        let cluster = clusters::create(&tx, new).await.unwrap().cluster.id;
        let mut nodes = Vec::new();
        for name in ["n1", "n2"] {
            let new = NewNode {
                cluster_id: cluster,
                name: name.into(),
                address: format!("{name}:443"),
                role: "subscriber".into(),
                connector: ConnectorKind::CiscoUc,
                agent_id: None,
                second_agent_id: None,
            };
            nodes.push(nodes::create(&tx, new).await.unwrap().node.id);
        }
        tx.commit().await.unwrap();
        Self {
            test,
            org,
            nodes,
            reports: 0,
        }
    }

    /// What a node holds from now on.
    pub async fn holds(&mut self, node: usize, certificates: &[(&str, &Certificate)]) {
        self.reports += 1;
        let entries = certificates
            .iter()
            .map(|(purpose, certificate)| InventoryEntry {
                store: (*purpose).into(),
                kind: StoreKind::Identity,
                entry: (*purpose).into(),
                certificate_pem: certificate.to_pem(),
                served: Served::NotObservable,
            })
            .collect();
        let inventory = NodeInventory {
            digest: self.reports.to_string(),
            observed_at: noon(),
            entries,
            csrs: Vec::new(),
            version: None,
        };
        let parsed = inventory::parse(&inventory).unwrap();
        let tx = self.test.db.write(&Scope::system(self.org.id, "test")).await.unwrap();
        inventory::apply(&tx, self.nodes[node], &parsed, &Cause::default())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn tell(&self, recipients: &[&str]) {
        let change = NotificationChange {
            recipients: Some(recipients.iter().map(ToString::to_string).collect()),
            ..NotificationChange::default()
        };
        let tx = self.test.db.write(&self.org.owner).await.unwrap();
        alerts::set_notifications(&tx, change).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn mail_by(&self, sink: &Sink, security: &str, user: Option<(&str, &str)>, own_ca: bool) {
        self.mail_at(sink.port, security, user, own_ca.then(|| sink.ca_pem.clone()))
            .await;
    }

    pub async fn mail_at(&self, port: u16, security: &str, user: Option<(&str, &str)>, ca_pem: Option<String>) {
        let change = MailChange {
            host: "127.0.0.1".into(),
            port: port.into(),
            security: security.into(),
            allow_plaintext: security == "none",
            username: user.map(|(name, _)| name.into()),
            password: user.map_or(PasswordChange::Clear, |(_, password)| {
                PasswordChange::Set(Zeroizing::new(password.into()))
            }),
            from_address: "certyard@example.org".into(),
            from_name: "Certyard".into(),
            ca_pem,
        };
        let tx = self.test.db.write(&self.org.owner).await.unwrap();
        alerts::set_mail(&tx, &self.test.keys, change).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn server(&self) -> MailServer {
        let tx = self.test.db.read(&self.org.owner).await.unwrap();
        alerts::mail_server(&tx, &self.test.keys).await.unwrap().unwrap()
    }

    pub async fn round(&self) {
        certyard_worker::run_once(&tools(&self.test)).await.unwrap();
    }

    pub async fn pass(&self, time: TimeDelta) {
        let now = self.test.db.now().await.unwrap();
        self.test.db.fix_time(Some(now + time));
    }

    /// Messages about certificates, the latest first.
    pub async fn messages(&self) -> Vec<MessageRow> {
        self.messages_about(About::Certificates).await
    }

    pub async fn messages_about(&self, about: About) -> Vec<MessageRow> {
        let filter = MessageFilter {
            about: Some(about),
            ..MessageFilter::default()
        };
        let tx = self.test.db.read(&self.org.owner).await.unwrap();
        alerts::list_messages(&tx, &filter, None, 200).await.unwrap().items
    }

    pub async fn states(&self) -> Vec<(String, SendState)> {
        let mut found: Vec<(String, SendState)> = self
            .messages()
            .await
            .into_iter()
            .map(|row| (row.recipient, row.state))
            .collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    }

    pub async fn troubles(&self) -> Vec<Code> {
        let tx = self.test.db.read(&self.org.owner).await.unwrap();
        alerts::health(&tx)
            .await
            .unwrap()
            .into_iter()
            .map(|found| found.code)
            .collect()
    }
}

pub fn plain() -> Behaviour {
    Behaviour::default()
}

#[tokio::test(flavor = "multi_thread")]
async fn r41_a_due_certificate_is_told_once_to_each_recipient_and_the_ledger_keeps_the_servers_words() {
    let mut site = Site::new().await;
    let sink = Sink::start(plain()).await;
    let leaf = certificate("cucm1.example.org", 20);
    site.holds(0, &[("tomcat", &leaf)]).await;
    site.holds(
        1,
        &[
            ("tomcat", &leaf),
            ("CallManager", &certificate("later.example.org", 200)),
        ],
    )
    .await;
    site.tell(&["a@example.org", "b@example.org"]).await;
    site.mail_by(&sink, "none", None, false).await;
    site.round().await;
    let received = sink.received();
    assert_eq!(received.len(), 2, "{:?}", site.messages().await);
    let to: BTreeSet<&str> = received.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, BTreeSet::from(["a@example.org", "b@example.org"]));
    for mail in &received {
        let body = mail.body();
        for told in [
            "cucm1.example.org",
            "north",
            "tomcat",
            "2026-12-12 12:00 UTC",
            leaf.serial_hex.as_str(),
        ] {
            assert!(body.contains(told), "{told} is missing:\n{body}");
        }
        assert!(!body.contains("later.example.org"), "{body}");
        assert_eq!(mail.header("Subject"), "Certyard: expired 0, expiring 1 (Example Corp)");
        assert_eq!(mail.header("To"), mail.to);
        assert!(
            mail.header("List-Unsubscribe")
                .starts_with("<https://certyard.example.org/settings/notifications>")
        );
        assert!(mail.text.contains("multipart/alternative"), "{}", mail.text);
    }
    let messages = site.messages().await;
    for row in &messages {
        assert_eq!(row.state, SendState::Accepted, "{row:?}");
        assert_eq!(row.reply.as_deref(), Some("250 2.0.0 Ok: queued as Q123"));
        assert_eq!(
            (row.queue_id.as_deref(), row.told_count, row.attempts),
            (Some("Q123"), 1, 1)
        );
        let mail = received.iter().find(|mail| mail.to == row.recipient).unwrap();
        assert_eq!(Some(mail.header("Message-ID")), row.message_id);
    }
    let tx = site.test.db.read(&site.org.owner).await.unwrap();
    let (_, told) = alerts::get_message(&tx, messages[0].id).await.unwrap();
    assert_eq!((told.len(), told[0].node_count, told[0].told), (1, 2, true), "{told:?}");
    let who = alerts::told_of(&tx, told[0].certificate_id, None, 50).await.unwrap();
    assert_eq!(who.items.len(), 2);
    drop(tx);
    // Nothing more today, nor until the next slot, which is 18 days before the end.
    site.round().await;
    site.pass(TimeDelta::hours(20)).await;
    site.round().await;
    assert_eq!(sink.received().len(), 2);
    site.pass(TimeDelta::days(7)).await;
    site.round().await;
    assert_eq!(sink.received().len(), 4);
    assert_eq!(site.troubles().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_without_the_tls_that_was_asked_for() {
    let mut site = Site::new().await;
    site.holds(0, &[("tomcat", &certificate("n1.example.org", 20))]).await;
    site.tell(&["a@example.org"]).await;
    let sink = Sink::start(plain()).await;
    let secure = |starttls: bool| Behaviour {
        starttls,
        auth: Some("certyard:s3cret".into()),
        ..Behaviour::default()
    };
    let user = Some(("certyard", "s3cret"));
    // A server, or whoever sits before it, that offers no STARTTLS.
    sink.behave(secure(false));
    site.mail_by(&sink, "starttls", user, true).await;
    site.round().await;
    // A server that nobody trusts.
    sink.behave(secure(true));
    site.mail_by(&sink, "starttls", user, false).await;
    site.pass(TimeDelta::minutes(5)).await;
    site.round().await;
    let said: Vec<String> = sink.commands();
    assert!(
        !said
            .iter()
            .any(|line| line.starts_with("MAIL") || line.starts_with("AUTH")),
        "{said:?}"
    );
    assert_eq!(site.states().await, [("a@example.org".into(), SendState::Deferred)]);
    // A wrong password.
    site.mail_by(&sink, "starttls", Some(("certyard", "wrong")), true).await;
    site.pass(TimeDelta::minutes(5)).await;
    site.round().await;
    let reply = site.messages().await[0].reply.clone().unwrap();
    assert_eq!(reply, "auth: 535 5.7.8 bad credentials");
    assert_eq!(site.troubles().await, []);
    site.pass(TimeDelta::minutes(31)).await;
    assert_eq!(site.troubles().await, [Code::MailDelayed]);
    // Its own CA, its own user.
    site.mail_by(&sink, "starttls", user, true).await;
    site.round().await;
    assert_eq!(site.states().await, [("a@example.org".into(), SendState::Accepted)]);
    assert!(sink.received()[0].tls);
    assert_eq!(site.troubles().await, []);
    // TLS from the first byte.
    sink.behave(Behaviour {
        implicit_tls: true,
        ..secure(false)
    });
    site.mail_by(&sink, "tls", user, true).await;
    let test = TestMail {
        to: "b@example.org".into(),
        language: alerts::Language::Sv,
        organisation: "Example Corp".into(),
        public_url: "https://certyard.example.org".into(),
    };
    let said = certyard_worker::Mailer::default()
        .send_test(&site.server().await, &test)
        .await;
    assert_eq!(said.as_deref(), Ok("250 2.0.0 Ok: queued as Q123"));
    site.mail_by(&sink, "tls", user, false).await;
    let refused = certyard_worker::Mailer::default()
        .send_test(&site.server().await, &test)
        .await;
    assert_eq!(refused.map_err(|failure| failure.step), Err("tls"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_says_nothing_is_left_to_itself() {
    let mut site = Site::new().await;
    site.holds(0, &[("tomcat", &certificate("n1.example.org", 20))]).await;
    site.tell(&["a@example.org"]).await;
    // Whoever connects waits for a greeting; the worker would for a minute.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    site.mail_at(silent.local_addr().unwrap().port(), "none", None, None)
        .await;
    let round = tokio::time::timeout(std::time::Duration::from_secs(40), site.round());
    round.await.expect("the loop goes on");
    assert_eq!(site.states().await, [("a@example.org".into(), SendState::Sending)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn greylisting_is_waited_for_and_the_message_id_stays() {
    let mut site = Site::new().await;
    site.holds(0, &[("tomcat", &certificate("n1.example.org", 20))]).await;
    site.tell(&["a@example.org", "b@example.org"]).await;
    let sink = Sink::start(Behaviour {
        greylist: true,
        ..Behaviour::default()
    })
    .await;
    site.mail_by(&sink, "none", None, false).await;
    site.round().await;
    assert_eq!(sink.received().len(), 0);
    let before: HashMap<Uuid, Option<String>> = site
        .messages()
        .await
        .into_iter()
        .map(|row| {
            assert_eq!(row.state, SendState::Deferred);
            assert_eq!(
                row.reply.as_deref(),
                Some("recipient: 451 4.7.1 greylisted, come back later")
            );
            (row.id, row.message_id)
        })
        .collect();
    site.pass(TimeDelta::seconds(61)).await;
    site.round().await;
    assert_eq!(sink.received().len(), 2);
    for row in site.messages().await {
        assert_eq!((row.state, row.attempts), (SendState::Accepted, 2));
        assert_eq!(before[&row.id], row.message_id);
    }
    assert_eq!(
        sink.connections(),
        4,
        "a recipient that is put off costs no connection: one for each lane and turn"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_loses_nothing_and_a_copy_has_the_same_message_id() {
    for (drop_before_data, drop_after_data, copies) in [(true, false, 1), (false, true, 2)] {
        let mut site = Site::new().await;
        site.holds(0, &[("tomcat", &certificate("n1.example.org", 20))]).await;
        site.tell(&["a@example.org"]).await;
        let sink = Sink::start(Behaviour {
            drop_before_data,
            drop_after_data,
            ..Behaviour::default()
        })
        .await;
        site.mail_by(&sink, "none", None, false).await;
        site.round().await;
        assert_eq!(
            site.states().await,
            [("a@example.org".into(), SendState::Deferred)],
            "never sent without a 250"
        );
        sink.behave(plain());
        site.pass(TimeDelta::minutes(2)).await;
        site.round().await;
        assert_eq!(site.states().await, [("a@example.org".into(), SendState::Accepted)]);
        let ids: Vec<String> = sink.received().iter().map(|mail| mail.header("Message-ID")).collect();
        assert_eq!(ids.len(), copies);
        assert!(ids.iter().all(|id| *id == ids[0] && !id.is_empty()), "{ids:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_that_is_refused_for_good_is_suspended_seen_and_resumed() {
    let mut site = Site::new().await;
    site.holds(0, &[("tomcat", &certificate("n1.example.org", 20))]).await;
    site.tell(&["gone@example.org", "here@example.org"]).await;
    let refuse = Behaviour {
        refuse: Some(("gone@example.org".into(), "550 5.1.1 no such user".into())),
        ..Behaviour::default()
    };
    let sink = Sink::start(refuse).await;
    site.mail_by(&sink, "none", None, false).await;
    site.round().await;
    let expected = [
        ("gone@example.org".to_string(), SendState::Refused),
        ("here@example.org".to_string(), SendState::Accepted),
    ];
    assert_eq!(site.states().await, expected);
    assert_eq!(site.troubles().await, [Code::RecipientsSuspended]);
    let tx = site.test.db.read(&site.org.owner).await.unwrap();
    let suspended = alerts::notifications(&tx).await.unwrap().suspended;
    assert_eq!(
        (suspended.len(), suspended[0].reply.as_str()),
        (1, "recipient: 550 5.1.1 no such user")
    );
    drop(tx);
    // The next run writes down that they were not told, and asks the server for nothing.
    site.pass(TimeDelta::days(7)).await;
    let asked = sink.commands().len();
    site.round().await;
    let again = sink.commands().split_off(asked);
    assert!(!again.iter().any(|line| line.contains("gone@")), "{again:?}");
    let refused = site
        .states()
        .await
        .iter()
        .filter(|(_, state)| *state == SendState::Refused)
        .count();
    assert_eq!(refused, 2);
    // Back again.
    sink.behave(plain());
    let tx = site.test.db.write(&site.org.owner).await.unwrap();
    alerts::resume_recipient(&tx, "gone@example.org").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(site.troubles().await, [Code::MessageDead], "nothing was told yet");
    site.pass(TimeDelta::days(7)).await;
    site.round().await;
    assert_eq!(site.troubles().await, []);
    assert_eq!(
        sink.received()
            .iter()
            .filter(|mail| mail.to == "gone@example.org")
            .count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_costs_time_and_after_48_hours_a_message_is_dead_and_seen() {
    let mut site = Site::new().await;
    site.holds(0, &[("tomcat", &certificate("n1.example.org", 20))]).await;
    site.tell(&["a@example.org", "b@example.org", "c@example.org"]).await;
    // No mail server at all: the messages wait, and it is told.
    site.round().await;
    assert_eq!(site.troubles().await, [Code::MailNotConfigured]);
    assert!(site.states().await.iter().all(|(_, state)| *state == SendState::Due));
    let sink = Sink::start(plain()).await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    site.mail_at(port, "none", None, None).await;
    for _ in 0..3 {
        site.round().await;
        site.pass(TimeDelta::minutes(40)).await;
    }
    assert!(
        site.states()
            .await
            .iter()
            .all(|(_, state)| *state == SendState::Deferred)
    );
    assert_eq!(site.troubles().await, [Code::MailDelayed]);
    // Back after two hours: all of it leaves within the next rounds.
    site.mail_by(&sink, "none", None, false).await;
    site.pass(TimeDelta::minutes(2)).await;
    site.round().await;
    assert_eq!(sink.received().len(), 3, "{:?}", site.messages().await);
    assert_eq!(site.troubles().await, []);
    // Away for more than 48 hours.
    site.pass(TimeDelta::days(7)).await;
    site.mail_at(port, "none", None, None).await;
    site.round().await;
    site.pass(TimeDelta::hours(49)).await;
    site.round().await;
    let dead: Vec<MessageRow> = site
        .messages()
        .await
        .into_iter()
        .filter(|row| row.state == SendState::Dead)
        .collect();
    assert_eq!(dead.len(), 3);
    assert!(
        dead[0]
            .reply
            .as_deref()
            .unwrap()
            .contains("given up after 48 hours: connect: "),
        "{dead:?}"
    );
    assert!(site.troubles().await.contains(&Code::MessageDead));
    // Sent again by hand once the server is right.
    site.mail_by(&sink, "none", None, false).await;
    for row in &dead {
        let tx = site.test.db.write(&site.org.owner).await.unwrap();
        alerts::retry_message(&tx, row.id).await.unwrap();
        tx.commit().await.unwrap();
    }
    site.round().await;
    assert_eq!(sink.received().len(), 6);
    assert_eq!(site.troubles().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_renewed_removed_or_configured_away_meanwhile_is_not_told() {
    let mut site = Site::new().await;
    let (stays, goes) = (
        certificate("stays.example.org", 20),
        certificate("goes.example.org", 10),
    );
    site.holds(0, &[("tomcat", &stays), ("CallManager", &goes)]).await;
    site.tell(&["a@example.org", "b@example.org"]).await;
    // Due, and no mail server yet.
    site.round().await;
    let renewed = certificate("goes.example.org", 400);
    site.holds(0, &[("tomcat", &stays), ("CallManager", &renewed)]).await;
    site.tell(&["a@example.org"]).await;
    let sink = Sink::start(plain()).await;
    site.mail_by(&sink, "none", None, false).await;
    site.round().await;
    let expected = [
        ("a@example.org".to_string(), SendState::Accepted),
        ("b@example.org".to_string(), SendState::Cancelled),
    ];
    assert_eq!(site.states().await, expected);
    let body = sink.received()[0].body();
    assert!(
        body.contains("stays.example.org") && !body.contains("goes.example.org"),
        "{body}"
    );
    let message = site
        .messages()
        .await
        .into_iter()
        .find(|row| row.recipient == "a@example.org")
        .unwrap();
    let tx = site.test.db.read(&site.org.owner).await.unwrap();
    let (_, told) = alerts::get_message(&tx, message.id).await.unwrap();
    let told: Vec<(&str, bool)> = told
        .iter()
        .map(|alert| (alert.common_name.as_str(), alert.told))
        .collect();
    assert_eq!(told, [("goes.example.org", false), ("stays.example.org", true)]);
    drop(tx);
    // All of it renewed before the next mail is sent: no mail at all.
    site.mail_at(1, "none", None, None).await;
    site.pass(TimeDelta::days(7)).await;
    site.round().await;
    site.holds(0, &[("tomcat", &renewed), ("CallManager", &renewed)]).await;
    site.mail_by(&sink, "none", None, false).await;
    site.pass(TimeDelta::minutes(5)).await;
    site.round().await;
    assert_eq!(sink.received().len(), 1);
    assert_eq!(site.messages().await[0].state, SendState::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_slots_are_not_sent_in_a_row() {
    let mut site = Site::new().await;
    site.holds(0, &[("tomcat", &certificate("n1.example.org", 58))]).await;
    site.tell(&["a@example.org"]).await;
    // Five runs without a mail server: the messages wait.
    for _ in 0..5 {
        site.round().await;
        site.pass(TimeDelta::days(7)).await;
    }
    let sink = Sink::start(plain()).await;
    site.mail_by(&sink, "none", None, false).await;
    site.round().await;
    assert_eq!(sink.received().len(), 1, "{:?}", site.messages().await);
    let states: Vec<SendState> = site.states().await.into_iter().map(|(_, state)| state).collect();
    assert_eq!(states.iter().filter(|state| **state == SendState::Accepted).count(), 1);
    assert_eq!(
        states.iter().filter(|state| **state == SendState::Cancelled).count(),
        states.len() - 1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_died_leaves_its_message_to_the_next_and_settles_nothing_late() {
    let mut site = Site::new().await;
    site.holds(0, &[("tomcat", &certificate("n1.example.org", 20))]).await;
    site.tell(&["a@example.org"]).await;
    alerts::raise_due(&site.test.db).await.unwrap();
    let sink = Sink::start(plain()).await;
    site.mail_by(&sink, "none", None, false).await;
    let scope = Scope::system(site.org.id, "mail");
    let first = alerts::claim(&site.test.db, &scope, &site.test.keys)
        .await
        .unwrap()
        .unwrap();
    assert!(
        alerts::claim(&site.test.db, &scope, &site.test.keys)
            .await
            .unwrap()
            .is_none(),
        "one worker at a time"
    );
    site.pass(TimeDelta::minutes(9)).await;
    let early = alerts::claim(&site.test.db, &scope, &site.test.keys).await.unwrap();
    assert!(
        early.is_none(),
        "the lease lasts longer than a worker is busy with one message"
    );
    site.pass(TimeDelta::minutes(2)).await;
    let second = alerts::claim(&site.test.db, &scope, &site.test.keys)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((first.id, &first.message_id), (second.id, &second.message_id));
    let late = Outcome::Refused {
        reply: "550 late".into(),
        unknown: true,
    };
    assert!(!alerts::settle(&site.test.db, &scope, &first, &late).await.unwrap());
    let accepted = Outcome::Accepted {
        reply: "250 Ok".into(),
        queue_id: None,
        subject: "x".into(),
    };
    assert!(alerts::settle(&site.test.db, &scope, &second, &accepted).await.unwrap());
    assert!(!alerts::settle(&site.test.db, &scope, &second, &late).await.unwrap());
    assert_eq!(site.states().await, [("a@example.org".into(), SendState::Accepted)]);
    assert_eq!(site.troubles().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_race_tell_each_recipient_of_each_certificate_once() {
    let mut site = Site::new().await;
    let many: Vec<Certificate> = (0..30)
        .map(|index| certificate(&format!("n{index}.example.org"), 20))
        .collect();
    let purposes: Vec<String> = (0..30).map(|index| format!("p{index}")).collect();
    let held: Vec<(&str, &Certificate)> = purposes.iter().map(String::as_str).zip(&many).collect();
    site.holds(0, &held).await;
    let recipients: Vec<String> = (0..25).map(|index| format!("r{index}@example.org")).collect();
    site.tell(&recipients.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    let sink = Sink::start(plain()).await;
    site.mail_by(&sink, "none", None, false).await;
    let workers = (0..4).map(|_| {
        let tools = tools(&site.test);
        tokio::spawn(async move { certyard_worker::run_once(&tools).await })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap().unwrap();
    }
    site.round().await;
    let received = sink.received();
    for recipient in &recipients {
        let mails: Vec<_> = received.iter().filter(|mail| mail.to == *recipient).collect();
        let ids: BTreeSet<String> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
        assert_eq!(ids.len(), mails.len(), "no copy");
        for index in 0..30 {
            let name = format!(">n{index}.example.org<");
            let told = mails.iter().filter(|mail| mail.body().contains(&name)).count();
            assert_eq!(told, 1, "{name} to {recipient}");
        }
    }
    assert!(site.messages().await.iter().all(|row| row.state == SendState::Accepted));
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_nothing_of_one_organisation_is_told_to_another() {
    let mut ours = Site::new().await;
    ours.holds(0, &[("tomcat", &certificate("ours.example.org", 20))]).await;
    let theirs = ours.test.org("Theirs").await;
    let change = NotificationChange {
        recipients: Some(vec!["them@example.com".into()]),
        ..NotificationChange::default()
    };
    let tx = ours.test.db.write(&theirs.owner).await.unwrap();
    alerts::set_notifications(&tx, change).await.unwrap();
    tx.commit().await.unwrap();
    let sink = Sink::start(plain()).await;
    ours.tell(&["us@example.org"]).await;
    ours.mail_by(&sink, "none", None, false).await;
    ours.round().await;
    let to: Vec<String> = sink.received().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, ["us@example.org"]);
    let tx = ours.test.db.read(&theirs.owner).await.unwrap();
    assert_eq!(alerts::mail_settings(&tx).await.unwrap(), None);
    let found = alerts::list_messages(&tx, &MessageFilter::default(), None, 50)
        .await
        .unwrap();
    assert_eq!(found.items, []);
}

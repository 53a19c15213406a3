//! Notices: what keeps people from being told reaches whoever can still be reached.

use crate::channels::new;
use crate::mail::{Site, certificate, plain};
use crate::receiver::Receiver;
use crate::sink::{Behaviour, Sink};
use certyard_domain::Role;
use certyard_domain::alerts::{self, About, Code, SendState};
use certyard_domain::people::{self, Invitation};
use chrono::TimeDelta;
use serde_json::Value;
use zeroize::Zeroizing;

impl Site {
    async fn due(recipients: &[&str]) -> Self {
        let mut site = Self::new().await;
        site.holds(0, &[("tomcat", &certificate("n1.example.org", 20))]).await;
        site.tell(recipients).await;
        site
    }

    async fn notices(&self) -> Vec<(String, SendState)> {
        let rows = self.messages_about(About::Trouble).await;
        let mut found: Vec<_> = rows.into_iter().map(|row| (row.recipient, row.state)).collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    }
}

fn told_of(receiver: &Receiver, about: &str) -> Vec<Value> {
    let bodies = receiver.got().into_iter().map(|call| call.body);
    bodies
        .map(|body| serde_json::from_str::<Value>(&body).unwrap())
        .filter(|body| body["type"] == about)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn m6_without_a_mail_server_the_channels_tell_it_at_once_then_daily_until_it_is_over() {
    let site = Site::due(&["a@example.org"]).await;
    let receiver = Receiver::start().await;
    site.channel(new("Chat", "generic", receiver.port)).await.unwrap();
    for _ in 0..3 {
        site.round().await;
        site.pass(TimeDelta::minutes(5)).await;
    }
    let notices = told_of(&receiver, "trouble");
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!(notices[0]["troubles"][0]["code"], "mail_not_configured");
    assert_eq!(notices[0]["url"], "https://certyard.example.org/messages");
    assert_eq!(site.notices().await, [("Chat".into(), SendState::Accepted)]);
    site.pass(TimeDelta::hours(24)).await;
    site.round().await;
    assert_eq!(told_of(&receiver, "trouble").len(), 2);
    // There is one, and it takes what waited: all is well, and nothing more is told.
    let sink = Sink::start(plain()).await;
    site.mail_by(&sink, "none", None, false).await;
    site.pass(TimeDelta::hours(25)).await;
    site.round().await;
    site.round().await;
    assert_eq!(site.troubles().await, []);
    assert_eq!(told_of(&receiver, "trouble").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_is_away_is_told_by_the_channels_alone_and_once_for_all_that_comes_and_goes() {
    let site = Site::due(&["a@example.org"]).await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    site.mail_at(port, "none", None, None).await;
    site.round().await;
    assert_eq!(site.notices().await, [], "greylisting is no trouble");
    let receiver = Receiver::start().await;
    site.channel(new("Pager", "pagerduty", receiver.port)).await.unwrap();
    for _ in 0..2 {
        site.pass(TimeDelta::minutes(40)).await;
        site.round().await;
    }
    assert_eq!(site.troubles().await, [Code::MailDelayed]);
    assert_eq!(site.notices().await, [("Pager".into(), SendState::Accepted)]);
    let body: Value = serde_json::from_str(&receiver.got().pop().unwrap().body).unwrap();
    assert_eq!(body["payload"]["severity"], "error");
    // It comes back, and is away again within the hour: the same trouble.
    let sink = Sink::start(plain()).await;
    site.mail_by(&sink, "none", None, false).await;
    site.pass(TimeDelta::minutes(5)).await;
    site.round().await;
    site.round().await;
    assert_eq!(site.troubles().await, []);
    site.mail_at(port, "none", None, None).await;
    site.pass(TimeDelta::days(7)).await;
    site.round().await;
    site.pass(TimeDelta::minutes(40)).await;
    site.round().await;
    assert_eq!(site.notices().await.len(), 2, "seven days later it is another");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_recipient_is_told_to_the_others_and_to_owners_by_mail() {
    let site = Site::due(&["gone@example.org", "here@example.org"]).await;
    for (email, role) in [("owner@example.org", Role::Owner), ("viewer@example.org", Role::Viewer)] {
        let invitation = Invitation {
            email: email.into(),
            name: "Somebody".into(),
            password: Zeroizing::new("correct horse battery".into()),
            role,
            group_ids: None,
        };
        people::add_member(&site.test.db, &site.org.owner, &invitation)
            .await
            .unwrap();
    }
    let refuse = Behaviour {
        refuse: Some(("gone@example.org".into(), "550 5.1.1 no such user".into())),
        ..Behaviour::default()
    };
    let sink = Sink::start(refuse).await;
    site.mail_by(&sink, "none", None, false).await;
    site.round().await;
    site.round().await;
    let expected = ["here@example.org", "owner@example.org"].map(|to| (to.to_string(), SendState::Accepted));
    assert_eq!(site.notices().await, expected);
    let mail = sink
        .received()
        .into_iter()
        .find(|mail| mail.to == "owner@example.org")
        .unwrap();
    assert!(
        mail.header("Subject").starts_with("Certyard: People may not be told"),
        "{}",
        mail.text
    );
    assert!(
        mail.body().contains("as their server refused it: 1."),
        "{}",
        mail.body()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_waits_until_all_is_well_is_not_sent_and_is_no_trouble_itself() {
    let site = Site::due(&["a@example.org"]).await;
    let receiver = Receiver::start().await;
    receiver.say("503 Service Unavailable", "", "later");
    site.channel(new("Chat", "generic", receiver.port)).await.unwrap();
    site.round().await;
    assert_eq!(site.notices().await, [("Chat".into(), SendState::Deferred)]);
    let sink = Sink::start(plain()).await;
    site.mail_by(&sink, "none", None, false).await;
    receiver.say("200 OK", "", "ok");
    site.pass(TimeDelta::minutes(10)).await;
    site.round().await;
    assert_eq!(site.troubles().await, []);
    let rows = site.messages_about(About::Trouble).await;
    assert_eq!(rows[0].state, SendState::Cancelled, "{rows:?}");
    assert_eq!(rows[0].reply.as_deref(), Some("not sent: all is well again"));
    let tx = site.test.db.read(&site.org.owner).await.unwrap();
    let (_, told) = alerts::get_message(&tx, rows[0].id).await.unwrap();
    assert_eq!(told, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_hears_that_nobody_is_told_although_nobody_has_said_anything_of_notifications() {
    let mut site = Site::new().await;
    site.holds(0, &[("tomcat", &certificate("n1.example.org", 20))]).await;
    let invitation = Invitation {
        email: "owner@example.org".into(),
        name: "Somebody".into(),
        password: Zeroizing::new("correct horse battery".into()),
        role: Role::Owner,
        group_ids: None,
    };
    people::add_member(&site.test.db, &site.org.owner, &invitation)
        .await
        .unwrap();
    site.round().await;
    assert_eq!(site.notices().await, [], "there is no way to tell anybody");
    let sink = Sink::start(plain()).await;
    site.mail_by(&sink, "none", None, false).await;
    site.round().await;
    site.round().await;
    assert_eq!(site.troubles().await, [Code::NoRecipients]);
    assert_eq!(
        site.notices().await,
        [("owner@example.org".into(), SendState::Accepted)]
    );
}

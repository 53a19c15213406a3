//! That the ledger says what was: whoever was told, what was given up, and nothing that was not written down.

use crate::mail::{Site, certificate, plain};
use crate::sink::{Behaviour, Sink};
use crate::tools;
use certyard_domain::Scope;
use certyard_domain::alerts::{self, Code, NewAcknowledgement, NotificationChange, Outcome, SendState};
use certyard_pki::{Certificate, pem_text, pkcs7};
use chrono::TimeDelta;
use sea_orm::ConnectionTrait;
use std::time::{Duration, Instant};

/// A site with a certificate that is due, and a message for each recipient.
async fn due(recipients: &[&str]) -> Site {
    let mut site = Site::new().await;
    site.holds(0, &[("tomcat", &certificate("n1.example.org", 20))]).await;
    site.tell(recipients).await;
    alerts::raise_due(&site.test.db).await.unwrap();
    site
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(90);
    while !holds().await {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_take_the_250_is_asked_again_and_the_mail_is_not_sent_twice() {
    let site = due(&["a@example.org"]).await;
    let sink = Sink::start(plain()).await;
    site.mail_by(&sink, "none", None, false).await;
    let owner = site.test.owner().await;
    let (make, drop) = if site.test.is_postgres() {
        (
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'disk full'; END $$;
             CREATE TRIGGER refuse BEFORE UPDATE ON message FOR EACH ROW WHEN (NEW.state = 'accepted') EXECUTE FUNCTION refuse()",
            "DROP TRIGGER refuse ON message",
        )
    } else {
        (
            "CREATE TRIGGER refuse BEFORE UPDATE ON message WHEN NEW.state = 'accepted' BEGIN SELECT RAISE(ABORT, 'disk full'); END",
            "DROP TRIGGER refuse",
        )
    };
    owner.execute_unprepared(make).await.unwrap();
    let tools = tools(&site.test);
    let round = tokio::spawn(async move { certyard_worker::run_once(&tools).await });
    until("the mail is taken", async || sink.received().len() == 1).await;
    owner.execute_unprepared(drop).await.unwrap();
    until("it is written down", async || {
        site.states().await == [("a@example.org".to_string(), SendState::Accepted)]
    })
    .await;
    round.await.unwrap().unwrap();
    site.pass(TimeDelta::minutes(11)).await;
    site.round().await;
    assert_eq!(sink.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waited_because_nobody_ran_is_tried_before_it_is_given_up() {
    let site = due(&["a@example.org"]).await;
    let sink = Sink::start(Behaviour {
        data_reply: Some("451 4.3.0 later".into()),
        ..Behaviour::default()
    })
    .await;
    site.mail_by(&sink, "none", None, false).await;
    site.round().await;
    assert_eq!(site.states().await[0].1, SendState::Deferred);
    // Nobody runs over the weekend, and the mail server is well again on Monday.
    site.pass(TimeDelta::hours(62)).await;
    sink.behave(plain());
    site.round().await;
    assert_eq!(site.states().await[0].1, SendState::Accepted);
    assert_eq!(sink.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_nobody_tries_are_told_as_delayed() {
    let site = due(&["a@example.org"]).await;
    let sink = Sink::start(plain()).await;
    site.mail_by(&sink, "none", None, false).await;
    assert_eq!(site.troubles().await, []);
    site.pass(TimeDelta::minutes(31)).await;
    assert_eq!(site.troubles().await, [Code::MailDelayed]);
    site.round().await;
    assert_eq!(site.troubles().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_suspended_between_due_and_sent_gets_nothing_and_who_was_told_counts_what_was_accepted() {
    let mut site = due(&["gone@example.org", "here@example.org"]).await;
    site.holds(1, &[("CallManager", &certificate("n2.example.org", 10))])
        .await;
    alerts::raise_due(&site.test.db).await.unwrap();
    let sink = Sink::start(plain()).await;
    site.mail_by(&sink, "none", None, false).await;
    let scope = Scope::system(site.org.id, "mail");
    let claim = async || alerts::claim(&site.test.db, &scope, &site.test.keys).await.unwrap();
    let told = async || {
        let messages = site.messages().await;
        let tx = site.test.db.read(&site.org.owner).await.unwrap();
        let mut told = 0;
        for row in messages {
            let (_, alerts) = alerts::get_message(&tx, row.id).await.unwrap();
            told += alerts.iter().filter(|alert| alert.told).count();
        }
        told
    };
    assert_eq!(told().await, 0, "nothing was sent yet");
    let mut asked = Vec::new();
    while let Some(claimed) = claim().await {
        let outcome = match claimed.recipient.starts_with("gone") {
            true => Outcome::Refused {
                reply: "recipient: 550 5.1.1 no such user".into(),
                unknown: true,
            },
            false => Outcome::Accepted {
                reply: "250 Ok".into(),
                queue_id: None,
                subject: "x".into(),
            },
        };
        assert!(alerts::settle(&site.test.db, &scope, &claimed, &outcome).await.unwrap());
        assert!(
            alerts::settle(&site.test.db, &scope, &claimed, &outcome).await.unwrap(),
            "the answer was lost, and it is written down once"
        );
        asked.push(claimed.recipient);
    }
    asked.sort();
    assert_eq!(asked, ["gone@example.org", "here@example.org", "here@example.org"]);
    let gone: Vec<_> = site
        .messages()
        .await
        .into_iter()
        .filter(|row| row.recipient.starts_with("gone"))
        .collect();
    assert_eq!(gone.len(), 2);
    for row in &gone {
        assert_eq!(row.state, SendState::Refused, "{row:?}");
    }
    let unsent = gone
        .iter()
        .find(|row| row.attempts == 0)
        .expect("one that was not tried");
    assert!(
        unsent
            .reply
            .as_deref()
            .unwrap()
            .starts_with("not sent: the recipient is suspended since ")
    );
    assert_eq!(told().await, 2, "one in each message that was accepted");
    // It is not sent again in vain either.
    let tx = site.test.db.write(&site.org.owner).await.unwrap();
    let again = alerts::retry_message(&tx, unsent.id).await;
    assert!(matches!(
        again,
        Err(certyard_domain::Error::Refused {
            code: "recipient_suspended",
            ..
        })
    ));
    alerts::resume_recipient(&tx, "gone@example.org").await.unwrap();
    alerts::retry_message(&tx, unsent.id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        claim().await.map(|claimed| claimed.recipient).as_deref(),
        Some("gone@example.org")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_between_due_and_sent_is_not_told() {
    let mut site = due(&["a@example.org"]).await;
    let other = certificate("n2.example.org", 10);
    site.holds(1, &[("CallManager", &other)]).await;
    alerts::raise_due(&site.test.db).await.unwrap();
    let tx = site.test.db.write(&site.org.owner).await.unwrap();
    let mut found = None;
    for row in alerts::list_messages(&tx, &alerts::MessageFilter::default(), None, 10)
        .await
        .unwrap()
        .items
    {
        let (_, alerts) = alerts::get_message(&tx, row.id).await.unwrap();
        found = found.or(alerts.into_iter().find(|alert| alert.common_name == "n2.example.org"));
    }
    let new = NewAcknowledgement {
        certificate_id: found.expect("an alert").certificate_id,
        reason: "known".into(),
        until: site.test.db.now().await.unwrap() + TimeDelta::days(2),
    };
    alerts::acknowledge(&tx, new).await.unwrap();
    tx.commit().await.unwrap();
    let sink = Sink::start(plain()).await;
    site.mail_by(&sink, "none", None, false).await;
    site.round().await;
    let received = sink.received();
    assert_eq!(received.len(), 1);
    assert!(received[0].body().contains("n1.example.org") && !received[0].body().contains("n2.example.org"));
    let mut states: Vec<SendState> = site.states().await.into_iter().map(|(_, state)| state).collect();
    states.sort_by_key(|state| state.as_str());
    assert_eq!(states, [SendState::Accepted, SendState::Cancelled]);
    // What was held back is told as soon as nobody holds it back any more.
    site.pass(TimeDelta::days(2) + TimeDelta::hours(1)).await;
    alerts::raise_due(&site.test.db).await.unwrap();
    site.round().await;
    let received = sink.received();
    assert_eq!(received.len(), 2);
    assert!(received[1].body().contains("n2.example.org") && !received[1].body().contains("n1.example.org"));
    alerts::raise_due(&site.test.db).await.unwrap();
    site.round().await;
    assert_eq!(sink.received().len(), 2, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_for_another_on_the_list_is_told_what_nobody_was_told() {
    let site = due(&["old@example.org"]).await;
    // The mail server is away, the message waits, and the list changes.
    site.tell(&["new@example.org"]).await;
    let sink = Sink::start(plain()).await;
    site.mail_by(&sink, "none", None, false).await;
    site.round().await;
    assert_eq!(sink.received().len(), 0);
    alerts::raise_due(&site.test.db).await.unwrap();
    site.round().await;
    let received = sink.received();
    assert_eq!(received.len(), 1);
    assert!(received[0].body().contains("n1.example.org"));
    let mut states = site.states().await;
    states.sort_by_key(|(recipient, _)| recipient.clone());
    assert_eq!(
        states,
        [
            ("new@example.org".to_string(), SendState::Accepted),
            ("old@example.org".to_string(), SendState::Cancelled)
        ]
    );
    alerts::raise_due(&site.test.db).await.unwrap();
    site.round().await;
    assert_eq!(sink.received().len(), 1, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_takes_no_mail_from_here_suspends_nobody() {
    let site = due(&["a@example.org"]).await;
    let sink = Sink::start(Behaviour {
        refuse: Some(("a@example.org".into(), "554 5.7.1 Relay access denied".into())),
        ..plain()
    })
    .await;
    site.mail_by(&sink, "none", None, false).await;
    site.round().await;
    assert_eq!(
        site.states().await,
        [("a@example.org".to_string(), SendState::Deferred)]
    );
    sink.behave(plain());
    site.pass(TimeDelta::minutes(2)).await;
    site.round().await;
    assert_eq!(
        site.states().await,
        [("a@example.org".to_string(), SendState::Accepted)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_ca_may_come_as_pkcs7_and_is_trusted() {
    let site = due(&["a@example.org"]).await;
    let sink = Sink::start(Behaviour {
        starttls: true,
        ..Behaviour::default()
    })
    .await;
    let ca = Certificate::from_pem(&sink.ca_pem).unwrap();
    let bundle = pem_text::encode("PKCS7", &pkcs7::encode(std::slice::from_ref(&ca)));
    site.mail_at(sink.port, "starttls", None, Some(bundle)).await;
    assert_eq!(site.server().await.settings.ca_pem, Some(ca.to_pem()));
    site.round().await;
    assert_eq!(
        site.states().await[0].1,
        SendState::Accepted,
        "{:?}",
        site.messages().await
    );
    assert!(sink.received()[0].tls);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_file_goes_along_where_it_is_wanted() {
    let site = due(&["a@example.org"]).await;
    let tx = site.test.db.write(&site.org.owner).await.unwrap();
    let change = NotificationChange {
        attach_calendar: Some(true),
        ..NotificationChange::default()
    };
    alerts::set_notifications(&tx, change).await.unwrap();
    tx.commit().await.unwrap();
    let sink = Sink::start(plain()).await;
    site.mail_by(&sink, "none", None, false).await;
    site.round().await;
    let mail = &sink.received()[0];
    assert!(
        mail.text.contains("certificates.ics") && mail.text.contains("text/calendar"),
        "{}",
        mail.text
    );
    let body = mail.body();
    for line in [
        "BEGIN:VCALENDAR",
        "DTSTART:20261212T120000Z",
        "SUMMARY:Expires: n1.example.org (tomcat\\, north)",
    ] {
        assert!(body.contains(line), "{line} is missing:\n{body}");
    }
}

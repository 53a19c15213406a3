//! Channels from the end of a certificate to a receiver that takes the call, or does not.

use crate::mail::{Site, certificate, plain};
use crate::receiver::Receiver;
use crate::sink::Sink;
use aws_lc_rs::hmac;
use certyard_domain::alerts::{
    self, Channel, ChannelChange, Code, MessageRow, NewChannel, Post, SendState, TestCall, channel_target,
};
use certyard_domain::{Error, Result};
use certyard_worker::{Mailer, Reach};
use chrono::TimeDelta;
use uuid::Uuid;
use zeroize::Zeroizing;

const SECRET: &str = "a secret of sixteen or more";

/// Makes something wrong of what is right.
type Spoil = fn(&mut NewChannel);

pub fn new(name: &str, kind: &str, port: u16) -> NewChannel {
    NewChannel {
        name: name.into(),
        kind: kind.into(),
        url: Zeroizing::new(format!("http://127.0.0.1:{port}/hooks/T0p5ecret")),
        allow_plaintext: true,
        secret: Some(Zeroizing::new(SECRET.into())),
        ca_pem: None,
        enabled: true,
        rules_only: false,
    }
}

impl Site {
    pub async fn channel(&self, new: NewChannel) -> Result<Channel> {
        let tx = self.test.db.write(&self.org.owner).await?;
        let made = alerts::create_channel(&tx, &self.test.keys, new).await?;
        tx.commit().await?;
        Ok(made)
    }

    async fn change_channel(&self, id: Uuid, expected: Option<i64>, change: ChannelChange) -> Result<Channel> {
        let tx = self.test.db.write(&self.org.owner).await?;
        let after = alerts::update_channel(&tx, &self.test.keys, id, expected, change).await?;
        tx.commit().await?;
        Ok(after)
    }

    async fn call_of(&self, channel: Uuid) -> MessageRow {
        let rows = self.messages().await;
        rows.into_iter()
            .find(|row| row.channel_id == Some(channel))
            .expect("a call")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_called_once_for_what_mail_tells_signed_and_by_one_delivery_id_until_it_takes_it() {
    let mut site = Site::new().await;
    let (sink, receiver) = (Sink::start(plain()).await, Receiver::start().await);
    site.holds(0, &[("tomcat", &certificate("cucm1.example.org", 20))])
        .await;
    site.tell(&["a@example.org"]).await;
    site.mail_by(&sink, "none", None, false).await;
    let channel = site.channel(new("Operations", "generic", receiver.port)).await.unwrap();
    assert_eq!(channel.origin, format!("http://127.0.0.1:{}", receiver.port));
    // Too busy at first, then away, then there again.
    receiver.say("503 Service Unavailable", "", "too busy");
    site.round().await;
    assert_eq!(sink.received().len(), 1, "mail does not wait for it");
    let row = site.call_of(channel.id).await;
    assert_eq!((row.state, row.recipient.as_str()), (SendState::Deferred, "Operations"));
    assert_eq!(row.reply.as_deref(), Some("503 too busy"));
    receiver.break_off();
    site.pass(TimeDelta::minutes(2)).await;
    site.round().await;
    assert_eq!(site.call_of(channel.id).await.state, SendState::Deferred);
    receiver.say("202 Accepted", "", "thank\r\nyou");
    site.pass(TimeDelta::minutes(3)).await;
    site.round().await;
    let row = site.call_of(channel.id).await;
    assert_eq!(
        (row.state, row.attempts, row.told_count),
        (SendState::Accepted, 3, 1),
        "{row:?}"
    );
    assert_eq!(row.reply.as_deref(), Some("202 thank  you"));
    let got = receiver.got();
    assert_eq!(got.len(), 3);
    for call in &got {
        assert_eq!(call.path, "/hooks/T0p5ecret");
        assert_eq!(Some(&call.headers["x-certyard-delivery"]), row.message_id.as_ref());
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let signed = format!("{}.{}", call.headers["x-certyard-timestamp"], call.body);
        let signature = format!("sha256={}", hex::encode(hmac::sign(&key, signed.as_bytes())));
        assert_eq!(call.headers["x-certyard-signature"], signature);
        let told: serde_json::Value = serde_json::from_str(&call.body).unwrap();
        assert_eq!(told["type"], "certificates");
        assert_eq!(
            told["clusters"][0]["certificates"][0]["common_name"],
            "cucm1.example.org"
        );
        assert!(!call.body.contains(SECRET));
    }
    site.round().await;
    assert_eq!(receiver.got().len(), 3);
    assert_eq!(site.troubles().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_alone_is_enough_and_what_it_refuses_is_seen_and_goes_nowhere_else() {
    let mut site = Site::new().await;
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    site.holds(0, &[("tomcat", &certificate("n1.example.org", 20))]).await;
    let channel = site.channel(new("Chat", "slack", receiver.port)).await.unwrap();
    // A redirect is not followed, wherever it leads to.
    let location = format!("Location: http://127.0.0.1:{}/\r\n", elsewhere.port);
    receiver.say("302 Found", &location, "");
    site.round().await;
    let row = site.call_of(channel.id).await;
    assert_eq!(row.state, SendState::Refused, "{row:?}");
    assert_eq!(elsewhere.got().len(), 0);
    assert_eq!(site.troubles().await, [Code::MessageDead]);
    // Somebody sends it again.
    receiver.say("200 OK", "", "ok");
    let tx = site.test.db.write(&site.org.owner).await.unwrap();
    alerts::retry_message(&tx, row.id).await.unwrap();
    tx.commit().await.unwrap();
    site.round().await;
    assert_eq!(site.call_of(channel.id).await.state, SendState::Accepted);
    assert_eq!(site.troubles().await, []);
    // It is switched off while a call waits: nothing is sent, and what nobody was told of is told once it is on again.
    receiver.say("500 Internal Server Error", "", "");
    site.pass(TimeDelta::days(7)).await;
    site.round().await;
    let off = ChannelChange {
        enabled: Some(false),
        ..ChannelChange::default()
    };
    let stale = site.change_channel(channel.id, Some(7), off.clone()).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    let after = site
        .change_channel(channel.id, Some(channel.version), off)
        .await
        .unwrap();
    assert_eq!(after.version, channel.version + 1);
    assert_eq!(site.call_of(channel.id).await.state, SendState::Cancelled);
    let before = receiver.got().len();
    site.pass(TimeDelta::hours(1)).await;
    site.round().await;
    assert_eq!(receiver.got().len(), before);
    receiver.say("200 OK", "", "ok");
    let on = ChannelChange {
        enabled: Some(true),
        ..ChannelChange::default()
    };
    site.change_channel(channel.id, None, on).await.unwrap();
    site.round().await;
    assert_eq!(receiver.got().len(), before + 1);
    let tx = site.test.db.write(&site.org.owner).await.unwrap();
    alerts::delete_channel(&tx, channel.id, None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        site.call_of(channel.id).await.state,
        SendState::Accepted,
        "the ledger keeps it"
    );
    assert_eq!(site.troubles().await, [Code::NoRecipients]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_checked_field_by_field_and_a_test_answers_what_the_receiver_said() {
    let site = Site::new().await;
    let receiver = Receiver::start().await;
    let fields = |made: Result<Channel>| match made {
        Err(Error::Invalid(errors)) => errors.into_iter().map(|error| error.field).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let good = || new("Operations", "generic", receiver.port);
    let cases: [(Spoil, &str); 8] = [
        (|channel| channel.name = " ".into(), "name"),
        (|channel| channel.name = "ops@example.org".into(), "name"),
        (|channel| channel.kind = "carrier pigeon".into(), "kind"),
        (|channel| channel.allow_plaintext = false, "url"),
        (|channel| channel.url = Zeroizing::new("mailto:x".into()), "url"),
        (
            |channel| channel.secret = Some(Zeroizing::new("short".into())),
            "secret",
        ),
        (
            |channel| (channel.kind, channel.secret) = ("pagerduty".into(), None),
            "secret",
        ),
        (|channel| channel.ca_pem = Some("no certificate".into()), "ca_pem"),
    ];
    for (spoil, field) in cases {
        let mut channel = good();
        spoil(&mut channel);
        assert_eq!(fields(site.channel(channel).await), [field]);
    }
    let channel = site.channel(good()).await.unwrap();
    assert_eq!(fields(site.channel(good()).await), ["name"], "it is taken");
    // The secret was given for this receiver.
    let moved = ChannelChange {
        url: Some(Zeroizing::new("https://other.example.org/".into())),
        ..ChannelChange::default()
    };
    assert_eq!(fields(site.change_channel(channel.id, None, moved).await), ["secret"]);
    let tx = site.test.db.read(&site.org.owner).await.unwrap();
    let target = channel_target(&tx, &site.test.keys, channel.id).await.unwrap();
    drop(tx);
    let test = TestCall {
        language: alerts::Language::Sv,
        organisation: "Example Corp".into(),
        public_url: "https://certyard.example.org".into(),
    };
    let mailer = Mailer::default();
    receiver.say("403 Forbidden", "", "invalid_token");
    assert_eq!(mailer.call_test(&target, &test).await, Err("403 invalid_token".into()));
    receiver.say("200 OK", "", "ok");
    assert_eq!(mailer.call_test(&target, &test).await, Ok("200 ok".into()));
    let careful = Mailer { reach: Reach::Private };
    let refused = careful.call_test(&target, &test).await.unwrap_err();
    assert!(refused.contains("--outgoing"), "{refused}");
    assert_eq!(receiver.got().len(), 2, "whoever is out of reach is not called");
}

//! Kill -9 of a real worker on the way of a warning: around each commit, and in the middle of what it says to the mail server.
//! On PostgreSQL two workers race for what the dead one has left.
//!
//! Whatever the point, the certificate is in one message, which ends as accepted. A second copy reaches the mailbox only where
//! the worker died between the server's 250 and its commit, or before it could hear the 250; it has the same Message-ID.

use crate::house::{House, PATIENCE, until};
use certyard_domain::clusters::{self, NewCluster};
use certyard_domain::failpoint::{KillPoint, Moment, Operation};
use certyard_domain::inventory::{self, Cause};
use certyard_domain::nodes::{self, NewNode};
use certyard_domain::{Actor, ActorKind, Role, Scope};
use certyard_pki::{Hash, KeySpec, PrivateKey, Profile, Subject, self_signed};
use certyard_protocol::{ConnectorKind, InventoryEntry, NodeInventory, Served, StoreKind};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// At which command the mail server says nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    Never,
    /// Nothing of the message was said yet.
    AtRecipient,
    /// It has all of the message, and has said no 250.
    BehindContent,
}

struct Mailbox {
    silence: Silence,
    /// It has fallen silent.
    silent: bool,
    /// Message-ID of each mail, once it is here as a whole.
    received: Vec<String>,
}

/// A mail server that keeps what it gets.
async fn mail_server() -> (u16, Arc<Mutex<Mailbox>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mailbox = Arc::new(Mutex::new(Mailbox {
        silence: Silence::Never,
        silent: false,
        received: Vec::new(),
    }));
    let shared = mailbox.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let shared = shared.clone();
            tokio::spawn(async move {
                let _ = talk(BufReader::new(stream), &shared).await;
            });
        }
    });
    (port, mailbox)
}

/// Whether the server says nothing from here on.
fn falls_silent(mailbox: &Mutex<Mailbox>, at: Silence) -> bool {
    let mut mailbox = mailbox.lock().unwrap();
    let silent = mailbox.silence == at;
    mailbox.silent |= silent;
    silent
}

async fn talk(mut stream: BufReader<TcpStream>, mailbox: &Mutex<Mailbox>) -> std::io::Result<()> {
    stream.write_all(b"220 mailbox\r\n").await?;
    let (mut line, mut content, mut id) = (String::new(), false, String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        if content {
            if let Some(found) = line.strip_prefix("Message-ID: ") {
                id = found.into();
            }
            if line != "." {
                continue;
            }
            content = false;
            mailbox.lock().unwrap().received.push(std::mem::take(&mut id));
            if !falls_silent(mailbox, Silence::BehindContent) {
                stream.write_all(b"250 2.0.0 Ok: queued as Q1\r\n").await?;
            }
            continue;
        }
        let answer: &[u8] = match line.get(..4).unwrap_or_default() {
            "RCPT" if falls_silent(mailbox, Silence::AtRecipient) => b"",
            "DATA" => {
                content = true;
                b"354 go ahead\r\n"
            }
            "QUIT" => return stream.write_all(b"221 bye\r\n").await,
            _ => b"250 Ok\r\n",
        };
        stream.write_all(answer).await?;
    }
}

/// A house with a mail server and one recipient; nobody runs, and a certificate has come due.
async fn due() -> (House, Arc<Mutex<Mailbox>>) {
    let mut house = House::start().await;
    let (port, mailbox) = mail_server().await;
    let api = house.api();
    let mail = json!({"host": "127.0.0.1", "port": port, "security": "none", "allow_plaintext": true, "from_address": "certyard@example.org"});
    api.put("/api/v1/settings/mail", mail).await.ok();
    let told = json!({"recipients": ["ops@example.org"]});
    api.put("/api/v1/settings/notifications", told).await.ok();
    let organisation = api.get("/api/v1/organisation").await.ok();
    house.stop();
    install(&house, organisation["id"].as_str().unwrap().parse().unwrap()).await;
    (house, mailbox)
}

/// A certificate that ends in 20 days, on a node of the organisation.
async fn install(house: &House, org: uuid::Uuid) {
    let db = house.database().await;
    let actor = Actor {
        kind: ActorKind::System,
        id: None,
        name: "test".into(),
        address: None,
        request_id: None,
    };
    let tx = db.write(&Scope::new(org, actor, Role::Owner, None)).await.unwrap();
    let group_id = clusters::create_group(&tx, "Site 1", "").await.unwrap().group.id;
    let cluster = NewCluster {
        group_id,
        name: "north".into(),
        product: "cucm".into(),
        product_version: "14".into(),
        enabled: true,
        description: String::new(),
    };
    let node = NewNode {
        cluster_id: clusters::create(&tx, cluster).await.unwrap().cluster.id,
        name: "n1".into(),
        address: "n1:443".into(),
        role: "publisher".into(),
        connector: ConnectorKind::CiscoUc,
        agent_id: None,
        second_agent_id: None,
    };
    let node = nodes::create(&tx, node).await.unwrap().node.id;
    tx.commit().await.unwrap();
    let profile = Profile {
        subject: Subject(vec![("CN".into(), "n1.example.org".into())]),
        sans: Vec::new(),
        ca: None,
        key_usage: vec!["digitalSignature"],
        extended_key_usage: Vec::new(),
        not_before: Utc::now() - TimeDelta::days(300),
        not_after: Utc::now() + TimeDelta::days(20),
        hash: Hash::Sha256,
    };
    let certificate = self_signed(&PrivateKey::generate(KeySpec::P256).unwrap(), &profile).unwrap();
    let report = NodeInventory {
        digest: "1".into(),
        observed_at: Utc::now(),
        entries: vec![InventoryEntry {
            store: "tomcat".into(),
            kind: StoreKind::Identity,
            entry: "tomcat".into(),
            certificate_pem: certificate.to_pem(),
            served: Served::NotObservable,
        }],
        csrs: Vec::new(),
        version: None,
    };
    let tx = db.write(&Scope::system(org, "test")).await.unwrap();
    let parsed = inventory::parse(&report).unwrap();
    inventory::apply(&tx, node, &parsed, &Cause::default()).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
}

/// As if the leases of the dead had run out: the sweep's takes a minute, a message's ten.
async fn leases_are_over(house: &House) {
    let past = "'2026-01-01 00:00:00+00:00'";
    house
        .sql(&format!("UPDATE message SET due_at = {past} WHERE due_at IS NOT NULL"))
        .await;
    house.sql("UPDATE notification_setting SET sweeping_until = NULL").await;
}

/// Starts the house again and waits until the warning has left; the mails that have arrived.
async fn recovers(house: &mut House, mailbox: &Mutex<Mailbox>, point: &str) -> Vec<String> {
    house.stop();
    leases_are_over(house).await;
    mailbox.lock().unwrap().silence = Silence::Never;
    house.power_cut().await;
    let api = house.api();
    let message: Value = until("the warning has left", || async {
        let rows = api.all("/api/v1/messages").await;
        assert!(rows.len() <= 1, "{point}: {rows:#?}");
        rows.into_iter().find(|row| row["state"] == "accepted")
    })
    .await;
    let path = format!("/api/v1/messages/{}", message["id"].as_str().unwrap());
    let detail = api.get(&path).await.ok();
    let told: Vec<bool> = detail["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alert| alert["told"] == true)
        .collect();
    assert_eq!(told, [true], "{point}: {detail:#}");
    let received = mailbox.lock().unwrap().received.clone();
    for id in &received {
        assert_eq!(message["message_id"], id.as_str(), "{point}");
    }
    received
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_around_a_commit_of_a_warning_tells_it_once() {
    let operations = [
        Operation::RaiseAlerts,
        Operation::QueueMessages,
        Operation::ClaimMessage,
        Operation::SettleMessage,
    ];
    for operation in operations {
        for moment in Moment::ALL {
            let point = KillPoint { operation, moment }.to_string();
            let (mut house, mailbox) = due().await;
            house.power_cut_to_die_at(&point);
            house.wait_dead(&point).await;
            let copies = recovers(&mut house, &mailbox, &point).await.len();
            let after_250 = (operation, moment) == (Operation::SettleMessage, Moment::BeforeCommit);
            // Both workers may die at the point, one behind the other, only where the first has undone what it did.
            assert_eq!(copies, 1 + usize::from(after_250), "{point}: copies");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_while_the_mail_server_thinks_loses_nothing() {
    for (silence, copies) in [(Silence::AtRecipient, 1), (Silence::BehindContent, 2)] {
        let (mut house, mailbox) = due().await;
        mailbox.lock().unwrap().silence = silence;
        house.power_cut().await;
        let limit = std::time::Instant::now() + PATIENCE;
        while !mailbox.lock().unwrap().silent {
            assert!(std::time::Instant::now() < limit, "{silence:?}: {}", house.log());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let received = recovers(&mut house, &mailbox, &format!("{silence:?}")).await;
        assert_eq!(received.len(), copies, "{silence:?}: {received:?}");
    }
}

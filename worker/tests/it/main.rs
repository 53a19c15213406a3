//! The loops on a real database: SQLite, or PostgreSQL with `TEST_PG_URL`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

mod channels;
mod ledger;
mod mail;
mod notices;
mod postfix;
mod receiver;
mod sink;

use certyard_domain::idempotency::{self, Answer, Begin};
use certyard_testkit::TestDb;
use chrono::Duration;
use std::time::Duration as StdDuration;
use tokio::sync::watch;

fn tools(test: &TestDb) -> certyard_worker::Tools {
    let public_url = "https://certyard.example.org";
    certyard_worker::Tools::new(
        test.db.clone(),
        test.keys.clone(),
        public_url,
        certyard_worker::Reach::Local,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_of_all_loops_does_what_is_due_once() {
    let test = TestDb::new().await;
    let (ours, theirs) = (test.org("Ours").await, test.org("Theirs").await);
    for org in [&ours, &theirs] {
        let key = idempotency::key_hash("u1", "POST", "/x", "k");
        let Begin::New(ticket) = idempotency::begin(&test.db, &org.owner, &key, "b").await.unwrap() else {
            panic!("not new");
        };
        let answer = Answer {
            status: 201,
            content_type: None,
            location: None,
            body: Vec::new(),
        };
        idempotency::finish(&test.db, &org.owner, &ticket, answer)
            .await
            .unwrap();
    }
    assert_eq!(certyard_worker::run_once(&tools(&test)).await.unwrap(), 0);
    test.db.fix_time(Some(
        test.db.now().await.unwrap() + Duration::hours(idempotency::KEPT_HOURS + 1),
    ));
    assert_eq!(certyard_worker::run_once(&tools(&test)).await.unwrap(), 2);
    assert_eq!(certyard_worker::run_once(&tools(&test)).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loops_end_when_told_and_when_nobody_is_left_to_tell() {
    let test = TestDb::new().await;
    test.org("Ours").await;
    for told in [true, false] {
        let (sender, receiver) = watch::channel(false);
        let running = tokio::spawn(certyard_worker::run(tools(&test), receiver));
        if told {
            sender.send(true).unwrap();
        }
        drop(sender);
        tokio::time::timeout(StdDuration::from_secs(30), running)
            .await
            .unwrap()
            .unwrap();
    }
}

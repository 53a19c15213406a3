//! A sweep for due alerts over the whole inventory, to the ledger, and a second one that finds nothing new; against one statement that
//! writes the same rows into the same tables.

use crate::cpu;
use crate::load::Database;
use crate::program::{Server, TOKEN};
use crate::report::Report;
use serde_json::json;
use std::time::{Duration, Instant};

/// Days before their end from which certificates are told: a fifth of those in the inventory are due then, 62,000 of a million
/// installations.
const START_DAYS: i32 = 195;
/// Recipients, as the goal names them.
const RECIPIENTS: usize = 25;
/// Longer than the loop takes to turn, and a sweep on a slow machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// CPU seconds of the program and of its database.
async fn used(server: &Server, database: &Database) -> f64 {
    cpu::seconds(server.pid()) + cpu::of_database(&database.owner).await
}

async fn number(database: &Database, sql: &str) -> u64 {
    database.text(sql).await.parse().expect("a number")
}

pub async fn measure(server: &Server, database: &Database, report: &mut Report) {
    // Past the API, which would have all clusters counted anew at the same time.
    let days = format!("UPDATE org SET start_days = {START_DAYS}");
    database.run(&days).await;
    let before = used(server, database).await;
    let recipients: Vec<String> = (0..RECIPIENTS).map(|index| format!("r{index}@example.org")).collect();
    let request = server
        .client()
        .put(server.url("/api/v1/settings/notifications"))
        .bearer_auth(TOKEN)
        .json(&json!({ "recipients": recipients }));
    let answer = request.send().await.expect("an answer comes");
    assert!(
        answer.status().is_success(),
        "the settings are taken: {}",
        answer.status()
    );
    let began = Instant::now();
    swept(database, began).await;
    let seconds = used(server, database).await - before;
    let alerts = number(database, "SELECT count(*)::text FROM alert").await;
    let messages = number(database, "SELECT count(*)::text FROM message").await;
    assert_eq!(messages, RECIPIENTS as u64, "one message for each recipient");
    let bare = bare(database).await;
    report.add(
        &format!("alert sweep, {alerts} due, {RECIPIENTS} recipients, to the ledger"),
        format!("{seconds:.1} CPU seconds"),
        format!(
            "one INSERT of the same rows {bare:.1} CPU seconds: ratio {:.1}",
            seconds / bare
        ),
        "5 CPU seconds",
        database.installations,
    );
    // As the daily look at all of the window.
    database
        .run("UPDATE notification_setting SET swept_at = NULL, looked_at = NULL")
        .await;
    let before = used(server, database).await;
    swept(database, Instant::now()).await;
    let seconds = used(server, database).await - before;
    let added = number(database, "SELECT count(*)::text FROM alert").await - alerts;
    assert_eq!(added, 0, "a second sweep adds nothing");
    report.add(
        "a second sweep of all that is due",
        format!("{seconds:.1} CPU seconds, nothing added"),
        String::new(),
        "nothing added",
        database.installations,
    );
}

/// Waits until a sweep has come to its end.
async fn swept(database: &Database, began: Instant) {
    let open = "SELECT count(*)::text FROM notification_setting WHERE swept_at IS NULL";
    while number(database, open).await > 0 {
        assert!(began.elapsed() < PATIENCE, "no sweep comes to its end");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// CPU seconds of writing alerts and marks by one statement each into copies of their tables with all indexes.
async fn bare(database: &Database) -> f64 {
    database.run("CREATE TABLE bench_alert (LIKE alert INCLUDING ALL); CREATE TABLE bench_mark (LIKE alert_mark INCLUDING ALL)").await;
    let pid = database
        .text("SELECT pg_backend_pid()::text")
        .await
        .parse()
        .expect("an id of a process");
    let before = cpu::seconds(pid);
    database
        .run("INSERT INTO bench_alert SELECT * FROM alert; INSERT INTO bench_mark SELECT * FROM alert_mark")
        .await;
    let seconds = cpu::seconds(pid) - before;
    database.run("DROP TABLE bench_alert; DROP TABLE bench_mark").await;
    seconds
}

//! Mails of many organisations, from what is due to the 250 of a mail server: one sweep and one message for each recipient of each
//! organisation. The yardstick is a bare client that sends as many mails of the same size to the same server.

use crate::cpu;
use crate::load;
use crate::program::{Server, TOKEN};
use crate::report::Report;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

/// Recipients of each organisation.
const RECIPIENTS: u64 = 25;
/// Connections of the bare client: as many as the worker has for the organisations that it begins with at once.
const BARE_CONNECTIONS: u64 = 32;
/// Longer than the goal, so that a figure that misses it is still a figure.
const PATIENCE: Duration = Duration::from_secs(3600);

/// A mail server that takes everything.
struct Sink {
    port: u16,
    taken: Arc<AtomicU64>,
    octets: Arc<AtomicU64>,
}

impl Sink {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("an address").port();
        let (taken, octets) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let counters = (taken.clone(), octets.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (taken, octets) = counters.clone();
                tokio::spawn(async move {
                    // A client that goes away ends its own conversation only.
                    let _ = take(stream, &taken, &octets).await;
                });
            }
        });
        Self { port, taken, octets }
    }
}

async fn take(stream: TcpStream, taken: &AtomicU64, octets: &AtomicU64) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 sink ESMTP\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        if verb != "DATA" {
            let quits = verb == "QUIT";
            stream
                .write_all(if quits { b"221 bye\r\n" } else { b"250 Ok\r\n" })
                .await?;
            if quits {
                return Ok(());
            }
            continue;
        }
        stream.write_all(b"354 go ahead\r\n").await?;
        while line != ".\r\n" {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            octets.fetch_add(line.len() as u64, Ordering::Relaxed);
        }
        let number = taken.fetch_add(1, Ordering::Relaxed);
        stream
            .write_all(format!("250 2.0.0 Ok: queued as {number:X}\r\n").as_bytes())
            .await?;
    }
}

/// Sends mails of a size one after the other, as fast as the server takes them.
async fn send(port: u16, mails: u64, size: usize) -> std::io::Result<()> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let text = ("x".repeat(70) + "\r\n").repeat(size / 72) + ".\r\n";
    for _ in 0..mails {
        for command in [
            "MAIL FROM:<a@example.org>\r\n",
            "RCPT TO:<b@example.org>\r\n",
            "DATA\r\n",
        ] {
            stream.write_all(command.as_bytes()).await?;
            line.clear();
            stream.read_line(&mut line).await?;
        }
        stream.write_all(text.as_bytes()).await?;
        line.clear();
        stream.read_line(&mut line).await?;
    }
    stream.write_all(b"QUIT\r\n").await
}

pub async fn measure(admin_url: &str, organisations: u64, report: &mut Report) {
    let sink = Sink::start().await;
    let (database, data) = load::empty(admin_url).await;
    let server = Server::start_in(data, Some(&database.url)).await;
    for (path, body) in [
        (
            "/api/v1/settings/mail",
            json!({"host": "127.0.0.1", "port": sink.port, "security": "none", "allow_plaintext": true,
                "from_address": "certyard@example.org"}),
        ),
        (
            "/api/v1/settings/notifications",
            json!({"recipients": (0..RECIPIENTS).map(|index| format!("r{index}@example.org")).collect::<Vec<_>>()}),
        ),
    ] {
        let request = server.client().put(server.url(path)).bearer_auth(TOKEN).json(&body);
        let answer = request.send().await.expect("an answer comes");
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        assert!(status.is_success(), "{path}: {status} {text}");
    }
    let data = server.stop();
    for sql in statements(database.org, organisations) {
        database.run(&sql).await;
    }
    let messages = organisations * RECIPIENTS;
    let server = Server::start_in(data, Some(&database.url)).await;
    let began = Instant::now();
    let before = cpu::seconds(server.pid()) + cpu::of_database(&database.owner).await;
    let accepted = "SELECT count(*)::text FROM message WHERE state = 'accepted'";
    // Asked seldom, as the question costs what is measured.
    while database.text(accepted).await.parse::<u64>().expect("a number") < messages {
        assert!(began.elapsed() < PATIENCE, "not all messages leave");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    let used = cpu::seconds(server.pid()) + cpu::of_database(&database.owner).await - before;
    assert_eq!(
        sink.taken.load(Ordering::Relaxed),
        messages,
        "each message is sent once"
    );
    let size = sink.octets.load(Ordering::Relaxed) / messages.max(1);
    server.stop();

    let bare = Instant::now();
    let each = messages / BARE_CONNECTIONS;
    let lanes = (0..BARE_CONNECTIONS).map(|_| send(sink.port, each, usize::try_from(size).unwrap_or_default()));
    for done in futures_util::future::join_all(lanes).await {
        done.expect("the bare client sends");
    }
    let bare = (each * BARE_CONNECTIONS) as f64 / bare.elapsed().as_secs_f64();
    let rate = messages as f64 / seconds;
    report.add(
        &format!("{messages} mails of {organisations} organisations, from due to 250"),
        format!(
            "{seconds:.0} s, {rate:.0}/s, {:.1} ms CPU each",
            used * 1000.0 / messages as f64
        ),
        format!("a bare client {bare:.0}/s: ratio {:.3}", rate / bare),
        "900 s for 50,000",
        messages,
    );
    database.drop().await;
}

/// Fills the organisation with one node whose certificate is due, and makes copies of the organisation with all that it has.
fn statements(first: Uuid, organisations: u64) -> Vec<String> {
    let copied = [
        "cluster_group",
        "cluster",
        "node",
        "certificate",
        "installation",
        "mail_setting",
        "notification_setting",
    ];
    let id = "md5('o' || i)::uuid";
    let others = format!("generate_series(2::bigint, {organisations}) i");
    let mut all: Vec<String> = vec![
        format!(
            "INSERT INTO org SELECT (jsonb_populate_record(o, jsonb_build_object('id', {id}, 'name', 'org-' || i))).* FROM org o, {others}"
        ),
        // The settings have just been made: nothing has been swept with them.
        "UPDATE notification_setting SET swept_at = NULL, looked_at = NULL".into(),
    ];
    all.extend(copied.iter().map(|table| {
        format!(
            "INSERT INTO {table} SELECT (jsonb_populate_record(r, jsonb_build_object('org_id', {id}))).* \
             FROM {table} r, {others} WHERE r.org_id = '{first}'"
        )
    }));
    all.push("VACUUM ANALYZE".into());
    all
}

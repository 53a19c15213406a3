//! Start to the first answer on the embedded database, and memory when nothing happens.

use crate::program::Server;
use crate::report::{Report, Times};
use std::time::Duration;

pub async fn measure(report: &mut Report) {
    let first = Server::start(None).await;
    let fresh = first.first_answer;
    let mut data = first.stop();
    let mut times = Vec::new();
    let mut idle = 0.0;
    for round in 0..5 {
        let server = Server::start_in(data, None).await;
        times.push(server.first_answer * 1000.0);
        if round == 4 {
            tokio::time::sleep(Duration::from_secs(5)).await;
            idle = server.resident_mb();
        }
        data = server.stop();
    }
    report.add(
        "start to first answer, embedded database",
        format!(
            "{:.0} ms (with a new database {:.0} ms)",
            Times::new(times).at(0.5),
            fresh * 1000.0
        ),
        String::new(),
        "1 s",
        0,
    );
    report.add(
        "resident memory idle, embedded database",
        format!("{idle:.0} MB"),
        String::new(),
        "48 MB",
        0,
    );
}

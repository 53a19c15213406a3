//! Measures the limits that the product promises, on the real program beside PostgreSQL, each figure with its row counts and
//! with a yardstick of the same run, so that a slow machine does not lie. Run it by `./dev bench`.
//!
//! Below the stated size of the inventory the column of goals stays empty: a small run says nothing about a large fleet.

mod agents;
mod alerts;
mod cpu;
mod import;
mod jobs;
mod lists;
mod load;
mod mail;
mod program;
mod report;
mod start;

use clap::Parser;
use report::Report;

/// Measures the limits that the product promises.
#[derive(Parser)]
struct Settings {
    /// Installations in the inventory; the goals are stated for 1,000,000.
    #[arg(long, default_value_t = 1_000_000)]
    installations: u64,
    /// Certificates in the bulk import.
    #[arg(long, default_value_t = 20_000)]
    import: usize,
    /// Agents that wait.
    #[arg(long, default_value_t = 500)]
    agents: usize,
    /// Organisations with 25 mails each; the goal is stated for 2,000.
    #[arg(long, default_value_t = 2_000)]
    organisations: u64,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let settings = Settings::parse();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let report = runtime.block_on(run(&settings));
    print!("{}", report.text());
    if let Ok(file) = std::env::var("CERTYARD_BENCH_JSON") {
        std::fs::write(&file, report.json()).expect("the report is written");
    }
}

async fn run(settings: &Settings) -> Report {
    let url = std::env::var("TEST_PG_URL").expect("TEST_PG_URL names a PostgreSQL: run ./dev bench");
    let mut report = Report::new(settings.installations >= 1_000_000);
    start::measure(&mut report).await;
    let (database, data) = load::fill(&url, settings.installations, &mut report).await;
    let server = program::Server::start_in(data, Some(&database.url)).await;
    lists::measure(&server, &database, &mut report).await;
    import::measure(&server, &database, settings.import, &mut report).await;
    let agents = agents::enrolled(&server, settings.agents).await;
    agents::measure(&server, &agents, &mut report).await;
    let working = &agents[..agents.len().min(200)];
    jobs::measure(&server, &database, working, &mut report).await;
    report.add(
        "resident memory after lists, import, agents and jobs",
        format!("{:.0} MB", server.resident_mb()),
        String::new(),
        "96 MB",
        settings.installations,
    );
    alerts::measure(&server, &database, &mut report).await;
    server.stop();
    database.drop().await;
    mail::measure(&url, settings.organisations, &mut report).await;
    report
}

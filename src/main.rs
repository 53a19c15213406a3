//! The program `certyard`: wires the crates, nothing else.

mod admin;
mod logging;
mod serve;
mod settings;

use clap::{Parser, Subcommand};

/// One place to see and manage every certificate of a fleet of clusters.
///
/// `certyard serve` needs nothing else: it keeps its data in the folder `data`, on the embedded database, and prints a set-up
/// code for the first owner. With DATABASE_URL it uses PostgreSQL; then `api` and `worker` may run apart, any number of each.
#[derive(Parser)]
#[command(name = "certyard", version, max_term_width = 120)]
struct Cli {
    #[command(flatten)]
    log: logging::LogSettings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything in one program: API, dashboard, agents' listener, worker. Migrates the database at its start.
    Serve(serve::ServeSettings),
    /// API, dashboard and agents' listener alone; any number beside one PostgreSQL.
    Api(serve::ServeSettings),
    /// The loops over due work alone; any number beside one PostgreSQL.
    Worker(serve::WorkerSettings),
    /// Brings the schema up to date, and makes the two roles of PostgreSQL where they are missing.
    Migrate(admin::MigrateSettings),
    /// Prints the description of the API (OpenAPI 3.1).
    Openapi,
    /// What only whoever has the server may do: organisations, set-up code.
    Admin(admin::AdminSettings),
    /// A simulated fleet of UC nodes, to try Certyard on.
    Lab(certyard_lab::LabArgs),
}

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    logging::start(&cli.log);
    // One provider for the whole process; a second call would only say that there is one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("certyard: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Serve(settings) => serve::serve(settings, true).await,
            Command::Api(settings) => serve::serve(settings, false).await,
            Command::Worker(settings) => serve::worker(settings).await,
            Command::Migrate(settings) => admin::migrate(settings).await,
            Command::Openapi => {
                print!("{}", certyard_api::openapi_json());
                Ok(())
            }
            Command::Admin(settings) => admin::run(settings).await,
            Command::Lab(args) => certyard_lab::run(args).await,
        }
    });
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("certyard: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

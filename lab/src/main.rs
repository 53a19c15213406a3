//! The lab alone: `certyard-lab` takes what `certyard lab` takes. Tests run it as a process of its own.

use clap::Parser;

/// Run a simulated fleet of Cisco UC clusters, and play the CA outside.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    lab: certyard_lab::LabArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    certyard_lab::run(Cli::parse().lab).await
}

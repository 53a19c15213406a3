//! Logs: to standard error, as text or JSON.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// How to log.
#[derive(Args)]
pub struct LogSettings {
    /// What to log: a level (error, warn, info, debug, trace), or a filter as `certyard_api=debug,info`.
    #[arg(
        long,
        global = true,
        env = "CERTYARD_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    log: String,
    /// How to write it: for people or for machines.
    #[arg(long, global = true, env = "CERTYARD_LOG_FORMAT", value_enum, default_value = "text")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Starts logging. A filter that cannot be read falls back to `info` and says so.
pub fn start(settings: &LogSettings) {
    let (filter, broken) = match EnvFilter::try_new(&settings.log) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Text => builder
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    if let Some(error) = broken {
        tracing::warn!(%error, filter = settings.log, "the log filter cannot be read; logging at info");
    }
}

//! Logs: text for people, JSON for machines. Nothing of a person above debug, secrets never.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// Starts logging to standard error. `level` is a filter as in `RUST_LOG`, which overrides it.
///
/// The Kubernetes client is held at `error`: at `warn` it logs whole bodies that it cannot decode,
/// which may be Secrets.
///
/// # Errors
/// When the filter does not parse, or logging has been started before.
pub fn init(format: LogFormat, level: &str) -> anyhow::Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => filter,
        _ => level.to_owned(),
    };
    let filter: EnvFilter = format!("{filter},kube_client=error,ldap3=error").parse()?;
    let builder = fmt().with_env_filter(filter).with_ansi(has_colours()).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging could not be started: {error}"))
}

/// Colours are for terminals, and not for people who have asked for none (<https://no-color.org>).
fn has_colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

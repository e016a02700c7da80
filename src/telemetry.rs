//! Logs: text for people, JSON for machines. Nothing of a person above debug, secrets never.

use std::any::Any;
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
    start(format, level, "error")
}

/// Starts logging for a command that somebody waits for: warnings as text. What the Kubernetes client would
/// say of a request that failed, the command says itself.
///
/// # Errors
/// As [`init`].
pub fn init_for_command() -> anyhow::Result<()> {
    start(LogFormat::Text, "warn", "off")
}

fn start(format: LogFormat, level: &str, client: &str) -> anyhow::Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => filter,
        _ => level.to_owned(),
    };
    let filter: EnvFilter = format!("{filter},kube_client={client},ldap3=error").parse()?;
    let builder = fmt().with_env_filter(filter).with_ansi(has_colours()).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging could not be started: {error}"))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tell_panic(&place, panic.payload());
    }));
    Ok(())
}

/// Tells of a defect by its place. The words of a panic can repeat the values that led to it, those
/// of a library above all: they are for those who look for the fault.
fn tell_panic(place: &str, payload: &(dyn Any + Send)) {
    tracing::error!(place, "a defect of this program (panic); its words are logged at the level debug");
    let words = payload.downcast_ref::<&str>().copied();
    let words = words.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
    tracing::debug!(place, words, "panic");
}

/// Colours are for terminals, and not for people who have asked for none (<https://no-color.org>).
fn has_colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::Level;

    use super::*;

    /// What a log holds.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged down to a level of a panic with these words.
    fn told(level: Level, words: &str) -> String {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = fmt().with_max_level(level).with_ansi(false).with_writer(move || writer.clone());
        tracing::subscriber::with_default(subscriber.finish(), || {
            tell_panic("src/example.rs:7:9", &words.to_owned());
        });
        let bytes = log.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_panic_is_told_by_its_place_and_its_words_at_debug_alone() {
        let told_usually = told(Level::INFO, "canary");
        assert!(told_usually.contains("src/example.rs:7:9"), "{told_usually}");
        assert!(!told_usually.contains("canary"), "{told_usually}");
        assert!(told(Level::DEBUG, "canary").contains("canary"));
    }
}

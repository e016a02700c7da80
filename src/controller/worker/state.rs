//! What a worker knows of its Directory between two runs, and what it reads from it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::looks::Looks;
use crate::api::status::{DirectoryStatus, SyncKind};
use crate::api::{ANNOTATION_FULL_SYNC_REQUESTED, ANNOTATION_SYNC_REQUESTED, Directory};
use crate::controller::memory::Memory;
use crate::controller::schedule::{self, Known};
use crate::controller::status;
use crate::controller::status::store::KnownVersion;
use crate::controller::sync::Want;

/// What a worker knows between two runs.
pub struct State {
    /// What was reached.
    pub memory: Memory,
    /// The status as it was written last.
    pub status: DirectoryStatus,
    /// The version of the Directory that has this status.
    pub version: KnownVersion,
    /// Failed runs in a row.
    pub failures: u32,
    /// When the source was last asked successfully; after a start, when the operator started.
    pub asked: Instant,
    /// When the source is to be asked next.
    pub due: Instant,
    /// Generation that the last run was about.
    pub generation: Option<i64>,
    /// Request annotations that the last run has answered.
    pub handled_request: Option<String>,
    /// What was seen of what the Directory names.
    pub looks: Looks,
    /// Whether the status in the cluster says that a run is under way, which `status` here does not.
    pub shows_progress: bool,
    /// A status that could not be written yet.
    pub untold: Option<DirectoryStatus>,
}

impl State {
    /// What the Directory itself says of the runs before.
    pub fn new(directory: &Directory) -> Self {
        let status = directory.status.clone().unwrap_or_default();
        let known = Known {
            current: status.observed_generation.is_some()
                && status.observed_generation == directory.metadata.generation,
            last_start: status.last_sync.as_ref().map(|run| run.start_time.0),
            retry: status.retry_time.as_ref().map(|time| time.0),
        };
        let uid = directory.metadata.uid.as_deref().unwrap_or_default();
        let delay = schedule::first_delay(&known, interval(directory), uid, Timestamp::now());
        Self {
            memory: Memory::default(),
            version: KnownVersion::of(directory),
            failures: status.failures.and_then(|failures| u32::try_from(failures).ok()).unwrap_or(0),
            asked: Instant::now(),
            due: Instant::now() + delay,
            generation: status.observed_generation,
            handled_request: status.last_handled_request.clone(),
            looks: Looks::new(),
            // A process that ended in the middle of a run may have left it there.
            shows_progress: status.progress.is_some(),
            untold: None,
            status,
        }
    }

    /// The newest status, whether it could be written or not.
    pub fn newest_status(&self) -> &DirectoryStatus {
        self.untold.as_ref().unwrap_or(&self.status)
    }

    /// Takes note of a run that went through. The next is due after an interval from when the source was last
    /// asked.
    pub fn went_through(&mut self, kind: SyncKind, started: Instant, interval: Duration) {
        let asked = kind != SyncKind::Replan;
        if !asked && status::source_fails(self.newest_status()) {
            // It says nothing of whether the source answers again, so the delay stays what it is.
            return;
        }
        if asked {
            self.asked = started;
        }
        let due = self.asked + interval;
        // Where nothing has failed and nobody was asked, the interval may have become shorter.
        self.due = if asked || self.failures > 0 { due } else { self.due.min(due) };
        self.failures = 0;
    }

    /// Takes note of a run that did not go through, and is tried again after a delay.
    pub fn failed(&mut self, delay: impl FnOnce(u32) -> Duration) {
        self.failures += 1;
        self.due = Instant::now() + delay(self.failures);
    }

    /// What a Directory asks for that the last run has not answered.
    pub fn want_now(&self, directory: &Directory) -> Option<Want> {
        let requested = requests(directory);
        if requested != self.handled_request
            && let Some(requested) = requested
        {
            let full = |text: &str| text.split_once(' ').map(|(_, full)| full.to_owned());
            // Before the first request was answered, none had been for everything.
            let handled = self.handled_request.as_deref().and_then(full).unwrap_or_else(|| "-".to_owned());
            return Some(if full(&requested) == Some(handled) { Want::Changes } else { Want::Full });
        }
        (directory.metadata.generation != self.generation).then_some(Want::Replan)
    }
}

/// The request annotations of a Directory as one text: `sync full`, each `-` when it is not there.
pub fn requests(directory: &Directory) -> Option<String> {
    let annotations = directory.metadata.annotations.as_ref()?;
    let get = |key: &str| {
        annotations.get(key).map(|value| value.replace(' ', "_").chars().take(100).collect::<String>())
    };
    let (sync, full) = (get(ANNOTATION_SYNC_REQUESTED), get(ANNOTATION_FULL_SYNC_REQUESTED));
    (sync.is_some() || full.is_some())
        .then(|| format!("{} {}", sync.unwrap_or_else(|| "-".into()), full.unwrap_or_else(|| "-".into())))
}

/// The interval that the spec asks for; a spec that cannot be read is reported by the sync.
pub fn interval(directory: &Directory) -> Duration {
    let parsed = directory.spec.sync.interval.parse::<kube::core::Duration>();
    parsed.map_or(Duration::from_secs(300), Duration::from).max(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
    use serde_json::json;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(3_600);
    const DELAY: Duration = Duration::from_secs(60);

    fn failing(source_ready: &str, reason: &str) -> State {
        let directory = json!({
            "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory", "metadata": {"name": "acme"},
            "spec": {"provider": {"csv": {"from": {"configMap": {"name": "people"}}}}},
        });
        let mut state = State::new(&serde_json::from_value(directory).unwrap());
        state.status.conditions = vec![Condition {
            type_: "SourceReady".to_owned(),
            status: source_ready.to_owned(),
            reason: reason.to_owned(),
            message: String::new(),
            observed_generation: None,
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        }];
        state.failed(|_| DELAY);
        state.failed(|failures| DELAY * failures);
        state
    }

    #[test]
    fn a_run_that_did_not_ask_ends_the_delay_unless_it_is_the_source_that_fails() {
        let now = Instant::now();
        let mut source = failing("False", "Unauthorized");
        let due = source.due;
        source.went_through(SyncKind::Replan, now, INTERVAL);
        assert_eq!((source.failures, source.due), (2, due));
        source.went_through(SyncKind::Delta, now, INTERVAL);
        assert_eq!((source.failures, source.due), (0, now + INTERVAL));

        for (ready, reason) in [("True", "Synced"), ("False", "TooManyHeldBack")] {
            let mut other = failing(ready, reason);
            other.went_through(SyncKind::Replan, now, INTERVAL);
            assert_eq!((other.failures, other.due), (0, other.asked + INTERVAL), "{reason}");
        }
    }

    #[test]
    fn a_failure_of_the_source_that_could_not_be_told_yet_is_one() {
        let mut state = failing("False", "Unauthorized");
        state.untold = Some(std::mem::take(&mut state.status));
        state.went_through(SyncKind::Replan, Instant::now(), INTERVAL);
        assert_eq!(state.failures, 2);
    }
}

//! One Directory's life: waits for a reason to sync, syncs, says how it went.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::memory::Memory;
use super::progress::Progress;
use super::schedule::{self, Known};
use super::status::{self, Ended, Subject};
use super::sync::{self, PlanFailure, Run, SyncError, Synced, Want};
use super::{Context, delete, event};
use crate::api::status::DirectoryStatus;
use crate::api::{ANNOTATION_FULL_SYNC_REQUESTED, ANNOTATION_SYNC_REQUESTED, Directory};
use crate::cluster::client::explain;
use crate::cluster::references;
use crate::sink::DirectoryKey;
use crate::sink::object::Owner;
use crate::source::Class;

/// How often the Secrets and `ConfigMap`s that a Directory names are looked at between syncs.
const REFERENCE_POLL: Duration = Duration::from_secs(10);
/// How often a long run shows how far it has come.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);
/// How long a burst of edits to mirrors may last before they are repaired.
const DRIFT_DEBOUNCE: Duration = Duration::from_millis(500);
/// How long to wait after the apiserver refused something that must be done first.
const CLUSTER_RETRY: Duration = Duration::from_secs(5);

/// Keeps one Directory in step until it is cancelled or deleted.
pub struct Worker {
    /// What all workers share.
    pub context: Context,
    /// Namespace and name.
    pub key: DirectoryKey,
    /// The Directory as it is now.
    pub directory: watch::Receiver<Arc<Directory>>,
    /// Told when others have touched the mirrors.
    pub drift: Arc<Notify>,
    /// Ends the worker.
    pub cancel: CancellationToken,
}

/// Why a worker stopped waiting.
enum Woken {
    /// It is to end.
    End,
    /// The Directory has changed.
    Look,
    /// It is time to sync.
    Sync(Want),
}

/// What a worker knows between two runs.
struct State {
    memory: Memory,
    status: DirectoryStatus,
    failures: u32,
    /// When the source was last asked successfully; after a start, when the operator started.
    asked: Instant,
    due: Instant,
    /// Generation that the last run was about.
    generation: Option<i64>,
    /// Request annotations that the last run has answered.
    handled_request: Option<String>,
    /// Versions of what the Directory names, as the last run found them; after a start, before the
    /// first run, as they are first looked at; `None` before that.
    versions: Option<Vec<Option<String>>>,
    /// Whether the status in the cluster says that a run is under way, which `status` here does not.
    shows_progress: bool,
}

impl Worker {
    /// Works until it is cancelled or the Directory is gone.
    pub async fn run(mut self) {
        let directory = self.directory.borrow_and_update().clone();
        let mut state = State::new(&directory);
        let mut pending = None;
        loop {
            let directory = self.directory.borrow_and_update().clone();
            if directory.metadata.deletion_timestamp.is_some() {
                match delete::clean_up(&self.context, &self.key, &directory).await {
                    Ok(()) => return,
                    Err(error) => self.cluster_refused(&error).await,
                }
            } else if let Err(error) = delete::ensure_finalizer(&self.context, &self.key, &directory).await {
                self.cluster_refused(&error).await;
            } else {
                let want = pending.take().max(state.want_now(&directory));
                if directory.spec.sync.suspend {
                    self.suspended(&directory, &mut state).await;
                } else if let Some(want) = want {
                    self.sync(&directory, &mut state, want).await;
                }
                match self.wait(&directory, &mut state).await {
                    Woken::End => return,
                    Woken::Look => {}
                    Woken::Sync(want) => pending = Some(want),
                }
            }
            if self.cancel.is_cancelled() {
                return;
            }
        }
    }

    /// Waits for a reason to do something.
    async fn wait(&mut self, directory: &Directory, state: &mut State) -> Woken {
        let suspended = directory.spec.sync.suspend;
        let State { due, versions, .. } = state;
        let references_change = references_change(&self.context, &self.key, directory, versions);
        tokio::select! {
            () = self.cancel.cancelled() => Woken::End,
            changed = self.directory.changed() => if changed.is_ok() { Woken::Look } else { Woken::End },
            () = self.drift.notified(), if !suspended => {
                tokio::time::sleep(DRIFT_DEBOUNCE).await;
                Woken::Sync(Want::Replan)
            }
            () = references_change, if !suspended => Woken::Sync(Want::Changes),
            () = tokio::time::sleep_until(*due), if !suspended => Woken::Sync(Want::Changes),
        }
    }

    async fn sync(&mut self, directory: &Directory, state: &mut State, want: Want) {
        let waiting = self.context.metrics.waiting();
        let permits = self.context.permits.clone();
        let Some(Ok(_permit)) = self.cancel.run_until_cancelled(permits.acquire_owned()).await else {
            return;
        };
        drop(waiting);
        let _active = self.context.metrics.active();
        let started = Instant::now();
        let references = directory.spec.provider.provider().references();
        let versions =
            references::versions(&self.context.clients.request, &self.key.namespace, &references).await;
        state.versions = Some(versions);
        let cancel = self.cancel.child_token();
        let progress = Progress::default();
        let owner = owner(&self.key, directory);
        let result = {
            let run = Run {
                context: &self.context,
                directory,
                key: &self.key,
                owner: &owner,
                want,
                pending: state.status.pending_plan.as_ref(),
                cancel: &cancel,
                progress: &progress,
            };
            // Between two syncs, a worker takes no room for one.
            let sync = AssertUnwindSafe(Box::pin(sync::sync(&run, &mut state.memory))).catch_unwind();
            let mut sync = std::pin::pin!(sync);
            let mut ticks = tokio::time::interval_at(started + PROGRESS_INTERVAL, PROGRESS_INTERVAL);
            loop {
                tokio::select! {
                    result = &mut sync => break result.unwrap_or(Err(SyncError::Plan(PlanFailure::Panicked))),
                    _ = ticks.tick() => {
                        state.shows_progress = true;
                        show_progress(&self.context, &self.key, &state.status, directory, &progress).await;
                    }
                    changed = self.directory.changed() => {
                        let deleted = self.directory.borrow().metadata.deletion_timestamp.is_some();
                        if changed.is_err() || deleted {
                            cancel.cancel();
                        }
                    }
                }
            }
        };
        // Changes that came while the run went on are looked at by `wait`.
        self.directory.mark_changed();
        if !matches!(result, Err(SyncError::Cancelled)) {
            self.conclude(directory, state, started, want, &result).await;
        }
    }

    async fn conclude(
        &self,
        directory: &Directory,
        state: &mut State,
        started: Instant,
        want: Want,
        result: &Result<Synced, SyncError>,
    ) {
        let uid = directory.metadata.uid.as_deref().unwrap_or_default();
        let interval = interval(directory);
        // A run that did not ask the source says nothing of whether it answers again.
        let source_answers = status::records_were_doubted(&state.status)
            || want != Want::Replan
            || !matches!(result, Ok(synced) if synced.kind == crate::api::status::SyncKind::Replan);
        match result {
            Ok(_) if source_answers => {
                state.failures = 0;
                state.asked = started;
                state.due = started + schedule::jittered(interval, uid);
            }
            // The interval may have become shorter. A delay after failures stays what it is.
            Ok(_) if state.failures == 0 => {
                state.due = state.due.min(state.asked + schedule::jittered(interval, uid));
            }
            Ok(_) => {}
            Err(error) => {
                state.failures += 1;
                state.due =
                    Instant::now() + schedule::retry_delay(state.failures, class(error), interval, uid);
            }
        }
        state.generation = directory.metadata.generation;
        state.handled_request = requests(directory);
        let retry = state.due.saturating_duration_since(Instant::now());
        let ended = match result {
            Ok(synced) => Ended::Synced(synced),
            Err(error) => Ended::Failed { error, failures: state.failures, retry: after(retry) },
        };
        self.context.metrics.ran(&self.key, directory.spec.provider.name(), result, started.elapsed());
        log(&self.key, result, started.elapsed());
        self.report(directory, state, &ended).await;
    }

    async fn suspended(&self, directory: &Directory, state: &mut State) {
        state.generation = directory.metadata.generation;
        state.handled_request = requests(directory);
        self.report(directory, state, &Ended::Suspended).await;
    }

    /// Writes the status if it says something new.
    async fn report(&self, directory: &Directory, state: &mut State, ended: &Ended<'_>) {
        let subject = Subject {
            generation: directory.metadata.generation,
            provider: directory.spec.provider.name(),
            now: Timestamp::now(),
            handled_request: state.handled_request.clone(),
        };
        let next = status::next(&state.status, &subject, ended);
        self.context.metrics.status(&self.key, &next, interval(directory));
        if !state.shows_progress && !status::is_news(&state.status, &next) {
            return;
        }
        let before = std::mem::replace(&mut state.status, next);
        if let Err(error) = write_status(&self.context, &self.key, &state.status).await {
            tracing::warn!(directory = %self.key, error = explain(&error), "the status could not be written");
            state.status = before;
            return;
        }
        state.shows_progress = false;
        event::publish(&self.context, directory, &before, &state.status).await;
    }

    async fn cluster_refused(&self, error: &kube::Error) {
        tracing::warn!(directory = %self.key, error = explain(error), "the Directory could not be changed; trying again");
        let wait = tokio::time::sleep(CLUSTER_RETRY);
        let mut directory = self.directory.clone();
        tokio::select! {
            () = wait => {}
            () = self.cancel.cancelled() => {}
            _ = directory.changed() => {}
        }
    }
}

/// Ends when an object that the Directory names is not what it was. After a start, the first look
/// says what it was: a restart by itself is no reason to sync before the time.
async fn references_change(
    context: &Context,
    key: &DirectoryKey,
    directory: &Directory,
    known: &mut Option<Vec<Option<String>>>,
) {
    let references = directory.spec.provider.provider().references();
    if references.is_empty() {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(REFERENCE_POLL).await;
        let now = references::versions(&context.clients.request, &key.namespace, &references).await;
        if *known.get_or_insert_with(|| now.clone()) != now {
            return;
        }
    }
}

impl State {
    fn new(directory: &Directory) -> Self {
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
            failures: status.failures.and_then(|failures| u32::try_from(failures).ok()).unwrap_or(0),
            asked: Instant::now(),
            due: Instant::now() + delay,
            generation: status.observed_generation,
            handled_request: status.last_handled_request.clone(),
            versions: None,
            // A process that ended in the middle of a run may have left it there.
            shows_progress: status.progress.is_some(),
            status,
        }
    }

    /// What a Directory asks for that the last run has not answered.
    fn want_now(&self, directory: &Directory) -> Option<Want> {
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
fn requests(directory: &Directory) -> Option<String> {
    let annotations = directory.metadata.annotations.as_ref()?;
    let get = |key: &str| {
        annotations.get(key).map(|value| value.replace(' ', "_").chars().take(100).collect::<String>())
    };
    let (sync, full) = (get(ANNOTATION_SYNC_REQUESTED), get(ANNOTATION_FULL_SYNC_REQUESTED));
    (sync.is_some() || full.is_some())
        .then(|| format!("{} {}", sync.unwrap_or_else(|| "-".into()), full.unwrap_or_else(|| "-".into())))
}

fn owner(key: &DirectoryKey, directory: &Directory) -> Owner {
    Owner {
        namespace: key.namespace.clone(),
        directory: key.name.clone(),
        uid: directory.metadata.uid.clone().unwrap_or_default(),
    }
}

/// The interval that the spec asks for; a spec that cannot be read is reported by the sync.
fn interval(directory: &Directory) -> Duration {
    let parsed = directory.spec.sync.interval.parse::<kube::core::Duration>();
    parsed.map_or(Duration::from_secs(300), Duration::from).max(Duration::from_secs(1))
}

/// How a failure is retried.
const fn class(error: &SyncError) -> Class {
    match error {
        SyncError::Invalid(_) | SyncError::Plan(_) | SyncError::TooManyHeld(_) => Class::Misconfigured,
        SyncError::Reference(reference) if !reference.is_transient() => Class::Misconfigured,
        SyncError::Reference(_) | SyncError::Checkpoint(_) | SyncError::Cancelled => Class::Transient,
        SyncError::Source(source) => source.class,
    }
}

fn after(delay: Duration) -> Timestamp {
    let delay = SignedDuration::try_from(delay).unwrap_or_default();
    schedule::whole_seconds(Timestamp::now().checked_add(delay).unwrap_or(Timestamp::MAX))
}

/// Shows how far a run has come, beside what the last report said.
async fn show_progress(
    context: &Context,
    key: &DirectoryKey,
    reported: &DirectoryStatus,
    directory: &Directory,
    progress: &Progress,
) {
    let generation = directory.metadata.generation;
    let mut conditions = status::Conditions::new(&reported.conditions, generation, Timestamp::now());
    conditions.set("Reconciling", true, "Syncing", "a sync is under way; status.progress counts");
    let patch = json!({"status": {"progress": progress.status(), "conditions": conditions.into_vec()}});
    let directories: Api<Directory> = Api::namespaced(context.clients.request.clone(), &key.namespace);
    let written = directories.patch_status(&key.name, &PatchParams::default(), &Patch::Merge(patch)).await;
    if let Err(error) = written {
        tracing::warn!(directory = %key, error = explain(&error), "the progress could not be written");
    }
}

/// Replaces the whole status: what is no longer true goes away with it.
async fn write_status(
    context: &Context,
    key: &DirectoryKey,
    status: &DirectoryStatus,
) -> Result<(), kube::Error> {
    let patch = json_patch::Patch(vec![json_patch::PatchOperation::Add(json_patch::AddOperation {
        path: jsonptr::PointerBuf::from_tokens(["status"]),
        value: serde_json::to_value(status).map_err(kube::Error::SerdeError)?,
    })]);
    let directories: Api<Directory> = Api::namespaced(context.clients.request.clone(), &key.namespace);
    let written =
        directories.patch_status(&key.name, &PatchParams::default(), &Patch::Json::<()>(patch)).await;
    match written {
        // The Directory went away meanwhile: nobody is left to tell.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map(drop),
    }
}

fn log(key: &DirectoryKey, result: &Result<Synced, SyncError>, took: Duration) {
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(synced) => {
            let written = &synced.written;
            tracing::info!(
                directory = %key,
                kind = ?synced.kind,
                created = written.created,
                updated = written.updated,
                deleted = written.deleted,
                failed = written.failed + written.refused,
                duration_ms = milliseconds,
                "synced"
            );
        }
        Err(error) => {
            tracing::warn!(directory = %key, reason = status::source_reason(error), %error, duration_ms = milliseconds, "the sync failed");
        }
    }
}

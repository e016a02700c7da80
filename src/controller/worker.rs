//! One Directory's life: waits for a reason to sync, syncs, says how it went.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::progress::Progress;
use super::schedule;
use super::status::store::{self, KnownVersion, StoreError};
use super::status::{self, Ended, Subject};
use super::sync::{self, PlanFailure, Run, SyncError, Synced, Want};
use super::turn::Turn;
use super::{Context, delete, event};
use crate::api::Directory;
use crate::api::status::DirectoryStatus;
use crate::cluster::client::explain;
use crate::sink::DirectoryKey;
use crate::sink::object::Owner;
use crate::source::Class;
use state::{State, interval, requests};

mod looks;
mod revision;
pub(super) mod state;

/// How often a long run shows how far it has come.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);
/// How long a burst of edits to mirrors may last before they are repaired.
const DRIFT_DEBOUNCE: Duration = Duration::from_millis(500);
/// How long to wait after the apiserver refused something that must be done.
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
    /// It is time to write the status that could not be written.
    Tell,
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
                    pending = self.sync(&directory, &mut state, want).await;
                }
                if pending.is_none() {
                    match self.wait(&directory, &mut state).await {
                        Woken::End => return,
                        Woken::Look => {}
                        Woken::Sync(want) => pending = Some(want),
                        Woken::Tell => {
                            if let Some(untold) = state.untold.take() {
                                self.tell(&directory, &mut state, untold).await;
                            }
                        }
                    }
                }
            }
            if self.cancel.is_cancelled() || self.directory.has_changed().is_err() {
                return;
            }
        }
    }

    /// Waits for a reason to do something.
    async fn wait(&mut self, directory: &Directory, state: &mut State) -> Woken {
        let suspended = directory.spec.sync.suspend;
        let State { due, looks, untold, failures, .. } = state;
        // Each edit would try a wrong password again, and some servers lock an account for that.
        let repair = if *failures > 0 { Want::Repair } else { Want::Replan };
        let references_change = looks.change(&self.context, &self.key, directory);
        tokio::select! {
            () = self.cancel.cancelled() => Woken::End,
            changed = self.directory.changed() => if changed.is_ok() { Woken::Look } else { Woken::End },
            () = self.drift.notified(), if !suspended => {
                self.cancel.run_until_cancelled(tokio::time::sleep(DRIFT_DEBOUNCE)).await;
                Woken::Sync(repair)
            }
            () = references_change, if !suspended => Woken::Sync(Want::Changes),
            () = tokio::time::sleep_until(*due), if !suspended => Woken::Sync(Want::Changes),
            () = tokio::time::sleep(CLUSTER_RETRY), if untold.is_some() => Woken::Tell,
        }
    }

    /// Waits for a turn; `None` when that is not to be waited for any more: there is another spec to work by.
    async fn turn(&mut self, directory: &Directory) -> Option<Turn> {
        let mut turn = std::pin::pin!(Turn::take(&self.context));
        loop {
            tokio::select! {
                () = self.cancel.cancelled() => return None,
                changed = self.directory.changed() => {
                    if changed.is_err() || revision::is_another(directory, &self.directory.borrow()) {
                        return None;
                    }
                }
                turn = &mut turn => return Some(turn),
            }
        }
    }

    /// Syncs. What it returns is still wanted: the spec became another one before the run could write.
    async fn sync(&mut self, known: &Directory, state: &mut State, want: Want) -> Option<Want> {
        let Some(turn) = self.turn(known).await else { return Some(want) };
        // The wait may have been long.
        let directory = self.directory.borrow_and_update().clone();
        if revision::is_another(known, &directory) {
            return Some(want);
        }
        let want = state.want_now(&directory).map_or(want, |asked| asked.max(want));
        let started = Instant::now();
        // What a repair does not read anew is still to be noticed.
        if want != Want::Repair {
            state.looks.catch_up(&self.context, &self.key, &directory).await;
        }
        let cancel = self.cancel.child_token();
        let reading = cancel.child_token();
        let progress = Progress::default();
        let owner = owner(&self.key, &directory);
        let result = {
            let run = Run {
                context: &self.context,
                directory: &directory,
                key: &self.key,
                owner: &owner,
                want,
                pending: state.status.pending_plan.as_ref(),
                config_map: state.status.config_map.as_ref(),
                cancel: &cancel,
                reading: &reading,
                progress: &progress,
                turn: &turn,
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
                        state.version.follow(&self.directory.borrow(), &state.status);
                        let (known, status) = (&mut state.version, &state.status);
                        show_progress(&self.context, &self.key, status, known, &directory, &progress).await;
                    }
                    changed = self.directory.changed(), if !cancel.is_cancelled() => {
                        let now = self.directory.borrow();
                        if changed.is_err() || now.metadata.deletion_timestamp.is_some() {
                            cancel.cancel();
                        } else if revision::withdraws(&directory.spec, &now.spec) {
                            reading.cancel();
                        }
                    }
                }
            }
        };
        // Changes that came while the run went on are looked at by `wait`.
        self.directory.mark_changed();
        match result {
            Err(SyncError::Cancelled) if !cancel.is_cancelled() => {
                tracing::info!(directory = %self.key, "the spec has become another one, so the sync begins anew");
                return Some(want);
            }
            Err(SyncError::Cancelled | SyncError::TakenOver | SyncError::NotYet) => {}
            result => self.conclude(&directory, state, started, &result).await,
        }
        None
    }

    async fn conclude(
        &self,
        directory: &Directory,
        state: &mut State,
        started: Instant,
        result: &Result<Synced, SyncError>,
    ) {
        let uid = directory.metadata.uid.as_deref().unwrap_or_default();
        let interval = interval(directory);
        match result {
            Ok(synced) => state.went_through(synced.kind, started, schedule::jittered(interval, uid)),
            Err(error) => {
                state.failed(|failures| schedule::retry_delay(failures, class(error), interval, uid));
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
        if let Some(untold) = state.untold.take() {
            self.tell(directory, state, untold).await;
        }
        let before = state.untold.as_ref().unwrap_or(&state.status);
        let next = status::next(before, &subject, ended);
        self.context.metrics.status(&self.key, &next, interval(directory));
        if !state.shows_progress && !status::is_news(&state.status, &next) {
            state.untold = None;
            return;
        }
        self.tell(directory, state, next).await;
    }

    /// Writes a status, and tells of what is new in it. If that fails, it is tried again later.
    async fn tell(&self, directory: &Directory, state: &mut State, next: DirectoryStatus) {
        state.version.follow(&self.directory.borrow(), &state.status);
        match store::replace(&self.context, &self.key, &mut state.version, &next).await {
            Ok(()) => {}
            // This process is about to end; the one that has taken over tells how it is.
            Err(StoreError::TakenOver) => return,
            Err(StoreError::Cluster(error)) => {
                tracing::warn!(directory = %self.key, error = explain(&error), "the status could not be written; trying again");
                state.untold = Some(next);
                return;
            }
        }
        let before = std::mem::replace(&mut state.status, next);
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

fn owner(key: &DirectoryKey, directory: &Directory) -> Owner {
    Owner {
        namespace: key.namespace.clone(),
        directory: key.name.clone(),
        uid: directory.metadata.uid.clone().unwrap_or_default(),
    }
}

/// How a failure is retried.
const fn class(error: &SyncError) -> Class {
    match error {
        SyncError::Invalid(_) | SyncError::Plan(_) | SyncError::TooManyHeld(_) => Class::Misconfigured,
        SyncError::Reference(reference) if !reference.is_transient() => Class::Misconfigured,
        SyncError::Reference(_)
        | SyncError::Mirrors(_)
        | SyncError::Checkpoint(_)
        | SyncError::NotYet
        | SyncError::TakenOver
        | SyncError::Cancelled => Class::Transient,
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
    known: &mut KnownVersion,
    directory: &Directory,
    progress: &Progress,
) {
    let generation = directory.metadata.generation;
    let mut conditions = status::Conditions::new(&reported.conditions, generation, Timestamp::now());
    conditions.set("Reconciling", true, "Syncing", "a sync is under way; status.progress counts");
    let shown = json!({"progress": progress.status(), "conditions": conditions.into_vec()});
    if let Err(error) = store::add(context, key, known, shown).await {
        tracing::warn!(directory = %key, error = explain(&error), "the progress could not be written");
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
                deactivated = written.deactivated,
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

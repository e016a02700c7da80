//! Watches the Directories of each scope that is open, and gives each a worker: starts it, tells it of
//! changes, ends it.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt};
use kube::ResourceExt;
use kube::core::DeserializeGuard;
use kube::runtime::watcher;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Context;
use super::worker::{Worker, state};
use crate::api::Directory;
use crate::cluster::access::Access;
use crate::cluster::scope::Scope;
use crate::cluster::watching::watching;
use crate::server::pulse::{self, Pulse};
use crate::sink::DirectoryKey;

type Guarded = DeserializeGuard<Directory>;

/// A worker as its supervisor sees it.
struct Handle {
    uid: Option<String>,
    directory: watch::Sender<Arc<Directory>>,
    drift: Arc<Notify>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

/// Supervises all Directories of the open scopes until it is cancelled.
pub struct Supervisor {
    context: Context,
    workers: HashMap<DirectoryKey, Handle>,
    /// Workers that have been told to end and may still be in their last request. Waiting for them
    /// here would hold up every other Directory.
    ending: HashMap<DirectoryKey, JoinHandle<()>>,
    /// What is listed of a scope that is being listed.
    listed: HashMap<Scope, HashSet<DirectoryKey>>,
    cancel: CancellationToken,
}

impl Supervisor {
    /// A supervisor without workers.
    #[must_use]
    pub fn new(context: Context, cancel: CancellationToken) -> Self {
        Self { context, workers: HashMap::new(), ending: HashMap::new(), listed: HashMap::new(), cancel }
    }

    /// Watches each scope from when it is open on, until cancelled; then waits for the workers to end at
    /// their next page or write.
    pub async fn run(
        mut self,
        access: watch::Receiver<Access>,
        mut drift: mpsc::UnboundedReceiver<DirectoryKey>,
        pulse: &Pulse,
    ) {
        let mut beat = tokio::time::interval(pulse::BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let watches = TaskTracker::new();
        let mut events = pin!(directories(&self.context, access, &watches, &self.cancel));
        loop {
            tokio::select! {
                () = self.cancel.cancelled() => break,
                now = beat.tick() => pulse.beat(now),
                Some(key) = drift.recv() => {
                    if let Some(worker) = self.workers.get(&key) {
                        worker.drift.notify_one();
                    }
                }
                Some((scope, event)) = events.next() => self.handle(scope, event),
            }
        }
        watches.close();
        watches.wait().await;
        let workers = std::mem::take(&mut self.workers);
        for worker in workers.values() {
            worker.cancel.cancel();
        }
        let tasks = workers.into_values().map(|worker| worker.task).chain(self.ending.into_values());
        // A worker that panicked has said so already.
        futures::future::join_all(tasks).await;
    }

    fn handle(&mut self, scope: Scope, event: Result<watcher::Event<Guarded>, watcher::Error>) {
        match event {
            Ok(watcher::Event::Init) => {
                self.listed.insert(scope, HashSet::new());
            }
            Ok(watcher::Event::InitApply(object)) => {
                if let Some(key) = key_of(&object) {
                    self.listed.entry(scope).or_default().insert(key);
                }
                self.apply(object);
            }
            Ok(watcher::Event::InitDone) => {
                let present = self.listed.remove(&scope).unwrap_or_default();
                let gone: Vec<DirectoryKey> = self
                    .workers
                    .keys()
                    .filter(|key| scope.covers(&key.namespace))
                    .filter(|key| !present.contains(*key))
                    .cloned()
                    .collect();
                for key in gone {
                    self.end(&key);
                }
            }
            Ok(watcher::Event::Apply(object)) => self.apply(object),
            Ok(watcher::Event::Delete(object)) => {
                if let Some(key) = key_of(&object) {
                    self.end(&key);
                }
            }
            Err(error) => {
                tracing::warn!(%error, %scope, "the watch on Directories failed and is tried again");
            }
        }
    }

    fn apply(&mut self, object: Guarded) {
        let Some(key) = key_of(&object) else { return };
        let directory = match object.0 {
            Ok(directory) => Arc::new(directory),
            Err(error) => {
                let error = error.error;
                tracing::error!(directory = %key, error, "the Directory does not fit the schema of this operator; it is left alone");
                return;
            }
        };
        if self.workers.get(&key).is_some_and(|worker| worker.uid != directory.metadata.uid) {
            self.end(&key);
        }
        match self.workers.get(&key) {
            Some(worker) => {
                worker.directory.send_if_modified(|known| {
                    let news = is_news(known, &directory);
                    *known = directory;
                    news
                });
            }
            None => self.start(key, directory),
        }
    }

    fn start(&mut self, key: DirectoryKey, directory: Arc<Directory>) {
        if let Some(status) = &directory.status {
            // Until the next run, which may be a day away, what the last one said holds.
            self.context.metrics.status(&key, status, state::interval(&directory));
        }
        let uid = directory.metadata.uid.clone();
        let (sender, receiver) = watch::channel(directory);
        let (drift, cancel) = (Arc::new(Notify::new()), self.cancel.child_token());
        let worker = Worker {
            context: self.context.clone(),
            key: key.clone(),
            directory: receiver,
            drift: drift.clone(),
            cancel: cancel.clone(),
        };
        // Its mirrors are watched from before it is known: who touched them then had nobody to tell.
        if self.context.observed.touched(&key) > 0 {
            drift.notify_one();
        }
        let predecessor = self.ending.remove(&key);
        let (observed, name) = (self.context.observed.clone(), key.clone());
        let task = tokio::spawn(async move {
            // Two workers of one Directory would write over each other.
            if let Some(predecessor) = predecessor {
                // A worker that panicked has said so already.
                let _ = predecessor.await;
            }
            observed.begin(&name);
            worker.run().await;
            observed.end(&name);
        });
        self.workers.insert(key, Handle { uid, directory: sender, drift, cancel, task });
    }

    fn end(&mut self, key: &DirectoryKey) {
        self.ending.retain(|_, task| !task.is_finished());
        if let Some(worker) = self.workers.remove(key) {
            worker.cancel.cancel();
            self.ending.insert(key.clone(), worker.task);
            self.context.metrics.forget(key);
        }
    }
}

/// Whether a worker has to look: at the spec, the annotations, or the deletion. A change of the
/// status is the worker's own.
fn is_news(known: &Directory, next: &Directory) -> bool {
    known.metadata.generation != next.metadata.generation
        || known.metadata.annotations != next.metadata.annotations
        || known.metadata.deletion_timestamp != next.metadata.deletion_timestamp
        || known.metadata.finalizers != next.metadata.finalizers
}

fn key_of(object: &Guarded) -> Option<DirectoryKey> {
    Some(DirectoryKey { namespace: object.namespace()?, name: object.name_any() })
}

/// What becomes of the Directories of each scope that is open. Their mirrors are listed before them: a
/// worker that does not know what there is would write it all anew. And not before this process leads:
/// what is listed then has all that the holder of the Lease before has written.
fn directories(
    context: &Context,
    access: watch::Receiver<Access>,
    watches: &TaskTracker,
    cancel: &CancellationToken,
) -> impl Stream<Item = (Scope, Result<watcher::Event<Guarded>, watcher::Error>)> + use<> {
    let (context, watches, cancel) = (context.clone(), watches.clone(), cancel.clone());
    opened(access).flat_map_unordered(None, move |scope| {
        let client = context.clients.watch.clone();
        let (mirrors, listed) = context.observed.watch(&client, &scope);
        watches.spawn(cancel.clone().run_until_cancelled_owned(mirrors));
        tracing::info!(%scope, "watching Directories");
        let place = scope.clone();
        let events =
            stream::once(listed).flat_map(move |()| watching(place.api(&client), watcher::Config::default()));
        events.map(move |event| (scope.clone(), event)).boxed()
    })
}

/// The scopes that are open, each when it is found so.
fn opened(access: watch::Receiver<Access>) -> impl Stream<Item = Scope> {
    stream::unfold((access, 0), async |(mut access, begun)| {
        let scope = access.wait_for(|access| access.open.len() > begun).await.ok()?.open.get(begun)?.clone();
        Some((scope, (access, begun + 1)))
    })
}

//! Watches Directories and gives each a worker: starts it, tells it of changes, ends it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::SelectAll;
use kube::core::DeserializeGuard;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Context;
use super::worker::{Worker, state};
use crate::api::Directory;
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

/// Supervises all Directories of the watched namespaces until it is cancelled.
pub struct Supervisor {
    context: Context,
    workers: HashMap<DirectoryKey, Handle>,
    /// Workers that have been told to end and may still be in their last request. Waiting for them
    /// here would hold up every other Directory.
    ending: HashMap<DirectoryKey, JoinHandle<()>>,
    cancel: CancellationToken,
}

impl Supervisor {
    /// A supervisor without workers.
    #[must_use]
    pub fn new(context: Context, cancel: CancellationToken) -> Self {
        Self { context, workers: HashMap::new(), ending: HashMap::new(), cancel }
    }

    /// Watches until cancelled, then waits for the workers to end at their next page or write.
    pub async fn run(
        mut self,
        namespaces: &[String],
        mut drift: mpsc::UnboundedReceiver<DirectoryKey>,
        pulse: &Pulse,
    ) {
        if self.cancel.run_until_cancelled(self.context.observed.ready()).await.is_none() {
            return;
        }
        self.context.metrics.is_ready(true);
        let mut beat = tokio::time::interval(pulse::BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut events = watches(&self.context, namespaces);
        let mut listed: HashMap<usize, HashSet<DirectoryKey>> = HashMap::new();
        loop {
            tokio::select! {
                () = self.cancel.cancelled() => break,
                now = beat.tick() => pulse.beat(now),
                Some(key) = drift.recv() => {
                    if let Some(worker) = self.workers.get(&key) {
                        worker.drift.notify_one();
                    }
                }
                Some((scope, event)) = events.next() => self.handle(scope, event, &mut listed, namespaces),
            }
        }
        let workers = std::mem::take(&mut self.workers);
        for worker in workers.values() {
            worker.cancel.cancel();
        }
        let tasks = workers.into_values().map(|worker| worker.task).chain(self.ending.into_values());
        // A worker that panicked has said so already.
        futures::future::join_all(tasks).await;
    }

    fn handle(
        &mut self,
        scope: usize,
        event: Result<watcher::Event<Guarded>, watcher::Error>,
        listed: &mut HashMap<usize, HashSet<DirectoryKey>>,
        namespaces: &[String],
    ) {
        match event {
            Ok(watcher::Event::Init) => {
                listed.insert(scope, HashSet::new());
            }
            Ok(watcher::Event::InitApply(object)) => {
                if let Some(key) = key_of(&object) {
                    listed.entry(scope).or_default().insert(key);
                }
                self.apply(object);
            }
            Ok(watcher::Event::InitDone) => {
                let present = listed.remove(&scope).unwrap_or_default();
                let namespace = namespaces.get(scope);
                let gone: Vec<DirectoryKey> = self
                    .workers
                    .keys()
                    .filter(|key| namespace.is_none_or(|namespace| *namespace == key.namespace))
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
            Err(error) => tracing::warn!(%error, "the watch on Directories failed and is tried again"),
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
        let predecessor = self.ending.remove(&key);
        let task = tokio::spawn(async move {
            // Two workers of one Directory would write over each other.
            if let Some(predecessor) = predecessor {
                // A worker that panicked has said so already.
                let _ = predecessor.await;
            }
            worker.run().await;
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

type Events =
    SelectAll<futures::stream::BoxStream<'static, (usize, Result<watcher::Event<Guarded>, watcher::Error>)>>;

/// One watch for each namespace, or one for all; each event with the number of its watch.
fn watches(context: &Context, namespaces: &[String]) -> Events {
    let client = &context.clients.watch;
    let apis: Vec<Api<Guarded>> = if namespaces.is_empty() {
        vec![Api::all(client.clone())]
    } else {
        namespaces.iter().map(|namespace| Api::namespaced(client.clone(), namespace)).collect()
    };
    apis.into_iter()
        .enumerate()
        .map(|(scope, api)| {
            let events = watching(api, watcher::Config::default());
            events.map(move |event| (scope, event)).boxed()
        })
        .collect()
}

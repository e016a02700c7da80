//! A watcher as an application has one: counts what it is told, and when.

use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::cluster::Cluster;

/// When an event came.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// For differences within this program.
    pub instant: Instant,
    /// For differences to what another program has logged.
    pub time: SystemTime,
}

/// A watch on one kind in one namespace; ends when dropped.
pub struct Watching {
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    count: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Watching {
    /// Watches from now on.
    pub async fn start<K>(namespace: &str) -> Self
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + Send
            + 'static,
    {
        let api = Api::<K>::namespaced(Cluster::get().client(), namespace);
        let now = api.list_metadata(&ListParams::default().limit(1)).await.unwrap();
        let mut version = now.metadata.resource_version.expect("a list has a version");
        let mut events = api.watch_metadata(&WatchParams::default(), &version).await.unwrap().boxed();
        let arrivals = Arc::<Mutex<Vec<Arrival>>>::default();
        let (sender, count) = watch::channel(0);
        let seen = arrivals.clone();
        let task = tokio::spawn(async move {
            loop {
                while let Some(event) = events.try_next().await.expect("the watch holds") {
                    match event {
                        WatchEvent::Bookmark(_) => {}
                        WatchEvent::Error(status) => panic!("the watch ended: {status:?}"),
                        WatchEvent::Added(object)
                        | WatchEvent::Modified(object)
                        | WatchEvent::Deleted(object) => {
                            version = object.metadata.resource_version.expect("an object has a version");
                            let arrival = Arrival { instant: Instant::now(), time: SystemTime::now() };
                            seen.lock().unwrap().push(arrival);
                            sender.send_modify(|count| *count += 1);
                        }
                    }
                }
                // The apiserver ends a watch that it has to wait for: every client goes on from where it was.
                events = api.watch_metadata(&WatchParams::default(), &version).await.unwrap().boxed();
            }
        });
        Self { arrivals, count, task }
    }

    /// How many events have come.
    pub fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits for the event of a number, counted from one; says when it came.
    pub async fn arrival(&self, number: usize) -> Arrival {
        let mut count = self.count.clone();
        count.wait_for(|count| *count >= number).await.expect("the watch ended before the event came");
        self.arrivals.lock().unwrap()[number - 1]
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

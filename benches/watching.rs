//! A watcher as an application has one: counts what it is told, and when.

use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use directory_sync::cluster::watching::watching;
use futures::TryStreamExt;
use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use kube::api::{Api, PartialObjectMeta};
use kube::runtime::watcher::{self, Event};
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
        let api = Api::<PartialObjectMeta<K>>::namespaced(Cluster::get().client(), namespace);
        let mut events = watching(api, watcher::Config::default());
        // What is there already comes first.
        while !matches!(events.try_next().await.unwrap(), Some(Event::InitDone)) {}
        let arrivals = Arc::<Mutex<Vec<Arrival>>>::default();
        let (sender, count) = watch::channel(0);
        let seen = arrivals.clone();
        let task = tokio::spawn(async move {
            while let Some(event) = events.try_next().await.expect("the watch holds") {
                match event {
                    Event::Apply(_) | Event::Delete(_) => {
                        let arrival = Arrival { instant: Instant::now(), time: SystemTime::now() };
                        seen.lock().unwrap().push(arrival);
                        sender.send_modify(|count| *count += 1);
                    }
                    Event::Init | Event::InitApply(_) | Event::InitDone => panic!("the watch began anew"),
                }
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

//! The watches: lists and events of metadata, taken for what there is.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::Ordering;

use futures::TryStreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use kube::{Api, Client, Resource};
use tokio::sync::oneshot;

use super::mirrors::{Seen, Watched, seen};
use super::{DirectoryKey, ObservedMirrors, count_down};
use crate::api::{DirectoryGroup, DirectorySlice, DirectoryUser, LABEL_DIRECTORY};
use crate::cluster::scope::Scope;
use crate::cluster::watching::watching;
use crate::model::Kind;

/// The metadata of an object alone.
type Meta<K> = PartialObjectMeta<K>;

impl ObservedMirrors {
    /// Starts watching the mirrors of a scope. Returns the watches as one future that never ends by
    /// itself, and another one that ends when each of them has listed what there is.
    pub fn watch(
        &self,
        client: &Client,
        scope: &Scope,
    ) -> (impl Future<Output = ()> + Send + use<>, impl Future<Output = ()> + Send + use<>) {
        let (users, groups) =
            (scope.api::<Meta<DirectoryUser>>(client), scope.api::<Meta<DirectoryGroup>>(client));
        let slices = scope.api::<Meta<DirectorySlice>>(client);
        let (users, users_listed) = self.watch_kind(users, Watched::Objects(Kind::User), scope);
        let (groups, groups_listed) = self.watch_kind(groups, Watched::Objects(Kind::Group), scope);
        let (slices, slices_listed) = self.watch_kind(slices, Watched::Slices, scope);
        let watches = async move {
            futures::join!(users, groups, slices);
        };
        let count = self.listed.clone();
        let listed = async move {
            for listed in [users_listed, groups_listed, slices_listed] {
                if listed.await.is_err() {
                    // The watch was given up before it had listed anything.
                    std::future::pending::<()>().await;
                }
            }
            count.fetch_add(1, Ordering::Relaxed);
        };
        (watches, listed)
    }

    fn watch_kind<K>(
        &self,
        api: Api<Meta<K>>,
        watched: Watched,
        scope: &Scope,
    ) -> (impl Future<Output = ()> + Send + use<K>, oneshot::Receiver<()>)
    where
        K: Resource<DynamicType = ()> + Clone + fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
    {
        let (sender, listed) = oneshot::channel();
        (self.clone().follow(api, watched, scope.clone(), sender), listed)
    }

    async fn follow<K>(self, api: Api<Meta<K>>, watched: Watched, scope: Scope, listed: oneshot::Sender<()>)
    where
        K: Resource<DynamicType = ()> + Clone + fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
    {
        let config = watcher::Config::default().labels(LABEL_DIRECTORY).page_size(500);
        let mut events = watching(api, config);
        let mut listing: Option<HashMap<DirectoryKey, Vec<Seen>>> = None;
        let mut listed = Some(listed);
        loop {
            match events.try_next().await {
                Ok(Some(watcher::Event::Init)) => {
                    if listing.replace(HashMap::new()).is_none() {
                        self.begins_to_list(watched);
                    }
                }
                Ok(Some(watcher::Event::InitApply(object))) => {
                    if let (Some(listing), Some((key, seen))) = (&mut listing, seen(&object.metadata)) {
                        listing.entry(key).or_default().push(seen);
                    }
                }
                Ok(Some(watcher::Event::InitDone)) => {
                    self.replace(watched, &scope, listing.take().unwrap_or_default(), listed.is_some());
                    if let Some(listed) = listed.take() {
                        // Nobody waits for it once the operator stops.
                        let _ = listed.send(());
                    }
                }
                Ok(Some(watcher::Event::Apply(object))) => self.applied(&object.metadata),
                Ok(Some(watcher::Event::Delete(object))) => self.gone(&object.metadata),
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(%error, kind = watched.as_str(), "the watch on mirrors failed and is tried again");
                }
            }
        }
    }

    fn begins_to_list(&self, watched: Watched) {
        *self.lock().listings.entry(watched).or_default() += 1;
    }

    /// Takes a complete listing of what is watched for what there is. In the first one, only edits are news.
    fn replace(
        &self,
        watched: Watched,
        scope: &Scope,
        mut listing: HashMap<DirectoryKey, Vec<Seen>>,
        first: bool,
    ) {
        let mut touched = Vec::new();
        let mut shared = self.lock();
        for key in listing.keys() {
            shared.directories.entry(key.clone()).or_default();
        }
        for (key, mirrors) in &mut shared.directories {
            if !scope.covers(&key.namespace) {
                continue;
            }
            let listed = listing.remove(key).unwrap_or_default();
            let before = mirrors.touched;
            for seen in mirrors.vanished(watched, &listed) {
                mirrors.is_not_listed(seen);
            }
            for seen in listed {
                mirrors.applied(seen, first);
            }
            mirrors.listed(watched);
            if mirrors.touched != before {
                touched.push(key.clone());
            }
        }
        shared.directories.retain(|_, mirrors| !mirrors.is_over());
        count_down(&mut shared.listings, &watched);
        drop(shared);
        for key in touched {
            self.report_drift(key);
        }
    }

    fn applied(&self, metadata: &ObjectMeta) {
        let Some((key, seen)) = seen(metadata) else { return };
        let drifted = self.lock().directories.entry(key.clone()).or_default().applied(seen, false);
        if drifted {
            self.report_drift(key);
        }
    }

    fn gone(&self, metadata: &ObjectMeta) {
        let Some((key, seen)) = seen(metadata) else { return };
        let mut shared = self.lock();
        let lost = shared.directories.get_mut(&key).is_some_and(|mirrors| mirrors.gone(seen));
        shared.prune(&key);
        drop(shared);
        if lost {
            self.report_drift(key);
        }
    }
}

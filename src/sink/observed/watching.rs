//! The watches: lists and events of metadata, taken for what there is.

use std::collections::HashMap;
use std::fmt;

use futures::TryStreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use kube::{Api, Client, Resource};

use super::mirrors::{Seen, Watched, seen};
use super::{DirectoryKey, ObservedMirrors};
use crate::api::{DirectoryGroup, DirectorySlice, DirectoryUser, LABEL_DIRECTORY};
use crate::cluster::watching::watching;
use crate::model::Kind;

impl ObservedMirrors {
    /// Starts watching the mirrors of one namespace, or of all. Returns the watches as one future
    /// that never ends by itself.
    pub fn watch(&self, client: &Client, namespace: Option<&str>) -> impl Future<Output = ()> + Send + use<> {
        self.pending.send_modify(|pending| *pending += 3);
        let (users, groups) =
            (api::<DirectoryUser>(client, namespace), api::<DirectoryGroup>(client, namespace));
        let slices = api::<DirectorySlice>(client, namespace);
        let place = namespace.map(str::to_owned);
        let users = self.clone().watch_kind(users, Watched::Objects(Kind::User), place.clone());
        let groups = self.clone().watch_kind(groups, Watched::Objects(Kind::Group), place.clone());
        let slices = self.clone().watch_kind(slices, Watched::Slices, place);
        async move {
            futures::join!(users, groups, slices);
        }
    }

    async fn watch_kind<K>(self, api: Api<PartialObjectMeta<K>>, watched: Watched, namespace: Option<String>)
    where
        K: Resource<DynamicType = ()> + Clone + fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
    {
        let config = watcher::Config::default().labels(LABEL_DIRECTORY).page_size(500);
        let mut events = watching(api, config);
        let mut listing: Option<HashMap<DirectoryKey, Vec<Seen>>> = None;
        let mut pending = true;
        loop {
            match events.try_next().await {
                Ok(Some(watcher::Event::Init)) => listing = Some(HashMap::new()),
                Ok(Some(watcher::Event::InitApply(object))) => {
                    if let (Some(listing), Some((key, seen))) = (&mut listing, seen(&object.metadata)) {
                        listing.entry(key).or_default().push(seen);
                    }
                }
                Ok(Some(watcher::Event::InitDone)) => {
                    self.replace(watched, namespace.as_deref(), listing.take().unwrap_or_default(), pending);
                    if std::mem::take(&mut pending) {
                        self.pending.send_modify(|pending| *pending -= 1);
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

    /// Takes a complete listing of what is watched for what there is. In the first one, nothing is news.
    fn replace(
        &self,
        watched: Watched,
        namespace: Option<&str>,
        mut listing: HashMap<DirectoryKey, Vec<Seen>>,
        first: bool,
    ) {
        let mut touched = Vec::new();
        let mut shared = self.lock();
        for key in listing.keys() {
            shared.directories.entry(key.clone()).or_default();
        }
        for (key, mirrors) in &mut shared.directories {
            if namespace.is_some_and(|namespace| namespace != key.namespace) {
                continue;
            }
            let listed = listing.remove(key).unwrap_or_default();
            let before = mirrors.touched;
            for seen in mirrors.vanished(watched, &listed) {
                mirrors.gone(seen);
            }
            for seen in listed {
                mirrors.applied(seen, first);
            }
            if mirrors.touched != before {
                touched.push(key.clone());
            }
        }
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
        let lost = self.lock().directories.get_mut(&key).is_some_and(|mirrors| mirrors.gone(seen));
        if lost {
            self.report_drift(key);
        }
    }
}

/// Requests for the metadata of a kind alone.
fn api<K>(client: &Client, namespace: Option<&str>) -> Api<PartialObjectMeta<K>>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

//! What is known of all mirrors in the watched namespaces, from watches on their metadata.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::TryStreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use kube::{Api, Client, Resource};
use tokio::sync::watch;

use super::object::observe;
use crate::api::{DirectoryGroup, DirectoryUser, LABEL_DIRECTORY};
use crate::cluster::watching::watching;
use crate::model::{Kind, MirrorName};
use crate::plan::{Counts, Index, Observed};

/// A Directory's namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DirectoryKey {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl fmt::Display for DirectoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The mirrors of all Directories. Cheap to clone; all clones share one content.
#[derive(Clone, Debug)]
pub struct ObservedMirrors {
    shared: Arc<Mutex<Shared>>,
    /// Watches that have not listed everything yet.
    pending: Arc<watch::Sender<usize>>,
    /// Called with a Directory whose mirrors someone else has touched.
    drift: tokio::sync::mpsc::UnboundedSender<DirectoryKey>,
}

#[derive(Debug, Default)]
struct Shared {
    directories: HashMap<DirectoryKey, Mirrors>,
}

#[derive(Debug, Default)]
struct Mirrors {
    index: Index,
    /// Mirrors that we are writing, how often each: what a watch says of them meanwhile is our doing.
    being_written: HashMap<MirrorName, u32>,
    /// Mirrors that we deleted, until the watch says so too: an older event must not revive them.
    deleted_by_us: HashMap<MirrorName, u64>,
    /// Mirrors that someone else deleted and that have not been written again.
    lost: HashSet<MirrorName>,
    /// Counts what others did, so that a Directory knows whether it has to look again.
    touched: u64,
}

/// What a Directory's plan starts from.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The mirrors.
    pub index: Index,
    /// Mirrors that someone else deleted.
    pub lost: HashSet<MirrorName>,
    /// Grows whenever somebody else touches a mirror.
    pub touched: u64,
}

impl ObservedMirrors {
    /// An empty index. Directories whose mirrors are touched by others are sent to `drift`.
    #[must_use]
    pub fn new(drift: tokio::sync::mpsc::UnboundedSender<DirectoryKey>) -> Self {
        Self { shared: Arc::default(), pending: Arc::new(watch::channel(0).0), drift }
    }

    /// Starts watching the mirrors of one namespace, or of all. Returns the watches as one future
    /// that never ends by itself.
    pub fn watch(&self, client: &Client, namespace: Option<&str>) -> impl Future<Output = ()> + Send + use<> {
        self.pending.send_modify(|pending| *pending += 2);
        let (users, groups) =
            (api::<DirectoryUser>(client, namespace), api::<DirectoryGroup>(client, namespace));
        let users = self.clone().watch_kind(users, Kind::User, namespace.map(str::to_owned));
        let groups = self.clone().watch_kind(groups, Kind::Group, namespace.map(str::to_owned));
        async move {
            futures::join!(users, groups);
        }
    }

    /// Waits until every watch has listed what there is.
    pub async fn ready(&self) {
        let mut pending = self.pending.subscribe();
        // The sender lives as long as `self`, so waiting can only end with the condition.
        let _ = pending.wait_for(|pending| *pending == 0).await;
    }

    /// Whether every watch has listed what there is.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self.pending.borrow() == 0
    }

    /// The mirrors of one Directory, as they are now.
    #[must_use]
    pub fn view(&self, key: &DirectoryKey) -> View {
        let shared = self.lock();
        shared.directories.get(key).map_or_else(View::default, |mirrors| View {
            index: mirrors.index.clone(),
            lost: mirrors.lost.clone(),
            touched: mirrors.touched,
        })
    }

    /// What is known of one mirror now.
    #[must_use]
    pub fn get(&self, key: &DirectoryKey, name: MirrorName) -> Option<Observed> {
        self.lock().directories.get(key)?.index.get(name).copied()
    }

    /// How often others have touched a Directory's mirrors.
    #[must_use]
    pub fn touched(&self, key: &DirectoryKey) -> u64 {
        self.lock().directories.get(key).map_or(0, |mirrors| mirrors.touched)
    }

    /// A hash over the Directory's mirrors as they are now.
    #[must_use]
    pub fn digest(&self, key: &DirectoryKey) -> crate::model::ContentHash {
        self.lock()
            .directories
            .get(key)
            .map_or_else(|| Index::default().digest(), |mirrors| mirrors.index.digest())
    }

    /// The Directory's mirrors in numbers.
    #[must_use]
    pub fn counts(&self, key: &DirectoryKey) -> Counts {
        self.lock().directories.get(key).map(|mirrors| mirrors.index.counts()).unwrap_or_default()
    }

    /// Notes that a mirror is being written, until the answer is dropped. What happens to mirrors
    /// beside that is somebody else's doing, be it a former holder of the Lease whose request took
    /// its time, and has to be looked at.
    #[must_use]
    pub fn writing(&self, key: &DirectoryKey, name: MirrorName) -> BeingWritten {
        *self.lock().directories.entry(key.clone()).or_default().being_written.entry(name).or_default() += 1;
        BeingWritten { observed: self.clone(), key: key.clone(), name }
    }

    /// Notes what the apiserver answered to our own write.
    pub fn written(&self, key: &DirectoryKey, metadata: &ObjectMeta) {
        let Some((_, name, observed)) = observe(metadata) else { return };
        let mut shared = self.lock();
        let mirrors = shared.directories.entry(key.clone()).or_default();
        mirrors.lost.remove(&name);
        mirrors.deleted_by_us.remove(&name);
        if mirrors.index.get(name).is_none_or(|known| known.resource_version < observed.resource_version) {
            mirrors.index.insert(name, observed);
        }
    }

    /// Notes that we deleted a mirror.
    pub fn deleted(&self, key: &DirectoryKey, name: MirrorName) {
        let mut shared = self.lock();
        let Some(mirrors) = shared.directories.get_mut(key) else { return };
        if let Some(known) = mirrors.index.remove(name) {
            mirrors.deleted_by_us.insert(name, known.resource_version);
        }
    }

    async fn watch_kind<K>(self, api: Api<PartialObjectMeta<K>>, kind: Kind, namespace: Option<String>)
    where
        K: Resource<DynamicType = ()> + Clone + fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
    {
        let config = watcher::Config::default().labels(LABEL_DIRECTORY).page_size(500);
        let mut events = watching(api, config);
        let mut listing: Option<HashMap<DirectoryKey, Vec<(MirrorName, Observed)>>> = None;
        let mut pending = true;
        loop {
            match events.try_next().await {
                Ok(Some(watcher::Event::Init)) => listing = Some(HashMap::new()),
                Ok(Some(watcher::Event::InitApply(object))) => {
                    if let (Some(listing), Some((key, name, observed))) =
                        (&mut listing, observed_of(&object.metadata))
                    {
                        listing.entry(key).or_default().push((name, observed));
                    }
                }
                Ok(Some(watcher::Event::InitDone)) => {
                    self.replace(kind, namespace.as_deref(), listing.take().unwrap_or_default(), pending);
                    if std::mem::take(&mut pending) {
                        self.pending.send_modify(|pending| *pending -= 1);
                    }
                }
                Ok(Some(watcher::Event::Apply(object))) => self.applied(&object.metadata),
                Ok(Some(watcher::Event::Delete(object))) => self.gone(&object.metadata),
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(%error, kind = kind.as_str(), "the watch on mirrors failed and is tried again");
                }
            }
        }
    }

    /// Takes a complete listing of one kind for what there is. In the first one, nothing is news.
    fn replace(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        mut listing: HashMap<DirectoryKey, Vec<(MirrorName, Observed)>>,
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
            let names: HashSet<MirrorName> = listed.iter().map(|(name, _)| *name).collect();
            let vanished: Vec<MirrorName> =
                mirrors.index.iter(kind).map(|(name, _)| name).filter(|name| !names.contains(name)).collect();
            let before = mirrors.touched;
            for name in vanished {
                mirrors.gone(name);
            }
            for (name, observed) in listed {
                mirrors.applied(name, observed, first);
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
        let Some((key, name, observed)) = observed_of(metadata) else { return };
        let drifted = self.lock().directories.entry(key.clone()).or_default().applied(name, observed, false);
        if drifted {
            self.report_drift(key);
        }
    }

    fn gone(&self, metadata: &ObjectMeta) {
        let Some((key, name, _)) = observed_of(metadata) else { return };
        let lost = self.lock().directories.get_mut(&key).is_some_and(|mirrors| mirrors.gone(name));
        if lost {
            self.report_drift(key);
        }
    }

    fn report_drift(&self, key: DirectoryKey) {
        // Nobody listens once the operator stops.
        let _ = self.drift.send(key);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A panic while the lock was held leaves whole entries: each change is one insert.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mirrors {
    /// Notes a mirror; true when somebody else has written it and that was not known. In a first
    /// listing nothing is known yet.
    fn applied(&mut self, name: MirrorName, observed: Observed, first: bool) -> bool {
        if self.deleted_by_us.get(&name).is_some_and(|deleted| observed.resource_version <= *deleted) {
            return false;
        }
        let known = self.index.get(name).copied();
        if known.is_some_and(|known| known.resource_version >= observed.resource_version) {
            return false;
        }
        self.lost.remove(&name);
        self.index.insert(name, observed);
        let ours = self.being_written.contains_key(&name);
        let changed_by_others = match known {
            // What we write has a hash of its own, and a label that goes with it.
            Some(known) => {
                let other_content = observed.hash != known.hash && !ours;
                let other_label = observed.hash == known.hash && observed.state != known.state;
                observed.hash.is_none() || other_content || other_label
            }
            None => !first && !ours,
        };
        self.touched += u64::from(changed_by_others);
        changed_by_others
    }

    /// Notes that a mirror is gone; true when it was not we who deleted it.
    fn gone(&mut self, name: MirrorName) -> bool {
        self.deleted_by_us.remove(&name);
        let lost = self.index.remove(name).is_some() && !self.being_written.contains_key(&name);
        if lost {
            self.lost.insert(name);
            self.touched += 1;
        }
        lost
    }
}

/// A mirror that is being written, until this is dropped.
#[derive(Debug)]
pub struct BeingWritten {
    observed: ObservedMirrors,
    key: DirectoryKey,
    name: MirrorName,
}

impl Drop for BeingWritten {
    fn drop(&mut self) {
        let mut shared = self.observed.lock();
        let Some(mirrors) = shared.directories.get_mut(&self.key) else { return };
        if let Some(writes) = mirrors.being_written.get_mut(&self.name) {
            *writes -= 1;
            if *writes == 0 {
                mirrors.being_written.remove(&self.name);
            }
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

fn observed_of(metadata: &ObjectMeta) -> Option<(DirectoryKey, MirrorName, Observed)> {
    let (name, mirror, observed) = observe(metadata)?;
    Some((DirectoryKey { namespace: metadata.namespace.clone()?, name }, mirror, observed))
}

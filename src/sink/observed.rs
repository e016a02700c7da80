//! What is known of all mirrors in the watched namespaces, from watches on their metadata.

mod mirrors;
mod slices;
mod watching;
mod writing;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::object::observe;
use crate::model::{ContentHash, MirrorName};
use crate::plan::{Counts, Index, Observed};

use mirrors::{Mirrors, Watched};
pub use writing::BeingWritten;
pub(super) use writing::count_down;

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
    /// Scopes whose mirrors have been listed.
    listed: Arc<AtomicUsize>,
    /// Called with a Directory whose mirrors someone else has touched.
    drift: tokio::sync::mpsc::UnboundedSender<DirectoryKey>,
}

#[derive(Debug, Default)]
struct Shared {
    directories: HashMap<DirectoryKey, Mirrors>,
    /// How many lists of what are under way.
    listings: HashMap<Watched, u32>,
}

impl Shared {
    /// Forgets a Directory of which nothing is left.
    fn prune(&mut self, key: &DirectoryKey) {
        if self.directories.get(key).is_some_and(Mirrors::is_over) {
            self.directories.remove(key);
        }
    }

    fn is_listing(&self, watched: Watched) -> bool {
        self.listings.contains_key(&watched)
    }
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
        Self { shared: Arc::default(), listed: Arc::default(), drift }
    }

    /// In how many scopes it is known what there is.
    #[must_use]
    pub fn listed_scopes(&self) -> usize {
        self.listed.load(Ordering::Relaxed)
    }

    /// The mirrors of one Directory, as they are now. Those in slices are known once the slices have
    /// been read.
    #[must_use]
    pub fn view(&self, key: &DirectoryKey) -> View {
        let shared = self.lock();
        let Some(mirrors) = shared.directories.get(key) else { return View::default() };
        let touched = mirrors.touched;
        let (index, lost) = mirrors.current();
        View { index: index.cloned().unwrap_or_default(), lost: lost.cloned().unwrap_or_default(), touched }
    }

    /// What is known of one mirror now.
    #[must_use]
    pub fn get(&self, key: &DirectoryKey, name: MirrorName) -> Option<Observed> {
        self.lock().directories.get(key)?.current().0?.get(name).copied()
    }

    /// How often others have touched a Directory's mirrors.
    #[must_use]
    pub fn touched(&self, key: &DirectoryKey) -> u64 {
        self.lock().directories.get(key).map_or(0, |mirrors| mirrors.touched)
    }

    /// A hash over the Directory's mirrors as they are now, in whatever form.
    #[must_use]
    pub fn digest(&self, key: &DirectoryKey) -> ContentHash {
        let shared = self.lock();
        let Some(mirrors) = shared.directories.get(key) else { return Index::default().digest() };
        ContentHash(mirrors.index.digest().0.wrapping_add(mirrors.slices.digest().0))
    }

    /// The Directory's mirrors in numbers.
    #[must_use]
    pub fn counts(&self, key: &DirectoryKey) -> Counts {
        let shared = self.lock();
        let index = shared.directories.get(key).and_then(|mirrors| mirrors.current().0);
        index.map(Index::counts).unwrap_or_default()
    }

    /// Notes that a mirror is being written, until the answer is dropped. What happens to mirrors
    /// beside that is somebody else's doing, be it a former holder of the Lease whose request took
    /// its time, and has to be looked at.
    #[must_use]
    pub fn writing(&self, key: &DirectoryKey, name: MirrorName) -> BeingWritten {
        *self.lock().directories.entry(key.clone()).or_default().being_written.entry(name).or_default() += 1;
        BeingWritten { observed: self.clone(), key: key.clone(), what: writing::Written::Mirror(name) }
    }

    /// Notes what the apiserver answered to our own write.
    pub fn written(&self, key: &DirectoryKey, metadata: &ObjectMeta) {
        let Some((_, name, observed)) = observe(metadata) else { return };
        let mut shared = self.lock();
        let listing = shared.is_listing(Watched::Objects(name.kind));
        let mirrors = shared.directories.entry(key.clone()).or_default();
        mirrors.lost.remove(&name);
        mirrors.deleted_by_us.remove(&name);
        if listing {
            mirrors.fresh.insert(name);
        }
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

    /// Notes that a Directory is worked on from now on. What went before is nothing that it has lost.
    pub fn begin(&self, key: &DirectoryKey) {
        if let Some(mirrors) = self.lock().directories.get_mut(key) {
            mirrors.unattended = false;
            mirrors.lost.clear();
        }
    }

    /// Notes that a Directory is worked on no more. What is in the cluster stays known, for a namesake that
    /// takes it over, until it is gone.
    pub fn end(&self, key: &DirectoryKey) {
        let mut shared = self.lock();
        if let Some(mirrors) = shared.directories.get_mut(key) {
            mirrors.abandon();
        }
        shared.prune(key);
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

//! What is known of slices: the part of [`ObservedMirrors`] that is about them.

use super::mirrors::{Mirrors, Watched};
use super::writing::Written;
use super::{BeingWritten, DirectoryKey, ObservedMirrors};
use crate::model::{Kind, MirrorName};
use crate::plan::form::Size;
use crate::plan::{Index, Observed, Plan};
use crate::sink::slices::{Contents, Form, SliceObject, Slices};
use crate::slice::{Bucket, Manifest, PayloadHash, SliceName};

impl ObservedMirrors {
    /// The form in which the mirrors of a Directory are in the cluster; `None` when there are none.
    #[must_use]
    pub fn form(&self, key: &DirectoryKey) -> Option<Form> {
        self.lock().directories.get(key).and_then(Mirrors::form)
    }

    /// How large a Directory is after a plan.
    #[must_use]
    pub fn size_after(&self, key: &DirectoryKey, plan: &Plan) -> Size {
        let shared = self.lock();
        let index = shared.directories.get(key).and_then(|mirrors| mirrors.current().0);
        index.map_or_else(|| Size::after(plan, &Index::default()), |index| Size::after(plan, index))
    }

    /// The Directory's objects, whatever the form of its mirrors is.
    #[must_use]
    pub fn objects(&self, key: &DirectoryKey) -> Vec<(MirrorName, Observed)> {
        let shared = self.lock();
        let Some(mirrors) = shared.directories.get(key) else { return Vec::new() };
        let kinds = [Kind::Group, Kind::User].into_iter();
        kinds.flat_map(|kind| mirrors.index.iter(kind)).map(|(name, observed)| (name, *observed)).collect()
    }

    /// Whether it is known what is in the Directory's slices.
    #[must_use]
    pub fn knows_slices(&self, key: &DirectoryKey) -> bool {
        self.lock().directories.get(key).is_some_and(|mirrors| mirrors.slices.are_known())
    }

    /// How often it has become unknown what is in the Directory's slices.
    #[must_use]
    pub fn slice_surprises(&self, key: &DirectoryKey) -> u64 {
        self.lock().directories.get(key).map_or(0, |mirrors| mirrors.slices.surprises())
    }

    /// Takes what was read for what is in the Directory's slices.
    pub fn read_slices(&self, key: &DirectoryKey, contents: Contents) {
        self.with_slices(key, |slices| slices.read(contents));
    }

    /// Begins to fill slices: nobody is in them, although some may be left from before.
    pub fn begin_slices(&self, key: &DirectoryKey) {
        self.with_slices(key, |slices| {
            let as_of = slices.surprises();
            slices.set_contents(Some(Contents { as_of, ..Contents::default() }));
        });
    }

    /// Forgets what is in the Directory's slices.
    pub(in crate::sink) fn forget_slice_contents(&self, key: &DirectoryKey) {
        self.with_slices(key, |slices| slices.set_contents(None));
    }

    /// What is in the Directory's slices.
    pub(in crate::sink) fn slice_contents(&self, key: &DirectoryKey) -> Contents {
        let shared = self.lock();
        let contents = shared.directories.get(key).and_then(|mirrors| mirrors.slices.contents());
        contents.cloned().unwrap_or_default()
    }

    /// The view of the Directory's slices as it is now, with the number of people and groups in it.
    pub(in crate::sink) fn manifest(&self, key: &DirectoryKey) -> Manifest {
        let shared = self.lock();
        let contents = shared.directories.get(key).and_then(|mirrors| mirrors.slices.contents());
        contents.map_or_else(Manifest::default, |contents| Manifest {
            layout: contents.layout.clone(),
            users: contents.index.count(Kind::User) as u64,
            groups: contents.index.count(Kind::Group) as u64,
        })
    }

    /// Changes what is known to be in the Directory's slices.
    pub(in crate::sink) fn change_slices(&self, key: &DirectoryKey, change: impl FnOnce(&mut Contents)) {
        self.with_slices(key, |slices| change(slices.contents_mut()));
    }

    /// Notes that a slice that was read is not the one that was known.
    pub(in crate::sink) fn slice_differs(&self, key: &DirectoryKey, bucket: Bucket) {
        let mut shared = self.lock();
        let mirrors = shared.directories.entry(key.clone()).or_default();
        let news = mirrors.slices.contents_mut().doubt(bucket);
        mirrors.touched += u64::from(news);
        drop(shared);
        if news {
            self.report_drift(key.clone());
        }
    }

    /// Notes that it is not known any more what is in the Directory's slices: they are read before the next plan.
    pub(in crate::sink) fn slices_have_to_be_read(&self, key: &DirectoryKey) {
        self.lock().directories.entry(key.clone()).or_default().slices.surprise();
    }

    /// Notes that it is not known any more what is in the Directory's slices: they have to be looked at soon.
    pub(in crate::sink) fn slices_are_unknown(&self, key: &DirectoryKey) {
        let mut shared = self.lock();
        let mirrors = shared.directories.entry(key.clone()).or_default();
        mirrors.slices.surprise();
        mirrors.touched += 1;
        drop(shared);
        self.report_drift(key.clone());
    }

    /// Takes people or groups in slices not for what we wrote.
    pub(in crate::sink) fn doubt_mirrors(&self, key: &DirectoryKey, names: &[MirrorName]) {
        if !names.is_empty() {
            self.change_slices(key, |contents| {
                for name in names {
                    contents.doubt_mirror(*name);
                }
            });
        }
    }

    /// Notes that the manifest with this payload names all slices as they are.
    pub(in crate::sink) fn published(&self, key: &DirectoryKey, manifest: PayloadHash) {
        self.change_slices(key, |contents| {
            contents.scattered = false;
            contents.published = Some(manifest);
        });
    }

    /// The Directory's slices.
    pub(in crate::sink) fn slice_objects(&self, key: &DirectoryKey) -> Vec<(SliceName, SliceObject)> {
        let shared = self.lock();
        shared.directories.get(key).map(|mirrors| mirrors.slices.objects().collect()).unwrap_or_default()
    }

    /// What is known of one slice.
    pub(in crate::sink) fn slice(&self, key: &DirectoryKey, name: SliceName) -> Option<SliceObject> {
        self.lock().directories.get(key)?.slices.get(name)
    }

    /// Notes what the apiserver answered to our own write of a slice.
    pub(in crate::sink) fn slice_written(&self, key: &DirectoryKey, name: SliceName, object: SliceObject) {
        let mut shared = self.lock();
        let listing = shared.is_listing(Watched::Slices);
        shared.directories.entry(key.clone()).or_default().slices.written(name, object, listing);
    }

    /// Notes a slice that we have read.
    pub(in crate::sink) fn slice_found(&self, key: &DirectoryKey, name: SliceName, object: SliceObject) {
        self.with_slices(key, |slices| slices.found(name, object));
    }

    /// Notes that a slice is being written, as [`Self::writing`] does.
    pub(in crate::sink) fn writing_slice(&self, key: &DirectoryKey, name: SliceName) -> BeingWritten {
        self.with_slices(key, |slices| slices.will_be_written(name));
        BeingWritten { observed: self.clone(), key: key.clone(), what: Written::Slice(name) }
    }

    /// Whether everything is as it should be in the form of slices: the manifest names each slice as it
    /// is, written by this owner, and nothing else is there.
    #[must_use]
    pub fn slices_are_sound(&self, key: &DirectoryKey, owner: u128) -> bool {
        let shared = self.lock();
        let Some(mirrors) = shared.directories.get(key) else { return false };
        let objects = mirrors.index.count(Kind::User) + mirrors.index.count(Kind::Group);
        objects == 0 && mirrors.slices.are_sound(owner)
    }

    /// Whether slices are left that are not the form of the mirrors.
    #[must_use]
    pub fn has_slices(&self, key: &DirectoryKey) -> bool {
        self.lock().directories.get(key).is_some_and(|mirrors| !mirrors.slices.is_empty())
    }

    /// Notes that we deleted a slice.
    pub(in crate::sink) fn slice_deleted(&self, key: &DirectoryKey, name: SliceName) {
        self.with_slices(key, |slices| slices.deleted(name));
    }

    fn with_slices(&self, key: &DirectoryKey, change: impl FnOnce(&mut Slices)) {
        change(&mut self.lock().directories.entry(key.clone()).or_default().slices);
    }
}

//! Reads what is in the slices, after a start or a surprise: who is there, and with which hash.

use std::collections::HashMap;

use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};

use super::object::observe;
use super::{Contents, SliceObject};
use crate::api::{DirectorySlice, LABEL_DIRECTORY};
use crate::model::Kind;
use crate::plan::Observed;
use crate::sink::object::Owner;
use crate::slice::{
    Bucket, Family, Layout, Manifest, PayloadHash, SliceName, Summary, entry, members, payload,
};

/// Slices in one answer of the apiserver: a slice has about ten kilobytes.
const PAGE: u32 = 100;

/// Reads the slices of a Directory. We do not write them meanwhile; that others have, the watch tells.
///
/// # Errors
/// When the apiserver does not answer.
pub async fn load(client: &Client, owner: &Owner) -> Result<Contents, kube::Error> {
    let slices: Api<DirectorySlice> = Api::namespaced(client.clone(), &owner.namespace);
    let manifest = by_name(&slices, owner, SliceName::Manifest).await?;
    let mut reading = Reading::new(owner, manifest.as_ref());
    let mut which =
        ListParams::default().labels(&format!("{LABEL_DIRECTORY}={}", owner.directory)).limit(PAGE);
    loop {
        let page = slices.list(&which).await?;
        let next = page.metadata.continue_.clone().filter(|token| !token.is_empty());
        page.items.iter().for_each(|slice| reading.add(slice));
        match next {
            Some(token) => which.continue_token = Some(token),
            None => break,
        }
    }
    for bucket in reading.missing() {
        if let Some(slice) = by_name(&slices, owner, SliceName::Bucket(bucket)).await? {
            reading.add(&slice);
        }
    }
    Ok(reading.finish())
}

/// Reads one slice. Its name is ours alone, even where somebody has taken away its label.
async fn by_name(
    slices: &Api<DirectorySlice>,
    owner: &Owner,
    name: SliceName,
) -> Result<Option<DirectorySlice>, kube::Error> {
    let mut found = slices.get_opt(&name.object_name(&owner.directory)).await?;
    if let Some(slice) = &mut found {
        slice.labels_mut().insert(LABEL_DIRECTORY.to_owned(), owner.directory.clone());
    }
    Ok(found)
}

/// What has been read so far.
struct Reading<'a> {
    directory: &'a str,
    /// The manifest, with its payload's hash.
    manifest: Option<(Layout, PayloadHash)>,
    contents: Contents,
    found: HashMap<Bucket, SliceObject>,
    /// Members' slices that were written after the manifest. Their groups may not have been.
    unsettled: Vec<Bucket>,
}

impl<'a> Reading<'a> {
    fn new(owner: &'a Owner, manifest: Option<&DirectorySlice>) -> Self {
        let directory = owner.directory.as_str();
        // A manifest that somebody has edited says nothing.
        let ours = manifest
            .filter(|slice| observe(&slice.metadata).is_some_and(|(_, _, object)| object.hash.is_some()));
        let manifest = ours.and_then(|slice| {
            let payload = &slice.spec.payload;
            Some((Manifest::read(directory, payload).ok()?.layout, PayloadHash::of(payload)))
        });
        let scattered = manifest.is_none();
        let layout = manifest.as_ref().map(|(layout, _)| layout.clone()).unwrap_or_default();
        let contents = Contents { layout, scattered, ..Contents::default() };
        Self { directory, manifest, contents, found: HashMap::new(), unsettled: Vec::new() }
    }

    fn add(&mut self, slice: &DirectorySlice) {
        let Some((_, SliceName::Bucket(bucket), object)) = observe(&slice.metadata) else { return };
        if !self.contents.scattered && self.contents.layout.get(bucket).is_none() {
            return;
        }
        let Ok(text) = payload::read(&slice.spec.payload) else {
            tracing::warn!(slice = slice.name_any(), "the slice cannot be read; it is written anew");
            return;
        };
        self.found.insert(bucket, object);
        let mut entries = 0;
        for line in payload::lines(&text) {
            entries += 1;
            if bucket.family == Family::Members {
                continue;
            }
            let Some(said) = entry::said(self.directory, line) else { continue };
            if Family::of(said.name.kind) != bucket.family || !bucket.prefix.contains(said.name.id) {
                continue;
            }
            let hash = object.hash.map(|_| said.hash);
            // Without a manifest somebody may be in two slices, of which one is older.
            let before = self.contents.index.get(said.name).filter(|_| self.contents.scattered);
            let hash = hash.filter(|_| before.is_none_or(|before| before.hash == hash));
            let observed = Observed::entry(hash, said.state, said.members, object.owner);
            self.contents.index.insert(said.name, observed);
        }
        if !self.contents.scattered {
            let (hash, bytes) = (PayloadHash::of(&slice.spec.payload), narrow(text.len()));
            let named = self.contents.layout.get(bucket);
            if bucket.family == Family::Members && named.is_none_or(|named| named.hash != hash) {
                self.unsettled.push(bucket);
            }
            self.contents.layout.insert(bucket, Summary { hash, entries, bytes });
        }
    }

    /// The slices of the view that have not been found.
    fn missing(&self) -> Vec<Bucket> {
        let buckets = self.contents.layout.iter().map(|(bucket, _)| bucket);
        buckets.filter(|bucket| !self.found.contains_key(bucket)).collect()
    }

    fn finish(self) -> Contents {
        let missing = self.missing();
        let Self { mut contents, found, manifest, unsettled, .. } = self;
        contents.published =
            manifest.filter(|(layout, _)| *layout == contents.layout).map(|(_, payload)| payload);
        for bucket in missing {
            contents.lose(bucket);
        }
        for (bucket, object) in found {
            if object.hash.is_none() {
                contents.doubt(bucket);
            }
        }
        for bucket in unsettled {
            contents.doubt(bucket);
        }
        // Members that are in no slice at all, as when their slices are of no view.
        let lacking: Vec<_> = contents
            .index
            .iter(Kind::Group)
            .filter(|(name, observed)| {
                let mut chunks = 0..members::chunks(observed.members as usize);
                chunks.any(|chunk| !has_members(&contents.layout, members::key(*name, chunk)))
            })
            .map(|(name, observed)| (name, *observed))
            .collect();
        for (name, observed) in lacking {
            contents.index.insert(name, Observed { hash: None, ..observed });
        }
        contents
    }
}

fn has_members(layout: &Layout, key: u128) -> bool {
    layout.get(layout.bucket(Family::Members, key)).is_some_and(|summary| summary.entries > 0)
}

fn narrow(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

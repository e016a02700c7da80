//! One slice: reading its entries, and writing it, with as few requests as it takes.

use std::collections::BTreeMap;

use http::Method;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::object::{self, PLURAL, Wanted, observe};
use super::{Contents, SliceObject};
use crate::api::{DirectorySlice, FIELD_MANAGER, GROUP, VERSION};
use crate::cluster::client::explain;
use crate::sink::object::{Lacking, uid_number};
use crate::sink::writer::{CONFLICT_TRIES, Outcome, Writer, is_conflict, outcome_of};
use crate::slice::{Bucket, Family, PayloadHash, SliceName, entry, members, payload};

/// The entries of a bucket as they are.
#[derive(Default)]
pub(super) struct Entries {
    /// The lines that are worth keeping, by their keys; none when the slice is not there.
    pub lines: BTreeMap<u128, Vec<u8>>,
    /// Whether the slice is the one that is known.
    pub as_known: bool,
    /// Whether there is such a slice.
    pub is_there: bool,
}

impl Writer<'_> {
    /// Reads the entries of a bucket.
    pub(super) async fn entries(&self, bucket: Bucket, known: &Contents) -> Result<Entries, kube::Error> {
        let slice: DirectorySlice = match self.get(&self.slice(SliceName::Bucket(bucket))).await {
            Ok(slice) => slice,
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(Entries::default()),
            Err(error) => return Err(error),
        };
        let Ok(text) = payload::read(&slice.spec.payload) else {
            return Ok(Entries { is_there: true, ..Entries::default() });
        };
        let hash = PayloadHash::of(&slice.spec.payload);
        let as_known = known.layout.get(bucket).is_some_and(|summary| summary.hash == hash);
        let directory = &self.owner.directory;
        let key = |line: &[u8]| match bucket.family {
            // Nobody but us adds an entry: what is not known came by an edit. A slice that was taken for lost
            // since the plan was made may be there, as when somebody has taken its label away.
            Family::Users | Family::Groups => {
                let said = entry::said(directory, line)?;
                let is_whole = members::chunks(said.members as usize) == 0;
                let is_there = is_whole && known.lost.contains(&said.name);
                let ours = is_there || known.index.get(said.name).is_some();
                (ours && Family::of(said.name.kind) == bucket.family).then_some(said.name.id)
            }
            Family::Members => {
                let (group, chunk) = members::said(directory, line)?;
                let chunks = members::chunks(known.index.get(group)?.members as usize);
                (chunk < chunks).then(|| members::key(group, chunk))
            }
        };
        let lines = payload::lines(&text).filter_map(|line| Some((key(line)?, line.to_vec())));
        let lines = lines.filter(|(key, _)| bucket.prefix.contains(*key)).collect();
        Ok(Entries { lines, as_known, is_there: true })
    }

    /// Makes a slice what it should be; false when it was so already.
    pub(super) async fn put_slice(&self, wanted: &Wanted) -> Result<bool, Outcome> {
        let owner = uid_number(&self.owner.uid);
        let _being_written = self.observed.writing_slice(self.key, wanted.name);
        match self.observed.slice(self.key, wanted.name) {
            Some(known) if known.hash == Some(wanted.payload.hash) && known.owner == owner => Ok(false),
            Some(known) => self.change_slice(wanted, known, Lacking::default()).await.map(|()| true),
            None => self.create_slice(wanted).await.map(|()| true),
        }
    }

    async fn create_slice(&self, wanted: &Wanted) -> Result<(), Outcome> {
        let failed = |error: serde_json::Error| Outcome::Failed(error.to_string());
        let body = object::new_object(self.owner, wanted).map_err(failed)?;
        let uri = format!("{}?fieldManager={FIELD_MANAGER}", self.slices());
        match self.send_slice(Method::POST, &uri, "application/json", body).await {
            Ok(_) => Ok(()),
            // A create whose answer was lost, or a slice whose label somebody removed.
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {
                match self.fetch_slice(wanted.name).await {
                    Ok(Some((found, lacking))) => self.change_slice(wanted, found, lacking).await,
                    Ok(None) => {
                        Err(Outcome::Failed(format!("{} was there and gone within a moment", wanted.name)))
                    }
                    Err(error) => Err(outcome_of(&error)),
                }
            }
            Err(error) => Err(outcome_of(&error)),
        }
    }

    async fn change_slice(
        &self,
        wanted: &Wanted,
        mut observed: SliceObject,
        mut lacking: Lacking,
    ) -> Result<(), Outcome> {
        let mut failure = None;
        for _ in 0..CONFLICT_TRIES {
            let patch = object::patch(self.owner, wanted, &observed, lacking).to_string().into_bytes();
            match self.patch_slice(wanted.name, patch).await {
                Ok(written) if written.hash == Some(wanted.payload.hash) => return Ok(()),
                // The payload of an edited slice may turn out to have been right.
                Ok(written) => {
                    let patch = object::patch_generation(wanted.payload.hash, written.generation);
                    let written = self.patch_slice(wanted.name, patch.to_string().into_bytes()).await;
                    return written.map(drop).map_err(|error| outcome_of(&error));
                }
                Err(kube::Error::Api(status)) if status.code == 404 => {
                    return Box::pin(self.create_slice(wanted)).await;
                }
                Err(error) if is_conflict(&error) => failure = Some(outcome_of(&error)),
                Err(error) => return Err(outcome_of(&error)),
            }
            match self.fetch_slice(wanted.name).await {
                // Nothing has changed since: it was no conflict.
                Ok(Some(found)) if found == (observed, lacking) => break,
                Ok(Some(found)) => (observed, lacking) = found,
                Ok(None) => return Box::pin(self.create_slice(wanted)).await,
                Err(error) => return Err(outcome_of(&error)),
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Deletes a slice, if it is still as it was observed.
    pub(super) async fn delete_slice(&self, name: SliceName, observed: SliceObject) -> Result<(), String> {
        let _being_written = self.observed.writing_slice(self.key, name);
        let SliceObject { uid, resource_version, .. } = observed;
        let deleted = self.delete_as_observed(&self.slice(name), uid, resource_version).await;
        deleted.map_err(|error| explain(&error))?;
        self.observed.slice_deleted(self.key, name);
        Ok(())
    }

    async fn patch_slice(&self, name: SliceName, patch: Vec<u8>) -> Result<SliceObject, kube::Error> {
        let uri = format!("{}?fieldManager={FIELD_MANAGER}", self.slice(name));
        self.send_slice(Method::PATCH, &uri, "application/json-patch+json", patch).await
    }

    async fn fetch_slice(&self, name: SliceName) -> Result<Option<(SliceObject, Lacking)>, kube::Error> {
        match self.look(&self.slice(name)).await? {
            Some((found, lacking)) => {
                let (name, object) = slice_of(&found)?;
                self.observed.slice_found(self.key, name, object);
                Ok(Some((object, lacking)))
            }
            None => Ok(None),
        }
    }

    /// Sends a request and notes the slice that the answer shows.
    async fn send_slice(
        &self,
        method: Method,
        uri: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<SliceObject, kube::Error> {
        let metadata = self.send(method, uri, content_type, body).await?;
        let (name, object) = slice_of(&metadata)?;
        self.observed.slice_written(self.key, name, object);
        Ok(object)
    }

    fn slices(&self) -> String {
        format!("/apis/{GROUP}/{VERSION}/namespaces/{}/{PLURAL}", self.owner.namespace)
    }

    fn slice(&self, name: SliceName) -> String {
        format!("{}/{}", self.slices(), name.object_name(&self.owner.directory))
    }
}

fn slice_of(metadata: &ObjectMeta) -> Result<(SliceName, SliceObject), kube::Error> {
    let (_, name, object) = observe(metadata)
        .ok_or_else(|| kube::Error::SerdeError(serde::de::Error::custom("this is no slice")))?;
    Ok((name, object))
}

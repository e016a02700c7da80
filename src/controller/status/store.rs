//! The status in the cluster, written only over what this process knows to be there.
//!
//! A status that somebody else has written meanwhile is a sign that another operator has taken over.
//! So whoever meets one asks whether the Lease is still held before writing again.

use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::api::Directory;
use crate::api::status::DirectoryStatus;
use crate::controller::Context;
use crate::sink::DirectoryKey;

/// How often a status is written anew after the Directory had changed meanwhile.
const CONFLICT_TRIES: usize = 5;

/// The version of a Directory that has the status which this process knows.
#[derive(Clone, Debug, Default)]
pub struct KnownVersion(Option<String>);

/// Why a status was not written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another operator holds the Lease.
    #[error("another operator has taken over")]
    TakenOver,
    /// The apiserver did not do it.
    #[error(transparent)]
    Cluster(#[from] kube::Error),
}

impl KnownVersion {
    /// The version of the Directory that the status was taken from.
    #[must_use]
    pub fn of(directory: &Directory) -> Self {
        Self(directory.metadata.resource_version.clone())
    }

    /// Takes the version of a Directory that still has the status which this process wrote last:
    /// something else of it has changed.
    pub fn follow(&mut self, directory: &Directory, written: &DirectoryStatus) {
        let as_text = |status: &DirectoryStatus| serde_json::to_value(status).ok();
        let same = directory.status.as_ref().and_then(as_text) == as_text(written);
        if same && number(directory.metadata.resource_version.as_deref()) > number(self.0.as_deref()) {
            self.0.clone_from(&directory.metadata.resource_version);
        }
    }
}

/// Replaces the whole status: what is no longer true goes away with it.
///
/// # Errors
/// See [`StoreError`].
pub async fn replace(
    context: &Context,
    key: &DirectoryKey,
    known: &mut KnownVersion,
    status: &DirectoryStatus,
) -> Result<(), StoreError> {
    let status = serde_json::to_value(status).map_err(kube::Error::SerdeError)?;
    let directories = directories(context, key);
    let mut conflict = None;
    for _ in 0..CONFLICT_TRIES {
        match directories.patch_status(&key.name, &PatchParams::default(), &over(known, &status)?).await {
            Ok(written) => {
                *known = KnownVersion::of(&written);
                return Ok(());
            }
            // The Directory went away meanwhile: nobody is left to tell.
            Err(kube::Error::Api(answer)) if answer.code == 404 => return Ok(()),
            Err(error @ kube::Error::Api(_)) if is_conflict(&error) => conflict = Some(error),
            Err(error) => return Err(error.into()),
        }
        // In this order: see `Tenure::confirm`.
        let Some(found) = directories.get_opt(&key.name).await? else { return Ok(()) };
        if !context.tenure.confirm().await? {
            return Err(StoreError::TakenOver);
        }
        *known = KnownVersion::of(&found);
    }
    conflict.map_or(Ok(()), |error| Err(error.into()))
}

/// Adds to the status how far a run has come. Nothing is lost when the Directory has changed
/// meanwhile: the next step is told soon.
///
/// # Errors
/// When the apiserver does not do it.
pub async fn add(
    context: &Context,
    key: &DirectoryKey,
    known: &mut KnownVersion,
    status: Value,
) -> Result<(), kube::Error> {
    let patch = Patch::Merge(json!({"metadata": {"resourceVersion": known.0}, "status": status}));
    match directories(context, key).patch_status(&key.name, &PatchParams::default(), &patch).await {
        Ok(written) => *known = KnownVersion::of(&written),
        Err(error) if is_conflict(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// A patch (RFC 6902) that the apiserver refuses with 409 when the Directory has another version.
fn over(known: &KnownVersion, status: &Value) -> Result<Patch<()>, kube::Error> {
    let patch = json!([
        {"op": "replace", "path": "/metadata/resourceVersion", "value": known.0},
        {"op": "add", "path": "/status", "value": status},
    ]);
    serde_json::from_value(patch).map(Patch::Json).map_err(kube::Error::SerdeError)
}

fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(answer) if answer.code == 409)
}

fn number(version: Option<&str>) -> u64 {
    version.and_then(|version| version.parse().ok()).unwrap_or_default()
}

fn directories(context: &Context, key: &DirectoryKey) -> Api<Directory> {
    Api::namespaced(context.clients.request.clone(), &key.namespace)
}

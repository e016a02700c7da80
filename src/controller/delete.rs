//! What happens when a Directory is deleted: `Retain` needs nothing, `Delete` takes the mirrors
//! away before the Directory goes, held up by a finalizer.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;

use super::Context;
use crate::api::directory::OnDirectoryDelete;
use crate::api::{
    Directory, DirectoryCheckpoint, DirectoryGroup, DirectorySlice, DirectoryUser, FINALIZER, LABEL_DIRECTORY,
};
use crate::sink::DirectoryKey;
use crate::sink::config_map;

/// Puts the finalizer where the spec wants one, and takes it away where it does not.
///
/// # Errors
/// When the apiserver refuses the change.
pub async fn ensure_finalizer(
    context: &Context,
    key: &DirectoryKey,
    directory: &Directory,
) -> Result<(), kube::Error> {
    let wanted = directory.spec.deletion.on_directory_delete == OnDirectoryDelete::Delete;
    match (wanted, has_finalizer(directory)) {
        (true, false) => set_finalizers(context, key, directory, with_ours(directory)).await,
        (false, true) => set_finalizers(context, key, directory, without_ours(directory)).await,
        (true, true) | (false, false) => Ok(()),
    }
}

/// Deletes every mirror of a Directory that is being deleted, one request for each kind, and what
/// was written of its ConfigMap, and lets the Directory go. Needs neither the source nor its credentials.
///
/// # Errors
/// When the apiserver refuses a deletion; to be tried again.
pub async fn clean_up(
    context: &Context,
    key: &DirectoryKey,
    directory: &Directory,
) -> Result<(), kube::Error> {
    if !has_finalizer(directory) {
        return Ok(());
    }
    let client = &context.clients.request;
    let (how, which) =
        (DeleteParams::default(), ListParams::default().labels(&format!("{LABEL_DIRECTORY}={}", key.name)));
    let groups: Api<DirectoryGroup> = Api::namespaced(client.clone(), &key.namespace);
    groups.delete_collection(&how, &which).await?;
    let users: Api<DirectoryUser> = Api::namespaced(client.clone(), &key.namespace);
    users.delete_collection(&how, &which).await?;
    let slices: Api<DirectorySlice> = Api::namespaced(client.clone(), &key.namespace);
    slices.delete_collection(&how, &which).await?;
    let checkpoints: Api<DirectoryCheckpoint> = Api::namespaced(client.clone(), &key.namespace);
    delete_config_maps(client, key, directory).await?;
    ignore_missing(checkpoints.delete(&key.name, &how).await.map(drop))?;
    ignore_missing(set_finalizers(context, key, directory, without_ours(directory)).await)
}

async fn delete_config_maps(
    client: &Client,
    key: &DirectoryKey,
    directory: &Directory,
) -> Result<(), kube::Error> {
    let shown = directory.status.as_ref().is_some_and(|status| status.config_map.is_some());
    if !shown && directory.spec.output.config_map.is_none() {
        return Ok(());
    }
    let config_maps: Api<ConfigMap> = Api::namespaced(client.clone(), &key.namespace);
    match config_map::delete_but(&config_maps, &key.name, &[]).await {
        // Without the right to write them, none were written.
        Err(kube::Error::Api(status)) if status.code == 403 && !shown => Ok(()),
        other => other,
    }
}

fn has_finalizer(directory: &Directory) -> bool {
    finalizers(directory).iter().any(|finalizer| finalizer == FINALIZER)
}

fn finalizers(directory: &Directory) -> &[String] {
    directory.metadata.finalizers.as_deref().unwrap_or_default()
}

fn with_ours(directory: &Directory) -> Vec<String> {
    finalizers(directory).iter().cloned().chain([FINALIZER.to_owned()]).collect()
}

fn without_ours(directory: &Directory) -> Vec<String> {
    finalizers(directory).iter().filter(|finalizer| *finalizer != FINALIZER).cloned().collect()
}

/// Writes the list of finalizers, unless somebody has changed the Directory since it was read.
async fn set_finalizers(
    context: &Context,
    key: &DirectoryKey,
    directory: &Directory,
    finalizers: Vec<String>,
) -> Result<(), kube::Error> {
    let directories: Api<Directory> = Api::namespaced(context.clients.request.clone(), &key.namespace);
    let version = &directory.metadata.resource_version;
    let patch = json!({"metadata": {"finalizers": finalizers, "resourceVersion": version}});
    directories.patch(&key.name, &PatchParams::default(), &Patch::Merge(patch)).await.map(drop)
}

fn ignore_missing(result: Result<(), kube::Error>) -> Result<(), kube::Error> {
    match result {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other,
    }
}

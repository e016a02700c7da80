//! The Directory's checkpoint in the cluster: read once after a start, written when what it says
//! has changed, with the resource version it was read with.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};

use super::memory::Memory;
use super::settings::Settings;
use super::sync::{Run, SyncError};
use crate::api::{DirectoryCheckpoint, DirectoryCheckpointSpec, FIELD_MANAGER, LABEL_DIRECTORY};
use crate::cluster::client::explain;

/// A checkpoint as it is in the cluster.
pub type Checkpoint = DirectoryCheckpoint;

/// How old the time of the last full reading in the checkpoint may grow while nothing else in it
/// changes.
const FULL_TIME_SLACK: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// Sees to it that the memory knows the checkpoint of the run's Directory.
///
/// # Errors
/// [`SyncError::Checkpoint`] when the apiserver does not answer.
pub async fn recall(run: &Run<'_>, memory: &mut Memory) -> Result<(), SyncError> {
    if memory.checkpoint.is_none() {
        let found = api(run).get_opt(&run.key.name).await;
        memory.checkpoint = Some(found.map_err(|error| SyncError::Checkpoint(explain(&error)))?);
    }
    Ok(())
}

/// Writes what has been reached, if it differs from what the checkpoint says.
///
/// # Errors
/// [`SyncError::Checkpoint`] when the apiserver refuses, or when somebody else has written it since
/// it was read.
pub async fn write(run: &Run<'_>, memory: &mut Memory, settings: &Settings) -> Result<(), SyncError> {
    let known = memory.checkpoint.take().flatten();
    let Some(spec) = reached(run, memory, settings, known.is_some()) else {
        memory.checkpoint = Some(known);
        return Ok(());
    };
    if known.as_ref().is_some_and(|known| says_the_same(&known.spec, &spec)) {
        memory.checkpoint = Some(known);
        return Ok(());
    }
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    let result = if let Some(known) = known {
        api(run).replace(&run.key.name, &params, &Checkpoint { spec, ..known }).await
    } else {
        let metadata = ObjectMeta {
            name: Some(run.key.name.clone()),
            labels: Some([(LABEL_DIRECTORY.to_owned(), run.key.name.clone())].into()),
            ..ObjectMeta::default()
        };
        api(run).create(&params, &Checkpoint { metadata, spec }).await
    };
    memory.checkpoint = Some(Some(result.map_err(|error| SyncError::Checkpoint(explain(&error)))?));
    Ok(())
}

/// What the checkpoint should say; `None` when it would prove nothing, for want of a cursor.
fn reached(
    run: &Run<'_>,
    memory: &Memory,
    settings: &Settings,
    exists: bool,
) -> Option<DirectoryCheckpointSpec> {
    let reading = memory.reading.as_ref()?;
    if reading.cursor.is_none() && !exists {
        return None;
    }
    Some(DirectoryCheckpointSpec {
        directory: run.key.name.clone(),
        directory_uid: run.owner.uid.clone(),
        cursor: reading.cursor.as_ref().map(|cursor| cursor.0.clone()),
        rules_hash: settings.rules_hash.to_string(),
        mirrors: run.context.observed.digest(run.key).to_string(),
        full_sync_time: Time(truncated(reading.full_at)),
    })
}

fn says_the_same(known: &DirectoryCheckpointSpec, next: &DirectoryCheckpointSpec) -> bool {
    let age = next.full_sync_time.0.duration_since(known.full_sync_time.0);
    let same_but_time =
        DirectoryCheckpointSpec { full_sync_time: known.full_sync_time.clone(), ..next.clone() } == *known;
    same_but_time && age < FULL_TIME_SLACK
}

/// The API writes times in whole seconds.
fn truncated(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn api(run: &Run<'_>) -> Api<Checkpoint> {
    Api::namespaced(run.context.clients.request.clone(), &run.key.namespace)
}

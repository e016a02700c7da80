//! The Directory's checkpoint in the cluster: read once after a start, written when what it says
//! has changed, with the resource version it was read with.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};

use super::lasting::Lasting;
use super::memory::{Memory, Reading};
use super::schedule::whole_seconds;
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
    // What this process has seen itself is newer than what it once wrote.
    if memory.lasting.is_none() {
        memory.lasting = Some(ours(run, memory).map(Lasting::of).unwrap_or_default());
    }
    Ok(())
}

/// Writes what has been reached, if it differs from what the checkpoint says.
///
/// # Errors
/// [`SyncError::Checkpoint`] when the apiserver refuses, or when somebody else has written it since
/// it was read.
pub async fn write(run: &Run<'_>, memory: &mut Memory, settings: &Settings) -> Result<(), SyncError> {
    let exists = matches!(memory.checkpoint, Some(Some(_)));
    match reached(run, memory, settings, exists) {
        Some(spec) => put(run, memory, spec).await,
        None => Ok(()),
    }
}

/// Writes what must outlive a restart whatever became of the mirrors. What had been reached before
/// stays.
///
/// # Errors
/// As [`write`].
pub async fn keep(run: &Run<'_>, memory: &mut Memory, settings: &Settings) -> Result<(), SyncError> {
    let Some(lasting) = &memory.lasting else { return Ok(()) };
    let spec = match (ours(run, memory), &memory.reading) {
        (Some(known), _) => known.clone(),
        // Without a cursor a checkpoint proves nothing.
        (None, Some(reading)) if !lasting.is_empty() => {
            DirectoryCheckpointSpec { cursor: None, ..present(run, settings, reading) }
        }
        (None, _) => return Ok(()),
    };
    let spec = lasting.within(spec);
    put(run, memory, spec).await
}

/// The checkpoint, if it is of this very Directory and not of a vanished one of the same name.
fn ours<'m>(run: &Run<'_>, memory: &'m Memory) -> Option<&'m DirectoryCheckpointSpec> {
    let spec = &memory.checkpoint.as_ref()?.as_ref()?.spec;
    (spec.directory_uid == run.owner.uid).then_some(spec)
}

async fn put(run: &Run<'_>, memory: &mut Memory, spec: DirectoryCheckpointSpec) -> Result<(), SyncError> {
    let known = memory.checkpoint.take().flatten();
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
    let lasting = memory.lasting.as_ref()?;
    if reading.cursor.is_none() && lasting.is_empty() && !exists {
        return None;
    }
    Some(lasting.within(present(run, settings, reading)))
}

/// What the run has reached.
fn present(run: &Run<'_>, settings: &Settings, reading: &Reading) -> DirectoryCheckpointSpec {
    DirectoryCheckpointSpec {
        directory: run.key.name.clone(),
        directory_uid: run.owner.uid.clone(),
        cursor: reading.cursor.as_ref().map(|cursor| cursor.0.clone()),
        rules_hash: settings.rules_hash.to_string(),
        mirrors: run.context.observed.digest(run.key).to_string(),
        full_sync_time: Time(whole_seconds(reading.full_at)),
        missing: Vec::new(),
        recent_losses: Vec::new(),
        tenant: None,
        held: None,
    }
}

fn says_the_same(known: &DirectoryCheckpointSpec, next: &DirectoryCheckpointSpec) -> bool {
    let age = next.full_sync_time.0.duration_since(known.full_sync_time.0);
    let same_but_time =
        DirectoryCheckpointSpec { full_sync_time: known.full_sync_time.clone(), ..next.clone() } == *known;
    same_but_time && age < FULL_TIME_SLACK
}

fn api(run: &Run<'_>) -> Api<Checkpoint> {
    Api::namespaced(run.context.clients.request.clone(), &run.key.namespace)
}

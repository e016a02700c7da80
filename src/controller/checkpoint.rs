//! The Directory's checkpoint in the cluster: read once after a start, written when what it says
//! has changed, with the resource version it was read with, and under the name of this process.

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
/// How often the checkpoint is written anew when somebody else has written it meanwhile.
const CONFLICT_TRIES: usize = 5;

/// Sees to it that the memory knows the checkpoint of the run's Directory.
///
/// # Errors
/// [`SyncError::Checkpoint`] when the apiserver does not answer.
pub async fn recall(run: &Run<'_>, memory: &mut Memory) -> Result<(), SyncError> {
    if memory.checkpoint.is_none() {
        let found = api(run).get_opt(&run.key.name).await;
        memory.checkpoint = Some(found.map_err(|error| failed(&error))?);
    }
    // What this process has seen itself is newer than what it once wrote.
    if memory.lasting.is_none() {
        memory.lasting = Some(ours(run, memory).map(Lasting::of).unwrap_or_default());
    }
    Ok(())
}

/// Puts this process's name to the checkpoint, before the first mirror is written: from then on,
/// whatever a process that worked here before still wants to write to it is refused.
///
/// # Errors
/// [`SyncError::TakenOver`] when the Lease is not held any more, [`SyncError::Checkpoint`] when the
/// apiserver refuses.
pub async fn claim(run: &Run<'_>, memory: &mut Memory, settings: &Settings) -> Result<(), SyncError> {
    let identity = run.context.tenure.identity();
    let known = memory.checkpoint.as_ref().and_then(Option::as_ref);
    if known.is_some_and(|known| known.spec.owner.as_deref() == Some(identity)) {
        return Ok(());
    }
    // What was reached stays as it is, so that it is never ahead of the mirrors.
    let spec = known.map(|known| known.spec.clone()).or_else(|| nothing(run, memory, settings));
    let (Some(spec), known) = (spec, memory.checkpoint.take().flatten()) else { return Ok(()) };
    make_sure(run).await?;
    memory.checkpoint = Some(Some(store(run, known, &spec).await?));
    Ok(())
}

/// Writes what has been reached, if it differs from what the checkpoint says.
///
/// # Errors
/// As [`claim`].
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
    memory.checkpoint = Some(Some(store(run, known, &spec).await?));
    Ok(())
}

/// Writes the checkpoint over the version that is known. When there is another one, it is written
/// again only once it is sure that this process still holds the Lease.
async fn store(
    run: &Run<'_>,
    mut known: Option<Checkpoint>,
    spec: &DirectoryCheckpointSpec,
) -> Result<Checkpoint, SyncError> {
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    let name = &run.key.name;
    let mut conflict = None;
    for _ in 0..CONFLICT_TRIES {
        let owner = Some(run.context.tenure.identity().to_owned());
        let spec = DirectoryCheckpointSpec { owner, ..spec.clone() };
        let written = match known {
            Some(known) => api(run).replace(name, &params, &Checkpoint { spec, ..known }).await,
            None => api(run).create(&params, &Checkpoint { metadata: metadata(name), spec }).await,
        };
        match written {
            Ok(written) => return Ok(written),
            Err(error) if is_conflict(&error) => conflict = Some(error),
            Err(error) => return Err(failed(&error)),
        }
        // In this order: see `Tenure::confirm`.
        known = api(run).get_opt(name).await.map_err(|error| failed(&error))?;
        make_sure(run).await?;
    }
    Err(conflict.map_or(SyncError::TakenOver, |error| failed(&error)))
}

async fn make_sure(run: &Run<'_>) -> Result<(), SyncError> {
    match run.context.tenure.confirm().await {
        Ok(true) => Ok(()),
        Ok(false) => Err(SyncError::TakenOver),
        Err(error) => Err(failed(&error)),
    }
}

fn is_conflict(error: &kube::Error) -> bool {
    // 404: it has gone since.
    matches!(error, kube::Error::Api(status) if matches!(status.code, 404 | 409))
}

fn failed(error: &kube::Error) -> SyncError {
    SyncError::Checkpoint(explain(error))
}

fn metadata(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some([(LABEL_DIRECTORY.to_owned(), name.to_owned())].into()),
        ..ObjectMeta::default()
    }
}

/// What a checkpoint says before anything has been reached: without a cursor it proves nothing.
fn nothing(run: &Run<'_>, memory: &Memory, settings: &Settings) -> Option<DirectoryCheckpointSpec> {
    reached(run, memory, settings, true).map(|spec| DirectoryCheckpointSpec { cursor: None, ..spec })
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
        owner: Some(run.context.tenure.identity().to_owned()),
        cursor: reading.cursor.as_ref().map(|cursor| cursor.0.clone()),
        rules_hash: settings.rules_hash.to_string(),
        mirrors: run.context.observed.digest(run.key).to_string(),
        full_sync_time: Time(whole_seconds(reading.full_at)),
        missing: Vec::new(),
        recent_losses: Vec::new(),
        leaving: None,
        tenant: None,
        attributes: Vec::new(),
        held: None,
    }
}

fn says_the_same(known: &DirectoryCheckpointSpec, next: &DirectoryCheckpointSpec) -> bool {
    let age = next.full_sync_time.0.duration_since(known.full_sync_time.0);
    // The owner alone is no reason to write: it is put there before the first mirror is written.
    let (owner, full_sync_time) = (known.owner.clone(), known.full_sync_time.clone());
    let same_otherwise = DirectoryCheckpointSpec { owner, full_sync_time, ..next.clone() } == *known;
    same_otherwise && age.abs() < FULL_TIME_SLACK
}

fn api(run: &Run<'_>) -> Api<Checkpoint> {
    Api::namespaced(run.context.clients.request.clone(), &run.key.namespace)
}

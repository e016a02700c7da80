//! One sync of one Directory, from its spec to its mirrors. Reads top to bottom: settle what is
//! asked, read what it names, pull, plan, write, remember.

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::checkpoint;
use super::memory::{Memory, Settled};
use super::settings::{Invalid, Settings};
use super::{Context, progress::Progress};
use crate::api::Directory;
use crate::api::directory::OutputMode;
use crate::api::status::SyncKind;
use crate::cluster::references::{self, ReferenceError};
use crate::plan::Plan;
use crate::sink::object::Owner;
use crate::sink::{DirectoryKey, WriteReport, Writer};
use crate::source::SourceError;

mod planning;
mod pulling;

pub use planning::{PlanFailure, Planned};
pub use pulling::{Pulled, Want};

/// What one run works on.
pub struct Run<'a> {
    /// The operator's shared parts.
    pub context: &'a Context,
    /// The Directory as it was when the run began.
    pub directory: &'a Directory,
    /// Its namespace and name.
    pub key: &'a DirectoryKey,
    /// Whose mirrors.
    pub owner: &'a Owner,
    /// What is asked of the source.
    pub want: Want,
    /// Ends the run at the next page or write.
    pub cancel: &'a CancellationToken,
    /// Told how far the run has come.
    pub progress: &'a Progress,
}

/// A run that went through.
#[derive(Debug)]
pub struct Synced {
    /// When it began.
    pub started: Timestamp,
    /// How the people came.
    pub kind: SyncKind,
    /// What was planned; `None` when it was known beforehand that there is nothing to do.
    pub planned: Option<Planned>,
    /// What was written.
    pub written: WriteReport,
    /// Why nothing was written although it was planned.
    pub held: Option<Held>,
    /// What the source had to say besides.
    pub notes: Vec<String>,
}

/// Why a plan is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// `spec.sync.dryRun`.
    DryRun,
    /// `spec.output.mode: None`.
    NoOutput,
}

/// Why a run did not go through. Nothing has been deleted.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The spec cannot work.
    #[error("{0}")]
    Invalid(Invalid),
    /// What the spec names cannot be read.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The source did not answer, or not completely.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The plan could not be made: a defect of this program.
    #[error(transparent)]
    Plan(#[from] PlanFailure),
    /// What was reached could not be kept in the cluster.
    #[error("the checkpoint could not be written: {0}")]
    Checkpoint(String),
    /// The Directory is gone, or the operator stops.
    #[error("cancelled")]
    Cancelled,
}

/// Brings the mirrors of a Directory in step with its source.
///
/// # Errors
/// See [`SyncError`]; after every one of them the mirrors are as they were or further towards what
/// the source says, and nothing has been deleted that a complete reading still shows.
pub async fn sync(run: &Run<'_>, memory: &mut Memory) -> Result<Synced, SyncError> {
    let started = Timestamp::now();
    let spec = &run.directory.spec;
    let settings = Settings::new(&run.key.name, spec).map_err(SyncError::Invalid)?;
    let provider = spec.provider.provider();
    let client = &run.context.clients.request;
    let (material, fingerprint) =
        references::read(client, &run.key.namespace, &provider.references()).await?;
    checkpoint::recall(run, memory).await?;

    let pulled = pulling::pull(run, memory, &settings, &material, fingerprint).await?;
    let notes = memory.reading.as_ref().map(|reading| reading.notes.clone()).unwrap_or_default();
    let touched = run.context.observed.touched(run.key);
    let settled = Settled { rules_hash: settings.rules_hash, touched };
    if pulled.unchanged && memory.settled == Some(settled) {
        checkpoint::write(run, memory, &settings).await?;
        let written = WriteReport::default();
        return Ok(Synced { started, kind: pulled.kind, planned: None, written, held: None, notes });
    }

    let mut planned = planning::plan(run, memory, settings.rules.clone()).await?;
    let held = held(spec);
    let written = match held {
        None => write(run, std::mem::take(&mut planned.plan)).await?,
        Some(_) => WriteReport::default(),
    };
    // Whatever is held back, withheld or refused is looked at again in every run.
    let clean = planned.quarantined.is_empty() && planned.counts.withheld.is_empty();
    if held.is_none() && clean && written.failed + written.refused == 0 {
        memory.settled = Some(settled);
        checkpoint::write(run, memory, &settings).await?;
    }
    Ok(Synced { started, kind: pulled.kind, planned: Some(planned), written, held, notes })
}

fn held(spec: &crate::api::DirectorySpec) -> Option<Held> {
    match (spec.output.mode, spec.sync.dry_run) {
        (OutputMode::None, _) => Some(Held::NoOutput),
        (OutputMode::Objects, true) => Some(Held::DryRun),
        (OutputMode::Objects, false) => None,
    }
}

async fn write(run: &Run<'_>, plan: Plan) -> Result<WriteReport, SyncError> {
    let Run { context, key, owner, cancel, progress, .. } = *run;
    let writer = Writer { client: &context.clients.request, observed: &context.observed, owner, key, cancel };
    progress.planned(plan.writes());
    let written = writer.apply(plan, |done| progress.written(done)).await;
    if written.cancelled { Err(SyncError::Cancelled) } else { Ok(written) }
}

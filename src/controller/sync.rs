//! One sync of one Directory, from its spec to its mirrors. Reads top to bottom: settle what is
//! asked, read what it names, pull, plan, write, remember.

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::approval::{self, Decision};
use super::checkpoint;
use super::memory::{Memory, Settled};
use super::settings::{Invalid, Settings};
use super::turn::Turn;
use super::{Context, progress::Progress};
use crate::api::Directory;
use crate::api::directory::{Form, OutputMode};
use crate::api::status::{ConfigMapStatus, PendingPlan, SyncKind};
use crate::cluster::references::{self, ReferenceError};
use crate::plan::marks::Waiting;
use crate::plan::{Plan, guard};
use crate::sink::object::Owner;
use crate::sink::{DirectoryKey, WriteReport, Writer};
use crate::source::SourceError;

mod form;
mod held_back;
mod keeping;
mod leaving;
mod planning;
mod publishing;
mod pulling;

use form::Chosen;
pub use held_back::{TooManyHeld, UNREADABLE, reasons};
use leaving::Leaving;
pub use planning::{Against, PlanFailure, Planned, compare};
pub use publishing::Published;
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
    /// The losses that the status shows as held.
    pub pending: Option<&'a PendingPlan>,
    /// The ConfigMap that the status shows.
    pub config_map: Option<&'a ConfigMapStatus>,
    /// Ends the run at the next page or write.
    pub cancel: &'a CancellationToken,
    /// Ends the run at the next page, or before its plan is carried out; then it goes on. Ended with `cancel`.
    pub reading: &'a CancellationToken,
    /// Told how far the run has come.
    pub progress: &'a Progress,
    /// Given back while the source says nothing.
    pub turn: &'a Turn,
}

impl Run<'_> {
    /// Writes the mirrors of the run's Directory.
    fn writer(&self) -> Writer<'_> {
        let Run { context, key, owner, cancel, .. } = *self;
        let (client, pace, observed) = (&context.clients.request, &*context.pace, &context.observed);
        Writer { client, pace, observed, owner, key, cancel }
    }
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
    /// What stands in the ConfigMap.
    pub config_map: Published,
    /// Why nothing was written although it was planned.
    pub held: Option<Held>,
    /// What the guard holds back.
    pub pending: Option<PendingPlan>,
    /// Who goes when their grace time is over.
    pub waiting: Waiting,
    /// Whose directory was read.
    pub tenant: Option<String>,
    /// What the source had to say besides.
    pub notes: Vec<String>,
    /// The form in which the mirrors are; `None` when there are none.
    pub form: Option<Form>,
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
    /// So many records are held back that the reading is not believed.
    #[error(transparent)]
    TooManyHeld(Box<TooManyHeld>),
    /// The plan could not be made: a defect of this program.
    #[error(transparent)]
    Plan(#[from] PlanFailure),
    /// The mirrors could not be read.
    #[error("{0}")]
    Mirrors(String),
    /// What was reached could not be kept in the cluster.
    #[error("the checkpoint could not be written: {0}")]
    Checkpoint(String),
    /// What was read is no longer at hand, and the source is not to be asked yet.
    #[error("the source is not asked again before its time")]
    NotYet,
    /// Another operator has taken over.
    #[error("another operator has taken over")]
    TakenOver,
    /// The Directory is gone or another one, or the operator stops.
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
    let material = material.through(run.context.egress.clone());
    checkpoint::recall(run, memory).await?;
    leaving::after_a_crash(run, memory, started.as_second()).await?;

    let held = held(spec);
    let mut pulled = pulling::pull(run, memory, &settings, &material, fingerprint).await?;
    let touched = run.context.observed.touched(run.key);
    let settled = Settled { rules_hash: settings.rules_hash, touched };
    if held.is_none() && pulled.unchanged && memory.settled == Some(settled) {
        checkpoint::write(run, memory, &settings).await?;
        let done = Done::nothing(publishing::untouched(run, memory));
        return Ok(told(run, memory, &settings, started, pulled, done));
    }
    if !memory.has_records() {
        pulled = pulling::pull_everything(run, memory, &settings, &material, fingerprint).await?;
    }

    // Until all of the plan has been carried out, nothing is known of what the cluster shows.
    memory.settled = None;
    let (mut planned, pending, chosen) = plan(run, memory, &settings, held).await?;
    if run.reading.is_cancelled() {
        return Err(SyncError::Cancelled);
    }
    let form = chosen.form;
    let leaving = Leaving::of(&planned.plan);
    let (written, changed) = match held {
        None => {
            let plan = std::mem::take(&mut planned.plan);
            if leaving.announce(memory) {
                checkpoint::keep(run, memory, &settings).await?;
            }
            if plan.writes() > 0 || form::has_more_to_write(run, form) {
                checkpoint::claim(run, memory, &settings).await?;
            }
            let changed = publishing::Changed::by(&plan);
            memory.release_what_is_not_kept();
            (write(run, plan, chosen).await?, Some(changed))
        }
        Some(_) => (WriteReport::default(), None),
    };
    leaving.settle(run, memory, started.as_second());
    let roster = planned.roster.take();
    let config_map = match changed {
        // Boxed, since most runs have nothing to publish and all of them would be as large.
        Some(changed) => Box::pin(publishing::publish(run, memory, &settings, roster, changed)).await?,
        None => publishing::untouched(run, memory),
    };
    let done = Done { planned: Some(planned), written, config_map, held, pending };
    remember(run, memory, &settings, &done, form, settled).await?;
    Ok(told(run, memory, &settings, started, pulled, done))
}

/// What a run has done.
struct Done {
    planned: Option<Planned>,
    written: WriteReport,
    config_map: Published,
    held: Option<Held>,
    pending: Option<PendingPlan>,
}

impl Done {
    /// It was known beforehand that there is nothing to do.
    fn nothing(config_map: Published) -> Self {
        Self { planned: None, written: WriteReport::default(), config_map, held: None, pending: None }
    }

    /// Whether the mirrors are now all that the source says. Whatever is held back, withheld or refused is
    /// looked at again in every run.
    fn is_all(&self) -> bool {
        let clean = |planned: &Planned| planned.quarantined.is_empty() && planned.counts.withheld.is_empty();
        self.planned.as_ref().is_none_or(clean)
            && self.pending.is_none()
            && self.written.failed + self.written.refused == 0
            && self.config_map.failure.is_none()
    }
}

/// Keeps in the checkpoint what was reached.
async fn remember(
    run: &Run<'_>,
    memory: &mut Memory,
    settings: &Settings,
    done: &Done,
    form: Form,
    settled: Settled,
) -> Result<(), SyncError> {
    if done.held.is_some() {
        return Ok(());
    }
    if !done.is_all() {
        return checkpoint::keep(run, memory, settings).await;
    }
    // If that fails, the next run tells what this one cannot.
    checkpoint::write(run, memory, settings).await?;
    // Where so many went that another form is right, the next run changes it.
    memory.settled = form::is_lasting(run, form).then_some(settled);
    Ok(())
}

/// What is to be told of a run: what it has done, and how things are after it.
fn told(
    run: &Run<'_>,
    memory: &Memory,
    settings: &Settings,
    started: Timestamp,
    pulled: Pulled,
    done: Done,
) -> Synced {
    let Done { planned, written, config_map, held, pending } = done;
    let (waiting, tenant, notes) = (waiting(memory, settings, started), tenant(memory), notes(memory));
    let (kind, form) = (pulled.kind, run.context.observed.form(run.key));
    Synced { started, kind, planned, written, config_map, held, pending, waiting, tenant, notes, form }
}

/// Plans, with the losses that are held taken out. Values that the source does not show any more are
/// in the plan as the mirrors have them, as long as nobody says that they are to go.
async fn plan(
    run: &Run<'_>,
    memory: &mut Memory,
    settings: &Settings,
    held: Option<Held>,
) -> Result<(Planned, Option<PendingPlan>, Chosen), SyncError> {
    loop {
        let (mut planned, chosen) = form::plan(run, memory, settings, held).await?;
        if let Some(too_many) = planned.too_many_held.take() {
            return Err(SyncError::TooManyHeld(Box::new(too_many)));
        }
        let pending = guard(run, memory, &mut planned, held);
        let kept = pending.as_ref().map(|pending| pending.attributes.as_slice()).unwrap_or_default();
        if kept != memory.kept.attributes() {
            memory.kept = keeping::read(run, kept.to_vec()).await?;
            continue;
        }
        let nobody_held = pending.as_ref().is_none_or(|pending| pending.takes_away() == 0);
        let believed = nobody_held && planned.plan.withheld.is_empty();
        if let Some(lasting) = &mut memory.lasting {
            lasting.marks = std::mem::take(&mut planned.marks);
            if believed {
                let mirrors = run.context.observed.counts(run.key);
                let mirrors = mirrors.active + mirrors.inactive;
                lasting.attributes =
                    lasting.attributes.after(&planned.tally, kept, &settings.origins, mirrors);
            }
        }
        return Ok((planned, pending, chosen));
    }
}

/// Takes losses above the limits out of the plan, unless they are approved; says what is held.
fn guard(
    run: &Run<'_>,
    memory: &mut Memory,
    planned: &mut Planned,
    held: Option<Held>,
) -> Option<PendingPlan> {
    let known = memory.lasting.get_or_insert_default();
    known.held = None;
    let Some(above) = planned.above_limits.take() else {
        memory.approved = None;
        return None;
    };
    let above_limits = !above.mirrors.is_empty();
    // What is not carried out anyhow uses up no approval.
    let spec = run.directory.spec.deletion.guard.approved_plan.as_deref().filter(|_| held.is_none());
    let begun = memory.approved.as_ref();
    match approval::decide(above, run.pending, spec, begun, &run.key.name, Timestamp::now()) {
        Decision::CarryOut(approved) => {
            memory.approved = Some(approved);
            None
        }
        Decision::Hold(pending, names) => {
            known.held = Some(names);
            memory.approved = None;
            if above_limits {
                let stay = guard::hold_back(&mut planned.plan);
                if let Some(roster) = &mut planned.roster {
                    roster.keep(stay);
                }
            }
            Some(pending)
        }
    }
}

/// Who goes when their grace time is over.
fn waiting(memory: &Memory, settings: &Settings, now: Timestamp) -> Waiting {
    let lasting = memory.lasting.as_ref();
    lasting.map(|known| known.marks.waiting(settings.departure.grace, now.as_second())).unwrap_or_default()
}

/// Whose directory was read.
fn tenant(memory: &Memory) -> Option<String> {
    memory.lasting.as_ref()?.tenant.as_ref().map(|tenant| tenant.id.clone())
}

/// What the source had to say besides, when it was last read.
fn notes(memory: &Memory) -> Vec<String> {
    memory.reading.as_ref().map(|reading| reading.notes.clone()).unwrap_or_default()
}

fn held(spec: &crate::api::DirectorySpec) -> Option<Held> {
    match (spec.output.mode, spec.sync.dry_run) {
        (OutputMode::None, _) => Some(Held::NoOutput),
        (OutputMode::Auto | OutputMode::Objects | OutputMode::Slices, true) => Some(Held::DryRun),
        (OutputMode::Auto | OutputMode::Objects | OutputMode::Slices, false) => None,
    }
}

async fn write(run: &Run<'_>, plan: Plan, chosen: Chosen) -> Result<WriteReport, SyncError> {
    let Chosen { form, unconverted } = chosen;
    let writer = run.writer();
    run.progress.planned(plan.writes());
    let progress = |done| run.progress.written(done);
    let mut written = match form {
        Form::Objects => writer.apply(plan, progress).await,
        Form::Slices => writer.apply_to_slices(plan, progress).await,
    };
    match unconverted {
        // What has been copied into the other form is used by the next try.
        Some(why) => written.failed_to_convert(why),
        None if written.is_whole() => written.failed_to_retire(writer.retire(form).await),
        None => {}
    }
    if written.cancelled { Err(SyncError::Cancelled) } else { Ok(written) }
}

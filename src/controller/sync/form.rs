//! Brings the mirrors into the form that the Directory's size and its `output.mode` ask for, before a
//! plan is carried out in it.

use super::super::checkpoint;
use super::super::memory::Memory;
use super::super::settings::Settings;
use super::planning::{self, Planned};
use super::{Held, Run, SyncError};
use crate::api::directory::Form;
use crate::cluster::client::explain;
use crate::plan::Plan;
use crate::plan::form::{choose, for_now};
use crate::sink::object::uid_number;
use crate::sink::slices::{self, Unconverted};

/// The form in which a plan is carried out.
#[derive(Debug)]
pub(super) struct Chosen {
    /// That form.
    pub form: Form,
    /// Why it is not the one that it is to be.
    pub unconverted: Option<Unconverted>,
}

impl Chosen {
    const fn right(form: Form) -> Self {
        Self { form, unconverted: None }
    }
}

/// Makes a plan, and with it the choice of a form. When it is another than the present one, the mirrors
/// are copied into it as they are, so that the plan and the guard see the same people in both. If that does
/// not go, nobody waits for it: the plan is carried out in the present form.
pub(super) async fn plan(
    run: &Run<'_>,
    memory: &mut Memory,
    settings: &Settings,
    held: Option<Held>,
) -> Result<(Planned, Chosen), SyncError> {
    let observed = &run.context.observed;
    know_slices(run).await?;
    let planned = planning::plan(run, memory, settings).await?;
    let present = observed.form(run.key);
    let there = observed.size_after(run.key, &Plan::default());
    let mut size = observed.size_after(run.key, &planned.plan);
    if planned.above_limits.is_some() {
        // What the guard may hold back is there until it is gone.
        size = size.max(there);
    }
    let form = for_now(choose(run.directory.spec.output.mode, present, size), present, there);
    if held.is_some() || planned.too_many_held.is_some() {
        return Ok((planned, Chosen::right(form)));
    }
    match present {
        Some(present) if present != form => {
            tracing::info!(directory = %run.key, from = ?present, to = ?form, users = size.users, largest_group = size.largest_group, "changing the form of the mirrors");
            drop(planned);
            checkpoint::claim(run, memory, settings).await?;
            let chosen = convert(run, present, form).await?;
            know_slices(run).await?;
            Ok((planning::plan(run, memory, settings).await?, chosen))
        }
        None if form == Form::Slices => {
            observed.begin_slices(run.key);
            Ok((planned, Chosen::right(form)))
        }
        _ => Ok((planned, Chosen::right(form))),
    }
}

/// Brings the mirrors from a form into another, and says in which one they are then.
async fn convert(run: &Run<'_>, present: Form, form: Form) -> Result<Chosen, SyncError> {
    let Err(why) = run.writer().convert(form).await else { return Ok(Chosen::right(form)) };
    if run.cancel.is_cancelled() {
        return Err(SyncError::Cancelled);
    }
    // What could not be removed of the other form is tried again, and told, once the plan is carried out.
    if run.context.observed.form(run.key) == Some(form) {
        return Ok(Chosen::right(form));
    }
    let [into, remain] = [form, present].map(|form| match form {
        Form::Objects => "objects",
        Form::Slices => "slices",
    });
    let sentence = format!(
        "the mirrors could not be brought into {into}; until they can, they are kept up to date in {remain}"
    );
    Ok(Chosen { form: present, unconverted: Some(why.within(&sentence)) })
}

/// Whether the mirrors as they are now are of a size for which the form would be chosen again.
pub(super) fn is_lasting(run: &Run<'_>, form: Form) -> bool {
    let observed = &run.context.observed;
    let size = observed.size_after(run.key, &Plan::default());
    choose(run.directory.spec.output.mode, observed.form(run.key), size) == form
}

/// Whether there is something to write although a plan has nothing: slices to be mended, or what is
/// left of the other form.
pub(super) fn has_more_to_write(run: &Run<'_>, form: Form) -> bool {
    let observed = &run.context.observed;
    match form {
        Form::Slices => !observed.slices_are_sound(run.key, uid_number(&run.owner.uid)),
        Form::Objects => observed.has_slices(run.key),
    }
}

/// Sees to it that it is known who is in the slices, where they are the form.
///
/// # Errors
/// [`SyncError::Mirrors`] when the apiserver does not answer.
pub(super) async fn know_slices(run: &Run<'_>) -> Result<(), SyncError> {
    let observed = &run.context.observed;
    if observed.form(run.key) == Some(Form::Slices) && !observed.knows_slices(run.key) {
        let as_of = observed.slice_surprises(run.key);
        let contents = slices::load(&run.context.clients.request, run.owner).await;
        let contents = contents.map_err(|error| {
            SyncError::Mirrors(format!("the slices could not be read: {}", explain(&error)))
        })?;
        observed.read_slices(run.key, slices::Contents { as_of, ..contents });
    }
    Ok(())
}

//! From a snapshot of records to people and groups as they stand in the cluster.
//!
//! Pure: no I/O, no clock, no randomness. The same records and rules give the same outcomes,
//! whatever order the records come in. Four passes over the snapshot, each of which reads only
//! the parts of a record that it needs:
//!
//! 1. [`graph`]: groups, which of them are in scope, and who is in them through others;
//! 2. [`managers`]: people as others refer to them;
//! 3. [`people`]: clean, `mapping`, `scope`, `roles`, `output.attributes`, emit;
//! 4. [`members`]: groups with their members by object name, emit.
//!
//! A record that cannot be decided or written is held back with a reason; it is never treated as
//! absent.

mod email;
pub mod expr;
mod graph;
mod keys;
pub mod limits;
mod managers;
mod mapping;
mod members;
mod outcome;
mod output;
mod people;
mod person;
mod records;
mod roles;
mod rules;
mod run;
mod subject;
mod summary;
pub mod text;

#[cfg(test)]
mod tests;

pub use mapping::FIXED as FIXED_ATTRIBUTES;
pub use outcome::{NormalizeError, Outcome, QuarantineReason};
pub use output::{ALWAYS as ALWAYS_COPIED, Output as AttributeList, attribute_names};
pub use rules::{RuleError, Rules};
pub use summary::Summary;

use graph::Groups;
use managers::People;
use run::{Run, Stop};

use crate::model::Snapshot;

/// Emits every person of a snapshot who is in scope or held back, then every such group.
///
/// # Errors
/// When the snapshot cannot be read back, when the expressions cost too much, or with the error of
/// `emit`. What was emitted until then is no complete picture.
pub fn normalize<E: From<NormalizeError>>(
    snapshot: &Snapshot,
    rules: &Rules,
    emit: &mut dyn FnMut(Outcome) -> Result<(), E>,
) -> Result<Summary, E> {
    passes(snapshot, rules, emit).map_err(Stop::into_error)
}

fn passes<E>(
    snapshot: &Snapshot,
    rules: &Rules,
    emit: &mut dyn FnMut(Outcome) -> Result<(), E>,
) -> Result<Summary, Stop<E>> {
    let mut run = Run::new(rules, snapshot);
    let groups = Groups::read(&mut run, snapshot)?;
    let people = People::read(snapshot)?;
    let listed = people::read(&mut run, snapshot, &groups, &people, emit)?;
    members::read(&mut run, snapshot, &groups, &people, &listed, emit)?;
    Ok(run.summary)
}

//! What a Directory would make of its source: the same reading, rules and plan as in a sync, and
//! nothing written.

pub mod difference;
pub mod given;
pub mod listing;
pub mod raw;
pub mod remarks;
pub(crate) mod table;

use std::sync::Arc;

use crate::api::Directory;
use crate::api::directory::Guard;
use crate::controller::lasting::Lasting;
use crate::controller::settings::{Invalid, Settings};
use crate::controller::sync::{Against, PlanFailure, Planned, compare};
use crate::model::Snapshot;
use crate::normalize::Rules;
use crate::plan::absence::{Kept, Origins};
use crate::plan::grace::{Policy, Times};
use crate::plan::guard::Limits;
use crate::plan::quarantine::Tolerance;
use crate::sink::object::uid_number;
use crate::sink::observed::View;
use crate::source::{Expected, Material, Pull, SourceError, collect};

/// Everything that the source says, read once.
pub struct Reading {
    /// The Directory's name.
    pub directory: String,
    /// The records.
    pub snapshot: Snapshot,
    /// What the source had to say besides.
    pub notes: Vec<String>,
    rules: Arc<Rules>,
    limits: Limits,
    tolerance: Tolerance,
    departure: Policy,
    origins: Arc<Origins>,
    guard: Guard,
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The spec cannot work.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The source did not answer, or not completely.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The records could not be brought into shape.
    #[error(transparent)]
    Plan(#[from] PlanFailure),
}

/// Reads the source of a Directory, with what its references hold.
///
/// # Errors
/// When the spec cannot work, or the source does not answer completely.
pub async fn read(directory: &Directory, material: &Material) -> Result<Reading, PreviewError> {
    let name = directory.metadata.name.clone().unwrap_or_default();
    let settings = Settings::new(&name, &directory.spec)?;
    let mut source = directory.spec.provider.provider().source(material)?;
    let mut snapshot = Snapshot::default();
    let expected = Expected { named: directory.spec.tenant.as_deref(), known: None };
    let collected = collect(source.as_mut(), Pull::Full, &expected, &mut snapshot, |_| {}).await?;
    let Settings { rules, limits, tolerance, departure, origins, .. } = settings;
    let notes = collected.end.notes;
    let guard = directory.spec.deletion.guard.clone();
    Ok(Reading { directory: name, snapshot, notes, rules, limits, tolerance, departure, origins, guard })
}

impl Reading {
    /// The plan against mirrors as they are, with what the checkpoint says; against none at all it
    /// creates everybody.
    ///
    /// # Errors
    /// As in a sync: when expressions cost too much, for one.
    pub fn plan(&self, mirrors: &View, lasting: &Lasting, owner_uid: &str) -> Result<Planned, PreviewError> {
        let now = jiff::Timestamp::now().as_second();
        let against = Against {
            mirrors,
            directory: &self.directory,
            owner: uid_number(owner_uid),
            allow_empty: self.guard.may_become_empty(owner_uid),
            limits: self.limits,
            tolerance: self.tolerance,
            departure: self.departure,
            recent: lasting.recent.within(now),
            marks: &lasting.marks,
            times: Times { now, read: now },
            form: None,
            attributes: &lasting.attributes,
            origins: &self.origins,
            kept: &Kept::default(),
        };
        Ok(compare(&self.snapshot, &self.rules, &against)?)
    }
}

//! What stands below every preview: who is held back, one by one, and what else there is to know.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::Reading;
use super::table::printable;
use crate::api::status::Quarantined;
use crate::controller::sync::{PlanFailure, Planned, UNREADABLE};
use crate::model::snapshot::Record;
use crate::model::{Kind, MirrorName};
use crate::normalize::{self, Outcome};

/// Who is held back, and notes.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remarks {
    /// People and groups that would be held back, counted by reason.
    pub quarantined: Vec<Quarantined>,
    /// Each of them; of records that cannot be read, the first hundred.
    pub held_back: Vec<HeldBack>,
    /// What a person should know although the directory could be read.
    pub notes: Vec<String>,
}

/// Somebody who would be held back.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct HeldBack {
    /// Person or group.
    pub kind: Kind,
    /// The provider's id; `null` when it cannot be read.
    pub id: Option<String>,
    /// A word for the reason.
    pub reason: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Remarks {
    /// What there is to say of a reading and its plan, besides what stands before it.
    ///
    /// # Errors
    /// As in a sync.
    pub(super) fn of(reading: &Reading, planned: &Planned, before: Vec<String>) -> Result<Self, PlanFailure> {
        let summary = &planned.summary;
        let held_back = if planned.quarantined.is_empty() { Vec::new() } else { held_back(reading)? };
        let unlisted = reading.snapshot.lost().all().iter().filter(|lost| lost.why().is_none()).count();
        let in_scope = summary.users_active + summary.users_inactive;
        let nobody = (in_scope == 0 && summary.out_of_scope_users > 0).then(|| {
            let all = summary.out_of_scope_users;
            format!("Of {all} people nobody is in scope; look at spec.scope.")
        });
        let unlisted = (unlisted > 0).then(|| {
            format!("{unlisted} more records cannot be read; only the first are listed one by one.")
        });
        let doubt = planned.too_many_held.iter().map(ToString::to_string);
        let notes = doubt
            .chain(before)
            .chain(reading.notes.iter().cloned())
            .chain(summary.notes())
            .chain(nobody)
            .chain(unlisted)
            .collect();
        Ok(Self { quarantined: planned.quarantined.clone(), held_back, notes })
    }

    /// The remarks for a terminal.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for Quarantined { reason, count, example } in &self.quarantined {
            // Writing into memory does not fail.
            let _ = writeln!(text, "held back: {count} ({reason}): {}", printable(example));
            for held in self.held_back.iter().filter(|held| held.reason == *reason) {
                let id = held.id.as_deref().unwrap_or("without an id that can be read");
                let why = if held.message == *example { "" } else { &format!(": {}", held.message) };
                let _ = writeln!(text, "    {} {}", held.kind, printable(&format!("{id}{why}")));
            }
        }
        let notes = self.notes.iter().map(|note| format!("note: {}\n", printable(note)));
        text.extend(notes);
        text
    }
}

/// Everybody who would be held back: whose record cannot be read, then who cannot be decided.
fn held_back(reading: &Reading) -> Result<Vec<HeldBack>, PlanFailure> {
    let mut undecided = BTreeMap::new();
    normalize::normalize::<PlanFailure>(&reading.snapshot, &reading.rules, &mut |outcome| {
        if let Outcome::Quarantined { name, reason, message } = outcome {
            undecided.insert(name, (reason.as_str().to_owned(), message));
        }
        Ok(())
    })?;
    let unreadable = reading.snapshot.lost().all().iter().filter_map(|lost| {
        Some(HeldBack {
            kind: lost.kind,
            id: lost.id.as_ref().map(|id| id.as_str().to_owned()),
            reason: UNREADABLE.to_owned(),
            message: lost.why()?.to_owned(),
        })
    });
    let mut held: Vec<HeldBack> = unreadable.collect();
    // A name is a hash: whose it is, only the records say.
    for kind in [Kind::User, Kind::Group] {
        reading.snapshot.visit::<PlanFailure>(kind, |record: Record| {
            let id = record.external_id();
            if let Some((reason, message)) = undecided.remove(&MirrorName::new(kind, id)) {
                held.push(HeldBack { kind, id: Some(id.to_owned()), reason, message });
            }
            Ok(())
        })?;
    }
    Ok(held)
}

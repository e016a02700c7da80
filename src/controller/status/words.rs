//! The reasons and sentences of conditions: what happened, and what to do next.

use super::condition::Conditions;
use crate::api::status::PendingPlan;
use crate::controller::sync::{Held, SyncError, Synced};
use crate::model::Kind;
use crate::model::attributes::INACTIVE;
use crate::plan::absence::Known;
use crate::plan::{Withheld, planner::WithheldWhy};
use crate::source::Class;

/// The reason when too many records are held back.
pub(super) const TOO_MANY_HELD: &str = "TooManyHeldBack";

/// The reason when an attribute is lost.
const PERMISSION_REDUCED: &str = "PermissionReduced";

/// The reason when nobody came at all.
const EMPTY_RESULT: &str = "EmptyResult";

/// The reason when records came without an id.
const UNIDENTIFIED_RECORDS: &str = "UnidentifiedRecords";

/// Whether the source did answer, and it is the answer that is doubted: each plan decides that anew.
pub(super) fn is_doubt(reason: &str) -> bool {
    [TOO_MANY_HELD, PERMISSION_REDUCED, EMPTY_RESULT, UNIDENTIFIED_RECORDS].contains(&reason)
}

/// The reason that a failed run gives to `SourceReady` or `Ready`.
#[must_use]
pub fn source_reason(error: &SyncError) -> &'static str {
    match error {
        SyncError::Invalid(_) => "InvalidSpec",
        SyncError::Reference(reference) if reference.is_transient() => "ClusterUnreachable",
        SyncError::Reference(_) => "ReferenceNotReadable",
        SyncError::Source(source) => source.class.reason(),
        SyncError::TooManyHeld(_) => TOO_MANY_HELD,
        SyncError::Plan(_) => "InternalError",
        SyncError::Mirrors(_) => "MirrorsNotRead",
        SyncError::Checkpoint(_) => "CheckpointNotWritten",
        SyncError::NotYet => "NotYet",
        SyncError::TakenOver => "TakenOver",
        SyncError::Cancelled => "Cancelled",
    }
}

pub(super) fn after_failure(conditions: &mut Conditions, error: &SyncError) {
    let reason = source_reason(error);
    let mut message = error.to_string();
    if let SyncError::Source(source) = error
        && source.class == Class::Incomplete
    {
        // The first question of whoever reads that only a part of all people came.
        message.push_str(". Nobody is taken for missing: the mirrors stay as they are");
    }
    match error {
        SyncError::Invalid(_) => {
            conditions.set("Stalled", true, reason, message.clone());
        }
        SyncError::Reference(_) | SyncError::Source(_) | SyncError::TooManyHeld(_) => {
            conditions.remove("Stalled");
            conditions.set("SourceReady", false, reason, message.clone());
        }
        SyncError::Mirrors(_) | SyncError::Checkpoint(_) => {
            conditions.remove("Stalled");
            conditions.set("OutputReady", false, reason, message.clone());
        }
        SyncError::Plan(_) | SyncError::NotYet | SyncError::TakenOver | SyncError::Cancelled => {}
    }
    conditions.set("Ready", false, reason, message);
}

pub(super) fn after_sync(conditions: &mut Conditions, synced: &Synced, source_failing: bool) {
    let output = output(synced);
    match &output {
        Some((reason, message)) => conditions.set("OutputReady", false, reason, message),
        None => conditions.set("OutputReady", true, "UpToDate", output_fine(synced.held)),
    }
    if source_failing {
        // Whatever failed besides, and has been mended since, it is this that is left.
        conditions.follow("Ready", "SourceReady");
        return;
    }
    let losses = synced.pending.as_ref().filter(|pending| pending.takes_away() > 0);
    let guard = losses.map(|pending| ("PlanHeld", pending_message(pending)));
    match &guard {
        Some((reason, message)) => conditions.set("DeletionGuard", false, reason, message),
        None => conditions.set("DeletionGuard", true, "WithinLimits", "no loss waits for an approval"),
    }
    let source = source(synced);
    match &source {
        Some((reason, message)) => conditions.set("SourceReady", false, reason, message),
        None => conditions.set("SourceReady", true, "Synced", "the directory was read completely"),
    }
    match source.or(guard).or(output) {
        Some((reason, message)) => conditions.set("Ready", false, reason, message),
        None => conditions.set("Ready", true, ready_reason(synced.held), ready_message(synced)),
    }
}

fn pending_message(pending: &PendingPlan) -> String {
    let counts = [
        (pending.delete, "person", "people", "would be deleted"),
        (pending.deactivate, "person", "people", "would be deactivated"),
        (pending.delete_groups, "group", "groups", "would be deleted"),
        (pending.shrink_groups, "group", "groups", "would lose more than half of the members"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many, what)| format!("{count} {} {what}", if *count == 1 { one } else { many }))
        .collect();
    let day = match pending.last_day {
        0 => String::new(),
        before => format!(" (after {before} that went within the last 24 hours)"),
    };
    format!(
        "{}{day}: more than spec.deletion.guard allows, so all of it is held and the mirrors stay as they are. If it \
         is meant (status.pendingPlan.sample names some), set spec.deletion.guard.approvedPlan to {}",
        counts.join(", "),
        pending.hash
    )
}

/// All that is doubted of a reading, under the reason of the first.
fn source(synced: &Synced) -> Option<(&'static str, String)> {
    let planned = synced.planned.as_ref()?;
    let reduced = synced.pending.as_ref().filter(|pending| !pending.attributes.is_empty());
    let mut doubts: Vec<(&'static str, String)> = planned.counts.withheld.iter().map(withheld).collect();
    doubts.extend(reduced.map(|pending| (PERMISSION_REDUCED, reduced_message(&planned.lost, pending))));
    let reason = doubts.first()?.0;
    let sentences: Vec<String> = doubts.into_iter().map(|(_, sentence)| sentence).collect();
    Some((reason, sentences.join(". Besides, ")))
}

fn withheld(withheld: &Withheld) -> (&'static str, String) {
    let things = match withheld.kind {
        Kind::User => "people",
        Kind::Group => "groups",
    };
    let count = withheld.count;
    match withheld.why {
        WithheldWhy::Empty => (
            EMPTY_RESULT,
            format!(
                "the directory, or what scope leaves of it, has no {things} at all; {count} mirrors stay as they \
                 are: check the base, the filter, the scope and the account's rights"
            ),
        ),
        WithheldWhy::Unidentified => (
            UNIDENTIFIED_RECORDS,
            format!(
                "some records of {things} came without an id, so that none of them can be called missing; {count} \
                 mirrors that may be theirs stay: see status.quarantined"
            ),
        ),
    }
}

fn reduced_message(lost: &[Known], pending: &PendingPlan) -> String {
    let lost: Vec<String> = lost
        .iter()
        .map(|Known { attribute, people, of, .. }| match attribute.as_str() {
            INACTIVE => format!("nobody is inactive any more, as {people} of {of} people were"),
            attribute => format!("nobody has '{attribute}' any more, as {people} of {of} people had"),
        })
        .collect();
    format!(
        "{}: the old values stay. Give the operator's account back the right to read this, or correct the settings. \
         If it is meant, set spec.deletion.guard.approvedPlan to {}",
        lost.join(", "),
        pending.hash
    )
}

fn output(synced: &Synced) -> Option<(&'static str, String)> {
    let written = &synced.written;
    if let Some(failure) = &written.first_failure {
        let (failed, are) = counted(written.failed, "mirror", "is", "are");
        return Some((
            "WriteFailed",
            format!("{failed} could not be written and {are} tried again: {failure}"),
        ));
    }
    if let Some(refusal) = &written.first_refusal {
        let (refused, stay) = counted(written.refused, "mirror", "stays as it was", "stay as they were");
        return Some(("Refused", format!("the cluster refuses {refused}, which {stay}: {refusal}")));
    }
    if let Some(failure) = &synced.config_map.failure {
        return Some((failure.reason(), failure.to_string()));
    }
    let too_large =
        synced.planned.as_ref()?.quarantined.iter().find(|held| held.reason == "TooManyMembers")?;
    let count = usize::try_from(too_large.count).unwrap_or_default();
    let (groups, stay) =
        counted(count, "group", "does not fit and stays as it was", "do not fit and stay as they were");
    Some(("TooManyMembers", format!("{groups} {stay}: {}", too_large.example)))
}

/// A number of things, and what is said of one or of many.
fn counted<'a>(count: usize, noun: &str, one: &'a str, many: &'a str) -> (String, &'a str) {
    if count == 1 { (format!("1 {noun}"), one) } else { (format!("{count} {noun}s"), many) }
}

const fn output_fine(held: Option<Held>) -> &'static str {
    match held {
        Some(Held::NoOutput) => "output.mode is None: nothing is written",
        Some(Held::DryRun) => "sync.dryRun is set: nothing is written; status.plan shows what would be",
        None => "every mirror is as it should be",
    }
}

const fn ready_reason(held: Option<Held>) -> &'static str {
    match held {
        Some(Held::DryRun) => "DryRun",
        Some(Held::NoOutput) | None => "Synced",
    }
}

fn ready_message(synced: &Synced) -> String {
    let up_to_date = || {
        let waiting = synced.waiting.users + synced.waiting.groups;
        match waiting {
            0 => "people and groups are up to date".to_owned(),
            1 => {
                "people and groups are up to date; 1 that is missing stays until its grace time is over: see \
                  status.missing"
                    .to_owned()
            }
            _ => format!(
                "people and groups are up to date; {waiting} that are missing stay until their grace time is over: \
                 see status.missing"
            ),
        }
    };
    let Some(planned) = &synced.planned else { return up_to_date() };
    let counts = &planned.counts;
    match synced.held {
        Some(Held::DryRun) => format!(
            "sync.dryRun is set: a sync would create {}, update {}, deactivate {} and delete {} mirrors",
            counts.create, counts.update, counts.deactivate, counts.delete
        ),
        Some(Held::NoOutput) => "the directory was read; output.mode is None".to_owned(),
        None if planned.quarantined.is_empty() => up_to_date(),
        None => {
            let held: i64 = planned.quarantined.iter().map(|quarantined| quarantined.count).sum();
            let are = if held == 1 { "is" } else { "are" };
            format!(
                "people and groups are up to date, but for {held} that {are} held back: see status.quarantined"
            )
        }
    }
}

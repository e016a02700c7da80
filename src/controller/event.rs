//! Events on a Directory: what a person should know, once per change and never per mirror.

use kube::Resource;
use kube::runtime::events::{Event, EventType, Recorder};

use super::Context;
use crate::api::Directory;
use crate::api::status::DirectoryStatus;
use crate::cluster::client::explain;

/// The longest note that the apiserver takes, in bytes.
const MAX_NOTE: usize = 1_024;

/// Tells of what has changed between two statuses: whether the Directory is in step, and mirrors
/// that were written.
pub async fn publish(
    context: &Context,
    directory: &Directory,
    before: &DirectoryStatus,
    after: &DirectoryStatus,
) {
    for event in events(before, after) {
        let reference = directory.object_ref(&());
        // A recorder that has seen an Event of this reason before only counts it up, under the old
        // note: the numbers of the first sync would stand for all later ones.
        let recorder = Recorder::new(context.clients.request.clone(), context.reporter.clone());
        if let Err(error) = recorder.publish(&event, &reference).await {
            tracing::warn!(error = explain(&error), "an Event could not be written");
        }
    }
}

fn events(before: &DirectoryStatus, after: &DirectoryStatus) -> Vec<Event> {
    let mut events = Vec::new();
    let ready = |status: &DirectoryStatus| {
        status.condition("Ready").map(|condition| {
            (condition.status == "True", condition.reason.clone(), condition.message.clone())
        })
    };
    let (was, is) = (ready(before), ready(after));
    let told = |condition: &Option<(bool, String, String)>| {
        condition.as_ref().map(|(holds, reason, _)| (*holds, reason.clone()))
    };
    if told(&was) != told(&is)
        && let Some((holds, reason, message)) = is
    {
        events.push(event(if holds { EventType::Normal } else { EventType::Warning }, reason, message));
    }
    if let Some(run) = &after.last_sync
        && before.last_sync.as_ref() != Some(run)
        && run.written() > 0
    {
        let note = format!(
            "created {}, updated {}, deactivated {}, deleted {} mirrors",
            run.created, run.updated, run.deactivated, run.deleted
        );
        events.push(event(EventType::Normal, "MirrorsWritten".to_owned(), note));
    }
    if let Some(conflicts) = after.conflicts
        && before.conflicts != Some(conflicts)
    {
        let note = format!(
            "{} people share an e-mail address and {} a user name with somebody: each has an object of their own, and \
             nobody is merged; correct them at the source",
            conflicts.email, conflicts.user_name
        );
        events.push(event(EventType::Warning, "Conflict".to_owned(), note));
    }
    events
}

fn event(type_: EventType, reason: String, note: String) -> Event {
    let mut note = note;
    if note.len() > MAX_NOTE {
        let cut = (0..=MAX_NOTE).rev().find(|at| note.is_char_boundary(*at)).unwrap_or(0);
        note.truncate(cut);
    }
    Event { type_, reason, note: Some(note), action: "Sync".to_owned(), secondary: None }
}

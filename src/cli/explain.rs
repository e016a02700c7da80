//! `directory-sync explain`: how a Directory is, in sentences, and what to do next.

use jiff::Timestamp;
use kube::ResourceExt;

use super::cluster::{Which, counted, with_directory};
use super::plan::losses;
use super::print;
use crate::api::status::{DirectoryStatus, SyncKind, SyncRun};
use crate::api::{Directory, DirectoryCheckpoint};
use crate::preview::table::printable;

/// Arguments of `directory-sync explain`.
#[derive(Clone, Debug, clap::Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    which: Which,
}

/// Explains.
///
/// # Errors
/// When the cluster does not answer.
pub fn run(args: &ExplainArgs) -> anyhow::Result<()> {
    let text = with_directory(&args.which, async |found| {
        let checkpoint = found.checkpoint().await;
        let sentences = explain(&found.directory, &checkpoint, Timestamp::now());
        Ok(sentences.iter().map(|sentence| printable(sentence) + "\n").collect::<String>())
    })?;
    print(&text)
}

/// Everything that is known of a Directory, a sentence a line.
fn explain(
    directory: &Directory,
    checkpoint: &Result<Option<DirectoryCheckpoint>, String>,
    now: Timestamp,
) -> Vec<String> {
    let status = directory.status.clone().unwrap_or_default();
    let mut sentences = vec![format!(
        "{} reads {} every {}, and in full every {}.",
        directory.name_any(),
        directory.spec.provider.name(),
        directory.spec.sync.interval,
        directory.spec.sync.full_interval
    )];
    sentences.extend(state(&status, now));
    sentences.extend(content(&status));
    sentences.extend(status.last_sync.as_ref().map(|run| last_sync(run, now)));
    sentences.extend(status.failures.filter(|failures| *failures > 0).map(|failures| {
        let next = status.retry_time.as_ref().map(|time| format!("; the next try is {}", from(time.0, now)));
        format!("Failed in a row: {}{}.", counted(failures.into(), "sync", "syncs"), next.unwrap_or_default())
    }));
    sentences.extend(departures(&status, now));
    sentences.extend(remarks(&status));
    sentences.push(place(checkpoint, now));
    sentences.push(format!("Next: {}.", next_action(directory, &status)));
    sentences
}

fn state(status: &DirectoryStatus, now: Timestamp) -> Option<String> {
    let ready = status.condition("Ready")?;
    let is = if ready.status == "True" { "Ready" } else { "Not ready" };
    Some(format!(
        "{is} since {} ({}): {}.",
        ago(ready.last_transition_time.0, now),
        ready.reason,
        ready.message
    ))
}

fn content(status: &DirectoryStatus) -> Option<String> {
    let users = status.users?;
    let groups = counted(status.groups.unwrap_or_default(), "group", "groups");
    Some(format!("In the cluster: {} active and {} inactive people, {groups}.", users.active, users.inactive))
}

fn last_sync(run: &SyncRun, now: Timestamp) -> String {
    let how = match run.kind {
        SyncKind::Full => "read everything",
        SyncKind::Delta => "asked for changes",
        SyncKind::Replan => "used what had been read before",
    };
    format!(
        "The last sync on record began {}, took {} ms, {how}, and created {}, updated {}, deactivated {} and deleted {} mirrors.",
        ago(run.start_time.0, now),
        run.duration_milliseconds,
        run.created,
        run.updated,
        run.deactivated,
        run.deleted
    )
}

/// Who goes, and who would.
fn departures(status: &DirectoryStatus, now: Timestamp) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(missing) = &status.missing {
        let due = missing.next_due.as_ref().map(|due| format!("; the first goes {}", from(due.0, now)));
        sentences.push(format!(
            "Missing: {} and {}{}.",
            counted(missing.users, "person", "people"),
            counted(missing.groups, "group", "groups"),
            due.unwrap_or_default()
        ));
    }
    if let Some(plan) = &status.pending_plan {
        let since = ago(plan.since.0, now);
        sentences.push(format!("Held since {since}, as plan {}: {}.", plan.hash, losses(plan)));
    }
    sentences
}

fn remarks(status: &DirectoryStatus) -> Vec<String> {
    let held = status
        .quarantined
        .iter()
        .map(|held| format!("Held back: {} ({}), for example {}.", held.count, held.reason, held.example));
    let conflicts = status.conflicts.iter().map(|conflicts| {
        format!(
            "Conflicts: {} share an e-mail address and {} a user name with somebody; nobody is merged.",
            counted(conflicts.email, "person", "people"),
            counted(conflicts.user_name, "person", "people")
        )
    });
    let notes = status.notes.iter().map(|note| format!("Note: {note}"));
    held.chain(conflicts).chain(notes).collect()
}

/// How old the place is from which the next list of changes goes on.
fn place(checkpoint: &Result<Option<DirectoryCheckpoint>, String>, now: Timestamp) -> String {
    let checkpoint = match checkpoint {
        Err(why) => return format!("The checkpoint could not be read: {why}."),
        Ok(None) => {
            return "There is no checkpoint: the next start of the operator reads everything.".to_owned();
        }
        Ok(Some(checkpoint)) => checkpoint,
    };
    let full = ago(checkpoint.spec.full_sync_time.0, now);
    let written = checkpoint.metadata.managed_fields.iter().flatten().filter_map(|entry| entry.time.as_ref());
    let written = written.map(|time| time.0).max().or(checkpoint
        .metadata
        .creation_timestamp
        .as_ref()
        .map(|time| time.0));
    match (&checkpoint.spec.cursor, written) {
        (Some(_), Some(written)) => format!(
            "The place in the list of changes was kept {}; everything was last read {full}.",
            ago(written, now)
        ),
        _ => format!("There is no list of changes to go on with; everything was last read {full}."),
    }
}

fn next_action(directory: &Directory, status: &DirectoryStatus) -> String {
    let namespace = directory.namespace().map(|namespace| format!(" --namespace {namespace}"));
    let name = directory.name_any() + &namespace.unwrap_or_default();
    let ready = status.condition("Ready");
    let reason = ready.map_or("", |ready| ready.reason.as_str());
    match reason {
        "" => "wait for the first sync; if none comes, look whether the operator runs and watches this namespace".to_owned(),
        "PlanHeld" => format!("look at the plan with 'directory-sync plan show {name}'; mend the source, or approve it"),
        "PermissionReduced" => "give the operator's account its rights back, or approve the plan if it is meant".to_owned(),
        "Suspended" => "set spec.sync.suspend to false to go on".to_owned(),
        "DryRun" => "look at status.plan, and set spec.sync.dryRun to false to carry it out".to_owned(),
        "TooManyHeldBack" => format!("see 'directory-sync quarantine list {name}', and mend the source or the rule"),
        "TenantChanged" => "correct the address, or name the directory in spec.tenant if it is meant".to_owned(),
        "InvalidSpec" => "correct the field that the message names".to_owned(),
        "Unreachable" | "ClusterUnreachable" | "Incomplete" | "CheckpointNotWritten" | "WriteFailed" => {
            "nothing, if it passes by itself; otherwise do what the message says".to_owned()
        }
        "Synced" if status.missing.is_some() => {
            "nothing; if somebody is missing by mistake, mend the source before they go".to_owned()
        }
        "Synced" => "nothing; the next sync comes by itself".to_owned(),
        _ => "do what the message says".to_owned(),
    }
}

/// A time before now, as `2h 5m ago`.
fn ago(time: Timestamp, now: Timestamp) -> String {
    format!("{} ago ({time})", length(now.as_second().saturating_sub(time.as_second())))
}

/// A time to come, as `in 2h 5m`.
fn from(time: Timestamp, now: Timestamp) -> String {
    match time.as_second().saturating_sub(now.as_second()) {
        ..=0 => format!("due ({time})"),
        seconds => format!("in {} ({time})", length(seconds)),
    }
}

/// The two largest units of a length of time.
fn length(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m {}s", seconds % 60),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_two_units() {
        let lengths = [5, 65, 3_700, 90_000, -3].map(length);
        assert_eq!(lengths, ["5s", "1m 5s", "1h 1m", "1d 1h", "0s"]);
    }

    #[test]
    fn a_directory_that_was_never_synced_is_explained_with_what_to_look_at() {
        let directory: Directory = serde_json::from_value(serde_json::json!({
            "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory", "metadata": {"name": "acme"},
            "spec": {"provider": {"csv": {"from": {"configMap": {"name": "people"}}}}},
        }))
        .unwrap();
        let sentences = explain(&directory, &Ok(None), Timestamp::UNIX_EPOCH);
        assert_eq!(sentences[0], "acme reads csv every 5m, and in full every 24h.");
        assert!(sentences[2].starts_with("Next: wait for the first sync"), "{sentences:?}");
    }

    #[test]
    fn a_command_to_go_on_with_names_the_namespace() {
        let directory: Directory = serde_json::from_value(serde_json::json!({
            "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory",
            "metadata": {"name": "acme", "namespace": "crm"},
            "spec": {"provider": {"csv": {"from": {"configMap": {"name": "people"}}}}},
            "status": {"conditions": [{
                "type": "Ready", "status": "False", "reason": "TooManyHeldBack", "message": "",
                "lastTransitionTime": "2026-11-23T12:00:00Z",
            }]},
        }))
        .unwrap();
        let next = next_action(&directory, directory.status.as_ref().unwrap());
        assert!(next.contains("'directory-sync quarantine list acme --namespace crm'"), "{next}");
    }
}

//! What the status says after a run: a pure function of what it said before and what came of the
//! run, so that it can be told whether there is anything new to write.

mod condition;
pub mod store;
mod words;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::sync::{Held, SyncError, Synced};
use crate::api::status::{
    Conflicts, DirectoryStatus, Missing, PlanSummary, Quarantined, SyncKind, SyncRun, UserCounts,
};
use crate::plan::Counts;
use crate::plan::marks::Waiting;
pub use condition::Conditions;
pub use words::source_reason;

/// How long the status may stay unwritten while syncs succeed and change nothing.
const HEARTBEAT: SignedDuration = SignedDuration::from_mins(5);

/// How many characters a message in the status may have.
const MAX_MESSAGE: usize = 1_024;

/// What a status is made for.
pub struct Subject<'a> {
    /// Generation of the Directory's spec.
    pub generation: Option<i64>,
    /// The provider's name.
    pub provider: &'a str,
    /// When the status is made.
    pub now: Timestamp,
    /// The request annotations that the run has answered.
    pub handled_request: Option<String>,
}

/// What came of a run.
pub enum Ended<'a> {
    /// It went through, perhaps with single mirrors that could not be written.
    Synced(&'a Synced),
    /// It did not.
    Failed {
        /// Why.
        error: &'a SyncError,
        /// How many failures in a row that makes.
        failures: u32,
        /// When it is tried again.
        retry: Timestamp,
    },
    /// There was none: `spec.sync.suspend`.
    Suspended,
}

/// The status after a run.
#[must_use]
pub fn next(previous: &DirectoryStatus, subject: &Subject<'_>, ended: &Ended<'_>) -> DirectoryStatus {
    let mut status = DirectoryStatus {
        observed_generation: subject.generation,
        provider: Some(subject.provider.to_owned()),
        progress: None,
        last_handled_request: subject
            .handled_request
            .clone()
            .or_else(|| previous.last_handled_request.clone()),
        ..previous.clone()
    };
    let mut conditions = Conditions::new(&previous.conditions, subject.generation, subject.now);
    conditions.remove("Reconciling");
    match ended {
        Ended::Synced(synced) => after_sync(&mut status, &mut conditions, synced),
        Ended::Failed { error, failures, retry } => {
            status.failures = i32::try_from(*failures).ok();
            status.retry_time = Some(Time(*retry));
            if let SyncError::TooManyHeld(too_many) = error {
                set_quarantined(&mut status, &too_many.quarantined);
            }
            words::after_failure(&mut conditions, error);
        }
        Ended::Suspended => {
            status.failures = None;
            status.retry_time = None;
            conditions.remove("Stalled");
            conditions.set(
                "Ready",
                false,
                "Suspended",
                "spec.sync.suspend is set: nothing is read or written, and the mirrors stay as they are",
            );
        }
    }
    status.conditions = conditions.into_vec();
    status
}

/// Whether the source did not answer when it was last asked. Then a run that does not ask it says nothing of
/// whether it is well again. Of everything else that failed, such a run shows that it is.
#[must_use]
pub fn source_fails(status: &DirectoryStatus) -> bool {
    let ready = status.condition("SourceReady");
    ready.is_some_and(|ready| ready.status == "False" && !words::is_doubt(&ready.reason))
}

fn after_sync(status: &mut DirectoryStatus, conditions: &mut Conditions, synced: &Synced) {
    // The spec works, or the run would not have gone through.
    conditions.remove("Stalled");
    let source_failing = synced.kind == SyncKind::Replan && source_fails(status);
    if !source_failing {
        status.failures = None;
        status.retry_time = None;
    }
    if let Some(planned) = &synced.planned {
        let summary = &planned.summary;
        status.users = Some(UserCounts {
            active: number(summary.users_active),
            inactive: number(summary.users_inactive.saturating_sub(planned.counts.left_out)),
        });
        status.groups = Some(number(summary.groups));
        status.memberships = Some(number(summary.memberships));
        set_quarantined(status, &planned.quarantined);
        let (email, user_name) = (summary.sharing_email, summary.sharing_user_name);
        status.conflicts =
            (email + user_name > 0).then(|| Conflicts { email: number(email), user_name: number(user_name) });
        status.notes = synced.notes.iter().cloned().chain(summary.notes()).take(10).collect();
        status.notes.iter_mut().for_each(shorten);
        status.pending_plan.clone_from(&synced.pending);
        status.plan = (synced.held == Some(Held::DryRun)).then(|| PlanSummary {
            create: number(planned.counts.create),
            update: number(planned.counts.update),
            deactivate: number(planned.counts.deactivate),
            delete: number(planned.counts.delete),
            unchanged: number(planned.counts.unchanged),
            sample: planned.counts.sample.clone(),
        });
    }
    status.missing = missing(&synced.waiting);
    status.tenant.clone_from(&synced.tenant);
    status.config_map.clone_from(&synced.config_map.shown);
    status.form = synced.form;
    status.last_sync = Some(sync_run(synced));
    words::after_sync(conditions, synced, source_failing);
}

fn set_quarantined(status: &mut DirectoryStatus, quarantined: &[Quarantined]) {
    status.quarantined = quarantined.iter().take(16).cloned().collect();
    status.quarantined.iter_mut().for_each(|quarantined| shorten(&mut quarantined.example));
}

fn missing(waiting: &Waiting) -> Option<Missing> {
    (waiting.users + waiting.groups > 0).then(|| Missing {
        users: number(waiting.users),
        groups: number(waiting.groups),
        next_due: waiting.next_due.and_then(|due| Timestamp::from_second(due).ok()).map(Time),
    })
}

fn sync_run(synced: &Synced) -> SyncRun {
    let counts = synced.planned.as_ref().map(|planned| planned.counts.clone()).unwrap_or_default();
    let written = &synced.written;
    SyncRun {
        start_time: Time(synced.started),
        duration_milliseconds: i64::try_from(Timestamp::now().duration_since(synced.started).as_millis())
            .unwrap_or(0),
        kind: synced.kind,
        created: number(written.created),
        updated: number(written.updated),
        deactivated: number(written.deactivated),
        deleted: number(written.deleted),
        unchanged: number(counts.unchanged),
        drift_repaired: if written.written() > 0 { number(counts.drifted) } else { 0 },
    }
}

/// Whether a status says something new: anything but the time and length of a sync that changed
/// nothing. Once in five minutes that is news too.
#[must_use]
pub fn is_news(previous: &DirectoryStatus, next: &DirectoryStatus) -> bool {
    let quiet = next.last_sync.as_ref().is_none_or(|run| run.written() == 0);
    if !quiet {
        return true;
    }
    let without_run = |status: &DirectoryStatus| DirectoryStatus { last_sync: None, ..status.clone() };
    if without_run(previous) != without_run(next) {
        return true;
    }
    match (&previous.last_sync, &next.last_sync) {
        // In either direction: the clock may have been put back.
        (Some(before), Some(now)) => now.start_time.0.duration_since(before.start_time.0).abs() >= HEARTBEAT,
        (before, now) => before.is_some() != now.is_some(),
    }
}

/// Whether a status tells of so many mirrors, of nothing that is held back and of no trouble with the source. If
/// the operator ended after its last write and before its report, it does not, and what it should say is found
/// out anew. Of those who are missing there are mirrors that it does not count.
#[must_use]
pub fn tells_of(status: &DirectoryStatus, mirrors: Counts, somebody_is_missing: bool) -> bool {
    let users = UserCounts { active: number(mirrors.active), inactive: number(mirrors.inactive) };
    let counts = status.users == Some(users)
        && status.groups == Some(number(mirrors.groups))
        && status.memberships == Some(number(mirrors.memberships));
    (counts || somebody_is_missing)
        && status.quarantined.is_empty()
        && status.pending_plan.is_none()
        && status.plan.is_none()
        && status.condition("SourceReady").is_none_or(|ready| ready.status != "False")
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Cuts a message at the schema's limit, on a character.
fn shorten(message: &mut String) {
    if message.chars().count() > MAX_MESSAGE {
        *message = message.chars().take(MAX_MESSAGE - 1).chain(['…']).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::status::PendingPlan;
    use crate::controller::settings::Invalid;
    use crate::controller::sync::{PlanFailure, Published};
    use crate::sink::WriteReport;
    use crate::source::{Class, SourceError};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn synced(kind: SyncKind, started: Timestamp) -> Synced {
        Synced {
            started,
            kind,
            planned: None,
            written: WriteReport::default(),
            config_map: Published::default(),
            held: None,
            pending: None,
            waiting: Waiting::default(),
            tenant: None,
            notes: Vec::new(),
            form: None,
        }
    }

    fn after(previous: &DirectoryStatus, ended: &Ended<'_>) -> DirectoryStatus {
        let subject = Subject { generation: Some(1), provider: "csv", now: NOW, handled_request: None };
        next(previous, &subject, ended)
    }

    fn after_failure(previous: &DirectoryStatus, error: &SyncError) -> DirectoryStatus {
        after(previous, &Ended::Failed { error, failures: 2, retry: NOW })
    }

    fn reason<'s>(status: &'s DirectoryStatus, kind: &str) -> Option<&'s str> {
        status.condition(kind).map(|condition| condition.reason.as_str())
    }

    #[test]
    fn a_status_of_other_mirrors_or_of_something_that_waits_tells_nothing_of_these() {
        let mirrors = Counts { active: 2, inactive: 1, groups: 1, memberships: 3 };
        let told = DirectoryStatus {
            users: Some(UserCounts { active: 2, inactive: 1 }),
            groups: Some(1),
            memberships: Some(3),
            ..DirectoryStatus::default()
        };
        assert!(tells_of(&told, mirrors, false));
        assert!(!tells_of(&told, Counts { memberships: 2, ..mirrors }, false));
        assert!(!tells_of(&DirectoryStatus { plan: Some(PlanSummary::default()), ..told }, mirrors, false));
        assert!(!tells_of(&DirectoryStatus::default(), Counts::default(), false), "nothing was told at all");
    }

    #[test]
    fn who_is_missing_excuses_other_counts_and_nothing_else() {
        let mirrors = Counts { active: 2, inactive: 0, groups: 0, memberships: 0 };
        let told = after(&DirectoryStatus::default(), &Ended::Synced(&synced(SyncKind::Full, NOW)));
        assert!(tells_of(&told, mirrors, true) && !tells_of(&told, mirrors, false));
        let failed = after_failure(&told, &SourceError::new(Class::Transient, "gone").into());
        assert!(!tells_of(&failed, mirrors, true));
        assert!(!tells_of(
            &DirectoryStatus { plan: Some(PlanSummary::default()), ..told.clone() },
            mirrors,
            true
        ));
        let pending_plan = Some(PendingPlan {
            hash: String::new(),
            deactivate: 0,
            delete: 0,
            delete_groups: 0,
            shrink_groups: 0,
            attributes: vec!["title".to_owned()],
            last_day: 0,
            since: Time(NOW),
            sample: Vec::new(),
        });
        assert!(!tells_of(&DirectoryStatus { pending_plan, ..told.clone() }, mirrors, true));
        let quarantined =
            vec![Quarantined { reason: "MissingAttribute".to_owned(), count: 1, example: String::new() }];
        assert!(!tells_of(&DirectoryStatus { quarantined, ..told }, mirrors, true));
    }

    #[test]
    fn a_run_that_asked_nobody_ends_every_failure_but_that_of_the_source() {
        let fine = after(&DirectoryStatus::default(), &Ended::Synced(&synced(SyncKind::Full, NOW)));
        let replanned = synced(SyncKind::Replan, NOW);
        let invalid = SyncError::Invalid(Invalid { problems: Vec::new() });
        let others = [
            invalid,
            SyncError::Checkpoint("no".into()),
            SyncError::Mirrors("no".into()),
            SyncError::Plan(PlanFailure::Panicked),
        ];
        for error in &others {
            let status = after(&after_failure(&fine, error), &Ended::Synced(&replanned));
            assert_eq!((status.failures, status.retry_time.as_ref()), (None, None), "{error:?}");
            assert_eq!(status.conditions, fine.conditions, "{error:?}");
        }

        let failed = after_failure(&fine, &SourceError::new(Class::Unauthorized, "no").into());
        for error in &others {
            let status = after(&after_failure(&failed, error), &Ended::Synced(&replanned));
            assert_eq!((status.failures, &status.retry_time), (Some(2), &failed.retry_time), "{error:?}");
            assert_eq!(reason(&status, "Stalled"), None, "{error:?}");
            assert_eq!(reason(&status, "Ready"), Some("Unauthorized"), "{error:?}");
            assert_eq!(reason(&status, "OutputReady"), Some("UpToDate"), "{error:?}");
        }
    }

    #[test]
    fn a_quiet_sync_is_news_when_five_minutes_have_gone_since_the_one_that_was_told_and_not_before() {
        let told = after(&DirectoryStatus::default(), &Ended::Synced(&synced(SyncKind::Delta, NOW)));
        let quiet = |seconds: i64| {
            let started = Timestamp::from_second(seconds).unwrap();
            after(&told, &Ended::Synced(&synced(SyncKind::Delta, started)))
        };
        for (seconds, news) in
            [(0, false), (299, false), (300, true), (3_600, true), (-299, false), (-300, true)]
        {
            assert_eq!(is_news(&told, &quiet(seconds)), news, "{seconds} s");
        }
    }

    #[test]
    fn a_sync_that_wrote_is_news_at_once() {
        let told = after(&DirectoryStatus::default(), &Ended::Synced(&synced(SyncKind::Delta, NOW)));
        let mut busy = synced(SyncKind::Delta, NOW);
        busy.written.updated = 1;
        assert!(is_news(&told, &after(&told, &Ended::Synced(&busy))));
    }
}

//! Normalises the reading and compares it with the mirrors, on a thread of its own: it is all
//! computation.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::memory::Memory;
use super::super::settings::Settings;
use super::Run;
use super::held_back::{HeldBack, TooManyHeld};
use crate::api::status::{MAX_SAMPLE, Quarantined};
use crate::model::lost::Lost;
use crate::model::snapshot::SnapshotError;
use crate::model::{Group, Kind, MirrorName, Snapshot, State, User};
use crate::normalize::{self, NormalizeError, Outcome, Rules, Summary};
use crate::plan::absence::{Baseline, Kept, Known, Origins, Tally};
use crate::plan::grace::{self, Policy, Times};
use crate::plan::guard::{self, HeldPlan, Limits};
use crate::plan::quarantine::Tolerance;
use crate::plan::{Completeness, Marks, Plan, Planner, Update};
use crate::sink::config_map::{Form, Roster};
use crate::sink::observed::View;

/// A plan and what it was made of.
#[derive(Debug)]
pub struct Planned {
    /// What is to be written.
    pub plan: Plan,
    /// How many of what.
    pub counts: PlanCounts,
    /// The people and groups that are in.
    pub summary: Summary,
    /// Who is missing since when.
    pub marks: Marks,
    /// Who is held back.
    pub quarantined: Vec<Quarantined>,
    /// The records of the ConfigMap, if one is asked for.
    pub roster: Option<Roster>,
    /// Whether that is more than a reading is believed with; then nothing of it is to be written.
    pub too_many_held: Option<TooManyHeld>,
    /// What the plan takes away, if that is more than the guard's limits allow, and what is lost.
    pub above_limits: Option<HeldPlan>,
    /// How many people have which attributes, by the source.
    pub tally: Tally,
    /// Attributes that many people had and nobody has.
    pub lost: Vec<Known>,
}

/// What a snapshot is compared with, and how far the comparison is believed.
#[derive(Debug)]
pub struct Against<'a> {
    /// The mirrors.
    pub mirrors: &'a View,
    /// Name of the Directory.
    pub directory: &'a str,
    /// Uid of the Directory, as a number.
    pub owner: u128,
    /// Whether a reading that finds nobody is believed.
    pub allow_empty: bool,
    /// How much may be taken away without being asked.
    pub limits: Limits,
    /// What the records of a ConfigMap look like, if one is asked for.
    pub form: Option<&'a Arc<Form>>,
    /// People and groups that went unasked within the last day.
    pub recent: (usize, usize),
    /// How many records may be held back.
    pub tolerance: Tolerance,
    /// What becomes of those who are missing, and when.
    pub departure: Policy,
    /// Who is known to be missing.
    pub marks: &'a Marks,
    /// By which absences are judged.
    pub times: Times,
    /// What people had before.
    pub attributes: &'a Baseline,
    /// What the Directory asks for of people.
    pub origins: &'a Origins,
    /// What mirrors keep although the source does not show it.
    pub kept: &'a Kept,
}

/// The plan in numbers; stays when the plan has been carried out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanCounts {
    /// Mirrors to create.
    pub create: usize,
    /// Mirrors to change.
    pub update: usize,
    /// People who are missing and are to become inactive.
    pub deactivate: usize,
    /// Mirrors to delete.
    pub delete: usize,
    /// Mirrors that are right.
    pub unchanged: usize,
    /// Inactive people who get no mirror.
    pub left_out: usize,
    /// Of those to create or change: how many someone else had touched.
    pub drifted: usize,
    /// Deletions that are not planned.
    pub withheld: Vec<crate::plan::Withheld>,
    /// Names of the first few mirrors that would be written.
    pub sample: Vec<String>,
}

/// The plan could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanFailure {
    /// The reading could not be read back.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Normalisation failed as a whole.
    #[error(transparent)]
    Normalize(#[from] NormalizeError),
    /// A person or group could not be written as JSON.
    #[error("a mirror could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// What is to be written could not be read back.
    #[error(transparent)]
    Content(#[from] crate::plan::content::ContentError),
    /// The planning ended by a panic.
    #[error("planning ended unexpectedly; this is a defect of the operator, please report it with its log")]
    Panicked,
    /// There is no reading.
    #[error("there is no reading of the directory to plan from")]
    NoReading,
}

pub(super) async fn plan(
    run: &Run<'_>,
    memory: &Memory,
    settings: &Settings,
) -> Result<Planned, PlanFailure> {
    let reading = memory.reading.as_ref().ok_or(PlanFailure::NoReading)?;
    let snapshot = reading.snapshot.clone().ok_or(PlanFailure::NoReading)?;
    let times = Times { now: Timestamp::now().as_second(), read: reading.full_at.as_second() };
    let lasting = memory.lasting.clone().unwrap_or_default();
    let view = run.context.observed.view(run.key);
    let directory = run.key.name.clone();
    let Settings { limits, tolerance, departure, .. } = *settings;
    let (rules, form) = (settings.rules.clone(), settings.config_map.clone());
    let (origins, kept) = (settings.origins.clone(), memory.kept.clone());
    let owner = crate::sink::object::uid_number(&run.owner.uid);
    let allow_empty = run.directory.spec.deletion.guard.may_become_empty(&run.owner.uid);
    tokio::task::spawn_blocking(move || {
        let (mirrors, directory, marks) = (&view, directory.as_str(), &lasting.marks);
        let recent = lasting.recent.within(times.now);
        let against = Against {
            mirrors,
            directory,
            owner,
            allow_empty,
            limits,
            recent,
            tolerance,
            departure,
            marks,
            times,
            form: form.as_ref(),
            attributes: &lasting.attributes,
            origins: &origins,
            kept: &kept,
        };
        compare(&snapshot, &rules, &against)
    })
    .await
    .map_err(|_| PlanFailure::Panicked)?
}

/// Normalises a snapshot and compares it with the mirrors: all computation, no I/O.
///
/// # Errors
/// See [`PlanFailure`].
pub fn compare(snapshot: &Snapshot, rules: &Rules, against: &Against<'_>) -> Result<Planned, PlanFailure> {
    let Against { mirrors: view, directory, .. } = *against;
    let mut intake = Intake::new(against);
    let lost_records = snapshot.lost();
    lost_records.all().iter().filter_map(Lost::mirror).for_each(|name| intake.planner.hold(name));
    let mut summary =
        normalize::normalize::<PlanFailure>(snapshot, rules, &mut |outcome| intake.take(outcome))?;
    let Intake { planner, mut held_back, tally, mut roster, stay_inactive, must_wait, .. } = intake;
    summary.users_active -= stay_inactive + must_wait;
    summary.users_inactive += stay_inactive;
    if let Some(example) = lost_records.example() {
        held_back.add_unreadable(lost_records.all().len(), example);
    }
    let mut plan = planner.finish(Completeness {
        unidentified_users: lost_records.has_unidentified(Kind::User),
        unidentified_groups: lost_records.has_unidentified(Kind::Group),
        allow_empty: against.allow_empty,
    });
    let marks = grace::apply(&mut plan, against.marks, &against.departure, against.times);
    if let Some(roster) = &mut roster {
        roster.follow(&view.index, &plan);
    }
    let counts = count(&plan, view, directory);
    let above_limits = guard::judge(&plan, &view.index, &against.limits, against.recent);
    let lost: Vec<Known> = against.attributes.lost(&tally, against.origins).into_iter().cloned().collect();
    let names = lost.iter().map(|known| known.attribute.clone()).collect();
    let above_limits = HeldPlan::with(above_limits, names);
    let (users, groups) = snapshot.counts();
    let too_many_held = held_back.too_many(users + groups + lost_records.all().len(), against.tolerance);
    let quarantined = held_back.status();
    Ok(Planned {
        plan,
        counts,
        summary,
        marks,
        quarantined,
        roster,
        too_many_held,
        above_limits,
        tally,
        lost,
    })
}

/// What the records of a reading come to, one after the other.
struct Intake<'a> {
    against: &'a Against<'a>,
    planner: Planner<'a>,
    held_back: HeldBack,
    tally: Tally,
    roster: Option<Roster>,
    /// Active people who stay inactive as their mirrors are.
    stay_inactive: usize,
    /// Active people who get no mirror as long as states are in doubt.
    must_wait: usize,
}

impl<'a> Intake<'a> {
    fn new(against: &'a Against<'a>) -> Self {
        Self {
            against,
            planner: Planner::new(&against.mirrors.index, against.owner).following(&against.departure),
            held_back: HeldBack::default(),
            tally: Tally::default(),
            roster: against.form.map(|form| Roster::new(form.clone())),
            stay_inactive: 0,
            must_wait: 0,
        }
    }

    fn take(&mut self, outcome: Outcome) -> Result<(), PlanFailure> {
        match outcome {
            Outcome::User(user) => self.user(user),
            Outcome::Group(group) => self.group(&group),
            Outcome::Quarantined { name, reason, message } => {
                self.planner.hold(name);
                self.held_back.add(reason.as_str(), &message);
                Ok(())
            }
        }
    }

    fn user(&mut self, mut user: User) -> Result<(), PlanFailure> {
        let Against { mirrors, kept, ref departure, .. } = *self.against;
        let inactive_go = departure.inactive_users_go;
        let name = MirrorName::new(Kind::User, &user.external_id);
        let before = mirrors.index.get(name).and_then(|mirror| mirror.state);
        self.tally.count(&user, before, inactive_go);
        if kept.doubts_states() && inactive_go && before.is_none() {
            // They may be inactive, and inactive people have no mirrors.
            self.planner.hold(name);
            self.must_wait += usize::from(user.state == State::Active);
            return Ok(());
        }
        let state = user.state;
        kept.give_back(name, &mut user)?;
        self.stay_inactive += usize::from(user.state != state);
        if let Some(roster) = self.roster.as_mut().filter(|_| !self.planner.knows(name)) {
            roster.user(name, &user)?;
        }
        self.planner.want_user(&user)?;
        Ok(())
    }

    fn group(&mut self, group: &Group) -> Result<(), PlanFailure> {
        let name = MirrorName::new(Kind::Group, &group.external_id);
        if self.loses_people_who_are_not_believed_gone(name, group) {
            self.planner.hold(name);
            return Ok(());
        }
        if let Some(roster) = self.roster.as_mut().filter(|_| !self.planner.knows(name)) {
            roster.group(name, group)?;
        }
        self.planner.want_group(group)?;
        Ok(())
    }
}

impl Intake<'_> {
    /// Whether a group would lose members although an answer without anybody is not believed: whom the mirrors keep, the
    /// groups keep as well. People come before groups, so by now it is known that nobody came.
    fn loses_people_who_are_not_believed_gone(&self, name: MirrorName, group: &Group) -> bool {
        let index = &self.against.mirrors.index;
        let nobody_came = !self.planner.wants_anybody() && !self.against.allow_empty;
        nobody_came
            && index.count(Kind::User) > 0
            && index.get(name).is_some_and(|before| before.members as usize > group.members.len())
    }
}

fn count(plan: &Plan, view: &View, directory: &str) -> PlanCounts {
    let recreated = plan.creates.iter().filter(|mirror| view.lost.contains(&mirror.name)).count();
    let edited = plan.updates.iter().filter(|update| update.drifted).count();
    let name = |word: &str, name: crate::model::MirrorName| format!("{word} {}", name.object_name(directory));
    let deletes = plan.deletes.iter().map(|(mirror, _)| name("delete", *mirror));
    let deactivates = plan.deactivations.iter().map(|(mirror, _)| name("deactivate", *mirror));
    let creates = plan.creates.iter().map(|mirror| name("create", mirror.name));
    let updates = plan.updates.iter().map(|Update { mirror, .. }| name("update", mirror.name));
    PlanCounts {
        create: plan.creates.len(),
        update: plan.updates.len(),
        deactivate: plan.deactivations.len(),
        delete: plan.deletes.len(),
        unchanged: plan.unchanged,
        left_out: plan.left_out,
        drifted: recreated + edited,
        withheld: plan.withheld.clone(),
        sample: deletes.chain(deactivates).chain(updates).chain(creates).take(MAX_SAMPLE).collect(),
    }
}

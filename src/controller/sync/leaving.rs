//! What a plan takes away: when it is known to be gone, its marks are forgotten, and it is counted
//! for the day. The checkpoint has its names before the first of it goes, so that nothing of it is
//! missing in that count whenever the operator ends.

use super::super::approval::Approved;
use super::super::held_names::HeldNames;
use super::super::lasting::Lasting;
use super::super::memory::Memory;
use super::{Run, SyncError, form};
use crate::model::{Kind, MirrorName, State};
use crate::plan::guard::{self, Loss};
use crate::plan::{Observed, Plan};

/// What a plan takes away.
pub(super) struct Leaving {
    losses: Vec<(Loss, MirrorName)>,
    /// Those of the losses who are made inactive because they are missing.
    missing: Vec<MirrorName>,
}

impl Leaving {
    /// Takes note of a plan before it is carried out.
    pub(super) fn of(plan: &Plan) -> Self {
        let missing = plan.deactivations.iter().map(|(name, _)| *name).collect();
        Self { losses: guard::losses(plan), missing }
    }

    /// Puts the names of what goes unasked among what must outlive a restart; false when nothing does.
    pub(super) fn announce(&self, memory: &mut Memory) -> bool {
        let approved = are_approved(memory);
        let Some(lasting) = memory.lasting.as_mut().filter(|_| !approved) else { return false };
        let losses = self.losses.iter().filter(|(loss, _)| *loss != Loss::Shrink);
        let losses: Vec<_> = losses.copied().collect();
        lasting.leaving = (!losses.is_empty()).then(|| HeldNames { hash: String::new(), losses });
        lasting.leaving.is_some()
    }

    /// Looks who is gone now: forgets since when they were missing, and counts them, unless they
    /// were approved. Whoever could not be written is still there.
    pub(super) fn settle(self, run: &Run<'_>, memory: &mut Memory, now: i64) {
        let approved = are_approved(memory);
        let Some(lasting) = &mut memory.lasting else { return };
        lasting.leaving = None;
        let observed = |name| run.context.observed.get(run.key, name);
        for (loss, name) in &self.losses {
            if *loss == Loss::Delete && happened(*loss, observed(*name).as_ref()) {
                lasting.marks.remove(*name);
            }
        }
        for name in self.missing {
            if happened(Loss::Deactivate, observed(name).as_ref()) {
                lasting.marks.remove(name);
            }
        }
        if approved {
            lasting.recent.clear();
        } else {
            count(lasting, &self.losses, now, observed);
        }
    }
}

/// Whether somebody has approved who goes. Below the limits nobody is asked, whatever else is approved.
fn are_approved(memory: &Memory) -> bool {
    memory.approved.as_ref().is_some_and(Approved::names_mirrors)
}

/// Counts what went in a run that did not come to its end, as when the operator was killed.
///
/// # Errors
/// [`SyncError::Mirrors`] when it cannot be told who is there.
pub(super) async fn after_a_crash(run: &Run<'_>, memory: &mut Memory, now: i64) -> Result<(), SyncError> {
    if let Some(lasting) = memory.lasting.as_mut().filter(|lasting| lasting.leaving.is_some()) {
        // As long as the slices have not been read, nobody is known to be in them.
        form::know_slices(run).await?;
        catch_up(lasting, now, |name| run.context.observed.get(run.key, name));
    }
    Ok(())
}

fn catch_up(lasting: &mut Lasting, now: i64, observed: impl Fn(MirrorName) -> Option<Observed>) {
    if let Some(leaving) = lasting.leaving.take() {
        count(lasting, &leaving.losses, now, observed);
    }
}

fn count(
    lasting: &mut Lasting,
    losses: &[(Loss, MirrorName)],
    now: i64,
    observed: impl Fn(MirrorName) -> Option<Observed>,
) {
    let gone = |kind| {
        let of_kind = losses.iter().filter(|(_, name)| name.kind == kind);
        of_kind.filter(|(loss, name)| happened(*loss, observed(*name).as_ref())).count()
    };
    lasting.recent.add(now, gone(Kind::User), gone(Kind::Group));
}

fn happened(loss: Loss, mirror: Option<&Observed>) -> bool {
    match loss {
        Loss::Delete => mirror.is_none(),
        Loss::Deactivate => mirror.is_some_and(|observed| observed.state == Some(State::Inactive)),
        Loss::Shrink => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContentHash;

    const NOW: i64 = 1_790_000_000;

    fn mirror(state: State) -> Observed {
        Observed {
            hash: Some(ContentHash(1)),
            state: Some(state),
            members: 0,
            uid: 1,
            owner: 7,
            generation: 1,
            resource_version: 1,
        }
    }

    #[test]
    fn what_went_before_a_crash_is_counted_once_and_what_was_still_to_go_is_not() {
        let user = |id: &str| MirrorName::new(Kind::User, id);
        let group = MirrorName::new(Kind::Group, "1");
        let losses = vec![
            (Loss::Delete, user("gone")),
            (Loss::Delete, user("there")),
            (Loss::Deactivate, user("inactive")),
            (Loss::Deactivate, user("active")),
            (Loss::Delete, group),
        ];
        let observed = |name: MirrorName| {
            let states = [("there", State::Active), ("inactive", State::Inactive), ("active", State::Active)];
            states.into_iter().find(|(id, _)| user(id) == name).map(|(_, state)| mirror(state))
        };
        let leaving = Some(HeldNames { hash: String::new(), losses });
        let mut lasting = Lasting { leaving, ..Lasting::default() };
        catch_up(&mut lasting, NOW, observed);
        assert_eq!(lasting.recent.within(NOW), (2, 1));
        catch_up(&mut lasting, NOW, observed);
        assert_eq!(lasting.recent.within(NOW), (2, 1));
    }

    #[test]
    fn the_names_of_those_who_go_are_announced_and_nothing_is_where_nobody_goes() {
        let lasting = Some(Lasting::default());
        let mut memory = Memory { lasting, ..Memory::default() };
        let loss = (Loss::Delete, MirrorName::new(Kind::User, "1"));
        let leaving = Leaving { losses: vec![loss], missing: Vec::new() };
        assert!(leaving.announce(&mut memory));
        assert_eq!(memory.lasting.as_ref().unwrap().leaving.as_ref().unwrap().losses, [loss]);
        let shrinks = Leaving { losses: vec![(Loss::Shrink, loss.1)], missing: Vec::new() };
        assert!(!shrinks.announce(&mut memory));
        assert_eq!(memory.lasting.unwrap().leaving, None);
    }
}

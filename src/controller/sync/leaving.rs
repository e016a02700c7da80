//! What a plan takes away: when it is known to be gone, its marks are forgotten, and it is counted
//! for the day.

use super::super::memory::Memory;
use super::Run;
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

    /// Looks who is gone now: forgets since when they were missing, and counts them, unless they
    /// were approved. Whoever could not be written is still there.
    pub(super) fn settle(self, run: &Run<'_>, memory: &mut Memory, now: i64) {
        let approved = memory.approved.is_some();
        let Some(lasting) = &mut memory.lasting else { return };
        let (mut users, mut groups) = (0, 0);
        for (loss, name) in self.losses {
            let mirror = run.context.observed.get(run.key, name);
            if !happened(loss, mirror.as_ref()) {
                continue;
            }
            match name.kind {
                Kind::User => users += 1,
                Kind::Group => groups += usize::from(loss == Loss::Delete),
            }
            if loss == Loss::Delete {
                lasting.marks.remove(name);
            }
        }
        for name in self.missing {
            let mirror = run.context.observed.get(run.key, name);
            if happened(Loss::Deactivate, mirror.as_ref()) {
                lasting.marks.remove(name);
            }
        }
        if approved {
            lasting.recent.clear();
        } else {
            lasting.recent.add(now, users, groups);
        }
    }
}

fn happened(loss: Loss, mirror: Option<&Observed>) -> bool {
    match loss {
        Loss::Delete => mirror.is_none(),
        Loss::Deactivate => mirror.is_some_and(|observed| observed.state == Some(State::Inactive)),
        Loss::Shrink => false,
    }
}

//! Those whom a plan lets go: when it is known that they are gone, their marks are forgotten.

use super::super::memory::Memory;
use super::Run;
use crate::model::{MirrorName, State};
use crate::plan::Plan;

/// Those whom a plan lets go.
pub(super) struct Leaving {
    deleted: Vec<MirrorName>,
    deactivated: Vec<MirrorName>,
}

impl Leaving {
    /// Takes note of a plan before it is carried out.
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            deleted: plan.deletes.iter().map(|(name, _)| *name).collect(),
            deactivated: plan.deactivations.iter().map(|(name, _)| *name).collect(),
        }
    }

    /// Forgets since when those are missing who are gone now. Whoever could not be written stays
    /// due.
    pub(super) fn forget_gone(self, run: &Run<'_>, memory: &mut Memory) {
        let Some(marks) = &mut memory.marks else { return };
        let state = |name| run.context.observed.get(run.key, name).map(|observed| observed.state);
        let gone = self.deleted.into_iter().filter(|name| state(*name).is_none());
        let inactive =
            self.deactivated.into_iter().filter(|name| state(*name) == Some(Some(State::Inactive)));
        gone.chain(inactive).for_each(|name| marks.remove(name));
    }
}

//! What the passes of one normalisation share.

use super::expr::Machine;
use super::outcome::NormalizeError;
use super::rules::Rules;
use super::summary::Summary;
use crate::model::Snapshot;
use crate::model::snapshot::SnapshotError;

/// What all expressions together may cost for each record, on average: ten times what a condition
/// over fifty groups costs.
const COST_PER_RECORD: u64 = 64 * 1_024;

/// What all expressions together may cost however few records there are.
const COST_FLOOR: u64 = 64 * 1_024 * 1_024;

/// One normalisation.
pub struct Run<'a> {
    /// The Directory's rules.
    pub rules: &'a Rules,
    /// Evaluates their expressions.
    pub machine: Machine,
    /// What is counted.
    pub summary: Summary,
    records: usize,
    budget: u64,
}

/// Why a pass ends early.
pub enum Stop<E> {
    /// By ourselves.
    Own(NormalizeError),
    /// By the caller's own error.
    Caller(E),
}

impl<E> From<SnapshotError> for Stop<E> {
    fn from(error: SnapshotError) -> Self {
        Self::Own(error.into())
    }
}

impl<E: From<NormalizeError>> Stop<E> {
    /// The error as the caller knows it.
    pub fn into_error(self) -> E {
        match self {
            Self::Own(error) => error.into(),
            Self::Caller(error) => error,
        }
    }
}

impl<'a> Run<'a> {
    /// Begins.
    pub fn new(rules: &'a Rules, snapshot: &Snapshot) -> Self {
        let (users, groups) = snapshot.counts();
        let records = users + groups;
        let budget = COST_PER_RECORD.saturating_mul(records as u64).saturating_add(COST_FLOOR);
        Self { rules, machine: rules.machine(), summary: Summary::default(), records, budget }
    }

    /// Ends the run when its expressions have cost too much. The cost of a run is a sum, so that
    /// the order of the records decides nothing.
    pub fn check_cost<E>(&self) -> Result<(), Stop<E>> {
        if self.machine.total_cost() > self.budget {
            return Err(Stop::Own(NormalizeError::TooExpensive { records: self.records }));
        }
        Ok(())
    }
}

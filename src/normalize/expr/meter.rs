//! What an evaluation may cost, counted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cel::common::types::{CelBytes, CelList, CelMap, CelMapKey, CelOptional, CelString};
use cel::common::value::Val;

/// The most that one evaluation may cost: enough to walk some ten thousand list elements, little
/// enough to end within milliseconds.
pub const MAX_COST: u64 = 1 << 20;

/// What evaluating one node of an expression costs.
pub const NODE_COST: u64 = 16;

/// What a value costs besides its text.
const VALUE_COST: u64 = 16;

/// What a byte of text costs that a regular expression is matched with.
pub const MATCH_COST: u64 = 64;

/// What an element of a list costs that a function makes.
pub const ELEMENT_COST: u64 = 64;

/// Counts the cost of one evaluation after the other, and of all together.
///
/// Atomic only because the interpreter wants its functions shareable; one evaluation runs at a
/// time.
#[derive(Debug)]
pub struct Meter {
    /// The most that one evaluation may cost.
    budget: u64,
    spent: AtomicU64,
    total: AtomicU64,
    exhausted: AtomicBool,
}

/// The evaluation has cost more than its budget.
#[derive(Debug, PartialEq, Eq)]
pub struct Exhausted;

impl Default for Meter {
    fn default() -> Self {
        Self::with_budget(MAX_COST)
    }
}

impl Meter {
    /// A meter for evaluations that may each cost so much.
    pub const fn with_budget(budget: u64) -> Self {
        Self { budget, spent: AtomicU64::new(0), total: AtomicU64::new(0), exhausted: AtomicBool::new(false) }
    }

    /// Begins an evaluation.
    pub fn start(&self) {
        self.spent.store(0, Ordering::Relaxed);
        self.exhausted.store(false, Ordering::Relaxed);
    }

    /// Ends an evaluation; false when it went over its budget.
    pub fn finish(&self) -> bool {
        self.total.fetch_add(self.spent.load(Ordering::Relaxed), Ordering::Relaxed);
        !self.exhausted.load(Ordering::Relaxed)
    }

    /// What all evaluations have cost.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Pays for something that is about to be done.
    ///
    /// # Errors
    /// When the budget does not suffice; from then on nothing more can be paid.
    pub fn charge(&self, cost: u64) -> Result<(), Exhausted> {
        let spent = self.spent.load(Ordering::Relaxed).saturating_add(cost);
        if spent > self.budget || self.exhausted.load(Ordering::Relaxed) {
            self.exhausted.store(true, Ordering::Relaxed);
            self.spent.store(self.budget, Ordering::Relaxed);
            return Err(Exhausted);
        }
        self.spent.store(spent, Ordering::Relaxed);
        Ok(())
    }
}

/// The size of a value with everything in it, as a cost. Stops counting above the budget.
pub fn weight(value: &dyn Val) -> u64 {
    let mut total = 0;
    add_weight(value, &mut total);
    total
}

/// The size of a text, as a cost.
pub const fn text_weight(bytes: usize) -> u64 {
    VALUE_COST.saturating_add(bytes as u64)
}

fn add_weight(value: &dyn Val, total: &mut u64) {
    *total += VALUE_COST;
    if let Some(text) = value.downcast_ref::<CelString>() {
        *total += text.inner().len() as u64;
    } else if let Some(list) = value.downcast_ref::<CelList>() {
        add_all(list.inner().iter().map(AsRef::as_ref), total);
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        for key in map.inner().keys() {
            *total += VALUE_COST;
            if let CelMapKey::String(text) = key {
                *total += text.inner().len() as u64;
            }
        }
        add_all(map.inner().values().map(AsRef::as_ref), total);
    } else if let Some(optional) = value.downcast_ref::<CelOptional>() {
        add_all(optional.option().into_iter(), total);
    } else if let Some(bytes) = value.downcast_ref::<CelBytes>() {
        *total += bytes.inner().len() as u64;
    }
}

fn add_all<'b, 'v: 'b>(values: impl Iterator<Item = &'b (dyn Val + 'v)>, total: &mut u64) {
    for value in values {
        if *total > MAX_COST {
            return;
        }
        add_weight(value, total);
    }
}

//! One measured figure, its floor and its bound.

use std::fmt;

use serde::Serialize;

/// What a figure must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// The figure is smaller.
    Below(f64),
    /// The figure is not larger.
    AtMost(f64),
    /// The figure is this one.
    Exactly(f64),
    /// The figure is at least this share of the floor.
    ShareOfFloor(f64),
}

/// A line of the table, and of the summary.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was measured, of how many.
    pub what: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The same unit: what the same work costs without us, measured in the same run.
    pub floor: Option<f64>,
    /// The figure divided by the floor.
    pub ratio: Option<f64>,
    /// What must be reached; without it the figure is only told.
    #[serde(serialize_with = "as_text")]
    pub bound: Option<Bound>,
    /// Whether it is reached.
    pub met: bool,
}

impl Row {
    /// A figure without floor and bound.
    pub fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, unit, floor: None, ratio: None, bound: None, met: true }
    }

    /// A count without floor and bound.
    pub fn count(what: impl Into<String>, value: usize, unit: &'static str) -> Self {
        Self::new(what, number(value), unit)
    }

    /// Sets the floor.
    pub fn floor(self, floor: f64) -> Self {
        let ratio = (floor > 0.0).then(|| self.value / floor);
        Self { floor: Some(floor), ratio, ..self }.judged()
    }

    /// Sets the bound, if there is one.
    pub fn bound(self, bound: impl Into<Option<Bound>>) -> Self {
        Self { bound: bound.into(), ..self }.judged()
    }

    fn judged(self) -> Self {
        let met = match self.bound {
            None => true,
            Some(Bound::Below(limit)) => self.value < limit,
            Some(Bound::AtMost(limit)) => self.value <= limit,
            Some(Bound::Exactly(wanted)) => (self.value - wanted).abs() < f64::EPSILON,
            Some(Bound::ShareOfFloor(share)) => self.ratio.is_some_and(|ratio| ratio >= share),
        };
        Self { met, ..self }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below(limit) => write!(f, "< {limit}"),
            Self::AtMost(limit) => write!(f, "<= {limit}"),
            Self::Exactly(wanted) => write!(f, "= {wanted}"),
            Self::ShareOfFloor(share) => write!(f, "ratio >= {share}"),
        }
    }
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn as_text<S: serde::Serializer>(bound: &Option<Bound>, serializer: S) -> Result<S::Ok, S::Error> {
    bound.map(|bound| bound.to_string()).serialize(serializer)
}

/// A count as a figure.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub const fn number(count: usize) -> f64 {
    count as f64
}

/// The middle one of several figures.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len().is_multiple_of(2) {
        f64::midpoint(figures[middle - 1], figures[middle])
    } else {
        figures[middle]
    }
}

//! The rows, by number.

mod circumstances;
mod cluster;
mod deliveries;
mod records;
mod sources;

pub use circumstances::*;
pub use cluster::*;
pub use records::*;
pub use sources::*;

use super::fault::{Case, Course, Fault, Sign};

/// A chapter of the matrix: what its rows have in common, and the rows.
pub struct Chapter {
    /// Its headline.
    pub title: &'static str,
    /// Its rows, in order.
    pub rows: &'static [&'static Fault],
}

/// All rows, in the order of their numbers.
pub static MATRIX: &[Chapter] = &[
    Chapter { title: "The source", rows: sources::ROWS },
    Chapter { title: "People, groups and losses", rows: records::ROWS },
    Chapter { title: "The operator and the cluster", rows: cluster::ROWS },
    Chapter { title: "Webhooks and SCIM", rows: deliveries::ROWS },
    Chapter { title: "Circumstances", rows: circumstances::ROWS },
];

/// A row that tests show.
const fn shown(
    name: &'static str,
    title: &'static str,
    becomes: &'static str,
    seen: &'static [Case],
    recover: &'static str,
) -> Fault {
    Fault { name, title, course: Course::Shown { becomes, seen, recover } }
}

/// A row that no test shows.
const fn not_shown(name: &'static str, title: &'static str, reason: &'static str) -> Fault {
    Fault { name, title, course: Course::NotShown(reason) }
}

/// The source is not ready.
const fn source(reason: &'static str, message: &'static [&'static str]) -> Case {
    case("", source_sign(reason, message))
}

const fn source_sign(reason: &'static str, message: &'static [&'static str]) -> Sign {
    Sign::Condition { kind: "SourceReady", holds: false, reason, message }
}

/// Mirrors could not be written.
const fn output_sign(reason: &'static str, message: &'static [&'static str]) -> Sign {
    Sign::Condition { kind: "OutputReady", holds: false, reason, message }
}

/// Losses wait for an approval.
const fn held_losses(message: &'static [&'static str]) -> Case {
    case("", Sign::Condition { kind: "DeletionGuard", holds: false, reason: "PlanHeld", message })
}

/// All is well, with these words.
const fn ready(message: &'static [&'static str]) -> Case {
    case("", Sign::Condition { kind: "Ready", holds: true, reason: "Synced", message })
}

const fn case(when: &'static str, sign: Sign) -> Case {
    Case { when, sign }
}

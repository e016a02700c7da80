//! `spec.quarantine`: how many records may be held back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults;

/// How many people and groups may be held back before nothing is written.
///
/// A few that cannot be read or decided are mistakes at the source; many are a mistake of the
/// connection or the rules. Groups that are too large for an object do not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quarantine {
    /// Share of all people and groups of the source that may be held back; `100`: any number.
    #[serde(default = "defaults::quarantine_percent")]
    #[schemars(range(min = 0, max = 100))]
    pub max_percent: i32,
    /// So many may be held back however few there are.
    #[serde(default = "defaults::quarantine_minimum")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub minimum: i32,
}

impl Default for Quarantine {
    fn default() -> Self {
        Self { max_percent: defaults::QUARANTINE_PERCENT, minimum: defaults::QUARANTINE_MINIMUM }
    }
}

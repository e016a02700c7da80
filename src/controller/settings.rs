//! A Directory's spec, checked and compiled: what a run works with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kube::core::Duration as ApiDuration;

use crate::api::DirectorySpec;
use crate::api::directory::{InactiveUsers, MissingUsers};
use crate::model::ContentHash;
use crate::normalize::Rules;
use crate::plan::grace::{Fate, Policy};
use crate::plan::guard::Limits;
use crate::plan::quarantine::Tolerance;
use crate::sink::config_map::Form;
use crate::source::Problem;

/// Settings that are known to work.
pub struct Settings {
    /// Time between two syncs.
    pub interval: Duration,
    /// Time between two full readings.
    pub full_interval: Duration,
    /// How much a sync may take away without being asked.
    pub limits: Limits,
    /// How many records may be held back.
    pub tolerance: Tolerance,
    /// What becomes of those who are missing, and when.
    pub departure: Policy,
    /// Scope, mapping and roles, compiled.
    pub rules: Arc<Rules>,
    /// What stands in the ConfigMap, if one is asked for.
    pub config_map: Option<Arc<Form>>,
    /// Changes when the records may have changed their meaning: the provider's settings.
    pub source_hash: ContentHash,
    /// Changes when the mirrors may come out differently.
    pub rules_hash: ContentHash,
}

/// Fields that cannot work, each with a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The fields with their sentences.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentences: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
        f.write_str(&sentences.join("; "))
    }
}

impl std::error::Error for Invalid {}

impl Settings {
    /// Checks everything that can be known without connecting.
    ///
    /// # Errors
    /// With every field that cannot work.
    pub fn new(directory: &str, spec: &DirectorySpec) -> Result<Self, Invalid> {
        let mut problems = spec.provider.provider().problems();
        let interval = duration("spec.sync.interval", &spec.sync.interval, &mut problems);
        let full_interval = duration("spec.sync.fullInterval", &spec.sync.full_interval, &mut problems);
        let grace = duration("spec.deletion.graceTime", &spec.deletion.grace_time, &mut problems);
        let departure = departure(spec, grace);
        let attributes = spec.output.attributes.as_deref();
        let rules = Rules::compile(directory, &spec.scope, &spec.mapping, spec.roles.as_ref(), attributes)
            .map(|rules| if departure.inactive_users_go { rules.without_inactive_members() } else { rules });
        let rules = rules.map(Arc::new).map_err(|errors| {
            problems.extend(errors.into_iter().map(|error| Problem::new(error.field, error.message)));
        });
        let config_map = Form::new(directory, spec).map(|form| form.map(Arc::new));
        let config_map = config_map.unwrap_or_else(|found| {
            // What is wrong with other fields is told by the rules.
            problems.extend(found.into_iter().filter(|problem| problem.field.contains("configMap")));
            None
        });
        let source_hash = hash(&spec.provider, &mut problems);
        let parts = (&spec.provider, &spec.scope, &spec.mapping, &spec.roles, &spec.output);
        let gone = (&spec.deletion.missing_users, &spec.deletion.inactive_users);
        let rules_hash = hash(&(parts, gone), &mut problems);
        match rules {
            Ok(rules) if problems.is_empty() => {
                let (limits, tolerance) = (limits(spec), tolerance(spec));
                Ok(Self {
                    interval,
                    full_interval,
                    limits,
                    tolerance,
                    departure,
                    rules,
                    config_map,
                    source_hash,
                    rules_hash,
                })
            }
            _ => Err(Invalid { problems }),
        }
    }
}

fn departure(spec: &DirectorySpec, grace: Duration) -> Policy {
    Policy {
        missing_users: match spec.deletion.missing_users {
            MissingUsers::Delete => Fate::Delete,
            MissingUsers::Deactivate => Fate::Deactivate,
        },
        inactive_users_go: spec.deletion.inactive_users == InactiveUsers::Delete,
        // Less than a second is a grace time, too.
        grace: i64::try_from(grace.as_millis().div_ceil(1_000)).unwrap_or(i64::MAX),
    }
}

/// The guard's limits; the schema admits no negative ones.
fn limits(spec: &DirectorySpec) -> Limits {
    let guard = &spec.deletion.guard;
    Limits {
        percent: guard.percent.unsigned_abs(),
        minimum: guard.minimum.unsigned_abs() as usize,
        maximum: guard.maximum.unsigned_abs() as usize,
    }
}

fn tolerance(spec: &DirectorySpec) -> Tolerance {
    Tolerance {
        percent: spec.quarantine.max_percent.unsigned_abs(),
        minimum: spec.quarantine.minimum.unsigned_abs() as usize,
    }
}

fn duration(field: &str, text: &str, problems: &mut Vec<Problem>) -> Duration {
    let parsed = text.parse::<ApiDuration>().ok().filter(|duration| !duration.is_negative());
    parsed.map_or_else(
        || {
            problems.push(Problem::new(
                field,
                format!("'{text}' is not a duration; write it as 30s, 5m or 1h30m"),
            ));
            Duration::ZERO
        },
        Duration::from,
    )
}

fn hash(value: &impl serde::Serialize, problems: &mut Vec<Problem>) -> ContentHash {
    ContentHash::of(value).unwrap_or_else(|error| {
        problems.push(Problem::new("spec", format!("cannot be written as JSON: {error}")));
        ContentHash(0)
    })
}

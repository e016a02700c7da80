//! A Directory's spec, checked and compiled: what a run works with.

use std::sync::Arc;
use std::time::Duration;

use kube::core::Duration as ApiDuration;

use crate::api::DirectorySpec;
use crate::model::ContentHash;
use crate::normalize::Rules;
use crate::plan::guard::Limits;

/// Settings that are known to work.
pub struct Settings {
    /// Time between two syncs.
    pub interval: Duration,
    /// Time between two full readings.
    pub full_interval: Duration,
    /// How much a sync may take away without being asked.
    pub limits: Limits,
    /// Scope, mapping and roles, compiled.
    pub rules: Arc<Rules>,
    /// Changes when the records may have changed their meaning: the provider's settings.
    pub source_hash: ContentHash,
    /// Changes when the mirrors may come out differently.
    pub rules_hash: ContentHash,
}

/// Fields that cannot work, each with a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The sentences, each beginning with the path of its field.
    pub problems: Vec<String>,
}

impl Settings {
    /// Checks everything that can be known without connecting.
    ///
    /// # Errors
    /// With every field that cannot work.
    pub fn new(directory: &str, spec: &DirectorySpec) -> Result<Self, Invalid> {
        let mut problems: Vec<String> = spec
            .provider
            .provider()
            .problems()
            .into_iter()
            .map(|problem| format!("{}: {}", problem.field, problem.message))
            .collect();
        let interval = duration("spec.sync.interval", &spec.sync.interval, &mut problems);
        let full_interval = duration("spec.sync.fullInterval", &spec.sync.full_interval, &mut problems);
        let attributes = spec.output.attributes.as_deref();
        let rules = Rules::compile(directory, &spec.scope, &spec.mapping, spec.roles.as_ref(), attributes)
            .map(Arc::new);
        let rules = rules.map_err(|errors| {
            problems.extend(errors.into_iter().map(|error| format!("{}: {}", error.field, error.message)));
        });
        let source_hash = hash(&spec.provider, &mut problems);
        let parts = (&spec.provider, &spec.scope, &spec.mapping, &spec.roles, &spec.output);
        let rules_hash = hash(&parts, &mut problems);
        match rules {
            Ok(rules) if problems.is_empty() => {
                Ok(Self { interval, full_interval, limits: limits(spec), rules, source_hash, rules_hash })
            }
            _ => Err(Invalid { problems }),
        }
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

fn duration(field: &str, text: &str, problems: &mut Vec<String>) -> Duration {
    let parsed = text.parse::<ApiDuration>().ok().filter(|duration| !duration.is_negative());
    parsed.map_or_else(
        || {
            problems.push(format!("{field}: '{text}' is not a duration; write it as 30s, 5m or 1h30m"));
            Duration::ZERO
        },
        Duration::from,
    )
}

fn hash(value: &impl serde::Serialize, problems: &mut Vec<String>) -> ContentHash {
    ContentHash::of(value).unwrap_or_else(|error| {
        problems.push(format!("spec: cannot be written as JSON: {error}"));
        ContentHash(0)
    })
}

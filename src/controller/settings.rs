//! A Directory's spec, checked and compiled: what a run works with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kube::core::Duration as ApiDuration;

use crate::api::DirectorySpec;
use crate::api::directory::{InactiveUsers, MissingUsers, OutputMode};
use crate::model::{ContentHash, attributes};
use crate::normalize::{ALWAYS_COPIED, Rules};
use crate::plan::absence::Origins;
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
    /// The attributes that are asked for, and how each is made.
    pub origins: Arc<Origins>,
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
            .map(|rules| if departure.inactive_users_go { rules.without_inactive_members() } else { rules })
            .map(|rules| match spec.output.mode {
                OutputMode::Auto | OutputMode::Slices => rules.with_groups_of_any_size(),
                OutputMode::Objects | OutputMode::None => rules,
            });
        let rules = rules.map(Arc::new).map_err(|errors| {
            problems.extend(errors.into_iter().map(|error| Problem::new(error.field, error.message)));
        });
        let config_map = Form::new(directory, spec).map(|form| form.map(Arc::new));
        let config_map = config_map.unwrap_or_else(|found| {
            // What is wrong with other fields is told by the rules.
            problems.extend(found.into_iter().filter(|problem| problem.field.contains("configMap")));
            None
        });
        let origins = origins(spec, &mut problems);
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
                    origins: Arc::new(origins),
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

/// What a Directory asks for of people, with a hash of the rule that gives it where there is one.
fn origins(spec: &DirectorySpec, problems: &mut Vec<Problem>) -> Origins {
    let listed = |name: &str| {
        // Parts of a name are listed by the name.
        let name = name.split_once('.').map_or(name, |(whole, _)| whole);
        let list = spec.output.attributes.as_ref();
        ALWAYS_COPIED.contains(&name) || list.is_none_or(|list| list.iter().any(|listed| listed == name))
    };
    let mut origins: Origins = attributes::standard().map(|name| (name.to_owned(), ContentHash(0))).collect();
    for name in ["role", "roles"] {
        origins.insert(name.to_owned(), hash(&spec.roles, problems));
    }
    for rule in &spec.mapping {
        origins.insert(rule.attribute.clone(), hash(rule, problems));
    }
    origins.retain(|name, _| listed(name));
    origins
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked_for(patch: &serde_json::Value) -> Origins {
        let mut spec = json!({"provider": {"csv": {"from": {"configMap": {"name": "people"}}}}});
        spec.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
        let spec: DirectorySpec = serde_json::from_value(spec).unwrap();
        Arc::unwrap_or_clone(Settings::new("acme", &spec).unwrap().origins)
    }

    #[test]
    fn an_attribute_has_another_origin_when_the_rule_that_gives_it_is_another() {
        let mapping = |value: &str| json!({"mapping": [{"attribute": "title", "value": value}]});
        let (plain, one, two) =
            (asked_for(&json!({})), asked_for(&mapping("raw.a")), asked_for(&mapping("raw.b")));
        assert!(plain["title"] != one["title"] && one["title"] != two["title"]);
        assert_eq!(one["department"], two["department"]);
        let roles = json!({"roles": {"rules": [{"role": "admin", "groups": ["admins"]}]}});
        assert_ne!(asked_for(&roles)["role"], plain["role"]);
    }

    #[test]
    fn what_is_not_listed_is_not_asked_for() {
        let listed = asked_for(&json!({
            "mapping": [{"attribute": "badge", "value": "raw.a"}, {"attribute": "shoe", "value": "raw.b"}],
            "output": {"attributes": ["name", "badge"]},
        }));
        let names: Vec<&str> = listed.keys().map(String::as_str).collect();
        let expected =
            ["badge", "name.family", "name.formatted", "name.given", "role", "roles", "state", "userName"];
        assert_eq!(names, expected);
    }
}

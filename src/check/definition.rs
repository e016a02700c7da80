//! Our kinds as a check knows them: schema, rules, and what every object has.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serde_json::Value;

use super::complete::complete;
use super::rules::Rules;
use super::{metadata, structure};
use crate::api::{GROUP, VERSION, crd};
use crate::normalize::expr::{Library, MAX_COST, Machine};
use crate::source::Problem;
use crate::spelling::{did_you_mean, meant};

/// The most that a rule may cost. The rules are ours, and what they look at is bounded by the schema: a
/// list of 64 names is compared with as many expressions of 4096 characters.
const RULE_COST: u64 = 64 * MAX_COST;

/// All kinds of `directory-sync.io`.
pub struct Definitions {
    kinds: BTreeMap<String, Definition>,
    machine: Machine,
}

struct Definition {
    schema: JSONSchemaProps,
    rules: Rules,
}

impl Definitions {
    /// The definitions that this program installs.
    ///
    /// # Errors
    /// When they cannot be made or a rule of theirs does not compile: defects of this program.
    pub fn new() -> anyhow::Result<Self> {
        let mut library = Library::new();
        let mut kinds = BTreeMap::new();
        for definition in crd::all()? {
            let kind = definition.spec.names.kind;
            let version = definition.spec.versions.into_iter().next();
            let schema = version.and_then(|version| version.schema?.open_api_v3_schema);
            let mut schema = schema.with_context(|| format!("{kind} has no schema"))?;
            // The apiserver takes no status from a manifest.
            schema.properties.get_or_insert_default().remove("status");
            let rules = Rules::compile(&mut library, &schema).map_err(|error| anyhow!("{kind}: {error}"))?;
            kinds.insert(kind, Definition { schema, rules });
        }
        Ok(Self { kinds, machine: library.machine_with_budget(RULE_COST) })
    }

    /// Whether one of our kinds has this name.
    pub fn know(&self, kind: &str) -> bool {
        self.kinds.contains_key(kind)
    }

    /// Checks an object and completes it with the defaults of its schema.
    pub fn check(&self, object: &mut Value) -> Vec<Problem> {
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        if version != format!("{GROUP}/{VERSION}") {
            return vec![Problem::new("apiVersion", format!("there is only {GROUP}/{VERSION}"))];
        }
        let Some(definition) = self.kinds.get(kind) else {
            let known = self.kinds.keys().map(String::as_str);
            let names = known.clone().collect::<Vec<_>>().join(", ");
            let meant = did_you_mean(meant(kind, known));
            return vec![Problem::new("kind", format!("there is no such kind; there are {names}{meant}"))];
        };
        definition.check(&self.machine, object)
    }
}

impl Definition {
    fn check(&self, machine: &Machine, object: &mut Value) -> Vec<Problem> {
        complete(&self.schema, object);
        let mut problems = metadata::check(object);
        let mut body = object.clone();
        if let Some(fields) = body.as_object_mut() {
            for name in ["apiVersion", "kind", "metadata", "status"] {
                fields.remove(name);
            }
        }
        structure::check(&self.schema, &body, "", &mut problems);
        // Rules are for what has the right structure.
        if problems.is_empty() {
            self.rules.check(machine, &self.schema, object, "", &mut problems);
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_keyword_of_our_schemas_is_understood() {
        fn look(schema: &Value, found: &mut Vec<String>) {
            let Some(keywords) = schema.as_object() else { return };
            found.extend(
                keywords.keys().filter(|keyword| !structure::KEYWORDS.contains(&keyword.as_str())).cloned(),
            );
            keywords
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .for_each(|(_, field)| look(field, found));
            ["items", "additionalProperties"]
                .iter()
                .filter_map(|name| keywords.get(*name))
                .for_each(|below| look(below, found));
        }
        let mut unknown = Vec::new();
        for definition in crd::all().unwrap() {
            let schema = definition.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref();
            look(&serde_json::to_value(schema).unwrap(), &mut unknown);
        }
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn every_rule_of_our_schemas_is_about_an_object() {
        fn look(schema: &Value, found: &mut usize) {
            if let Some(rules) = schema["x-kubernetes-validations"].as_array() {
                assert_eq!(schema["type"], "object", "{rules:?}");
                *found += rules.len();
            }
            match schema {
                Value::Object(fields) => fields.values().for_each(|field| look(field, found)),
                Value::Array(list) => list.iter().for_each(|element| look(element, found)),
                _ => {}
            }
        }
        let mut rules = 0;
        look(&serde_json::to_value(crd::all().unwrap()).unwrap(), &mut rules);
        assert!(rules > 30, "{rules}");
    }

    #[test]
    fn kinds_and_versions_that_do_not_exist_are_named_with_those_that_do() {
        let definitions = Definitions::new().unwrap();
        let of = |version: &str, kind: &str| {
            let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}});
            definitions.check(&mut object)[0].to_string()
        };
        assert_eq!(
            of("directory-sync.io/v1", "Directory"),
            "apiVersion: there is only directory-sync.io/v1alpha1"
        );
        assert_eq!(
            of("directory-sync.io/v1alpha1", "Directry"),
            "kind: there is no such kind; there are Directory, DirectoryCheckpoint, DirectoryGroup, DirectorySlice, \
             DirectoryUser; did you mean 'Directory'?"
        );
        assert_eq!(of("directory-sync.io/v1alpha1", "Directory"), "spec: it must be set");
    }
}

//! The rules of a schema (`x-kubernetes-validations`), evaluated as the apiserver does.
//!
//! By the same bounded CEL as mapping and scope: a rule is about an object, which is `self`.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serde_json::Value;

use super::walk::{self, children};
use crate::normalize::expr::{CompileError, Library, Machine, Program};
use crate::source::Problem;

/// The rules of a schema and of everything below it.
#[derive(Default)]
pub struct Rules {
    own: Vec<Rule>,
    fields: BTreeMap<String, Rules>,
    elements: Option<Box<Rules>>,
    values: Option<Box<Rules>>,
}

struct Rule {
    program: Program,
    message: String,
    /// From the object to the field that the rule is about, with a dot in front.
    field: String,
}

impl Rules {
    /// Compiles all rules of a schema.
    ///
    /// # Errors
    /// When a rule does not compile: it uses something that the apiserver has and `Library` lacks.
    pub fn compile(library: &mut Library, schema: &JSONSchemaProps) -> Result<Self, CompileError> {
        let mut rules = Self::default();
        for rule in schema.x_kubernetes_validations.iter().flatten() {
            // A rule about a change has nothing to compare with.
            if rule.rule.contains("oldSelf") {
                continue;
            }
            rules.own.push(Rule {
                program: library.compile(&rule.rule, &["self"])?,
                message: rule.message.clone().unwrap_or_else(|| format!("failed rule: {}", rule.rule)),
                field: rule.field_path.clone().unwrap_or_default(),
            });
        }
        for (name, field) in schema.properties.iter().flatten() {
            rules.fields.insert(name.clone(), Self::compile(library, field)?);
        }
        let mut below = |schema: Option<&JSONSchemaProps>| {
            schema.map(|schema| Self::compile(library, schema).map(Box::new)).transpose()
        };
        rules.elements = below(walk::elements(schema))?;
        rules.values = below(walk::values(schema))?;
        Ok(rules)
    }

    /// Every rule that a value breaks. The value fits the structure of the schema.
    pub fn check(
        &self,
        machine: &Machine,
        schema: &JSONSchemaProps,
        value: &Value,
        path: &str,
        problems: &mut Vec<Problem>,
    ) {
        problems.extend(self.own.iter().filter_map(|rule| rule.broken(machine, value, path)));
        for child in children(schema, value, path) {
            if let Some(rules) = self.of(&child.path, path, value) {
                rules.check(machine, child.schema, child.value, &child.path, problems);
            }
        }
    }

    fn of(&self, child: &str, path: &str, value: &Value) -> Option<&Self> {
        if value.is_array() {
            return self.elements.as_deref();
        }
        let name = child.strip_prefix(path).unwrap_or(child);
        self.fields.get(name.trim_start_matches('.')).or(self.values.as_deref())
    }
}

impl Rule {
    fn broken(&self, machine: &Machine, value: &Value, path: &str) -> Option<Problem> {
        let field = format!("{path}{}", self.field);
        let field = field.trim_start_matches('.');
        let Value::Object(object) = value else {
            return Some(Problem::new(
                field,
                "a rule of the schema that is not about an object cannot be checked here",
            ));
        };
        match machine.decide(&self.program, &[("self", object)]) {
            Ok(true) => None,
            Ok(false) => Some(Problem::new(field, self.message.clone())),
            Err(failure) => Some(Problem::new(field, format!("{} ({failure})", self.message))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn broken_rules_are_told_at_their_field_at_every_depth() {
        let schema: JSONSchemaProps = serde_json::from_value(json!({
            "type": "object",
            "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "never"}],
            "properties": {
                "sync": {"type": "object", "properties": {"interval": {"type": "string"}}, "x-kubernetes-validations": [
                    {"rule": "duration(self.interval) >= duration('1s')", "message": "too short", "fieldPath": ".interval"},
                ]},
                "rules": {"type": "array", "items": {"type": "object", "x-kubernetes-validations": [
                    {"rule": "has(self.role)", "message": "no role"},
                ]}},
            },
        }))
        .unwrap();
        let mut library = Library::new();
        let rules = Rules::compile(&mut library, &schema).unwrap();
        let mut problems = Vec::new();
        let value = json!({"sync": {"interval": "10ms"}, "rules": [{"role": "x"}, {}]});
        rules.check(&library.machine(), &schema, &value, "", &mut problems);
        let found: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(found, ["rules[1]: no role", "sync.interval: too short"]);
        problems.clear();
        let value = json!({"sync": {"interval": "a while"}});
        rules.check(&library.machine(), &schema, &value, "", &mut problems);
        assert!(problems[0].message.starts_with("too short ("), "{problems:?}");
    }
}

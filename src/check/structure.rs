//! Checks a value against the structural part of a schema: fields, types, bounds.
//!
//! That is the dialect of CustomResourceDefinitions and not JSON Schema: unknown fields are wrong, lists
//! can be sets and maps, formats are few. A test of `definition` keeps it complete for our schemas.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serde_json::Value;

use super::walk::{self, below, children};
use crate::source::Problem;
use crate::spelling::{did_you_mean, meant};

/// The keywords that this module and `complete` and `rules` understand. Others only describe.
#[cfg(test)]
pub const KEYWORDS: &[&str] = &[
    "additionalProperties",
    "default",
    "description",
    "enum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minProperties",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "properties",
    "required",
    "title",
    "type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];

/// Up to how many names a message lists.
const MAX_LISTED: usize = 12;

/// Everything wrong with a value and what is below it.
pub fn check(schema: &JSONSchemaProps, value: &Value, path: &str, problems: &mut Vec<Problem>) {
    if schema.x_kubernetes_preserve_unknown_fields == Some(true) {
        return;
    }
    if let Some(wanted) = schema.type_.as_deref().filter(|wanted| !is_of_type(value, wanted)) {
        problems.push(Problem::new(path, wrong_type(value, wanted)));
        return;
    }
    if let Some(message) = not_in_enum(schema, value) {
        problems.push(Problem::new(path, message));
    }
    problems.extend(out_of_bounds(schema, value).map(|message| Problem::new(path, message)));
    match value {
        Value::Object(fields) => {
            let missing = schema.required.iter().flatten().filter(|name| !fields.contains_key(*name));
            problems.extend(missing.map(|name| Problem::new(below(path, name), "it must be set")));
            let unknown = fields.keys().filter(|name| walk::field(schema, name).is_none());
            problems.extend(unknown.map(|name| Problem::new(below(path, name), unknown_field(schema, name))));
        }
        Value::Array(list) => repeated(schema, list, path, problems),
        _ => {}
    }
    for child in children(schema, value, path) {
        check(child.schema, child.value, &child.path, problems);
    }
}

fn is_of_type(value: &Value, wanted: &str) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        _ => false,
    }
}

fn wrong_type(value: &Value, wanted: &str) -> String {
    let is = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let wanted_words = match wanted {
        "object" => "an object",
        "array" => "a list",
        "string" => "a text",
        "boolean" => "true or false",
        _ => "a whole number",
    };
    let scalar = value.is_boolean() || value.is_number();
    let hint = if wanted == "string" && scalar { "; write it in quotes" } else { "" };
    format!("it must be {wanted_words}, not {is}{hint}")
}

fn not_in_enum(schema: &JSONSchemaProps, value: &Value) -> Option<String> {
    let allowed = schema.enum_.as_ref()?;
    if allowed.iter().any(|allowed| allowed.0 == *value) {
        return None;
    }
    let names: Vec<&str> = allowed.iter().filter_map(|allowed| allowed.0.as_str()).collect();
    let meant = value.as_str().and_then(|value| meant(value, names.iter().copied()));
    Some(format!("it must be {}{}", names.join(" or "), did_you_mean(meant)))
}

/// What is too small or too large.
fn out_of_bounds(schema: &JSONSchemaProps, value: &Value) -> impl Iterator<Item = String> {
    let mut messages = Vec::new();
    let mut counted = |count: usize, least: Option<i64>, most: Option<i64>, unit: &str| {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        if let Some(least) = least.filter(|least| count < *least) {
            messages.push(format!("it has {count} {unit}, at least {least} are needed"));
        }
        if let Some(most) = most.filter(|most| count > *most) {
            messages.push(format!("it has {count} {unit}, at most {most} are allowed"));
        }
    };
    match value {
        Value::String(text) => {
            counted(text.chars().count(), schema.min_length, schema.max_length, "characters");
        }
        Value::Array(list) => counted(list.len(), schema.min_items, schema.max_items, "elements"),
        Value::Object(map) => counted(map.len(), schema.min_properties, schema.max_properties, "entries"),
        _ => {}
    }
    if let Some(number) = value.as_f64() {
        messages.extend(
            schema
                .minimum
                .filter(|least| number < *least)
                .map(|least| format!("it must be at least {least}")),
        );
        messages.extend(
            schema.maximum.filter(|most| number > *most).map(|most| format!("it must be at most {most}")),
        );
    }
    if let (Some("date-time"), Some(text)) = (schema.format.as_deref(), value.as_str())
        && text.parse::<jiff::Timestamp>().is_err()
    {
        messages.push("it must be a time like 2026-11-23T12:00:00Z".to_owned());
    }
    messages.into_iter()
}

fn unknown_field(schema: &JSONSchemaProps, name: &str) -> String {
    let known: Vec<&str> = schema.properties.iter().flatten().map(|(name, _)| name.as_str()).collect();
    if let Some(meant) = meant(name, known.iter().copied()) {
        return format!("there is no such field{}", did_you_mean(Some(meant)));
    }
    if known.is_empty() || known.len() > MAX_LISTED {
        return "there is no such field; remove it".to_owned();
    }
    let are = if known.len() == 1 { "is only" } else { "are" };
    format!("there is no such field; there {are} {}", known.join(", "))
}

/// Elements that a set or a map has twice.
fn repeated(schema: &JSONSchemaProps, list: &[Value], path: &str, problems: &mut Vec<Problem>) {
    let keys = schema.x_kubernetes_list_map_keys.as_deref().unwrap_or_default();
    let identity = |element: &Value| match schema.x_kubernetes_list_type.as_deref() {
        Some("set") => Some(vec![element.clone()]),
        Some("map") => keys.iter().map(|key| element.get(key).cloned()).collect(),
        _ => None,
    };
    let identities: Vec<Option<Vec<Value>>> = list.iter().map(identity).collect();
    for (place, identity) in identities.iter().enumerate().filter(|(_, identity)| identity.is_some()) {
        if identities[..place].contains(identity) {
            let same = if keys.is_empty() {
                String::new()
            } else {
                format!(" with the same {}", keys.join(" and "))
            };
            problems.push(Problem::new(
                format!("{path}[{place}]"),
                format!("an element{same} stands before it; keep one"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(schema: Value, value: &Value) -> Vec<String> {
        let schema: JSONSchemaProps = serde_json::from_value(schema).unwrap();
        let mut problems = Vec::new();
        check(&schema, value, "spec", &mut problems);
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn an_unknown_field_is_named_with_the_one_that_was_meant() {
        let field = json!({"type": "string"});
        let schema = json!({"type": "object", "properties": {"baseDN": field, "filter": field}});
        assert_eq!(
            found(schema.clone(), &json!({"baseDn": "x", "filters": "y", "okta": "z"})),
            [
                "spec.baseDn: there is no such field; did you mean 'baseDN'?",
                "spec.filters: there is no such field; did you mean 'filter'?",
                "spec.okta: there is no such field; there are baseDN, filter",
            ]
        );
        assert!(found(schema, &json!({"baseDN": "x"})).is_empty());
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object"}}});
        assert_eq!(
            found(schema, &json!({"data": {}})),
            ["spec.data: there is no such field; there is only spec"]
        );
    }

    #[test]
    fn bounds_count_characters_and_not_bytes() {
        let schema = json!({"type": "string", "minLength": 2, "maxLength": 3});
        assert!(found(schema.clone(), &json!("äöü")).is_empty());
        assert_eq!(found(schema.clone(), &json!("ä")), ["spec: it has 1 characters, at least 2 are needed"]);
        assert_eq!(found(schema, &json!("äöüß")), ["spec: it has 4 characters, at most 3 are allowed"]);
    }

    #[test]
    fn a_value_of_another_type_is_told_in_the_words_of_yaml() {
        assert_eq!(
            found(json!({"type": "string"}), &json!(7)),
            ["spec: it must be a text, not a number; write it in quotes"]
        );
        assert_eq!(
            found(json!({"type": "boolean"}), &json!("yes")),
            ["spec: it must be true or false, not a text"]
        );
        assert!(found(json!({"type": "integer"}), &json!(5.0)).is_empty());
        assert_eq!(
            found(json!({"type": "integer"}), &json!(5.5)),
            ["spec: it must be a whole number, not a number"]
        );
    }

    #[test]
    fn words_of_an_enumeration_are_listed() {
        let schema = json!({"type": "string", "enum": ["Retain", "Delete"]});
        assert_eq!(
            found(schema, &json!("retain")),
            ["spec: it must be Retain or Delete; did you mean 'Retain'?"]
        );
    }

    #[test]
    fn elements_of_sets_and_maps_come_once() {
        let set = json!({"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"});
        assert_eq!(found(set, &json!(["a", "b", "a"])), ["spec[2]: an element stands before it; keep one"]);
        let map = json!({
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "properties": {"name": {"type": "string"}}},
        });
        assert_eq!(
            found(map, &json!([{"name": "a"}, {"name": "b"}, {"name": "b"}])),
            ["spec[2]: an element with the same name stands before it; keep one"]
        );
    }
}

//! The part that every object has: its name, labels and annotations.

use serde_json::{Map, Value};

use crate::source::Problem;
use crate::spelling::{did_you_mean, meant};

/// The fields of an object's metadata.
const FIELDS: &[&str] = &[
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The longest name of an object (RFC 1123 subdomain).
const MAX_NAME: usize = 253;

/// What is wrong with the metadata of an object.
pub fn check(object: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let Some(metadata) = object.get("metadata").and_then(Value::as_object) else {
        return vec![Problem::new("metadata.name", "it must be set")];
    };
    for name in metadata.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
        let meant = did_you_mean(meant(name, FIELDS.iter().copied()));
        problems.push(Problem::new(format!("metadata.{name}"), format!("there is no such field{meant}")));
    }
    match metadata.get("name") {
        Some(Value::String(name)) if is_subdomain(name) => {}
        Some(Value::String(_)) => problems.push(Problem::new(
            "metadata.name",
            "a name has lower-case letters, digits, '-' and '.', and begins and ends with a letter or digit",
        )),
        Some(_) => problems.push(Problem::new("metadata.name", "it must be a text; write it in quotes")),
        None => problems.push(Problem::new("metadata.name", "it must be set")),
    }
    match metadata.get("namespace") {
        None | Some(Value::Null | Value::String(_)) => {}
        Some(_) => problems.push(Problem::new("metadata.namespace", "it must be a text; write it in quotes")),
    }
    texts(metadata, "labels", &mut problems);
    texts(metadata, "annotations", &mut problems);
    problems
}

/// Labels and annotations are texts; `enabled: true` is a common mistake.
fn texts(metadata: &Map<String, Value>, field: &str, problems: &mut Vec<Problem>) {
    match metadata.get(field) {
        None | Some(Value::Null) => {}
        Some(Value::Object(entries)) => {
            let wrong = entries.iter().filter(|(_, value)| !value.is_string() && !value.is_null());
            problems.extend(wrong.map(|(name, _)| {
                Problem::new(format!("metadata.{field}.{name}"), "it must be a text; write it in quotes")
            }));
        }
        Some(_) => problems.push(Problem::new(format!("metadata.{field}"), "it must be an object")),
    }
}

fn is_subdomain(name: &str) -> bool {
    let edge = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let label = |label: &str| {
        label.starts_with(edge)
            && label.ends_with(edge)
            && label.chars().all(|character| edge(character) || character == '-')
    };
    name.len() <= MAX_NAME && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(metadata: &Value) -> Vec<String> {
        check(&json!({"metadata": metadata})).iter().map(Problem::to_string).collect()
    }

    #[test]
    fn usual_metadata_have_no_problems() {
        let metadata =
            json!({"name": "acme.x-1", "namespace": "crm", "labels": {"a": "b"}, "annotations": null});
        assert_eq!(found(&metadata), Vec::<String>::new());
    }

    #[test]
    fn names_labels_and_unknown_fields_are_looked_at() {
        assert_eq!(found(&json!({"generateName": "acme-"})), ["metadata.name: it must be set"]);
        assert!(
            found(&json!({"name": "Acme"}))[0].starts_with("metadata.name: a name has lower-case letters")
        );
        assert_eq!(
            found(&json!({"name": "a", "label": {}, "labels": {"enabled": true}})),
            [
                "metadata.label: there is no such field; did you mean 'labels'?",
                "metadata.labels.enabled: it must be a text; write it in quotes",
            ]
        );
        assert_eq!(check(&json!({})).len(), 1);
    }
}

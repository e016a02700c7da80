//! The CustomResourceDefinitions as they are installed: derived schemas, made to speak plainly.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use super::{Directory, DirectoryCheckpoint, DirectoryGroup, DirectorySlice, DirectoryUser};

/// All definitions, in the order of installation.
///
/// # Errors
/// When a derived definition cannot be written as JSON and read back.
pub fn all() -> Result<Vec<CustomResourceDefinition>, serde_json::Error> {
    [
        Directory::crd(),
        DirectoryUser::crd(),
        DirectoryGroup::crd(),
        DirectorySlice::crd(),
        DirectoryCheckpoint::crd(),
    ]
    .into_iter()
    .map(speak_plainly)
    .collect()
}

fn speak_plainly(crd: CustomResourceDefinition) -> Result<CustomResourceDefinition, serde_json::Error> {
    let mut value = serde_json::to_value(crd)?;
    if let Some(versions) = value.pointer_mut("/spec/versions").and_then(Value::as_array_mut) {
        for schema in versions.iter_mut().filter_map(|version| version.pointer_mut("/schema/openAPIV3Schema"))
        {
            rewrite(schema);
            describe(schema);
        }
    }
    serde_json::from_value(value)
}

/// Says of the whole object what its spec says: the derive has no words of its own for it.
fn describe(schema: &mut Value) {
    if let Some(description) = schema.pointer("/properties/spec/description").cloned() {
        schema["description"] = description;
    }
}

/// Walks a schema and rewrites what the derive makes into what a person should meet.
fn rewrite(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        exactly_one_in_words(object);
        bound_condition(object);
        // An optional field is left out, not null: `nullable` would let a null through to CEL.
        object.remove("nullable");
        // The server warns about Go-foreign formats such as uint16.
        if object.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
            object.remove("format");
        }
        object.values_mut().for_each(rewrite);
    } else if let Some(list) = schema.as_array_mut() {
        list.iter_mut().for_each(rewrite);
    }
}

/// Replaces a union's `oneOf` by one CEL rule: the server's own words for a violated `oneOf` name
/// neither the members nor, when none is set, the right field.
fn exactly_one_in_words(object: &mut Map<String, Value>) {
    let Some(members) = object.get("oneOf").and_then(union_members) else { return };
    object.remove("oneOf");
    let set: Vec<String> = members.iter().map(|member| format!("has(self.{member})")).collect();
    let rule = json!({
        "rule": format!("[{}].exists_one(present, present)", set.join(", ")),
        "message": format!("exactly one of {} must be set", members.join(", ")),
    });
    let rules = object.entry("x-kubernetes-validations").or_insert_with(|| json!([]));
    if let Some(rules) = rules.as_array_mut() {
        rules.push(rule);
    }
}

/// Gives a condition the bounds that its type documents and its generated schema lacks.
fn bound_condition(object: &mut Map<String, Value>) {
    let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) else { return };
    if !["type", "status", "reason", "message", "lastTransitionTime"]
        .iter()
        .all(|name| properties.contains_key(*name))
    {
        return;
    }
    let bounds = [
        ("type", json!({"minLength": 1, "maxLength": 316})),
        ("status", json!({"enum": ["True", "False", "Unknown"]})),
        ("reason", json!({"minLength": 1, "maxLength": 1024})),
        ("message", json!({"maxLength": 32768})),
    ];
    for (name, bound) in bounds {
        let (Some(field), Value::Object(bound)) =
            (properties.get_mut(name).and_then(Value::as_object_mut), bound)
        else {
            continue;
        };
        field.extend(bound);
    }
}

/// The members of a union, when each alternative of `oneOf` just requires one property.
fn union_members(one_of: &Value) -> Option<Vec<String>> {
    one_of
        .as_array()?
        .iter()
        .map(|alternative| match alternative.get("required")?.as_array()?.as_slice() {
            [Value::String(member)] => Some(member.clone()),
            _ => None,
        })
        .collect()
}

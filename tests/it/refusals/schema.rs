//! What a definition constrains, found in the definition itself: so that no constraint is without a case.

use directory_sync::api::crd;
use serde_json::{Value, json};

use super::case::{base, set};

/// A constraint of a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// The field; `[]` stands for each element of a list, `{}` for each value of a map.
    pub path: String,
    pub keyword: String,
    /// The words of a rule.
    pub message: String,
}

/// The schema of a kind, as JSON.
pub fn of(kind: &str) -> Value {
    let definitions = crd::all().unwrap();
    let definition = definitions.iter().find(|crd| crd.spec.names.kind == kind).expect("a kind of ours");
    let schema = definition.spec.versions[0].schema.as_ref().unwrap();
    serde_json::to_value(schema.open_api_v3_schema.as_ref().unwrap()).unwrap()
}

/// Calls `visit` with the path and schema of everything below a schema.
pub fn walk(schema: &Value, path: &str, visit: &mut dyn FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        walk(field, &below, visit);
    }
    if schema["items"].is_object() {
        walk(&schema["items"], &format!("{path}[]"), visit);
    }
    if schema["additionalProperties"].is_object() {
        walk(&schema["additionalProperties"], &format!("{path}{{}}"), visit);
    }
}

/// Everything that the spec of a schema refuses, but for types and unknown fields.
pub fn constraints(schema: &Value) -> Vec<Constraint> {
    const KEYWORDS: &[&str] = &[
        "maxLength",
        "minLength",
        "pattern",
        "format",
        "enum",
        "minimum",
        "maximum",
        "maxItems",
        "minItems",
        "maxProperties",
        "minProperties",
        "x-kubernetes-list-map-keys",
    ];
    let mut found = Vec::new();
    walk(schema, "", &mut |path, schema| {
        if path.starts_with("status") {
            return;
        }
        let mut add = |path: String, keyword: &str, message: &str| {
            found.push(Constraint { path, keyword: keyword.to_owned(), message: message.to_owned() });
        };
        for keyword in KEYWORDS.iter().filter(|keyword| !schema[**keyword].is_null()) {
            // The range of an integer is narrower than its format.
            if *keyword == "format" && !schema["minimum"].is_null() && !schema["maximum"].is_null() {
                continue;
            }
            add(path.to_owned(), keyword, "");
        }
        if schema["x-kubernetes-list-type"] == "set" {
            add(path.to_owned(), "x-kubernetes-list-type", "");
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap();
            let field = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            add(field, "required", "");
        }
        for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            add(path.to_owned(), "rule", rule["message"].as_str().expect("a rule has words"));
        }
    });
    found
}

/// `spec.mapping[0].attribute` as it stands in a schema: `spec.mapping[].attribute`.
pub fn general(path: &str) -> String {
    let mut general = String::new();
    let mut inside = false;
    for character in path.chars() {
        inside &= !matches!(character, ']' | '}');
        if !inside {
            general.push(character);
        }
        inside |= matches!(character, '[' | '{');
    }
    general
}

/// A mistake that every field, or every object, can have.
pub struct Mistake {
    pub name: String,
    pub manifest: Value,
    /// Words of the refusal.
    pub says: String,
}

/// For every field of the spec a value of another type, for every object an unknown field.
pub fn mistakes(schema: &Value) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    walk(&schema["properties"]["spec"], "spec", &mut |path, schema| {
        let path = concrete(path);
        let kind = schema["type"].as_str().expect("everything has a type");
        let wrong = if kind == "string" { json!(7) } else { json!("text") };
        mistakes.push(mistake(&path, &wrong, &format!("{path} in body must be of type {kind}")));
        if schema["properties"].is_object() {
            let path = format!("{path}.typo");
            let says = format!("unknown field \"{path}\"");
            mistakes.push(mistake(&path, &json!("x"), &says));
        }
    });
    mistakes
}

fn mistake(path: &str, value: &Value, says: &str) -> Mistake {
    let mut manifest = base(path);
    set(&mut manifest, path, value);
    Mistake { name: path.to_owned(), manifest, says: says.replace('{', ".").replace('}', "") }
}

/// A path of a schema with an element for each list and a name for each map.
fn concrete(path: &str) -> String {
    let name = match path {
        path if path.contains(".userGroups.") => "user_id",
        path if path.contains(".groups.columns") => "group_id",
        _ => "email",
    };
    path.replace("[]", "[0]").replace("{}", &format!("{{{name}}}"))
}

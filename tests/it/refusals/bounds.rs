//! Nothing in our kinds is without a bound.

use serde_json::Value;

use super::schema;

/// What has no bound in the schema, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    // Text, number, boolean or a list of them: no type of a schema. The operator bounds each value and all
    // together before it writes them.
    ("DirectoryUser spec.attributes{}", "anything"),
];

/// What is missing for a schema to be bounded.
fn unbounded(schema: &Value) -> Option<&'static str> {
    let lacks = |keyword: &str| schema[keyword].is_null();
    let bounding_format = matches!(schema["format"].as_str(), Some("date-time"));
    match schema["type"].as_str() {
        Some("string") => (lacks("maxLength") && lacks("enum") && !bounding_format).then_some("maxLength"),
        Some("array") => lacks("maxItems").then_some("maxItems"),
        Some("object") if lacks("properties") => lacks("maxProperties").then_some("maxProperties"),
        Some("object" | "integer" | "boolean") => None,
        _ => Some("anything"),
    }
}

#[test]
fn every_text_list_and_map_of_every_kind_is_bounded() {
    let mut found = Vec::new();
    let mut seen = 0;
    for kind in ["Directory", "DirectoryUser", "DirectoryGroup", "DirectorySlice", "DirectoryCheckpoint"] {
        schema::walk(&schema::of(kind), "", &mut |path, schema| {
            seen += 1;
            if let Some(lacks) = unbounded(schema) {
                let here = format!("{kind} {path}");
                if !EXCEPTIONS.contains(&(here.as_str(), lacks)) {
                    found.push(format!("{here} lacks {lacks}"));
                }
            }
        });
    }
    assert!(seen > 150, "only {seen} schemas were found");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

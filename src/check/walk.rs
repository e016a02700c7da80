//! Walks a value along its schema.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::Value;

/// The schema of a list's elements.
pub fn elements(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match &schema.items {
        Some(JSONSchemaPropsOrArray::Schema(elements)) => Some(elements),
        _ => None,
    }
}

/// The schema of a map's values.
pub fn values(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(values)) => Some(values),
        _ => None,
    }
}

/// The schema of a field.
pub fn field<'s>(schema: &'s JSONSchemaProps, name: &str) -> Option<&'s JSONSchemaProps> {
    schema.properties.as_ref().and_then(|fields| fields.get(name)).or_else(|| values(schema))
}

/// Something below a value that the schema knows.
pub struct Child<'s, 'v> {
    /// Path from the root, as people write it.
    pub path: String,
    /// Its schema.
    pub schema: &'s JSONSchemaProps,
    /// Its value.
    pub value: &'v Value,
}

/// Everything right below a value that the schema knows.
pub fn children<'s, 'v>(schema: &'s JSONSchemaProps, value: &'v Value, path: &str) -> Vec<Child<'s, 'v>> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(name, value)| {
                Some(Child { path: below(path, name), schema: field(schema, name)?, value })
            })
            .collect(),
        Value::Array(list) => {
            let Some(schema) = elements(schema) else { return Vec::new() };
            let child = |(place, value)| Child { path: format!("{path}[{place}]"), schema, value };
            list.iter().enumerate().map(child).collect()
        }
        _ => Vec::new(),
    }
}

/// The path of a field.
pub fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

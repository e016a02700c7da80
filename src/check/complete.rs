//! Makes a value what the apiserver makes of it before it looks at it: nulls are nothing, and defaults
//! stand where nothing was said.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serde_json::Value;

use super::walk;

/// Takes the nulls of known fields away and adds the defaults of a schema.
pub fn complete(schema: &JSONSchemaProps, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, value| !value.is_null() || walk::field(schema, name).is_none());
            for (name, field) in schema.properties.iter().flatten() {
                if let Some(default) = &field.default {
                    fields.entry(name.clone()).or_insert_with(|| default.0.clone());
                }
            }
            for (name, value) in fields {
                if let Some(schema) = walk::field(schema, name) {
                    complete(schema, value);
                }
            }
        }
        Value::Array(list) => {
            if let Some(schema) = walk::elements(schema) {
                for element in list {
                    complete(schema, element);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_fill_what_is_absent_or_null_at_every_depth() {
        let schema: JSONSchemaProps = serde_json::from_value(json!({
            "type": "object",
            "properties": {
                "sync": {"type": "object", "default": {}, "properties": {
                    "interval": {"type": "string", "default": "5m"},
                    "note": {"type": "string"},
                }},
                "rules": {"type": "array", "items": {"type": "object", "properties": {
                    "required": {"type": "boolean", "default": false},
                }}},
            },
        }))
        .unwrap();
        let mut value = json!({"sync": null, "rules": [{}, {"required": true}], "unknown": null});
        complete(&schema, &mut value);
        let expected = json!({
            "sync": {"interval": "5m"}, "rules": [{"required": false}, {"required": true}], "unknown": null,
        });
        assert_eq!(value, expected);
        let mut value = json!({"sync": {"interval": "1m", "note": null}});
        complete(&schema, &mut value);
        assert_eq!(value, json!({"sync": {"interval": "1m"}}));
    }
}

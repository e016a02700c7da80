//! The bounds of normalised values: those of the schema in `model::user` and `model::group`, in
//! characters and entries, and those of what `mapping` adds.

/// Names, titles, addresses: most texts.
pub const TEXT: usize = 512;
/// Words such as `work`, dates and postal codes.
pub const WORD: usize = 64;
/// Telephone numbers and countries.
pub const SHORT_TEXT: usize = 128;
/// A whole postal address in one text.
pub const LONG_TEXT: usize = 1_024;
/// E-mail addresses and telephone numbers of a person.
pub const CONTACTS: usize = 32;
/// Postal addresses of a person.
pub const ADDRESSES: usize = 16;
/// Attributes that `mapping` adds to a person.
pub const ATTRIBUTES: usize = 64;
/// Role rules, and so the roles of a person.
pub const ROLES: usize = 64;

/// Values of one attribute that `mapping` adds.
pub const MAX_ATTRIBUTE_VALUES: usize = 64;
/// Bytes of one text that `mapping` adds.
pub const MAX_ATTRIBUTE_TEXT: usize = 4 * 1_024;
/// Bytes of JSON of all that `mapping` adds to a person: far below what the cluster stores in one
/// object.
pub const MAX_ATTRIBUTES_BYTES: usize = 128 * 1_024;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;
    use crate::model::{Group, User};

    /// Every bounded string and list below a schema, by path.
    fn bounds(schema: &Value, at: &Value, path: &str, found: &mut BTreeMap<String, u64>) {
        let mut branches = vec![at];
        for key in ["anyOf", "oneOf"] {
            branches.extend(at.get(key).and_then(Value::as_array).into_iter().flatten());
        }
        for branch in branches {
            let branch = match branch.get("$ref").and_then(Value::as_str) {
                Some(reference) => schema.pointer(reference.trim_start_matches('#')).unwrap(),
                None => branch,
            };
            for key in ["maxLength", "maxItems", "maxProperties"] {
                if let Some(bound) = branch.get(key).and_then(Value::as_u64) {
                    found.insert(format!("{path} {key}"), bound);
                }
            }
            for (name, property) in branch.get("properties").and_then(Value::as_object).into_iter().flatten()
            {
                bounds(schema, property, &format!("{path}.{name}"), found);
            }
            if let Some(items) = branch.get("items") {
                bounds(schema, items, &format!("{path}[]"), found);
            }
        }
    }

    fn bounds_of<T: schemars::JsonSchema>() -> BTreeMap<String, u64> {
        let schema = schemars::schema_for!(T).to_value();
        let mut found = BTreeMap::new();
        bounds(&schema, &schema, "", &mut found);
        found
    }

    #[test]
    fn the_bounds_are_those_of_the_schema() {
        let mut expected = BTreeMap::new();
        let mut add = |bound: usize, key: &str, paths: &str| {
            for path in paths.split_whitespace() {
                expected.insert(format!("{path} {key}"), bound as u64);
            }
        };
        add(
            TEXT,
            "maxLength",
            ".externalId .userName .email .name.given .name.family .name.formatted .displayName .title .department \
             .division .costCenter .organization .employeeNumber .employeeType .manager.externalId \
             .manager.userName .manager.displayName .manager.email .emails[].value .addresses[].streetAddress \
             .addresses[].locality .addresses[].region",
        );
        add(
            WORD,
            "maxLength",
            ".startDate .emails[].type .phoneNumbers[].type .addresses[].type .addresses[].postalCode",
        );
        add(SHORT_TEXT, "maxLength", ".phoneNumbers[].value .addresses[].country .role .roles[]");
        add(LONG_TEXT, "maxLength", ".addresses[].formatted");
        add(CONTACTS, "maxItems", ".emails .phoneNumbers");
        add(ADDRESSES, "maxItems", ".addresses");
        add(ROLES, "maxItems", ".roles");
        add(ATTRIBUTES, "maxProperties", ".attributes");
        assert_eq!(bounds_of::<User>(), expected);
    }

    #[test]
    fn the_bounds_of_groups_are_those_of_the_schema() {
        let found = bounds_of::<Group>();
        assert_eq!(found.get(".displayName maxLength"), Some(&(TEXT as u64)));
        assert_eq!(
            found.get(".members.users maxItems"),
            Some(&(crate::model::group::MAX_INLINE_MEMBERS as u64))
        );
    }
}

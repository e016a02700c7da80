//! The settings of a CSV source, as they stand in `spec.provider.csv`.

use kube::KubeSchema;
use kube::core::Rule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::columns::{Attribute, GROUPS, USER_GROUPS, USERS};
use crate::api::rule;
use crate::source::material::TextRef;

/// Tables of people, memberships and groups (RFC 4180), in the form that `WorkOS` takes by SFTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = keys_differ())]
pub struct CsvSpec {
    /// The ConfigMap or Secret that holds the tables as keys.
    pub from: TextRef,
    /// The table of people: one row each.
    #[serde(default)]
    pub users: UsersTable,
    /// The table of memberships: `group_name`, `user_id`. Used if the key is there.
    #[serde(default)]
    pub user_groups: UserGroupsTable,
    /// The table of groups: `group_name` and whatever else. Used if the key is there; groups that
    /// only the memberships name exist too.
    #[serde(default)]
    pub groups: GroupsTable,
    /// The character between two columns.
    #[serde(default)]
    pub delimiter: Delimiter,
}

/// The character between two columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Delimiter {
    /// `,`
    #[default]
    Comma,
    /// `;`
    Semicolon,
    /// A tabulator.
    Tab,
}

/// The table of people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = key(), validation = columns_of(USERS))]
pub struct UsersTable {
    /// Key of the ConfigMap or Secret.
    #[serde(default = "users_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
    /// Where a column has another name than the attribute: attribute to column, as in
    /// `user_id: "Personnel number"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "columns")]
    pub columns: BTreeMap<String, String>,
}

/// The table of memberships.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = key(), validation = columns_of(USER_GROUPS))]
pub struct UserGroupsTable {
    /// Key of the ConfigMap or Secret.
    #[serde(default = "user_groups_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
    /// Where a column has another name: `group_name` or `user_id` to column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "columns")]
    pub columns: BTreeMap<String, String>,
}

/// The table of groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = key(), validation = columns_of(GROUPS))]
pub struct GroupsTable {
    /// Key of the ConfigMap or Secret.
    #[serde(default = "groups_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
    /// Where a column has another name: `group_name` or `group_id` to column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "columns")]
    pub columns: BTreeMap<String, String>,
}

impl Default for UsersTable {
    fn default() -> Self {
        Self { key: users_key(), columns: BTreeMap::new() }
    }
}

impl Default for UserGroupsTable {
    fn default() -> Self {
        Self { key: user_groups_key(), columns: BTreeMap::new() }
    }
}

impl Default for GroupsTable {
    fn default() -> Self {
        Self { key: groups_key(), columns: BTreeMap::new() }
    }
}

fn users_key() -> String {
    "users.csv".to_owned()
}

fn user_groups_key() -> String {
    "user_groups.csv".to_owned()
}

fn groups_key() -> String {
    "groups.csv".to_owned()
}

/// Each table has a key of its own.
fn keys_differ() -> Rule {
    let keys = ["self.users.key", "self.userGroups.key", "self.groups.key"];
    Rule::new(format!("{0} != {1} && {0} != {2} && {1} != {2}", keys[0], keys[1], keys[2]))
        .message("users, userGroups and groups each need a key of their own")
}

/// A key that a ConfigMap or Secret can have.
fn key() -> Rule {
    rule::form("key", "^[-._a-zA-Z0-9]+$", "a key has only letters, digits, '-', '_' and '.'")
}

/// `columns` says where known attributes are.
fn columns_of(attributes: &[Attribute]) -> Rule {
    let names: Vec<&str> = attributes.iter().map(|attribute| attribute.name).collect();
    let known = rule::list(names.iter().copied());
    let message = format!("write one of {} on the left and the column's name on the right", names.join(", "));
    rule::field("columns", |it| format!("{it}.all(name, name in {known})"), &message)
}

/// Attribute to column name.
fn columns(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 256}
    })
}

//! The settings of a CSV source, as they stand in `spec.provider.csv`.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{S3Folder, SftpFolder};
use crate::source::Problem;
use crate::source::material::{ConfigMapRef, SecretRef};

/// Tables of people, memberships and groups (RFC 4180), in the form that `WorkOS` takes by SFTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = kube::core::Rule::new("(!has(self.from.sftp) && !has(self.from.s3)) || ((!has(self.users) || self.users.key == 'users.csv') && (!has(self.userGroups) || self.userGroups.key == 'user_groups.csv') && (!has(self.groups) || self.groups.key == 'groups.csv'))")
        .message("key is for tables in a ConfigMap or Secret; the names of files stand in from.sftp.files or from.s3.files")
)]
pub struct CsvSpec {
    /// Where the tables are.
    pub from: TablesFrom,
    /// The table of people: one row each.
    #[serde(default)]
    pub users: UsersTable,
    /// The table of memberships: `group_name`, `user_id`. Used if it is there.
    #[serde(default)]
    pub user_groups: UserGroupsTable,
    /// The table of groups: `group_name` and whatever else. Used if it is there; groups that
    /// only the memberships name exist too.
    #[serde(default)]
    pub groups: GroupsTable,
    /// The character between two columns.
    #[serde(default)]
    pub delimiter: Delimiter,
}

/// Where the tables are: exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TablesFrom {
    /// A ConfigMap that holds them as keys.
    ConfigMap(ConfigMapRef),
    /// A Secret that holds them as keys.
    Secret(SecretRef),
    /// Files on an SFTP server.
    Sftp(Box<SftpFolder>),
    /// Files in a bucket of an object store that speaks the protocol of Amazon S3.
    S3(Box<S3Folder>),
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
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

/// What is wrong with the keys of a ConfigMap or Secret.
pub fn key_problems(spec: &CsvSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    let keys = keys(spec);
    for (place, (field, key, _)) in keys.iter().enumerate() {
        if let Some((other, ..)) = keys[..place].iter().find(|(_, earlier, _)| earlier == key) {
            problems.push(Problem {
                field: format!("{field}.key"),
                message: format!("'{key}' is the key of {other} already; each table has a key of its own"),
            });
        }
    }
    problems
}

/// Keys that are set although the tables are files.
pub fn unused_keys(spec: &CsvSpec) -> Vec<Problem> {
    let set = keys(spec).into_iter().filter(|(_, key, default)| *key != default);
    set.map(|(field, ..)| Problem {
        field: format!("{field}.key"),
        message:
            "key is for tables in a ConfigMap or Secret; the names of files stand in from.sftp.files or \
                  from.s3.files"
                .to_owned(),
    })
    .collect()
}

fn keys(spec: &CsvSpec) -> [(&'static str, &str, String); 3] {
    [
        ("users", &spec.users.key, users_key()),
        ("userGroups", &spec.user_groups.key, user_groups_key()),
        ("groups", &spec.groups.key, groups_key()),
    ]
}

/// Attribute to column name.
fn columns(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 256}
    })
}

//! The settings of a CSV source, as they stand in `spec.provider.csv`.

use std::collections::BTreeMap;

use kube::KubeSchema;
use kube::core::Rule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::columns::{Attribute, GROUPS, USER_GROUPS, USERS};
use super::{PATH, S3Folder, SftpFolder};
use crate::api::rule;
use crate::source::Problem;
use crate::source::material::{ConfigMapRef, SecretRef};

/// Why a key is refused next to files.
const KEYS_ARE_FOR_OBJECTS: &str = "key is for tables in a ConfigMap or Secret; the names of files stand in from.sftp.files or from.s3.files";

/// Tables of people, memberships and groups (RFC 4180), in the form that `WorkOS` takes by SFTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = keys_differ(), validation = keys_are_for_objects())]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = key(), validation = columns_of(USERS), validation = each_column_once())]
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
#[x_kube(validation = key(), validation = columns_of(USER_GROUPS), validation = each_column_once())]
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
#[x_kube(validation = key(), validation = columns_of(GROUPS), validation = each_column_once())]
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

/// A column says one thing. Headers are compared without regard to case, spaces and hyphens, but here without regard to
/// case alone: what differs in the others is found before a connection is made.
fn each_column_once() -> Rule {
    rule::field(
        "columns",
        |it| format!("{it}.all(a, {it}.exists_one(b, {it}[b].lowerAscii() == {it}[a].lowerAscii()))"),
        "a column says one thing: give each attribute a column of its own (a mapping rule can copy one)",
    )
}

/// Files have names instead of keys.
fn keys_are_for_objects() -> Rule {
    let default = |field: &str, key: &str| format!("self.{field}.key == '{key}'");
    let defaults = [
        default("users", &users_key()),
        default("userGroups", &user_groups_key()),
        default("groups", &groups_key()),
    ];
    Rule::new(format!("(!has(self.from.sftp) && !has(self.from.s3)) || ({})", defaults.join(" && ")))
        .message(KEYS_ARE_FOR_OBJECTS)
}

/// What is wrong with the keys of a ConfigMap or Secret.
pub fn key_problems(spec: &CsvSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    let keys = keys(spec);
    for (place, (field, key, _)) in keys.iter().enumerate() {
        if let Some((other, ..)) = keys[..place].iter().find(|(_, earlier, _)| earlier == key) {
            problems.push(Problem::new(
                format!("{PATH}.{field}.key"),
                format!("'{key}' is the key of {other} already; each table has a key of its own"),
            ));
        }
    }
    problems
}

/// Keys that are set although the tables are files.
pub fn unused_keys(spec: &CsvSpec) -> Vec<Problem> {
    let set = keys(spec).into_iter().filter(|(_, key, default)| *key != default);
    set.map(|(field, ..)| Problem::new(format!("{PATH}.{field}.key"), KEYS_ARE_FOR_OBJECTS)).collect()
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

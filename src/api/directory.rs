//! `Directory`: a connection to one organisation's directory, and what to do with its people.

use kube::core::Rule;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config_map::{ConfigMapOutput, listed_attributes_are_mirrored};
use super::defaults;
use super::quarantine::Quarantine;
use super::rule;
use super::rules::{MappingRule, Roles, Scope};
use super::status::DirectoryStatus;
use crate::normalize::attribute_names;
use crate::source::ProviderSpec;

/// The longest name of a Directory: it is a label value, and mirrors add 23 characters to it.
pub const MAX_NAME: usize = 63;

/// A connection to one organisation's directory.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "directory-sync.io",
    version = "v1alpha1",
    kind = "Directory",
    plural = "directories",
    shortname = "dir",
    category = "directory-sync",
    namespaced,
    status = "DirectoryStatus",
    derive = "PartialEq",
    selectable = ".spec.organization",
    printcolumn(name = "Provider", type_ = "string", json_path = ".status.provider"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason"),
    printcolumn(name = "Since", type_ = "date", json_path = ".status.conditions[?(@.type=='Ready')].lastTransitionTime"),
    printcolumn(name = "Users", type_ = "integer", json_path = ".status.users.active"),
    printcolumn(name = "Groups", type_ = "integer", json_path = ".status.groups"),
    printcolumn(name = "Last-Sync", type_ = "date", json_path = ".status.lastSync.startTime"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = the_name_is_short_and_has_no_dot()
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = listed_attributes_exist(), validation = listed_attributes_are_mirrored())]
pub struct DirectorySpec {
    /// The name to show to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub display_name: Option<String>,
    /// Whose people these are, in your own words; selectable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub organization: Option<String>,
    /// Where the people come from: exactly one member, which cannot be exchanged for another.
    #[x_kube(validation = the_provider_stays())]
    pub provider: ProviderSpec,
    /// Whose directory it is: the id that `status.tenant` shows. If it is set, no other directory is
    /// read. Without it, none is read but the one that was read before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// When to sync.
    #[serde(default)]
    pub sync: Sync,
    /// Who is in; default: everybody and every group.
    #[serde(default)]
    pub scope: Scope,
    /// Attributes that the standard ones lack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["attribute"])
    )]
    pub mapping: Vec<MappingRule>,
    /// Groups to application roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Roles>,
    /// What happens to the mirrors of people and groups that are gone.
    #[serde(default)]
    pub deletion: Deletion,
    /// How many people and groups may be held back before nothing is written.
    #[serde(default)]
    pub quarantine: Quarantine,
    /// What is written into the cluster.
    #[serde(default)]
    pub output: Output,
}

/// `output.attributes` has only names that somebody has.
fn listed_attributes_exist() -> Rule {
    let standard = rule::list(attribute_names());
    Rule::new(format!(
        "!has(self.output) || !has(self.output.attributes) || self.output.attributes.all(name, name in {standard} || \
         (has(self.mapping) && self.mapping.exists(added, added.attribute == name)))"
    ))
    .message("output.attributes may only list standard attributes, such as email or department, and those that mapping adds")
    .field_path(".output.attributes")
}

fn the_name_is_short_and_has_no_dot() -> Rule {
    let name = "self.metadata.name";
    let message = format!(
        "metadata.name must have at most {MAX_NAME} characters and no dot: it is used as a label value and as the \
         beginning of the mirrors' names"
    );
    Rule::new(format!("{name}.size() <= {MAX_NAME} && !{name}.contains('.')")).message(message.as_str())
}

/// Another provider gives everybody another id: all people would be deleted and made anew.
fn the_provider_stays() -> Rule {
    let same = |name: &&str| format!("has(self.{name}) == has(oldSelf.{name})");
    let conditions: Vec<String> = ProviderSpec::NAMES.iter().map(same).collect();
    Rule::new(conditions.join(" && ")).message(
        "the provider cannot be exchanged for one of another kind, because every person would be deleted and made \
         anew with another id; create another Directory",
    )
}

/// When to sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule::duration("interval", defaults::MIN_INTERVAL, "168h"),
    validation = rule::duration("fullInterval", defaults::MIN_INTERVAL, "8760h")
)]
pub struct Sync {
    /// Time from the start of one sync to the start of the next, as `30s`, `5m` or `1h30m`.
    #[serde(default = "defaults::sync_interval")]
    #[schemars(length(max = 32))]
    pub interval: String,
    /// The longest time between two full readings of the directory; in between only changes are
    /// asked for, where the directory can tell them.
    #[serde(default = "defaults::full_interval")]
    #[schemars(length(max = 32))]
    pub full_interval: String,
    /// Stops syncing; what is in the cluster stays as it is.
    #[serde(default)]
    pub suspend: bool,
    /// Plans without writing: `status.plan` shows what a sync would do.
    #[serde(default)]
    pub dry_run: bool,
}

impl Default for Sync {
    fn default() -> Self {
        Self {
            interval: defaults::sync_interval(),
            full_interval: defaults::full_interval(),
            suspend: false,
            dry_run: false,
        }
    }
}

/// What happens to the mirrors of people and groups that are gone.
///
/// A mirror goes only after a complete reading of the directory that found somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule::duration("graceTime", "0s", "8760h"))]
pub struct Deletion {
    /// What happens, after `graceTime`, to people the directory no longer has, or who are no longer
    /// in scope. Groups are deleted.
    #[serde(default)]
    pub missing_users: MissingUsers,
    /// What happens to people whom the directory calls inactive: they stay with the state `Inactive`,
    /// or are deleted after `graceTime`.
    #[serde(default)]
    pub inactive_users: InactiveUsers,
    /// How long the mirrors of missing people and groups stay as they are, as `168h`; `0s`: they go
    /// at once. Whoever is back within that time has never been away.
    #[serde(default = "defaults::grace_time")]
    #[schemars(length(max = 32))]
    pub grace_time: String,
    /// What happens to all mirrors when the Directory itself is deleted.
    #[serde(default)]
    pub on_directory_delete: OnDirectoryDelete,
    /// How much a sync may take away without being asked.
    #[serde(default)]
    pub guard: Guard,
}

impl Default for Deletion {
    fn default() -> Self {
        Self {
            missing_users: MissingUsers::default(),
            inactive_users: InactiveUsers::default(),
            grace_time: defaults::grace_time(),
            on_directory_delete: OnDirectoryDelete::default(),
            guard: Guard::default(),
        }
    }
}

/// What happens to people the directory no longer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MissingUsers {
    /// Their mirrors are deleted.
    #[default]
    Delete,
    /// Their mirrors become inactive and stay.
    Deactivate,
}

/// What happens to people whom the directory calls inactive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum InactiveUsers {
    /// Their mirrors stay, with the state `Inactive`.
    #[default]
    Keep,
    /// Their mirrors are deleted, and they are in no group.
    Delete,
}

/// How much a sync may take away without being asked.
///
/// A plan that would delete or deactivate more, or in which a group of twenty or more loses more
/// than half of its members, is held: `status.pendingPlan` shows it, and creations and other
/// updates go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule::form("approvedPlan", "^([0-9a-f]{16})?$",
    "approvedPlan must be the hash that status.pendingPlan shows, such as 3f0c5a9d12e4b867"),
    validation = rule::form("allowEmpty", "^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$",
    "allowEmpty must be the Directory's own uid, as metadata.uid shows it"))]
pub struct Guard {
    /// Share of the active people, and of the groups, that may go in one sync.
    #[serde(default = "defaults::guard_percent")]
    #[schemars(range(min = 0, max = 100))]
    pub percent: i32,
    /// So many may go in one sync however few there are.
    #[serde(default = "defaults::guard_minimum")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub minimum: i32,
    /// More than that never go in one sync, however many there are, but for `minimum`.
    #[serde(default = "defaults::guard_maximum")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub maximum: i32,
    /// The hash of the held plan that may be carried out, from `status.pendingPlan.hash`. It stands
    /// for that very plan: one that has grown, or comes again later, needs a new approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub approved_plan: Option<String>,
    /// The uid of this Directory, if it may become empty: otherwise a reading that finds nobody
    /// takes nobody away. A plan that empties it needs its approval all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub allow_empty: Option<String>,
}

impl Guard {
    /// Whether the Directory with this uid may become empty.
    #[must_use]
    pub fn may_become_empty(&self, uid: &str) -> bool {
        self.allow_empty.as_deref().is_some_and(|allowed| allowed == uid)
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            percent: defaults::GUARD_PERCENT,
            minimum: defaults::GUARD_MINIMUM,
            maximum: defaults::GUARD_MAXIMUM,
            approved_plan: None,
            allow_empty: None,
        }
    }
}

/// What happens to all mirrors when the Directory itself is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnDirectoryDelete {
    /// They stay, and a Directory of the same name takes them over.
    #[default]
    Retain,
    /// They are deleted before the Directory is gone.
    Delete,
}

/// What is written into the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// The form of the result.
    #[serde(default)]
    pub mode: OutputMode,
    /// The attributes that are copied; default: the standard ones and what `mapping` adds.
    /// `externalId` and `state` are always there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), extend("x-kubernetes-list-type" = "set"), inner(length(min = 1, max = 64)))]
    pub attributes: Option<Vec<String>>,
    /// The same people and groups as files in a ConfigMap. Needs the chart's value
    /// `configMapOutput.enabled`. With `mode: None` it is not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapOutput>,
}

/// The form in which people and groups are in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Form {
    /// One `DirectoryUser` or `DirectoryGroup` each.
    Objects,
    /// Many in each `DirectorySlice`.
    Slices,
}

/// The form of the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OutputMode {
    /// Objects for a small directory, slices for a large one: more than 5,000 people, or a group with
    /// more than 1,000 members. A directory that shrinks goes back to objects below 4,000 people and
    /// groups of 800 members.
    #[default]
    Auto,
    /// One `DirectoryUser` or `DirectoryGroup` each. Groups have at most 1,000 members.
    Objects,
    /// Many people or groups in each `DirectorySlice`. Groups may be of any size.
    Slices,
    /// Nothing is written but the Directory's status, which counts what would be.
    None,
}

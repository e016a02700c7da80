//! `DirectoryCheckpoint`: what the operator must remember of a Directory across restarts.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::status::MAX_ATTRIBUTES;

/// What was reached with a Directory. Named like the Directory; not for people to edit.
///
/// After a restart, a source that reports no change since `cursor`, rules that still hash to
/// `rulesHash` and mirrors that still add up to `mirrors` prove together that nothing has to be
/// read or written.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "directory-sync.io",
    version = "v1alpha1",
    kind = "DirectoryCheckpoint",
    plural = "directorycheckpoints",
    category = "directory-sync",
    namespaced,
    derive = "PartialEq",
    printcolumn(name = "Directory", type_ = "string", json_path = ".spec.directory"),
    printcolumn(name = "Full-Sync", type_ = "date", json_path = ".spec.fullSyncTime"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryCheckpointSpec {
    /// Name of the Directory.
    #[schemars(length(min = 1, max = 63))]
    pub directory: String,
    /// Uid of the Directory.
    #[schemars(length(max = 64))]
    pub directory_uid: String,
    /// The operator process that works on the Directory, as in the Lease's `holderIdentity`. Whoever
    /// takes over puts its own here before it writes the first mirror, so that what the one before
    /// still has to say is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 320))]
    pub owner: Option<String>,
    /// Where the source's list of changes was left off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16384))]
    pub cursor: Option<String>,
    /// Hash of the provider's settings, scope, mapping, roles and output that the mirrors were
    /// made with.
    #[schemars(length(max = 64))]
    pub rules_hash: String,
    /// Hash over the names and contents of all mirrors.
    #[schemars(length(max = 64))]
    pub mirrors: String,
    /// When the directory was last read in full.
    pub full_sync_time: Time,
    /// Who is missing since when, for `spec.deletion.graceTime`. Of more than 50,000 people and
    /// groups the oldest are here; the grace time of the others begins anew after a restart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 512), extend("x-kubernetes-list-type" = "atomic"))]
    pub missing: Vec<MissingSince>,
    /// What was taken away within the last 24 hours without an approval, for the guard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub recent_losses: Vec<RecentLosses>,
    /// What is being taken away without an approval: written before the first of it is deleted, so that it
    /// is counted even if the operator does not live to do so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaving: Option<HeldLosses>,
    /// Whose directory was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Tenant>,
    /// How many people had an attribute when a reading was last believed: what many had and nobody has is
    /// not believed to be gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_ATTRIBUTES), extend("x-kubernetes-list-type" = "atomic"))]
    pub attributes: Vec<KnownAttribute>,
    /// Every mirror that the held plan of the status is about: the first 30,000 of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldLosses>,
}

/// What mirrors lose, one by one: the 100 bits of each mirror's name in thirteen bytes, all in base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldLosses {
    /// The hash of the plan, as in `status.pendingPlan`; empty for what needs no approval.
    #[schemars(length(max = 64))]
    pub hash: String,
    /// People who would be deleted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 520_000))]
    pub delete_users: String,
    /// People who would become inactive.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 520_000))]
    pub deactivate_users: String,
    /// Groups that would be deleted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 520_000))]
    pub delete_groups: String,
    /// Groups that would lose more than half of their members.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 520_000))]
    pub shrink_groups: String,
}

/// Whose directory was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tenant {
    /// What has the id: the name of the base entry, for one.
    #[schemars(length(max = 4096))]
    pub of: String,
    /// The id.
    #[schemars(length(max = 256))]
    pub id: String,
}

/// How many people had an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownAttribute {
    /// Its name.
    #[schemars(length(max = 64))]
    pub name: String,
    /// How many people had it.
    pub people: i64,
    /// Of how many people.
    pub of: i64,
    /// Hash of the rule that it was made by.
    #[schemars(length(max = 64))]
    pub origin: String,
}

/// What was taken away within one hour without an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecentLosses {
    /// The end of the hour.
    pub time: Time,
    /// People deleted or deactivated.
    pub users: i64,
    /// Groups deleted.
    pub groups: i64,
}

/// Who is missing since one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingSince {
    /// Since when.
    pub since: Time,
    /// People: the first 96 bits of the hash in each mirror's name, in base64.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 800_000))]
    pub users: String,
    /// Groups, in the same way.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 800_000))]
    pub groups: String,
}

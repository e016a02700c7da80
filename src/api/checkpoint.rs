//! `DirectoryCheckpoint`: what the operator must remember of a Directory across restarts.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

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
    pub full_sync_time: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time,
}

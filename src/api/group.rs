//! `DirectoryGroup`: one group with its members, in the same shape from every provider.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::model::Group;

/// A group of a Directory. Written by the operator alone; edits are undone.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "directory-sync.io",
    version = "v1alpha1",
    kind = "DirectoryGroup",
    plural = "directorygroups",
    shortname = "dgroup",
    category = "directory-sync",
    namespaced,
    derive = "PartialEq",
    selectable = ".spec.directory",
    selectable = ".spec.externalId",
    selectable = ".spec.displayName",
    printcolumn(name = "Display-Name", type_ = "string", json_path = ".spec.displayName"),
    printcolumn(name = "Members", type_ = "integer", json_path = ".spec.memberCount"),
    printcolumn(name = "Directory", type_ = "string", json_path = ".spec.directory"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryGroupSpec {
    /// Name of the Directory that the group comes from.
    #[schemars(length(min = 1, max = 63))]
    pub directory: String,
    /// The group.
    #[serde(flatten)]
    pub group: Group,
}

//! `DirectoryUser`: one person, in the same shape from every provider.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::model::User;

/// A person of a Directory. Written by the operator alone; edits are undone.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "directory-sync.io",
    version = "v1alpha1",
    kind = "DirectoryUser",
    plural = "directoryusers",
    shortname = "duser",
    category = "directory-sync",
    namespaced,
    derive = "PartialEq",
    selectable = ".spec.directory",
    selectable = ".spec.externalId",
    selectable = ".spec.userName",
    selectable = ".spec.email",
    selectable = ".spec.state",
    printcolumn(name = "User-Name", type_ = "string", json_path = ".spec.userName"),
    printcolumn(name = "Email", type_ = "string", json_path = ".spec.email"),
    printcolumn(name = "State", type_ = "string", json_path = ".spec.state"),
    printcolumn(name = "Role", type_ = "string", json_path = ".spec.role", priority = 1),
    printcolumn(name = "Directory", type_ = "string", json_path = ".spec.directory"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryUserSpec {
    /// Name of the Directory that the person comes from.
    #[schemars(length(min = 1, max = 63))]
    pub directory: String,
    /// The person.
    #[serde(flatten)]
    pub user: User,
}

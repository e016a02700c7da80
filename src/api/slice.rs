//! `DirectorySlice`: a part of a large Directory's people or groups in one object.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A part of a large Directory's people or groups, or the list of all parts. Written by the
/// operator alone; edits are undone.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "directory-sync.io",
    version = "v1alpha1",
    kind = "DirectorySlice",
    plural = "directoryslices",
    shortname = "dslice",
    category = "directory-sync",
    namespaced,
    derive = "PartialEq",
    selectable = ".spec.directory",
    selectable = ".spec.content",
    printcolumn(name = "Directory", type_ = "string", json_path = ".spec.directory"),
    printcolumn(name = "Content", type_ = "string", json_path = ".spec.content"),
    printcolumn(name = "Entries", type_ = "integer", json_path = ".spec.entries"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct DirectorySliceSpec {
    /// Name of the Directory that the entries come from.
    #[schemars(length(min = 1, max = 63))]
    pub directory: String,
    /// What the entries are.
    pub content: SliceContent,
    /// How many entries the payload has.
    #[schemars(range(min = 0))]
    pub entries: i32,
    /// The first 32 digits of the SHA-256 of the payload's text, in hexadecimal. The slice belongs to
    /// the view that the manifest describes if the manifest has the same.
    #[schemars(length(max = 64))]
    pub hash: String,
    /// The entries: lines of JSON, compressed with gzip, in base64.
    #[schemars(length(max = 1_000_000))]
    pub payload: String,
}

/// What the entries of a slice are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum SliceContent {
    /// People: what a `DirectoryUser` has as its spec, and its name.
    Users,
    /// Groups: what a `DirectoryGroup` has as its spec, and its name. The members of large groups are in
    /// slices of their own.
    Groups,
    /// Members of groups with more than 1,000 of them.
    Members,
    /// All slices that make one view, each with its hash.
    Manifest,
}

//! The custom resources: types, schemas and the words on which other programs rely. No I/O.

pub mod checkpoint;
pub mod config_map;
pub mod crd;
pub mod defaults;
pub mod directory;
pub mod group;
pub mod quarantine;
pub mod rule;
pub mod rules;
pub mod slice;
pub mod status;
pub mod user;

pub use checkpoint::{DirectoryCheckpoint, DirectoryCheckpointSpec};
pub use directory::{Directory, DirectorySpec};
pub use group::{DirectoryGroup, DirectoryGroupSpec};
pub use slice::{DirectorySlice, DirectorySliceSpec};
pub use user::{DirectoryUser, DirectoryUserSpec};

/// The API group of all kinds.
pub const GROUP: &str = "directory-sync.io";
/// The version of all kinds.
pub const VERSION: &str = "v1alpha1";

/// Label on every mirror, checkpoint and ConfigMap that is written: the name of the Directory it belongs to.
pub const LABEL_DIRECTORY: &str = "directory-sync.io/directory";
/// Label on every user mirror: `Active` or `Inactive`.
pub const LABEL_STATE: &str = "directory-sync.io/state";
/// Label on every ConfigMap that is written: stands for the content that it belongs to.
pub const LABEL_CONTENT: &str = "directory-sync.io/content";
/// Annotation on every mirror: hash of its content and the generation that holds it. On a ConfigMap
/// that is written: the hash of all files together.
pub const ANNOTATION_CONTENT: &str = "directory-sync.io/content-hash";
/// Annotation on every mirror and ConfigMap that is written: uid of the Directory it is from.
pub const ANNOTATION_DIRECTORY_UID: &str = "directory-sync.io/directory-uid";
/// Annotation that a person sets on a Directory to any new value to sync at once.
pub const ANNOTATION_SYNC_REQUESTED: &str = "directory-sync.io/sync-requested-at";
/// Annotation that a person sets on a Directory to any new value to read everything again.
pub const ANNOTATION_FULL_SYNC_REQUESTED: &str = "directory-sync.io/full-sync-requested-at";
/// Finalizer on Directories with `onDirectoryDelete: Delete`.
pub const FINALIZER: &str = "directory-sync.io/delete-mirrors";
/// Name under which the operator owns fields.
pub const FIELD_MANAGER: &str = "directory-sync";

//! The one shape of a group, whatever directory it comes from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many members one group object holds inline; a larger group is refused, never cut.
pub const MAX_INLINE_MEMBERS: usize = 1_000;

/// A group, normalised, with its members by object name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The provider's immutable id of the group.
    #[schemars(length(min = 1, max = 512))]
    pub external_id: String,
    /// The group's name to show. Not unique in every directory.
    #[schemars(length(max = 512))]
    pub display_name: String,
    /// How many members the list has.
    #[schemars(range(min = 0, max = 1000))]
    pub member_count: i32,
    /// Direct members that are in the Directory's scope, in a stable order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), extend("x-kubernetes-list-type" = "atomic"))]
    pub members: Vec<Member>,
}

/// One member: the name of a `DirectoryUser` or of a `DirectoryGroup` in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Member {
    /// Name of a `DirectoryUser`.
    User(#[schemars(length(max = 253))] String),
    /// Name of a `DirectoryGroup`.
    Group(#[schemars(length(max = 253))] String),
}

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
    /// How many members are listed.
    #[schemars(range(min = 0, max = 1000))]
    pub member_count: i32,
    /// Direct members that are in the Directory's scope, together at most 1,000.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub members: Members,
}

/// Members by the names of their objects in the same namespace, in a stable order.
///
/// Lists of text, because every object of a list costs the apiserver as much to check as ten texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Members {
    /// Names of `DirectoryUser`s.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 1000),
        extend("x-kubernetes-list-type" = "atomic"),
        inner(length(max = 253))
    )]
    pub users: Vec<String>,
    /// Names of `DirectoryGroup`s.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 1000),
        extend("x-kubernetes-list-type" = "atomic"),
        inner(length(max = 253))
    )]
    pub groups: Vec<String>,
}

impl Members {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.users.len() + self.groups.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }
}

//! The parts of a Directory that decide who is in and what is made of them: scope, mapping, roles.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule;
use crate::normalize::FIXED_ATTRIBUTES as FIXED;

/// The longest CEL expression, in characters.
pub const MAX_EXPRESSION: usize = 4_096;

/// Who is in. Whoever is not counts as missing, not as deleted at the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    /// CEL that is true for people who are in, over `user` (the normalised person) and `raw` (the
    /// provider's record). Default: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub users: Option<String>,
    /// CEL that is true for groups that are in, over `group` (`externalId`, `displayName`) and
    /// `raw`. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub groups: Option<String>,
    /// Whether only people who are in a group of the scope, directly or through other groups, are
    /// in.
    #[serde(default)]
    pub only_group_members: bool,
}

/// One attribute that the standard ones lack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule::form("attribute", r"^[A-Za-z][A-Za-z0-9_]*$",
        "an attribute's name begins with a letter and has only letters, digits and '_'"),
    validation = rule::field("attribute", |it| format!("!({it} in {})", rule::list(FIXED.iter().copied())),
        &format!("mapping cannot set {}; choose another name", FIXED.join(", ")))
)]
pub struct MappingRule {
    /// Name of the attribute: a member of the user's `attributes`, or, when it is the name of a
    /// standard text attribute (`title`, `department`, `costCenter` …), that one.
    #[schemars(length(min = 1, max = 64))]
    pub attribute: String,
    /// CEL over `raw` (the provider's record) and `user` (the standard attributes).
    #[schemars(length(min = 1, max = 4096))]
    pub value: String,
    /// Whether a person without this attribute is held back instead of synced without it.
    #[serde(default)]
    pub required: bool,
}

/// Groups to application roles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Roles {
    /// Rules in order of priority: the first that matches gives `role`, all that match `roles`.
    #[schemars(length(min = 1, max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    pub rules: Vec<RoleRule>,
    /// The role of people whom no rule matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub default: Option<String>,
}

/// One role and the groups that give it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleRule {
    /// The role.
    #[schemars(length(min = 1, max = 128))]
    pub role: String,
    /// Display names of groups, whole, or `*` for anyone who is in any group of the scope.
    /// Membership counts directly and through other groups.
    #[schemars(
        length(min = 1, max = 256),
        inner(length(min = 1, max = 512)),
        extend("x-kubernetes-list-type" = "atomic")
    )]
    pub groups: Vec<String>,
}

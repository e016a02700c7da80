//! Groups to application roles.

use std::collections::HashMap;

use super::limits::ROLES;
use super::text::{self, Lines};
use crate::api::rules::Roles;

/// What being in a group gives, directly or through other groups: small enough to be kept for
/// every group and added up for every person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// One bit for each role rule that matches.
    rules: u64,
    /// Whether a group of the scope is among them.
    pub any: bool,
    /// Whether a group is among them of which it is not known whether it is in scope.
    pub unknown: bool,
}

impl Grants {
    /// What a group gives of which it is not known whether it is in scope.
    pub const UNKNOWN: Self = Self { rules: 0, any: false, unknown: true };

    /// What a group may give of which nothing is known.
    pub const ALL: Self = Self { rules: u64::MAX, any: true, unknown: false };

    /// What a group of the scope gives where there are no roles.
    pub const ANY: Self = Self { rules: 0, any: true, unknown: false };

    /// Whether both stand for the same roles.
    #[must_use]
    pub const fn same_rules(self, other: Self) -> bool {
        self.rules == other.rules
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self {
            rules: self.rules | other.rules,
            any: self.any || other.any,
            unknown: self.unknown || other.unknown,
        }
    }
}

/// The role rules, ready to be applied.
#[derive(Debug, Default)]
pub struct RoleTable {
    roles: Vec<String>,
    by_group: HashMap<String, u64>,
    any_group: u64,
    default: Option<String>,
}

impl RoleTable {
    /// Prepares the rules; more than [`ROLES`] are refused by the schema.
    #[must_use]
    pub fn new(roles: &Roles) -> Self {
        let mut table = Self { default: roles.default.clone(), ..Self::default() };
        for (place, rule) in roles.rules.iter().take(ROLES).enumerate() {
            let bit = 1_u64 << place;
            table.roles.push(rule.role.clone());
            for group in &rule.groups {
                if group == "*" {
                    table.any_group |= bit;
                } else if let Some(name) = text::clean(group.clone(), Lines::Joined) {
                    *table.by_group.entry(name).or_default() |= bit;
                }
            }
        }
        table
    }

    /// What a group of the scope gives by itself.
    #[must_use]
    pub fn grants(&self, display_name: &str) -> Grants {
        let rules = self.by_group.get(display_name).copied().unwrap_or_default();
        Grants { rules: rules | self.any_group, any: true, unknown: false }
    }

    /// The roles that grants stand for, in order of priority, each once; the default when there
    /// are none.
    #[must_use]
    pub fn roles(&self, grants: Grants) -> Vec<String> {
        let mut roles: Vec<String> = Vec::new();
        for (place, role) in self.roles.iter().enumerate() {
            if grants.rules >> place & 1 == 1 && !roles.contains(role) {
                roles.push(role.clone());
            }
        }
        if roles.is_empty() {
            roles.extend(self.default.clone());
        }
        roles
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::rules::RoleRule;

    fn table() -> RoleTable {
        let rule = |role: &str, groups: &[&str]| RoleRule {
            role: role.into(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        };
        RoleTable::new(&Roles {
            rules: vec![
                rule("owner", &["app-owners"]),
                rule("admin", &["app-admins", "app-owners"]),
                rule("owner", &["founders"]),
                rule("member", &["*"]),
            ],
            default: Some("guest".into()),
        })
    }

    #[test]
    fn all_matches_come_in_order_of_priority_and_each_role_once() {
        let table = table();
        let grants = table.grants("app-owners").with(table.grants("founders"));
        assert_eq!(table.roles(grants), ["owner", "admin", "member"]);
    }

    #[test]
    fn a_star_matches_any_group_and_names_match_whole() {
        let table = table();
        assert_eq!(table.roles(table.grants("app-admins-old")), ["member"]);
    }

    #[test]
    fn who_is_in_no_group_gets_the_default() {
        assert_eq!(table().roles(Grants::default()), ["guest"]);
    }
}

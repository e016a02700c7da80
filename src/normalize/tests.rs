//! Whole normalisations: what a person who writes a Directory gets to see.

mod example;
mod groups;
mod lost;
mod properties;
mod rules;

use serde_json::{Map, Value};

use super::*;
use crate::api::rules::{MappingRule, RoleRule, Roles, Scope};
use crate::model::snapshot::Record;
use crate::model::{Group, GroupRecord, Key, Kind, Members, MirrorName, User, UserRecord};

/// The settings of a Directory, to be changed by a test.
#[derive(Debug, Default)]
struct Settings {
    scope: Scope,
    mapping: Vec<MappingRule>,
    roles: Option<Roles>,
    attributes: Option<Vec<String>>,
}

impl Settings {
    fn users(expression: &str) -> Self {
        Self { scope: Scope { users: Some(expression.into()), ..Scope::default() }, ..Self::default() }
    }

    fn groups(expression: &str) -> Self {
        Self { scope: Scope { groups: Some(expression.into()), ..Scope::default() }, ..Self::default() }
    }

    fn only_group_members() -> Self {
        Self { scope: Scope { only_group_members: true, ..Scope::default() }, ..Self::default() }
    }

    fn mapping(rules: &[(&str, &str, bool)]) -> Self {
        let mapping = rules
            .iter()
            .map(|(attribute, value, required)| MappingRule {
                attribute: (*attribute).into(),
                value: (*value).into(),
                required: *required,
            })
            .collect();
        Self { mapping, ..Self::default() }
    }

    fn roles(rules: &[(&str, &[&str])], default: Option<&str>) -> Self {
        let rules = rules
            .iter()
            .map(|(role, groups)| RoleRule {
                role: (*role).into(),
                groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            })
            .collect();
        Self { roles: Some(Roles { rules, default: default.map(Into::into) }), ..Self::default() }
    }

    fn compile(&self) -> Result<Rules, Vec<RuleError>> {
        Rules::compile("acme", &self.scope, &self.mapping, self.roles.as_ref(), self.attributes.as_deref())
    }
}

fn person(id: &str) -> UserRecord {
    UserRecord {
        keys: vec![Key(format!("dn:{id}"))],
        user: User {
            external_id: id.into(),
            user_name: Some(id.into()),
            email: Some(format!("{id}@acme.example")),
            ..User::default()
        },
        manager: None,
        member_of: Vec::new(),
        raw: Map::new(),
    }
}

fn group(id: &str, members: &[&str]) -> GroupRecord {
    GroupRecord {
        external_id: id.into(),
        keys: vec![Key(format!("dn:{id}"))],
        display_name: id.into(),
        members: members.iter().map(|member| Key(format!("dn:{member}"))).collect(),
        member_of: Vec::new(),
        raw: Map::new(),
    }
}

fn snapshot(users: Vec<UserRecord>, groups: Vec<GroupRecord>) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for user in users {
        snapshot.upsert(&Record::User(Box::new(user))).unwrap();
    }
    for group in groups {
        snapshot.upsert(&Record::Group(Box::new(group))).unwrap();
    }
    snapshot
}

/// Everything that came out of a normalisation.
#[derive(Debug, Default)]
struct Normalized {
    users: Vec<User>,
    groups: Vec<Group>,
    held: Vec<(MirrorName, QuarantineReason, String)>,
    summary: Summary,
}

impl Normalized {
    fn user(&self, id: &str) -> &User {
        self.users.iter().find(|user| user.external_id == id).unwrap_or_else(|| panic!("{id} is not there"))
    }

    fn ids(&self) -> Vec<&str> {
        self.users.iter().map(|user| user.external_id.as_str()).collect()
    }

    fn group(&self, id: &str) -> &Group {
        self.groups
            .iter()
            .find(|group| group.external_id == id)
            .unwrap_or_else(|| panic!("{id} is not there"))
    }

    fn held(&self, kind: Kind, id: &str) -> (QuarantineReason, &str) {
        let name = MirrorName::new(kind, id);
        let found = self.held.iter().find(|(held, ..)| *held == name);
        found.map_or_else(|| panic!("{id} is not held"), |(_, reason, message)| (*reason, message.as_str()))
    }
}

fn run(snapshot: &Snapshot, settings: &Settings) -> Normalized {
    let rules = settings.compile().unwrap_or_else(|errors| panic!("{errors:?}"));
    let mut result = Normalized::default();
    let summary = normalize::<NormalizeError>(snapshot, &rules, &mut |outcome| {
        match outcome {
            Outcome::User(user) => {
                assert!(result.groups.is_empty(), "people come before groups");
                result.users.push(user);
            }
            Outcome::Group(group) => result.groups.push(group),
            Outcome::Quarantined { name, reason, message } => result.held.push((name, reason, message)),
        }
        Ok(())
    });
    result.summary = summary.unwrap();
    result
}

/// The members with these ids, as a group lists them.
fn members(users: &[&str], groups: &[&str]) -> Members {
    let names = |kind: Kind, ids: &[&str]| {
        let mut names: Vec<String> =
            ids.iter().map(|id| MirrorName::new(kind, id).object_name("acme")).collect();
        names.sort();
        names
    };
    Members { users: names(Kind::User, users), groups: names(Kind::Group, groups) }
}

fn raw(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => panic!("not an object"),
    }
}

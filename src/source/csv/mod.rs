//! People as tables of text (RFC 4180): the small team's directory, kept in Git.

mod columns;
mod groups;
mod memberships;
mod notes;
mod people;
mod pull;
mod spec;
mod table;
mod text;

pub use spec::{CsvSpec, Delimiter, GroupsTable, UserGroupsTable, UsersTable};

use super::{Cursor, Material, Problem, Provider, Reference, Source, SourceError};
use crate::model::ContentHash;
use groups::Groups;
use memberships::MembershipTable;
use people::People;
use pull::CsvSource;
use table::Table;

/// Where a provider's settings stand in a Directory.
const PATH: &str = "spec.provider.csv";

impl Provider for CsvSpec {
    fn references(&self) -> Vec<Reference> {
        vec![self.from.reference()]
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = columns::problems("users", columns::USERS, &self.users.columns);
        problems.extend(columns::problems("userGroups", columns::USER_GROUPS, &self.user_groups.columns));
        problems.extend(columns::problems("groups", columns::GROUPS, &self.groups.columns));
        let keys =
            [("users", &self.users.key), ("userGroups", &self.user_groups.key), ("groups", &self.groups.key)];
        for (place, (field, key)) in keys.iter().enumerate() {
            if let Some((other, _)) = keys[..place].iter().find(|(_, earlier)| earlier == key) {
                problems.push(Problem {
                    field: format!("{PATH}.{field}.key"),
                    message: format!(
                        "'{key}' is the key of {other} already; each table has a key of its own"
                    ),
                });
            }
        }
        problems
    }

    fn source(&self, material: &Material) -> Result<Box<dyn Source>, SourceError> {
        let from = self.from.reference();
        let open = |key: &str| -> Result<Table, SourceError> {
            let bytes = material.require(&from, key)?;
            Table::open(key, format!("{from} key '{key}'"), bytes, self.delimiter)
        };
        // A table that the settings name is missed; one that they leave at its default may lack.
        let open_if_there = |key: &str, default: &str| {
            let wanted = key != default || material.get(&from, key).is_some();
            wanted.then(|| open(key)).transpose()
        };
        let people = People::open(open(&self.users.key)?, &self.users.columns)?;
        let memberships = open_if_there(&self.user_groups.key, &UserGroupsTable::default().key)?
            .map(|table| MembershipTable::open(table, &self.user_groups.columns))
            .transpose()?;
        let groups = open_if_there(&self.groups.key, &GroupsTable::default().key)?
            .map(|table| Groups::open(table, &self.groups.columns))
            .transpose()?;
        let keys = [&self.users.key, &self.user_groups.key, &self.groups.key];
        let cursor = cursor(keys.map(|key| material.get(&from, key)));
        Ok(Box::new(CsvSource { people, memberships, groups, cursor }))
    }
}

/// The tables' contents as a cursor: equal contents, no changes. The number in front changes when
/// the reading of tables does, so that an upgrade reads them again.
fn cursor(tables: [Option<&[u8]>; 3]) -> Cursor {
    let hash = tables.map(|table| table.map(|bytes| ContentHash::of_bytes(bytes).to_string()));
    Cursor(format!("1:{}", hash.map(|hash| hash.unwrap_or_else(|| "-".to_owned())).join(":")))
}

#[cfg(test)]
mod tests;

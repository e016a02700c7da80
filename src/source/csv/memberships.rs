//! The table of memberships: who is in which group.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::columns::{Columns, USER_GROUPS};
use super::people;
use super::table::Table;
use crate::model::{ContentHash, ExternalId, Key, Kind, Rejected};
use crate::source::SourceError;

/// How many memberships are read: they are kept in memory until all groups have been handed out.
const MAX_MEMBERSHIPS: usize = 5_000_000;

/// The table with its columns found.
pub struct MembershipTable {
    table: Table,
    columns: Columns,
}

/// All memberships by group.
#[derive(Debug, Default)]
pub struct Memberships {
    name_column: String,
    /// What a person should know of the header.
    pub notes: Vec<String>,
    names: Vec<ExternalId>,
    groups: HashMap<String, Group>,
    /// Hashes of the memberships that have been read: a million of them take about 36 MB.
    known: HashSet<ContentHash>,
}

#[derive(Debug, Default)]
struct Group {
    members: Vec<Key>,
    /// The first row that does not say who is meant.
    unreadable: Option<Rejected>,
}

impl MembershipTable {
    /// Finds the columns.
    ///
    /// # Errors
    /// As [`Columns::find`].
    pub fn open(table: Table, custom: &BTreeMap<String, String>) -> Result<Self, SourceError> {
        let columns = Columns::find(&table, USER_GROUPS, custom)?;
        Ok(Self { table, columns })
    }
}

impl Memberships {
    /// Reads the whole table. A membership that is there twice counts once.
    ///
    /// # Errors
    /// [`crate::source::Class::Incomplete`] when the table is cut, or a row does not say which
    /// group it is about: a membership left out would take somebody's access away.
    /// [`crate::source::Class::Misconfigured`] when there are more than five million.
    pub async fn read(from: MembershipTable) -> Result<Self, SourceError> {
        let MembershipTable { mut table, columns } = from;
        let name_column = columns.get("group_name").and_then(|column| table.header.get(column));
        let mut memberships = Self {
            name_column: name_column.cloned().unwrap_or_default(),
            notes: columns.notes.clone(),
            ..Self::default()
        };
        let mut rows = 0;
        while let Some(row) = table.next().await? {
            rows += 1;
            let row = row.map_err(|ragged| unknown_group(&table, ragged.line, &ragged.reason))?;
            let name =
                row.id(&columns, "group_name").map_err(|reason| unknown_group(&table, row.line, &reason))?;
            let user = row.id(&columns, "user_id");
            if rows > MAX_MEMBERSHIPS {
                return Err(SourceError::misconfigured(format!(
                    "{} has more than {MAX_MEMBERSHIPS} rows; divide the tables among several Directories",
                    table.place()
                )));
            }
            memberships.add(&name, user.map_err(|reason| table.reject(Kind::Group, row.line, reason)));
        }
        memberships.known = HashSet::new();
        Ok(memberships)
    }

    fn add(&mut self, name: &ExternalId, user: Result<ExternalId, Rejected>) {
        if !self.groups.contains_key(name.as_str()) {
            self.names.push(name.clone());
        }
        let group = self.groups.entry(name.as_str().to_owned()).or_default();
        match user {
            Err(rejected) => {
                group.unreadable.get_or_insert(rejected);
            }
            Ok(user) => {
                // No id has a control character, so no two memberships are written alike.
                let membership = format!("{}\u{0}{}", name.as_str(), user.as_str());
                if self.known.insert(ContentHash::of_bytes(membership.as_bytes())) {
                    group.members.push(people::key(user.as_str()));
                }
            }
        }
    }

    /// The groups' names in the order in which they first appear.
    pub fn names(&self) -> impl Iterator<Item = &ExternalId> {
        self.names.iter()
    }

    /// The members of a group; an error when some row does not say who is meant, so that the
    /// group's members are not known.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<Result<&[Key], &Rejected>> {
        let group = self.groups.get(name)?;
        Some(group.unreadable.as_ref().map_or(Ok(&group.members), Err))
    }

    /// The header's name of the column with the groups' names.
    #[must_use]
    pub fn name_column(&self) -> &str {
        &self.name_column
    }
}

fn unknown_group(table: &Table, line: usize, reason: &str) -> SourceError {
    SourceError::incomplete(format!(
        "{}: {reason}; which group the membership is of is unknown, so nothing is changed until the row is corrected",
        table.position(line)
    ))
}

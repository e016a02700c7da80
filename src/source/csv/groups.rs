//! The tables of memberships and groups as group records.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use super::batch::Batch;
use super::columns::{Columns, GROUPS};
use super::memberships::Memberships;
use super::notes::Seen;
use super::rows::Row;
use super::table::{Ragged, Table};
use crate::model::{ExternalId, GroupRecord, Key, Kind, Links, Rejected};
use crate::source::pages::Pages;
use crate::source::{Page, SourceError};

/// The groups' own table with its columns found.
pub struct Groups {
    table: Table,
    columns: Columns,
}

impl Groups {
    /// Finds the columns.
    ///
    /// # Errors
    /// As [`Columns::find`].
    pub fn open(table: Table, custom: &BTreeMap<String, String>) -> Result<Self, SourceError> {
        let columns = Columns::find(&table, GROUPS, custom)?;
        Ok(Self { table, columns })
    }
}

/// Hands out the groups of their own table in its order, then those that only memberships name.
/// Returns what a person should know of the table.
///
/// # Errors
/// As [`Table::next`].
pub async fn list(
    groups: Option<Groups>,
    memberships: &Memberships,
    pages: &Pages,
) -> Result<Vec<String>, SourceError> {
    let mut reading = Reading { memberships, names: HashSet::new(), nameless: None };
    let mut batch = Batch::new(pages, Page::Groups);
    let Some(Groups { mut table, columns }) = groups else {
        reading.only_in_memberships(None, &mut batch).await;
        batch.send().await;
        return Ok(Vec::new());
    };
    let mut seen = Seen::default();
    while let Some(row) = table.next().await? {
        let group = reading.described(&table, &columns, row, &mut seen);
        batch.push(group).await;
    }
    reading.only_in_memberships(Some((&table.header, &columns)), &mut batch).await;
    batch.send().await;
    let attribute = if columns.get("group_id").is_some() { "group_id" } else { "group_name" };
    Ok(columns.notes.iter().cloned().chain(seen.note(&table.key, attribute)).collect())
}

struct Reading<'a> {
    memberships: &'a Memberships,
    /// Names that the groups' own table has.
    names: HashSet<String>,
    /// A row of the groups' own table that may be any group.
    nameless: Option<Rejected>,
}

impl Reading<'_> {
    fn described(
        &mut self,
        table: &Table,
        columns: &Columns,
        row: Result<Row, Ragged>,
        seen: &mut Seen,
    ) -> Result<GroupRecord, Rejected> {
        // It has the members of no other group than those that only memberships name, and these are told of one by one.
        let nobody = |line, reason| Rejected {
            links: Links::alone(Some(Vec::new())).into(),
            ..table.reject(Kind::Group, line, reason)
        };
        let named = row.map_err(|ragged| nobody(ragged.line, ragged.reason)).and_then(|row| {
            let name = row.id(columns, "group_name").map_err(|reason| nobody(row.line, reason))?;
            Ok((row, name))
        });
        let (row, name) = named.inspect_err(|rejected| self.nameless = Some(rejected.clone()))?;
        let new = self.names.insert(name.as_str().to_owned());
        let reject = |id, reason| {
            let rejected = table.reject(Kind::Group, row.line, reason);
            Rejected { id, links: self.links(name.as_str()).into(), ..rejected }
        };
        let id = match columns.get("group_id") {
            Some(_) => row.id(columns, "group_id").map_err(|reason| reject(None, reason))?,
            None => name.clone(),
        };
        let new_id = seen.add(id.as_str(), row.line);
        if new_id && !new {
            let reason = "an earlier row has the same group_name, and memberships name groups by it; give each \
                          group a name of its own";
            return Err(reject(Some(id), reason.to_owned()));
        }
        if let Some(reason) = table.not_text(&row) {
            return Err(reject(Some(id), reason));
        }
        self.group(id, name.as_str(), table.raw(&row, columns))
    }

    /// Groups without a row of their own have their name as id. Where ids have a column, a group
    /// whose row cannot be read must not come back under its name.
    async fn only_in_memberships(
        &mut self,
        own: Option<(&[String], &Columns)>,
        batch: &mut Batch<'_, GroupRecord>,
    ) {
        let ids_differ = own.is_some_and(|(_, columns)| columns.get("group_id").is_some());
        let nameless = self.nameless.take().filter(|_| ids_differ);
        for name in self.memberships.names().filter(|name| !self.names.contains(name.as_str())) {
            let group = match &nameless {
                Some(rejected) => {
                    Err(Rejected { links: self.links(name.as_str()).into(), ..rejected.clone() })
                }
                None => self.group(name.clone(), name.as_str(), raw_of(own, self.memberships, name.as_str())),
            };
            batch.push(group).await;
        }
    }

    /// What is known of a group that cannot be used, by its name. No record refers to a group.
    fn links(&self, name: &str) -> Links {
        let members = match self.memberships.of(name) {
            None => Some(Vec::new()),
            Some(Ok(members)) => Some(members.to_vec()),
            Some(Err(_)) => None,
        };
        Links { members, display_name: Some(name.to_owned()), ..Links::alone(Some(Vec::new())) }
    }

    fn group(&self, id: ExternalId, name: &str, raw: Map<String, Value>) -> Result<GroupRecord, Rejected> {
        let members = match self.memberships.of(name) {
            None => Vec::new(),
            Some(Ok(members)) => members.to_vec(),
            Some(Err(rejected)) => {
                return Err(Rejected { id: Some(id), links: self.links(name).into(), ..rejected.clone() });
            }
        };
        Ok(GroupRecord {
            external_id: id.as_str().to_owned(),
            keys: vec![Key(format!("group:{name}"))],
            display_name: name.to_owned(),
            members,
            member_of: Vec::new(),
            raw,
        })
    }
}

/// The same members of `raw` for every group: empty where a group has no row of its own.
fn raw_of(own: Option<(&[String], &Columns)>, memberships: &Memberships, name: &str) -> Map<String, Value> {
    let Some((header, columns)) = own else {
        return Map::from_iter([(memberships.name_column().to_owned(), name.into())]);
    };
    let value = |column| if columns.get("group_name") == Some(column) { name } else { "" };
    let cell = |&column: &usize| Some((header.get(column)?.clone(), value(column).into()));
    columns.raw().iter().filter_map(cell).collect()
}

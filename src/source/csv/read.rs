//! The tables as pages of records.

use super::batch::Batch;
use super::groups::{self, Groups};
use super::memberships::{MembershipTable, Memberships};
use super::notes::Seen;
use super::part::Part;
use super::people::People;
use super::spec::CsvSpec;
use super::table::Table;
use crate::source::pages::Pages;
use crate::source::{Page, SourceError};

/// Whatever holds tables.
pub trait Tables: Send {
    /// A table with its header read; `None` when there is none and it need not be there.
    fn open(&mut self, part: Part) -> impl Future<Output = Result<Option<Table>, SourceError>> + Send;
}

/// Hands out all records, one table after the other. Holds one row of the people at a time, and
/// all memberships. Returns what a person should know; sentences that name no person.
///
/// # Errors
/// What is wrong with a table as a whole.
pub async fn read(
    tables: &mut impl Tables,
    spec: &CsvSpec,
    pages: &Pages,
) -> Result<Vec<String>, SourceError> {
    let mut notes = Vec::new();
    if let Some(table) = tables.open(Part::Users).await? {
        notes.append(&mut people(People::open(table, &spec.users.columns)?, pages).await?);
    }
    let memberships = match tables.open(Part::UserGroups).await? {
        None => None,
        Some(table) => {
            Some(Memberships::read(MembershipTable::open(table, &spec.user_groups.columns)?).await?)
        }
    };
    let groups = match tables.open(Part::Groups).await? {
        None => None,
        Some(table) => Some(Groups::open(table, &spec.groups.columns)?),
    };
    if memberships.is_none() && groups.is_some() {
        notes.push("there is a table of groups but none of memberships, so no group has members".to_owned());
    }
    let mut memberships = memberships.unwrap_or_default();
    notes.append(&mut memberships.notes);
    notes.append(&mut groups::list(groups, &memberships, pages).await?);
    Ok(notes)
}

async fn people(mut people: People, pages: &Pages) -> Result<Vec<String>, SourceError> {
    let mut seen = Seen::default();
    let mut batch = Batch::new(pages, Page::Users);
    while let Some(row) = people.table.next().await? {
        let record = match row {
            Ok(row) => people.record(&row).inspect(|record| {
                seen.add(&record.user.external_id, row.line);
            }),
            Err(ragged) => Err(people.nobody(ragged.line, ragged.reason)),
        };
        batch.push(record).await;
    }
    batch.send().await;
    Ok(people.columns.notes.into_iter().chain(seen.note(&people.table.key, "user_id")).collect())
}

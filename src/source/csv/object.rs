//! Tables as keys of a ConfigMap or Secret.

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};

use super::part::Part;
use super::read::{Tables, read};
use super::spec::{CsvSpec, GroupsTable, UserGroupsTable};
use super::table::{Ending, Format, Table};
use crate::model::ContentHash;
use crate::source::{Cursor, End, Material, Page, Pull, Reference, Source, SourceError, pages};

/// Tables in memory, as they were read from the cluster.
pub struct ObjectSource {
    spec: CsvSpec,
    tables: ObjectTables,
    cursor: Cursor,
}

#[derive(Clone)]
struct ObjectTables {
    from: Reference,
    format: Format,
    /// Key and text of each table.
    by_part: [Option<(String, Bytes)>; 3],
}

impl ObjectSource {
    /// Takes the tables out of an object.
    ///
    /// # Errors
    /// [`crate::source::Class::Misconfigured`] when a key is not there that must be.
    pub fn new(spec: &CsvSpec, from: Reference, material: &Material) -> Result<Self, SourceError> {
        let take = |key: &String, part: Part| {
            let text = material.require(&from, key).map_err(|error| {
                SourceError::misconfigured(format!("{}, or correct {}.key", error.message, part.field()))
            })?;
            Ok::<_, SourceError>(Some((key.clone(), Bytes::copy_from_slice(text))))
        };
        // A table that the settings name is missed; one that they leave at its default may lack.
        let take_if_there = |key: &String, part: Part, default: &str| {
            let wanted = key != default || material.get(&from, key).is_some();
            if wanted { take(key, part) } else { Ok(None) }
        };
        let by_part = [
            take(&spec.users.key, Part::Users)?,
            take_if_there(&spec.user_groups.key, Part::UserGroups, &UserGroupsTable::default().key)?,
            take_if_there(&spec.groups.key, Part::Groups, &GroupsTable::default().key)?,
        ];
        let cursor = cursor(by_part.each_ref().map(|table| table.as_ref().map(|(_, text)| text.as_ref())));
        let format = Format { delimiter: spec.delimiter, ending: Ending::Any };
        Ok(Self { spec: spec.clone(), tables: ObjectTables { from, format, by_part }, cursor })
    }
}

/// The tables' contents as a cursor: equal contents, no changes. The number in front changes when
/// the reading of tables does, so that an upgrade reads them again.
fn cursor(tables: [Option<&[u8]>; 3]) -> Cursor {
    let hash = tables.map(|table| table.map(|bytes| ContentHash::of_bytes(bytes).to_string()));
    Cursor(format!("1:{}", hash.map(|hash| hash.unwrap_or_else(|| "-".to_owned())).join(":")))
}

impl Tables for ObjectTables {
    async fn open(&mut self, part: Part) -> Result<Option<Table>, SourceError> {
        let Some((key, text)) = &self.by_part[part.index()] else { return Ok(None) };
        let place = format!("{} key '{key}'", self.from);
        let text = Ok(text.clone());
        Table::open(key, place, stream::iter([text]).boxed(), self.format).await.map(Some)
    }
}

impl Source for ObjectSource {
    fn pull(&mut self, request: Pull) -> BoxStream<'_, Result<Page, SourceError>> {
        pages::stream(|pages| async move {
            let cursor = Some(self.cursor.clone());
            let notes = match request {
                Pull::Full => read(&mut self.tables, &self.spec, &pages).await?,
                Pull::Changes(since) if since == self.cursor => Vec::new(),
                Pull::Changes(_) => return Err(SourceError::changes_unknown(super::OTHER_TABLES)),
            };
            Ok(End { cursor, notes })
        })
    }
}

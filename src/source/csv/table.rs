//! One table (RFC 4180): its header, and the rows below it.

use serde_json::{Map, Value};

use super::Delimiter;
use super::columns::Columns;
use super::rows::{Chunks, Row, Rows};
use crate::model::record::MAX_EXTERNAL_ID_BYTES;
use crate::model::{ExternalId, Kind, Rejected};
use crate::source::SourceError;

/// A table whose rows are read one after the other.
pub struct Table {
    /// The key or file it stands in; its name in every message about a row.
    pub key: String,
    /// The columns' names as the header writes them, without space around them.
    pub header: Vec<String>,
    /// The line of the file on which the header begins, from 1.
    header_line: usize,
    ending: Ending,
    rows: Rows,
}

/// How a table is written.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The character between two columns.
    pub delimiter: Delimiter,
    /// What must stand at its end.
    pub ending: Ending,
}

/// What must stand at the end of a table, for it not to be taken for a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing: the whole text came in one piece.
    Any,
    /// A row with all its cells.
    WholeRow,
    /// A line end.
    LineEnd,
}

/// Why a row cannot be taken cell by cell.
#[derive(Debug, PartialEq, Eq)]
pub struct Ragged {
    /// The line of the file on which the row begins, from 1.
    pub line: usize,
    /// What is wrong; quotes nothing of the row.
    pub reason: String,
}

impl Table {
    /// Reads the encoding and the header. `key` names the table in messages about a row, and
    /// `place` in those about all of it.
    ///
    /// # Errors
    /// [`crate::source::Class::Misconfigured`] when there is no header that can be read, and as
    /// [`Table::next`].
    pub async fn open(key: &str, place: String, chunks: Chunks, format: Format) -> Result<Self, SourceError> {
        let delimiter = match format.delimiter {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
        };
        let rows = Rows::new(place, chunks, delimiter);
        let mut table =
            Self { key: key.to_owned(), header: Vec::new(), header_line: 1, ending: format.ending, rows };
        let Some(first) = table.rows.next().await? else { return Err(table.empty()) };
        table.check_end(&first)?;
        table.header_line = first.line;
        let header = first.cells().map(|cell| std::str::from_utf8(cell).map(|name| name.trim().to_owned()));
        table.header = header.collect::<Result<_, _>>().map_err(|_| {
            let place = table.header_place();
            SourceError::misconfigured(format!("{place} is not UTF-8 text; save the table as 'CSV UTF-8'"))
        })?;
        Ok(table)
    }

    /// The object and key, or the file, for messages about the table as a whole.
    #[must_use]
    pub fn place(&self) -> &str {
        self.rows.place()
    }

    /// Where the header stands, for messages about the columns: `ConfigMap people key 'users.csv' line 1`.
    #[must_use]
    pub fn header_place(&self) -> String {
        format!("{} line {}", self.place(), self.header_line)
    }

    /// Where a row stands, for messages: `users.csv line 17`.
    #[must_use]
    pub fn position(&self, line: usize) -> String {
        format!("{} line {line}", self.key)
    }

    /// The next row below the header. Rows without any content are left out, as spreadsheets
    /// append them.
    ///
    /// # Errors
    /// [`crate::source::Class::Incomplete`] when the table ends where none should, so that what
    /// follows is lost; and what the bytes' source says.
    pub async fn next(&mut self) -> Result<Option<Result<Row, Ragged>>, SourceError> {
        let Some(row) = self.rows.next().await? else { return Ok(None) };
        self.check_end(&row)?;
        Ok(Some(self.checked(row)))
    }

    /// A row that cannot be used, and of which nothing is known yet.
    #[must_use]
    pub fn reject(&self, kind: Kind, line: usize, reason: String) -> Rejected {
        Rejected { kind, id: None, position: self.position(line), reason, links: Box::default() }
    }

    /// What is wrong with a row of which some cell is not UTF-8.
    #[must_use]
    pub fn not_text(&self, row: &Row) -> Option<String> {
        let column = row.cells().position(|cell| std::str::from_utf8(cell).is_err())?;
        let name = self.header.get(column).map_or("", String::as_str);
        Some(format!("the cell in column '{name}' is not UTF-8 text; save the table as 'CSV UTF-8'"))
    }

    /// The cells of a row by the names of their columns, as they stand in the file.
    #[must_use]
    pub fn raw(&self, row: &Row, columns: &Columns) -> Map<String, Value> {
        let cell = |&column: &usize| {
            let text = std::str::from_utf8(row.get(column)?).ok()?;
            Some((self.header.get(column)?.clone(), Value::from(text)))
        };
        columns.raw().iter().filter_map(cell).collect()
    }

    fn checked(&self, row: Row) -> Result<Row, Ragged> {
        let (has, needs) = (row.len(), self.header.len());
        if has == needs {
            return Ok(row);
        }
        let fewer = if has < needs { "fewer" } else { "more" };
        Err(Ragged {
            line: row.line,
            reason: format!(
                "the row has {has} cells, {fewer} than the {needs} columns of the header; a cell that holds the \
                 delimiter or a line break must stand in double quotes"
            ),
        })
    }

    /// Refuses a last row that does not end as it should.
    fn check_end(&self, row: &Row) -> Result<(), SourceError> {
        let short = !self.header.is_empty() && row.len() < self.header.len();
        let cut = !row.terminated
            && match self.ending {
                Ending::Any => false,
                Ending::WholeRow => short,
                Ending::LineEnd => true,
            };
        if !cut {
            return Ok(());
        }
        let (place, line) = (self.place(), row.line);
        Err(SourceError::incomplete(format!(
            "{place} breaks off in line {line}, as a file does that is not there as a whole{}; its end is waited \
             for",
            if short { "" } else { " (where files never end with a line end, set ending: WholeRow)" },
        )))
    }

    fn empty(&self) -> SourceError {
        let place = self.place();
        if self.ending == Ending::Any {
            SourceError::misconfigured(format!("{place} is empty; its first line must name the columns"))
        } else {
            SourceError::incomplete(format!(
                "{place} is empty; it is waited for, and nothing is changed until its first line names the columns"
            ))
        }
    }
}

impl Row {
    /// The text of a cell, without space around it; `None` when its bytes are not UTF-8.
    #[must_use]
    pub fn text(&self, column: usize) -> Option<&str> {
        std::str::from_utf8(self.get(column)?).ok().map(str::trim)
    }

    /// The id that a cell holds.
    ///
    /// # Errors
    /// Why the cell is no id; quotes nothing of it.
    pub fn id(&self, columns: &Columns, attribute: &str) -> Result<ExternalId, String> {
        match columns.get(attribute).and_then(|column| self.text(column)) {
            None => Err(format!("the {attribute} is not UTF-8 text; save the table as 'CSV UTF-8'")),
            Some("") => Err(format!("the row has no {attribute}; fill it in or remove the row")),
            Some(text) => ExternalId::new(text).ok_or_else(|| {
                format!(
                    "the {attribute} is longer than {MAX_EXTERNAL_ID_BYTES} bytes or has control characters; \
                     shorten or correct it"
                )
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::StreamExt;
    use futures::executor::block_on;
    use futures::stream;

    use super::*;
    use crate::source::Class;

    fn format(delimiter: Delimiter) -> Format {
        Format { delimiter, ending: Ending::Any }
    }

    /// The bytes in pieces of a size.
    fn pieces(bytes: &[u8], size: usize) -> Chunks {
        let pieces: Vec<_> = bytes.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        stream::iter(pieces).boxed()
    }

    fn open_bytes(bytes: &[u8], format: Format) -> Result<Table, SourceError> {
        open_pieces(bytes, usize::MAX, format)
    }

    fn open_pieces(bytes: &[u8], size: usize, format: Format) -> Result<Table, SourceError> {
        let place = "ConfigMap acme key 'users.csv'".to_owned();
        block_on(Table::open("users.csv", place, pieces(bytes, size), format))
    }

    fn open(text: &str) -> Result<Table, SourceError> {
        open_bytes(text.as_bytes(), format(Delimiter::Comma))
    }

    fn next(table: &mut Table) -> Result<Option<Result<Row, Ragged>>, SourceError> {
        block_on(table.next())
    }

    fn texts(row: &Row) -> Option<Vec<&str>> {
        row.cells().map(|cell| std::str::from_utf8(cell).ok()).collect()
    }

    /// Line and cells of every row below the header, or line and reason; the same in whatever
    /// pieces the text comes.
    fn rows(text: &str) -> Vec<(usize, String)> {
        let whole = rows_in_pieces(text, usize::MAX);
        for size in 1..=3 {
            assert_eq!(rows_in_pieces(text, size), whole, "in pieces of {size}");
        }
        whole
    }

    fn rows_in_pieces(text: &str, size: usize) -> Vec<(usize, String)> {
        let mut table = open_pieces(text.as_bytes(), size, format(Delimiter::Comma)).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = next(&mut table).unwrap() {
            rows.push(match row {
                Ok(row) => (row.line, texts(&row).unwrap().join("|")),
                Err(ragged) => (ragged.line, ragged.reason),
            });
        }
        rows
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them_with_every_line_end() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "1,2", "", "\"3", "x\",4", "", "", "5,6"].join(end);
            let expected = [(2, "1|2".to_owned()), (4, format!("3{end}x|4")), (8, "5|6".to_owned())];
            assert_eq!(rows(&text), expected, "line end {end:?}");
            assert_eq!(rows(&format!("{text}{end}")), expected, "line end {end:?} at the end");
        }
    }

    #[test]
    fn quotes_hold_delimiters_and_doubled_quotes() {
        assert_eq!(rows("a,b\n\"x, \"\"y\"\"\",2\n"), [(2, "x, \"y\"|2".to_owned())]);
    }

    #[test]
    fn rows_without_content_are_left_out() {
        assert_eq!(rows("\n \na,b\n,\n1,2\n , \n"), [(5, "1|2".to_owned())]);
    }

    #[test]
    fn a_row_with_too_few_or_too_many_cells_is_named_by_its_line() {
        let found = rows("a,b\n1\n1,2,3\n1,2\n");
        assert_eq!((found[0].0, found[1].0, found[2].0), (2, 3, 4));
        assert!(found[0].1.starts_with("the row has 1 cells, fewer than the 2 columns"), "{}", found[0].1);
        assert!(found[1].1.starts_with("the row has 3 cells, more than the 2 columns"), "{}", found[1].1);
    }

    #[test]
    fn a_table_cut_inside_quotes_is_incomplete_from_the_line_where_the_row_begins() {
        for cut in ["\"", "\"3\n4,5\n", "\"3\"\"", "3,\"4"] {
            let mut table = open(&format!("a,b\n1,2\n{cut}")).unwrap();
            assert!(next(&mut table).unwrap().unwrap().is_ok());
            let error = next(&mut table).unwrap_err();
            assert_eq!(error.class, Class::Incomplete);
            assert!(error.message.contains("begins on line 3"), "{cut:?}: {error}");
        }
        assert_eq!(rows("a,b\n1,\"2\""), [(2, "1|2".to_owned())]);
        assert_eq!(rows("a,b\n1,2\"x"), [(2, "1|2\"x".to_owned())]);
    }

    #[test]
    fn a_row_that_is_not_utf_8_is_known_by_its_line_and_by_the_cells_that_are() {
        let mut bytes = b"a,b\n1,2\n3,Zo".to_vec();
        bytes.extend(b"\xEB\n5,6\n");
        let mut table = open_bytes(&bytes, format(Delimiter::Comma)).unwrap();
        let rows: Vec<Row> = (0..3).map(|_| next(&mut table).unwrap().unwrap().unwrap()).collect();
        assert_eq!(rows[1].line, 3);
        assert_eq!((rows[1].text(0), rows[1].text(1), texts(&rows[1])), (Some("3"), None, None));
        assert_eq!(texts(&rows[2]).unwrap(), ["5", "6"]);
    }

    #[test]
    fn a_table_needs_a_header_that_is_text() {
        for empty in ["", "\n\n", " \n"] {
            let error = open(empty).err().unwrap();
            assert_eq!(error.class, Class::Misconfigured);
            assert!(error.message.contains("its first line must name the columns"), "{error}");
        }
        let error = open_bytes(b"na\xEFve\n", format(Delimiter::Comma)).err().unwrap();
        assert!(error.message.contains("is not UTF-8 text"), "{error}");
    }

    #[test]
    fn the_delimiter_is_the_one_that_is_set() {
        for (delimiter, text) in [(Delimiter::Semicolon, "a;b\n1;2,x\n"), (Delimiter::Tab, "a\tb\n1\t2,x\n")]
        {
            let mut table = open_bytes(text.as_bytes(), format(delimiter)).unwrap();
            assert_eq!(table.header, ["a", "b"]);
            let row = next(&mut table).unwrap().unwrap().unwrap();
            assert_eq!(texts(&row).unwrap(), ["1", "2,x"]);
        }
    }

    #[test]
    fn a_file_that_breaks_off_is_waited_for() {
        let read = |text: &str, ending| {
            let mut table = open_bytes(text.as_bytes(), Format { delimiter: Delimiter::Comma, ending })?;
            let mut rows = 0;
            while next(&mut table)?.is_some() {
                rows += 1;
            }
            Ok::<usize, SourceError>(rows)
        };
        for text in ["", "a,", "a,b", "a,b\n1", "a,b\n1,2\n3"] {
            let error = read(text, Ending::LineEnd).unwrap_err();
            assert_eq!(error.class, Class::Incomplete, "{text:?}");
            assert!(error.message.contains("waited for"), "{text:?}: {error}");
        }
        let error = read("a,b\n1,2", Ending::LineEnd).unwrap_err();
        assert!(error.message.contains("breaks off in line 2") && error.message.contains("ending: WholeRow"));
        for whole in ["a,b\n", "a,b\r", "a,b\n1,2\r\n", "a,b\n1,\"2\"\n"] {
            assert!(read(whole, Ending::LineEnd).is_ok(), "{whole:?}");
        }
        assert_eq!(read("a,b\n1,2", Ending::WholeRow).unwrap(), 1);
        assert_eq!(read("a,b\n1,2\n3", Ending::WholeRow).unwrap_err().class, Class::Incomplete);
        assert_eq!(read("a,b\n1,2\n3", Ending::Any).unwrap(), 2);
    }

    #[test]
    fn a_row_without_an_end_is_refused_before_it_fills_the_memory() {
        let mut text = b"a,b\n1,\"".to_vec();
        text.resize(4 << 20, b'x');
        let mut table = open_pieces(&text, 1 << 16, format(Delimiter::Comma)).unwrap();
        let error = next(&mut table).unwrap_err();
        assert_eq!(error.class, Class::Incomplete);
        assert!(error.message.contains("a double quote is missing"), "{error}");
    }
}

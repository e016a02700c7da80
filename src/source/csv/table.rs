//! One table (RFC 4180): its header, and its rows with the lines that a person's editor shows.

use csv::{ByteRecord, Reader, ReaderBuilder};
use serde_json::{Map, Value};

use super::columns::Columns;
use super::{Delimiter, text};
use crate::model::record::MAX_EXTERNAL_ID_BYTES;
use crate::model::{ExternalId, Kind, Rejected};
use crate::source::SourceError;

/// A table in memory.
pub struct Table {
    /// The key it stands under; the file's name in every message about a row.
    pub key: String,
    /// The columns' names as the header writes them, without space around them.
    pub header: Vec<String>,
    place: String,
    text: Vec<u8>,
    delimiter: u8,
}

/// One row with as many cells as the header has.
#[derive(Debug)]
pub struct Row {
    /// The line of the file on which the row begins, from 1.
    pub line: usize,
    cells: ByteRecord,
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
    /// Reads the encoding and the header.
    ///
    /// # Errors
    /// [`crate::source::Class::Misconfigured`] when there is no header that can be read. `place`
    /// names the object and key in the message.
    pub fn open(key: &str, place: String, bytes: &[u8], delimiter: Delimiter) -> Result<Self, SourceError> {
        let mut table = Self {
            key: key.to_owned(),
            header: Vec::new(),
            text: text::decode(bytes, &place)?.into_owned(),
            place,
            delimiter: match delimiter {
                Delimiter::Comma => b',',
                Delimiter::Semicolon => b';',
                Delimiter::Tab => b'\t',
            },
        };
        let Some(first) = table.lines().next().transpose()? else {
            let place = &table.place;
            return Err(SourceError::misconfigured(format!(
                "{place} is empty; its first line must name the columns"
            )));
        };
        let header =
            first.cells.iter().map(|cell| std::str::from_utf8(cell).map(|name| name.trim().to_owned()));
        table.header = header.collect::<Result<_, _>>().map_err(|_| {
            let place = &table.place;
            SourceError::misconfigured(format!(
                "{place} is not UTF-8 text (its first line already is not); save it as 'CSV UTF-8'"
            ))
        })?;
        Ok(table)
    }

    /// The object and key, for messages about the table as a whole.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Where a row stands, for messages: `users.csv line 17`.
    #[must_use]
    pub fn position(&self, line: usize) -> String {
        format!("{} line {line}", self.key)
    }

    /// The rows below the header. Rows without any content are left out, as spreadsheets append
    /// them.
    ///
    /// The outer error is [`crate::source::Class::Incomplete`]: the table ends inside a quoted
    /// cell, so that what follows is lost.
    pub fn rows(&self) -> impl Iterator<Item = Result<Result<Row, Ragged>, SourceError>> {
        self.lines().skip(1).map(|row| row.map(|row| self.checked(row)))
    }

    /// A row that cannot be used.
    #[must_use]
    pub fn reject(&self, kind: Kind, line: usize, id: Option<ExternalId>, reason: String) -> Rejected {
        Rejected { kind, id, position: self.position(line), reason }
    }

    /// What is wrong with a row of which some cell is not UTF-8.
    #[must_use]
    pub fn not_text(&self, row: &Row) -> Option<String> {
        let column = row.cells.iter().position(|cell| std::str::from_utf8(cell).is_err())?;
        let name = self.header.get(column).map_or("", String::as_str);
        Some(format!("the cell in column '{name}' is not UTF-8 text; save the table as 'CSV UTF-8'"))
    }

    /// The cells of a row by the names of their columns, as they stand in the file.
    #[must_use]
    pub fn raw(&self, row: &Row, columns: &Columns) -> Map<String, Value> {
        let cell = |&column: &usize| {
            let text = std::str::from_utf8(row.cells.get(column)?).ok()?;
            Some((self.header.get(column)?.clone(), Value::from(text)))
        };
        columns.raw().iter().filter_map(cell).collect()
    }

    fn checked(&self, row: Row) -> Result<Row, Ragged> {
        let (has, needs) = (row.cells.len(), self.header.len());
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

    fn lines(&self) -> Lines<'_> {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .from_reader(self.text.as_slice());
        Lines { table: self, reader, counted: 0, line: 1 }
    }
}

impl Row {
    /// The text of a cell, without space around it; `None` when its bytes are not UTF-8.
    #[must_use]
    pub fn text(&self, column: usize) -> Option<&str> {
        std::str::from_utf8(self.cells.get(column)?).ok().map(str::trim)
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

/// All rows from the header on.
struct Lines<'a> {
    table: &'a Table,
    reader: Reader<&'a [u8]>,
    /// How far line ends have been counted, in bytes, and the line reached there.
    counted: usize,
    line: usize,
}

impl Iterator for Lines<'_> {
    type Item = Result<Row, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.offset();
            let mut cells = ByteRecord::new();
            match self.reader.read_byte_record(&mut cells) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(_) => return Some(Err(self.broken_off())),
            }
            let start = self.begin_at(start);
            if self.offset() == self.table.text.len()
                && ends_in_quotes(&self.table.text[start..], self.table.delimiter)
            {
                return Some(Err(self.broken_off()));
            }
            if cells.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                return Some(Ok(Row { line: self.line, cells }));
            }
        }
    }
}

impl Lines<'_> {
    fn offset(&self) -> usize {
        usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX).min(self.table.text.len())
    }

    /// Counts lines up to the row that was read from `offset` on: line ends before it belong to
    /// the row above or to empty lines. The reader's own count knows `\n` alone.
    fn begin_at(&mut self, offset: usize) -> usize {
        let text = &self.table.text;
        let gap = text[offset..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let start = offset + gap;
        for at in self.counted..start {
            match text[at] {
                b'\r' => self.line += 1,
                b'\n' if at == 0 || text[at - 1] != b'\r' => self.line += 1,
                _ => {}
            }
        }
        self.counted = start;
        start
    }

    fn broken_off(&self) -> SourceError {
        let (place, line) = (&self.table.place, self.line);
        SourceError::incomplete(format!(
            "{place} ends inside a quoted cell of the row that begins on line {line}: the table was cut, or a \
             double quote is missing; nothing is changed until it is whole"
        ))
    }
}

/// Whether a row still waits for its closing quote when the text ends. The reader takes such a
/// cell as whole.
fn ends_in_quotes(row: &[u8], delimiter: u8) -> bool {
    #[derive(PartialEq)]
    enum Cell {
        Start,
        Plain,
        Quoted,
        Closed,
    }
    let end = row.iter().fold(Cell::Start, |cell, &byte| match (cell, byte) {
        (Cell::Quoted, b'"') => Cell::Closed,
        // A doubled quote has closed and opens again.
        (Cell::Start | Cell::Closed, b'"') | (Cell::Quoted, _) => Cell::Quoted,
        _ if byte == delimiter => Cell::Start,
        _ => Cell::Plain,
    });
    end == Cell::Quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Class;

    fn open(text: &str) -> Result<Table, SourceError> {
        Table::open("users.csv", "ConfigMap acme key 'users.csv'".into(), text.as_bytes(), Delimiter::Comma)
    }

    fn texts(row: &Row) -> Option<Vec<&str>> {
        row.cells.iter().map(|cell| std::str::from_utf8(cell).ok()).collect()
    }

    /// Line and cells of every row below the header, or line and reason.
    fn rows(text: &str) -> Vec<(usize, String)> {
        let table = open(text).unwrap();
        table
            .rows()
            .map(|row| match row.unwrap() {
                Ok(row) => (row.line, texts(&row).unwrap().join("|")),
                Err(ragged) => (ragged.line, ragged.reason),
            })
            .collect()
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
            let table = open(&format!("a,b\n1,2\n{cut}")).unwrap();
            let mut rows = table.rows();
            assert!(rows.next().unwrap().unwrap().is_ok());
            let error = rows.next().unwrap().unwrap_err();
            assert_eq!(error.class, Class::Incomplete);
            assert!(error.message.contains("begins on line 3"), "{cut:?}: {error}");
            assert!(rows.next().is_none(), "{cut:?}");
        }
        assert_eq!(rows("a,b\n1,\"2\""), [(2, "1|2".to_owned())]);
        assert_eq!(rows("a,b\n1,2\"x"), [(2, "1|2\"x".to_owned())]);
    }

    #[test]
    fn a_row_that_is_not_utf_8_is_known_by_its_line_and_by_the_cells_that_are() {
        let mut bytes = b"a,b\n1,2\n3,Zo".to_vec();
        bytes.extend(b"\xEB\n5,6\n");
        let table = Table::open("t", "t".into(), &bytes, Delimiter::Comma).unwrap();
        let rows: Vec<Row> = table.rows().map(|row| row.unwrap().unwrap()).collect();
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
        let error = Table::open("t", "t".into(), b"na\xEFve\n", Delimiter::Comma).err().unwrap();
        assert!(error.message.contains("is not UTF-8 text"), "{error}");
    }

    #[test]
    fn the_delimiter_is_the_one_that_is_set() {
        for (delimiter, text) in [(Delimiter::Semicolon, "a;b\n1;2,x\n"), (Delimiter::Tab, "a\tb\n1\t2,x\n")]
        {
            let table = Table::open("t", "t".into(), text.as_bytes(), delimiter).unwrap();
            assert_eq!(table.header, ["a", "b"]);
            let row = table.rows().next().unwrap().unwrap().unwrap();
            assert_eq!(texts(&row).unwrap(), ["1", "2,x"]);
        }
    }
}

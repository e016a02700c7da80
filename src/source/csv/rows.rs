//! Rows of a table while its bytes come in (RFC 4180), with the lines that a person's editor shows.

use bytes::Bytes;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use futures::StreamExt;
use futures::stream::BoxStream;

use super::text::Decoder;
use crate::source::SourceError;

/// The longest row, in bytes of text: what is longer has lost a quote.
const MAX_ROW: usize = 1 << 20;

/// The bytes of a table in order.
pub type Chunks = BoxStream<'static, Result<Bytes, SourceError>>;

/// One row.
#[derive(Debug)]
pub struct Row {
    /// The line of the file on which the row begins, from 1.
    pub line: usize,
    /// Whether a line end follows; only the last row of a table can lack it.
    pub terminated: bool,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Row {
    /// How many cells it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of a cell.
    #[must_use]
    pub fn get(&self, column: usize) -> Option<&[u8]> {
        let start = column.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start..*self.ends.get(column)?)
    }

    /// The bytes of all cells.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|column| self.get(column))
    }

    fn is_blank(&self) -> bool {
        self.text.trim_ascii().is_empty()
    }
}

/// The rows of a table, the header among them. Holds one piece of the text and one row.
pub struct Rows {
    place: String,
    chunks: Chunks,
    /// No piece follows.
    ended: bool,
    decoder: Decoder,
    parser: Box<Reader>,
    /// The piece at hand, and how much of it has been parsed.
    text: Vec<u8>,
    parsed: usize,
    /// The row that is being parsed.
    cells: Buffer<u8>,
    ends: Buffer<usize>,
    position: Position,
}

/// What one step of parsing led to.
enum Step {
    Row(Row),
    More,
    End,
}

impl Rows {
    /// The rows of a table; `place` names it in messages.
    #[must_use]
    pub fn new(place: String, chunks: Chunks, delimiter: u8) -> Self {
        Self {
            place,
            chunks,
            ended: false,
            decoder: Decoder::default(),
            parser: Box::new(ReaderBuilder::new().delimiter(delimiter).build()),
            text: Vec::new(),
            parsed: 0,
            cells: Buffer::new(1024),
            ends: Buffer::new(64),
            position: Position::new(delimiter),
        }
    }

    /// The object or file, for messages about the table as a whole.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The next row. Rows without any content are left out, as spreadsheets append them.
    ///
    /// # Errors
    /// What the bytes' source says; [`crate::source::Class::Incomplete`] when the table ends
    /// inside a quoted cell, so that what follows is lost.
    pub async fn next(&mut self) -> Result<Option<Row>, SourceError> {
        loop {
            while self.parsed == self.text.len() && !self.ended {
                self.fill().await?;
            }
            match self.step()? {
                Step::Row(row) if !row.is_blank() => return Ok(Some(row)),
                Step::Row(_) | Step::More => {}
                Step::End => return Ok(None),
            }
        }
    }

    async fn fill(&mut self) -> Result<(), SourceError> {
        self.text.clear();
        self.parsed = 0;
        if let Some(piece) = self.chunks.next().await {
            return self.decoder.decode(&piece?, &self.place, &mut self.text);
        }
        self.ended = true;
        self.decoder.finish(&self.place, &mut self.text)
    }

    /// Parses what is at hand; without any, the parser takes it for the end of the table.
    fn step(&mut self) -> Result<Step, SourceError> {
        let piece = &self.text[self.parsed..];
        let at_end = piece.is_empty();
        let (result, read, cells, ends) = self.parser.read_record(piece, self.cells.free(), self.ends.free());
        self.position.pass(&piece[..read]);
        self.parsed += read;
        self.cells.used += cells;
        self.ends.used += ends;
        match result {
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull if self.cells.used >= MAX_ROW => return Err(self.too_long()),
            ReadRecordResult::OutputFull => self.cells.grow(),
            ReadRecordResult::OutputEndsFull if self.ends.used >= MAX_ROW / 8 => return Err(self.too_long()),
            ReadRecordResult::OutputEndsFull => self.ends.grow(),
            ReadRecordResult::End => return Ok(Step::End),
            ReadRecordResult::Record => {
                if at_end && self.position.in_quotes() {
                    return Err(self.broken_off());
                }
                let terminated = !at_end || self.position.after_line_end;
                let (text, ends) = (self.cells.take(), self.ends.take());
                return Ok(Step::Row(Row { line: self.position.end_row(), terminated, text, ends }));
            }
        }
        Ok(Step::More)
    }

    fn broken_off(&self) -> SourceError {
        let (place, line) = (&self.place, self.position.row());
        SourceError::incomplete(format!(
            "{place} ends inside a quoted cell of the row that begins on line {line}: the table was cut, or a \
             double quote is missing; nothing is changed until it is whole"
        ))
    }

    fn too_long(&self) -> SourceError {
        let (place, line) = (&self.place, self.position.row());
        SourceError::incomplete(format!(
            "{place} has a row of more than {MAX_ROW} bytes, which begins on line {line}: a double quote is \
             missing; nothing is changed until it is corrected"
        ))
    }
}

/// A buffer that the parser writes into.
struct Buffer<T> {
    all: Vec<T>,
    used: usize,
}

impl<T: Clone + Default> Buffer<T> {
    fn new(size: usize) -> Self {
        Self { all: vec![T::default(); size], used: 0 }
    }

    fn free(&mut self) -> &mut [T] {
        &mut self.all[self.used..]
    }

    fn grow(&mut self) {
        self.all.resize(self.all.len() * 2, T::default());
    }

    fn take(&mut self) -> Vec<T> {
        let taken = self.all[..self.used].to_vec();
        self.used = 0;
        taken
    }
}

/// Where the parser is: the line as an editor counts it (the parser knows `\n` alone), and whether
/// a cell waits for its closing quote, which the parser forgives at the end of the text.
struct Position {
    delimiter: u8,
    line: usize,
    /// The line on which the row begins; line ends before it belong to the row above or to empty
    /// lines.
    begins: Option<usize>,
    cell: Cell,
    after_carriage_return: bool,
    after_line_end: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Cell {
    Start,
    Plain,
    Quoted,
    Closed,
}

impl Position {
    const fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            line: 1,
            begins: None,
            cell: Cell::Start,
            after_carriage_return: false,
            after_line_end: false,
        }
    }

    fn pass(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.after_line_end = matches!(byte, b'\r' | b'\n');
            if self.begins.is_none() && !self.after_line_end {
                self.begins = Some(self.line);
            }
            if self.begins.is_some() {
                self.cell = self.cell.after(byte, self.delimiter);
            }
            if byte == b'\r' || byte == b'\n' && !self.after_carriage_return {
                self.line += 1;
            }
            self.after_carriage_return = byte == b'\r';
        }
    }

    fn in_quotes(&self) -> bool {
        self.cell == Cell::Quoted
    }

    /// The line on which the row begins.
    fn row(&self) -> usize {
        self.begins.unwrap_or(self.line)
    }

    /// Ends the row, and returns the line on which it began.
    fn end_row(&mut self) -> usize {
        let line = self.row();
        self.begins = None;
        self.cell = Cell::Start;
        line
    }
}

impl Cell {
    const fn after(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Closed,
            // A doubled quote has closed and opens again.
            (Self::Start | Self::Closed, b'"') | (Self::Quoted, _) => Self::Quoted,
            _ if byte == delimiter => Self::Start,
            _ => Self::Plain,
        }
    }
}

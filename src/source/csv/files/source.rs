//! Reads the tables of a folder, once they have stood still.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;

use super::{Choice, File, FileEnding, Files, Fingerprint, Folder, Names, Place};
use crate::api::ANNOTATION_FULL_SYNC_REQUESTED;
use crate::source::csv::OTHER_TABLES;
use crate::source::csv::part::Part;
use crate::source::csv::read::{Tables, read};
use crate::source::csv::rows::Chunks;
use crate::source::csv::spec::CsvSpec;
use crate::source::csv::table::{Ending, Format, Table};
use crate::source::pages::Pages;
use crate::source::{End, Page, Pull, Source, SourceError, pages};

/// Tables in a folder; one connection per pull.
pub struct FilesSource {
    /// The settings of the tables.
    spec: CsvSpec,
    /// Where the folder is.
    place: Box<dyn Place>,
    /// The files that are looked for.
    names: Names,
    /// How the tables are written.
    format: Format,
    /// For how long a set must stand still before it is read.
    settle: Duration,
}

impl Source for FilesSource {
    fn pull(&mut self, request: Pull) -> BoxStream<'_, Result<Page, SourceError>> {
        pages::stream(|pages| self.run(request, pages))
    }
}

impl FilesSource {
    /// Tables of a folder, by their names there.
    #[must_use]
    pub fn new(spec: &CsvSpec, place: Box<dyn Place>, files: &Files, settle: Duration) -> Self {
        let ending = match files.ending {
            FileEnding::LineEnd => Ending::LineEnd,
            FileEnding::WholeRow => Ending::WholeRow,
        };
        let format = Format { delimiter: spec.delimiter, ending };
        Self { spec: spec.clone(), place, names: Names::of(files), format, settle }
    }

    async fn run(&self, request: Pull, pages: Pages) -> Result<End, SourceError> {
        let known = match &request {
            Pull::Full => None,
            Pull::Changes(cursor) => Some(Fingerprint::restore(cursor).ok_or_else(|| {
                SourceError::changes_unknown("the cursor was not made by this version for files")
            })?),
        };
        let mut folder = self.place.connect().await?;
        let folder = folder.as_mut();
        let result = match known {
            None => self.read(folder, &pages).await,
            Some(known) => self.compare(folder, &known).await,
        };
        folder.close().await;
        result
    }

    /// Answers whether the files are those of the last reading.
    async fn compare(&self, folder: &mut dyn Folder, known: &Fingerprint) -> Result<End, SourceError> {
        let choice = self.look(folder).await?;
        let now = choice.fingerprint();
        if now == *known {
            return Ok(End { cursor: Some(now.cursor()), notes: Vec::new() });
        }
        match Part::ALL.into_iter().find(|part| known.has(*part) && !now.has(*part)) {
            Some(part) => Err(self.vanished(part)),
            None => Err(SourceError::changes_unknown(OTHER_TABLES)),
        }
    }

    /// Reads the files between two looks that see the same.
    async fn read(&self, folder: &mut dyn Folder, pages: &Pages) -> Result<End, SourceError> {
        let first = self.look(folder).await?;
        tokio::time::sleep(self.settle).await;
        let choice = self.look(folder).await?;
        self.stands_still(&first, &choice)?;
        let mut tables = FolderTables { source: self, folder, choice: &choice };
        let mut notes = read(&mut tables, &self.spec, pages).await?;
        let after = self.look(folder).await?;
        self.stands_still(&choice, &after)?;
        notes.extend(choice.note.clone());
        Ok(End { cursor: Some(choice.fingerprint().cursor()), notes })
    }

    async fn look(&self, folder: &mut dyn Folder) -> Result<Choice, SourceError> {
        let files = folder.list(&self.names).await?;
        self.names.choose(files, self.place.name())
    }

    fn stands_still(&self, before: &Choice, now: &Choice) -> Result<(), SourceError> {
        let Some(part) = before.fingerprint().differs(&now.fingerprint()).first().copied() else {
            return Ok(());
        };
        let file = now.files[part.index()].as_ref().or(before.files[part.index()].as_ref());
        let name = file.map_or("a file", |file| file.name.as_str());
        let (folder, settle) = (self.place.name(), self.settle.as_secs());
        Err(SourceError::incomplete(format!(
            "{name} in {folder} is being written: it did not stay as it was between two looks (settleSeconds: \
             {settle}); its end is waited for"
        )))
    }

    fn vanished(&self, part: Part) -> SourceError {
        SourceError::incomplete(format!(
            "{} has no table for {} any more, which it had at the last sync; it is waited for (if it is not to come \
             back, ask for a full reading with the annotation {ANNOTATION_FULL_SYNC_REQUESTED})",
            self.place.name(),
            part.field(),
        ))
    }
}

struct FolderTables<'a> {
    source: &'a FilesSource,
    folder: &'a mut dyn Folder,
    choice: &'a Choice,
}

impl Tables for FolderTables<'_> {
    async fn open(&mut self, part: Part) -> Result<Option<Table>, SourceError> {
        let Some(file) = &self.choice.files[part.index()] else { return Ok(None) };
        let place: Arc<str> = format!("{} in {}", file.name, self.source.place.name()).into();
        let chunks = counted(self.folder.open(file).await?, file, Arc::clone(&place));
        Table::open(&file.name, place.to_string(), chunks, self.source.format).await.map(Some)
    }
}

fn too_long(place: &str, size: u64) -> SourceError {
    SourceError::incomplete(format!(
        "{place} has more than the {size} bytes that it had when the folder was listed; it is being written, and it is read \
         again later"
    ))
}

/// The bytes of a file, and an error when they are not as many as its size.
fn counted(chunks: Chunks, file: &File, place: Arc<str>) -> Chunks {
    let (size, mut come) = (file.size, 0);
    let ends = futures::stream::once(async { None });
    let counted = chunks.map(Some).chain(ends).filter_map(move |chunk| {
        let result = match chunk {
            Some(Ok(bytes)) => {
                come += bytes.len() as u64;
                Some(if come > size { Err(too_long(&place, size)) } else { Ok(bytes) })
            }
            Some(Err(error)) => Some(Err(error)),
            None if come == size => None,
            None => Some(Err(SourceError::incomplete(format!(
                "{place} ended after {come} of {size} bytes; it is being written or the connection broke, and it is \
                 read again later"
            )))),
        };
        futures::future::ready(result)
    });
    counted.boxed()
}

//! Tables as files in a folder somewhere else: which ones count, and when they are believed.

mod choice;
mod fingerprint;
mod source;
mod spec;

use std::time::Duration;

use futures::future::BoxFuture;

pub use choice::{Choice, Names, problems};
pub use fingerprint::Fingerprint;
pub use source::FilesSource;
pub use spec::{FileEnding, Files, default_settle_seconds};

use super::rows::Chunks;
use crate::source::SourceError;

/// How many files of a folder are looked at.
pub const MAX_LISTED: usize = 10_000;

/// A file as a folder lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, without the folder.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// When it was last written, in seconds since 1970 by the folder's own clock.
    pub modified: i64,
    /// What changes with the content, where the folder has something like that (an ETag).
    pub version: Option<String>,
}

/// Where a folder is and who may read it; connects nowhere by itself.
pub trait Place: Send + Sync {
    /// Connects and signs in.
    ///
    /// # Errors
    /// Whatever keeps it from that, in the class that fits.
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Folder>, SourceError>>;

    /// The folder, for messages: `the directory upload of sftp.acme.example:22`.
    fn name(&self) -> &str;
}

/// A folder that can be read.
pub trait Folder: Send {
    /// The files that may be among the wanted ones; others may come, too.
    ///
    /// # Errors
    /// What the folder says; [`crate::source::Class::Misconfigured`] when it has more than
    /// [`MAX_LISTED`] files.
    fn list<'a>(&'a mut self, wanted: &'a Names) -> BoxFuture<'a, Result<Vec<File>, SourceError>>;

    /// The bytes of a file, as they come.
    ///
    /// # Errors
    /// What the folder says.
    fn open<'a>(&'a mut self, file: &'a File) -> BoxFuture<'a, Result<Chunks, SourceError>>;

    /// Says good-bye.
    fn close(&mut self) -> BoxFuture<'_, ()>;
}

/// A setting that is given in seconds.
#[must_use]
pub fn seconds(value: i32) -> Duration {
    Duration::from_secs(u64::try_from(value).unwrap_or(1))
}

/// That a folder has too many files to look for tables among them.
#[must_use]
#[cfg_attr(not(any(feature = "s3", feature = "sftp")), expect(dead_code, reason = "folders say it"))]
pub fn too_many(folder: &str) -> SourceError {
    SourceError::misconfigured(format!(
        "{folder} has more than {MAX_LISTED} files; have old ones removed, or the tables put into a folder of their own"
    ))
}

//! The test bed of one provider: a directory that a test fills and changes.

pub mod active_directory;
pub mod csv;
pub mod csv_files;
pub mod ldap;

use directory_sync::source::{Source, SourceError};

use crate::support::company::{Company, Person};

/// How much a provider's list of changes can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// It has none: a listing ends without a cursor.
    None,
    /// Only whether something changed: `ChangesUnknown` as soon as it did.
    EqualOrUnknown,
    /// Who is new or changed.
    Listed {
        /// Whether a removal is seen, and answered by `ChangesUnknown`. Where it is not, only the
        /// next full reading finds it.
        removals: bool,
        /// Whether recent changes may come again, unchanged, as with timestamps of whole seconds.
        repeats: bool,
    },
}

/// A directory of one provider that a test can change. Dropping it stops whatever it started.
pub trait Bed: Sized {
    /// What the provider's list of changes can tell.
    const CHANGES: Changes;

    /// Fills a directory with the company. Where its kind of directory has passwords, every
    /// person's is [`crate::support::company::CANARY`].
    async fn start(company: &Company) -> Self;

    /// A new connection with good settings, made to read at most 500 records at a time.
    fn source(&self) -> Box<dyn Source>;

    /// Settings that fail when connecting or in the middle of the answer, with
    /// [`crate::support::company::CANARY`] in every secret and in what the directory then answers.
    fn failing_source(&self) -> Result<Box<dyn Source>, SourceError>;

    /// Adds a person without groups.
    async fn add(&mut self, person: &Person);

    /// Gives a person another job title.
    async fn retitle(&mut self, user_name: &str, title: &str);

    /// Puts a person into a group.
    async fn join(&mut self, user_name: &str, group: &str);

    /// Removes a person from the directory and its groups.
    async fn remove(&mut self, user_name: &str);
}

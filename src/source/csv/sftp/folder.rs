//! A directory of an SFTP server: looking at its files, and reading them in order.

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use russh::Disconnect;
use russh::client::Handle;
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error;
use russh_sftp::client::rawsession::Limits;
use russh_sftp::extensions::LIMITS;
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};

use super::connect::Pinned;
use crate::source::SourceError;
use crate::source::csv::files::{File, Folder, MAX_LISTED, Names, too_many};
use crate::source::csv::rows::Chunks;

/// Bytes asked for at a time where a server does not say how many it gives: every one gives these
/// (draft-ietf-secsh-filexfer-02 section 3).
const SMALL_READ: u32 = 32 * 1024;
/// Bytes asked for at a time where a server gives as many: what OpenSSH gives at most.
const LARGE_READ: u64 = 255 * 1024;

/// A session of one account.
pub struct SftpSession {
    handle: Handle<Pinned>,
    files: Arc<Files>,
}

/// What reading a file needs of the session.
struct Files {
    sftp: RawSftpSession,
    read: u32,
    directory: String,
    endpoint: String,
    user: String,
}

impl SftpSession {
    /// Agrees on the version and on the size of reads.
    ///
    /// # Errors
    /// [`crate::source::Class::Misconfigured`] when what answers is not SFTP.
    pub async fn begin(
        handle: Handle<Pinned>,
        mut sftp: RawSftpSession,
        directory: String,
        endpoint: String,
        user: &str,
    ) -> Result<Self, SourceError> {
        let version = sftp.init().await.map_err(|error| match error {
            Error::Timeout => stopped(&endpoint),
            _ => SourceError::misconfigured(format!(
                "{endpoint} lets user {user} in but does not answer with SFTP; have it allowed for the account"
            )),
        })?;
        let mut read = SMALL_READ;
        if version.extensions.get(LIMITS).is_some_and(|version| version == "1")
            && let Ok(limits) = sftp.limits().await
        {
            let limits = Limits::from(limits);
            read = u32::try_from(limits.read_len.unwrap_or(LARGE_READ).min(LARGE_READ)).unwrap_or(SMALL_READ);
            sftp.set_limits(limits);
        }
        let files = Files { sftp, read, directory, endpoint, user: user.to_owned() };
        Ok(Self { handle, files: Arc::new(files) })
    }
}

impl Folder for SftpSession {
    fn list<'a>(&'a mut self, wanted: &'a Names) -> BoxFuture<'a, Result<Vec<File>, SourceError>> {
        let files = &self.files;
        async move {
            match wanted.exact() {
                Some(names) => files.named(names.into_iter().map(str::to_owned)).await,
                None => files.fitting(wanted).await,
            }
        }
        .boxed()
    }

    fn open<'a>(&'a mut self, file: &'a File) -> BoxFuture<'a, Result<Chunks, SourceError>> {
        let files = Arc::clone(&self.files);
        async move { files.open(&file.name).await }.boxed()
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        async {
            // The server sees the end of the connection in any case.
            let _ = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
        }
        .boxed()
    }
}

impl Files {
    /// The files of these names that are there.
    async fn named(&self, names: impl Iterator<Item = String> + Send) -> Result<Vec<File>, SourceError> {
        let mut files = Vec::new();
        for name in names {
            files.extend(self.look(name).await?);
        }
        if files.is_empty() {
            // Whether the directory is there makes the difference between waiting and correcting.
            self.sftp.stat(self.directory.as_str()).await.map_err(|error| self.failed(&error, ""))?;
        }
        Ok(files)
    }

    /// A file by its name, if it is there. Links are followed, so that a link that is moved to new
    /// files in one step counts as new files.
    async fn look(&self, name: String) -> Result<Option<File>, SourceError> {
        match self.sftp.stat(self.path(&name)).await {
            Ok(found) if found.attrs.file_type().is_dir() => Ok(None),
            Ok(found) => Ok(Some(file(name, &found.attrs))),
            Err(Error::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(None),
            Err(error) => Err(self.failed(&error, &name)),
        }
    }

    /// The files whose names fit.
    async fn fitting(&self, wanted: &Names) -> Result<Vec<File>, SourceError> {
        let failed = |error: &Error| self.failed(error, "");
        let handle = self.sftp.opendir(self.directory.as_str()).await.map_err(|error| failed(&error))?.handle;
        let (mut files, mut seen) = (Vec::new(), 0);
        loop {
            let some = match self.sftp.readdir(handle.as_str()).await {
                Ok(some) => some.files,
                Err(Error::Status(status)) if status.status_code == StatusCode::Eof => break,
                Err(error) => return Err(failed(&error)),
            };
            // An answer without a file counts as well, so that a server that never ends is noticed.
            seen += some.len().max(1);
            for found in some.into_iter().filter(|found| wanted.part(&found.filename).is_some()) {
                // What a listing says of a link is about the link; some servers say nothing at all.
                if found.attrs.file_type().is_file() && found.attrs.size.is_some() {
                    files.push(file(found.filename, &found.attrs));
                } else {
                    files.extend(self.look(found.filename).await?);
                }
            }
            if seen > MAX_LISTED {
                return Err(too_many(&format!("directory {} of {}", self.directory, self.endpoint)));
            }
        }
        // What was listed is there; a server that cannot close the list loses nothing.
        let _ = self.sftp.close(handle).await;
        Ok(files)
    }

    async fn open(self: Arc<Self>, name: &str) -> Result<Chunks, SourceError> {
        let opened = self.sftp.open(self.path(name), OpenFlags::READ, FileAttributes::empty()).await;
        let handle = opened.map_err(|error| self.failed(&error, name))?.handle;
        let reading = Reading { files: self, handle, name: name.to_owned(), at: 0 };
        Ok(stream::try_unfold(reading, Reading::next).boxed())
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.directory.trim_end_matches('/'))
    }

    /// What went wrong with a file, or with the directory where `name` is empty.
    fn failed(&self, error: &Error, name: &str) -> SourceError {
        let Self { directory, endpoint, user, .. } = self;
        let what = if name.is_empty() {
            format!("directory {directory} of {endpoint}")
        } else {
            format!("{name} in directory {directory} of {endpoint}")
        };
        match error {
            Error::Status(status) => match status.status_code {
                StatusCode::NoSuchFile if name.is_empty() => SourceError::misconfigured(format!(
                    "{what} is not there; correct spec.provider.csv.from.sftp.directory, or have it made"
                )),
                StatusCode::NoSuchFile => SourceError::incomplete(format!(
                    "{what} went away while it was looked at; it is waited for"
                )),
                StatusCode::PermissionDenied => SourceError::unauthorized(format!(
                    "{what} may not be read by user {user}; have the account allowed to read it"
                )),
                code => SourceError::transient(format!("{what} cannot be read ({code}); it is tried again")),
            },
            Error::Timeout => stopped(endpoint),
            _ => SourceError::transient(format!("the connection to {endpoint} broke; it is tried again")),
        }
    }
}

fn stopped(endpoint: &str) -> SourceError {
    SourceError::transient(format!(
        "{endpoint} stopped answering (spec.provider.csv.from.sftp.timeoutSeconds); it is tried again"
    ))
}

/// A file that is being read.
struct Reading {
    files: Arc<Files>,
    handle: String,
    name: String,
    at: u64,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, SourceError> {
        let Files { sftp, read, .. } = self.files.as_ref();
        match sftp.read(self.handle.as_str(), self.at, *read).await {
            Ok(data) if data.data.is_empty() => Ok(None),
            Ok(data) => {
                self.at += data.data.len() as u64;
                Ok(Some((data.data.into(), self)))
            }
            Err(Error::Status(status)) if status.status_code == StatusCode::Eof => {
                // All bytes are here; a server that cannot close the file takes none of them back.
                let _ = sftp.close(self.handle.as_str()).await;
                Ok(None)
            }
            Err(error) => Err(self.files.failed(&error, &self.name)),
        }
    }
}

fn file(name: String, attributes: &FileAttributes) -> File {
    File {
        name,
        size: attributes.size.unwrap_or(0),
        modified: attributes.mtime.unwrap_or(0).into(),
        version: None,
    }
}

//! Tables as files on an SFTP server (SSH, RFC 4251; draft-ietf-secsh-filexfer-02).

#[cfg(feature = "sftp")]
mod connect;
#[cfg(feature = "sftp")]
mod credentials;
#[cfg(feature = "sftp")]
mod folder;
mod host_key;
mod spec;

use std::time::Duration;

pub use spec::SftpFolder;

use super::{CsvSpec, files};
use crate::source::{Material, Problem, Reference, Source, SourceError};
use host_key::HostKey;

/// Where these settings stand in a Directory.
const PATH: &str = "spec.provider.csv.from.sftp";

impl SftpFolder {
    /// The Secret that the settings name.
    pub(super) fn references(&self) -> Vec<Reference> {
        vec![self.credentials_secret_ref.reference()]
    }

    /// What is wrong with the settings, as far as that shows without connecting.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = files::problems(&self.files, &format!("{PATH}.files"));
        for (index, key) in self.host_keys.iter().enumerate() {
            if let Err(message) = HostKey::parse(key) {
                problems.push(Problem::new(format!("{PATH}.hostKeys[{index}]"), message));
            }
        }
        if !cfg!(feature = "sftp") {
            problems.push(Problem::new(PATH, NOT_BUILT_IN));
        }
        problems
    }

    /// Prepares a source from settings and credentials.
    pub(super) fn source(&self, spec: &CsvSpec, material: &Material) -> Result<Box<dyn Source>, SourceError> {
        if let Some(problem) = self.problems().into_iter().next() {
            return Err(SourceError::misconfigured(problem.to_string()));
        }
        let place = self.place(material, files::seconds(self.timeout_seconds))?;
        let settle = files::seconds(self.settle_seconds);
        Ok(Box::new(files::FilesSource::new(spec, place, &self.files, settle)))
    }

    #[cfg(feature = "sftp")]
    fn place(&self, material: &Material, timeout: Duration) -> Result<Box<dyn files::Place>, SourceError> {
        Ok(Box::new(connect::Server::new(self, material, timeout)?))
    }

    #[cfg(not(feature = "sftp"))]
    #[expect(clippy::unused_self, reason = "the same call as in a build with the feature")]
    fn place(&self, _: &Material, _: Duration) -> Result<Box<dyn files::Place>, SourceError> {
        Err(SourceError::misconfigured(format!("{PATH}: {NOT_BUILT_IN}")))
    }
}

const NOT_BUILT_IN: &str = "this build of directory-sync was made without reading by SFTP; run one that was made with \
                            its feature 'sftp', as the published image is";

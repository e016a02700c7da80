//! Tables as files on an SFTP server (SSH, RFC 4251; draft-ietf-secsh-filexfer-02).

#[cfg(feature = "sftp")]
mod connect;
#[cfg(feature = "sftp")]
mod credentials;
#[cfg(feature = "sftp")]
mod folder;
mod host_key;
mod spec;

pub use spec::SftpFolder;

use super::{CsvSpec, files};
use crate::source::{Material, Problem, Reference, Source, SourceError};
use host_key::HostKey;

impl SftpFolder {
    /// The Secret that the settings name.
    pub(super) fn references(&self) -> Vec<Reference> {
        vec![self.credentials_secret_ref.reference()]
    }

    /// What is wrong with the settings, as far as that shows without connecting.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = files::problems(&self.files, "from.sftp.files");
        for (index, key) in self.host_keys.iter().enumerate() {
            if let Err(message) = HostKey::parse(key) {
                problems.push(Problem { field: format!("from.sftp.hostKeys[{index}]"), message });
            }
        }
        if !cfg!(feature = "sftp") {
            problems.push(Problem { field: "from.sftp".to_owned(), message: NOT_BUILT_IN.to_owned() });
        }
        problems
    }
}

const NOT_BUILT_IN: &str = "this build of directory-sync was made without reading by SFTP; run one that was made with \
                            its feature 'sftp', as the published image is";

#[cfg(not(feature = "sftp"))]
impl SftpFolder {
    /// Nothing can be read.
    #[expect(clippy::unused_self, reason = "the same call as in a build with the feature")]
    pub(super) fn source(&self, _: &CsvSpec, _: &Material) -> Result<Box<dyn Source>, SourceError> {
        Err(SourceError::misconfigured(format!("spec.provider.csv.from.sftp: {NOT_BUILT_IN}")))
    }
}

#[cfg(feature = "sftp")]
impl SftpFolder {
    /// Prepares a source from settings and credentials.
    pub(super) fn source(&self, spec: &CsvSpec, material: &Material) -> Result<Box<dyn Source>, SourceError> {
        if let Some(problem) = self.problems().into_iter().next() {
            return Err(SourceError::misconfigured(format!(
                "spec.provider.csv.{}: {}",
                problem.field, problem.message
            )));
        }
        let seconds = |value: i32| std::time::Duration::from_secs(u64::try_from(value).unwrap_or(1));
        let place = connect::Server::new(self, material, seconds(self.timeout_seconds))?;
        Ok(Box::new(files::FilesSource::new(
            spec,
            Box::new(place),
            &self.files,
            seconds(self.settle_seconds),
        )))
    }
}

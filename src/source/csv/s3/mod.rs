//! Tables as files in a bucket of an object store that speaks the protocol of Amazon S3.

#[cfg(feature = "s3")]
mod bucket;
#[cfg(feature = "s3")]
mod failure;
#[cfg(feature = "s3")]
mod http;
mod spec;

use std::time::Duration;

pub use spec::{InsecureEndpoint, S3Folder};

use super::{CsvSpec, files};
use crate::source::{Material, Problem, Reference, Source, SourceError};

/// Where these settings stand in a Directory.
const PATH: &str = "spec.provider.csv.from.s3";

impl S3Folder {
    /// The objects that the settings name.
    pub(super) fn references(&self) -> Vec<Reference> {
        let ca = self.ca_ref.iter().map(crate::source::material::TextRef::reference);
        std::iter::once(self.credentials_secret_ref.reference()).chain(ca).collect()
    }

    /// What is wrong with the settings, as far as that shows without connecting.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = files::problems(&self.files, &format!("{PATH}.files"));
        let mut problem = |field: &str, message: String| {
            problems.push(Problem::new(format!("{PATH}.{field}"), message));
        };
        if let Some(endpoint) = &self.endpoint {
            if let Err(message) = check_endpoint(endpoint) {
                problem("endpoint", message);
            }
            if !endpoint.starts_with("https://") && self.insecure.is_none() {
                problem("endpoint", spec::PLAIN_ENDPOINT.to_owned());
            }
        }
        if !cfg!(feature = "s3") {
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

    #[cfg(feature = "s3")]
    fn place(&self, material: &Material, timeout: Duration) -> Result<Box<dyn files::Place>, SourceError> {
        Ok(Box::new(bucket::Bucket::new(self, material, timeout)?))
    }

    #[cfg(not(feature = "s3"))]
    #[expect(clippy::unused_self, reason = "the same call as in a build with the feature")]
    fn place(&self, _: &Material, _: Duration) -> Result<Box<dyn files::Place>, SourceError> {
        Err(SourceError::misconfigured(format!("{PATH}: {NOT_BUILT_IN}")))
    }
}

fn check_endpoint(endpoint: &str) -> Result<(), String> {
    let form = "write it like https://minio.acme.example:9000";
    let url = url::Url::parse(endpoint).map_err(|error| format!("it is not a url ({error}); {form}"))?;
    let extra = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
    if !matches!(url.scheme(), "http" | "https")
        || extra
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(format!("it may have a host and a port and nothing else; {form}"));
    }
    Ok(())
}

const NOT_BUILT_IN: &str = "this build of directory-sync was made without reading from object stores; run one that was \
                            made with its feature 's3', as the published image is";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_a_host_and_nothing_else() {
        for good in ["https://minio.acme.example:9000", "http://127.0.0.1:9000/"] {
            assert_eq!(check_endpoint(good), Ok(()), "{good}");
        }
        for bad in ["minio", "ftp://x", "https://x/bucket", "https://u:p@x", "https://x?y"] {
            assert!(check_endpoint(bad).is_err(), "{bad}");
        }
    }
}

//! What an object store says when it refuses, for a person.

use object_store::Error;

use crate::source::{Reference, SourceError};

/// What messages name.
pub struct Failures {
    /// The bucket with its prefix and endpoint.
    pub bucket: String,
    /// The region in the settings.
    pub region: String,
    /// The Secret with the credentials.
    pub from: Reference,
}

impl Failures {
    /// Why the bucket cannot be listed.
    pub fn listing(&self, error: &Error) -> SourceError {
        self.explain(error, &self.bucket, "listed (s3:ListBucket)")
    }

    /// Why a file cannot be read.
    pub fn reading(&self, error: &Error, name: &str) -> SourceError {
        let file = format!("{name} in {}", self.bucket);
        match error {
            Error::Precondition { .. } => SourceError::incomplete(format!(
                "{file} was replaced while it was read; it is read again later, and nothing is changed until then"
            )),
            Error::NotFound { .. } => SourceError::incomplete(format!(
                "{file} went away while it was looked at; it is waited for, and nothing is changed until then"
            )),
            _ => self.explain(error, &file, "read (s3:GetObject)"),
        }
    }

    /// A name that the protocol's client does not take.
    pub fn unusable_name(&self, name: &str) -> SourceError {
        SourceError::misconfigured(format!(
            "{name} in {} has a name that cannot be asked for; use letters, digits, '-', '_' and '.'",
            self.bucket
        ))
    }

    fn explain(&self, error: &Error, what: &str, done: &str) -> SourceError {
        let Self { bucket, region, from } = self;
        let code = code(error);
        match code.as_deref() {
            Some("NoSuchBucket") => SourceError::misconfigured(format!(
                "{bucket} is not there; correct spec.provider.csv.from.s3.bucket, or have it made"
            )),
            Some(
                "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "InvalidToken"
                | "ExpiredToken"
                | "InvalidClientTokenId",
            ) => SourceError::unauthorized(format!(
                "{bucket} does not take the credentials in {from} ({}); correct them there",
                code.unwrap_or_default()
            )),
            Some(
                "AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException",
            ) => SourceError::misconfigured(format!(
                "{bucket} is not in region {region}; correct spec.provider.csv.from.s3.region"
            )),
            Some("RequestTimeTooSkewed") => SourceError::transient(format!(
                "{bucket} refuses requests because the clocks differ; correct the time of the node or of the store"
            )),
            _ if matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) => {
                SourceError::unauthorized(format!(
                    "{what} may not be {done} with the credentials in {from}; have them allowed to"
                ))
            }
            Some(code) => {
                SourceError::transient(format!("{what} cannot be read now ({code}); it is tried again"))
            }
            None => SourceError::transient(format!(
                "{what} cannot be reached; it is tried again (check spec.provider.csv.from.s3.endpoint, caRef and the \
                 network between)"
            )),
        }
    }
}

/// The store's own word for what is wrong: the element `Code` of its answer, and nothing else of it.
fn code(error: &Error) -> Option<String> {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if let Some((_, rest)) = text.split_once("<Code>") {
            let code = rest.split('<').next().unwrap_or_default();
            let word =
                !code.is_empty() && code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
            return word.then(|| code.to_owned());
        }
        cause = error.source();
    }
    None
}

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
                "{file} was replaced while it was read; it is read again later"
            )),
            Error::NotFound { .. } => {
                SourceError::incomplete(format!("{file} went away while it was looked at; it is waited for"))
            }
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
        let Self { bucket, from, .. } = self;
        let told = told(error);
        let code = code(&told);
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
            ) => self.elsewhere(),
            None if told.contains("redirect without LOCATION") => self.elsewhere(),
            None if told.contains("certificate") => SourceError::misconfigured(format!(
                "{bucket} shows a certificate that is not trusted; name its authority in \
                 spec.provider.csv.from.s3.caRef, or have the certificate corrected"
            )),
            None if matches!(error, Error::InvalidPath { .. }) => SourceError::misconfigured(format!(
                "{what} has something whose name cannot be asked for (two slashes in a row, or a control character); \
                 have it renamed, or put the tables below a prefix of their own"
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
    fn elsewhere(&self) -> SourceError {
        let Self { bucket, region, .. } = self;
        SourceError::misconfigured(format!(
            "{bucket} is not in region {region}; correct spec.provider.csv.from.s3.region"
        ))
    }
}

/// All that is known of an error; for looking into, and not for messages.
fn told(error: &Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        text.push_str(&error.to_string());
        text.push('\n');
        cause = error.source();
    }
    text
}

/// The store's own word for what is wrong: the element `Code` of its answer, and nothing else of it.
fn code(told: &str) -> Option<String> {
    let code = told.split_once("<Code>")?.1.split('<').next()?;
    let word = (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    word.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Class, ReferenceKind};

    fn explained(text: &str) -> SourceError {
        let from = Reference { kind: ReferenceKind::Secret, name: "acme-s3".into() };
        let failures = Failures { bucket: "bucket acme".into(), region: "eu-central-1".into(), from };
        failures.listing(&Error::Generic { store: "S3", source: text.to_owned().into() })
    }

    #[test]
    fn what_a_store_answers_becomes_a_sentence_without_its_words() {
        for (answer, class, words) in [
            ("404 <Code>NoSuchBucket</Code><Message>canary</Message>", Class::Misconfigured, "is not there"),
            (
                "403 <Code>SignatureDoesNotMatch</Code>canary",
                Class::Unauthorized,
                "Secret acme-s3 (SignatureDoesNotMatch)",
            ),
            (
                "400 <Code>AuthorizationHeaderMalformed</Code>canary",
                Class::Misconfigured,
                "not in region eu-central-1",
            ),
            (
                "Received redirect without LOCATION, canary",
                Class::Misconfigured,
                "not in region eu-central-1",
            ),
            ("403 <Code>RequestTimeTooSkewed</Code>", Class::Transient, "the clocks differ"),
            ("503 <Code>SlowDown</Code> canary", Class::Transient, "cannot be read now (SlowDown)"),
            ("500 <Code>not a word, canary</Code>", Class::Transient, "cannot be reached"),
            (
                "invalid peer certificate: UnknownIssuer",
                Class::Misconfigured,
                "certificate that is not trusted",
            ),
        ] {
            let error = explained(answer);
            assert_eq!(error.class, class, "{error}");
            assert!(error.message.contains(words) && !error.message.contains("canary"), "{error}");
        }
    }
}

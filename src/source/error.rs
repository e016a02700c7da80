//! Why a source could not answer: the class decides what happens next, the text tells a person.

use std::fmt;

/// What kind of failure it is. Nothing else decides retry and condition reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Likely to pass by itself: unreachable, busy, timed out. Retried with growing delay.
    Transient,
    /// The directory refuses the credentials or the account's rights do not suffice. Retried
    /// slowly, and at once when the credentials change.
    Unauthorized,
    /// The settings cannot work: retried only slowly, and at once when they change.
    Misconfigured,
    /// The directory answered in part. What came is discarded; nothing is deleted.
    Incomplete,
    /// Another organisation's directory answers than before. Nothing of it is read until a person says
    /// that it is meant.
    TenantChanged,
    /// A list of changes cannot be trusted or does not exist; everything has to be read.
    ChangesUnknown,
}

impl Class {
    /// The reason of the `SourceReady` condition.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Transient => "Unreachable",
            Self::Unauthorized => "Unauthorized",
            Self::Misconfigured => "Misconfigured",
            Self::TenantChanged => "TenantChanged",
            Self::Incomplete | Self::ChangesUnknown => "Incomplete",
        }
    }
}

/// A failure of a source.
///
/// The message goes into conditions, events and logs: it holds no secret, no attribute of a
/// person and no body of a response. It says what happened and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// What kind of failure it is.
    pub class: Class,
    /// What happened, and what to do next.
    pub message: String,
}

impl SourceError {
    /// A failure of a class.
    #[must_use]
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: on_one_line(message.into()) }
    }

    /// [`Class::Transient`].
    #[must_use]
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(Class::Transient, message)
    }

    /// [`Class::Unauthorized`].
    #[must_use]
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(Class::Unauthorized, message)
    }

    /// [`Class::Misconfigured`].
    #[must_use]
    pub fn misconfigured(message: impl Into<String>) -> Self {
        Self::new(Class::Misconfigured, message)
    }

    /// [`Class::Incomplete`].
    #[must_use]
    pub fn incomplete(message: impl Into<String>) -> Self {
        Self::new(Class::Incomplete, message)
    }

    /// [`Class::ChangesUnknown`]: the answer to a pull of changes that cannot be trusted.
    #[must_use]
    pub fn changes_unknown(message: impl Into<String>) -> Self {
        Self::new(Class::ChangesUnknown, message)
    }
}

/// A message repeats what settings say, which may have line breaks: in a log they would begin a line
/// that looks like another message.
pub fn on_one_line(message: String) -> String {
    if !message.chars().any(char::is_control) {
        return message;
    }
    let written = message.chars().map(|character| {
        if character.is_control() { character.escape_default().to_string() } else { character.to_string() }
    });
    written.collect()
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SourceError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_no_line_breaks_or_other_control_characters() {
        let error = SourceError::transient("no entry 'ou=x\nWARN all is lost\r\u{1b}[2J'");
        assert_eq!(error.message, "no entry 'ou=x\\nWARN all is lost\\r\\u{1b}[2J'");
        assert_eq!(SourceError::transient("Zoë").message, "Zoë");
    }
}

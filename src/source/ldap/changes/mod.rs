//! What changed since an earlier reading: where a reading left off, and the two ways to go on.

pub mod modify_timestamp;
pub mod syncrepl;

use serde::{Deserialize, Serialize};

use crate::source::{Cursor, SourceError};

/// The form of the cursor; a cursor of another form is not read.
const VERSION: u8 = 1;

/// A cursor, as it stands in a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    v: u8,
    /// Hash of the settings that decide who is read: a list of changes since a reading with
    /// other settings would be one of other people.
    settings: String,
    #[serde(flatten)]
    position: Position,
}

/// Where a reading left off, for people and, if they are read, for groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "camelCase")]
pub enum Position {
    /// Cookies of content synchronisation (RFC 4533), in base64.
    Syncrepl {
        /// Of the search for people.
        users: String,
        /// Of the search for groups.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        groups: Option<String>,
    },
    /// The newest `modifyTimestamp` up to which everything has certainly been read.
    ModifyTimestamp {
        /// Of people.
        users: String,
        /// Of groups.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        groups: Option<String>,
    },
}

impl Position {
    /// Writes a cursor; `None` when it cannot be written, which makes the next reading a full one.
    pub fn store(self, settings: &str) -> Option<Cursor> {
        let stored = Stored { v: VERSION, settings: settings.to_owned(), position: self };
        serde_json::to_string(&stored).ok().map(Cursor)
    }

    /// Reads a cursor.
    ///
    /// # Errors
    /// [`crate::source::Class::ChangesUnknown`] when it is of another form or other settings.
    pub fn restore(cursor: &Cursor, settings: &str) -> Result<Self, SourceError> {
        let stored: Stored = serde_json::from_str(&cursor.0).map_err(|_| {
            SourceError::changes_unknown("the stored place in the list of changes cannot be read")
        })?;
        if stored.v != VERSION {
            return Err(SourceError::changes_unknown(
                "the stored place in the list of changes was written by another version of the operator",
            ));
        }
        if stored.settings != settings {
            return Err(SourceError::changes_unknown(
                "the settings of the searches have changed since the last sync",
            ));
        }
        Ok(stored.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Class;

    #[test]
    fn a_cursor_survives_being_stored_and_is_bound_to_its_settings() {
        let position = Position::Syncrepl { users: "cmlkPTAwMA==".to_owned(), groups: None };
        let cursor = position.clone().store("a").unwrap();
        assert_eq!(Position::restore(&cursor, "a"), Ok(position));
        assert_eq!(Position::restore(&cursor, "b").unwrap_err().class, Class::ChangesUnknown);
    }

    #[test]
    fn a_cursor_that_is_not_ours_is_not_trusted() {
        for text in ["", "{}", "rid=000", r#"{"v":2,"settings":"a","mode":"syncrepl","users":""}"#] {
            let error = Position::restore(&Cursor(text.to_owned()), "a").unwrap_err();
            assert_eq!(error.class, Class::ChangesUnknown, "{text}");
        }
    }
}

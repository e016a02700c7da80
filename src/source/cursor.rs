//! Where a source's list of changes was left off, as it stands in a checkpoint.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::SourceError;

/// The form of a stored place; one of another form is not read.
const VERSION: u8 = 1;

/// The longest cursor that a checkpoint takes, in bytes.
const MAX_BYTES: usize = 16_384;

/// Where a source's list of changes was left off; opaque to everything but the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// A place in a list of changes with what makes it good for nothing else.
#[derive(Serialize, Deserialize)]
struct Stored<Place> {
    v: u8,
    /// Hash of the settings that decide who is read: a list of changes since a reading with
    /// other settings would be one of other people.
    settings: String,
    #[serde(flatten)]
    place: Place,
}

impl Cursor {
    /// Writes a place, bound to settings; `None` when it cannot be written or is too long, which
    /// makes the next reading a full one.
    pub fn of(place: impl Serialize, settings: &str) -> Option<Self> {
        let stored = Stored { v: VERSION, settings: settings.to_owned(), place };
        serde_json::to_string(&stored).ok().filter(|text| text.len() <= MAX_BYTES).map(Self)
    }

    /// Reads a place.
    ///
    /// # Errors
    /// [`super::Class::ChangesUnknown`] when it is of another form or other settings.
    pub fn place<Place: DeserializeOwned>(&self, settings: &str) -> Result<Place, SourceError> {
        let stored: Stored<Place> = serde_json::from_str(&self.0).map_err(|_| {
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
        Ok(stored.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Class;

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Place {
        cookie: String,
    }

    #[test]
    fn a_place_survives_being_stored_and_is_bound_to_its_settings() {
        let cursor = Cursor::of(Place { cookie: "rid=000".to_owned() }, "a").unwrap();
        assert_eq!(cursor.place("a"), Ok(Place { cookie: "rid=000".to_owned() }));
        assert_eq!(cursor.place::<Place>("b").unwrap_err().class, Class::ChangesUnknown);
    }

    #[test]
    fn a_cursor_that_is_not_ours_is_not_trusted() {
        for text in ["", "{}", "rid=000", r#"{"v":2,"settings":"a","cookie":""}"#] {
            let error = Cursor(text.to_owned()).place::<Place>("a").unwrap_err();
            assert_eq!(error.class, Class::ChangesUnknown, "{text}");
        }
    }

    #[test]
    fn a_place_that_no_checkpoint_takes_is_not_stored() {
        assert_eq!(Cursor::of(Place { cookie: "x".repeat(MAX_BYTES) }, "a"), None);
    }
}

//! What changed since an earlier reading: where a reading left off, and the two ways to learn
//! which entries to ask for again.
//!
//! Neither way brings whole records, so both only name entries. Those are then asked for by their
//! ids, as a full reading asks for them.

pub mod dirsync;
pub mod list;
pub mod usn;

use serde::{Deserialize, Serialize};

use super::primary::PrimaryGroups;
use super::values::FileTime;
use crate::source::SourceError;

/// How many changes the domain controller may have made, none of them of interest, before the
/// place in its list moves on all the same. Where nothing of interest changed the cursor stays as
/// it is, so that nothing is written.
const QUIET_CHANGES: u64 = 10_000;

/// Where a reading left off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// The domain controller's database, by its `invocationId`: numbers and cookies are its own.
    pub invocation: String,
    /// The number of its newest change when the reading began.
    pub usn: u64,
    /// The cookie of DirSync, in base64; without one, `usn` is the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// When somebody's state changes without any change of their entry: the first account that
    /// expires, or the first lockout that ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<FileTime>,
    /// The primary groups that people have, where groups are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<PrimaryGroups>,
    /// Attributes that the settings ask for and that hold bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bytes: Vec<String>,
}

impl Position {
    /// Checks that changes since this place can be had from a domain controller.
    ///
    /// # Errors
    /// [`crate::source::Class::ChangesUnknown`] when it is another one, when its database is
    /// older than the place, or when somebody's state has changed by itself.
    pub fn check(&self, invocation: &str, newest: u64, now: FileTime) -> Result<(), SourceError> {
        if self.invocation != invocation {
            return Err(SourceError::changes_unknown(
                "another domain controller answers than at the last sync, or its database was restored from a \
                 backup, and its list of changes is another one",
            ));
        }
        if newest < self.usn {
            return Err(SourceError::changes_unknown(
                "the domain controller's database is older than at the last sync",
            ));
        }
        if self.until.is_some_and(|until| until <= now) {
            return Err(SourceError::changes_unknown(
                "an account has expired or a lockout has ended since the last sync, which no list of changes shows",
            ));
        }
        Ok(())
    }

    /// Whether a list of changes without any entry leaves the place where it is.
    pub const fn stays(&self, newest: u64) -> bool {
        newest.saturating_sub(self.usn) < QUIET_CHANGES
    }
}

/// Some entry is gone.
pub fn gone() -> SourceError {
    SourceError::changes_unknown("some people or groups have been deleted")
}

/// Some entry is not found by the searches, and may have been found before.
pub fn left() -> SourceError {
    SourceError::changes_unknown(
        "some people, groups or organizational units have moved, or are not found by the filters any more",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Class;

    fn position() -> Position {
        Position {
            invocation: "a".to_owned(),
            usn: 100,
            cookie: Some("TVNEUw==".to_owned()),
            until: Some(5_000),
            primary: Some(PrimaryGroups::default()),
            bytes: Vec::new(),
        }
    }

    #[test]
    fn another_database_an_older_one_and_a_state_that_changed_by_itself_make_changes_unknown() {
        assert_eq!(position().check("a", 100, 4_999), Ok(()));
        for (invocation, newest, now) in [("b", 100, 0), ("a", 99, 0), ("a", 100, 5_000)] {
            let error = position().check(invocation, newest, now).unwrap_err();
            assert_eq!(error.class, Class::ChangesUnknown);
        }
    }

    #[test]
    fn a_place_moves_on_after_ten_thousand_changes_of_no_interest() {
        assert!(position().stays(10_099));
        assert!(!position().stays(10_100));
    }
}

//! What changed since an earlier reading: where a reading left off, and the two ways to go on.

pub mod modify_timestamp;
pub mod syncrepl;

use serde::{Deserialize, Serialize};

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

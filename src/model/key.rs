//! The names by which records of one source refer to each other.

use serde::{Deserialize, Serialize};

use super::content_hash::ContentHash;

/// A name by which records of one source refer to each other: a normalised DN, a `uid`, an id.
///
/// Opaque to everything but the source. A source puts each record's own keys into `keys` and the
/// keys it refers to into `members`, `member_of` and `manager`; equal strings meet. A prefix such
/// as `dn:` keeps two name spaces of one source apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub String);

impl Key {
    /// What stands for the key where there are many.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest(ContentHash::of_bytes(self.0.as_bytes()).0)
    }
}

/// 128 bits of BLAKE3 over a key: what makes a graph of a million memberships small. Nobody can make two
/// keys meet in one, by chance or by malice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyDigest(u128);

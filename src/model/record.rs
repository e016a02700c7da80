//! What a source says of one person or group, before scope, mapping and roles are applied.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::key::Key;
use super::user::User;

/// Whether a record is about a person or about a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// A person.
    User,
    /// A group.
    Group,
}

impl Kind {
    /// The word for messages and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The longest external id that a mirror can hold, in bytes.
pub const MAX_EXTERNAL_ID_BYTES: usize = 512;

/// The provider's immutable id of a person or group: opaque, compared byte by byte.
///
/// Never an e-mail address or a user name: those change hands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExternalId(String);

impl ExternalId {
    /// Takes an id that is neither empty nor longer than [`MAX_EXTERNAL_ID_BYTES`] and has no
    /// control characters.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Option<Self> {
        let id = id.into();
        let fits = !id.is_empty() && id.len() <= MAX_EXTERNAL_ID_BYTES && !id.chars().any(char::is_control);
        fits.then_some(Self(id))
    }

    /// The id as the provider writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person as a source reports them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserRecord {
    /// The names by which other records of the source refer to this person.
    pub keys: Vec<Key>,
    /// The standard attributes. `external_id` is set by the source; `roles`, `role` and
    /// `attributes` are left empty, `email` may be (normalisation chooses it from `emails`), and
    /// `manager` holds only what the record itself says of the manager.
    pub user: User,
    /// The manager's key, where the source refers to the manager by one.
    pub manager: Option<Key>,
    /// Groups that the person's own record names; added to what the groups say.
    pub member_of: Vec<Key>,
    /// The provider's own attributes, for `mapping` and `scope`. Never holds secrets or photos. A snapshot
    /// keeps them apart.
    #[serde(default, skip_serializing)]
    pub raw: Map<String, Value>,
}

/// A group as a source reports it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// The provider's immutable id.
    pub external_id: String,
    /// The names by which other records of the source refer to this group.
    pub keys: Vec<Key>,
    /// The name to show.
    pub display_name: String,
    /// The keys of the members, people and groups alike.
    pub members: Vec<Key>,
    /// Groups that this group's own record names as its parents.
    pub member_of: Vec<Key>,
    /// The provider's own attributes, for `scope`. A snapshot keeps them apart.
    #[serde(default, skip_serializing)]
    pub raw: Map<String, Value>,
}

/// A record that the source could not turn into a person or group.
///
/// Never treated as absent: with an id, the mirror of that id stays as it is; without one,
/// nothing is deleted in this run. Who is in which group is not decided without it either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// What the record would have been.
    pub kind: Kind,
    /// The record's id, when that much could be read.
    pub id: Option<ExternalId>,
    /// Where the record stands in words that name no person: `users.csv line 17`.
    pub position: String,
    /// Why it cannot be used, and what to do; names no person and quotes no value.
    pub reason: String,
    /// How it hangs together with other records.
    pub links: Box<Links>,
}

/// How a record that cannot be used hangs together with others, as far as that could be read.
///
/// `None` is no empty list: a group may have any member whose record cannot be read, and any group may
/// have a member that goes by a name that is not known.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// All names by which other records refer to it.
    pub keys: Option<Vec<Key>>,
    /// The keys of all that a group lists as its members; an empty list for a person.
    pub members: Option<Vec<Key>>,
    /// All groups that the record itself names.
    pub member_of: Option<Vec<Key>>,
    /// The name of a group.
    pub display_name: Option<String>,
}

/// Shows how many names there are and none of them, as all that is told of a rejected record.
impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |keys: &Option<Vec<Key>>| keys.as_ref().map(Vec::len);
        f.debug_struct("Links")
            .field("keys", &known(&self.keys))
            .field("members", &known(&self.members))
            .field("member_of", &known(&self.member_of))
            .finish_non_exhaustive()
    }
}

impl Links {
    /// Of a record that names no other.
    #[must_use]
    pub const fn alone(keys: Option<Vec<Key>>) -> Self {
        Self { keys, members: Some(Vec::new()), member_of: Some(Vec::new()), display_name: None }
    }
}

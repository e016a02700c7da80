//! What comes out of normalisation for each record.

use crate::model::{Group, MirrorName, User};

/// One record, normalised or held back.
///
/// A record that is out of scope has no outcome: its mirror counts as missing.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "each is made and used up at once, one at a time")]
pub enum Outcome {
    /// A person who is in scope.
    User(User),
    /// A group that is in scope.
    Group(Group),
    /// A person or group that cannot be decided or written now. The mirror stays as it is.
    Quarantined {
        /// The mirror that stays as it is.
        name: MirrorName,
        /// A word for the reason.
        reason: QuarantineReason,
        /// What is wrong and what to do; names no person.
        message: String,
    },
}

/// Why a person or group is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QuarantineReason {
    /// A required attribute is missing.
    MissingAttribute,
    /// A required attribute has a value that an attribute cannot have.
    InvalidAttribute,
    /// The scope cannot be decided.
    ScopeError,
    /// Whether the person is in some group cannot be decided.
    MembershipUnknown,
    /// Somebody may be a member of the group whose record cannot be used.
    MembersUnknown,
    /// The group has more members than one object holds.
    TooManyMembers,
    /// The record's id cannot stand in an object.
    InvalidId,
}

impl QuarantineReason {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::MissingAttribute,
        Self::InvalidAttribute,
        Self::ScopeError,
        Self::MembershipUnknown,
        Self::MembersUnknown,
        Self::TooManyMembers,
        Self::InvalidId,
    ];

    /// The word as it stands in `status.quarantined`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingAttribute => "MissingAttribute",
            Self::InvalidAttribute => "InvalidAttribute",
            Self::ScopeError => "ScopeError",
            Self::MembershipUnknown => "MembershipUnknown",
            Self::MembersUnknown => "MembersUnknown",
            Self::TooManyMembers => "TooManyMembers",
            Self::InvalidId => "InvalidId",
        }
    }
}

/// Why normalisation could not be brought to an end.
#[derive(Debug, thiserror::Error)]
pub enum NormalizeError {
    /// The snapshot cannot be read back.
    #[error(transparent)]
    Snapshot(#[from] crate::model::snapshot::SnapshotError),
    /// The expressions cost too much on this many records.
    #[error(
        "the expressions of spec.scope and spec.mapping cost too much on {records} records; make them walk fewer or \
         smaller lists"
    )]
    TooExpensive {
        /// How many records there are.
        records: usize,
    },
}

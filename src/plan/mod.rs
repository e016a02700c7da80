//! What has to be written so that the cluster shows what the directory says: pure comparison of
//! normalised people and groups with the index of mirrors, and the rule of when to delete.

pub mod absence;
pub mod grace;
pub mod guard;
pub mod index;
pub mod marks;
pub mod planner;
pub mod quarantine;
pub mod recent;

pub use index::{Counts, Index, Observed};
pub use marks::Marks;
pub use planner::{Completeness, Departure, Plan, Planner, Update, Why, Withheld};

use crate::model::{ContentHash, Group, MirrorName, User};

/// The content of a mirror that is to be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A person.
    User(Box<User>),
    /// A group.
    Group(Box<Group>),
}

/// A mirror as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Mirror {
    /// Its name.
    pub name: MirrorName,
    /// The hash of its content.
    pub hash: ContentHash,
    /// Its content.
    pub content: Content,
}

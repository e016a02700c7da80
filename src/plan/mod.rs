//! What has to be written so that the cluster shows what the directory says: pure comparison of
//! normalised people and groups with the index of mirrors, and the rule of when to delete.

pub mod absence;
pub mod content;
pub mod form;
pub mod grace;
pub mod guard;
pub mod index;
pub mod marks;
pub mod planner;
pub mod quarantine;
pub mod recent;

pub use content::Content;
pub use index::{Counts, Index, Observed};
pub use marks::Marks;
pub use planner::{Completeness, Departure, Plan, Planner, Update, Why, Withheld};

use crate::model::{ContentHash, MirrorName, State};

/// A mirror as it should be. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// Its name.
    pub name: MirrorName,
    /// The hash of its content.
    pub hash: ContentHash,
    /// The person's state; groups have none.
    pub state: Option<State>,
    /// How many members the group has; people have none.
    pub members: u32,
    /// Its content.
    pub content: Content,
}

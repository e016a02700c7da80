//! Slices: many people or groups of one Directory in one object. Which entry is in which slice, how
//! the entries are written, and which slices make one view. Pure: no cluster, no network.
//!
//! `docs/slices.md` describes the format for those who read it.

pub mod change;
pub mod entry;
pub mod layout;
pub mod manifest;
pub mod members;
pub mod name;
pub mod payload;
pub mod prefix;
pub mod view;

pub use entry::Entry;
pub use layout::{Layout, Summary};
pub use manifest::Manifest;
pub use name::{Bucket, Family, SliceName};
pub use payload::{Payload, PayloadHash};
pub use prefix::Prefix;
pub use view::{Unfit, View};

//! People and groups as every provider's records become them: pure data, no I/O.

pub mod attributes;
pub mod content_hash;
pub mod group;
pub mod key;
pub mod lost;
pub mod name;
pub mod record;
pub mod snapshot;
pub mod user;

pub use content_hash::ContentHash;
pub use group::{Group, Members};
pub use key::{Key, KeyDigest};
pub use name::MirrorName;
pub use record::{ExternalId, GroupRecord, Kind, Links, Rejected, UserRecord};
pub use snapshot::Snapshot;
pub use user::{Address, Email, Manager, PersonName, PhoneNumber, State, User};

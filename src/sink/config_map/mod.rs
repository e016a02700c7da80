//! People and groups as files in a ConfigMap, or in many and an index: `spec.output.configMap`.
//!
//! [`Form`] says what one record looks like, [`Roster`] collects the records of a reading,
//! [`Package`] makes files of them and cuts what is too large, all without I/O. [`Publisher`]
//! writes a package: shards first, which have names of their own for each content, then the one
//! ConfigMap that names them. So a reader who goes by the index sees one content or another whole.

mod form;
mod object;
mod package;
mod publisher;
mod roster;

pub use form::Form;
pub use package::{MAX_BYTES, MAX_SHARDS, Package, PackageError};
pub use publisher::{Known, PublishError, Publisher, delete_but};
pub use roster::{MAX_ROSTER_BYTES, Roster};

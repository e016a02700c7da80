//! Records as normalisation reads them: the parts that a pass needs, and no more.
//!
//! Reading a record's JSON is most of the work of an unchanged run; what is skipped here costs
//! next to nothing. The shapes are those of [`crate::model::snapshot::Record`].

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::model::snapshot::{SnapshotError, Stored};
use crate::model::{Email, Key, User};

/// A person as the main pass reads them.
#[derive(Deserialize)]
pub struct Person {
    pub user: User,
    pub member_of: Vec<Key>,
}

/// A person as others refer to them.
#[derive(Deserialize)]
pub struct Reference {
    pub user: Name,
}

/// What is said of a person where they are somebody's manager.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Name {
    pub external_id: Option<String>,
    #[serde(default)]
    pub user_name: Option<String>,
    #[serde(default)]
    pub display_name: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub emails: Vec<Email>,
}

/// A group.
#[derive(Deserialize)]
pub struct GroupParts {
    pub external_id: String,
    pub display_name: String,
    pub members: Vec<Key>,
    pub member_of: Vec<Key>,
}

#[derive(Deserialize)]
enum StoredUser<T> {
    User(T),
}

#[derive(Deserialize)]
enum StoredGroup<T> {
    Group(T),
}

/// A part of a person.
///
/// # Errors
/// When the snapshot cannot be read back.
pub fn user<T: DeserializeOwned>(stored: &mut Stored<'_>) -> Result<T, SnapshotError> {
    stored.read().map(|StoredUser::User(part)| part)
}

/// A part of a group.
///
/// # Errors
/// When the snapshot cannot be read back.
pub fn group<T: DeserializeOwned>(stored: &mut Stored<'_>) -> Result<T, SnapshotError> {
    stored.read().map(|StoredGroup::Group(part)| part)
}

/// The provider's own attributes where an expression reads them, otherwise none.
///
/// # Errors
/// When the snapshot cannot be read back.
pub fn raw(stored: &mut Stored<'_>, needed: bool) -> Result<Map<String, Value>, SnapshotError> {
    if needed { stored.raw() } else { Ok(Map::new()) }
}

//! Records as normalisation reads them: the parts that a pass needs, and no more.
//!
//! Reading a record's JSON is most of the work of an unchanged run; what is skipped here costs
//! next to nothing. The shapes are those of [`crate::model::snapshot::Record`].

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::model::{Email, Key, User};

/// The provider's own attributes, read or skipped.
pub trait Raw: serde::de::DeserializeOwned {
    /// The attributes, if they were read.
    fn object(&self) -> &Map<String, Value>;
}

/// Reads the provider's own attributes.
pub type ReadRaw = Map<String, Value>;

/// Skips the provider's own attributes.
pub type SkipRaw = IgnoredAny;

impl Raw for ReadRaw {
    fn object(&self) -> &Map<String, Value> {
        self
    }
}

impl Raw for SkipRaw {
    fn object(&self) -> &Map<String, Value> {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        &NONE
    }
}

/// A stored person.
#[derive(Deserialize)]
pub enum StoredUser<U> {
    /// The record.
    User(U),
}

/// A stored group.
#[derive(Deserialize)]
pub enum StoredGroup<G> {
    /// The record.
    Group(G),
}

/// A person as the main pass reads them.
#[derive(Deserialize)]
pub struct Person<R> {
    pub keys: Vec<Key>,
    pub user: User,
    pub manager: Option<Key>,
    pub member_of: Vec<Key>,
    pub raw: R,
}

/// A person as others refer to them.
#[derive(Deserialize)]
pub struct Reference {
    pub keys: Vec<Key>,
    pub user: Name,
    pub manager: Option<Key>,
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
pub struct GroupParts<R> {
    pub external_id: String,
    pub keys: Vec<Key>,
    pub display_name: String,
    pub members: Vec<Key>,
    pub member_of: Vec<Key>,
    pub raw: R,
}

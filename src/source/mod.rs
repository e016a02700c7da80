//! The seam on which every provider stands: what a source is asked for and what it may answer.
//!
//! To add a provider, write a folder with a spec that implements [`Provider`] and add one line
//! to the list at the end of this file: it makes the member of `spec.provider`, the dispatch and
//! the word in metrics and messages.

pub mod active_directory;
pub mod collect;
pub mod csv;
pub mod cursor;
pub mod egress;
pub mod error;
pub mod ldap;
pub(crate) mod ldap_protocol;
pub mod material;
mod pages;
mod renames;
pub mod tenant;

use futures::stream::BoxStream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use collect::collect;
pub use cursor::Cursor;
pub use egress::Egress;
pub use error::{Class, SourceError};
pub use material::{Material, Reference, ReferenceKind};
pub use tenant::{Expected, TenantId};

use crate::model::{GroupRecord, Key, Rejected, UserRecord};

/// What a source is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pull {
    /// Every person and group.
    Full,
    /// What changed since the cursor of an earlier pull, from the same source and settings.
    Changes(Cursor),
}

/// A part of the answer, in any order, but for [`Page::Tenant`], which is first, and [`Page::End`],
/// which is last.
#[derive(Debug)]
pub enum Page {
    /// Whose directory answers, from a source that can tell.
    Tenant(TenantId),
    /// People. In a pull of changes: people who are new or changed, whole.
    Users(Vec<UserRecord>),
    /// Groups. In a pull of changes: groups that are new or changed, whole.
    Groups(Vec<GroupRecord>),
    /// Records that cannot be used.
    Rejected(Vec<Rejected>),
    /// The provider's own word that there is no more. **A listing without it is incomplete.**
    End(End),
}

/// How a pull ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct End {
    /// Where the next pull of changes can start, if this source has one.
    pub cursor: Option<Cursor>,
    /// What a person should know of the listing; sentences that name no person.
    pub notes: Vec<String>,
}

/// A connection to one directory, made for one run and dropped at its end.
pub trait Source: Send {
    /// Streams the answer to a request, a bounded page at a time.
    ///
    /// For [`Pull::Changes`] a source answers only what a change list can prove: people and
    /// groups that are new or changed. When the list says that someone is gone or was renamed, or
    /// when the cursor is no longer good, it ends the stream with
    /// [`SourceError::changes_unknown`], and the caller asks for [`Pull::Full`] in the same run.
    ///
    /// After an error the stream ends. A stream that ends without [`Page::End`] is incomplete.
    fn pull(&mut self, request: Pull) -> BoxStream<'_, Result<Page, SourceError>>;

    /// If the list of changes since a cursor may say nothing of an entry that goes by other keys than
    /// before: by which keys entries go that are read at all. Who names one of them then gives the rename away.
    fn hides_renames(&self, _since: &Cursor) -> Option<Reach> {
        None
    }
}

/// Whether an entry that is read may go by a key.
pub type Reach = Box<dyn Fn(&Key) -> bool + Send + Sync>;

/// A provider's part of `spec.provider`: pure settings, and the way to a [`Source`].
pub trait Provider {
    /// The Secrets and ConfigMaps that the settings name, all in the Directory's namespace.
    fn references(&self) -> Vec<Reference>;

    /// What can be found wrong without connecting, beyond what the schema refuses: each problem
    /// with the path of the field from `spec.provider` on.
    fn problems(&self) -> Vec<Problem>;

    /// Prepares a source. Does no I/O: that begins with the first pull.
    ///
    /// # Errors
    /// [`Class::Misconfigured`] when the material lacks a key or does not parse.
    fn source(&self, material: &Material) -> Result<Box<dyn Source>, SourceError>;
}

/// Something wrong with a manifest, found without connecting anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Path of the field, `spec.provider.ldap.users.filter`.
    pub field: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl Problem {
    /// A problem of a field.
    #[must_use]
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: error::on_one_line(message.into()) }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Makes the union of providers from one line each: `Ldap => ldap::LdapSpec, "ldap"`.
macro_rules! sources {
    ($($(#[doc = $doc:literal])* $variant:ident => $spec:ty, $name:literal;)+) => {
        /// Where the people come from: exactly one member.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub enum ProviderSpec {
            $($(#[doc = $doc])* $variant(Box<$spec>),)+
        }

        impl ProviderSpec {
            /// The names of all providers, as they stand in `spec.provider`.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The provider's name, for messages, columns and metric labels.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)+ }
            }

            /// The provider's settings.
            #[must_use]
            pub fn provider(&self) -> &dyn Provider {
                match self { $(Self::$variant(spec) => spec.as_ref(),)+ }
            }
        }
    };
}

sources! {
    /// A directory that speaks LDAP version 3: OpenLDAP, 389 Directory Server, FreeIPA and kin.
    Ldap => ldap::LdapSpec, "ldap";
    /// A domain of Active Directory, on Windows Server or Samba.
    ActiveDirectory => active_directory::ActiveDirectorySpec, "activeDirectory";
    /// Tables of people, memberships and groups: text in a ConfigMap or Secret, files on an SFTP server or in a bucket.
    Csv => csv::CsvSpec, "csv";
}

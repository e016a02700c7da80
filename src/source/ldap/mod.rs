//! LDAP version 3 directories (RFC 4511): OpenLDAP, 389 Directory Server, `FreeIPA` and kin.

pub(crate) mod changes;
pub(crate) mod map;
mod notes;
mod pull;
pub(crate) mod schema;
mod settings;
mod spec;
mod tenant;

use futures::stream::BoxStream;

pub use spec::{Changes, GroupSearch, LdapSpec, Membership, Preset, SearchScope, UserSearch};

use self::pull::Reader;
pub use super::ldap_protocol::connection::Insecure;
use super::{Cursor, Material, Page, Problem, Provider, Pull, Reach, Reference, Source, SourceError, pages};

impl Provider for LdapSpec {
    fn references(&self) -> Vec<Reference> {
        let credentials = self.credentials_secret_ref.iter().map(super::material::SecretRef::reference);
        credentials.chain(self.ca_ref.iter().map(super::material::TextRef::reference)).collect()
    }

    fn problems(&self) -> Vec<Problem> {
        settings::problems(self)
    }

    fn source(&self, material: &Material) -> Result<Box<dyn Source>, SourceError> {
        Ok(Box::new(LdapSource { reader: settings::reader(self, material)? }))
    }
}

/// A directory that is read over one connection per pull.
struct LdapSource {
    reader: Reader,
}

impl Source for LdapSource {
    fn pull(&mut self, request: Pull) -> BoxStream<'_, Result<Page, SourceError>> {
        pages::stream(|pages| self.reader.pull(request, pages))
    }

    fn hides_renames(&self, since: &Cursor) -> Option<Reach> {
        self.reader.hides_renames(since)
    }
}

//! LDAP version 3 directories (RFC 4511): OpenLDAP, 389 Directory Server, `FreeIPA` and kin.

mod spec;

pub use spec::{Changes, GroupSearch, Insecure, LdapSpec, Membership, Preset, SearchScope, UserSearch};

use super::{Material, Problem, Provider, Reference, Source, SourceError};

impl Provider for LdapSpec {
    fn references(&self) -> Vec<Reference> {
        let credentials = self.credentials_secret_ref.iter().map(super::material::SecretRef::reference);
        credentials.chain(self.ca_ref.iter().map(super::material::TextRef::reference)).collect()
    }

    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }

    fn source(&self, _material: &Material) -> Result<Box<dyn Source>, SourceError> {
        Err(SourceError::misconfigured("not built yet"))
    }
}

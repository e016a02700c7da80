//! Active Directory domains: people and groups of one domain, read from its domain controllers.

pub(crate) mod changes;
mod controller;
mod controls;
mod foreign;
mod map;
mod members;
mod primary;
mod pull;
mod rules;
mod schema;
mod settings;
mod spec;
mod state;
mod syntax;
pub(crate) mod values;

use futures::stream::BoxStream;

pub use spec::{ActiveDirectorySpec, Changes, GroupSearch, Lockout, UserNameAttribute, UserSearch};

use self::pull::Reader;
use super::{Material, Page, Problem, Provider, Pull, Reference, Source, SourceError, pages};

impl Provider for ActiveDirectorySpec {
    fn references(&self) -> Vec<Reference> {
        let authorities = self.ca_ref.iter().map(super::material::TextRef::reference);
        std::iter::once(self.credentials_secret_ref.reference()).chain(authorities).collect()
    }

    fn problems(&self) -> Vec<Problem> {
        settings::problems(self)
    }

    fn source(&self, material: &Material) -> Result<Box<dyn Source>, SourceError> {
        Ok(Box::new(DomainSource { reader: settings::reader(self, material)? }))
    }
}

/// A domain that is read over one connection per pull.
struct DomainSource {
    reader: Reader,
}

impl Source for DomainSource {
    fn pull(&mut self, request: Pull) -> BoxStream<'_, Result<Page, SourceError>> {
        pages::stream(|pages| self.reader.pull(request, pages))
    }
}

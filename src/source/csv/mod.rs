//! People as tables of text (RFC 4180): the small team's directory, kept in Git.

mod spec;

pub use spec::{CsvSpec, Delimiter, GroupsTable, UserGroupsTable, UsersTable};

use super::{Material, Problem, Provider, Reference, Source, SourceError};

impl Provider for CsvSpec {
    fn references(&self) -> Vec<Reference> {
        vec![self.from.reference()]
    }

    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }

    fn source(&self, _material: &Material) -> Result<Box<dyn Source>, SourceError> {
        Err(SourceError::misconfigured("not built yet"))
    }
}

//! People as tables of text (RFC 4180): the small team's directory, kept in Git, and the files that
//! another system exports.

mod batch;
mod columns;
pub(crate) mod files;
mod groups;
mod memberships;
mod notes;
mod object;
mod part;
mod people;
mod read;
mod rows;
mod s3;
mod sftp;
mod spec;
mod table;
mod text;

pub use files::{FileEnding, Files};
pub use s3::{InsecureEndpoint, S3Folder};
pub use sftp::SftpFolder;
pub use spec::{CsvSpec, Delimiter, GroupsTable, TablesFrom, UserGroupsTable, UsersTable};

use super::{Material, Problem, Provider, Reference, Source, SourceError};
use object::ObjectSource;

/// Why everything is read.
const OTHER_TABLES: &str =
    "the tables are not the ones that were read last, so they are read again as a whole";

/// Where a provider's settings stand in a Directory.
const PATH: &str = "spec.provider.csv";

impl Provider for CsvSpec {
    fn references(&self) -> Vec<Reference> {
        match &self.from {
            TablesFrom::ConfigMap(named) => vec![named.reference()],
            TablesFrom::Secret(named) => vec![named.reference()],
            TablesFrom::Sftp(folder) => folder.references(),
            TablesFrom::S3(folder) => folder.references(),
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = columns::problems("users", columns::USERS, &self.users.columns);
        problems.extend(columns::problems("userGroups", columns::USER_GROUPS, &self.user_groups.columns));
        problems.extend(columns::problems("groups", columns::GROUPS, &self.groups.columns));
        match &self.from {
            TablesFrom::ConfigMap(_) | TablesFrom::Secret(_) => problems.extend(spec::key_problems(self)),
            TablesFrom::Sftp(folder) => problems.extend(folder.problems()),
            TablesFrom::S3(folder) => problems.extend(folder.problems()),
        }
        if matches!(self.from, TablesFrom::Sftp(_) | TablesFrom::S3(_)) {
            problems.extend(spec::unused_keys(self));
        }
        problems
    }

    fn source(&self, material: &Material) -> Result<Box<dyn Source>, SourceError> {
        match &self.from {
            TablesFrom::ConfigMap(named) => {
                Ok(Box::new(ObjectSource::new(self, named.reference(), material)?))
            }
            TablesFrom::Secret(named) => Ok(Box::new(ObjectSource::new(self, named.reference(), material)?)),
            TablesFrom::Sftp(folder) => folder.source(self, material),
            TablesFrom::S3(folder) => folder.source(self, material),
        }
    }
}

#[cfg(test)]
mod tests;

//! Collects what is wrong with the names, filters and attributes in a provider's settings.

use super::{dn, entry, filter};
use crate::source::Problem;

/// Problems of one provider's settings.
#[derive(Debug)]
pub struct Problems {
    path: &'static str,
    found: Vec<Problem>,
}

impl Problems {
    /// None so far, in the settings at `path`: `spec.provider.ldap`.
    pub const fn new(path: &'static str) -> Self {
        Self { path, found: Vec::new() }
    }

    /// Adds one, with the path of its field below the settings.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.found.push(Problem::new(format!("{}.{field}", self.path), message));
    }

    /// Checks that a value is a DN.
    pub fn check_dn(&mut self, field: &str, value: &str) {
        if dn::normalize(value).is_none() {
            self.add(field, "it is not a DN (RFC 4514); write it like ou=people,dc=example,dc=org, with a backslash before a comma in a value");
        }
    }

    /// Checks that a value, if there is one, is a filter.
    pub fn check_filter(&mut self, field: &str, value: Option<&str>) {
        if let Some(problem) = value.and_then(filter::problem) {
            self.add(field, problem);
        }
    }

    /// Checks that a value, if there is one, is an attribute that may be read.
    pub fn check_attribute(&mut self, field: &str, value: Option<&str>) {
        if let Some(attribute) = value.filter(|attribute| entry::is_forbidden(attribute)) {
            self.add(
                field,
                format!("'{attribute}' holds a secret, a photo or a sound, which is never read; remove it"),
            );
        }
    }

    /// All that were found, in order.
    pub fn into_vec(self) -> Vec<Problem> {
        self.found
    }
}

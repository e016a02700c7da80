//! Whose directory it is: an id that stays while the directory does, and is another one when somebody
//! else's directory answers at the same address with the same credentials.

use super::{Class, SourceError};

/// The identity of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantId {
    /// What has the id: the name of the base entry, for one. Ids of different things say nothing of
    /// each other.
    pub of: String,
    /// The id, as people read it: `entryUUID=4f6b…`. At most 256 characters.
    pub id: String,
}

/// Whose directory is expected.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected<'a> {
    /// The id that the spec names: nobody else's directory is read.
    pub named: Option<&'a str>,
    /// The directory that was read before.
    pub known: Option<&'a TenantId>,
}

impl Expected<'_> {
    /// Compares with the directory that answers; `None` when it does not say whose it is.
    ///
    /// # Errors
    /// [`Class::TenantChanged`] when it is another one than was named, or than was read before and
    /// none is named.
    pub fn check(&self, found: Option<&TenantId>) -> Result<(), SourceError> {
        let message = match (self.named, self.known, found) {
            (Some(named), _, Some(found)) if named != found.id => format!(
                "the directory that answers has the id {}, and spec.tenant names {named}; correct spec.provider, \
                 or spec.tenant if that directory is meant",
                found.id
            ),
            (Some(named), _, None) => format!(
                "spec.tenant names {named}, and the directory does not say whose it is; let the account read \
                 the id of the base entry or of the domain, or leave spec.tenant out"
            ),
            (None, Some(known), Some(found)) if known.of == found.of && known.id != found.id => format!(
                "another directory answers than before: {} has the id {} and had {}; if that is meant, set \
                 spec.tenant to {}",
                found.of, found.id, known.id, found.id
            ),
            _ => return Ok(()),
        };
        Err(SourceError::new(Class::TenantChanged, message + ". Nothing is written until then"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(of: &str, id: &str) -> TenantId {
        TenantId { of: of.into(), id: id.into() }
    }

    #[test]
    fn another_directory_is_read_only_when_the_spec_names_it() {
        let (known, found) = (tenant("dc=a", "id=1"), tenant("dc=a", "id=2"));
        let before = Expected { named: None, known: Some(&known) };
        assert_eq!(before.check(Some(&known)), Ok(()));
        let error = before.check(Some(&found)).unwrap_err();
        assert_eq!(error.class, Class::TenantChanged);
        assert!(error.message.contains("set spec.tenant to id=2"), "{error}");
        assert_eq!(Expected { named: Some("id=2"), ..before }.check(Some(&found)), Ok(()));
    }

    #[test]
    fn whoever_is_named_is_the_only_one_that_is_read() {
        let known = tenant("dc=a", "id=2");
        let named = Expected { named: Some("id=1"), known: Some(&known) };
        assert_eq!(named.check(Some(&known)).unwrap_err().class, Class::TenantChanged);
        assert_eq!(named.check(None).unwrap_err().class, Class::TenantChanged);
    }

    #[test]
    fn an_id_of_something_else_or_none_says_nothing() {
        let known = tenant("dc=a", "id=1");
        let before = Expected { named: None, known: Some(&known) };
        assert_eq!(before.check(Some(&tenant("ou=people,dc=a", "id=2"))), Ok(()));
        assert_eq!(before.check(None), Ok(()));
        assert_eq!(Expected::default().check(Some(&known)), Ok(()));
    }
}

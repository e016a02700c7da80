//! Looks up in the domain's schema which of the attributes that settings ask for hold bytes: some
//! bytes look like text by accident, and only the schema knows.

use super::controller::Controller;
use super::schema::entry_query;
use crate::source::SourceError;
use crate::source::ldap_protocol::entry::{Entry, LeftOut};
use crate::source::ldap_protocol::search::{PageSize, Pager};
use crate::source::ldap_protocol::wire::Query;

/// The syntaxes of bytes ([MS-ADTS] section 3.1.1.2.2.2): octet strings, security descriptors,
/// security ids.
const BYTES: &[&str] = &["2.5.5.10", "2.5.5.15", "2.5.5.17"];

/// What the schema says of attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Syntaxes {
    /// Attributes that hold bytes.
    pub bytes: Vec<String>,
    /// Attributes that the schema does not have.
    pub unknown: Vec<String>,
}

/// Looks attributes up.
///
/// # Errors
/// When the connection is lost or the schema cannot be read.
pub async fn look_up(controller: &mut Controller, attributes: &[String]) -> Result<Syntaxes, SourceError> {
    let Some(schema) = controller.schema.as_ref().filter(|_| !attributes.is_empty()) else {
        return Ok(Syntaxes::default());
    };
    let names: Vec<String> = attributes.iter().map(|name| format!("(lDAPDisplayName={name})")).collect();
    let query = Query {
        scope: ldap3::Scope::OneLevel,
        filter: format!("(&(objectClass=attributeSchema)(|{}))", names.concat()),
        ..entry_query(schema, &["lDAPDisplayName", "attributeSyntax"])
    };
    let mut size = PageSize::new(500);
    let mut pager = Pager::new(&query);
    let mut found = Vec::new();
    while let Some(entries) = pager.next(&mut controller.session, &mut size).await? {
        found.extend(entries.into_iter().filter_map(|tag| Entry::decode(tag, &mut LeftOut::default())));
    }
    let mut syntaxes = Syntaxes::default();
    for attribute in attributes {
        let named = |entry: &&Entry| {
            entry.values("lDAPDisplayName").iter().any(|name| name.eq_ignore_ascii_case(attribute))
        };
        match found.iter().find(named).map(|entry| entry.values("attributeSyntax")) {
            None => syntaxes.unknown.push(attribute.clone()),
            Some(syntax) if syntax.iter().any(|syntax| BYTES.contains(&syntax.as_str())) => {
                syntaxes.bytes.push(attribute.clone());
            }
            Some(_) => {}
        }
    }
    Ok(syntaxes)
}

impl Syntaxes {
    /// What a person should know of them.
    pub fn sentences(&self) -> Vec<String> {
        let field = "spec.provider.activeDirectory.users.attributes";
        let bytes = self.bytes.iter().map(|attribute| {
            format!("The attribute '{attribute}' ({field}) holds bytes, not text, and is not copied.")
        });
        let unknown = self
            .unknown
            .iter()
            .map(|attribute| format!("The domain's schema has no attribute '{attribute}' ({field})."));
        bytes.chain(unknown).collect()
    }
}

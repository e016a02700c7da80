//! What the schema refuses of the settings of LDAP directories, with the words for it.
//!
//! These are the mistakes that CEL can see. A provider's `settings` look closer, but only when the
//! Directory is there already.

use kube::core::Rule;

use super::entry::FORBIDDEN;
use crate::api::rule::{field, form};

/// Scheme, host and port. A port has at most five digits that make no more than 65535.
const URL: &str = r"^ldaps?://([^\s/@?#:\[\]]+|\[[0-9A-Fa-f:.]+\])(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?/?$";

/// What a url must be, for people.
const URL_FORM: &str = "write the url like ldaps://ldap.example.org or ldap://ldap.example.org:389, with nothing after host and port";

/// An attribute description without options (RFC 4512 section 2.5).
const ATTRIBUTE: &str = r"^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)$";

/// What an attribute's name must be, for people.
const ATTRIBUTE_FORM: &str =
    "an attribute is written by its name, such as mail, or by its OID, such as 2.5.4.3";

/// Whether StartTLS encrypts the connection, in CEL.
const START_TLS: &str = "(has(self.startTLS) && self.startTLS)";

/// How a provider's settings name its servers.
#[derive(Clone, Copy, Debug)]
pub enum Servers {
    /// One, in the field `url`.
    One,
    /// Several, in the list `urls`.
    Several,
}

impl Servers {
    /// Whether there is a url that begins like this, in CEL.
    fn begin(self, scheme: &str) -> String {
        match self {
            Self::One => format!("self.url.startsWith('{scheme}')"),
            Self::Several => format!("self.urls.exists(url, url.startsWith('{scheme}'))"),
        }
    }

    /// Whether nobody can read along, in CEL.
    fn encrypted(self) -> String {
        format!("({} || {START_TLS})", self.begin("ldaps://"))
    }
}

/// Servers and nothing else.
pub fn url(servers: Servers) -> Rule {
    match servers {
        Servers::One => form("url", URL, URL_FORM),
        Servers::Several => field("urls", |it| format!("{it}.all(url, url.matches(r'{URL}'))"), URL_FORM),
    }
}

/// A connection that everybody can read is taken on purpose only.
pub fn encrypted(servers: Servers) -> Rule {
    let (plain, encrypted) = (servers.begin("ldap://"), servers.encrypted());
    Rule::new(format!("!{plain} || {encrypted} || has(self.insecure)")).message(
        "a plain ldap:// url sends passwords and people's data readable over the network: use ldaps://, or set \
         startTLS: true, or, where that is acceptable, insecure: PlaintextPasswordsAndData",
    )
}

/// What is encrypted already is not encrypted again.
pub fn start_tls_is_for_plain_urls(servers: Servers) -> Rule {
    Rule::new(format!("!({} && has(self.startTLS) && self.startTLS)", servers.begin("ldaps://")))
        .message("startTLS is for ldap:// urls; an ldaps:// url is encrypted from its first byte")
}

/// A risk that is not there is not taken.
pub fn insecure_is_for_plain_connections(servers: Servers) -> Rule {
    Rule::new(format!("!(has(self.insecure) && {})", servers.encrypted()))
        .message("insecure contradicts ldaps:// and startTLS; remove it")
}

/// Without encryption there is no certificate to check.
pub fn authorities_are_for_encrypted_connections(servers: Servers) -> Rule {
    let (plain, encrypted) = (servers.begin("ldap://"), servers.encrypted());
    Rule::new(format!("!(has(self.caRef) && {plain} && !{encrypted})"))
        .message(
            "caRef has no use on a connection that is not encrypted: use ldaps:// or startTLS, or remove it",
        )
        .field_path(".caRef")
}

/// The field looks like a DN.
pub fn dn(name: &str) -> Rule {
    let message = "write the DN of an entry, like ou=people,dc=example,dc=org";
    field(name, |it| format!("{it}.contains('=')"), message)
}

/// The field looks like a filter. Parentheses in values are written `\28` and `\29`.
pub fn filter(name: &str) -> Rule {
    let condition =
        |it: &str| format!("({it}.contains('=') && {it}.split('(').size() == {it}.split(')').size())");
    let message =
        "write an LDAP filter (RFC 4515) like (&(objectClass=person)(!(uid=robot))), with as many '(' as ')'";
    field(name, condition, message)
}

/// The field has the form of an attribute's name.
pub fn attribute(name: &str) -> Rule {
    form(name, ATTRIBUTE, ATTRIBUTE_FORM)
}

/// All elements have the form of an attribute's name.
pub fn attributes(name: &str) -> Rule {
    field(name, |it| format!("{it}.all(name, name.matches(r'{ATTRIBUTE}'))"), ATTRIBUTE_FORM)
}

/// The attribute may be read.
pub fn readable(name: &str) -> Rule {
    field(name, |it| format!("!{it}.matches(r'{}')", forbidden()), UNREADABLE)
}

/// All attributes may be read.
pub fn all_readable(name: &str) -> Rule {
    field(name, |it| format!("!{it}.exists(name, name.matches(r'{}'))", forbidden()), UNREADABLE)
}

/// Why an attribute is not read.
const UNREADABLE: &str = "passwords and other secrets, photos and sounds are never read; choose another attribute, or leave it out";

/// Attributes that are never read, as one regular expression.
fn forbidden() -> String {
    format!("(?i)^({})$", FORBIDDEN.join("|"))
}

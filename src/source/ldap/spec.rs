//! The settings of an LDAP directory, as they stand in `spec.provider.ldap`.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::source::ldap_protocol::connection::Insecure;
use crate::source::ldap_protocol::rules::{self, Servers};
use crate::source::material::{SecretRef, TextRef};

/// A directory that speaks LDAP version 3 (RFC 4511).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rules::url(Servers::One),
    validation = rules::encrypted(Servers::One),
    validation = rules::start_tls_is_for_plain_urls(Servers::One),
    validation = rules::insecure_is_for_plain_connections(Servers::One),
    validation = rules::authorities_are_for_encrypted_connections(Servers::One)
)]
pub struct LdapSpec {
    /// `ldaps://host[:port]` or `ldap://host[:port]`.
    #[schemars(length(min = 8, max = 512))]
    pub url: String,
    /// Whether an `ldap://` connection is encrypted by StartTLS before anything else is sent.
    #[serde(rename = "startTLS", default, skip_serializing_if = "std::ops::Not::not")]
    pub start_tls: bool,
    /// Names the risk of an unencrypted connection, and takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insecure: Option<Insecure>,
    /// Secret with the keys `bindDN` and `password`. Without it the connection is anonymous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_secret_ref: Option<SecretRef>,
    /// ConfigMap or Secret with the key `ca.crt`: the certificates (PEM) of the authorities that
    /// may sign the server's certificate. Without it the system's authorities are trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<TextRef>,
    /// Which attributes mean what, before `users` and `groups` override them.
    #[serde(default)]
    pub preset: Preset,
    /// Where and how people are found.
    pub users: UserSearch,
    /// Where and how groups are found. Without it there are no groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupSearch>,
    /// Entries asked for at a time (RFC 2696). A server that allows fewer is asked for fewer.
    #[serde(default = "default_page_size")]
    #[schemars(range(min = 1, max = 10_000))]
    pub page_size: i32,
    /// How long a connection attempt or an answer may take, in seconds.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 600))]
    pub timeout_seconds: i32,
    /// How changes are found between full readings.
    #[serde(default)]
    pub changes: Changes,
}

/// A family of schemas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Preset {
    /// inetOrgPerson (RFC 2798) with groupOfNames and groupOfUniqueNames.
    #[default]
    InetOrgPerson,
    /// posixAccount and posixGroup with `memberUid` (RFC 2307).
    #[serde(rename = "RFC2307")]
    Rfc2307,
    /// posixAccount, and posixGroup with `member` (RFC 2307bis).
    #[serde(rename = "RFC2307bis")]
    Rfc2307Bis,
    /// `FreeIPA`: `ipaUniqueID`, `nsAccountLock`, `member`.
    #[serde(rename = "FreeIPA")]
    FreeIpa,
}

/// How changes are found between full readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Changes {
    /// Content synchronisation (RFC 4533) where the server offers it, else `modifyTimestamp`.
    #[default]
    Auto,
    /// `modifyTimestamp` only.
    ModifyTimestamp,
    /// Not at all: every sync reads everything.
    None,
}

/// Where people are found, and which attributes say what of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rules::dn("baseDN"),
    validation = rules::filter("filter"),
    validation = rules::filter("inactiveFilter"),
    validation = rules::attribute("idAttribute"),
    validation = rules::readable("idAttribute"),
    validation = rules::attribute("userNameAttribute"),
    validation = rules::readable("userNameAttribute"),
    validation = rules::attributes("attributes"),
    validation = rules::all_readable("attributes")
)]
pub struct UserSearch {
    /// The entry below which people are (RFC 4514).
    #[serde(rename = "baseDN")]
    #[schemars(length(min = 3, max = 1024))]
    pub base_dn: String,
    /// Which entries are people (RFC 4515). Default: by the preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 2048))]
    pub filter: Option<String>,
    /// How deep below the base people are.
    #[serde(default)]
    pub scope: SearchScope,
    /// The attribute that never changes and is never given to another person. Default: by the
    /// preset, mostly `entryUUID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub id_attribute: Option<String>,
    /// The attribute that people sign in with. Default: `uid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub user_name_attribute: Option<String>,
    /// Which entries are of inactive people (RFC 4515). Default: by the preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 2048))]
    pub inactive_filter: Option<String>,
    /// Attributes to read besides the standard ones: `mapping` and `scope` find them in `raw`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        inner(length(min = 1, max = 64)),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub attributes: Vec<String>,
}

/// Where groups are found, and how they name their members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rules::dn("baseDN"),
    validation = rules::filter("filter"),
    validation = rules::attribute("idAttribute"),
    validation = rules::readable("idAttribute"),
    validation = rules::attribute("nameAttribute"),
    validation = rules::readable("nameAttribute")
)]
pub struct GroupSearch {
    /// The entry below which groups are (RFC 4514).
    #[serde(rename = "baseDN")]
    #[schemars(length(min = 3, max = 1024))]
    pub base_dn: String,
    /// Which entries are groups (RFC 4515). Default: by the preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 2048))]
    pub filter: Option<String>,
    /// How deep below the base groups are.
    #[serde(default)]
    pub scope: SearchScope,
    /// The attribute that never changes. Default: by the preset, mostly `entryUUID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub id_attribute: Option<String>,
    /// The attribute with the group's name. Default: `cn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub name_attribute: Option<String>,
    /// Where memberships are written. Default: by the preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<Membership>,
}

/// Where memberships are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Membership {
    /// In the group, as DNs: `member` and `uniqueMember`.
    #[serde(rename = "member")]
    Member,
    /// In the group, as sign-in names: `memberUid`.
    #[serde(rename = "memberUid")]
    MemberUid,
    /// In the person, as the DNs of groups: `memberOf`.
    #[serde(rename = "memberOf")]
    MemberOf,
}

/// How deep below its base a search looks (RFC 4511 section 4.5.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SearchScope {
    /// All levels.
    #[default]
    Subtree,
    /// The level right below the base.
    OneLevel,
}

const fn default_page_size() -> i32 {
    500
}

const fn default_timeout_seconds() -> i32 {
    30
}

//! The settings of an Active Directory domain, as they stand in `spec.provider.activeDirectory`.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules;
use crate::source::ldap_protocol::connection::Insecure;
use crate::source::ldap_protocol::rules::{
    Servers, all_readable, attribute, attributes, authorities_are_for_encrypted_connections, dn, encrypted,
    filter, insecure_is_for_plain_connections, readable, start_tls_is_for_plain_urls, url,
};
use crate::source::material::{SecretRef, TextRef};

/// One domain of Active Directory, on Windows Server or Samba.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = url(Servers::Several),
    validation = rules::urls_of_one_kind(),
    validation = rules::no_global_catalog(),
    validation = encrypted(Servers::Several),
    validation = start_tls_is_for_plain_urls(Servers::Several),
    validation = insecure_is_for_plain_connections(Servers::Several),
    validation = authorities_are_for_encrypted_connections(Servers::Several)
)]
pub struct ActiveDirectorySpec {
    /// Domain controllers of the domain, `ldaps://host[:port]` or `ldap://host[:port]`, in the
    /// order in which they are tried. The next is tried when one cannot be reached or is busy.
    #[schemars(
        length(min = 1, max = 8),
        inner(length(min = 8, max = 512)),
        extend("x-kubernetes-list-type" = "atomic")
    )]
    pub urls: Vec<String>,
    /// Whether an `ldap://` connection is encrypted by StartTLS before anything else is sent.
    #[serde(rename = "startTLS", default, skip_serializing_if = "std::ops::Not::not")]
    pub start_tls: bool,
    /// Names the risk of an unencrypted connection, and takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insecure: Option<Insecure>,
    /// Secret with the keys `username` (`reader@ad.example.org` or a DN) and `password`.
    pub credentials_secret_ref: SecretRef,
    /// ConfigMap or Secret with the key `ca.crt`: the certificates (PEM) of the authorities that
    /// may sign the domain controllers' certificates. Without it the system's authorities are
    /// trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<TextRef>,
    /// Which accounts are people.
    #[serde(default)]
    pub users: UserSearch,
    /// Which groups are read. Without it there are no groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupSearch>,
    /// Entries asked for at a time (RFC 2696), but no more than 500 groups. Domain controllers send no
    /// more than 1,000.
    #[serde(default = "default_page_size")]
    #[schemars(range(min = 1, max = 1_000))]
    pub page_size: i32,
    /// How long a connection attempt or an answer may take, in seconds.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 600))]
    pub timeout_seconds: i32,
    /// How changes are found between full readings.
    #[serde(default)]
    pub changes: Changes,
}

/// How changes are found between full readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Changes {
    /// By DirSync where the domain controller offers it to the account, else by update sequence
    /// numbers.
    #[default]
    Auto,
    /// By `uSNChanged` only.
    UpdateSequenceNumbers,
    /// Not at all: every sync reads everything.
    None,
}

/// Which accounts are people, and what is read of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = dn("baseDN"),
    validation = filter("filter"),
    validation = attributes("attributes"),
    validation = all_readable("attributes"),
    validation = rules::all_in_changes("attributes")
)]
pub struct UserSearch {
    /// The entry below which people are (RFC 4514). Default: the domain.
    #[serde(rename = "baseDN", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 1024))]
    pub base_dn: Option<String>,
    /// Which of the domain's user accounts are people (RFC 4515). Default:
    /// `(!(isCriticalSystemObject=TRUE))`, all but Administrator, Guest and krbtgt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 2048))]
    pub filter: Option<String>,
    /// Which of the two sign-in names becomes `userName`.
    #[serde(default)]
    pub user_name_attribute: UserNameAttribute,
    /// Which lockouts, after mistyped passwords, make a person inactive.
    #[serde(default)]
    pub lockout: Lockout,
    /// Attributes to read besides the standard ones: `mapping` and `scope` find them in `raw`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        inner(length(min = 1, max = 64)),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub attributes: Vec<String>,
}

/// Which of the two sign-in names becomes `userName`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UserNameAttribute {
    /// `ada@acme.example`; where the account has none, the one that always works:
    /// `sAMAccountName@` and the domain's DNS name.
    #[default]
    #[serde(rename = "userPrincipalName")]
    UserPrincipalName,
    /// `ada`, unique in the domain.
    #[serde(rename = "sAMAccountName")]
    SamAccountName,
}

/// Which lockouts make a person inactive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Lockout {
    /// Those that last until an administrator ends them, by the domain's `lockoutDuration`. One
    /// that ends by itself is not somebody's leaving, and anybody can cause it.
    #[default]
    UntilUnlocked,
    /// All, as long as they last.
    Any,
}

/// Which groups are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = dn("baseDN"),
    validation = filter("filter"),
    validation = attribute("nameAttribute"),
    validation = readable("nameAttribute")
)]
pub struct GroupSearch {
    /// The entry below which groups are (RFC 4514). Default: the domain.
    #[serde(rename = "baseDN", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 1024))]
    pub base_dn: Option<String>,
    /// Which of the domain's groups are read (RFC 4515). Default:
    /// `(!(groupType:1.2.840.113556.1.4.803:=1))`, all but the built-in local ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 2048))]
    pub filter: Option<String>,
    /// The attribute with the group's name.
    #[serde(default = "default_name_attribute")]
    #[schemars(length(min = 1, max = 64))]
    pub name_attribute: String,
}

fn default_name_attribute() -> String {
    "cn".to_owned()
}

const fn default_page_size() -> i32 {
    500
}

const fn default_timeout_seconds() -> i32 {
    30
}

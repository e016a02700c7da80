//! The LDAP source against a real OpenLDAP server: what a person sees, and what the server sees.

mod changes;
mod groups;
mod limits;
mod presets;
mod reading;
mod security;
mod values;

use directory_sync::model::{GroupRecord, Rejected, UserRecord};
use directory_sync::source::Reference;
use directory_sync::source::ldap::LdapSpec;
use directory_sync::source::{
    Class, Cursor, End, Material, Page, Provider, Pull, ReferenceKind, SourceError, TenantId,
};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::support::ldap::{PASSWORD, READER, Slapd};

/// The base of people.
const PEOPLE: &str = "ou=people,dc=example,dc=test";
/// The base of groups.
const GROUPS: &str = "ou=groups,dc=example,dc=test";

/// A Directory's settings with what they name.
struct Directory {
    spec: Value,
    material: Material,
}

impl Directory {
    /// Reads people and groups of a server without encryption, with the reading account.
    fn of(slapd: &Slapd) -> Self {
        Self::at(&slapd.url())
    }

    /// As [`Directory::of`], by url.
    fn at(url: &str) -> Self {
        let plain = url.starts_with("ldap://");
        let mut directory = Self {
            spec: json!({
                "url": url,
                "credentialsSecretRef": {"name": "reader"},
                "users": {"baseDN": PEOPLE},
                "groups": {"baseDN": GROUPS}
            }),
            material: Material::default(),
        };
        if plain {
            directory.spec["insecure"] = json!("PlaintextPasswordsAndData");
        }
        directory.account(READER, PASSWORD)
    }

    /// Signs in with another account.
    fn account(mut self, bind_dn: &str, password: &str) -> Self {
        let secret = Reference { kind: ReferenceKind::Secret, name: "reader".to_owned() };
        let data = [("bindDN", bind_dn), ("password", password)];
        self.material.insert(secret, data.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())));
        self
    }

    /// Trusts an authority.
    fn authority(mut self, pem: &str) -> Self {
        self.spec["caRef"] = json!({"configMap": {"name": "company-ca"}});
        let object = Reference { kind: ReferenceKind::ConfigMap, name: "company-ca".to_owned() };
        self.material.insert(object, [("ca.crt".to_owned(), pem.as_bytes().to_vec())]);
        self
    }

    /// Changes settings (RFC 7396).
    fn with(mut self, patch: &Value) -> Self {
        json_patch::merge(&mut self.spec, patch);
        self
    }

    fn provider(&self) -> LdapSpec {
        serde_json::from_value(self.spec.clone()).unwrap()
    }

    /// Reads everything.
    async fn read(&self) -> Result<Answer, SourceError> {
        self.pull(Pull::Full).await
    }

    /// Reads what changed.
    async fn changes(&self, since: &Cursor) -> Result<Answer, SourceError> {
        self.pull(Pull::Changes(since.clone())).await
    }

    /// Reads as the sync after another one does: what changed, where that can be found.
    async fn next(&self, last: &Answer) -> Result<Answer, SourceError> {
        match &last.end.cursor {
            Some(cursor) => self.changes(cursor).await,
            None => self.read().await,
        }
    }

    async fn pull(&self, request: Pull) -> Result<Answer, SourceError> {
        let mut source = self.provider().source(&self.material)?;
        let mut pages = source.pull(request);
        let mut answer = Answer::default();
        while let Some(page) = pages.next().await {
            match page? {
                Page::Tenant(tenant) => answer.tenant = Some(tenant),
                Page::Users(users) => answer.users.extend(users),
                Page::Groups(groups) => answer.groups.extend(groups),
                Page::Rejected(rejected) => answer.rejected.extend(rejected),
                Page::End(end) => {
                    answer.end = end;
                    assert!(pages.next().await.is_none(), "the end is last");
                    return Ok(answer);
                }
            }
        }
        panic!("the stream ended without its end mark");
    }
}

/// What a pull answered.
#[derive(Debug, Default)]
struct Answer {
    tenant: Option<TenantId>,
    users: Vec<UserRecord>,
    groups: Vec<GroupRecord>,
    rejected: Vec<Rejected>,
    end: End,
}

impl Answer {
    fn user(&self, user_name: &str) -> &UserRecord {
        self.users.iter().find(|record| record.user.user_name.as_deref() == Some(user_name)).unwrap()
    }

    fn group(&self, name: &str) -> &GroupRecord {
        self.groups.iter().find(|record| record.display_name == name).unwrap()
    }

    fn cursor(&self) -> Cursor {
        self.end.cursor.clone().expect("there is a cursor")
    }

    /// The sign-in names of people, in order.
    fn user_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.users.iter().filter_map(|record| record.user.user_name.as_deref()).collect();
        names.sort_unstable();
        names
    }

    /// The sign-in names of the people in a group, in order.
    fn members(&self, group: &str) -> Vec<&str> {
        let group = self.group(group);
        let is_member = |record: &&UserRecord| {
            record.keys.iter().any(|key| group.members.contains(key))
                || group.keys.iter().any(|key| record.member_of.contains(key))
        };
        let mut names: Vec<&str> = self
            .users
            .iter()
            .filter(is_member)
            .filter_map(|record| record.user.user_name.as_deref())
            .collect();
        names.sort_unstable();
        names
    }
}

/// Fails unless the error is of a class and its message has all the parts, and no secret.
#[track_caller]
fn assert_told(error: &SourceError, class: Class, parts: &[&str]) {
    assert_eq!(error.class, class, "{error}");
    for part in parts {
        assert!(error.message.contains(part), "'{part}' is missing in: {error}");
    }
    for secret in [PASSWORD, "secret-of-", "user0001", "User 0001"] {
        assert!(!error.message.contains(secret), "'{secret}' is told in: {error}");
    }
}

/// The address of a port of loopback by the name that certificates are for.
fn local(port: u16) -> String {
    format!("ldap://localhost:{port}")
}

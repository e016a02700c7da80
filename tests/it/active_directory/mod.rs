//! The source of Active Directory domains against a real Samba domain controller, and against a
//! stub for what Samba does not imitate.

mod changes;
mod reading;
mod security;
mod stub;

use directory_sync::model::{GroupRecord, UserRecord};
use directory_sync::source::active_directory::ActiveDirectorySpec;
use directory_sync::source::{
    Class, Cursor, Material, Provider, Pull, Reference, ReferenceKind, SourceError,
};
use serde_json::{Value, json};

use crate::contract::answer::{self, Answer};
use crate::support::samba::{DOMAIN, PASSWORD, READER, Samba};

/// A Directory's settings with what they name.
struct Directory {
    spec: Value,
    material: Material,
}

impl Directory {
    /// Reads people and groups of the whole domain, with the reading account.
    fn of(samba: &Samba) -> Self {
        Self::at(&[&samba.url()]).authority(samba.authority())
    }

    /// As [`Directory::of`], by urls and without an authority.
    fn at(urls: &[&str]) -> Self {
        let spec = json!({"urls": urls, "credentialsSecretRef": {"name": "reader"}, "groups": {}});
        Self { spec, material: Material::default() }.account(READER, PASSWORD)
    }

    /// As [`Directory::at`], without encryption.
    fn plain(urls: &[&str]) -> Self {
        Self::at(urls).with(&json!({"insecure": "PlaintextPasswordsAndData"}))
    }

    /// Reads only what is below an entry.
    fn below(self, base: &str) -> Self {
        self.with(&json!({"users": {"baseDN": base}, "groups": {"baseDN": base}}))
    }

    /// Signs in with another account.
    fn account(mut self, name: &str, password: &str) -> Self {
        let secret = Reference { kind: ReferenceKind::Secret, name: "reader".to_owned() };
        let data = [("username", name), ("password", password)];
        self.material.insert(secret, data.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())));
        self
    }

    /// Trusts authorities.
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

    /// Reads everything.
    async fn read(&self) -> Result<Answer, SourceError> {
        self.pull(Pull::Full).await
    }

    /// Reads what changed.
    async fn changes(&self, since: &Cursor) -> Result<Answer, SourceError> {
        self.pull(Pull::Changes(since.clone())).await
    }

    async fn pull(&self, request: Pull) -> Result<Answer, SourceError> {
        let spec: ActiveDirectorySpec = serde_json::from_value(self.spec.clone()).unwrap();
        let mut source = spec.source(&self.material)?;
        answer::pull(&mut *source, request).await
    }
}

/// What tests look for in answers.
trait Look {
    fn user(&self, account: &str) -> &UserRecord;
    fn group(&self, name: &str) -> &GroupRecord;
    fn accounts(&self) -> Vec<String>;
    fn group_names(&self) -> Vec<&str>;
    fn cursor(&self) -> Cursor;
    fn notes(&self) -> String;
}

impl Look for Answer {
    fn user(&self, account: &str) -> &UserRecord {
        let found = self.users.iter().find(|user| account_of(user) == account);
        found.unwrap_or_else(|| panic!("no {account} among {:?}", self.accounts()))
    }

    fn group(&self, name: &str) -> &GroupRecord {
        let found = self.groups.iter().find(|group| group.display_name == name);
        found.unwrap_or_else(|| panic!("no {name} among {:?}", self.group_names()))
    }

    /// The account names of people, in order.
    fn accounts(&self) -> Vec<String> {
        let mut names: Vec<String> = self.users.iter().map(account_of).collect();
        names.sort_unstable();
        names
    }

    /// The names of groups, in order.
    fn group_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.groups.iter().map(|group| group.display_name.as_str()).collect();
        names.sort_unstable();
        names
    }

    fn cursor(&self) -> Cursor {
        self.end.cursor.clone().expect("there is a cursor")
    }

    fn notes(&self) -> String {
        self.end.notes.join("\n")
    }
}

/// The account name of a person.
fn account_of(user: &UserRecord) -> String {
    user.raw["sAMAccountName"][0].as_str().unwrap().to_owned()
}

/// Fails unless the error is of a class and its message has all the parts, and no secret.
#[track_caller]
fn assert_told(error: &SourceError, class: Class, parts: &[&str]) {
    assert_eq!(error.class, class, "{error}");
    for part in parts {
        assert!(error.message.contains(part), "'{part}' is missing in: {error}");
    }
    assert!(!error.message.contains(PASSWORD) && !error.message.contains("p0001"), "{error}");
}

/// A person's entry (LDIF, to be added), with more attributes.
fn person(account: &str, base: &str, more: &str) -> String {
    format!(
        "dn: CN={account},{base}\nchangetype: add\nobjectClass: user\nsAMAccountName: {account}\n\
         userAccountControl: 544\n{more}\n"
    )
}

/// A group's entry (LDIF, to be added), with the names of its members.
fn group(name: &str, base: &str, members: &[&str]) -> String {
    let members: Vec<String> = members.iter().map(|member| format!("member: {member}\n")).collect();
    let members = members.concat();
    format!("dn: CN={name},{base}\nchangetype: add\nobjectClass: group\nsAMAccountName: {name}\n{members}\n")
}

/// A change of one attribute (LDIF).
fn replace(dn: &str, attribute: &str, value: &str) -> String {
    format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n\n")
}

//! The test bed of `ldap`: a real OpenLDAP server, with content synchronisation (RFC 4533) or without.

use std::fmt::Write as _;

use directory_sync::source::ldap::LdapSpec;
use directory_sync::source::{Material, Provider, Reference, ReferenceKind, Source, SourceError};
use serde_json::json;

use super::{Bed, Changes};
use crate::support::company::{CANARY, Company, Person};
use crate::support::ldap::company::SUFFIX;
use crate::support::ldap::proxy::{Listener, saying};
use crate::support::ldap::{self, PASSWORD, READER, Slapd};

/// The company in a server that has a list of changes (`SYNC`), or only `modifyTimestamp`.
pub struct LdapBed<const SYNC: bool> {
    company: Company,
    slapd: Slapd,
    /// Refuses everybody, in words that hold a secret and a person.
    refusing: Listener,
}

fn user_dn(user_name: &str) -> String {
    format!("uid={user_name},ou=people,{SUFFIX}")
}

fn group_dn(name: &str) -> String {
    format!("cn={name},ou=groups,{SUFFIX}")
}

/// A person's entry, in LDIF without its first line.
fn entry(person: &Person) -> String {
    let Person { user_name, given, family, email, title, manager } = person;
    let mut text = format!(
        "objectClass: inetOrgPerson\nuid: {user_name}\ncn: {given} {family}\ngivenName: {given}\n\
         sn: {family}\nmail: {email}\ntitle: {title}\nuserPassword: {CANARY}\n"
    );
    if let Some(manager) = manager {
        writeln!(text, "manager: {}", user_dn(manager)).unwrap();
    }
    text
}

/// The company as `slapadd` takes it. The entries were last changed an hour apart, long ago.
fn ldif(company: &Company) -> String {
    let start: jiff::Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let mut hours = 0;
    let mut changed = || {
        hours += 1;
        (start + jiff::SignedDuration::from_hours(hours)).strftime("%Y%m%d%H%M%SZ").to_string()
    };
    let mut text = String::new();
    for person in &company.people {
        let (dn, entry) = (user_dn(&person.user_name), entry(person));
        write!(text, "dn: {dn}\n{entry}modifyTimestamp: {}\n\n", changed()).unwrap();
    }
    for group in &company.groups {
        let (dn, name) = (group_dn(&group.name), &group.name);
        write!(text, "dn: {dn}\nobjectClass: groupOfNames\ncn: {name}\n").unwrap();
        for member in &group.members {
            writeln!(text, "member: {}", user_dn(member)).unwrap();
        }
        write!(text, "modifyTimestamp: {}\n\n", changed()).unwrap();
    }
    text
}

/// The answer to a bind: invalidCredentials, with a text that quotes what it should not.
fn refusal() -> Vec<u8> {
    let text = format!("{CANARY} is not the password of p0001@acme.example");
    let length = |bytes: usize| u8::try_from(bytes).expect("a short form of length");
    let result = [&[0x0a, 0x01, 49, 0x04, 0x00, 0x04, length(text.len())], text.as_bytes()].concat();
    let operation = [&[0x02, 0x01, 0x01, 0x61, length(result.len())], result.as_slice()].concat();
    [&[0x30, length(operation.len())], operation.as_slice()].concat()
}

fn source_at(url: &str, password: &str) -> Box<dyn Source> {
    let spec: LdapSpec = serde_json::from_value(json!({
        "url": url,
        "insecure": "PlaintextPasswordsAndData",
        "credentialsSecretRef": {"name": "reader"},
        "users": {"baseDN": format!("ou=people,{SUFFIX}")},
        "groups": {"baseDN": format!("ou=groups,{SUFFIX}")},
        "pageSize": 500,
    }))
    .unwrap();
    let mut material = Material::default();
    let account = [("bindDN", READER), ("password", password)];
    let account = account.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
    material.insert(Reference { kind: ReferenceKind::Secret, name: "reader".to_owned() }, account);
    spec.source(&material).expect("the settings are good")
}

impl<const SYNC: bool> Bed for LdapBed<SYNC> {
    const CHANGES: Changes = Changes::Listed { removals: SYNC, repeats: !SYNC };

    async fn start(company: &Company) -> Self {
        let mut builder = Slapd::builder().company(ldap::Company::of(0, 0)).ldif(&ldif(company));
        if !SYNC {
            builder = builder.without_sync();
        }
        Self { company: company.clone(), slapd: builder.start(), refusing: saying(refusal()).await }
    }

    fn source(&self) -> Box<dyn Source> {
        source_at(&self.slapd.url(), PASSWORD)
    }

    fn failing_source(&self) -> Result<Box<dyn Source>, SourceError> {
        Ok(source_at(&format!("ldap://localhost:{}", self.refusing.port), CANARY))
    }

    async fn add(&mut self, person: &Person) {
        self.slapd.modify(&format!("dn: {}\nchangetype: add\n{}", user_dn(&person.user_name), entry(person)));
        self.company.people.push(person.clone());
    }

    async fn retitle(&mut self, user_name: &str, title: &str) {
        let dn = user_dn(user_name);
        self.slapd.modify(&format!("dn: {dn}\nchangetype: modify\nreplace: title\ntitle: {title}\n"));
        title.clone_into(&mut self.company.person(user_name).title);
    }

    async fn join(&mut self, user_name: &str, group: &str) {
        let (group_dn, member) = (group_dn(group), user_dn(user_name));
        self.slapd.modify(&format!("dn: {group_dn}\nchangetype: modify\nadd: member\nmember: {member}\n"));
        let known = self.company.groups.iter_mut().find(|known| known.name == group);
        known.expect("the group is there").members.push(user_name.to_owned());
    }

    async fn remove(&mut self, user_name: &str) {
        let member = user_dn(user_name);
        let mut changes = String::new();
        for group in &self.company.groups {
            if group.members.iter().any(|known| known == user_name) {
                let group = group_dn(&group.name);
                write!(changes, "dn: {group}\nchangetype: modify\ndelete: member\nmember: {member}\n\n")
                    .unwrap();
            }
        }
        write!(changes, "dn: {member}\nchangetype: delete\n").unwrap();
        self.slapd.modify(&changes);
        self.company.remove(user_name);
    }
}

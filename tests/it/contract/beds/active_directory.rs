//! The test bed of `activeDirectory`: a real Samba domain controller for each test.

use directory_sync::source::active_directory::ActiveDirectorySpec;
use directory_sync::source::{Material, Provider, Reference, ReferenceKind, Source, SourceError};
use serde_json::json;

use super::{Bed, Changes};
use crate::support::company::{CANARY, Company, Person};
use crate::support::samba::company::{GROUPS, PEOPLE, attributes, group_dn, user_dn};
use crate::support::samba::{PASSWORD, READER, Samba};

/// A domain controller whose domain has the company.
pub struct SambaBed(Samba);

impl SambaBed {
    fn source_with(&self, password: &str) -> Result<Box<dyn Source>, SourceError> {
        let spec: ActiveDirectorySpec = serde_json::from_value(json!({
            "urls": [self.0.url()],
            "credentialsSecretRef": {"name": "reader"},
            "caRef": {"configMap": {"name": "ca"}},
            "users": {"baseDN": PEOPLE},
            "groups": {"baseDN": GROUPS},
            "pageSize": 500,
        }))
        .unwrap();
        let mut material = Material::default();
        let mut insert = |kind, name: &str, data: &[(&str, &str)]| {
            let data = data.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
            material.insert(Reference { kind, name: name.to_owned() }, data);
        };
        insert(ReferenceKind::Secret, "reader", &[("username", READER), ("password", password)]);
        insert(ReferenceKind::ConfigMap, "ca", &[("ca.crt", self.0.authority())]);
        spec.source(&material)
    }
}

impl Bed for SambaBed {
    const CHANGES: Changes = Changes::Listed { removals: true, repeats: false };

    async fn start(company: &Company) -> Self {
        assert_eq!(
            company.people.len(),
            Company::sample().people.len(),
            "the template has the sample company"
        );
        Self(Samba::start())
    }

    fn source(&self) -> Box<dyn Source> {
        self.source_with(PASSWORD).expect("the settings are good")
    }

    fn failing_source(&self) -> Result<Box<dyn Source>, SourceError> {
        self.source_with(CANARY)
    }

    async fn add(&mut self, person: &Person) {
        let dn = user_dn(&person.user_name);
        self.0.modify(&format!("dn: {dn}\nchangetype: add\n{}", attributes(person)));
    }

    async fn retitle(&mut self, user_name: &str, title: &str) {
        let dn = user_dn(user_name);
        self.0.modify(&format!("dn: {dn}\nchangetype: modify\nreplace: title\ntitle: {title}\n"));
    }

    async fn join(&mut self, user_name: &str, group: &str) {
        let (dn, member) = (group_dn(group), user_dn(user_name));
        self.0.modify(&format!("dn: {dn}\nchangetype: modify\nadd: member\nmember: {member}\n"));
    }

    async fn remove(&mut self, user_name: &str) {
        self.0.modify(&format!("dn: {}\nchangetype: delete\n", user_dn(user_name)));
    }
}

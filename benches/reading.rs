//! Reading the directory and nothing else: the floor under a sync's own cost.

use directory_sync::source::ldap::LdapSpec;
use directory_sync::source::material::{Reference, ReferenceKind};
use directory_sync::source::{Cursor, Material, Page, Provider, Pull, Source};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::process::Process;
use crate::support::ldap::{PASSWORD, READER, Slapd};

/// The Secret that a Directory's settings name.
pub const SECRET: &str = "ldap";

/// What a reading cost.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Processor time in seconds.
    pub cpu: f64,
    /// People and groups that came.
    pub records: usize,
    /// Where a list of changes goes on from.
    pub cursor: Option<Cursor>,
}

/// The settings with which everything here is read.
pub fn settings(slapd: &Slapd) -> Value {
    json!({
        "url": slapd.url(),
        "insecure": "PlaintextPasswordsAndData",
        "credentialsSecretRef": {"name": SECRET},
        "users": {"baseDN": "ou=people,dc=example,dc=test"},
        "groups": {"baseDN": "ou=groups,dc=example,dc=test"},
    })
}

/// Reads a directory as the operator does, with the same searches, and drops every record. This
/// program does nothing else meanwhile, so that its processor time is that of the reading.
pub async fn read(settings: &Value, pull: Pull) -> Reading {
    drain(&mut *source(settings), pull).await
}

fn source(settings: &Value) -> Box<dyn Source> {
    let spec: LdapSpec = serde_json::from_value(settings.clone()).unwrap();
    let mut material = Material::default();
    let keys = [("bindDN", READER), ("password", PASSWORD)];
    let reference = Reference { kind: ReferenceKind::Secret, name: SECRET.into() };
    material.insert(reference, keys.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())));
    spec.source(&material).unwrap()
}

/// As [`read`], from any source.
pub async fn drain(source: &mut dyn Source, pull: Pull) -> Reading {
    let begun = Process::this().cpu();
    let mut pages = source.pull(pull);
    let (mut records, mut cursor) = (0, None);
    while let Some(page) = pages.next().await {
        match page.unwrap() {
            Page::Tenant(_) => {}
            Page::Users(users) => records += users.len(),
            Page::Groups(groups) => records += groups.len(),
            Page::Rejected(rejected) => panic!("{rejected:?}"),
            Page::End(end) => cursor = end.cursor,
        }
    }
    Reading { cpu: Process::this().cpu() - begun, records, cursor }
}

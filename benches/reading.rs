//! Reading the directory and nothing else: the floor under a sync's own cost.

use directory_sync::source::ldap::LdapSpec;
use directory_sync::source::material::{Reference, ReferenceKind};
use directory_sync::source::{Cursor, Material, Page, Provider, Pull};
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
    let spec: LdapSpec = serde_json::from_value(settings.clone()).unwrap();
    let mut material = Material::default();
    let keys = [("bindDN", READER), ("password", PASSWORD)];
    let reference = Reference { kind: ReferenceKind::Secret, name: SECRET.into() };
    material.insert(reference, keys.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())));
    let begun = Process::this().cpu();
    let mut source = spec.source(&material).unwrap();
    let mut pages = source.pull(pull);
    let mut cursor = None;
    while let Some(page) = pages.next().await {
        if let Page::End(end) = page.unwrap() {
            cursor = end.cursor;
        }
    }
    Reading { cpu: Process::this().cpu() - begun, cursor }
}

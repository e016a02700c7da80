//! The Secrets and ConfigMaps among the manifests. Their values are looked at and never told.

use std::collections::BTreeSet;

use data_encoding::BASE64;
use serde_json::{Map, Value};

use super::document::Object;
use super::report::{Problem, Severity};
use crate::source::{Reference, ReferenceKind};

/// What a manifest gives for a reference.
pub enum Given {
    /// All keys with their values.
    Data(Vec<(String, Vec<u8>)>),
    /// Encrypted, or not readable: nothing can be said of it.
    Sealed,
}

struct Entry {
    reference: Reference,
    namespace: Option<String>,
    /// Where it begins, for messages.
    place: String,
    given: Given,
}

/// All Secrets and ConfigMaps that were given.
#[derive(Default)]
pub struct Materials {
    entries: Vec<Entry>,
}

impl Materials {
    /// Notes an object, if it is a Secret or ConfigMap, and tells what of it cannot be read.
    pub fn add(&mut self, object: &Object) -> Vec<Problem> {
        let kind = match (object.text("/apiVersion"), object.kind()) {
            (Some("v1"), "Secret") => ReferenceKind::Secret,
            (Some("v1"), "ConfigMap") => ReferenceKind::ConfigMap,
            _ => return Vec::new(),
        };
        let Some(name) = object.text("/metadata/name") else { return Vec::new() };
        let mut problems = Vec::new();
        // SOPS encrypts values in place and says so in a field of its own.
        let given = if object.value.get("sops").is_some() {
            Given::Sealed
        } else {
            read(object, kind, &mut problems).map_or(Given::Sealed, Given::Data)
        };
        self.entries.push(Entry {
            reference: Reference { kind, name: name.to_owned() },
            namespace: object.text("/metadata/namespace").map(str::to_owned),
            place: object.place(),
            given,
        });
        problems
    }

    /// What was given for a reference from a namespace. Where a manifest names no namespace, it is taken for
    /// the same.
    pub fn get(&self, reference: &Reference, namespace: Option<&str>) -> Option<&Given> {
        self.entry(reference, namespace).map(|entry| &entry.given)
    }

    /// The places of what was given for a reference and of another object of its name and namespace, which
    /// would overwrite it.
    pub fn double(&self, reference: &Reference, namespace: Option<&str>) -> Option<[&str; 2]> {
        let first = self.entry(reference, namespace)?;
        let same = |entry: &&Entry| entry.reference == *reference && entry.namespace == first.namespace;
        let second = self.entries.iter().filter(same).nth(1)?;
        Some([&first.place, &second.place])
    }

    /// The namespaces in which objects of a reference's name were given.
    pub fn namespaces(&self, reference: &Reference) -> BTreeSet<&str> {
        let named = self.entries.iter().filter(|entry| entry.reference == *reference);
        named.filter_map(|entry| entry.namespace.as_deref()).collect()
    }

    /// The first of the namespace itself, or else the first of perhaps the same.
    fn entry(&self, reference: &Reference, namespace: Option<&str>) -> Option<&Entry> {
        let named = || self.entries.iter().filter(|entry| entry.reference == *reference);
        let perhaps = |entry: &&Entry| namespace.is_none() || entry.namespace.is_none();
        named().find(|entry| entry.namespace.as_deref() == namespace).or_else(|| named().find(perhaps))
    }
}

/// The keys of a Secret or ConfigMap; nothing when a value cannot be read.
fn read(object: &Object, kind: ReferenceKind, problems: &mut Vec<Problem>) -> Option<Vec<(String, Vec<u8>)>> {
    let (plain, encoded) = match kind {
        ReferenceKind::Secret => ("stringData", "data"),
        ReferenceKind::ConfigMap => ("data", "binaryData"),
    };
    let before = problems.len();
    let mut data = Vec::new();
    // Later keys win in a Material, as stringData does over data.
    for (field, decode) in [(encoded, true), (plain, false)] {
        for (key, value) in object.value.get(field).and_then(Value::as_object).unwrap_or(&Map::new()) {
            match bytes(value, decode) {
                Ok(bytes) => data.push((key.clone(), bytes)),
                Err(message) => {
                    problems.push(object.problem(Severity::Error, &format!("{field}.{key}"), message));
                }
            }
        }
    }
    (problems.len() == before).then_some(data)
}

fn bytes(value: &Value, decode: bool) -> Result<Vec<u8>, &'static str> {
    let text = match value {
        Value::String(text) => text.as_str(),
        Value::Null => "",
        _ => return Err("it must be a text; write it in quotes"),
    };
    if !decode {
        return Ok(text.as_bytes().to_vec());
    }
    let text: String = text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    BASE64
        .decode(text.as_bytes())
        .map_err(|_| "it is not base64; encode it, or write it as text under stringData")
}

//! The form of a slice: object, patch, and what its metadata tells without its payload.
//!
//! As with people and groups, the content annotation holds a hash and the generation that has it, so
//! that an edit by anybody shows in the metadata alone.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::SliceObject;
use crate::api::slice::DirectorySliceSpec;
use crate::api::{ANNOTATION_CONTENT, ANNOTATION_DIRECTORY_UID, GROUP, LABEL_DIRECTORY, VERSION};
use crate::sink::object::{Lacking, Owner, Seen, metadata_operations};
use crate::slice::{Payload, PayloadHash, SliceName};

/// The plural of the resource, as in URLs.
pub const PLURAL: &str = "directoryslices";

/// A slice as it should be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which slice.
    pub name: SliceName,
    /// What it holds.
    pub payload: Payload,
    /// How many entries that is.
    pub entries: usize,
}

/// A new object.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn new_object(owner: &Owner, wanted: &Wanted) -> Result<Vec<u8>, serde_json::Error> {
    let metadata = ObjectMeta {
        name: Some(wanted.name.object_name(&owner.directory)),
        namespace: Some(owner.namespace.clone()),
        labels: Some(labels(owner)),
        annotations: Some(annotations(owner, wanted.payload.hash, 1)),
        ..ObjectMeta::default()
    };
    serde_json::to_vec(&json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "DirectorySlice",
        "metadata": metadata,
        "spec": spec(owner, wanted),
    }))
}

/// A JSON patch that makes an observed slice what it should be. It fails with 409 when the slice has
/// changed since it was observed.
#[must_use]
pub fn patch(owner: &Owner, wanted: &Wanted, observed: &SliceObject, lacking: Lacking) -> Value {
    let same = observed.hash == Some(wanted.payload.hash);
    let generation = if same { observed.generation } else { observed.generation + 1 };
    let annotations = annotations(owner, wanted.payload.hash, generation);
    let mut operations = lacking.operations();
    operations.extend(metadata_operations(&labels(owner), &annotations));
    let version = observed.resource_version.to_string();
    operations.push(json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version}));
    if !same {
        operations.push(json!({"op": "replace", "path": "/spec", "value": spec(owner, wanted)}));
    }
    Value::Array(operations)
}

/// A JSON patch that corrects the generation in the content annotation, after a write showed that the
/// payload had been what it should be all along.
#[must_use]
pub fn patch_generation(hash: PayloadHash, generation: i64) -> Value {
    let annotations = BTreeMap::from([(ANNOTATION_CONTENT.to_owned(), content(hash, generation))]);
    Value::Array(metadata_operations(&BTreeMap::new(), &annotations))
}

fn spec(owner: &Owner, wanted: &Wanted) -> DirectorySliceSpec {
    DirectorySliceSpec {
        directory: owner.directory.clone(),
        content: wanted.name.content(),
        entries: i32::try_from(wanted.entries).unwrap_or(i32::MAX),
        hash: wanted.payload.hash.to_string(),
        payload: wanted.payload.text.clone(),
    }
}

fn labels(owner: &Owner) -> BTreeMap<String, String> {
    BTreeMap::from([(LABEL_DIRECTORY.to_owned(), owner.directory.clone())])
}

fn annotations(owner: &Owner, hash: PayloadHash, generation: i64) -> BTreeMap<String, String> {
    BTreeMap::from([
        (ANNOTATION_CONTENT.to_owned(), content(hash, generation)),
        (ANNOTATION_DIRECTORY_UID.to_owned(), owner.uid.clone()),
    ])
}

fn content(hash: PayloadHash, generation: i64) -> String {
    format!("{hash}.{generation}")
}

/// The Directory's name and what is known of a slice, from its metadata; `None` when the object does
/// not carry a name that we give.
#[must_use]
pub fn observe(metadata: &ObjectMeta) -> Option<(String, SliceName, SliceObject)> {
    let directory = metadata.labels.as_ref()?.get(LABEL_DIRECTORY)?;
    let name = SliceName::parse(directory, metadata.name.as_deref()?)?;
    let Seen { hash, uid, owner, generation, resource_version, .. } = Seen::of(metadata);
    let hash = hash.map(|hash| PayloadHash(hash.0));
    let object = SliceObject { hash, uid, owner, generation, resource_version };
    Some((directory.clone(), name, object))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner {
            namespace: "crm".into(),
            directory: "acme".into(),
            uid: "6f1f6b0e-0a1c-4c54-9d4b-0c1d9b8a7e11".into(),
        }
    }

    fn wanted() -> Wanted {
        Wanted { name: SliceName::Manifest, payload: Payload::write([b"{}".as_slice()]).unwrap(), entries: 1 }
    }

    fn written(generation: i64) -> SliceObject {
        let object: Value = serde_json::from_slice(&new_object(&owner(), &wanted()).unwrap()).unwrap();
        let mut metadata: ObjectMeta = serde_json::from_value(object["metadata"].clone()).unwrap();
        metadata.generation = Some(generation);
        let (directory, name, observed) = observe(&metadata).unwrap();
        assert_eq!((directory.as_str(), name), ("acme", SliceName::Manifest));
        observed
    }

    #[test]
    fn an_edit_by_anybody_shows_in_the_metadata_alone() {
        assert_eq!(written(1).hash, Some(wanted().payload.hash));
        assert_eq!(written(2).hash, None);
    }

    #[test]
    fn a_takeover_leaves_the_payload_alone_and_a_change_expects_the_next_generation() {
        let takeover = patch(&owner(), &wanted(), &written(1), Lacking::default()).to_string();
        assert!(!takeover.contains("/spec"), "{takeover}");
        let change = patch(&owner(), &wanted(), &written(2), Lacking::default()).to_string();
        assert!(change.contains(&format!("{}.3", wanted().payload.hash)), "{change}");
    }
}

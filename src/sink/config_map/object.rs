//! The ConfigMaps of a package, and how ours are told from others.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::package::{File, INDEX, Package};
use crate::api::{ANNOTATION_CONTENT, ANNOTATION_DIRECTORY_UID, LABEL_CONTENT, LABEL_DIRECTORY};
use crate::sink::object::Owner;

/// The ConfigMap that has the index, and the files unless they are in shards.
pub fn index(owner: &Owner, package: &Package) -> ConfigMap {
    let files = package.files.iter().filter(|file| file.config_map == package.name);
    let mut object = object(owner, package, &package.name, files);
    object.data.get_or_insert_default().insert(INDEX.to_owned(), package.index.clone());
    object
}

/// A ConfigMap that has one file.
pub fn shard(owner: &Owner, package: &Package, file: &File) -> ConfigMap {
    let shard = object(owner, package, &file.config_map, std::iter::once(file));
    ConfigMap { immutable: package.immutable.then_some(true), ..shard }
}

fn object<'a>(
    owner: &Owner,
    package: &Package,
    name: &str,
    files: impl Iterator<Item = &'a File>,
) -> ConfigMap {
    let (mut data, mut binary_data) = (BTreeMap::new(), BTreeMap::new());
    for file in files {
        if package.binary {
            binary_data.insert(file.key.clone(), ByteString(file.bytes.clone()));
        } else {
            // What is not compressed is made of JSON and texts, so nothing is replaced.
            data.insert(file.key.clone(), String::from_utf8_lossy(&file.bytes).into_owned());
        }
    }
    let labels = [(LABEL_DIRECTORY, &owner.directory), (LABEL_CONTENT, &package.content)];
    let annotations = [(ANNOTATION_DIRECTORY_UID, &owner.uid), (ANNOTATION_CONTENT, &package.hash)];
    let map = |pairs: [(&str, &String); 2]| {
        Some(pairs.into_iter().map(|(key, value)| (key.to_owned(), value.clone())).collect())
    };
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(owner.namespace.clone()),
            labels: map(labels),
            annotations: map(annotations),
            ..ObjectMeta::default()
        },
        data: (!data.is_empty()).then_some(data),
        binary_data: (!binary_data.is_empty()).then_some(binary_data),
        ..ConfigMap::default()
    }
}

/// Whether a ConfigMap was written for the Directory, or for one of its name before it.
pub fn is_ours(owner: &Owner, metadata: &ObjectMeta) -> bool {
    let label = metadata.labels.as_ref().and_then(|labels| labels.get(LABEL_DIRECTORY));
    let annotations = metadata.annotations.as_ref();
    label == Some(&owner.directory)
        && annotations.is_some_and(|annotations| annotations.contains_key(ANNOTATION_DIRECTORY_UID))
}

/// The content that a ConfigMap belongs to.
pub fn content(found: &ConfigMap) -> Option<&str> {
    found.metadata.labels.as_ref()?.get(LABEL_CONTENT).map(String::as_str)
}

/// Whether a ConfigMap has an index and nothing else.
pub fn is_sharded(found: &ConfigMap) -> bool {
    let keys = |data: Option<usize>| data.unwrap_or_default();
    keys(found.data.as_ref().map(BTreeMap::len)) + keys(found.binary_data.as_ref().map(BTreeMap::len)) == 1
}

/// What a ConfigMap has to become, with the labels and annotations that others gave it; `None` when
/// it is so already.
pub fn changed(found: &ConfigMap, wanted: &ConfigMap) -> Option<ConfigMap> {
    let mut next = found.clone();
    let empty_is_none = |object: &mut ConfigMap| {
        object.data = object.data.take().filter(|data| !data.is_empty());
        object.binary_data = object.binary_data.take().filter(|data| !data.is_empty());
    };
    next.data.clone_from(&wanted.data);
    next.binary_data.clone_from(&wanted.binary_data);
    next.immutable = next.immutable.or(wanted.immutable);
    let labels = wanted.metadata.labels.iter().flatten().map(|(key, value)| (key.clone(), value.clone()));
    next.metadata.labels.get_or_insert_default().extend(labels);
    let annotations = wanted.metadata.annotations.iter().flatten();
    let annotations = annotations.map(|(key, value)| (key.clone(), value.clone()));
    next.metadata.annotations.get_or_insert_default().extend(annotations);
    let mut found = found.clone();
    empty_is_none(&mut found);
    (next != found).then_some(next)
}

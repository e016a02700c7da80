//! The form of a mirror: object, patch, and what its metadata tells without its content.
//!
//! The content annotation holds the hash of the content, the generation that holds it and, of a
//! group, the number of members. The apiserver raises the generation whenever anybody changes the
//! spec, so an edit shows in the metadata alone, even to an operator that was not running when it
//! happened.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::{
    ANNOTATION_CONTENT, ANNOTATION_DIRECTORY_UID, GROUP, LABEL_DIRECTORY, LABEL_STATE, VERSION,
};
use crate::model::{ContentHash, Kind, MirrorName, State};
use crate::plan::content::ContentError;
use crate::plan::{Mirror, Observed};

/// The Directory that mirrors belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Namespace of the Directory and its mirrors.
    pub namespace: String,
    /// Name of the Directory.
    pub directory: String,
    /// Uid of the Directory.
    pub uid: String,
}

/// What of an object is written as it is; its spec is JSON already.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    api_version: String,
    kind: &'static str,
    metadata: ObjectMeta,
}

/// The object of a mirror cannot be made: a defect of this program.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// It cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Its content cannot be read back.
    #[error(transparent)]
    Content(#[from] ContentError),
}

/// The plural of a kind's resource, as in URLs.
#[must_use]
pub const fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "directoryusers",
        Kind::Group => "directorygroups",
    }
}

/// A new object.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn new_object(owner: &Owner, mirror: &Mirror) -> Result<Vec<u8>, ObjectError> {
    let metadata = ObjectMeta {
        name: Some(mirror.name.object_name(&owner.directory)),
        namespace: Some(owner.namespace.clone()),
        labels: Some(labels(owner, mirror.state)),
        annotations: Some(annotations(owner, mirror, 1)),
        ..ObjectMeta::default()
    };
    let kind = match mirror.name.kind {
        Kind::User => "DirectoryUser",
        Kind::Group => "DirectoryGroup",
    };
    let mut object = serde_json::to_vec(&Head { api_version: format!("{GROUP}/{VERSION}"), kind, metadata })?;
    object.pop();
    object.extend_from_slice(b",\"spec\":");
    object.extend(spec(owner, mirror)?);
    object.push(b'}');
    Ok(object)
}

/// A JSON patch (RFC 6902) that makes an observed object what it should be: the whole spec, our
/// labels and annotations, nothing of other people's metadata. It fails with 409 when the object
/// has changed since it was observed.
///
/// # Errors
/// When the content cannot be written as JSON.
pub fn patch(
    owner: &Owner,
    mirror: &Mirror,
    observed: &Observed,
    lacking: Lacking,
) -> Result<Value, ObjectError> {
    let same_spec = observed.hash == Some(mirror.hash);
    let generation = if same_spec { observed.generation } else { observed.generation + 1 };
    let mut operations = lacking.operations();
    operations
        .extend(metadata_operations(&labels(owner, mirror.state), &annotations(owner, mirror, generation)));
    operations.push(json!({"op": "replace", "path": "/metadata/resourceVersion", "value": observed.resource_version.to_string()}));
    if !same_spec {
        let spec: Value = serde_json::from_slice(&spec(owner, mirror)?)?;
        operations.push(json!({"op": "replace", "path": "/spec", "value": spec}));
    }
    Ok(Value::Array(operations))
}

/// A JSON patch that corrects the generation in the content annotation, after a write showed that
/// the spec had been what it should be all along.
#[must_use]
pub fn patch_generation(hash: ContentHash, generation: i64, members: u32) -> Value {
    let value = content_annotation(hash, generation, members);
    json!([{"op": "add", "path": pointer("annotations", ANNOTATION_CONTENT), "value": value}])
}

/// The metadata maps that an object has not, because somebody has removed all that was in them. A patch
/// can add to a map only where there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lacking {
    labels: bool,
    annotations: bool,
}

impl Lacking {
    /// Looks at metadata as they are in the cluster.
    #[must_use]
    pub fn of(metadata: &ObjectMeta) -> Self {
        Self { labels: metadata.labels.is_none(), annotations: metadata.annotations.is_none() }
    }

    /// Operations that add these maps; what is added to them comes after that.
    pub(super) fn operations(self) -> Vec<Value> {
        let maps = [(self.labels, "/metadata/labels"), (self.annotations, "/metadata/annotations")];
        let lacking = maps.into_iter().filter(|(lacking, _)| *lacking);
        lacking.map(|(_, path)| json!({"op": "add", "path": path, "value": {}})).collect()
    }
}

/// Operations that set labels and annotations and leave all others alone.
pub(super) fn metadata_operations(
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
) -> Vec<Value> {
    let add = |map: &'static str| move |(key, value): (&String, &String)| json!({"op": "add", "path": pointer(map, key), "value": value});
    labels.iter().map(add("labels")).chain(annotations.iter().map(add("annotations"))).collect()
}

/// RFC 6901 pointer to a member of a metadata map.
fn pointer(map: &str, key: &str) -> String {
    format!("/metadata/{map}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn labels(owner: &Owner, state: Option<State>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([(LABEL_DIRECTORY.to_owned(), owner.directory.clone())]);
    if let Some(state) = state {
        labels.insert(LABEL_STATE.to_owned(), state.as_str().to_owned());
    }
    labels
}

fn annotations(owner: &Owner, mirror: &Mirror, generation: i64) -> BTreeMap<String, String> {
    BTreeMap::from([
        (ANNOTATION_CONTENT.to_owned(), content_annotation(mirror.hash, generation, mirror.members)),
        (ANNOTATION_DIRECTORY_UID.to_owned(), owner.uid.clone()),
    ])
}

fn content_annotation(hash: ContentHash, generation: i64, members: u32) -> String {
    if members == 0 { format!("{hash}.{generation}") } else { format!("{hash}.{generation}.{members}") }
}

/// What a content annotation says.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    hash: Option<ContentHash>,
    generation: i64,
    members: u32,
}

/// What the metadata of every object of ours says alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The hash of its content; `None` when that is not as we wrote it.
    pub hash: Option<ContentHash>,
    /// How many members it was written with.
    pub members: u32,
    /// The object's uid.
    pub uid: u128,
    /// The uid of the Directory that wrote it; zero when it says none.
    pub owner: u128,
    /// The object's generation.
    pub generation: i64,
    /// The object's resource version.
    pub resource_version: u64,
}

impl Seen {
    /// Reads metadata.
    pub(super) fn of(metadata: &ObjectMeta) -> Self {
        let annotation = |key: &str| metadata.annotations.as_ref()?.get(key).map(String::as_str);
        let generation = metadata.generation.unwrap_or_default();
        let written = annotation(ANNOTATION_CONTENT).map(written).unwrap_or_default();
        let version = metadata.resource_version.as_deref().and_then(|text| text.parse().ok());
        Self {
            // A hash of another generation is one of a content that somebody has changed since.
            hash: written.hash.filter(|_| written.generation == generation),
            members: written.members,
            uid: metadata.uid.as_deref().map_or(0, uid_number),
            owner: annotation(ANNOTATION_DIRECTORY_UID).map_or(0, uid_number),
            generation,
            resource_version: version.unwrap_or(0),
        }
    }
}

/// Reads a content annotation; what is not one says nothing.
fn written(annotation: &str) -> Written {
    let mut parts = annotation.splitn(3, '.');
    Written {
        hash: parts.next().and_then(|hash| hash.parse().ok()),
        generation: parts.next().and_then(|generation| generation.parse().ok()).unwrap_or_default(),
        members: parts.next().and_then(|members| members.parse().ok()).unwrap_or_default(),
    }
}

/// The spec of a mirror: its content, with the name of the Directory before it.
fn spec(owner: &Owner, mirror: &Mirror) -> Result<Vec<u8>, ObjectError> {
    let directory = serde_json::to_string(&owner.directory)?;
    let content = mirror.content.json()?;
    let members = content.strip_prefix(b"{").unwrap_or(&content);
    Ok([format!("{{\"directory\":{directory},").as_bytes(), members].concat())
}

/// The Directory's name and what is known of a mirror, from its metadata; `None` when the object
/// does not carry a name that we give, so that it is nobody's mirror.
#[must_use]
pub fn observe(metadata: &ObjectMeta) -> Option<(String, MirrorName, Observed)> {
    let directory = metadata.labels.as_ref()?.get(LABEL_DIRECTORY)?;
    let name = MirrorName::parse(directory, metadata.name.as_deref()?)?;
    let Seen { hash, members, uid, owner, generation, resource_version } = Seen::of(metadata);
    let state = metadata.labels.as_ref().and_then(|labels| match labels.get(LABEL_STATE)?.as_str() {
        "Active" => Some(State::Active),
        "Inactive" => Some(State::Inactive),
        _ => None,
    });
    let observed = Observed { hash, state, members, uid, owner, generation, resource_version };
    Some((directory.clone(), name, observed))
}

/// A uid as a number: a UUID's own 128 bits, anything else hashed.
#[must_use]
pub fn uid_number(uid: &str) -> u128 {
    let digits: String = uid.chars().filter(|character| *character != '-').collect();
    let number = (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok()).flatten();
    number.unwrap_or_else(|| ContentHash::of_bytes(uid.as_bytes()).0)
}

/// The text of a uid that was a UUID.
#[must_use]
pub fn uid_text(uid: u128) -> String {
    let hex = format!("{uid:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::User;
    use crate::plan::Content;

    fn owner() -> Owner {
        Owner {
            namespace: "crm".into(),
            directory: "acme".into(),
            uid: "6f1f6b0e-0a1c-4c54-9d4b-0c1d9b8a7e11".into(),
        }
    }

    fn mirror() -> Mirror {
        let user = User { external_id: "7".into(), ..User::default() };
        let hash = ContentHash::of(&user).unwrap();
        let content = Content::of(&user).unwrap();
        let name = MirrorName::new(Kind::User, "7");
        Mirror { name, hash, state: Some(user.state), members: 0, content }
    }

    fn written(generation: i64) -> ObjectMeta {
        let object: Value = serde_json::from_slice(&new_object(&owner(), &mirror()).unwrap()).unwrap();
        let mut metadata: ObjectMeta = serde_json::from_value(object["metadata"].clone()).unwrap();
        metadata.generation = Some(generation);
        metadata
    }

    #[test]
    fn a_new_mirror_is_recognised_by_its_metadata() {
        let (directory, name, observed) = observe(&written(1)).unwrap();
        assert_eq!((directory.as_str(), name), ("acme", mirror().name));
        assert_eq!(observed.hash, Some(mirror().hash));
        assert_eq!(observed.state, Some(State::Active));
        assert_eq!(observed.owner, uid_number(&owner().uid));
    }

    #[test]
    fn an_edit_by_anybody_shows_in_the_metadata_alone() {
        let (_, _, observed) = observe(&written(2)).unwrap();
        assert_eq!(observed.hash, None);
    }

    #[test]
    fn an_object_with_our_label_and_a_foreign_name_is_not_a_mirror() {
        let metadata = ObjectMeta { name: Some("somebody".into()), ..written(1) };
        assert!(observe(&metadata).is_none());
    }

    #[test]
    fn a_patch_of_changed_content_expects_the_next_generation() {
        let (_, _, observed) = observe(&written(2)).unwrap();
        let patch = patch(&owner(), &mirror(), &observed, Lacking::default()).unwrap().to_string();
        assert!(patch.contains(&format!("{}.3", mirror().hash)), "{patch}");
        assert!(patch.contains("/spec"));
    }

    #[test]
    fn adoption_leaves_the_spec_alone() {
        let (_, _, observed) = observe(&written(1)).unwrap();
        let patch = patch(&owner(), &mirror(), &observed, Lacking::default()).unwrap().to_string();
        assert!(!patch.contains("\"/spec\""), "{patch}");
        assert!(patch.contains(&format!("{}.1", mirror().hash)));
    }

    #[test]
    fn a_map_that_was_emptied_is_added_before_what_belongs_into_it_and_one_that_is_there_is_left_alone() {
        let (_, _, observed) = observe(&written(1)).unwrap();
        let paths = |metadata: &ObjectMeta| -> Vec<String> {
            let patch = patch(&owner(), &mirror(), &observed, Lacking::of(metadata)).unwrap();
            let operations = patch.as_array().unwrap().iter();
            operations.map(|operation| operation["path"].as_str().unwrap().to_owned()).collect()
        };
        let whole = paths(&written(1));
        assert!(
            whole.iter().all(|path| path.matches('/').count() != 2 || path.ends_with("Version")),
            "{whole:?}"
        );
        let lacking = |labels: bool, annotations: bool| {
            let mut metadata = written(1);
            metadata.labels = metadata.labels.filter(|_| !labels);
            metadata.annotations = metadata.annotations.filter(|_| !annotations);
            paths(&metadata)
        };
        assert_eq!(lacking(true, false), [vec!["/metadata/labels".to_owned()], whole.clone()].concat());
        assert_eq!(lacking(false, true), [vec!["/metadata/annotations".to_owned()], whole].concat());
    }

    #[test]
    fn a_uid_reads_back() {
        assert_eq!(uid_text(uid_number(&owner().uid)), owner().uid);
    }
}

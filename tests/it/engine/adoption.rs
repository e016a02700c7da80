//! A Directory that is deleted and created again, under the garbage collector of a real cluster.

use std::time::Duration;

use directory_sync::api::{ANNOTATION_DIRECTORY_UID, Directory, DirectoryGroup, DirectoryUser};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, Resource, ResourceExt};
use serde_json::{Value, json};

use super::*;
use crate::support::stage::{Mirrors, TWO, csv, with};

/// The collector looks for new kinds every half minute, and may then be busy.
const COLLECTED: Duration = Duration::from_secs(180);

/// Metadata of something that belongs to a Directory `acme` of this uid.
fn owned(name: &str, uid: &str) -> Value {
    json!({"name": name, "ownerReferences": [{
        "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory", "name": "acme", "uid": uid,
    }]})
}

async fn collected<K>(api: Api<K>, name: &str)
where
    K: Resource + Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    eventually("the garbage collector has taken the canary", COLLECTED, async || {
        match api.get_opt(name).await {
            Ok(None) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

/// The mirrors without what a takeover changes: their names and uids.
fn identities(mirrors: &Mirrors) -> Vec<(String, String)> {
    mirrors.iter().map(|((_, name), (uid, ..))| (name.clone(), uid.clone())).collect()
}

#[tokio::test]
async fn every_mirror_survives_a_new_uid_of_its_directory_under_the_garbage_collector() {
    let stage = Stage::new("garbage").await;
    stage.people(TWO).await;
    // Only what a Directory is told to do happens to its mirrors.
    let spec = with(csv(), &json!({"sync": {"interval": "168h"}}));
    stage.directory("acme", spec.clone()).await;
    stage.ready("acme", "True", "Synced").await;
    let directories = stage.api::<Directory>();
    let old = directories.get("acme").await.unwrap().uid().unwrap();
    let before = stage.mirrors("acme").await;
    assert_eq!(before.len(), 3);

    directories.delete("acme", &DeleteParams::default()).await.unwrap();
    stage.directory("acme", spec).await;
    stage.ready("acme", "True", "Synced").await;
    let new = directories.get("acme").await.unwrap().uid().unwrap();
    assert_ne!(old, new);
    let adopted = stage.mirrors("acme").await;
    assert_eq!(identities(&adopted), identities(&before));

    // What does belong to the Directory of before, in the collector's own terms: a thing of a kind
    // that it always knew, and one of the mirrors' kind.
    stage.create::<ConfigMap>(json!({"metadata": owned("canary", &old)})).await;
    let canary = json!({
        "apiVersion": "directory-sync.io/v1alpha1", "kind": "DirectoryUser", "metadata": owned("canary", &old),
        "spec": {"directory": "nobody", "externalId": "canary", "state": "Active"},
    });
    stage.create::<DirectoryUser>(canary).await;
    collected(stage.api::<ConfigMap>(), "canary").await;
    collected(stage.api::<DirectoryUser>(), "canary").await;

    assert_eq!(stage.mirrors("acme").await, adopted, "nobody has touched a mirror since the takeover");
    let users = stage.api::<DirectoryUser>().list(&ListParams::default()).await.unwrap().items;
    let groups = stage.api::<DirectoryGroup>().list(&ListParams::default()).await.unwrap().items;
    let all: Vec<_> = users
        .into_iter()
        .map(|user| user.metadata)
        .chain(groups.into_iter().map(|group| group.metadata))
        .collect();
    assert_eq!(all.len(), 3);
    for metadata in all {
        assert_eq!(metadata.owner_references, None, "{metadata:?}");
        assert_eq!(metadata.finalizers, None, "{metadata:?}");
        let annotations = metadata.annotations.unwrap_or_default();
        assert_eq!(annotations.get(ANNOTATION_DIRECTORY_UID), Some(&new));
    }
    for ((kind, name), (_, version, generation)) in &before {
        let (_, now, generation_now) = &adopted[&(*kind, name.clone())];
        assert_eq!(
            generation, generation_now,
            "{name}: the takeover changes the uid it carries, not the person"
        );
        assert_ne!(version, now, "{name}: the takeover is written once");
    }
}

#[tokio::test]
async fn mirrors_survive_while_their_directory_is_gone() {
    let stage = Stage::new("garbage").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    let directories = stage.api::<Directory>();
    let old = directories.get("acme").await.unwrap().uid().unwrap();
    let before = stage.mirrors("acme").await;
    directories.delete("acme", &DeleteParams::default()).await.unwrap();
    stage.create::<ConfigMap>(json!({"metadata": owned("canary", &old)})).await;
    collected(stage.api::<ConfigMap>(), "canary").await;
    assert_eq!(stage.mirrors("acme").await, before);
}

//! What is in the cluster is not what this version of the operator has left there last: an upgrade, and a
//! restored backup.

use std::fmt::Write as _;

use directory_sync::api::{
    ANNOTATION_CONTENT, Directory, DirectoryCheckpoint, DirectoryGroup, DirectoryUser,
};
use k8s_openapi::NamespaceResourceScope;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;
use crate::support::ldap::Slapd;
use crate::support::ldap::company::user_dn;
use crate::support::stage::{LIMIT, Mirrors, csv, ldap, with};
use crate::support::wait::eventually;

/// Mirrors by their names and uids.
fn identities(mirrors: &Mirrors) -> Vec<(&str, &str)> {
    mirrors.iter().map(|((_, name), (uid, ..))| (name.as_str(), uid.as_str())).collect()
}

/// More people than the guard would let go.
fn forty() -> String {
    let mut table = "user_id,first_name,last_name,email\n".to_owned();
    for number in 0..40 {
        writeln!(table, "{number},Ada,Lovelace,ada{number}@a.test").unwrap();
    }
    table
}

/// Makes the mirrors look as a version would have left them that hashes their content in another way.
async fn hash_otherwise(stage: &Stage) {
    for user in stage.users().await {
        let content = user.annotations()[ANNOTATION_CONTENT].clone();
        let (first, rest) = content.split_at(1);
        let other = format!("{}{rest}", if first == "0" { "1" } else { "0" });
        let patch = json!({"metadata": {"annotations": {ANNOTATION_CONTENT: other}}});
        stage.patch::<DirectoryUser>(&user.name_any(), patch).await;
    }
}

#[tokio::test]
async fn f52_mirrors_of_another_version_are_written_anew_as_the_same_objects_and_none_is_a_loss() {
    let mut stage = Stage::new("upgrade").await;
    stage.people(&forty()).await;
    stage.directory("acme", with(csv(), &json!({"sync": {"interval": "168h"}}))).await;
    stage.ready("acme", "True", "Synced").await;
    let contents = async |stage: &Stage| -> Vec<String> {
        let users = stage.users().await.into_iter();
        users.map(|user| user.annotations()[ANNOTATION_CONTENT].clone()).collect()
    };
    let (before, said) = (stage.mirrors("acme").await, contents(&stage).await);
    stage.operator.stop();
    hash_otherwise(&stage).await;
    assert_ne!(contents(&stage).await, said);

    let mark = Cluster::get().audit_mark();
    stage.operator.restart().await;
    stage.full_sync("acme").await;
    F52.is_seen(&stage, "acme").await;
    let status = stage.status("acme").await;
    assert_eq!((status.pending_plan, status.missing), (None, None));
    assert_eq!(identities(&stage.mirrors("acme").await), identities(&before));
    assert_eq!(contents(&stage).await, said);
    let written = stage.written(mark).of("directoryusers");
    assert!(written.iter().all(|event| event.verb == "patch"), "{written:?}");
    // What was written once is right.
    let mark = Cluster::get().audit_mark();
    stage.full_sync("acme").await;
    assert_eq!(stage.written(mark).of("directoryusers").len(), 0);
}

/// All objects of a kind as a backup has them: without what the cluster gives them.
async fn backup<K>(stage: &Stage) -> Vec<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let mut objects = stage.api::<K>().list(&ListParams::default()).await.unwrap().items;
    for object in &mut objects {
        let metadata = object.meta_mut();
        metadata.uid = None;
        metadata.resource_version = None;
        metadata.creation_timestamp = None;
        metadata.managed_fields = None;
        metadata.generation = None;
    }
    objects
}

/// Puts the objects of a backup in the place of those that are there.
async fn restore<K>(stage: &Stage, objects: Vec<K>)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Serialize
        + std::fmt::Debug,
{
    let api = stage.api::<K>();
    for there in api.list(&ListParams::default()).await.unwrap().items {
        api.delete(&there.name_any(), &DeleteParams::default()).await.unwrap();
    }
    for object in objects {
        api.create(&PostParams::default(), &object).await.unwrap();
    }
}

#[tokio::test]
async fn f54_after_a_restored_backup_the_source_is_read_in_full_and_whoever_is_missing_gets_their_time_again()
{
    let mut stage = Stage::new("restore").await;
    let slapd = Slapd::builder().start();
    stage.reader().await;
    stage.directory("acme", with(ldap(&slapd.url()), &json!({"deletion": {"graceTime": "1h"}}))).await;
    stage.ready("acme", "True", "Synced").await;
    let directories = backup::<Directory>(&stage).await;
    let checkpoints = backup::<DirectoryCheckpoint>(&stage).await;
    let (users, groups) = (backup::<DirectoryUser>(&stage).await, backup::<DirectoryGroup>(&stage).await);
    assert_eq!((directories.len(), checkpoints.len(), users.len(), groups.len()), (1, 1, 20, 3));

    // After the backup somebody changes, somebody comes and somebody goes.
    let base = user_dn(999);
    slapd.modify(&format!(
        "dn: {}\nchangetype: modify\nreplace: title\ntitle: Countess\n\n\
         dn: {base}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: user0999\ncn: A\nsn: B\n\
         mail: user0999@example.test\n\n\
         dn: {}\nchangetype: delete\n",
        user_dn(3),
        user_dn(4)
    ));
    stage.sync("acme").await;
    assert_eq!(stage.status("acme").await.missing.unwrap().users, 1);

    stage.operator.stop();
    restore(&stage, users).await;
    restore(&stage, groups).await;
    restore(&stage, checkpoints).await;
    restore(&stage, directories).await;
    let read = slapd.operations().entries;
    stage.operator.restart().await;
    eventually("everybody is there", LIMIT, async || {
        let count = stage.users().await.len();
        if count == 21 { Ok(()) } else { Err(format!("{count}\n{}", stage.operator.log())) }
    })
    .await;
    F54.is_seen(&stage, "acme").await;
    assert!(slapd.operations().entries >= read + 20 + 3, "everything is read");
    let title = stage.user("user0003@example.test").await.spec.user.title;
    assert_eq!(title.as_deref(), Some("Countess"));
    let status = stage.status("acme").await;
    assert_eq!((status.users.unwrap().active, status.missing.unwrap().users), (20, 1));
    assert!(
        stage.user_names().await.contains(&"user0004@example.test".to_owned()),
        "still within their time"
    );
}

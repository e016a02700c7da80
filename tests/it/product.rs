//! The whole product: Directories applied to a real cluster, people from CSV and a real slapd, and
//! what an application then sees.

use std::process::Command;

use directory_sync::api::status::SyncKind;
use directory_sync::api::{Directory, DirectoryGroup, DirectoryUser, LABEL_DIRECTORY};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams};
use serde_json::json;

use crate::faults::{F01, F39};
use crate::support::cluster::Cluster;
use crate::support::ldap::{Slapd, company::Company};
use crate::support::samba::{Samba, company as domain};
use crate::support::stage::{LIMIT, Mirrors, ONE, Stage, TWO, active_directory, csv, ldap};
use crate::support::wait::eventually;

const NOBODY: &str = "user_id,first_name,last_name,email\n";

#[tokio::test]
async fn people_in_a_config_map_become_objects_and_follow_its_changes() {
    let stage = Stage::new("csv").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    let groups = stage.api::<DirectoryGroup>().list(&ListParams::default()).await.unwrap();
    assert_eq!(groups.items[0].spec.group.member_count, 1);

    stage.patch::<ConfigMap>("people", json!({"data": {"users.csv": ONE}})).await;
    stage.sync("acme").await;
    stage.users_become(&["ada@a.test"]).await;
}

#[tokio::test]
async fn each_sync_that_writes_is_told_with_its_own_numbers() {
    let stage = Stage::new("events").await;
    stage.people(ONE).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    stage.patch::<ConfigMap>("people", json!({"data": {"users.csv": TWO}})).await;
    stage.sync("acme").await;
    eventually("both syncs are told of", LIMIT, async || {
        let events = stage.api::<Event>().list(&ListParams::default()).await.unwrap();
        let written =
            events.items.into_iter().filter(|event| event.reason.as_deref() == Some("MirrorsWritten"));
        let mut notes: Vec<String> = written.filter_map(|event| event.note).collect();
        notes.sort();
        let expected = [
            "created 1, updated 0, deactivated 0, deleted 0 mirrors",
            "created 2, updated 0, deactivated 0, deleted 0 mirrors",
        ];
        if notes == expected { Ok(()) } else { Err(format!("{notes:?}")) }
    })
    .await;
}

#[tokio::test]
async fn a_log_that_is_no_terminal_has_no_colours() {
    let stage = Stage::new("log").await;
    // It is ready before it has taken the lead, and with that before it has anything to tell.
    let log = eventually("something is told", LIMIT, async || {
        let log = stage.operator.log();
        if log.contains("INFO") { Ok(log) } else { Err(log) }
    })
    .await;
    assert!(!log.contains('\u{1b}'), "{log:?}");
}

#[tokio::test]
async fn f01_a_source_without_anybody_empties_nothing() {
    let stage = Stage::new("empty").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    stage.patch::<ConfigMap>("people", json!({"data": {"users.csv": NOBODY}})).await;
    let message = stage.ready("acme", "False", "EmptyResult").await;
    assert!(message.contains("2 mirrors stay"), "{message}");
    F01.is_seen(&stage, "acme").await;
    assert_eq!(stage.user_names().await.len(), 2);
}

#[tokio::test]
async fn a_missing_config_map_is_named_and_changes_nothing() {
    let stage = Stage::new("missing").await;
    stage.directory("acme", csv()).await;
    let message = stage.ready("acme", "False", "ReferenceNotReadable").await;
    assert!(message.starts_with("ConfigMap people does not exist"), "{message}");
}

#[tokio::test]
async fn nothing_is_written_when_nothing_has_changed() {
    let stage = Stage::new("quiet").await;
    stage.people(TWO).await;
    let mut spec = csv();
    spec["sync"] = json!({"interval": "1s", "fullInterval": "1s"});
    stage.directory("acme", spec).await;
    stage.ready("acme", "True", "Synced").await;
    let mark = stage.after_a_sync().await;
    stage.reads(mark, "people", 8).await;
    let audit = Cluster::get().audit_since(mark, &stage.namespace);
    let writes: Vec<_> = audit
        .iter()
        .filter(|event| event.is_write() && event.object_ref.api_group == "directory-sync.io")
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
}

#[tokio::test]
async fn f39_an_edited_and_a_deleted_mirror_are_repaired() {
    let stage = Stage::new("drift").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    let users = stage.api::<DirectoryUser>();
    let items = users.list(&ListParams::default()).await.unwrap().items;
    let name = |email: &str| {
        let found = items.iter().find(|user| user.spec.user.email.as_deref() == Some(email));
        found.unwrap().metadata.name.clone().unwrap()
    };
    stage.patch::<DirectoryUser>(&name("ada@a.test"), json!({"spec": {"email": "mallory@a.test"}})).await;
    users.delete(&name("grace@a.test"), &DeleteParams::default()).await.unwrap();
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    F39.is_seen(&stage, "acme").await;
}

#[tokio::test]
async fn each_repaired_mirror_is_counted_in_the_status_as_written_and_as_drift() {
    let stage = Stage::new("drift").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.status("acme").await.last_sync.unwrap().drift_repaired, 0);
    let becomes = async |created: i64, updated: i64| {
        eventually("the repair is told", LIMIT, async || {
            let run = stage.status("acme").await.last_sync.unwrap();
            let as_expected = (run.created, run.updated, run.deleted, run.drift_repaired)
                == (created, updated, 0, 1)
                && run.kind == SyncKind::Replan;
            if as_expected { Ok(()) } else { Err(format!("{run:?}")) }
        })
        .await;
    };
    let ada = stage.user("ada@a.test").await.metadata.name.unwrap();
    stage.patch::<DirectoryUser>(&ada, json!({"spec": {"email": "mallory@a.test"}})).await;
    becomes(0, 1).await;
    stage.api::<DirectoryUser>().delete(&ada, &DeleteParams::default()).await.unwrap();
    becomes(1, 0).await;
}

#[tokio::test]
async fn a_directory_that_is_created_anew_takes_over_its_mirrors() {
    let stage = Stage::new("adopt").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    let users = stage.api::<DirectoryUser>();
    let uids = async || {
        let items = users.list(&ListParams::default()).await.unwrap().items;
        let mut uids: Vec<String> = items.into_iter().filter_map(|user| user.metadata.uid).collect();
        uids.sort();
        uids
    };
    let before = uids().await;
    stage.api::<Directory>().delete("acme", &DeleteParams::default()).await.unwrap();
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(uids().await, before);
}

#[tokio::test]
async fn a_directory_that_follows_a_deleted_one_of_its_name_has_lost_nobody() {
    let stage = Stage::new("delete").await;
    stage.people(TWO).await;
    let mut spec = csv();
    spec["deletion"] = json!({"onDirectoryDelete": "Delete"});
    stage.directory("acme", spec.clone()).await;
    stage.ready("acme", "True", "Synced").await;
    let directories = stage.api::<Directory>();
    directories.delete("acme", &DeleteParams::default()).await.unwrap();
    stage.users_become(&[]).await;
    eventually("the Directory is gone", LIMIT, async || match directories.get_opt("acme").await {
        Ok(None) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;

    stage.directory("acme", spec).await;
    stage.ready("acme", "True", "Synced").await;
    let run = stage.status("acme").await.last_sync.unwrap();
    assert_eq!((run.created, run.drift_repaired), (3, 0));
}

#[tokio::test]
async fn people_of_a_real_ldap_server_become_objects_and_a_wrong_password_is_explained() {
    let stage = Stage::new("ldap").await;
    let slapd = Slapd::builder().company(Company::of(20, 3)).start();
    stage.reader().await;
    stage.directory("acme", ldap(&slapd.url())).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user_names().await.len(), 20);

    stage.patch::<Secret>("ldap", json!({"stringData": {"password": "canary-wrong"}})).await;
    let message = stage.ready("acme", "False", "Unauthorized").await;
    assert!(!message.contains("canary-wrong"), "{message}");
    assert!(!stage.operator.log().contains("canary-wrong"));
    assert_eq!(stage.user_names().await.len(), 20);
}

#[tokio::test]
async fn people_of_a_real_domain_become_objects_and_a_deleted_one_goes() {
    let stage = Stage::new("domain").await;
    let samba = Samba::start();
    let person = |account: &str| {
        format!(
            "dn: CN={account},{}\nchangetype: add\nobjectClass: user\nsAMAccountName: {account}\n\
             userAccountControl: 544\nmail: {account}@a.test\n\n",
            domain::LAB
        )
    };
    let group = format!(
        "dn: CN=staff,{0}\nchangetype: add\nobjectClass: group\nsAMAccountName: staff\nmember: CN=ada,{0}\n",
        domain::LAB
    );
    samba.modify(&format!("{}{}{group}", person("ada"), person("grace")));
    stage.domain(&samba).await;
    stage.directory("acme", active_directory(&samba, domain::LAB)).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user_names().await, ["ada@a.test", "grace@a.test"]);
    assert_eq!(stage.group("staff").await.spec.group.member_count, 1);
    samba.modify(&format!("dn: CN=ada,{}\nchangetype: delete\n", domain::LAB));
    stage.sync("acme").await;
    stage.users_become(&["grace@a.test"]).await;
}

#[tokio::test]
async fn a_mirror_that_lost_its_label_is_taken_back() {
    let stage = Stage::new("label").await;
    stage.people(ONE).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    let users = stage.api::<DirectoryUser>();
    let mirror = users.list(&ListParams::default()).await.unwrap().items.remove(0);
    let name = mirror.metadata.name.unwrap();
    stage.patch::<DirectoryUser>(&name, json!({"metadata": {"labels": {LABEL_DIRECTORY: null}}})).await;
    eventually("the label is there again", LIMIT, async || {
        let found = users.get(&name).await.unwrap().metadata;
        assert_eq!(found.uid, mirror.metadata.uid, "it is the same object");
        let label = found.labels.unwrap_or_default().remove(LABEL_DIRECTORY);
        if label.as_deref() == Some("acme") {
            Ok(())
        } else {
            Err(format!("{label:?}\n{}", stage.operator.log()))
        }
    })
    .await;
}

#[tokio::test]
async fn mirrors_that_lost_their_only_label_or_all_annotations_are_taken_back() {
    let stage = Stage::new("labels").await;
    stage.people(ONE).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    let before = stage.mirrors("acme").await;
    let (group, user) = (stage.group("admins").await, stage.user("ada@a.test").await);
    let (group, user) = (group.metadata.name.unwrap(), user.metadata.name.unwrap());
    stage.patch::<DirectoryGroup>(&group, json!({"metadata": {"labels": null}})).await;
    stage.patch::<DirectoryUser>(&user, json!({"metadata": {"annotations": null}})).await;
    let identities =
        |mirrors: Mirrors| -> Vec<_> { mirrors.into_iter().map(|(name, (uid, ..))| (name, uid)).collect() };
    let expected = identities(before);
    eventually("labels and annotations are there again", LIMIT, async || {
        let now = identities(stage.mirrors("acme").await);
        let annotated = stage.api::<DirectoryUser>().get(&user).await.unwrap().metadata.annotations;
        if now == expected && annotated.is_some_and(|annotations| annotations.len() == 2) {
            Ok(())
        } else {
            Err(format!("{now:?}\n{}", stage.operator.log()))
        }
    })
    .await;
    // What else they have is nobody's but theirs who put it there.
    let others = json!({"metadata": {"labels": null, "annotations": {"a.test/note": "kept"}}});
    stage.patch::<DirectoryGroup>(&group, others).await;
    eventually("the label is there again", LIMIT, async || {
        let found = stage.api::<DirectoryGroup>().get(&group).await.unwrap().metadata;
        let (labels, annotations) = (found.labels.unwrap_or_default(), found.annotations.unwrap_or_default());
        if labels.len() == 1 && annotations.len() == 3 { Ok(()) } else { Err(format!("{annotations:?}")) }
    })
    .await;
}

#[test]
fn the_program_says_which_version_it_is() {
    let program = Command::new(env!("CARGO_BIN_EXE_directory-sync")).arg("version").output().unwrap();
    assert!(program.status.success() && program.stderr.is_empty(), "{program:?}");
    let said = String::from_utf8(program.stdout).unwrap();
    assert_eq!(said, format!("directory-sync {}\n", env!("CARGO_PKG_VERSION")));
}

//! Lists of changes that are old, repeat themselves, or speak of people who were never there; and a new
//! person in an old name.

use kube::ResourceExt;
use serde_json::json;

use super::*;
use crate::support::cluster::Cluster;
use crate::support::ldap::Slapd;
use crate::support::ldap::company::user_dn;
use crate::support::stage::{Stage, ldap, with};
use crate::traps::Scene;

/// People and groups of the sample company.
const COMPANY: usize = 20 + 3;

#[tokio::test]
async fn f17_everything_is_read_once_in_the_full_interval_although_changes_are_listed() {
    let stage = Stage::new("old-place").await;
    let slapd = Slapd::builder().start();
    stage.reader().await;
    let often = json!({"sync": {"interval": "1s", "fullInterval": "3s"}});
    stage.directory("acme", with(ldap(&slapd.url()), &often)).await;
    stage.ready("acme", "True", "Synced").await;
    let before = stage.mirrors("acme").await;
    let first = slapd.operations();
    let later = slapd
        .wait_until("everything is read twice more", |seen| seen.entries >= first.entries + 2 * COMPANY)
        .await;
    assert!(later.connections > first.connections + 2, "between the two, changes are asked for: {later:?}");
    F17.is_seen(&stage, "acme").await;
    assert_eq!(stage.mirrors("acme").await, before);
}

#[tokio::test]
async fn f18_changes_that_are_listed_again_are_not_written_again() {
    let scene = Scene::new(Slapd::builder().without_sync(), &json!({})).await;
    let promote = format!("dn: {}\nchangetype: modify\nreplace: title\ntitle: Countess\n", user_dn(3));
    scene.server.modify(&promote);
    scene.stage.sync("acme").await;
    let title = scene.stage.user("user0003@example.test").await.spec.user.title;
    assert_eq!(title.as_deref(), Some("Countess"));

    let (mark, entries) = (Cluster::get().audit_mark(), scene.server.operations().entries);
    for _ in 0..2 {
        scene.stage.sync("acme").await;
    }
    assert!(scene.server.operations().entries >= entries + 2, "the server names them each time");
    F18.is_seen(&scene.stage, "acme").await;
    assert_eq!(scene.stage.written(mark).of("directoryusers").len(), 0);
}

#[tokio::test]
async fn f19_the_removal_of_somebody_who_was_never_read_changes_nothing() {
    let scene = Scene::new(Slapd::builder(), &json!({})).await;
    let dn = user_dn(999);
    scene.server.modify(&format!(
        "dn: {dn}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: user0999\ncn: A\nsn: B\n\n\
         dn: {dn}\nchangetype: delete\n"
    ));
    scene.is_read_in_full("are gone").await;
    F19.is_seen(&scene.stage, "acme").await;
    assert_eq!(scene.stage.mirrors("acme").await, scene.before);
}

#[tokio::test]
async fn f24_a_new_person_in_the_name_of_one_who_is_gone_gets_an_object_of_their_own() {
    let scene = Scene::new(Slapd::builder(), &json!({})).await;
    let before = scene.stage.user("user0004@example.test").await;
    let dn = user_dn(4);
    scene.server.modify(&format!(
        "dn: {dn}\nchangetype: delete\n\ndn: {dn}\nchangetype: add\n\
         objectClass: inetOrgPerson\nuid: user0004\ncn: Another\nsn: Person\nmail: user0004@example.test\n"
    ));
    scene.stage.sync("acme").await;
    F24.is_seen(&scene.stage, "acme").await;
    let after = scene.stage.user("user0004@example.test").await;
    assert_ne!((after.name_any(), after.uid()), (before.name_any(), before.uid()));
    assert_ne!(after.spec.user.external_id, before.spec.user.external_id);
    assert_eq!(after.spec.user.title, None, "nothing of the one before is left");
    assert_eq!(scene.stage.users().await.len(), 20, "and the one before is gone");
}

//! Servers whose list of changes does not tell everything.

use kube::ResourceExt;
use serde_json::json;

use super::*;
use crate::faults::{F16, F23};
use crate::support::ldap::Company;
use crate::support::ldap::company::{dismiss, group_dn, retitle, user_dn};

/// The e-mail addresses of the sample company's people but for some.
fn everybody_but(gone: &[usize]) -> Vec<String> {
    let there = (0..20).filter(|number| !gone.contains(number));
    there.map(|number| format!("user{number:04}@example.test")).collect()
}

/// The names of a group's members.
fn members(group: &directory_sync::api::DirectoryGroup) -> Vec<&str> {
    let members = &group.spec.group.members;
    members.users.iter().chain(&members.groups).map(String::as_str).collect()
}

#[tokio::test]
async fn a_deleted_person_leaves_the_groups_that_the_server_does_not_call_changed() {
    // Referential integrity takes the member out of the group and leaves the group's time as it was.
    let scene = Scene::new(Slapd::builder().overlay("refint"), &json!({})).await;
    let gone = scene.stage.user("user0006@example.test").await.name_any();
    assert!(members(&scene.stage.group("group01").await).contains(&gone.as_str()));
    scene.server.modify(&dismiss(6));
    scene.is_read_in_full("are gone").await;
    assert_eq!(scene.stage.user_names().await, everybody_but(&[6]));
    let group = scene.stage.group("group01").await;
    assert_eq!((group.spec.group.member_count, members(&group).contains(&gone.as_str())), (4, false));
}

#[tokio::test]
async fn f23_a_renamed_person_keeps_their_mirror_and_their_groups() {
    let scene = Scene::new(Slapd::builder().overlay("refint"), &json!({})).await;
    let before = scene.stage.user("user0006@example.test").await;
    scene
        .server
        .modify(&format!("dn: {}\nchangetype: modrdn\nnewrdn: uid=countess\ndeleteoldrdn: 1\n", user_dn(6)));
    scene.is_read_in_full("goes by other names than before").await;
    F23.is_seen(&scene.stage, "acme").await;
    let after = scene.stage.user("user0006@example.test").await;
    assert_eq!((after.name_any(), after.uid()), (before.name_any(), before.uid()));
    assert_eq!(after.spec.user.user_name.as_deref(), Some("countess"));
    let group = scene.stage.group("group01").await;
    assert_eq!(group.spec.group.member_count, 5);
    assert!(members(&group).contains(&after.name_any().as_str()));
}

#[tokio::test]
async fn somebody_whom_the_filter_does_not_find_any_more_is_gone_and_nobody_else() {
    let scene = Scene::new(Slapd::builder(), &json!({"users": {"filter": "(title=Worker)"}})).await;
    scene.server.modify(&retitle(3, "Countess"));
    scene.is_read_in_full("are not found by the filters any more").await;
    assert_eq!(scene.stage.user_names().await, everybody_but(&[3]));
}

#[tokio::test]
async fn f16_a_server_that_forgot_who_is_gone_is_read_in_full() {
    let mut scene = Scene::new(Slapd::builder(), &json!({})).await;
    scene.server.modify(&dismiss(4));
    // With the process goes its session log.
    scene.server.restart();
    scene.is_read_in_full("does not remember far enough back").await;
    F16.is_seen(&scene.stage, "acme").await;
    assert_eq!(scene.stage.user_names().await, everybody_but(&[4]));
}

#[tokio::test]
async fn f16_a_server_restored_from_a_backup_is_read_in_full() {
    let mut scene = Scene::new(Slapd::builder(), &json!({})).await;
    let backup = scene.server.back_up();
    scene.server.modify(&retitle(3, "Countess"));
    scene.server.modify(&dismiss(4));
    scene.stage.sync("acme").await;
    assert_eq!(scene.stage.user_names().await, everybody_but(&[4]));
    // Now the Directory's place in the list of changes is one that the server has not come to.
    scene.server.restore(&backup);
    scene.stage.sync("acme").await;
    F16.is_seen(&scene.stage, "acme").await;
    assert_eq!(scene.stage.user_names().await, everybody_but(&[]));
    let restored = scene.stage.user("user0003@example.test").await;
    assert_eq!(restored.spec.user.title.as_deref(), Some("Worker"));
    scene.stage.ready("acme", "True", "Synced").await;
}

#[tokio::test]
async fn a_membership_that_does_not_mark_the_person_as_changed_is_seen() {
    let server =
        Slapd::builder().overlay("memberof").company(Company { member_of: true, ..Company::default() });
    let scene = Scene::new(server, &json!({"groups": {"membership": "memberOf"}})).await;
    assert_eq!(scene.stage.group("group01").await.spec.group.member_count, 5);
    let join = format!("changetype: modify\nadd: member\nmember: {}\n", user_dn(1));
    scene.server.modify(&format!("dn: {}\n{join}", group_dn(1)));
    scene.stage.sync("acme").await;
    let group = scene.stage.group("group01").await;
    let joined = scene.stage.user("user0001@example.test").await.name_any();
    assert_eq!((group.spec.group.member_count, members(&group).contains(&joined.as_str())), (6, true));
}

#[tokio::test]
async fn a_member_whose_unit_was_renamed_comes_into_the_group_that_names_them_anew() {
    // Nobody below a renamed entry is marked as changed; this one was changed before everybody else.
    let unit = format!("dn: ou=sales,{PEOPLE}\nobjectClass: organizationalUnit\nou: sales");
    let ada = format!(
        "dn: uid=ada,ou=sales,{PEOPLE}\nobjectClass: inetOrgPerson\nuid: ada\ncn: ada\nsn: ada\n\
         mail: ada@example.test\nmodifyTimestamp: 20190101000000Z"
    );
    let scene =
        Scene::new(Slapd::builder().ldif(&unit).ldif(&ada), &json!({"changes": "ModifyTimestamp"})).await;
    scene
        .server
        .modify(&format!("dn: ou=sales,{PEOPLE}\nchangetype: modrdn\nnewrdn: ou=trade\ndeleteoldrdn: 1\n"));
    let join = format!("changetype: modify\nadd: member\nmember: uid=ada,ou=trade,{PEOPLE}\n");
    scene.server.modify(&format!("dn: {}\n{join}", group_dn(1)));
    scene.is_read_in_full("names somebody who was not read by that name").await;
    let ada = scene.stage.user("ada@example.test").await.name_any();
    let group = scene.stage.group("group01").await;
    assert_eq!((group.spec.group.member_count, members(&group).contains(&ada.as_str())), (6, true));
}

#[tokio::test]
async fn without_content_synchronisation_who_is_gone_is_noticed_by_the_next_full_reading() {
    let scene = Scene::new(Slapd::builder().without_sync(), &json!({})).await;
    scene.server.modify(&retitle(3, "Countess"));
    scene.server.modify(&dismiss(4));
    scene.stage.sync("acme").await;
    let changed = scene.stage.user("user0003@example.test").await;
    assert_eq!(changed.spec.user.title.as_deref(), Some("Countess"));
    assert_eq!(scene.stage.user_names().await, everybody_but(&[]), "a list of changes never deletes");
    scene.stage.full_sync("acme").await;
    assert_eq!(scene.stage.user_names().await, everybody_but(&[4]));
}

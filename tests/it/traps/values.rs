//! Entries that are not what one expects, and entries that are no longer seen.

use kube::ResourceExt;
use serde_json::json;

use super::*;
use crate::support::ldap::Company;

#[tokio::test]
async fn f27_groups_that_contain_each_other_are_written_as_they_are() {
    let server = Slapd::builder().company(Company { cycle: true, ..Company::default() });
    let scene = Scene::new(server, &json!({})).await;
    let (alpha, omega) = (scene.stage.group("alpha").await, scene.stage.group("omega").await);
    assert_eq!(alpha.spec.group.members.groups, [omega.name_any()]);
    assert_eq!(omega.spec.group.members.groups, [alpha.name_any()]);
    assert_eq!((alpha.spec.group.member_count, omega.spec.group.member_count), (2, 2));
    // Roles follow groups of groups: a circle neither hangs nor hides anybody.
    scene
        .stage
        .respecify("acme", json!({"roles": {"rules": [{"role": "admin", "groups": ["omega"]}]}}))
        .await;
    crate::support::wait::eventually("the role is given", crate::support::stage::LIMIT, async || {
        let user = scene.stage.user("user0000@example.test").await.spec.user;
        if user.role.as_deref() == Some("admin") { Ok(()) } else { Err(format!("{:?}", user.role)) }
    })
    .await;
}

#[tokio::test]
async fn an_attribute_that_is_not_utf_8_is_left_out_and_the_person_is_kept() {
    // Latin-1 for "Zürich".
    let zoe = format!(
        "dn: uid=zoe,{PEOPLE}\nobjectClass: inetOrgPerson\nuid: zoe\ncn: Zoe\nsn: Zoe\nmail: zoe@example.test\n\
         userSMIMECertificate:: WvxyaWNo"
    );
    let settings = json!({"users": {"attributes": ["userSMIMECertificate"]}});
    let scene = Scene::new(Slapd::builder().ldif(&zoe), &settings).await;
    assert!(scene.stage.user_names().await.contains(&"zoe@example.test".to_owned()));
    let notes = scene.stage.status("acme").await.notes;
    let told = "The attribute 'userSMIMECertificate' is not text (UTF-8) in 1 entry and was left out there.";
    assert!(notes.iter().any(|note| note == told), "{notes:?}");
}

#[tokio::test]
async fn a_base_that_does_not_exist_is_told_with_its_field_and_deletes_nobody() {
    let scene = Scene::new(Slapd::builder(), &json!({})).await;
    scene.set(&json!({"users": {"baseDN": "ou=nowhere,dc=example,dc=test"}})).await;
    scene
        .fails(
            "Misconfigured",
            &[
                "knows no entry 'ou=nowhere,dc=example,dc=test' (result 32 noSuchObject)",
                "correct spec.provider.ldap.users.baseDN",
            ],
        )
        .await;
    scene.set(&json!({"users": {"baseDN": PEOPLE}})).await;
    scene.recovers().await;
}

#[tokio::test]
async fn an_account_that_does_not_see_anybody_any_more_is_told_deletes_nobody_and_empties_no_group() {
    let mut scene = Scene::new(Slapd::builder(), &json!({})).await;
    let blind = format!("access to dn.children=\"{PEOPLE}\" by * none");
    scene.server.reconfigure(&Slapd::builder().directive(&blind));
    scene.stage.full_sync("acme").await;
    let message = scene.stage.ready("acme", "False", "EmptyResult").await;
    for part in
        ["has no people at all", "20 mirrors stay as they are", "check the base", "the account's rights"]
    {
        assert!(message.contains(part), "'{part}' is missing in: {message}");
    }
    assert_eq!(scene.stage.mirrors("acme").await, scene.before, "neither people nor groups have changed");
}

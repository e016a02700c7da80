//! Presets from the server to the cluster: who becomes a person or a group, under which id, and who is
//! inactive. OpenLDAP stands in for 389 Directory Server and FreeIPA, with their schemas.

use directory_sync::api::DirectoryGroup;
use directory_sync::api::status::SyncKind;
use directory_sync::model::State;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::json;

use super::*;
use crate::support::ldap::company::SUFFIX;
use crate::support::ldap::netscape::{ENTRIES, FREE_IPA_ENTRIES, FREE_IPA_SCHEMA, SCHEMA};
use crate::support::ldap::{Builder, Company};
use crate::support::stage::{Stage, ldap, with};

/// A server that has nobody yet.
fn empty() -> Builder {
    Slapd::builder().company(Company { users: 0, groups: 0, ..Company::default() })
}

/// A server without content synchronisation and `entryUUID`, which 389 Directory Server need not have, so that
/// only what it does have can tell.
fn netscape(entries: &str) -> Builder {
    empty()
        .without_sync()
        .directive("access to attrs=entryUUID by * none")
        .schema(SCHEMA)
        .ldif(entries.trim())
}

/// A stage with a Directory `acme` of a server, with settings besides.
async fn synced(slapd: &Slapd, settings: &Value) -> Stage {
    let stage = Stage::new("preset").await;
    stage.reader().await;
    stage.directory("acme", with(ldap(&slapd.url()), &json!({"provider": {"ldap": settings}}))).await;
    stage.ready("acme", "True", "Synced").await;
    stage
}

/// Sign-in name, id and state of all people in the cluster, in order.
async fn people(stage: &Stage) -> Vec<String> {
    let users = stage.users().await.into_iter().map(|user| user.spec.user);
    let line =
        |name: Option<String>, id, state| format!("{} {id} {state:?}", name.expect("each has a user name"));
    let mut people: Vec<String> =
        users.map(|user| line(user.user_name, user.external_id, user.state)).collect();
    people.sort();
    people
}

/// Name, id and members of all groups in the cluster, in order.
async fn groups(stage: &Stage) -> Vec<String> {
    let groups = stage.api::<DirectoryGroup>().list(&ListParams::default()).await.unwrap().items;
    let users = stage.users().await;
    // A member is named by its mirror; who the mirror is, a person tells by these.
    let people = users.iter().map(|user| (user.name_any(), user.spec.user.user_name.clone().unwrap()));
    let nested = groups.iter().map(|group| (group.name_any(), group.spec.group.display_name.clone()));
    let known: Vec<(String, String)> = people.chain(nested).collect();
    let named = |mirror: &String| known.iter().find(|(name, _)| name == mirror).unwrap().1.as_str();
    let line = |group: &DirectoryGroup| {
        let group = &group.spec.group;
        let mut members: Vec<&str> =
            group.members.users.iter().chain(&group.members.groups).map(named).collect();
        members.sort_unstable();
        format!("{} {} {}", group.display_name, group.external_id, members.join(" "))
    };
    let mut lines: Vec<String> = groups.iter().map(line).collect();
    lines.sort();
    lines
}

/// Locks the account of a person, and asks the server for what has changed.
async fn lock(stage: &Stage, slapd: &Slapd, dn: &str) {
    slapd.modify(&format!("dn: {dn}\nchangetype: modify\nadd: nsAccountLock\nnsAccountLock: TRUE\n"));
    stage.sync("acme").await;
    assert_eq!(stage.status("acme").await.last_sync.unwrap().kind, SyncKind::Delta);
}

#[tokio::test]
async fn entries_of_free_ipa_become_people_and_groups_by_its_own_ids_and_locks() {
    let slapd = netscape(FREE_IPA_ENTRIES).rfc2307bis().schema(FREE_IPA_SCHEMA).start();
    let (users, groups_base) =
        (format!("cn=users,cn=accounts,{SUFFIX}"), format!("cn=groups,cn=accounts,{SUFFIX}"));
    let settings =
        json!({"preset": "FreeIPA", "users": {"baseDN": users}, "groups": {"baseDN": groups_base}});
    let stage = synced(&slapd, &settings).await;
    let grace = "grace 5c1de9a4-5cf3-11f0-9b5b-5254009dd002 Inactive";
    let mary = "mary 5c1de9a4-5cf3-11f0-9b5b-5254009dd003 Active";
    assert_eq!(people(&stage).await, ["ada 5c1de9a4-5cf3-11f0-9b5b-5254009dd001 Active", grace, mary]);
    assert_eq!(
        groups(&stage).await,
        [
            "admins 5c1de9a4-5cf3-11f0-9b5b-5254009dd011 ada grace",
            "staff 5c1de9a4-5cf3-11f0-9b5b-5254009dd012 admins mary",
        ]
    );
    let tenant = stage.status("acme").await.tenant;
    assert_eq!(tenant.as_deref(), Some("nsUniqueId=0a1b2c01-5cf311f0-9b5bd4a1-3c5e77aa"));
    lock(&stage, &slapd, &format!("uid=ada,{users}")).await;
    assert_eq!(people(&stage).await, ["ada 5c1de9a4-5cf3-11f0-9b5b-5254009dd001 Inactive", grace, mary]);
}

#[tokio::test]
async fn entries_of_389_directory_server_become_people_and_groups_by_its_own_ids_and_locks() {
    let slapd = netscape(ENTRIES).start();
    let (users, teams) = (format!("cn=staff,{SUFFIX}"), format!("cn=teams,{SUFFIX}"));
    let settings = json!({
        "users": {"baseDN": users, "idAttribute": "nsUniqueId"},
        "groups": {"baseDN": teams, "idAttribute": "nsUniqueId"},
    });
    let stage = synced(&slapd, &settings).await;
    let grace = "grace 66446012-1dd211b2-66225011-2ee211db Inactive";
    assert_eq!(people(&stage).await, ["ada 66446011-1dd211b2-66225011-2ee211db Active", grace]);
    assert_eq!(groups(&stage).await, ["admins 66446021-1dd211b2-66225011-2ee211db ada grace"]);
    let tenant = stage.status("acme").await.tenant;
    assert_eq!(tenant.as_deref(), Some("nsUniqueId=66446001-1dd211b2-66225011-2ee211db"));
    lock(&stage, &slapd, &format!("uid=ada,{users}")).await;
    assert_eq!(people(&stage).await, ["ada 66446011-1dd211b2-66225011-2ee211db Inactive", grace]);
}

#[tokio::test]
async fn accounts_whose_shadow_has_expired_are_inactive_with_both_presets_of_rfc_2307() {
    let account = |uid: &str, line: &str| {
        format!(
            "dn: uid={uid},{PEOPLE}\nobjectClass: account\nobjectClass: posixAccount\n\
             objectClass: shadowAccount\nuid: {uid}\ncn: {uid}\nuidNumber: 1\ngidNumber: 1\n\
             homeDirectory: /home/{uid}\n{line}"
        )
    };
    let slapd = empty()
        .ldif(&account("left", "shadowExpire: 18262")) // the first day of 2020
        .ldif(&account("leaves", "shadowExpire: 2932896")) // the last one that a date can be
        .ldif(&account("stays", "shadowExpire: -1"))
        .ldif(&account("stayed", "shadowMax: 1"))
        .start();
    for preset in ["RFC2307", "RFC2307bis"] {
        let answer = Directory::of(&slapd).with(&json!({"preset": preset})).read().await.unwrap();
        let state = |name: &str| answer.user(name).user.state;
        assert_eq!(answer.user_names(), ["leaves", "left", "stayed", "stays"], "{preset}");
        assert_eq!(state("left"), State::Inactive, "{preset}");
        for name in ["leaves", "stays", "stayed"] {
            assert_eq!(state(name), State::Active, "{name} with {preset}");
        }
    }
}

//! Changes between full readings.

use super::*;
use crate::support::samba::CLERK;
use crate::support::samba::company::{GROUPS, LAB, PEOPLE, group_dn, user_dn};

/// Both ways to learn of changes.
const WAYS: [&str; 2] = ["Auto", "UpdateSequenceNumbers"];

fn by(samba: &Samba, way: &str) -> Directory {
    Directory::of(samba).with(&json!({"changes": way}))
}

fn rename(dn: &str, name: &str) -> String {
    format!("dn: {dn}\nchangetype: modrdn\nnewrdn: {name}\ndeleteoldrdn: 1\n\n")
}

fn delete(dn: &str) -> String {
    format!("dn: {dn}\nchangetype: delete\n\n")
}

#[tokio::test]
async fn people_and_groups_that_are_new_or_changed_come_whole_and_only_they() {
    let samba = Samba::start();
    for way in WAYS {
        let directory = by(&samba, way);
        let full = directory.read().await.unwrap();
        assert_eq!(full.cursor().0.contains("cookie"), way == "Auto");
        let quiet = directory.changes(&full.cursor()).await.unwrap();
        assert_eq!((quiet.users.len(), quiet.groups.len(), quiet.cursor()), (0, 0, full.cursor()));
        let (zoe, title) = (format!("zoe{way}"), format!("Countess by {way}"));
        samba.modify(&format!(
            "{}{}dn: {}\nchangetype: modify\nadd: member\nmember: CN={zoe},{LAB}\n",
            replace(&user_dn("p0003"), "title", &title),
            person(&zoe, LAB, ""),
            group_dn("team-1"),
        ));
        let changes = directory.changes(&full.cursor()).await.unwrap();
        assert_eq!(changes.accounts(), ["p0003", &zoe], "{way}");
        assert_eq!(changes.user("p0003").user.title.as_deref(), Some(title.as_str()));
        assert_eq!(
            changes.user("p0003").user.name,
            full.user("p0003").user.name,
            "whole, not only what changed"
        );
        assert_eq!(changes.group_names(), ["team-1"]);
        assert_eq!(changes.group("team-1").members.len(), full.group("team-1").members.len() + 1);
        let next = directory.changes(&changes.cursor()).await.unwrap();
        assert_eq!((next.users.len(), next.groups.len()), (0, 0), "{way}");
    }
}

#[tokio::test]
async fn somebody_who_was_deleted_makes_the_list_unknown_and_leaves_their_groups() {
    let samba = Samba::start();
    for (way, account) in WAYS.into_iter().zip(["p0003", "p0004"]) {
        let directory = by(&samba, way);
        let full = directory.read().await.unwrap();
        samba.modify(&delete(&user_dn(account)));
        let error = directory.changes(&full.cursor()).await.unwrap_err();
        assert_told(&error, Class::ChangesUnknown, &["have been deleted"]);
        // Nothing marks the group as changed when a member is deleted.
        let team = format!("team-{}", &account[4..]);
        let after = directory.read().await.unwrap();
        assert_eq!(after.group(&team).members.len(), full.group(&team).members.len() - 1);
    }
}

#[tokio::test]
async fn an_account_that_may_not_see_deleted_objects_is_noted_and_learns_of_other_changes_only() {
    let samba = Samba::start();
    for (way, account) in WAYS.into_iter().zip(["p0005", "p0006"]) {
        let directory = by(&samba, way).account(CLERK, PASSWORD);
        let full = directory.read().await.unwrap();
        assert!(full.notes().contains("may not read the container Deleted Objects"), "{}", full.notes());
        let title = format!("Countess by {way}");
        samba.modify(&format!(
            "{}{}",
            delete(&user_dn(account)),
            replace(&user_dn("p0007"), "title", &title)
        ));
        let changes = directory.changes(&full.cursor()).await.unwrap();
        assert_eq!(changes.accounts(), ["p0007"], "{way}");
        assert_eq!(
            directory.read().await.unwrap().users.len(),
            full.users.len() - 1,
            "a full reading finds it"
        );
    }
}

#[tokio::test]
async fn a_renamed_person_comes_by_the_same_keys_so_their_groups_still_meet_them() {
    let samba = Samba::start();
    let directory = Directory::of(&samba);
    let full = directory.read().await.unwrap();
    samba.modify(&rename(&user_dn("p0003"), "CN=Countess"));
    let changes = directory.changes(&full.cursor()).await.unwrap();
    let (before, after) = (full.user("p0003"), changes.user("p0003"));
    assert_eq!((&before.keys, &before.user.external_id), (&after.keys, &after.user.external_id));
    assert_eq!(after.raw["dn"], json!([format!("CN=Countess,{PEOPLE}")]));
}

#[tokio::test]
async fn a_renamed_organizational_unit_makes_the_list_unknown_for_nobody_below_it_shows_as_changed() {
    let samba = Samba::start();
    for way in WAYS {
        let directory = by(&samba, way);
        samba.modify(&format!(
            "dn: OU=Old,{LAB}\nchangetype: add\nobjectClass: organizationalUnit\n\n{}",
            person(&format!("ada{way}"), &format!("OU=Old,{LAB}"), "")
        ));
        let full = directory.read().await.unwrap();
        samba.modify(&rename(&format!("OU=Old,{LAB}"), &format!("OU=New{way}")));
        let error = directory.changes(&full.cursor()).await.unwrap_err();
        assert_told(&error, Class::ChangesUnknown, &["have moved"]);
        let moved = directory.read().await.unwrap();
        assert_eq!(
            moved.user(&format!("ada{way}")).raw["dn"],
            json!([format!("CN=ada{way},OU=New{way},{LAB}")])
        );
    }
}

#[tokio::test]
async fn a_change_elsewhere_in_the_domain_is_passed_over_and_a_move_out_of_the_base_is_not() {
    let samba = Samba::start();
    samba.modify(&person("ada", LAB, ""));
    let directory =
        Directory::of(&samba).with(&json!({"users": {"baseDN": PEOPLE}, "groups": {"baseDN": GROUPS}}));
    let full = directory.read().await.unwrap();
    samba.modify(&replace(&format!("CN=ada,{LAB}"), "title", "Countess"));
    let changes = directory.changes(&full.cursor()).await.unwrap();
    assert_eq!((changes.users.len(), changes.groups.len()), (0, 0));
    samba.modify(&format!(
        "dn: {}\nchangetype: modrdn\nnewrdn: CN=p0003\ndeleteoldrdn: 1\nnewsuperior: {LAB}\n",
        user_dn("p0003")
    ));
    let error = directory.changes(&changes.cursor()).await.unwrap_err();
    assert_told(&error, Class::ChangesUnknown, &["have moved"]);
    assert_eq!(directory.read().await.unwrap().users.len(), full.users.len() - 1);
}

#[tokio::test]
async fn somebody_whom_the_filter_does_not_find_any_more_makes_the_list_unknown() {
    let samba = Samba::start();
    for (way, account) in WAYS.into_iter().zip(["p0003", "p0004"]) {
        let directory = by(&samba, way).with(&json!({"users": {"filter": "(title=Analyst)"}}));
        let full = directory.read().await.unwrap();
        samba.modify(&replace(&user_dn(account), "title", "Countess"));
        let error = directory.changes(&full.cursor()).await.unwrap_err();
        assert_told(&error, Class::ChangesUnknown, &["not found by the filters any more"]);
    }
}

#[tokio::test]
async fn an_account_that_expires_meanwhile_makes_the_list_unknown_though_nothing_changed() {
    let samba = Samba::start();
    let (sooner, later) = (155_000_000_000_000_000_i64, 156_000_000_000_000_000_i64);
    let expires = |time: i64| format!("accountExpires: {time}\n");
    samba.modify(&format!(
        "{}{}",
        person("ada", LAB, &expires(later)),
        person("grace", LAB, &expires(sooner))
    ));
    let directory = Directory::of(&samba).below(LAB);
    let mut cursor: Value = serde_json::from_str(&directory.read().await.unwrap().cursor().0).unwrap();
    assert_eq!(cursor["until"], json!(sooner));
    // As if that moment had come.
    cursor["until"] = json!(1);
    let error = directory.changes(&Cursor(cursor.to_string())).await.unwrap_err();
    assert_told(&error, Class::ChangesUnknown, &["an account has expired"]);
}

#[tokio::test]
async fn a_cookie_that_is_garbage_and_other_settings_make_the_list_unknown() {
    let samba = Samba::start();
    let directory = Directory::of(&samba).below(LAB);
    let cursor = directory.read().await.unwrap().cursor();
    let mut garbled: Value = serde_json::from_str(&cursor.0).unwrap();
    garbled["cookie"] = json!("Z2FyYmFnZQ==");
    let error = directory.changes(&Cursor(garbled.to_string())).await.unwrap_err();
    assert_told(&error, Class::ChangesUnknown, &["does not go on from the stored place"]);
    let other = Directory::of(&samba).below(PEOPLE);
    assert_eq!(other.changes(&cursor).await.unwrap_err().class, Class::ChangesUnknown);
}

#[tokio::test]
async fn a_filter_by_membership_or_changes_none_has_no_cursor() {
    let samba = Samba::start();
    let by_membership = json!({"users": {"filter": format!("(memberOf={})", group_dn("team-1"))}});
    for patch in [by_membership, json!({"changes": "None"})] {
        let answer = Directory::of(&samba).with(&patch).read().await.unwrap();
        assert!(!answer.users.is_empty());
        assert_eq!(answer.end.cursor, None);
    }
}

//! Records that the source could not turn into people or groups: nothing is decided as if they were not there.

use super::*;
use crate::model::{ExternalId, Links, Rejected};

fn keys(ids: &[&str]) -> Vec<Key> {
    ids.iter().map(|id| Key(format!("dn:{id}"))).collect()
}

fn lost(kind: Kind, id: Option<&str>, links: Links) -> Rejected {
    Rejected {
        kind,
        id: id.and_then(ExternalId::new),
        position: "line 3".into(),
        reason: "it cannot be read".into(),
        links: Box::new(links),
    }
}

/// A person or group that others know by this name.
fn known(id: &str) -> Links {
    Links::alone(Some(keys(&[id])))
}

fn with_lost(mut snapshot: Snapshot, lost: impl IntoIterator<Item = Rejected>) -> Snapshot {
    lost.into_iter().for_each(|rejected| snapshot.reject(rejected));
    snapshot
}

fn staff_and_team() -> Snapshot {
    snapshot(vec![person("ada")], vec![group("staff", &["ada", "bob"]), group("team", &["ada"])])
}

#[test]
fn somebody_stays_in_their_groups() {
    let bob = lost(Kind::User, Some("bob"), known("bob"));
    let result = run(&with_lost(staff_and_team(), [bob]), &Settings::default());
    assert_eq!(result.group("staff").members, members(&["ada", "bob"], &[]));
    assert_eq!((result.ids(), result.summary.unresolved_members), (vec!["ada"], 0));
}

#[test]
fn somebody_stays_in_the_groups_that_their_own_record_names() {
    let links = Links { member_of: Some(keys(&["team"])), ..known("bob") };
    let result =
        run(&with_lost(staff_and_team(), [lost(Kind::User, Some("bob"), links)]), &Settings::default());
    assert_eq!(result.group("team").members, members(&["ada", "bob"], &[]));
}

#[test]
fn a_group_stays_in_the_groups_that_list_it() {
    let bob = lost(Kind::Group, Some("bob"), known("bob"));
    let result = run(&with_lost(staff_and_team(), [bob]), &Settings::default());
    assert_eq!(result.group("staff").members, members(&["ada"], &["bob"]));
}

#[test]
fn of_a_manager_the_id_is_what_is_known() {
    let mut ada = person("ada");
    ada.manager = Some(Key("dn:bob".into()));
    let bob = lost(Kind::User, Some("bob"), known("bob"));
    let result = run(&with_lost(snapshot(vec![ada], vec![]), [bob]), &Settings::default());
    let manager = result.user("ada").manager.clone().unwrap();
    assert_eq!((manager.external_id.as_deref(), manager.user_name), (Some("bob"), None));
    assert_eq!(result.summary.unresolved_managers, 0);
}

#[test]
fn without_an_id_the_groups_that_list_them_are_held_back_and_no_other() {
    for kind in [Kind::User, Kind::Group] {
        let bob = lost(kind, None, known("bob"));
        let result = run(&with_lost(staff_and_team(), [bob]), &Settings::default());
        assert_eq!(result.held(Kind::Group, "staff").0, QuarantineReason::MembersUnknown);
        assert_eq!(result.group("team").members, members(&["ada"], &[]));
    }
}

#[test]
fn without_a_name_any_member_that_is_not_found_may_be_theirs() {
    for (kind, id) in [(Kind::User, Some("x")), (Kind::User, None), (Kind::Group, Some("x"))] {
        let nameless = lost(kind, id, Links::alone(None));
        let result = run(&with_lost(staff_and_team(), [nameless]), &Settings::default());
        assert_eq!(result.held(Kind::Group, "staff").0, QuarantineReason::MembersUnknown);
        assert_eq!(result.group("team").members, members(&["ada"], &[]));
    }
}

#[test]
fn who_may_be_in_any_group_holds_all_groups_back() {
    let links = Links { member_of: None, ..known("bob") };
    let result =
        run(&with_lost(staff_and_team(), [lost(Kind::User, Some("bob"), links)]), &Settings::default());
    assert!(result.groups.is_empty());
    assert_eq!(result.held.len(), 2);
}

/// Roles by a group that cannot be used, whose members are those that are given.
fn roles_beside(members: Option<Vec<Key>>) -> Normalized {
    let people = snapshot(vec![person("ada"), person("bob")], vec![group("team", &["ada", "bob"])]);
    let admins = lost(Kind::Group, Some("admins"), Links { members, ..known("admins") });
    run(&with_lost(people, [admins]), &Settings::roles(&[("admin", &["admins"])], Some("guest")))
}

#[test]
fn the_members_of_a_group_that_cannot_be_used_keep_their_roles_and_others_get_theirs() {
    let result = roles_beside(Some(keys(&["ada"])));
    assert_eq!(result.held(Kind::User, "ada").0, QuarantineReason::MembershipUnknown);
    assert_eq!(result.user("bob").role.as_deref(), Some("guest"));
    assert_eq!(result.group("team").member_count, 2);
}

#[test]
fn a_group_that_changes_nothing_by_its_name_holds_nobody_back() {
    let people = snapshot(vec![person("ada")], vec![group("team", &["ada"])]);
    let links = |name: &str| Links { members: None, display_name: Some(name.into()), ..known("lunch") };
    let roles = Settings::roles(&[("admin", &["admins"])], Some("guest"));
    let beside =
        |name| with_lost(snapshot(vec![person("ada")], vec![]), [lost(Kind::Group, Some("l"), links(name))]);
    assert_eq!(run(&beside("lunch"), &roles).user("ada").role.as_deref(), Some("guest"));
    assert_eq!(
        run(&beside(" admins "), &roles).held(Kind::User, "ada").0,
        QuarantineReason::MembershipUnknown
    );
    // Who is in a group of the scope is in scope, whatever other group they may be in.
    let lunch = lost(Kind::Group, Some("l"), links("lunch"));
    assert_eq!(run(&with_lost(people, [lunch]), &Settings::only_group_members()).ids(), ["ada"]);
    assert_eq!(run(&beside("lunch"), &Settings::only_group_members()).held.len(), 1);
}

#[test]
fn what_a_group_gives_through_another_counts_as_well() {
    let people = snapshot(vec![person("ada")], vec![group("admins", &["lunch"])]);
    let links = Links { members: None, display_name: Some("lunch".into()), ..known("lunch") };
    let people = with_lost(people, [lost(Kind::Group, Some("lunch"), links)]);
    let result = run(&people, &Settings::roles(&[("admin", &["admins"])], None));
    assert_eq!(result.held(Kind::User, "ada").0, QuarantineReason::MembershipUnknown);
}

#[test]
fn where_its_members_are_not_known_either_nobodys_role_is_decided() {
    let result = roles_beside(None);
    assert!(result.users.is_empty());
    assert_eq!(result.held.len(), 2);
    assert_eq!(result.group("team").member_count, 2);
}

#[test]
fn in_a_group_within_it_people_keep_their_roles_as_well() {
    let people = snapshot(vec![person("ada"), person("eve")], vec![group("team", &["ada"])]);
    let links = Links { members: Some(keys(&["team"])), ..known("admins") };
    let people = with_lost(people, [lost(Kind::Group, None, links)]);
    let result = run(&people, &Settings::only_group_members());
    assert_eq!(result.held(Kind::User, "ada").0, QuarantineReason::MembershipUnknown);
    assert_eq!((result.users.len(), result.summary.out_of_scope_users), (0, 1));
}

#[test]
fn what_no_rule_asks_for_is_not_held_back() {
    let admins = lost(Kind::Group, None, Links::alone(Some(Vec::new())));
    let result = run(&with_lost(staff_and_team(), [admins]), &Settings::default());
    assert_eq!((result.users.len(), result.groups.len(), result.held.len()), (1, 2, 0));
}

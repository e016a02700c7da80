//! Groups, their scope, and who is in them.

use serde_json::json;

use super::*;
use crate::model::group::MAX_INLINE_MEMBERS;

#[test]
fn members_are_object_names_sorted_and_each_once() {
    let mut ada = person("ada");
    ada.keys.push(Key("uid:ada".into()));
    ada.member_of = vec![Key("dn:staff".into())];
    let mut staff = group("staff", &["bob", "ada", "team", "ada", "staff"]);
    staff.members.push(Key("uid:ada".into()));
    let result =
        run(&snapshot(vec![ada, person("bob")], vec![staff, group("team", &[])]), &Settings::default());
    assert_eq!(result.group("staff").members, members(&["ada", "bob"], &["team"]));
    assert_eq!(result.group("staff").member_count, 3);
    assert_eq!(result.summary.memberships, 3);
}

#[test]
fn what_people_and_groups_say_of_themselves_is_added() {
    let mut ada = person("ada");
    ada.member_of = vec![Key("dn:staff".into()), Key("dn:elsewhere".into())];
    let mut team = group("team", &[]);
    team.member_of = vec![Key("dn:staff".into())];
    let result = run(&snapshot(vec![ada], vec![group("staff", &[]), team]), &Settings::default());
    assert_eq!(result.group("staff").members, members(&["ada"], &["team"]));
    assert_eq!(result.summary.unresolved_groups, 1);
}

#[test]
fn members_that_the_source_does_not_list_are_counted() {
    let result = run(&snapshot(vec![], vec![group("staff", &["gone", "ghost"])]), &Settings::default());
    assert_eq!(result.group("staff").member_count, 0);
    assert_eq!(result.summary.unresolved_members, 2);
}

#[test]
fn members_out_of_scope_are_left_out_without_a_note() {
    let people = snapshot(
        vec![person("ada"), person("bob")],
        vec![group("staff", &["ada", "bob", "x"]), group("x", &[])],
    );
    let mut settings = Settings::users("user.userName == 'ada'");
    settings.scope.groups = Some("group.displayName == 'staff'".into());
    let result = run(&people, &settings);
    assert_eq!(result.group("staff").members, members(&["ada"], &[]));
    assert_eq!(result.summary.out_of_scope_members, 2);
    assert!(result.summary.notes().is_empty());
}

#[test]
fn who_is_held_back_stays_a_member() {
    let people = snapshot(vec![person("ada")], vec![group("staff", &["ada"])]);
    let result = run(&people, &Settings::mapping(&[("badge", "raw.badge", true)]));
    assert!(result.users.is_empty());
    assert_eq!(result.group("staff").members, members(&["ada"], &[]));
}

#[test]
fn a_key_that_two_people_share_leads_to_both() {
    let (mut one, mut two) = (person("one"), person("two"));
    one.keys.push(Key("uid:ada".into()));
    two.keys.push(Key("uid:ada".into()));
    let mut staff = group("staff", &[]);
    staff.members = vec![Key("uid:ada".into())];
    let result =
        run(&snapshot(vec![one, two], vec![staff]), &Settings::roles(&[("member", &["staff"])], None));
    assert_eq!(result.group("staff").members, members(&["one", "two"], &[]));
    assert!(result.users.iter().all(|user| user.role.as_deref() == Some("member")));
}

#[test]
fn a_group_with_more_members_than_an_object_holds_is_held_back_with_the_numbers() {
    let ids: Vec<String> = (0..=MAX_INLINE_MEMBERS).map(|n| format!("p{n}")).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let people = snapshot(
        names.iter().map(|id| person(id)).collect(),
        vec![group("all", &names), group("most", &names[1..])],
    );
    let result = run(&people, &Settings::roles(&[("member", &["all"])], None));
    let (reason, message) = result.held(Kind::Group, "all");
    assert_eq!(reason, QuarantineReason::TooManyMembers);
    assert!(message.contains("1001 members") && message.contains("at most 1000"), "{message}");
    assert_eq!(result.group("most").members.len(), 1_000);
    assert!(
        result.users.iter().all(|user| user.role.is_some()),
        "a large group gives its roles all the same"
    );
}

#[test]
fn the_scope_of_groups_sees_the_group_and_the_record() {
    let mut team = group("team", &[]);
    team.raw = raw(json!({"businessCategory": ["app"]}));
    let records = snapshot(vec![], vec![team, group("other", &[])]);
    let decided = run(&records, &Settings::groups("group.displayName == 'team' && group.externalId != ''"));
    assert_eq!(decided.groups.len(), 1);
    assert_eq!(decided.summary.out_of_scope_groups, 1);
    let undecided = run(&records, &Settings::groups("raw.businessCategory[0] == 'app'"));
    assert_eq!(undecided.groups.len(), 1);
    let (reason, message) = undecided.held(Kind::Group, "other");
    assert_eq!(reason, QuarantineReason::ScopeError);
    assert!(message.contains("there is no 'businessCategory'"), "{message}");
}

#[test]
fn only_members_of_the_groups_in_scope_directly_or_through_others() {
    let people = snapshot(
        vec![
            person("direct"),
            person("nested"),
            person("elsewhere"),
            person("nowhere"),
            person("through-out"),
        ],
        vec![
            group("app-users", &["direct", "app-team", "hr"]),
            group("app-team", &["nested"]),
            group("other", &["elsewhere"]),
            group("hr", &["through-out"]),
        ],
    );
    let mut settings = Settings::only_group_members();
    settings.scope.groups = Some("group.displayName.startsWith('app-')".into());
    let result = run(&people, &settings);
    assert_eq!(result.ids(), ["direct", "nested"]);
    assert_eq!(result.summary.out_of_scope_users, 3);
}

#[test]
fn groups_in_each_other_give_their_members_the_roles_of_all() {
    let people = snapshot(
        vec![person("ada"), person("bob")],
        vec![
            group("a", &["b", "a"]),
            group("b", &["c"]),
            group("c", &["a", "ada"]),
            group("apart", &["bob"]),
        ],
    );
    let mut settings =
        Settings::roles(&[("ra", &["a"]), ("rb", &["b"]), ("rc", &["c"]), ("rx", &["apart"])], None);
    settings.mapping = Settings::mapping(&[("groups_of", "user.groups", false)]).mapping;
    let result = run(&people, &settings);
    assert_eq!(result.user("ada").roles, ["ra", "rb", "rc"]);
    assert_eq!(result.user("bob").roles, ["rx"]);
    assert_eq!(json!(result.user("ada").attributes), json!({"groups_of": ["a", "b", "c"]}));
    assert_eq!(result.group("a").members, members(&[], &["b"]));
}

#[test]
fn who_is_in_a_group_that_cannot_be_decided_is_held_back_where_it_matters() {
    let mut known = group("known", &["bob"]);
    known.raw = raw(json!({"kind": "app"}));
    let people = snapshot(
        vec![person("ada"), person("bob")],
        vec![group("unknown", &["inner"]), group("inner", &["ada"]), known],
    );
    let mut settings = Settings::only_group_members();
    settings.scope.groups = Some("group.displayName == 'inner' || raw.kind == 'app'".into());
    let result = run(&people, &settings);
    assert_eq!(result.held(Kind::Group, "unknown").0, QuarantineReason::ScopeError);
    assert_eq!(result.held(Kind::User, "ada").0, QuarantineReason::MembershipUnknown);
    assert_eq!(result.ids(), ["bob"]);
    settings.scope.only_group_members = false;
    let result = run(&people, &settings);
    assert_eq!(result.ids(), ["ada", "bob"], "nothing depends on memberships");
}

#[test]
fn a_group_without_a_usable_name_shows_its_id() {
    let mut nameless = group("g-1", &[]);
    nameless.display_name = "\u{202e}\n".into();
    let mut endless = group("g-2", &[]);
    endless.display_name = "x".repeat(513);
    let result = run(&snapshot(vec![], vec![nameless, endless]), &Settings::default());
    assert_eq!(result.group("g-1").display_name, "g-1");
    assert_eq!(result.group("g-2").display_name, "g-2");
    assert_eq!(result.summary.groups_without_name, 2);
}

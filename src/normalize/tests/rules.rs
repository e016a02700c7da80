//! Scope, mapping, roles and output of people.

use serde_json::json;

use super::*;
use crate::model::{Email, Manager, State};

fn errors(settings: &Settings) -> Vec<(String, String)> {
    match settings.compile() {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| (error.field, error.message)).collect(),
    }
}

#[test]
fn without_rules_everybody_comes_through() {
    let result = run(
        &snapshot(vec![person("ada"), person("bob")], vec![group("staff", &["ada"])]),
        &Settings::default(),
    );
    assert_eq!(result.ids(), ["ada", "bob"]);
    assert_eq!(result.user("ada").roles, [] as [String; 0]);
    assert_eq!(result.summary, Summary { users_active: 2, groups: 1, memberships: 1, ..Summary::default() });
    assert!(result.summary.notes().is_empty());
}

#[test]
fn inactive_people_are_people() {
    let mut eve = person("eve");
    eve.user.state = State::Inactive;
    let result = run(&snapshot(vec![eve], vec![]), &Settings::default());
    assert_eq!((result.summary.users_active, result.summary.users_inactive), (0, 1));
}

#[test]
fn the_scope_of_people_sees_the_person_and_the_record() {
    let mut ada = person("ada");
    ada.raw = raw(json!({"employeeType": ["staff"]}));
    let mut bob = person("bob");
    bob.raw = raw(json!({"employeeType": ["guest"]}));
    let people = snapshot(vec![ada, bob], vec![]);
    for expression in [
        "raw.employeeType[0] == 'staff'",
        "user.email == 'ada@acme.example'",
        "user.userName.startsWith('a') && user.state == 'Active'",
        "user.?title.orValue('none') == 'none' && 'staff' in raw.employeeType",
    ] {
        let result = run(&people, &Settings::users(expression));
        assert_eq!(result.ids(), ["ada"], "{expression}");
        assert_eq!(result.summary.out_of_scope_users, 1);
    }
}

#[test]
fn a_scope_that_cannot_be_decided_holds_the_person_back_and_says_what_is_not_there() {
    let mut ada = person("ada");
    ada.user.department = Some("Engineering".into());
    let result = run(
        &snapshot(vec![ada, person("bob")], vec![]),
        &Settings::users("user.department == 'Engineering'"),
    );
    assert_eq!(result.ids(), ["ada"]);
    let (reason, message) = result.held(Kind::User, "bob");
    assert_eq!(reason, QuarantineReason::ScopeError);
    assert!(
        message.starts_with("spec.scope.users cannot be decided for this person: there is no 'department'"),
        "{message}"
    );
    assert!(!message.contains("bob"));
    assert_eq!(result.summary.out_of_scope_users, 0);
}

#[test]
fn the_scope_sees_mapped_attributes_and_groups() {
    let mut ada = person("ada");
    ada.raw = raw(json!({"badge": "117"}));
    let people = snapshot(vec![ada, person("bob")], vec![group("app-users", &["ada", "bob"])]);
    let mut settings = Settings::users("'app-users' in user.groups && has(user.attributes.badge)");
    settings.mapping = Settings::mapping(&[("badge", "raw.badge", false)]).mapping;
    let result = run(&people, &settings);
    assert_eq!(result.ids(), ["ada"]);
    assert_eq!(result.summary.out_of_scope_users, 1);
}

#[test]
fn a_missing_optional_attribute_is_left_out_and_a_required_one_holds_the_person_back() {
    let mut ada = person("ada");
    ada.raw = raw(json!({"badge": "117", "shoe": ""}));
    let people = snapshot(vec![ada, person("bob")], vec![]);
    let result =
        run(&people, &Settings::mapping(&[("badge", "raw.badge", true), ("shoe", "raw.shoe", false)]));
    assert_eq!(result.ids(), ["ada"]);
    assert_eq!(json!(result.user("ada").attributes), json!({"badge": "117"}));
    let (reason, message) = result.held(Kind::User, "bob");
    assert_eq!(reason, QuarantineReason::MissingAttribute);
    assert!(message.contains("'badge'") && message.contains("spec.mapping[0].value"), "{message}");
    assert!(!message.contains("bob"));
    assert_eq!(result.summary.invalid_attributes, 0);
}

#[test]
fn a_value_that_cannot_be_an_attribute_is_counted_or_holds_the_person_back() {
    let mut ada = person("ada");
    ada.raw = raw(json!({"site": {"city": "Berlin"}}));
    let people = snapshot(vec![ada], vec![]);
    let result = run(&people, &Settings::mapping(&[("site", "raw.site", false)]));
    assert_eq!((result.users.len(), result.summary.invalid_attributes), (1, 1));
    assert_eq!(
        result.summary.notes(),
        ["1 value that spec.mapping gives cannot be an attribute, and left out."]
    );
    let result = run(&people, &Settings::mapping(&[("site", "raw.site", true)]));
    let (reason, message) = result.held(Kind::User, "ada");
    assert_eq!(reason, QuarantineReason::InvalidAttribute);
    assert!(
        message.contains("a value of type map cannot be an attribute") && !message.contains("Berlin"),
        "{message}"
    );
}

#[test]
fn who_is_out_of_scope_is_not_held_back_for_a_missing_attribute() {
    let mut settings = Settings::users("user.userName != 'bob'");
    settings.mapping = Settings::mapping(&[("badge", "raw.badge", true)]).mapping;
    let result = run(&snapshot(vec![person("bob")], vec![]), &settings);
    assert!(result.held.is_empty() && result.users.is_empty());
    assert_eq!(result.summary.out_of_scope_users, 1);
}

#[test]
fn mapping_sets_standard_attributes_over_the_sources_own() {
    let mut ada = person("ada");
    ada.user.title = Some("Old".into());
    ada.user.department = Some("Kept".into());
    ada.raw = raw(json!({"t": " Engineer ", "n": 117}));
    let result = run(
        &snapshot(vec![ada], vec![]),
        &Settings::mapping(&[
            ("title", "raw.t", false),
            ("department", "raw.missing", false),
            ("employeeNumber", "raw.n", false),
            // The other rules see the person as the source has them.
            ("was", "user.title", false),
            ("costCenter", "['a', 'b']", false),
            (
                "startDate",
                "'x'.replace('x', 'a date that is far longer than any date has ever been written by hand')",
                false,
            ),
        ]),
    );
    let ada = result.user("ada");
    assert_eq!(ada.title.as_deref(), Some("Engineer"));
    assert_eq!(ada.department.as_deref(), Some("Kept"));
    assert_eq!(ada.employee_number.as_deref(), Some("117"));
    assert_eq!(json!(ada.attributes), json!({"was": "Old"}));
    assert_eq!((&ada.cost_center, &ada.start_date), (&None, &None));
    assert_eq!(result.summary.invalid_attributes, 2);
}

#[test]
fn mapped_attributes_of_one_person_are_bounded_together() {
    let mut ada = person("ada");
    ada.raw = raw(json!({"text": "x".repeat(4_000)}));
    let rules: Vec<(String, String)> =
        (0..64).map(|n| (format!("a{n:02}"), "[raw.text, raw.text]".to_owned())).collect();
    let rules: Vec<(&str, &str, bool)> =
        rules.iter().map(|(name, value)| (name.as_str(), value.as_str(), false)).collect();
    let result = run(&snapshot(vec![ada], vec![]), &Settings::mapping(&rules));
    let bytes = serde_json::to_vec(&result.user("ada").attributes).unwrap().len();
    assert!(bytes < limits::MAX_ATTRIBUTES_BYTES + 4_096, "{bytes}");
    assert_eq!(result.user("ada").attributes.len() + result.summary.invalid_attributes, 64);
}

#[test]
fn the_roles_of_a_person_follow_their_groups() {
    let people = snapshot(
        vec![person("ada"), person("bob"), person("eve")],
        vec![group("app-admins", &["ada"]), group("team", &["ada", "bob"])],
    );
    let settings = Settings::roles(&[("admin", &["app-admins"]), ("member", &["*"])], Some("guest"));
    let result = run(&people, &settings);
    let roles = |id: &str| (result.user(id).role.as_deref(), result.user(id).roles.join(" "));
    assert_eq!(roles("ada"), (Some("admin"), "admin member".to_owned()));
    assert_eq!(roles("bob"), (Some("member"), "member".to_owned()));
    assert_eq!(roles("eve"), (Some("guest"), "guest".to_owned()));
}

#[test]
fn groups_out_of_scope_give_no_roles() {
    let people = snapshot(vec![person("ada")], vec![group("app-admins", &["ada"])]);
    let mut settings = Settings::roles(&[("admin", &["app-admins"]), ("member", &["*"])], None);
    settings.scope.groups = Some("group.displayName != 'app-admins'".into());
    let result = run(&people, &settings);
    assert_eq!((&result.user("ada").role, result.user("ada").roles.len()), (&None, 0));
}

#[test]
fn the_allow_list_leaves_the_rest_out() {
    let mut ada = person("ada");
    ada.user.title = Some("Engineer".into());
    ada.raw = raw(json!({"badge": "117", "shoe": 38}));
    let mut settings = Settings::mapping(&[("badge", "raw.badge", false), ("shoe", "raw.shoe", false)]);
    settings.attributes = Some(vec!["title".into(), "badge".into()]);
    let result = run(&snapshot(vec![ada], vec![]), &settings);
    assert_eq!(
        json!(result.user("ada")),
        json!({
            "externalId": "ada", "userName": "ada", "state": "Active",
            "title": "Engineer", "attributes": {"badge": "117"}
        })
    );
    assert_eq!(result.summary.without_email, 0, "an address that is not copied is not a missing one");
}

#[test]
fn the_address_is_chosen_from_all_addresses_and_its_absence_is_counted() {
    let mut ada = person("ada");
    ada.user.email = None;
    ada.user.emails = vec![
        Email { value: "ada@home.example".into(), kind: Some("home".into()), primary: false },
        Email { value: "ada@acme.example".into(), kind: Some("work".into()), primary: false },
    ];
    let mut bob = person("bob");
    bob.user.email = None;
    let result = run(&snapshot(vec![ada, bob], vec![]), &Settings::default());
    assert_eq!(result.user("ada").email.as_deref(), Some("ada@acme.example"));
    assert_eq!(result.user("bob").email, None);
    assert_eq!(result.summary.without_email, 1);
}

#[test]
fn people_who_share_an_address_or_user_name_stay_two_people_and_are_counted() {
    let mut twin = person("ada2");
    twin.user.email = Some("ADA@acme.example".into());
    let mut other = person("ada3");
    other.user.user_name = Some("Ada".into());
    let result = run(&snapshot(vec![person("ada"), twin, other], vec![]), &Settings::default());
    assert_eq!(result.users.len(), 3);
    assert_eq!((result.summary.sharing_email, result.summary.sharing_user_name), (2, 2));
}

#[test]
fn a_manager_is_found_wherever_they_stand_and_whatever_the_scope() {
    let mut boss = person("boss");
    boss.user.display_name = Some(" The  Boss\u{200e} ".into());
    boss.user.email = None;
    boss.user.emails = vec![Email { value: "boss@acme.example".into(), kind: None, primary: true }];
    let mut ada = person("ada");
    ada.manager = Some(Key("dn:boss".into()));
    let mut bob = person("bob");
    bob.manager = Some(Key("dn:gone".into()));
    bob.user.manager = Some(Manager { display_name: Some("Someone Else".into()), ..Manager::default() });
    let mut eve = person("eve");
    eve.manager = Some(Key("dn:gone".into()));
    let result =
        run(&snapshot(vec![ada, bob, eve, boss], vec![]), &Settings::users("user.userName != 'boss'"));
    assert_eq!(
        json!(result.user("ada").manager),
        json!({"externalId": "boss", "userName": "boss", "displayName": "The  Boss", "email": "boss@acme.example"})
    );
    assert_eq!(json!(result.user("bob").manager), json!({"displayName": "Someone Else"}));
    assert_eq!(result.user("eve").manager, None);
    assert_eq!(result.summary.unresolved_managers, 1);
}

#[test]
fn a_managers_key_that_two_people_share_finds_nobody() {
    let shared = Key("uid:boss".into());
    let (mut one, mut two, mut ada) = (person("one"), person("two"), person("ada"));
    one.keys.push(shared.clone());
    two.keys.push(shared.clone());
    ada.manager = Some(shared);
    let result = run(&snapshot(vec![one, two, ada], vec![]), &Settings::default());
    assert_eq!(result.user("ada").manager, None);
    assert_eq!(result.summary.unresolved_managers, 1);
}

#[test]
fn an_id_that_no_object_can_hold_holds_the_person_back() {
    let result = run(&snapshot(vec![person("a\nb")], vec![group("", &[])]), &Settings::default());
    assert_eq!(result.held(Kind::User, "a\nb").0, QuarantineReason::InvalidId);
    assert_eq!(result.held(Kind::Group, "").0, QuarantineReason::InvalidId);
}

#[test]
fn everything_wrong_with_the_rules_is_reported_at_its_field() {
    let mut settings = Settings::mapping(&[
        ("badge", "raw.badge", false),
        ("badge", "raw.badge2", false),
        ("externalId", "raw.id", false),
        ("level", "raw.level +", false),
    ]);
    settings.scope.users = Some("group.displayName == 'x'".into());
    settings.scope.groups = Some("user.email == 'x'".into());
    settings.attributes = Some(vec!["badge".into(), "level".into(), "nonsense".into()]);
    let found = errors(&settings);
    let fields: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "spec.scope.users",
            "spec.scope.groups",
            "spec.mapping[1].attribute",
            "spec.mapping[2].attribute",
            "spec.mapping[3].value",
            "spec.output.attributes[2]",
        ]
    );
    assert_eq!(found[0].1, "line 1, column 1: 'group' is not known here; there is user and raw");
    assert_eq!(found[4].1, "line 1, column 12: mismatched input '<EOF>'");
}

#[test]
fn expressions_that_cost_too_much_over_all_records_end_the_run() {
    let values: Vec<String> = (0..150).map(|n| format!("value {n}")).collect();
    let people = (0..400).map(|n| {
        let mut person = person(&format!("p{n}"));
        person.raw = raw(json!({"values": values}));
        person
    });
    let people = snapshot(people.collect(), vec![]);
    let settings = Settings::users("raw.values.all(a, raw.values.exists(b, a == b || a != b))");
    let rules = settings.compile().unwrap();
    let result = normalize::<NormalizeError>(&people, &rules, &mut |_| Ok(()));
    assert!(matches!(result, Err(NormalizeError::TooExpensive { records: 400 })), "{result:?}");
}

#[test]
fn the_callers_error_ends_the_run() {
    #[derive(Debug)]
    struct Enough;
    impl From<NormalizeError> for Enough {
        fn from(error: NormalizeError) -> Self {
            panic!("{error}")
        }
    }
    let rules = Settings::default().compile().unwrap();
    let mut seen = 0;
    let result =
        normalize::<Enough>(&snapshot(vec![person("ada"), person("bob")], vec![]), &rules, &mut |_| {
            seen += 1;
            Err(Enough)
        });
    assert!(result.is_err());
    assert_eq!(seen, 1);
}

#[test]
fn a_member_that_nobody_ever_has_is_misspelt() {
    let of = |scope: &Scope| Rules::compile("acme", scope, &[], None, None).err();
    let users = |text: &str| of(&Scope { users: Some(text.to_owned()), ..Scope::default() });
    let groups = |text: &str| of(&Scope { groups: Some(text.to_owned()), ..Scope::default() });
    for (found, message) in [
        (users("has(user.emial)"), "line 1, column 5: 'user' has no member 'emial'; did you mean 'email'?"),
        (
            users("true &&\n user.Email == 'x'"),
            "line 2, column 2: 'user' has no member 'Email'; did you mean 'email'?",
        ),
        (
            groups("group.name == 'x'"),
            "line 1, column 1: 'group' has no member 'name'; there are externalId, displayName",
        ),
    ] {
        assert_eq!(found.unwrap()[0].message, message);
    }
    for known in crate::normalize::subject::MEMBERS {
        assert_eq!(users(&format!("has(user.{known})")), None);
    }
    for left_alone in [
        "user.?badge.orValue('') == ''",
        "'badge' in user",
        "user['badge'] == 'x'",
        "has(user.attributes.badge)",
        "user.name.given == 'Ada'",
        "raw.emial == 'x'",
        "user.groups.exists(group, group.startsWith('x'))",
    ] {
        assert_eq!(users(left_alone), None, "{left_alone}");
    }
}

//! What holds for every directory.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Small numbers, so that keys meet often, groups are in each other, and references dangle.
const PEOPLE: u8 = 6;
const GROUPS: u8 = 6;

fn key() -> impl Strategy<Value = Key> {
    (0..PEOPLE + GROUPS + 2)
        .prop_map(|n| Key(if n < PEOPLE { format!("dn:u{n}") } else { format!("dn:g{}", n - PEOPLE) }))
}

fn people() -> impl Strategy<Value = Vec<UserRecord>> {
    let one = (
        vec(key(), 0..3),
        proptest::option::of(key()),
        "[A-Za-z \u{308}\u{202e}]{0,6}",
        0..3_u8,
        any::<bool>(),
    );
    vec(one, 0..PEOPLE as usize).prop_map(|all| {
        all.into_iter()
            .enumerate()
            .map(|(n, (member_of, manager, text, shared, level))| {
                let mut record = person(&format!("u{n}"));
                record.keys.push(Key(format!("uid:{shared}")));
                record.user.email = Some(format!("{shared}@acme.example"));
                record.user.display_name = Some(text);
                record.member_of = member_of;
                record.manager = manager;
                if level {
                    record.raw = raw(json!({"level": shared}));
                }
                record
            })
            .collect()
    })
}

fn groups() -> impl Strategy<Value = Vec<GroupRecord>> {
    vec((vec(key(), 0..6), vec(key(), 0..2), any::<bool>()), 0..GROUPS as usize).prop_map(|all| {
        all.into_iter()
            .enumerate()
            .map(|(n, (members, member_of, app))| {
                let mut record = group(&format!("g{n}"), &[]);
                record.members = members;
                record.member_of = member_of;
                if n % 3 > 0 {
                    record.raw = raw(json!({"app": app}));
                }
                record
            })
            .collect()
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(users, groups, only_group_members, mapping, roles)| {
            let mut settings = Settings { ..Settings::default() };
            settings.scope.users = users.then(|| "raw.level > 0 || 'g1' in user.groups".into());
            settings.scope.groups = groups.then(|| "raw.app".into());
            settings.scope.only_group_members = only_group_members;
            if mapping {
                settings.mapping =
                    Settings::mapping(&[("level", "raw.level", true), ("all", "user.groups", false)]).mapping;
            }
            if roles {
                settings.roles = Settings::roles(
                    &[("one", &["g1"]), ("two", &["g2", "g3"]), ("any", &["*"])],
                    Some("none"),
                )
                .roles;
            }
            settings
        },
    )
}

/// Everything that came out, in an order of its own.
fn outcomes(result: Normalized) -> (Vec<String>, Summary) {
    let mut lines: Vec<String> = result.users.iter().map(|user| json!(user).to_string()).collect();
    lines.extend(result.groups.iter().map(|group| json!(group).to_string()));
    lines.extend(result.held.iter().map(|held| format!("{held:?}")));
    lines.sort();
    (lines, result.summary)
}

proptest! {
    #[test]
    fn the_outcome_is_the_same_every_time_and_in_any_order_of_records(
        (people, shuffled_people) in people().prop_flat_map(|people| (Just(people.clone()), Just(people).prop_shuffle())),
        (groups, shuffled_groups) in groups().prop_flat_map(|groups| (Just(groups.clone()), Just(groups).prop_shuffle())),
        settings in settings(),
    ) {
        let first = snapshot(people, groups);
        let (expected, summary) = outcomes(run(&first, &settings));
        prop_assert_eq!(&outcomes(run(&first, &settings)).0, &expected);
        let (shuffled, same) = outcomes(run(&snapshot(shuffled_people, shuffled_groups), &settings));
        prop_assert_eq!(shuffled, expected);
        prop_assert_eq!(same, summary);
    }

    #[test]
    fn every_record_is_in_or_out_or_held_back_and_every_member_exists(
        people in people(), groups in groups(), settings in settings(),
    ) {
        let total = people.len() + groups.len();
        let ids: Vec<String> = people.iter().map(|person| person.user.external_id.clone()).collect();
        let group_ids: Vec<String> = groups.iter().map(|group| group.external_id.clone()).collect();
        let known = members(
            &ids.iter().map(String::as_str).collect::<Vec<_>>(),
            &group_ids.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        let result = run(&snapshot(people, groups), &settings);
        let summary = &result.summary;
        prop_assert_eq!(
            result.users.len() + result.groups.len() + result.held.len()
                + summary.out_of_scope_users + summary.out_of_scope_groups,
            total
        );
        prop_assert_eq!(summary.users_active + summary.users_inactive, result.users.len());
        prop_assert_eq!(summary.groups, result.groups.len());
        prop_assert_eq!(summary.memberships, result.groups.iter().map(|group| group.members.len()).sum::<usize>());
        for group in &result.groups {
            let Members { users, groups } = &group.members;
            prop_assert!([users, groups].iter().all(|names| names.is_sorted_by(|a, b| a < b)), "sorted, each once");
            prop_assert!(users.iter().all(|name| known.users.contains(name)));
            prop_assert!(groups.iter().all(|name| known.groups.contains(name)));
            prop_assert_eq!(usize::try_from(group.member_count), Ok(group.members.len()));
        }
    }

    #[test]
    fn rings_of_groups_end_and_give_everybody_in_them_the_same(
        size in 1..40_usize, chords in vec((0..40_usize, 0..40_usize), 0..40),
    ) {
        let name = |n: usize| format!("g{}", n % size);
        let mut groups: Vec<GroupRecord> = (0..size).map(|n| group(&name(n), &[&name(n + 1), &format!("p{n}")])).collect();
        for (from, to) in chords {
            groups[from % size].members.push(Key(format!("dn:{}", name(to))));
        }
        let people = (0..size).map(|n| person(&format!("p{n}"))).collect();
        let mut settings = Settings::roles(&[("first", &["g0"])], None);
        settings.mapping = Settings::mapping(&[("count", "user.groups.size()", false)]).mapping;
        let result = run(&snapshot(people, groups), &settings);
        for user in &result.users {
            prop_assert_eq!(user.role.as_deref(), Some("first"));
            prop_assert_eq!(&user.attributes["count"], &json!(size));
        }
    }
}

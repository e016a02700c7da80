//! Whole tables through the seam: what a Directory gets of them.

use futures::StreamExt;
use futures::executor::block_on;
use serde_json::{Value, json};

use super::table::{Ending, Format, Table};
use super::*;
use crate::model::{GroupRecord, Kind, Rejected, UserRecord};
use crate::source::{Class, End, Page, Pull};

const USERS: &str =
    "user_id,first_name,last_name,email\n1,Ada,Lovelace,ada@acme.example\n2,Alan,Turing,alan@acme.example\n";

fn spec(settings: Value) -> CsvSpec {
    let mut spec = json!({"from": {"configMap": {"name": "acme"}}});
    if let (Some(spec), Value::Object(settings)) = (spec.as_object_mut(), settings) {
        spec.extend(settings);
    }
    serde_json::from_value(spec).unwrap()
}

fn material(tables: &[(&str, &str)]) -> Material {
    let reference = spec(json!({})).references().remove(0);
    let mut material = Material::default();
    material
        .insert(reference, tables.iter().map(|(key, text)| ((*key).to_owned(), text.as_bytes().to_vec())));
    material
}

/// A table of a ConfigMap, with commas.
pub fn table(key: &str, bytes: &[u8]) -> Table {
    let chunks = futures::stream::iter([Ok(bytes::Bytes::copy_from_slice(bytes))]).boxed();
    let format = Format { delimiter: Delimiter::Comma, ending: Ending::Any };
    block_on(Table::open(key, format!("ConfigMap acme key '{key}'"), chunks, format)).unwrap()
}

/// Everything that one pull answers.
#[derive(Debug, Default)]
struct Answer {
    users: Vec<UserRecord>,
    groups: Vec<GroupRecord>,
    rejected: Vec<Rejected>,
    end: End,
}

fn pull(spec: &CsvSpec, tables: &[(&str, &str)], request: Pull) -> Result<Answer, SourceError> {
    let mut source = spec.source(&material(tables))?;
    let mut answer = Answer::default();
    for page in block_on(source.pull(request).collect::<Vec<_>>()) {
        match page? {
            Page::Tenant(tenant) => panic!("a table has no tenant: {tenant:?}"),
            Page::Users(mut users) => answer.users.append(&mut users),
            Page::Groups(mut groups) => answer.groups.append(&mut groups),
            Page::Rejected(mut rejected) => answer.rejected.append(&mut rejected),
            Page::End(end) => answer.end = end,
        }
    }
    Ok(answer)
}

fn full(tables: &[(&str, &str)]) -> Answer {
    pull(&spec(json!({})), tables, Pull::Full).unwrap()
}

fn refused(settings: Value, tables: &[(&str, &str)]) -> SourceError {
    pull(&spec(settings), tables, Pull::Full).unwrap_err()
}

fn groups(answer: &Answer) -> Vec<(&str, &str, Vec<&str>)> {
    let members = |group: &GroupRecord| group.members.iter().map(|key| key.0.clone()).collect::<Vec<_>>();
    answer
        .groups
        .iter()
        .map(|group| {
            assert_eq!(members(group).len(), group.members.len());
            let members = group.members.iter().map(|key| key.0.as_str()).collect();
            (group.external_id.as_str(), group.display_name.as_str(), members)
        })
        .collect()
}

#[test]
fn people_alone_are_a_directory() {
    let answer = full(&[("users.csv", USERS)]);
    let ids: Vec<&str> = answer.users.iter().map(|user| user.user.external_id.as_str()).collect();
    assert_eq!(ids, ["1", "2"]);
    assert!(answer.groups.is_empty() && answer.rejected.is_empty() && answer.end.notes.is_empty());
}

#[test]
fn groups_are_those_of_their_table_and_those_that_only_memberships_name() {
    let answer = full(&[
        ("users.csv", USERS),
        ("user_groups.csv", "group_name,user_id\nAdmins,1\nOperators,2\nAdmins,2\nAdmins,1\nOperators,404\n"),
        ("groups.csv", "group_name,cost center\nEmpty,7\nAdmins,8\n"),
    ]);
    assert_eq!(
        groups(&answer),
        [
            ("Empty", "Empty", vec![]),
            ("Admins", "Admins", vec!["user:1", "user:2"]),
            ("Operators", "Operators", vec!["user:2", "user:404"]),
        ]
    );
    assert_eq!(answer.groups[0].keys, [crate::model::Key("group:Empty".into())]);
    let raw: Vec<Value> = answer.groups.iter().map(|group| group.raw.clone().into()).collect();
    assert_eq!(
        raw,
        [
            json!({"group_name": "Empty", "cost center": "7"}),
            json!({"group_name": "Admins", "cost center": "8"}),
            json!({"group_name": "Operators", "cost center": ""}),
        ]
    );
}

#[test]
fn groups_with_an_id_column_have_that_id_and_stay_themselves_when_renamed() {
    let read = |name: &str| {
        let memberships = format!("group_name,user_id\n{name},1\n");
        let table = format!("group_name,group_id\n{name},g-1\n");
        full(&[("users.csv", USERS), ("user_groups.csv", &memberships), ("groups.csv", &table)])
    };
    assert_eq!(groups(&read("Admins")), [("g-1", "Admins", vec!["user:1"])]);
    assert_eq!(groups(&read("Root")), [("g-1", "Root", vec!["user:1"])]);
}

#[test]
fn columns_keys_and_delimiter_are_the_directorys_to_choose() {
    let settings = json!({
        "delimiter": "Semicolon",
        "users": {"key": "people", "columns": {
            "user_id": "Personnel number", "first_name": "Given", "last_name": "Family", "email": "Mail"}},
        "userGroups": {"key": "teams", "columns": {"group_name": "Team", "user_id": "Personnel number"}},
    });
    let tables = [
        ("people", "Personnel Number;Given;Family;Mail\n1;Ada;L;a@b\n"),
        ("teams", "Team;Personnel number\nA;1\n"),
    ];
    let answer = pull(&spec(settings), &tables, Pull::Full).unwrap();
    assert_eq!(answer.users[0].user.emails[0].value, "a@b");
    assert_eq!(groups(&answer), [("A", "A", vec!["user:1"])]);
    assert_eq!(Value::from(answer.groups[0].raw.clone()), json!({"Team": "A"}));
}

#[test]
fn a_listing_comes_in_bounded_pages_and_ends_once() {
    let rows: Vec<String> = (0..1_201).map(|n| format!("{n},a,b,c@d\n")).collect();
    let memberships: Vec<String> = (0..501).map(|n| format!("g{n},{n}\n")).collect();
    let tables = [
        ("users.csv", format!("user_id,first_name,last_name,email\n{}", rows.concat())),
        ("user_groups.csv", format!("group_name,user_id\n{}", memberships.concat())),
    ];
    let tables = tables.each_ref().map(|(key, text)| (*key, text.as_str()));
    let mut source = spec(json!({})).source(&material(&tables)).unwrap();
    let sizes: Vec<usize> = block_on(source.pull(Pull::Full).collect::<Vec<_>>())
        .into_iter()
        .map(|page| match page.unwrap() {
            Page::Users(users) => users.len(),
            Page::Groups(groups) => groups.len(),
            Page::Rejected(rejected) => rejected.len(),
            Page::Tenant(_) | Page::End(_) => 0,
        })
        .collect();
    assert_eq!(sizes, [500, 500, 201, 500, 1, 0]);
}

#[test]
fn of_two_rows_with_one_id_both_come_for_the_reader_to_keep_the_first_and_a_note_names_the_line() {
    let answer = full(&[("users.csv", &format!("{USERS}1,Another,One,x@acme.example\n"))]);
    assert_eq!(answer.users.len(), 3);
    assert!(answer.rejected.is_empty());
    assert_eq!(answer.end.notes, ["users.csv: line 4 has the user_id of an earlier row and does not count"]);
}

#[test]
fn a_ragged_row_is_rejected_by_its_line_and_the_others_come() {
    let answer = full(&[("users.csv", &format!("{USERS}3,Grace\n4,Edsger,Dijkstra,e@acme.example\n"))]);
    assert_eq!(answer.users.len(), 3);
    assert_eq!((answer.rejected[0].kind, &answer.rejected[0].id), (Kind::User, &None));
    assert_eq!(answer.rejected[0].position, "users.csv line 4");
}

#[test]
fn a_table_cut_in_the_middle_is_incomplete_after_what_came_before() {
    for (key, text, line) in [
        ("users.csv", format!("{USERS}3,\"Gra"), 4),
        ("user_groups.csv", "group_name,user_id\nA,1\nB,\"".to_owned(), 3),
        ("groups.csv", "group_name\n\"A\nB\n".to_owned(), 2),
    ] {
        let mut tables = vec![("users.csv", USERS)];
        tables.retain(|(other, _)| *other != key);
        tables.push((key, &text));
        let error = refused(json!({}), &tables);
        assert_eq!(error.class, Class::Incomplete);
        let expected = format!(
            "ConfigMap acme key '{key}' ends inside a quoted cell of the row that begins on line {line}"
        );
        assert!(error.message.starts_with(&expected), "{error}");
    }
}

#[test]
fn a_membership_that_does_not_name_its_group_stops_the_sync() {
    for row in ["A", ",1", "A,1,2"] {
        let error = refused(
            json!({}),
            &[("users.csv", USERS), ("user_groups.csv", &format!("group_name,user_id\nB,1\n{row}\n"))],
        );
        assert_eq!(error.class, Class::Incomplete);
        assert!(error.message.starts_with("user_groups.csv line 3: "), "{error}");
    }
}

#[test]
fn a_membership_that_does_not_name_its_member_holds_its_group_back() {
    let answer = full(&[("users.csv", USERS), ("user_groups.csv", "group_name,user_id\nA,1\nA,\nB,2\n")]);
    assert_eq!(groups(&answer), [("B", "B", vec!["user:2"])]);
    let rejected = &answer.rejected[0];
    assert_eq!((rejected.kind, rejected.id.as_ref().unwrap().as_str()), (Kind::Group, "A"));
    assert_eq!(rejected.position, "user_groups.csv line 3");
}

#[test]
fn a_group_whose_row_cannot_be_read_does_not_come_back_under_its_name() {
    let answer = full(&[
        ("users.csv", USERS),
        ("user_groups.csv", "group_name,user_id\nA,1\nB,2\n"),
        ("groups.csv", "group_name,group_id\nA,g-a\nB\n"),
    ]);
    assert_eq!(groups(&answer), [("g-a", "A", vec!["user:1"])]);
    assert!(answer.rejected.iter().all(|rejected| rejected.kind == Kind::Group && rejected.id.is_none()));
    assert_eq!(answer.rejected.len(), 2);
}

#[test]
fn two_groups_of_one_name_are_not_mixed_up() {
    let answer = full(&[
        ("users.csv", USERS),
        ("user_groups.csv", "group_name,user_id\nA,1\n"),
        ("groups.csv", "group_name,group_id\nA,g-1\nA,g-2\nC,g-1\nA,g-1\n"),
    ]);
    assert_eq!(
        groups(&answer),
        [("g-1", "A", vec!["user:1"]), ("g-1", "C", vec![]), ("g-1", "A", vec!["user:1"])]
    );
    assert_eq!(answer.rejected.len(), 1);
    assert_eq!(answer.rejected[0].id.as_ref().unwrap().as_str(), "g-2");
    assert_eq!(answer.rejected[0].position, "groups.csv line 3");
    assert!(
        answer.end.notes[0].contains("have the group_id of an earlier row and do not count (lines 4, 5)"),
        "{:?}",
        answer.end.notes
    );
}

#[test]
fn a_missing_key_is_named_with_the_object_and_the_keys_it_has() {
    let error = refused(json!({}), &[("people.csv", USERS)]);
    assert_eq!(error.class, Class::Misconfigured);
    assert_eq!(
        error.message,
        "ConfigMap acme has no key 'users.csv' (it has only people.csv); add it, or correct users.key"
    );
    let error = refused(json!({"userGroups": {"key": "teams.csv"}}), &[("users.csv", USERS)]);
    assert!(error.message.contains("has no key 'teams.csv'"), "{error}");
}

#[test]
fn a_missing_column_of_any_table_is_named() {
    for (key, text, column) in [
        ("users.csv", "user_id,first_name,last_name\n", "'email'"),
        ("user_groups.csv", "group_name,user\n", "'user_id'"),
        ("groups.csv", "name\n", "'group_name'"),
    ] {
        let mut tables = vec![("users.csv", USERS)];
        tables.retain(|(other, _)| *other != key);
        tables.push((key, text));
        let error = refused(json!({}), &tables);
        assert_eq!(error.class, Class::Misconfigured);
        assert!(
            error
                .message
                .starts_with(&format!("ConfigMap acme key '{key}' line 1 lacks the column {column}")),
            "{error}"
        );
    }
}

#[test]
fn equal_tables_have_no_changes_and_others_are_read_as_a_whole() {
    let tables = [("users.csv", USERS), ("user_groups.csv", "group_name,user_id\nA,1\n")];
    let cursor = full(&tables).end.cursor.unwrap();
    let again = pull(&spec(json!({})), &tables, Pull::Changes(cursor.clone())).unwrap();
    assert!(again.users.is_empty() && again.groups.is_empty());
    assert_eq!(again.end.cursor, Some(cursor.clone()));

    let longer = format!("{USERS}3,G,H,g@h\n");
    let changed = [
        vec![("users.csv", longer.as_str()), tables[1]],
        vec![tables[0]],
        vec![tables[0], tables[1], ("groups.csv", "group_name\n")],
    ];
    for tables in changed {
        let error = pull(&spec(json!({})), &tables, Pull::Changes(cursor.clone())).unwrap_err();
        assert_eq!(error.class, Class::ChangesUnknown);
    }
}

#[test]
fn other_keys_of_the_object_do_not_count_as_changes() {
    let cursor = full(&[("users.csv", USERS)]).end.cursor;
    assert_eq!(full(&[("users.csv", USERS), ("README", "for people")]).end.cursor, cursor);
}

#[test]
fn contradictions_in_the_settings_are_problems_before_anything_is_read() {
    let found = spec(json!({
        "users": {"columns": {"email": "Mail", "username": "Mail", "shoe_size": "Shoes"}},
        "userGroups": {"columns": {"group": "Team"}},
        "groups": {"key": "users.csv", "columns": {"group_id": "Id"}},
    }))
    .problems();
    let fields: Vec<&str> = found.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "spec.provider.csv.users.columns.shoe_size",
            "spec.provider.csv.users.columns.username",
            "spec.provider.csv.userGroups.columns.group",
            "spec.provider.csv.groups.key",
        ]
    );
    assert!(spec(json!({})).problems().is_empty());
}

#[test]
fn no_message_about_a_row_quotes_it() {
    let canary = "Canary";
    let answer = pull(
        &spec(json!({})),
        &[
            (
                "users.csv",
                &format!(
                    "user_id,first_name,last_name,email,state\n1,{canary},{canary},{canary},{canary}\n\
                     2,{canary}\n,{canary},{canary},{canary},\n3,{canary},b,c,\n3,{canary},b,c,\n"
                ),
            ),
            ("user_groups.csv", &format!("group_name,user_id\n{canary},\n")),
            ("groups.csv", &format!("group_name,group_id\n{canary},1\n{canary},2\n{canary},3\n{canary}\n")),
        ],
        Pull::Full,
    )
    .unwrap();
    assert!(answer.rejected.len() >= 6, "{:?}", answer.rejected);
    for rejected in &answer.rejected {
        assert!(!rejected.reason.contains(canary) && !rejected.position.contains(canary), "{rejected:?}");
    }
    assert!(!answer.end.notes.concat().contains(canary), "{:?}", answer.end.notes);
}

#[test]
fn names_of_keys_are_refused_where_the_tables_are_files() {
    let from = json!({"s3": {"bucket": "acme", "credentialsSecretRef": {"name": "acme-s3"}}});
    let found = spec(json!({"from": from, "users": {"key": "people.csv"}})).problems();
    let fields: Vec<&str> = found.iter().map(|problem| problem.field.as_str()).collect();
    assert!(fields.contains(&"spec.provider.csv.users.key"), "{fields:?}");
}

#[cfg(not(all(feature = "s3", feature = "sftp")))]
#[test]
fn a_directory_that_needs_what_is_not_built_in_is_told_so() {
    let secret = json!({"name": "account"});
    let sftp = json!({"sftp": {"host": "h", "user": "u", "credentialsSecretRef": secret,
        "hostKeys": [format!("SHA256:{}", "A".repeat(43))]}});
    let s3 = json!({"s3": {"bucket": "acme", "credentialsSecretRef": secret}});
    for (built_in, from) in [(cfg!(feature = "sftp"), sftp), (cfg!(feature = "s3"), s3)] {
        let spec = spec(json!({"from": from}));
        if !built_in {
            let problem = spec.problems().pop().unwrap();
            assert!(problem.message.contains("this build of directory-sync was made without"), "{problem:?}");
            let error = spec.source(&Material::default()).err().unwrap();
            assert_eq!(error.class, Class::Misconfigured);
            assert!(error.message.ends_with(&problem.message), "{error}");
        }
    }
}

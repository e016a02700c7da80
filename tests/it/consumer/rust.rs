//! The modules of the example in Rust, each by itself.

use std::collections::HashMap;

use kube::runtime::watcher::Event;
use serde_json::{Value, json};

#[path = "../../../examples/consumers/rust/replica.rs"]
mod replica;
#[path = "../../../examples/consumers/rust/table.rs"]
mod table;

use replica::{Mirror, Replica};
use table::{Group, User};

/// A mirror as the apiserver sends it.
fn mirror<S: serde::de::DeserializeOwned + Clone>(name: &str, spec: &Value) -> Mirror<S> {
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap()
}

fn user(name: &str) -> Mirror<User> {
    mirror(name, &json!({"externalId": name, "state": "Active"}))
}

#[test]
fn a_new_list_takes_the_place_of_the_old_one_when_it_is_complete() {
    let mut users = Replica::<User>::default();
    assert!(!users.note(Ok(Event::Init)));
    assert!(!users.note(Ok(Event::InitApply(user("ada")))));
    assert!(users.objects().is_none(), "half a list is no list");
    assert!(users.note(Ok(Event::InitDone)));
    assert!(users.note(Ok(Event::Apply(user("grace")))));
    // The watch has expired: a new list comes, and ada is not in it.
    assert!(!users.note(Ok(Event::Init)));
    assert!(!users.note(Ok(Event::InitApply(user("grace")))));
    assert_eq!(users.objects().unwrap().len(), 2, "until the list is complete, all are there");
    assert!(users.note(Ok(Event::InitDone)));
    assert_eq!(users.objects().unwrap().keys().collect::<Vec<_>>(), ["grace"]);
    assert!(users.note(Ok(Event::Delete(user("grace")))));
    assert!(users.objects().unwrap().is_empty());
}

#[test]
fn groups_in_circles_and_members_that_are_not_there_harm_nobody() {
    let users = HashMap::from([("u-1".to_owned(), user("u-1").spec)]);
    let group = |name: &str, members: Value| {
        let spec = json!({"displayName": name.to_uppercase(), "members": members});
        (name.to_owned(), mirror::<Group>(name, &spec).spec)
    };
    let groups = HashMap::from([
        group("a", json!({"groups": ["b"], "users": ["u-gone"]})),
        group("b", json!({"groups": ["a", "g-gone"], "users": ["u-1"]})),
    ]);
    let rows = table::rows(&users, &groups);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].groups, ["A", "B"].into());
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("table.jsonl");
    table::write(&path, &rows).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        text,
        "{\"externalId\":\"u-1\",\"userName\":null,\"email\":null,\"active\":true,\"groups\":[\"A\",\"B\"]}\n"
    );
}

//! The example consumers on slices, over changes of form while they run and while they are away.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use directory_sync::slice::Payload;

use super::*;
use crate::support::stage::csv;

/// People who are copied from one form to the other, in several slices.
const PEOPLE: usize = 300;
/// People of whom a group has more members than fit into one entry.
const MANY: usize = 1_010;

fn people(count: usize) -> String {
    let mut table = "user_id,first_name,last_name,email\n".to_owned();
    for number in 0..count {
        writeln!(table, "{number},Ada,Lovelace,{}", email(number)).unwrap();
    }
    table
}

fn members(count: usize) -> String {
    let mut table = "group_name,user_id\n".to_owned();
    (0..count).for_each(|number| writeln!(table, "everybody,{number}").unwrap());
    table
}

/// So many people, of whom so many are in the group.
fn expected(people: usize, members: usize) -> BTreeMap<String, Row> {
    let groups = |number: usize| {
        if number < members { BTreeSet::from(["everybody".to_owned()]) } else { BTreeSet::new() }
    };
    (0..people).map(|number| (email(number), (true, groups(number)))).collect()
}

#[tokio::test]
async fn tables_follow_a_directory_from_one_form_to_the_other_and_lose_nobody_meanwhile() {
    let stage = Stage::new("consumer-slices").await;
    stage.tables("people", &people(PEOPLE), &members(200)).await;
    stage.directory("acme", with(csv(), &json!({"output": {"mode": "Objects"}}))).await;
    stage.ready("acme", "True", "Synced").await;
    let mut consumers = Consumers::start(&stage).await;
    consumers.tables_become(&expected(PEOPLE, 200)).await;

    // Nobody is ever missing from a table that was written in between.
    let ended = Arc::new(AtomicBool::new(false));
    let paths: Vec<_> = consumers.running.iter().map(Consumer::path).collect();
    let (looking, watched) = (ended.clone(), paths.clone());
    let looker = tokio::spawn(async move {
        let mut often = tokio::time::interval(Duration::from_millis(20));
        while !looking.load(Ordering::SeqCst) {
            often.tick().await;
            for path in &watched {
                let people = fs::read_to_string(path).unwrap().lines().count();
                assert_eq!(people, PEOPLE, "{}", path.display());
            }
        }
    });
    for (form, size) in [("Slices", 210), ("Objects", 220), ("Slices", 230)] {
        stage.respecify("acme", json!({"output": {"mode": form}})).await;
        stage.sync("acme").await;
        stage.ready("acme", "True", "Synced").await;
        // Each program has come along: a change that is written in this form alone arrives.
        stage.rewrite("people", json!({"user_groups.csv": members(size)})).await;
        stage.sync("acme").await;
        consumers.tables_become(&expected(PEOPLE, size)).await;
    }
    ended.store(true, Ordering::SeqCst);
    looker.await.unwrap();

    // More people, and a group of so many that its members are in slices of their own.
    let tables = json!({"users.csv": people(MANY), "user_groups.csv": members(MANY)});
    stage.rewrite("people", tables).await;
    stage.sync("acme").await;
    consumers.tables_become(&expected(MANY, MANY)).await;

    // While they are away: another form, and somebody is new.
    consumers.kill();
    let tables = json!({"users.csv": people(MANY + 1), "user_groups.csv": members(600)});
    stage.rewrite("people", tables).await;
    stage.sync("acme").await;
    stage.respecify("acme", json!({"output": {"mode": "Objects"}})).await;
    stage.sync("acme").await;
    stage.ready("acme", "True", "Synced").await;
    consumers.restart();
    consumers.tables_become(&expected(MANY + 1, 600)).await;
}

/// Writes these people as the operator does: a slice of them, and the manifest.
fn write(store: &mut Store, people: &[&str]) {
    let spec = |content: &str, lines: &[Value]| {
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        let Payload { text, hash } = Payload::write(lines.iter().map(String::as_bytes)).unwrap();
        json!({"directory": "acme", "content": content, "payload": text, "hash": hash.to_string()})
    };
    let users = spec("Users", &people.iter().map(entry).collect::<Vec<_>>());
    let head = json!({"format": 1, "users": people.len(), "groups": 0});
    let line = json!({"name": "acme-s-u", "hash": users["hash"], "entries": people.len(), "bytes": 0});
    store.put("directoryslices", "acme-s-u", &users);
    store.put("directoryslices", "acme-s-manifest", &spec("Manifest", &[head, line]));
}

#[tokio::test]
async fn an_expired_watch_of_slices_leaves_nobody_in_a_table_who_went_out_of_them_meanwhile() {
    outlive_expired_watches("acme", "directoryslices", write).await;
}

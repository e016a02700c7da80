//! The example consumers that read slices, over changes of form while they run and while they are away.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::support::stage::csv;

const PEOPLE: usize = 1_200;

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
    stage.tables("people", &people(PEOPLE), &members(900)).await;
    stage.directory("acme", with(csv(), &json!({"output": {"mode": "Objects"}}))).await;
    stage.ready("acme", "True", "Synced").await;
    let rule = json!([{
        "apiGroups": ["directory-sync.io"],
        "resources": ["directoryusers", "directorygroups", "directoryslices"],
        "verbs": ["get", "list", "watch"],
    }]);
    let mut consumers =
        Consumers::start_some(&stage, "acme", &rule, |program| ["rust", "python"].contains(&program.name))
            .await;
    consumers.tables_become(&expected(PEOPLE, 900)).await;

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
    for form in ["Slices", "Objects", "Slices"] {
        stage.respecify("acme", json!({"output": {"mode": form}})).await;
        stage.sync("acme").await;
        stage.ready("acme", "True", "Synced").await;
    }
    ended.store(true, Ordering::SeqCst);
    looker.await.unwrap();

    // A change of members, of which there are too many for one entry.
    stage.rewrite("people", json!({"user_groups.csv": members(1_100)})).await;
    stage.sync("acme").await;
    consumers.tables_become(&expected(PEOPLE, 1_100)).await;

    // While they are away: another form, and somebody is new.
    consumers.kill();
    let tables = json!({"users.csv": people(PEOPLE + 1), "user_groups.csv": members(600)});
    stage.rewrite("people", tables).await;
    stage.sync("acme").await;
    stage.respecify("acme", json!({"output": {"mode": "Objects"}})).await;
    stage.sync("acme").await;
    stage.ready("acme", "True", "Synced").await;
    consumers.restart();
    consumers.tables_become(&expected(PEOPLE + 1, 600)).await;
}

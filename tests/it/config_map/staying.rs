//! Who stays in the files: whoever stays in the mirrors.

use std::fmt::Write as _;

use serde_json::json;

use super::{assert_mirrored, crowd, output, read, records};
use crate::support::stage::{ONE, Stage, TWO, with};

/// The e-mail addresses in a ConfigMap, in order.
async fn addresses(stage: &Stage) -> Vec<String> {
    let files = read(stage, "output").await;
    let records = records(&files.index, &files.users);
    let mut addresses: Vec<String> =
        records.iter().map(|record| record["email"].as_str().unwrap_or_default().to_owned()).collect();
    addresses.sort();
    addresses
}

/// A table of twenty people with badges, of whom the first has this name and the last this badge.
fn badges(first: &str, badge: &str) -> String {
    let mut table = "user_id,first_name,last_name,email,badge\n".to_owned();
    for number in 1..20 {
        let name = if number == 1 { first } else { "Lovelace" };
        writeln!(table, "{number},Ada,{name},ada{number}@a.test,{number}").unwrap();
    }
    writeln!(table, "20,Grace,Hopper,grace@a.test,{badge}").unwrap();
    table
}

#[tokio::test]
async fn who_is_held_back_stays_as_last_known_and_the_others_go_on() {
    let stage = Stage::with_config_map_output("cm-held").await;
    stage.people(&badges("Lovelace", "20")).await;
    let mapping = json!([{"attribute": "badge", "value": "raw.badge", "required": true}]);
    stage.directory("acme", with(output(&json!({})), &json!({"mapping": mapping}))).await;
    stage.ready("acme", "True", "Synced").await;

    // Grace can no longer be decided, and Ada has changed.
    stage.rewrite("people", json!({"users.csv": badges("King", "")})).await;
    stage.sync("acme").await;
    let quarantined = stage.status("acme").await.quarantined;
    assert_eq!(quarantined.first().map(|held| held.count), Some(1), "{quarantined:?}");
    let files = assert_mirrored(&stage, "output").await;
    assert!(files.users[0].contains("King") && files.users[0].contains("grace@a.test"));

    // The same in another format, of which there is no last content.
    stage.respecify("acme", json!({"output": {"configMap": {"format": "JSONLines"}}})).await;
    stage.sync("acme").await;
    let files = assert_mirrored(&stage, "output").await;
    assert_eq!(files.users[0].lines().count(), 20);
}

#[tokio::test]
async fn who_is_missing_stays_for_the_grace_time_and_then_as_the_mirror_does() {
    let stage = Stage::with_config_map_output("cm-grace").await;
    stage.people(TWO).await;
    let week = json!({"deletion": {"graceTime": "168h"}});
    stage.directory("acme", with(output(&json!({})), &week)).await;
    stage.ready("acme", "True", "Synced").await;
    stage.rewrite("people", json!({"users.csv": ONE.replace("Ada", "Augusta")})).await;
    stage.sync("acme").await;
    let files = assert_mirrored(&stage, "output").await;
    assert!(files.users[0].contains("Augusta"));
    assert_eq!(addresses(&stage).await, ["ada@a.test", "grace@a.test"]);

    stage.respecify("acme", json!({"deletion": {"graceTime": "0s", "missingUsers": "Deactivate"}})).await;
    stage.sync("acme").await;
    let files = assert_mirrored(&stage, "output").await;
    assert!(files.users[0].contains("\"state\":\"Inactive\""), "{}", files.users[0]);

    stage.respecify("acme", json!({"deletion": {"missingUsers": "Delete"}})).await;
    stage.sync("acme").await;
    assert_mirrored(&stage, "output").await;
    assert_eq!(addresses(&stage).await, ["ada@a.test"]);
}

#[tokio::test]
async fn who_gets_no_mirror_for_being_inactive_is_in_no_file() {
    let stage = Stage::with_config_map_output("cm-inactive").await;
    let table = "user_id,first_name,last_name,email,state\n1,Ada,Lovelace,ada@a.test,active\n2,Grace,Hopper,grace@a.test,inactive\n";
    stage.people(table).await;
    let go = json!({"deletion": {"inactiveUsers": "Delete"}});
    stage.directory("acme", with(output(&json!({})), &go)).await;
    stage.ready("acme", "True", "Synced").await;
    assert_mirrored(&stage, "output").await;
    assert_eq!(addresses(&stage).await, ["ada@a.test"]);
}

#[tokio::test]
async fn what_the_guard_holds_stays_until_it_is_approved() {
    let stage = Stage::with_config_map_output("cm-guard").await;
    stage.people(&crowd(20)).await;
    stage.directory("acme", output(&json!({}))).await;
    stage.ready("acme", "True", "Synced").await;
    let table = crowd(5) + "99,New,Person,new@a.test,x\n";
    stage.rewrite("people", json!({"users.csv": table})).await;
    stage.sync("acme").await;
    stage.ready("acme", "False", "PlanHeld").await;
    assert_eq!(addresses(&stage).await.len(), 21);
    assert_mirrored(&stage, "output").await;

    let hash = stage.status("acme").await.pending_plan.unwrap().hash;
    stage.respecify("acme", json!({"deletion": {"guard": {"approvedPlan": hash}}})).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(addresses(&stage).await.len(), 6);
}

#[tokio::test]
async fn an_empty_reading_leaves_everybody_in_the_files() {
    let stage = Stage::with_config_map_output("cm-empty").await;
    stage.people(TWO).await;
    stage.directory("acme", output(&json!({}))).await;
    stage.ready("acme", "True", "Synced").await;
    stage.rewrite("people", json!({"users.csv": "user_id,first_name,last_name,email\n"})).await;
    stage.sync("acme").await;
    stage.ready("acme", "False", "EmptyResult").await;
    stage.full_sync("acme").await;
    assert_eq!(addresses(&stage).await, ["ada@a.test", "grace@a.test"]);
}

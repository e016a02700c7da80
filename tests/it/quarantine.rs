//! Records that are held back: a few are left out, many stop the whole reading; and people who share
//! what others should not have.

use std::fmt::Write as _;

use serde_json::json;

use crate::faults::{F22, F26};
use crate::support::stage::{Stage, csv, with};

/// A table of twenty people, of whom some have a badge.
fn people(badges: usize, title: &str) -> String {
    let mut table = "user_id,first_name,last_name,email,job_title,badge\n".to_owned();
    for number in 0..20 {
        let badge = if number < badges { "117" } else { "" };
        writeln!(table, "{number},Ada,Lovelace,ada{number}@a.test,{title},{badge}").unwrap();
    }
    table
}

#[tokio::test]
async fn f26_a_reading_of_which_too_much_is_held_back_is_not_written_at_all() {
    let stage = Stage::new("quarantine").await;
    stage.people(&people(20, "Analyst")).await;
    let rule = json!({"mapping": [{"attribute": "badge", "value": "raw.badge", "required": true}]});
    stage.directory("acme", with(csv(), &rule)).await;
    stage.ready("acme", "True", "Synced").await;
    // Ten of a few may be held back; the others go on.
    stage.rewrite("people", json!({"users.csv": people(10, "Engineer")})).await;
    stage.sync("acme").await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user("ada0@a.test").await.spec.user.title.as_deref(), Some("Engineer"));
    assert_eq!(stage.user("ada19@a.test").await.spec.user.title.as_deref(), Some("Analyst"));

    let before = stage.mirrors("acme").await;
    stage.rewrite("people", json!({"users.csv": people(9, "Countess")})).await;
    stage.sync("acme").await;
    let message = stage.told("acme", "SourceReady", "False", "TooManyHeldBack").await;
    assert!(
        message.starts_with("11 of 21 records are held back, and spec.quarantine allows 10"),
        "{message}"
    );
    assert_eq!(stage.ready("acme", "False", "TooManyHeldBack").await, message);
    F26.is_seen(&stage, "acme").await;
    let status = stage.status("acme").await;
    assert_eq!(
        (status.quarantined[0].reason.as_str(), status.quarantined[0].count),
        ("MissingAttribute", 11)
    );
    assert_eq!(stage.mirrors("acme").await, before);

    stage.respecify("acme", json!({"quarantine": {"maxPercent": 60}})).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user("ada0@a.test").await.spec.user.title.as_deref(), Some("Countess"));
}

#[tokio::test]
async fn f22_people_who_share_an_address_are_told_of_and_stay_two() {
    let stage = Stage::new("conflict").await;
    stage
        .people("user_id,first_name,last_name,email\n1,Ada,Lovelace,ada@a.test\n2,Ada,Byron,ADA@a.test\n")
        .await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.users().await.len(), 2);
    assert_eq!(stage.status("acme").await.conflicts.unwrap().email, 2);
    F22.is_seen(&stage, "acme").await;
}

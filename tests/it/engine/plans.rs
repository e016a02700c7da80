//! Looking before leaping: `sync.dryRun` and `output.mode: None`.

use serde_json::{Value, json};

use super::*;
use crate::support::cluster::Cluster;
use crate::support::kubectl::kubectl;
use crate::support::stage::{ONE, TWO, csv, with};

/// What `kubectl get directory acme --output jsonpath=…` prints.
fn shown(stage: &Stage, path: &str) -> String {
    kubectl(stage, &["get", "directory", "acme", "--output", &format!("jsonpath={path}")])
}

#[tokio::test]
async fn a_dry_run_shows_its_plan_writes_nothing_and_is_carried_out_when_it_ends() {
    let stage = Stage::new("dry").await;
    stage.people(TWO).await;
    let mark = Cluster::get().audit_mark();
    stage.directory("acme", with(csv(), &json!({"sync": {"dryRun": true}}))).await;
    let message = stage.ready("acme", "True", "DryRun").await;
    assert_eq!(
        message,
        "sync.dryRun is set: a sync would create 3, update 0, deactivate 0 and delete 0 mirrors"
    );
    let plan: Value = serde_json::from_str(&shown(&stage, "{.status.plan}")).unwrap();
    assert_eq!((&plan["create"], &plan["update"], &plan["delete"]), (&json!(3), &json!(0), &json!(0)));
    let sample: Vec<&str> = plan["sample"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(sample.len(), 3);
    assert!(sample.iter().all(|line| line.starts_with("create acme-")), "{sample:?}");
    assert_eq!(stage.mirrors("acme").await.len(), 0);
    let elsewhere = stage.written(mark).filter(|event| event.object_ref.subresource != "status");
    assert!(elsewhere.is_empty(), "{elsewhere:?}");

    stage.respecify("acme", json!({"sync": {"dryRun": false}})).await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.status("acme").await.plan, None);

    let grace = stage.user("grace@a.test").await.metadata.name.unwrap();
    stage.respecify("acme", json!({"sync": {"dryRun": true}})).await;
    stage.rewrite("people", json!({"users.csv": ONE})).await;
    stage.sync("acme").await;
    assert_eq!(
        stage.ready("acme", "True", "DryRun").await,
        "sync.dryRun is set: a sync would create 0, update 0, deactivate 0 and delete 1 mirrors"
    );
    assert_eq!(shown(&stage, "{.status.plan.sample[0]}"), format!("delete {grace}"));
    assert_eq!(stage.user_names().await.len(), 2);
    stage.respecify("acme", json!({"sync": {"dryRun": false}})).await;
    stage.users_become(&["ada@a.test"]).await;
}

#[tokio::test]
async fn without_output_the_status_counts_and_nothing_else_is_written() {
    let stage = Stage::new("none").await;
    stage.people(TWO).await;
    let mark = Cluster::get().audit_mark();
    stage.directory("acme", with(csv(), &json!({"output": {"mode": "None"}}))).await;
    let message = stage.ready("acme", "True", "Synced").await;
    assert_eq!(message, "the directory was read; output.mode is None");
    let status = stage.status("acme").await;
    assert_eq!((status.users.unwrap().active, status.groups, status.memberships), (2, Some(1), Some(1)));
    let elsewhere = stage.written(mark).filter(|event| event.object_ref.subresource != "status");
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}

#[tokio::test]
async fn mirrors_stay_as_they_are_when_output_is_turned_off() {
    let stage = Stage::new("none").await;
    stage.people(TWO).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    let before = stage.mirrors("acme").await;
    stage.respecify("acme", json!({"output": {"mode": "None"}})).await;
    stage.rewrite("people", json!({"users.csv": ONE})).await;
    stage.sync("acme").await;
    assert_eq!(
        stage.told("acme", "OutputReady", "True", "UpToDate").await,
        "output.mode is None: nothing is written"
    );
    assert_eq!(stage.status("acme").await.users.unwrap().active, 1);
    assert_eq!(stage.mirrors("acme").await, before);
}

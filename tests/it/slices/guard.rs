//! What keeps people when a source fails keeps them in slices, too.

use serde_json::json;

use super::*;

#[tokio::test]
async fn losses_above_the_limits_are_held_in_slices_and_small_ones_wait_for_their_grace_time() {
    let stage = stage_with("slices-guard", 300, "Slices").await;
    stage.rewrite("people", json!({"users.csv": people(0..100)})).await;
    stage.sync("acme").await;
    stage.ready("acme", "False", "PlanHeld").await;
    assert_eq!(entries(&stage, "acme").await.len(), 301);
    let hash = stage.status("acme").await.pending_plan.unwrap().hash;
    stage.respecify("acme", json!({"deletion": {"guard": {"approvedPlan": hash}}})).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(entries(&stage, "acme").await.len(), 101);

    stage.respecify("acme", json!({"deletion": {"graceTime": "24h"}})).await;
    stage.rewrite("people", json!({"users.csv": people(0..98)})).await;
    stage.sync("acme").await;
    assert_eq!(stage.status("acme").await.missing.unwrap().users, 2);
    assert_eq!(entries(&stage, "acme").await.len(), 101);
}

#[tokio::test]
async fn who_is_missing_becomes_inactive_in_the_slice() {
    let stage = Stage::new("slices-leave").await;
    stage.tables("people", &people(0..200), &members("admins", 0..10)).await;
    let spec = with(mode("Slices"), &json!({"deletion": {"missingUsers": "Deactivate"}}));
    stage.directory("acme", spec).await;
    stage.ready("acme", "True", "Synced").await;
    stage.rewrite("people", json!({"users.csv": people(0..199)})).await;
    stage.sync("acme").await;
    let inactive: Vec<Value> =
        entries(&stage, "acme").await.into_values().filter(|spec| spec["state"] == "Inactive").collect();
    assert_eq!(inactive.len(), 1);
    assert_eq!(inactive[0]["email"], "ada199@a.test");
}

#[tokio::test]
async fn a_change_of_form_while_losses_are_held_takes_nobody_away() {
    let stage = stage_with("slices-held", 300, "Objects").await;
    stage.rewrite("people", json!({"users.csv": people(0..100)})).await;
    stage.sync("acme").await;
    stage.ready("acme", "False", "PlanHeld").await;
    for form in ["Slices", "Objects"] {
        stage.respecify("acme", json!({"output": {"mode": form}})).await;
        has_form(&stage, "acme", form).await;
        assert_eq!(entries(&stage, "acme").await.len(), 301);
    }
}

#[tokio::test]
async fn a_loss_that_is_held_does_not_bring_the_objects_back_and_once_approved_it_does() {
    let stage = Stage::new("slices-shrink").await;
    stage.tables("people", &people(0..1_100), &members("staff", 0..1_001)).await;
    stage.directory("acme", mode("Auto")).await;
    stage.ready("acme", "True", "Synced").await;
    has_form(&stage, "acme", "Slices").await;
    stage.rewrite("people", json!({"user_groups.csv": members("staff", 0..100)})).await;
    stage.sync("acme").await;
    stage.ready("acme", "False", "PlanHeld").await;
    has_form(&stage, "acme", "Slices").await;

    let hash = stage.status("acme").await.pending_plan.unwrap().hash;
    stage.respecify("acme", json!({"deletion": {"guard": {"approvedPlan": hash}}})).await;
    stage.ready("acme", "True", "Synced").await;
    stage.sync("acme").await;
    has_form(&stage, "acme", "Objects").await;
    assert_eq!(entries(&stage, "acme").await.len(), 1_101);
}

#[tokio::test]
async fn a_group_that_fits_into_no_object_is_not_lost_by_asking_for_objects() {
    let stage = Stage::new("slices-kept").await;
    stage.tables("people", &people(0..1_100), &members("staff", 0..1_001)).await;
    stage.directory("acme", mode("Auto")).await;
    stage.ready("acme", "True", "Synced").await;
    let before = entries(&stage, "acme").await;
    assert_eq!(before.len(), 1_101);
    stage.respecify("acme", json!({"output": {"mode": "Objects"}})).await;
    stage.ready("acme", "False", "TooManyMembers").await;
    has_form(&stage, "acme", "Slices").await;
    assert_eq!(entries(&stage, "acme").await, before);
}

//! The deletion guard: what a sync would take away above the limits stays until that very plan is
//! approved, and everything else goes on.

use std::fmt::Write as _;

use directory_sync::api::status::PendingPlan;
use serde_json::json;

use crate::faults::{F15, F20, F21};
use crate::support::stage::{LIMIT, Stage, csv, with};
use crate::support::wait::eventually;

/// A table with people of these numbers.
fn people(numbers: impl Iterator<Item = usize>) -> String {
    let mut table = "user_id,first_name,last_name,email\n".to_owned();
    for number in numbers {
        writeln!(table, "{number},Ada,Lovelace,ada{number}@a.test").unwrap();
    }
    table
}

/// A table that puts people of these numbers into one group.
fn members(numbers: impl Iterator<Item = usize>) -> String {
    let mut table = "group_name,user_id\n".to_owned();
    for number in numbers {
        writeln!(table, "everybody,{number}").unwrap();
    }
    table
}

/// A stage with a Directory of forty people, all in one group.
async fn forty(prefix: &str) -> Stage {
    let stage = Stage::new(prefix).await;
    stage.tables("people", &people(0..40), &members(0..40)).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    stage
}

/// The losses that the status shows as held, other than those with the hash `not`.
async fn pending(stage: &Stage, not: &str) -> PendingPlan {
    eventually("losses are held", LIMIT, async || {
        let plan = stage.status("acme").await.pending_plan;
        plan.clone().filter(|plan| plan.hash != not).ok_or(format!("{plan:?}"))
    })
    .await
}

async fn approve(stage: &Stage, hash: &str) {
    stage.respecify("acme", json!({"deletion": {"guard": {"approvedPlan": hash}}})).await;
}

#[tokio::test]
async fn f20_a_reading_that_lost_most_people_deletes_nobody_until_that_plan_is_approved() {
    let stage = forty("guard").await;
    stage.rewrite("people", json!({"users.csv": people((0..10).chain([99]))})).await;
    stage.sync("acme").await;
    let message = stage.ready("acme", "False", "PlanHeld").await;
    let plan = pending(&stage, "").await;
    assert_eq!((plan.delete, plan.deactivate, plan.sample.len()), (30, 0, 20));
    assert!(message.starts_with("30 people would be deleted"), "{message}");
    assert!(message.ends_with(&format!("approvedPlan to {}", plan.hash)), "{message}");
    assert_eq!(stage.user_names().await.len(), 41, "who is new is there, and nobody is gone");
    F20.is_seen(&stage, "acme").await;

    approve(&stage, &plan.hash).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user_names().await.len(), 11);
    assert_eq!(stage.status("acme").await.pending_plan, None);
}

#[tokio::test]
async fn an_approval_is_worth_nothing_for_a_plan_that_has_grown_or_comes_again() {
    let stage = forty("guard-hash").await;
    stage.rewrite("people", json!({"users.csv": people(0..30)})).await;
    let first = pending(&stage, "").await;
    stage.rewrite("people", json!({"users.csv": people(0..29)})).await;
    stage.sync("acme").await;
    let grown = pending(&stage, &first.hash).await;
    approve(&stage, &first.hash).await;
    stage.sync("acme").await;
    assert_eq!(stage.user_names().await.len(), 40);

    approve(&stage, &grown.hash).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user_names().await.len(), 29);

    // Everybody comes back, and the same people vanish once more, with the approval still there.
    stage.rewrite("people", json!({"users.csv": people(0..40)})).await;
    stage.sync("acme").await;
    assert_eq!(stage.user_names().await.len(), 40);
    stage.rewrite("people", json!({"users.csv": people(0..29)})).await;
    stage.sync("acme").await;
    let again = pending(&stage, "").await;
    assert_ne!(again.hash, grown.hash);
    assert_eq!(stage.user_names().await.len(), 40);
}

#[tokio::test]
async fn a_group_that_loses_most_of_its_members_keeps_them_and_small_losses_go_on() {
    let stage = forty("guard-group").await;
    let few = json!({"users.csv": people(0..38), "user_groups.csv": members(0..10)});
    stage.rewrite("people", few).await;
    let plan = pending(&stage, "").await;
    assert_eq!((plan.shrink_groups, plan.delete), (1, 2));
    assert_eq!(stage.group("everybody").await.spec.group.member_count, 40);

    // The slip is mended: the two who left are few enough, and their group follows.
    stage.rewrite("people", json!({"user_groups.csv": members(0..38)})).await;
    stage.sync("acme").await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user_names().await.len(), 38);
    assert_eq!(stage.group("everybody").await.spec.group.member_count, 38);
}

#[tokio::test]
async fn f15_a_scope_that_fits_nearly_nobody_is_held_and_held_losses_cost_no_writes() {
    let stage = forty("guard-scope").await;
    let scope = json!({"scope": {"users": "user.email == 'ada1@a.test'"}, "sync": {"interval": "1s"}});
    stage.respecify("acme", with(json!({}), &scope)).await;
    stage.ready("acme", "False", "PlanHeld").await;
    F15.is_seen(&stage, "acme").await;
    let mark = stage.after_a_sync().await;
    stage.reads(mark, "people", 6).await;
    assert_eq!(stage.written(mark).len(), 0, "{:?}", stage.written(mark));
    assert_eq!(stage.user_names().await.len(), 40);
}

#[tokio::test]
async fn f15_a_scope_of_groups_that_leaves_most_people_out_is_held() {
    let stage = Stage::new("guard-group-scope").await;
    let memberships = format!("{}few,1\nfew,2\n", members(0..40));
    stage.tables("people", &people(0..40), &memberships).await;
    stage.directory("acme", with(csv(), &json!({"scope": {"onlyGroupMembers": true}}))).await;
    stage.ready("acme", "True", "Synced").await;
    let before = stage.mirrors("acme").await;
    stage.respecify("acme", json!({"scope": {"groups": "group.displayName == 'few'"}})).await;
    F15.is_seen(&stage, "acme").await;
    assert_eq!(pending(&stage, "").await.delete, 38);
    assert_eq!(stage.mirrors("acme").await, before);
    stage.respecify("acme", json!({"scope": {"groups": null}})).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.mirrors("acme").await, before);
}

#[tokio::test]
async fn a_directory_may_become_empty_only_where_its_uid_says_so_and_with_an_approval() {
    let stage = forty("guard-empty").await;
    stage.rewrite("people", json!({"users.csv": people(0..0)})).await;
    stage.ready("acme", "False", "EmptyResult").await;
    // Nobody is taken away, and nobody leaves the group.
    assert_eq!(stage.status("acme").await.pending_plan, None);
    assert_eq!(stage.group("everybody").await.spec.group.member_count, 40);
    let uid = stage.api::<directory_sync::api::Directory>().get("acme").await.unwrap().metadata.uid.unwrap();
    stage.respecify("acme", json!({"deletion": {"guard": {"allowEmpty": uid}}})).await;
    let plan = pending(&stage, "").await;
    assert_eq!((plan.delete, plan.shrink_groups), (40, 1));
    assert_eq!(stage.user_names().await.len(), 40);
    approve(&stage, &plan.hash).await;
    stage.users_become(&[]).await;
}

#[tokio::test]
async fn f21_small_losses_that_add_up_within_a_day_are_held_across_restarts_until_they_are_approved() {
    let mut stage = forty("guard-day").await;
    let shrink_to = async |stage: &Stage, left: usize| {
        stage.rewrite("people", json!({"users.csv": people(0..left)})).await;
        stage.sync("acme").await;
    };
    for left in [37, 35] {
        shrink_to(&stage, left).await;
        assert_eq!(stage.user_names().await.len(), left);
    }
    shrink_to(&stage, 34).await;
    let message = stage.ready("acme", "False", "PlanHeld").await;
    assert!(message.starts_with("1 person would be deleted (after 5 that went within"), "{message}");
    F21.is_seen(&stage, "acme").await;
    stage.operator.restart().await;
    stage.full_sync("acme").await;
    let plan = pending(&stage, "").await;
    assert_eq!((plan.delete, plan.last_day), (1, 5));
    assert_eq!(stage.user_names().await.len(), 35);

    approve(&stage, &plan.hash).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user_names().await.len(), 34);
    shrink_to(&stage, 30).await;
    assert_eq!(stage.user_names().await.len(), 30, "an approval begins the day anew");
}

#[tokio::test]
async fn all_groups_are_never_replaced_by_others_without_an_approval() {
    let stage = forty("guard-groups").await;
    stage.rewrite("people", json!({"user_groups.csv": members(0..40).replace("everybody", "all")})).await;
    let plan = pending(&stage, "").await;
    assert_eq!((plan.delete_groups, plan.delete), (1, 0));
    assert_eq!(stage.group("everybody").await.spec.group.member_count, 40);
    assert_eq!(stage.group("all").await.spec.group.member_count, 40);
}

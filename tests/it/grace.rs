//! The grace time: whoever is missing stays as they were until it is over, and comes back as the
//! same object.

use directory_sync::api::status::Missing;
use directory_sync::api::{DirectoryCheckpoint, DirectoryUser};
use directory_sync::model::State;
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};

use crate::support::stage::{LIMIT, ONE, Stage, TWO, csv, with};
use crate::support::wait::eventually;

/// A spec with these settings of `deletion`.
fn deletion(settings: &Value) -> Value {
    with(csv(), &json!({"deletion": settings}))
}

/// A Directory of two people, of whom one is in a group.
async fn two(prefix: &str, settings: &Value) -> Stage {
    let stage = Stage::new(prefix).await;
    stage.people(TWO).await;
    stage.directory("acme", deletion(settings)).await;
    stage.ready("acme", "True", "Synced").await;
    stage
}

/// Takes people out of the table, or puts them back, and waits until that has been seen.
async fn turn_into(stage: &Stage, users: &str) {
    stage.rewrite("people", json!({"users.csv": users})).await;
    stage.sync("acme").await;
}

async fn missing(stage: &Stage) -> Option<Missing> {
    stage.status("acme").await.missing
}

async fn checkpoint(stage: &Stage) -> DirectoryCheckpoint {
    stage.api::<DirectoryCheckpoint>().get("acme").await.unwrap()
}

#[tokio::test]
async fn a_missing_person_stays_as_they_were_and_comes_back_as_the_same_object() {
    let stage = two("grace", &json!({"graceTime": "1h"})).await;
    let before = stage.mirrors("acme").await;
    turn_into(&stage, ONE).await;
    let message = stage.ready("acme", "True", "Synced").await;
    assert!(message.contains("1 that is missing stays until its grace time is over"), "{message}");
    let seen = missing(&stage).await.unwrap();
    assert_eq!((seen.users, seen.groups), (1, 0));
    assert!(seen.next_due.unwrap().0 > Timestamp::now());
    assert_eq!(stage.status("acme").await.users.unwrap().active, 1);
    assert_eq!(stage.mirrors("acme").await, before);

    turn_into(&stage, TWO).await;
    assert_eq!(missing(&stage).await, None);
    assert_eq!(stage.mirrors("acme").await, before, "the same objects, and none was written");
    assert_eq!(checkpoint(&stage).await.spec.missing, []);
}

#[tokio::test]
async fn a_missing_person_and_a_missing_group_go_when_the_grace_time_is_over_and_not_before() {
    let stage = Stage::new("grace-over").await;
    stage.tables("people", TWO, "group_name,user_id\nadmins,1\nall,2\n").await;
    let settings = json!({"sync": {"interval": "1s"}, "deletion": {"graceTime": "4s"}});
    stage.directory("acme", with(csv(), &settings)).await;
    stage.ready("acme", "True", "Synced").await;
    let without = json!({"users.csv": TWO.replace("1,Ada", "3,Alan"), "user_groups.csv": "group_name,user_id\nall,2\n"});
    stage.rewrite("people", without).await;
    let due = eventually("they are missing", LIMIT, async || {
        let seen = missing(&stage).await.unwrap_or_default();
        seen.next_due.clone().filter(|_| (seen.users, seen.groups) == (1, 1)).ok_or(format!("{seen:?}"))
    })
    .await;
    assert_eq!(stage.mirrors("acme").await.len(), 5, "three people, two groups");
    eventually("they are gone", LIMIT, async || {
        let left = stage.mirrors("acme").await.len();
        if left == 3 { Ok(()) } else { Err(format!("{left} mirrors")) }
    })
    .await;
    assert!(Timestamp::now() >= due.0);
    eventually("nobody is missing any more", LIMIT, async || {
        let (status, kept) = (missing(&stage).await, checkpoint(&stage).await.spec.missing);
        if status.is_none() && kept.is_empty() { Ok(()) } else { Err(format!("{status:?} {kept:?}")) }
    })
    .await;
}

#[tokio::test]
async fn a_restart_forgets_nobody_and_a_lost_checkpoint_begins_the_grace_time_anew() {
    let mut stage = two("grace-restart", &json!({"graceTime": "1h"})).await;
    turn_into(&stage, ONE).await;
    let first = checkpoint(&stage).await.spec.missing;
    assert_eq!(first.len(), 1);
    stage.operator.restart().await;
    stage.full_sync("acme").await;
    assert_eq!(checkpoint(&stage).await.spec.missing, first);
    assert_eq!(missing(&stage).await.unwrap().users, 1);

    stage.operator.stop();
    stage.api::<DirectoryCheckpoint>().delete("acme", &DeleteParams::default()).await.unwrap();
    stage.operator.restart().await;
    stage.full_sync("acme").await;
    let anew = checkpoint(&stage).await.spec.missing;
    assert!(anew.len() == 1 && anew[0].since >= first[0].since, "{anew:?}");
    assert_eq!(stage.user_names().await.len(), 2);
}

#[tokio::test]
async fn a_missing_person_can_become_inactive_and_is_active_again_when_they_are_back() {
    let stage = two("grace-deactivate", &json!({"missingUsers": "Deactivate"})).await;
    let before = stage.user("grace@a.test").await;
    turn_into(&stage, ONE).await;
    let left = stage.user("grace@a.test").await;
    assert_eq!((left.uid(), left.spec.user.state), (before.uid(), State::Inactive));
    assert_eq!(left.spec.user.name, before.spec.user.name, "nothing else is changed");
    let inactive = stage.mirrors("acme").await;
    stage.full_sync("acme").await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.mirrors("acme").await, inactive, "they are left alone");

    turn_into(&stage, TWO).await;
    let back = stage.user("grace@a.test").await;
    assert_eq!((back.uid(), back.spec.user), (before.uid(), before.spec.user));
}

/// How many mirrors of `acme` the metrics count for an operation.
async fn changes(stage: &Stage, operation: &str) -> String {
    let labels = format!("{{namespace=\"{}\",name=\"acme\",op=\"{operation}\"}}", stage.namespace);
    stage.operator.metric(&format!("directory_sync_changes_total{labels}")).await.unwrap()
}

#[tokio::test]
async fn who_would_become_inactive_and_who_has_is_counted_apart_from_changes_and_deletions() {
    for mode in ["Objects", "Slices"] {
        let stage = Stage::new("grace-counted").await;
        stage.people(TWO).await;
        let settings = deletion(&json!({"missingUsers": "Deactivate"}));
        stage.directory("acme", with(settings, &json!({"output": {"mode": mode}}))).await;
        stage.ready("acme", "True", "Synced").await;

        stage.respecify("acme", json!({"sync": {"dryRun": true}})).await;
        turn_into(&stage, ONE).await;
        let said = stage.ready("acme", "True", "DryRun").await;
        assert!(said.contains("would create 0, update 0, deactivate 1 and delete 0 mirrors"), "{said}");
        let plan = stage.status("acme").await.plan.unwrap();
        assert_eq!((plan.update, plan.deactivate, plan.delete), (0, 1, 0), "{mode}");

        stage.respecify("acme", json!({"sync": {"dryRun": false}})).await;
        stage.ready("acme", "True", "Synced").await;
        let run = stage.status("acme").await.last_sync.unwrap();
        assert_eq!((run.created, run.updated, run.deactivated, run.deleted), (0, 0, 1, 0), "{mode}");
        assert_eq!(changes(&stage, "update").await, "0", "{mode}");
        assert_eq!(changes(&stage, "deactivate").await, "1", "{mode}");
        eventually("the Event counts them apart, too", LIMIT, async || {
            let events = stage.api::<Event>().list(&ListParams::default()).await.unwrap().items;
            let notes: Vec<String> = events.into_iter().filter_map(|event| event.message).collect();
            let told = "created 0, updated 0, deactivated 1, deleted 0 mirrors";
            if notes.iter().any(|note| note == told) { Ok(()) } else { Err(format!("{notes:?}")) }
        })
        .await;
    }
}

#[tokio::test]
async fn inactive_people_can_be_made_to_go_and_leave_their_groups_at_once() {
    let table = |state: &str| {
        format!(
            "user_id,first_name,last_name,email,state\n1,Ada,Lovelace,ada@a.test,{state}\n2,Grace,Hopper,\
             grace@a.test,active\n3,Alan,Turing,alan@a.test,inactive\n"
        )
    };
    let stage = Stage::new("grace-inactive").await;
    stage.people(&table("active")).await;
    stage.directory("acme", deletion(&json!({"inactiveUsers": "Delete", "graceTime": "1h"}))).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user_names().await, ["ada@a.test", "grace@a.test"], "nobody inactive gets a mirror");
    let uid = stage.user("ada@a.test").await.uid();

    turn_into(&stage, &table("inactive")).await;
    let ada = stage.user("ada@a.test").await;
    assert_eq!((ada.uid(), ada.spec.user.state), (uid.clone(), State::Inactive));
    assert_eq!(stage.group("admins").await.spec.group.member_count, 0);
    assert_eq!(missing(&stage).await.unwrap().users, 1);
    turn_into(&stage, &table("active")).await;
    let ada = stage.user("ada@a.test").await;
    assert_eq!((ada.uid(), ada.spec.user.state), (uid, State::Active));

    stage.respecify("acme", json!({"deletion": {"graceTime": "0s"}})).await;
    turn_into(&stage, &table("inactive")).await;
    stage.users_become(&["grace@a.test"]).await;
}

#[tokio::test]
async fn whoever_is_out_of_scope_is_missing_and_back_when_the_scope_is() {
    let stage = two("grace-scope", &json!({"graceTime": "1h"})).await;
    let before = stage.mirrors("acme").await;
    let rescope = async |scope: Value, expected: i64| {
        stage.respecify("acme", json!({"scope": {"users": scope}})).await;
        eventually("the scope has taken effect", LIMIT, async || {
            let users = missing(&stage).await.unwrap_or_default().users;
            if users == expected { Ok(()) } else { Err(format!("{users} missing")) }
        })
        .await;
    };
    rescope(json!("user.email == 'ada@a.test'"), 1).await;
    assert_eq!(
        stage.api::<DirectoryUser>().list(&kube::api::ListParams::default()).await.unwrap().items.len(),
        2
    );
    rescope(Value::Null, 0).await;
    assert_eq!(stage.mirrors("acme").await, before);
}

#[tokio::test]
async fn losses_above_the_limits_are_held_when_their_grace_time_is_over() {
    let stage = two("grace-guard", &json!({"graceTime": "1s", "guard": {"minimum": 0}})).await;
    stage.respecify("acme", json!({"sync": {"interval": "1s"}})).await;
    stage.rewrite("people", json!({"users.csv": ONE})).await;
    stage.ready("acme", "False", "PlanHeld").await;
    assert_eq!(stage.user_names().await.len(), 2);
    turn_into(&stage, TWO).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.user_names().await.len(), 2);
}

//! `output.mode: Auto`, and from one form to the other.

use hyper::Method;
use serde_json::json;

use super::*;
use crate::support::audit::AuditEvent;
use crate::support::proxy::Verdict;

#[tokio::test]
async fn auto_goes_to_slices_for_a_large_group_and_does_not_come_back_until_it_is_clearly_smaller() {
    let stage = Stage::new("auto").await;
    stage.tables("people", &people(0..1_100), &members("staff", 0..900)).await;
    stage.directory("acme", mode("Auto")).await;
    stage.ready("acme", "True", "Synced").await;
    has_form(&stage, "acme", "Objects").await;
    let of = async |size: usize| {
        stage.rewrite("people", json!({"user_groups.csv": members("staff", 0..size)})).await;
        stage.sync("acme").await;
        let everybody = entries(&stage, "acme").await;
        let group = everybody.into_values().find(|spec| spec["displayName"] == "staff").unwrap();
        assert_eq!(group["memberCount"], size);
    };
    of(1_001).await;
    has_form(&stage, "acme", "Slices").await;
    for size in [999, 1_001, 800] {
        of(size).await;
        has_form(&stage, "acme", "Slices").await;
    }
    of(799).await;
    has_form(&stage, "acme", "Objects").await;
    of(1_000).await;
    has_form(&stage, "acme", "Objects").await;
}

#[tokio::test]
async fn a_group_that_becomes_small_enough_for_an_object_is_there_all_the_while() {
    let stage = Stage::new("auto-shrinks").await;
    stage.tables("people", &people(0..1_100), &members("staff", 0..1_001)).await;
    stage.directory("acme", mode("Auto")).await;
    stage.ready("acme", "True", "Synced").await;
    has_form(&stage, "acme", "Slices").await;
    let mark = Cluster::get().audit_mark();
    stage.rewrite("people", json!({"user_groups.csv": members("staff", 0..600)})).await;
    stage.sync("acme").await;
    stage.ready("acme", "True", "Synced").await;
    stage.sync("acme").await;
    has_form(&stage, "acme", "Objects").await;
    assert_eq!(stage.group("staff").await.spec.group.member_count, 600);
    let written = stage.written(mark);
    let place = |verb: &str, resource: &str, name: &str| {
        let is = |event: &AuditEvent| {
            event.verb == verb
                && event.object_ref.resource == resource
                && event.object_ref.name.contains(name)
        };
        written.iter().position(is)
    };
    let (created, switched) =
        (place("create", "directorygroups", ""), place("delete", "directoryslices", "manifest"));
    assert!(created.is_some() && created < switched, "{created:?} {switched:?}");
}

#[tokio::test]
async fn people_become_inactive_although_their_form_cannot_be_changed() {
    let proxy = Proxy::start(Cluster::get()).await;
    let stage = stage_of(behind(&proxy, "auto-refused").await, 200, "Slices").await;
    proxy.decide(|asked| {
        let creates = asked.method == Method::POST && asked.path.ends_with("/directoryusers");
        if creates { Verdict::refusal(422, "Invalid") } else { Verdict::Pass }
    });
    let table = people(0..200).replace("email\n", "email,state\n").replace(".test\n", ".test,active\n");
    let table = table.replace("ada7@a.test,active", "ada7@a.test,inactive");
    stage.rewrite("people", json!({"users.csv": table})).await;
    stage.respecify("acme", json!({"output": {"mode": "Objects"}})).await;
    stage.sync("acme").await;
    let message = stage.told("acme", "OutputReady", "False", "Refused").await;
    assert!(message.contains("could not be brought into objects"), "{message}");
    let inactive = async || {
        let everybody = entries(&stage, "acme").await;
        assert_eq!(everybody.len(), 201);
        everybody.into_values().filter(|spec| spec["state"] == "Inactive").count()
    };
    assert_eq!(inactive().await, 1);
    // What has been copied is not thrown away to be copied again.
    let mark = Cluster::get().audit_mark();
    stage.sync("acme").await;
    assert_eq!(stage.written(mark).verb("delete").len(), 0);

    proxy.decide(|_| Verdict::Pass);
    stage.sync("acme").await;
    stage.ready("acme", "True", "Synced").await;
    has_form(&stage, "acme", "Objects").await;
    assert_eq!(inactive().await, 1);
}

#[tokio::test]
async fn auto_writes_slices_at_once_for_more_than_five_thousand_people() {
    let stage = Stage::new("auto-large").await;
    stage.tables("people", &people(0..5_001), &members("staff", 0..10)).await;
    stage.directory("acme", mode("Auto")).await;
    stage.ready("acme", "True", "Synced").await;
    has_form(&stage, "acme", "Slices").await;
    assert_eq!(entries(&stage, "acme").await.len(), 5_002);
}

#[tokio::test]
async fn a_switch_of_modes_leaves_nothing_behind_and_changes_nobody() {
    let mut stage = stage_with("switch", 500, "Objects").await;
    let expected = entries(&stage, "acme").await;
    for form in ["Slices", "Objects", "Slices"] {
        stage.respecify("acme", json!({"output": {"mode": form}})).await;
        has_form(&stage, "acme", form).await;
        stage.ready("acme", "True", "Synced").await;
        assert_eq!(entries(&stage, "acme").await, expected);
        let status = stage.status("acme").await;
        assert_eq!(status.users.unwrap().active, 500);
        assert_eq!(status.last_sync.unwrap().deleted, 0, "nobody is called deleted");
    }
    // A restart finds everything as it is.
    let before = slices(&stage, "acme").await;
    stage.operator.restart().await;
    stage.full_sync("acme").await;
    assert_eq!(slices(&stage, "acme").await, before);
}

//! Absent is not empty: what nearly everybody had and suddenly nobody has stays in the mirrors, and the
//! Directory says so, until it is back or somebody says that it is meant.

use std::fmt::Write as _;

use directory_sync::api::{Directory, DirectoryCheckpoint};
use directory_sync::model::State;
use serde_json::json;

use crate::faults::F14;
use crate::slices::{entries, has_form, mode, slices};
use crate::support::ldap::{Company, Slapd};
use crate::support::stage::{LIMIT, Stage, csv, ldap, with};
use crate::support::wait::eventually;

/// A table of people with these columns after the id, by number.
fn table(header: &str, people: impl Iterator<Item = usize>, row: impl Fn(usize) -> String) -> String {
    let mut table = format!("user_id,first_name,last_name,email,{header}\n");
    for number in people {
        writeln!(table, "{number},Ada,Lovelace,p{number}@a.test,{}", row(number)).unwrap();
    }
    table
}

/// People who all have a department and a title.
fn titled(people: impl Iterator<Item = usize>) -> String {
    table("department_name,job_title", people, |_| "Sales,Clerk".to_owned())
}

/// People who have another department and no title.
fn untitled(people: impl Iterator<Item = usize>) -> String {
    table("department_name", people, |_| "Support".to_owned())
}

/// A stage with a Directory of thirty people with titles.
async fn thirty(prefix: &str) -> Stage {
    people_with_titles(prefix, 30).await
}

async fn people_with_titles(prefix: &str, count: usize) -> Stage {
    let stage = Stage::new(prefix).await;
    stage.tables("people", &titled(0..count), "group_name,user_id\nadmins,1\n").await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    stage
}

/// Reads other people, all at once.
async fn now(stage: &Stage, users: &str) {
    stage.rewrite("people", json!({"users.csv": users})).await;
    stage.full_sync("acme").await;
}

/// How many people have a title.
async fn titles(stage: &Stage) -> usize {
    stage.users().await.iter().filter(|user| user.spec.user.title.is_some()).count()
}

/// The attributes and the hash that the status shows as held.
async fn held(stage: &Stage) -> (Vec<String>, String) {
    let plan = stage.status("acme").await.pending_plan.expect("something is held");
    (plan.attributes, plan.hash)
}

#[tokio::test]
async fn f14_an_attribute_that_nobody_has_any_more_stays_and_everything_else_goes_on() {
    let mut stage = thirty("absent").await;
    // Nobody has a title; somebody is new, somebody has gone, and everybody has another department.
    now(&stage, &untitled((1..30).chain([77]))).await;
    let message = stage.told("acme", "SourceReady", "False", "PermissionReduced").await;
    let (attributes, hash) = held(&stage).await;
    assert_eq!(attributes, ["title"]);
    for part in ["nobody has 'title' any more, as 30 of 30 people had", "approvedPlan to", &hash] {
        assert!(message.contains(part), "'{part}' is missing in: {message}");
    }
    stage.ready("acme", "False", "PermissionReduced").await;
    F14.is_seen(&stage, "acme").await;
    stage.told("acme", "DeletionGuard", "True", "WithinLimits").await;
    assert_eq!((stage.users().await.len(), titles(&stage).await), (30, 29));
    let known = stage.user("p5@a.test").await.spec.user;
    assert_eq!((known.department.as_deref(), known.title.as_deref()), (Some("Support"), Some("Clerk")));
    assert_eq!(stage.user("p77@a.test").await.spec.user.title, None);

    F14.is_seen(&stage, "acme").await;

    // It is remembered over a restart, and costs no write.
    let before = stage.mirrors("acme").await;
    stage.operator.restart().await;
    stage.full_sync("acme").await;
    assert_eq!(held(&stage).await, (attributes, hash));
    assert_eq!(stage.mirrors("acme").await, before);

    // The column is back: all is as the source says, with nothing to do by hand.
    now(&stage, &titled((1..30).chain([77]))).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(titles(&stage).await, 30);
    assert_eq!(stage.status("acme").await.pending_plan, None);
}

#[tokio::test]
async fn f14_an_attribute_that_nobody_has_any_more_stays_in_slices_and_in_the_objects_made_of_them() {
    let stage = Stage::new("absent-slices").await;
    stage.tables("people", &titled(0..30), "group_name,user_id\nadmins,1\n").await;
    stage.directory("acme", mode("Slices")).await;
    stage.ready("acme", "True", "Synced").await;
    now(&stage, &untitled((1..30).chain([77]))).await;
    F14.is_seen(&stage, "acme").await;
    assert_eq!(held(&stage).await.0, ["title"]);
    let with = async |attribute: &str, value: &str| {
        entries(&stage, "acme").await.values().filter(|entry| entry[attribute] == value).count()
    };
    assert_eq!((with("title", "Clerk").await, with("department", "Support").await), (29, 30));

    // The same reading again costs no write.
    let before = slices(&stage, "acme").await;
    stage.full_sync("acme").await;
    assert_eq!(slices(&stage, "acme").await, before);

    // The values that the source does not show move along.
    stage.respecify("acme", json!({"output": {"mode": "Objects"}})).await;
    has_form(&stage, "acme", "Objects").await;
    assert_eq!((stage.users().await.len(), titles(&stage).await), (30, 29));
    assert_eq!(held(&stage).await.0, ["title"]);
}

#[tokio::test]
async fn f14_an_attribute_that_is_meant_to_go_goes_when_its_plan_is_approved() {
    let stage = thirty("absent-meant").await;
    now(&stage, &untitled(0..30)).await;
    stage.ready("acme", "False", "PermissionReduced").await;
    let (_, hash) = held(&stage).await;
    stage.respecify("acme", json!({"deletion": {"guard": {"approvedPlan": hash}}})).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(titles(&stage).await, 0);
    // What is gone is not missed any more, and when it comes back the approval is worth nothing.
    now(&stage, &titled(0..30)).await;
    assert_eq!(titles(&stage).await, 30);
    now(&stage, &untitled(0..30)).await;
    stage.ready("acme", "False", "PermissionReduced").await;
    assert_eq!(titles(&stage).await, 30);
}

#[tokio::test]
async fn f14_a_rule_that_gives_an_attribute_no_more_and_a_list_without_it_need_no_approval() {
    let stage = Stage::new("absent-rule").await;
    let users = table("job_title,shoe", 0..30, |number| format!("Clerk,{number}"));
    stage.tables("people", &users, "group_name,user_id\nadmins,1\n").await;
    let mapping = json!({"mapping": [
        {"attribute": "title", "value": "raw.shoe"}, {"attribute": "badge", "value": "raw.shoe"},
    ]});
    stage.directory("acme", with(csv(), &mapping)).await;
    stage.ready("acme", "True", "Synced").await;
    let count = async |stage: &Stage, what: fn(&directory_sync::model::User) -> bool| {
        stage.users().await.iter().filter(|user| what(&user.spec.user)).count()
    };
    assert_eq!(count(&stage, |user| user.attributes.contains_key("badge")).await, 30);
    stage
        .respecify("acme", json!({"mapping": [{"attribute": "title", "value": "raw.?none.orValue('')"}]}))
        .await;
    eventually("the rules are followed", LIMIT, async || {
        let left = count(&stage, |user| user.attributes.contains_key("badge")).await;
        if left == 0 { Ok(()) } else { Err(format!("{left} have a badge")) }
    })
    .await;
    stage.ready("acme", "True", "Synced").await;
    stage.respecify("acme", json!({"output": {"attributes": ["email"]}})).await;
    eventually("the list is followed", LIMIT, async || {
        let left = count(&stage, |user| user.name.given.is_some()).await;
        if left == 0 { Ok(()) } else { Err(format!("{left} have a given name")) }
    })
    .await;
    stage.ready("acme", "True", "Synced").await;
}

#[tokio::test]
async fn f14_people_who_are_disabled_are_not_let_in_again_because_nobody_is_shown_as_disabled() {
    let stage = Stage::new("absent-state").await;
    let state = |number| if number < 6 { "inactive" } else { "active" }.to_owned();
    let users = table("state", 0..40, state);
    stage.tables("people", &users, "group_name,user_id\nadmins,1\n").await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    // No column for the state, and one that says nothing of anybody.
    now(&stage, &table("note", 0..41, |_| String::new())).await;
    let message = stage.ready("acme", "False", "PermissionReduced").await;
    assert!(message.contains("nobody is inactive any more, as 6 of 40 people were"), "{message}");
    assert_eq!(held(&stage).await.0, ["state"]);
    let inactive =
        async || stage.users().await.iter().filter(|user| user.spec.user.state == State::Inactive).count();
    assert_eq!((inactive().await, stage.users().await.len()), (6, 41));
    let status = stage.status("acme").await.users.unwrap();
    assert_eq!((status.active, status.inactive), (35, 6));
    // One of them is let in again by the source's own word.
    let state = |number| if number < 5 { "inactive" } else { "active" }.to_owned();
    now(&stage, &table("state", 0..41, state)).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(inactive().await, 5);
}

#[tokio::test]
async fn f14_an_account_that_may_not_read_an_attribute_any_more_takes_it_from_nobody() {
    let company = || Slapd::builder().company(Company::of(40, 3));
    let mut server = company().start();
    let stage = Stage::new("absent-right").await;
    stage.reader().await;
    stage.directory("acme", ldap(&server.url())).await;
    stage.ready("acme", "True", "Synced").await;
    let before = stage.mirrors("acme").await;
    server.reconfigure(&company().directive("access to attrs=mail,manager by * none"));
    stage.full_sync("acme").await;
    stage.ready("acme", "False", "PermissionReduced").await;
    assert_eq!(held(&stage).await.0, ["email", "emails", "manager"]);
    assert_eq!(stage.mirrors("acme").await, before);
    // Only a part of the rights comes back.
    server.reconfigure(&company().directive("access to attrs=manager by * none"));
    stage.full_sync("acme").await;
    eventually("one attribute is left", LIMIT, async || {
        let attributes = stage.status("acme").await.pending_plan.map(|plan| plan.attributes);
        let one = attributes.as_deref() == Some(&["manager".to_owned()]);
        if one { Ok(()) } else { Err(format!("{attributes:?}")) }
    })
    .await;
    server.reconfigure(&company());
    stage.full_sync("acme").await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(stage.mirrors("acme").await, before);
}

#[tokio::test]
async fn f14_small_groups_that_all_become_empty_at_once_keep_their_members() {
    let stage = Stage::new("absent-members").await;
    let members: String = (0..24).fold("group_name,user_id\n".to_owned(), |mut table, number| {
        writeln!(table, "team-{},{number}", number / 6).unwrap();
        table
    });
    stage.tables("people", &titled(0..24), &members).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    // Every group still has a line, and nobody in it whom the directory knows.
    let nobody = "group_name,user_id\nteam-0,x\nteam-1,x\nteam-2,x\nteam-3,x\n";
    stage.rewrite("people", json!({"user_groups.csv": nobody})).await;
    stage.full_sync("acme").await;
    stage.ready("acme", "False", "PlanHeld").await;
    assert_eq!(stage.status("acme").await.pending_plan.unwrap().shrink_groups, 4);
    assert_eq!(stage.group("team-2").await.spec.group.member_count, 6);
}

#[tokio::test]
async fn f14_losses_and_a_lost_attribute_are_told_both_and_approved_as_one_plan() {
    let stage = people_with_titles("absent-both", 100).await;
    now(&stage, &untitled(0..40)).await;
    let guard = stage.told("acme", "DeletionGuard", "False", "PlanHeld").await;
    let source = stage.told("acme", "SourceReady", "False", "PermissionReduced").await;
    let (attributes, hash) = held(&stage).await;
    assert_eq!(attributes, ["title"]);
    assert!(guard.contains("60 people would be deleted") && guard.contains(&hash), "{guard}");
    assert!(source.contains("as 100 of 100 people had") && source.contains(&hash), "{source}");
    assert_eq!(titles(&stage).await, 100);
    stage.respecify("acme", json!({"deletion": {"guard": {"approvedPlan": hash}}})).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!((stage.users().await.len(), titles(&stage).await), (40, 0));
}

#[tokio::test]
async fn f14_what_people_had_is_kept_in_numbers_and_names_of_attributes_alone() {
    let stage = thirty("absent-kept").await;
    let checkpoint = stage.api::<DirectoryCheckpoint>().get("acme").await.unwrap().spec;
    let titles = checkpoint.attributes.iter().find(|known| known.name == "title").unwrap();
    assert_eq!((titles.people, titles.of), (30, 30));
    let text = serde_json::to_string(&checkpoint).unwrap();
    assert!(!text.contains("Clerk") && !text.contains("a.test"), "{text}");
    assert!(stage.api::<Directory>().get("acme").await.unwrap().status.unwrap().pending_plan.is_none());
}

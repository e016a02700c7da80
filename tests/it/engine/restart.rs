//! What a restart of the operator forgets: nothing that matters.

use serde_json::json;

use super::*;
use crate::support::cluster::Cluster;
use crate::support::ldap::{Company, Slapd};
use crate::support::stage::{ONE, TWO, csv, csv_from, ldap, with};

#[tokio::test]
async fn with_nothing_changed_a_restart_reads_no_entry_and_writes_nothing() {
    for mode in ["Objects", "Slices"] {
        a_restart_is_quiet(mode).await;
    }
}

async fn a_restart_is_quiet(mode: &str) {
    let mut stage = Stage::new("restart").await;
    let slapd = Slapd::builder().start();
    stage.reader().await;
    let settings = json!({"sync": {"interval": "1s"}, "output": {"mode": mode}});
    stage.directory("acme", with(ldap(&slapd.url()), &settings)).await;
    stage.ready("acme", "True", "Synced").await;
    let mirrors = stage.mirrors("acme").await;
    stage.operator.stop();
    let before = slapd.wait_until("the connections are closed", |seen| seen.closed == seen.connections).await;
    let mark = Cluster::get().audit_mark();
    stage.operator.restart().await;
    let after =
        slapd.wait_until("three more syncs have ended", |seen| seen.closed >= before.connections + 3).await;
    assert_eq!(after.entries, before.entries, "no entry was read");
    let written = stage.written(mark);
    assert!(written.is_empty(), "{written:?}");
    assert_eq!(stage.mirrors("acme").await, mirrors);
}

#[tokio::test]
async fn what_changed_while_the_operator_was_away_is_noticed_and_repaired() {
    let mut stage = Stage::new("away").await;
    let slapd = Slapd::builder().start();
    stage.reader().await;
    let spec = with(ldap(&slapd.url()), &json!({"sync": {"interval": "1s"}}));
    stage.directory("acme", spec).await;
    stage.ready("acme", "True", "Synced").await;
    stage.operator.stop();
    slapd.modify("dn: uid=user0004,ou=people,dc=example,dc=test\nchangetype: delete\n");
    let edited = stage.user("user0003@example.test").await.metadata.name.unwrap();
    stage.patch::<directory_sync::api::DirectoryUser>(&edited, json!({"spec": {"title": "Queen"}})).await;
    stage.operator.restart().await;
    eventually("the mirrors are right again", LIMIT, async || {
        let users = stage.users().await;
        let title = users.iter().find(|user| user.metadata.name.as_ref() == Some(&edited));
        let title = title.and_then(|user| user.spec.user.title.clone());
        if users.len() == 19 && title.as_deref() == Some("Worker") {
            Ok(())
        } else {
            Err(format!("{} users, {title:?}", users.len()))
        }
    })
    .await;
}

#[tokio::test]
async fn a_mirror_that_was_edited_while_the_operator_was_away_is_repaired_at_its_start() {
    let mut stage = Stage::new("edited").await;
    stage.people(TWO).await;
    stage.directory("acme", with(csv(), &json!({"sync": {"interval": "168h"}}))).await;
    stage.ready("acme", "True", "Synced").await;
    let ada = stage.user("ada@a.test").await.metadata.name.unwrap();
    stage.operator.stop();
    let edit = json!({"spec": {"email": "mallory@a.test"}});
    stage.patch::<directory_sync::api::DirectoryUser>(&ada, edit).await;
    stage.operator.restart().await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    eventually("it is counted", LIMIT, async || {
        let run = stage.status("acme").await.last_sync.unwrap();
        if (run.updated, run.drift_repaired) == (1, 1) { Ok(()) } else { Err(format!("{run:?}")) }
    })
    .await;
}

/// Restarts the operator, and lets it find that nothing has changed, so that no entry is read.
async fn restarts(stage: &mut Stage, slapd: &Slapd) {
    stage.operator.restart().await;
    let before = slapd.operations().entries;
    stage.sync("acme").await;
    assert_eq!(slapd.operations().entries, before, "no entry was read");
}

#[tokio::test]
async fn rules_can_change_and_mirrors_are_repaired_although_a_restart_has_read_nobody() {
    let mut stage = Stage::new("memory").await;
    let slapd = Slapd::builder().start();
    stage.reader().await;
    stage.directory("acme", with(ldap(&slapd.url()), &json!({"sync": {"interval": "168h"}}))).await;
    stage.ready("acme", "True", "Synced").await;

    restarts(&mut stage, &slapd).await;
    let edited = stage.user("user0003@example.test").await.metadata.name.unwrap();
    stage.patch::<directory_sync::api::DirectoryUser>(&edited, json!({"spec": {"title": "Queen"}})).await;
    eventually("the mirror is repaired", LIMIT, async || {
        let title = stage.user("user0003@example.test").await.spec.user.title;
        if title.as_deref() == Some("Worker") { Ok(()) } else { Err(format!("{title:?}")) }
    })
    .await;
    stage.ready("acme", "True", "Synced").await;

    restarts(&mut stage, &slapd).await;
    stage.respecify("acme", json!({"scope": {"users": "user.email != 'user0003@example.test'"}})).await;
    eventually("the person is out", LIMIT, async || {
        let count = stage.users().await.len();
        if count == 19 { Ok(()) } else { Err(format!("{count} people, {:?}", stage.status("acme").await)) }
    })
    .await;
    stage.ready("acme", "True", "Synced").await;
}

#[tokio::test]
async fn a_backoff_goes_on_where_it_was() {
    let mut stage = Stage::new("backoff").await;
    stage.tables("witness", ONE, "group_name,user_id\nadmins,1\n").await;
    stage.directory("witness", csv_from("witness")).await;
    stage.ready("witness", "True", "Synced").await;
    // Twice, so that the next try is two minutes away: longer than anything here waits.
    stage.directory("acme", csv()).await;
    stage.ready("acme", "False", "ReferenceNotReadable").await;
    stage.sync("acme").await;
    let before = stage.status("acme").await;
    assert_eq!(before.failures, Some(2));

    stage.operator.restart().await;
    // Until the operator has noticed for another Directory what it looks at from time to time.
    stage.sync("witness").await;
    stage.rewrite("witness", json!({"users.csv": TWO})).await;
    stage.users_become(&["ada@a.test", "grace@a.test"]).await;
    let after = stage.status("acme").await;
    assert_eq!((after.failures, after.retry_time), (before.failures, before.retry_time));
    assert_eq!(after.conditions, before.conditions);
    stage.sync("acme").await;
    assert_eq!(stage.status("acme").await.failures, Some(3), "the count goes on too");
}

#[tokio::test]
async fn a_reading_that_is_doubted_stays_so_over_a_restart_although_somebody_waits_for_the_grace_time() {
    let mut stage = Stage::new("doubted").await;
    let company = || Slapd::builder().company(Company::of(40, 3));
    let mut slapd = company().start();
    stage.reader().await;
    let rarely = json!({"sync": {"interval": "168h"}, "deletion": {"graceTime": "1h"}});
    stage.directory("acme", with(ldap(&slapd.url()), &rarely)).await;
    stage.ready("acme", "True", "Synced").await;
    slapd.modify("dn: uid=user0039,ou=people,dc=example,dc=test\nchangetype: delete\n");
    stage.full_sync("acme").await;
    assert_eq!(stage.status("acme").await.missing.unwrap().users, 1);
    // No entry changes, so no list of changes shows it.
    slapd.reconfigure(&company().directive("access to attrs=mail,manager by * none"));
    stage.full_sync("acme").await;
    stage.ready("acme", "False", "PermissionReduced").await;
    let before = stage.status("acme").await;

    stage.operator.restart().await;
    stage.sync("acme").await;
    let after = stage.status("acme").await;
    assert_eq!(after.conditions, before.conditions);
    assert_eq!(after.pending_plan, before.pending_plan);
}

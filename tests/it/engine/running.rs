//! While a sync runs: how far it is shows, and the Directory's end is its end.

use directory_sync::api::Directory;
use directory_sync::api::directory::OnDirectoryDelete;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use super::*;
use crate::support::ldap::proxy::{Held, held};
use crate::support::ldap::{Company, Slapd};
use crate::support::stage::{TWO, csv, ldap, with};

/// A server with a Directory `acme` whose first sync is held in the middle of reading people.
async fn reading(stage: &Stage, more: &Value) -> (Slapd, Held) {
    let slapd = Slapd::builder().company(Company::of(500, 3)).start();
    let held = held(slapd.port(), 100_000).await;
    stage.reader().await;
    let slow = json!({"provider": {"ldap": {"timeoutSeconds": 600, "pageSize": 50}}});
    let spec = with(ldap(&format!("ldap://localhost:{}", held.listener.port)), &slow);
    stage.directory("acme", with(spec, more)).await;
    slapd.wait_until("people are being read", |seen| seen.entries > 50).await;
    (slapd, held)
}

#[tokio::test]
async fn a_long_first_sync_shows_how_far_it_has_come_and_cleans_up_behind_itself() {
    let stage = Stage::new("progress").await;
    let (_slapd, held) = reading(&stage, &json!({})).await;
    let progress = eventually("progress is shown", LIMIT, async || {
        let status = stage.status("acme").await;
        status.progress.ok_or(format!("{:?}", status.conditions))
    })
    .await;
    assert!(progress.read >= 50 && progress.read < 500, "{progress:?}");
    assert_eq!(
        stage.told("acme", "Reconciling", "True", "Syncing").await,
        "a sync is under way; status.progress counts"
    );
    held.let_go();
    stage.ready("acme", "True", "Synced").await;
    let status = stage.status("acme").await;
    assert_eq!(status.progress, None);
    assert!(status.conditions.iter().all(|condition| condition.type_ != "Reconciling"), "{status:?}");
    assert_eq!(stage.user_names().await.len(), 500);
}

/// Deletes the Directory in the middle of its sync and lets the server answer after that.
async fn deleted_while_reading(how: OnDirectoryDelete) {
    let stage = Stage::new("cancel").await;
    let (slapd, held) = reading(&stage, &json!({"deletion": {"onDirectoryDelete": how}})).await;
    let directories = stage.api::<Directory>();
    directories.delete("acme", &DeleteParams::default()).await.unwrap();
    slapd.wait_until("the connection is closed", |seen| seen.closed == seen.connections).await;
    held.let_go();
    eventually("the Directory is gone", LIMIT, async || match directories.get_opt("acme").await {
        Ok(None) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    // The operator goes on with others, and has written nothing of this one.
    stage.people(TWO).await;
    stage.directory("witness", csv()).await;
    stage.ready("witness", "True", "Synced").await;
    assert_eq!(stage.mirrors("acme").await.len(), 0);
    assert_eq!(slapd.operations().connections, 1, "the server was not asked again");
}

#[tokio::test]
async fn f41_a_directory_that_is_deleted_while_it_is_read_ends_its_sync() {
    deleted_while_reading(OnDirectoryDelete::Retain).await;
}

#[tokio::test]
async fn f41_a_directory_that_waits_for_its_finalizer_ends_its_sync_too() {
    deleted_while_reading(OnDirectoryDelete::Delete).await;
}

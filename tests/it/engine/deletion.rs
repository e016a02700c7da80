//! What goes with a Directory that is deleted with `onDirectoryDelete: Delete`, and by how many requests.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use directory_sync::api::{Directory, DirectoryCheckpoint};
use kube::api::DeleteParams;
use serde_json::json;

use super::*;
use crate::support::cluster::Cluster;
use crate::support::stage::{TWO, csv, csv_from, with};

#[tokio::test]
async fn a_directory_takes_its_mirrors_and_checkpoint_with_it_by_one_request_for_each_kind() {
    let stage = Stage::new("delete").await;
    let mut people = "user_id,first_name,last_name,email\n".to_owned();
    let mut memberships = "group_name,user_id\n".to_owned();
    for number in 1..=40 {
        writeln!(people, "{number},Ada,Lovelace,ada{number}@a.test").unwrap();
        writeln!(memberships, "group {},{number}", number % 5).unwrap();
    }
    stage.tables("everybody", &people, &memberships).await;
    stage.people(TWO).await;
    let more = json!({"output": {"mode": "Objects"}, "deletion": {"onDirectoryDelete": "Delete"}});
    stage.directory("acme", with(csv_from("everybody"), &more)).await;
    stage.directory("neighbour", with(csv(), &more)).await;
    stage.ready("acme", "True", "Synced").await;
    stage.ready("neighbour", "True", "Synced").await;
    assert_eq!(stage.mirrors("acme").await.len(), 40 + 5);
    let neighbours = stage.mirrors("neighbour").await;
    assert_eq!(neighbours.len(), 2 + 1);
    let checkpoints = stage.api::<DirectoryCheckpoint>();
    assert!(checkpoints.get_opt("acme").await.unwrap().is_some());

    let mark = Cluster::get().audit_mark();
    let directories = stage.api::<Directory>();
    directories.delete("acme", &DeleteParams::default()).await.unwrap();
    eventually("the Directory is gone", LIMIT, async || match directories.get_opt("acme").await {
        Ok(None) => Ok(()),
        other => Err(format!("{other:?}\n{}", stage.operator.log())),
    })
    .await;
    assert_eq!(stage.mirrors("acme").await.len(), 0);
    assert!(checkpoints.get_opt("acme").await.unwrap().is_none());
    assert_eq!(stage.mirrors("neighbour").await, neighbours);
    assert!(checkpoints.get_opt("neighbour").await.unwrap().is_some());

    let mut requests: BTreeMap<(String, String), usize> = BTreeMap::new();
    // The last write is of the Directory itself, whose end can be seen before it is in the log.
    for event in stage.written(mark).filter(|event| event.object_ref.resource != "directories").iter() {
        *requests.entry((event.object_ref.resource.clone(), event.verb.clone())).or_default() += 1;
    }
    let expected = [
        ("directorycheckpoints", "delete"),
        ("directorygroups", "deletecollection"),
        ("directoryslices", "deletecollection"),
        ("directoryusers", "deletecollection"),
    ];
    let expected = expected.map(|(resource, verb)| ((resource.to_owned(), verb.to_owned()), 1));
    assert_eq!(requests, BTreeMap::from(expected));
}

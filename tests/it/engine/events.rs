//! Events on the Directory: what a person should know, and no more.

use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kube::api::{DeleteParams, ListParams};

use super::*;
use crate::support::stage::{TWO, csv};

/// The Events on a Directory as `kubectl describe` shows them: type, reason and message.
async fn events(stage: &Stage, directory: &str) -> Vec<(String, String, String)> {
    let which = ListParams::default()
        .fields(&format!("involvedObject.kind=Directory,involvedObject.name={directory}"));
    let events = stage.api::<Event>().list(&which).await.unwrap().items.into_iter();
    events
        .map(|event| {
            let text = Option::unwrap_or_default;
            (text(event.type_), text(event.reason), text(event.message))
        })
        .collect()
}

async fn appears(stage: &Stage, kind: &str, reason: &str, part: &str) {
    eventually("the Event is there", LIMIT, async || {
        let events = events(stage, "acme").await;
        let found = events
            .iter()
            .any(|(type_, why, message)| type_ == kind && why == reason && message.contains(part));
        if found { Ok(()) } else { Err(format!("{events:?}")) }
    })
    .await;
}

#[tokio::test]
async fn failures_recoveries_and_writes_are_told_once_and_name_nobody() {
    let stage = Stage::new("events").await;
    stage.directory("acme", csv()).await;
    appears(&stage, "Warning", "ReferenceNotReadable", "ConfigMap people does not exist").await;
    // The second time in a row is no news.
    stage.sync("acme").await;
    stage.people(TWO).await;
    appears(&stage, "Normal", "Synced", "people and groups are up to date").await;
    appears(&stage, "Normal", "MirrorsWritten", "created 3, updated 0, deactivated 0, deleted 0 mirrors")
        .await;
    stage.sync("acme").await;
    stage.api::<ConfigMap>().delete("people", &DeleteParams::default()).await.unwrap();
    // Told before, so the Event may be counted up instead of written again.
    stage.ready("acme", "False", "ReferenceNotReadable").await;
    let events = events(&stage, "acme").await;
    let normal = events.iter().filter(|(type_, ..)| type_ == "Normal").count();
    assert_eq!(normal, 2, "one recovery, one sync that wrote: {events:?}");
    assert!(!format!("{events:?}").contains("a.test"), "{events:?}");
}

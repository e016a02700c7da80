//! Files in a ConfigMap beside slices.

use directory_sync::api::Directory;
use serde_json::json;

use super::*;
use crate::config_map::{read, records};

/// Asserts that the files say what the slices, or the objects, say.
async fn assert_same(stage: &Stage) {
    let files = read(stage, "output").await;
    let said = (records(&files.index, &files.users), records(&files.index, &files.groups));
    let mirrored = entries(stage, "acme").await.into_iter().map(|(name, mut spec)| {
        let members = spec.as_object_mut().unwrap();
        members.remove("directory");
        members.insert("objectName".to_owned(), name.into());
        spec
    });
    assert_eq!(said, mirrored.partition(|record| record.get("memberCount").is_none()));
}

#[tokio::test]
async fn files_say_what_the_slices_say_be_people_held_or_missing_or_the_form_changed() {
    let stage = Stage::with_config_map_output("slices-files").await;
    stage.tables("people", &people(0..300), &members("admins", 0..10)).await;
    let files = json!({"output": {"configMap": {"name": "output", "format": "JSONLines"}}});
    stage.directory("acme", with(mode("Slices"), &files)).await;
    stage.ready("acme", "True", "Synced").await;
    assert_same(&stage).await;

    // Most are gone, which is held, and one has changed.
    let table = people(0..100).replace("Lovelace 7,", "King,");
    stage.rewrite("people", json!({"users.csv": table})).await;
    stage.sync("acme").await;
    stage.ready("acme", "False", "PlanHeld").await;
    assert_eq!(entries(&stage, "acme").await.len(), 301);
    assert_same(&stage).await;
    let status = stage.status("acme").await;
    assert_eq!(status.config_map.unwrap().users, 300);

    for form in ["Objects", "Slices"] {
        stage.patch::<Directory>("acme", json!({"spec": {"output": {"mode": form}}})).await;
        has_form(&stage, "acme", form).await;
        stage.sync("acme").await;
        assert_same(&stage).await;
    }

    let hash = stage.status("acme").await.pending_plan.unwrap().hash;
    stage.respecify("acme", json!({"deletion": {"guard": {"approvedPlan": hash}}})).await;
    stage.ready("acme", "True", "Synced").await;
    assert_eq!(entries(&stage, "acme").await.len(), 101);
    assert_same(&stage).await;

    stage.respecify("acme", json!({"deletion": {"missingUsers": "Deactivate"}})).await;
    stage.rewrite("people", json!({"users.csv": people(0..99)})).await;
    stage.sync("acme").await;
    assert_eq!(entries(&stage, "acme").await.len(), 101);
    assert_same(&stage).await;
}

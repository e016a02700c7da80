//! Whose ConfigMaps are written and removed, and what is told where that is not allowed.

use directory_sync::api::Directory;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::DeleteParams;
use serde_json::json;

use super::{assert_mirrored, crowd, output, shown, written};
use crate::support::stage::{LIMIT, ONE, Stage, TWO, with};
use crate::support::wait::eventually;

#[tokio::test]
async fn a_config_map_of_somebody_else_is_left_alone_and_told() {
    let stage = Stage::with_config_map_output("cm-foreign").await;
    stage.people(TWO).await;
    stage.create::<ConfigMap>(json!({"metadata": {"name": "output"}, "data": {"mine": "x"}})).await;
    let before = stage.api::<ConfigMap>().get("output").await.unwrap();
    stage.directory("acme", output(&json!({}))).await;
    let message = stage.told("acme", "OutputReady", "False", "ConfigMapNotOurs").await;
    assert!(
        message.contains("the ConfigMap output is there and was not written for this Directory"),
        "{message}"
    );
    assert_eq!(stage.ready("acme", "False", "ConfigMapNotOurs").await, message);
    assert_eq!(stage.api::<ConfigMap>().get("output").await.unwrap(), before);
    assert_eq!(stage.user_names().await.len(), 2, "the mirrors are there all the same");

    stage.respecify("acme", json!({"output": {"configMap": {"name": "free"}}})).await;
    stage.ready("acme", "True", "Synced").await;
    assert_mirrored(&stage, "free").await;
    assert_eq!(stage.api::<ConfigMap>().get("output").await.unwrap(), before);
}

#[tokio::test]
async fn what_is_renamed_or_no_longer_asked_for_is_removed_with_all_its_parts() {
    let stage = Stage::with_config_map_output("cm-remove").await;
    stage.people(&crowd(1_700)).await;
    stage.create::<ConfigMap>(json!({"metadata": {"name": "other"}, "data": {"mine": "x"}})).await;
    stage.directory("acme", output(&json!({}))).await;
    stage.ready("acme", "True", "Synced").await;
    assert!(written(&stage).await.len() > 2);

    stage.respecify("acme", json!({"output": {"configMap": {"name": "renamed"}}})).await;
    stage.sync("acme").await;
    assert_mirrored(&stage, "renamed").await;
    let names = written(&stage).await;
    assert!(names.iter().all(|name| name.starts_with("renamed")), "{names:?}");

    stage.respecify("acme", json!({"output": {"configMap": null}})).await;
    stage.sync("acme").await;
    assert_eq!(written(&stage).await, Vec::<String>::new());
    assert_eq!(shown(&stage).await, None);
    assert!(stage.api::<ConfigMap>().get_opt("other").await.unwrap().is_some());
}

#[tokio::test]
async fn a_deleted_directory_takes_its_config_map_along_only_when_asked_to() {
    let stage = Stage::with_config_map_output("cm-delete").await;
    stage.people(TWO).await;
    let asked = json!({"deletion": {"onDirectoryDelete": "Delete"}});
    for (spec, left) in [(output(&json!({})), vec!["output"]), (with(output(&json!({})), &asked), vec![])] {
        stage.directory("acme", spec).await;
        stage.ready("acme", "True", "Synced").await;
        assert_eq!(written(&stage).await, ["output"]);
        stage.api::<Directory>().delete("acme", &DeleteParams::default()).await.unwrap();
        eventually("the Directory is gone", LIMIT, async || {
            let found = stage.api::<Directory>().get_opt("acme").await.unwrap();
            found.map_or(Ok(()), |found| Err(format!("{:?}", found.metadata)))
        })
        .await;
        assert_eq!(written(&stage).await, left);
    }
}

#[tokio::test]
async fn without_the_right_the_condition_names_the_value_and_the_mirrors_go_on() {
    let stage = Stage::new("cm-right").await;
    stage.people(ONE).await;
    stage.directory("acme", output(&json!({}))).await;
    let message = stage.told("acme", "OutputReady", "False", "ConfigMapNotAllowed").await;
    assert!(message.contains("set the chart's value configMapOutput.enabled to true"), "{message}");
    stage.users_become(&["ada@a.test"]).await;
    stage.allow_config_map_output().await;
    stage.sync("acme").await;
    stage.ready("acme", "True", "Synced").await;
    assert_mirrored(&stage, "output").await;
}

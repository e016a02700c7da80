//! What the apiserver takes for a member of a group.

use directory_sync::api::{DirectoryGroup, crd};
use kube::Resource;
use serde_json::{Value, json};

use crate::support::cluster::Cluster;

#[tokio::test]
async fn a_member_is_a_person_or_a_group_and_never_both_or_neither() {
    let cluster = Cluster::get();
    cluster.install_crds(crd::all().unwrap().iter().map(|crd| serde_json::to_value(crd).unwrap())).await;
    let namespace = cluster.namespace("members").await;
    assert_eq!(create(&namespace, json!({"user": "acme-u-1"})).await, Ok(()));
    assert_eq!(create(&namespace, json!({"group": "acme-g-1"})).await, Ok(()));
    // What the kind does not have is dropped, and counts for nothing.
    assert_eq!(create(&namespace, json!({"user": "acme-u-1", "robot": "r2"})).await, Ok(()));
    for wrong in [json!({"user": "acme-u-1", "group": "acme-g-1"}), json!({}), json!({"robot": "r2"})] {
        let refusal = create(&namespace, wrong.clone()).await.expect_err(&wrong.to_string());
        assert!(refusal.contains("spec.members[0]"), "{refusal}");
    }
}

async fn create(namespace: &str, member: Value) -> Result<(), String> {
    let group = json!({
        "apiVersion": "directory-sync.io/v1alpha1", "kind": "DirectoryGroup", "metadata": {"name": "acme-g-0"},
        "spec": {"directory": "acme", "externalId": "0", "displayName": "all", "memberCount": 1, "members": [member]},
    });
    let client = Cluster::get().client();
    let uri = DirectoryGroup::url_path(&(), Some(namespace));
    let request =
        http::Request::post(format!("{uri}?dryRun=All")).body(serde_json::to_vec(&group).unwrap()).unwrap();
    client.request::<Value>(request).await.map(drop).map_err(|error| error.to_string())
}

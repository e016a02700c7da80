//! A namespace that is deleted with a Directory in it.

use directory_sync::api::Directory;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role};
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::json;

use super::*;
use crate::support::chart::apply_roles;
use crate::support::stage::{LIMIT, ONE, TWO, csv, with};
use crate::support::wait::eventually;

/// Deletes a namespace and waits until it is gone with everything in it.
async fn delete(name: &str) {
    let namespaces: Api<Namespace> = Api::all(Cluster::get().client());
    namespaces.delete(name, &DeleteParams::default()).await.unwrap();
    eventually("the namespace is gone", LIMIT, async || match namespaces.get_opt(name).await {
        Ok(None) => Ok(()),
        Ok(Some(namespace)) => Err(format!("{:?}", namespace.status)),
        Err(error) => Err(error.to_string()),
    })
    .await;
}

/// Gives the operator of a namespace the rights that it has there everywhere.
async fn may_work_everywhere(home: &str) {
    let client = Cluster::get().client();
    let rights = Api::<Role>::namespaced(client.clone(), home).get("directory-sync").await.unwrap().rules;
    let role: ClusterRole =
        serde_json::from_value(json!({"metadata": {"name": home}, "rules": rights})).unwrap();
    let binding: ClusterRoleBinding = serde_json::from_value(json!({
        "metadata": {"name": home},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": home},
        "subjects": [{"kind": "ServiceAccount", "name": "directory-sync", "namespace": home}],
    }))
    .unwrap();
    Api::all(client.clone()).create(&PostParams::default(), &role).await.unwrap();
    Api::all(client).create(&PostParams::default(), &binding).await.unwrap();
}

/// Takes them away again: where the chart gave them, they went with the namespace.
async fn may_not_work_everywhere(home: &str) {
    let bindings: Api<ClusterRoleBinding> = Api::all(Cluster::get().client());
    bindings.delete(home, &DeleteParams::default()).await.unwrap();
}

#[tokio::test]
async fn f40_a_namespace_that_is_deleted_takes_its_directories_along_and_the_others_go_on() {
    let cluster = Cluster::get();
    let (home, away) = (cluster.namespace("home").await, cluster.namespace("away").await);
    apply_roles(cluster, &home).await;
    may_work_everywhere(&home).await;
    let watch = format!("--watch-namespace={away}");
    let operator = Operator::setup(cluster, &home).arguments(ALONE).arguments(&[&watch]).start().await;
    let mut stage = Stage { cluster, namespace: away, operator };
    stage.people(TWO).await;
    let settings = json!({"sync": {"interval": "1s"}, "deletion": {"onDirectoryDelete": "Delete"}});
    stage.directory("acme", with(csv(), &settings)).await;
    stage.ready("acme", "True", "Synced").await;
    let finalizers = stage.api::<Directory>().get("acme").await.unwrap().metadata.finalizers;
    assert_eq!(finalizers.unwrap_or_default().len(), 1, "the namespace has to wait for it");

    delete(&stage.namespace).await;
    assert!(stage.operator.ended().is_none(), "the operator works on");
    stage.namespace = home;
    stage.people(ONE).await;
    stage.directory("acme", csv()).await;
    stage.ready("acme", "True", "Synced").await;
    // Nothing is tried over and over in a namespace that is not there.
    let log = stage.operator.log();
    let warnings = log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).count();
    assert!(warnings < 50, "{log}");

    may_not_work_everywhere(&stage.namespace).await;
    stage.operator.launch_again();
    stage.directory("beta", csv()).await;
    stage.ready("beta", "True", "Synced").await;
    F40.case("after the operator was started anew").is_seen(&stage, "beta").await;
}

//! That the control plane of the tests is what the other tests take it for.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, ServiceAccount};
use kube::ResourceExt;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams};
use serde_json::json;

use crate::support::cluster::Cluster;
use crate::support::wait::eventually;

#[tokio::test]
async fn a_service_account_starts_without_rights_and_the_audit_log_has_it() {
    let cluster = Cluster::get();
    let namespace = cluster.namespace("rights").await;
    let mark = cluster.audit_mark();
    let account: ServiceAccount = serde_json::from_value(json!({"metadata": {"name": "robot"}})).unwrap();
    Api::namespaced(cluster.client(), &namespace).create(&PostParams::default(), &account).await.unwrap();

    let token = cluster.service_account_token(&namespace, "robot").await;
    let refusal = Api::<ConfigMap>::namespaced(cluster.client_as(&token), &namespace)
        .list(&ListParams::default())
        .await
        .unwrap_err();
    assert!(matches!(&refusal, kube::Error::Api(status) if status.is_forbidden()), "{refusal}");

    let seen = cluster.audit_since(mark, &namespace);
    let robot = format!("system:serviceaccount:{namespace}:robot");
    let lists = seen.clone().by(&robot).verb("list").of("configmaps");
    assert_eq!(lists.len(), 1, "{seen:?}");
    assert_eq!(lists[0].code(), 403);
    assert_eq!(seen.clone().by(&robot).writes().len(), 0, "{seen:?}");
    assert_eq!(seen.by("admin").of("serviceaccounts").verb("create").len(), 1);
}

#[tokio::test]
async fn its_components_are_processes_of_their_own() {
    for component in ["etcd", "kube-apiserver", "kube-controller-manager"] {
        let process = format!("/proc/{}/cmdline", Cluster::get().process(component));
        let command = std::fs::read_to_string(&process).unwrap();
        assert!(command.contains(component), "{process}: {command:?}");
    }
}

#[tokio::test]
async fn the_garbage_collector_removes_what_has_lost_its_owner() {
    let cluster = Cluster::get();
    let namespace = cluster.namespace("garbage").await;
    let maps = Api::<ConfigMap>::namespaced(cluster.client(), &namespace);
    let orphan: ConfigMap = serde_json::from_value(json!({"metadata": {
        "name": "orphan",
        "ownerReferences": [{
            "apiVersion": "v1", "kind": "ConfigMap", "name": "nobody",
            "uid": "11111111-1111-1111-1111-111111111111",
        }],
    }}))
    .unwrap();
    maps.create(&PostParams::default(), &orphan).await.unwrap();
    eventually("the orphan is gone", Duration::from_secs(120), async || match maps.get_opt("orphan").await {
        Ok(None) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

#[tokio::test]
async fn a_kind_can_be_used_as_soon_as_it_is_installed() {
    let cluster = Cluster::get();
    let namespace = cluster.namespace("kinds").await;
    let crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.fixture.example"},
        "spec": {
            "group": "fixture.example",
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things", "singular": "thing"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            }],
        },
    });
    // A second time changes nothing.
    cluster.install_crds(&[crd.clone(), crd]).await;

    let kind = GroupVersionKind::gvk("fixture.example", "v1", "Thing");
    let resource = ApiResource::from_gvk_with_plural(&kind, "things");
    let things = Api::<DynamicObject>::namespaced_with(cluster.client(), &namespace, &resource);
    let made = things
        .create(&PostParams::default(), &DynamicObject::new("one", &resource).data(json!({})))
        .await
        .unwrap();
    assert_eq!(made.name_any(), "one");
}

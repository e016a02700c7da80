//! What a reader sees while a ConfigMap with parts is brought up to date.

use std::collections::BTreeMap;

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{assert_mirrored, crowd, output, read, shown, written};
use crate::support::cluster::Cluster;
use crate::support::stage::{LIMIT, Stage};
use crate::support::wait::eventually;

/// Keeps everybody from changing the ConfigMap `output` of a namespace.
struct Barrier {
    name: String,
}

impl Barrier {
    async fn raise(stage: &Stage) -> Self {
        let name = stage.namespace.clone();
        let policy = json!({"metadata": {"name": name}, "spec": {
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
                "resourceRules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["UPDATE"],
                }],
            },
            "validations": [{"expression": "object.metadata.name != 'output'", "message": "not now"}],
        }});
        create::<ValidatingAdmissionPolicy>(policy).await;
        let binding = json!({"metadata": {"name": name}, "spec": {
            "policyName": name, "validationActions": ["Deny"],
        }});
        create::<ValidatingAdmissionPolicyBinding>(binding).await;
        let barrier = Self { name };
        barrier.becomes(stage, false).await;
        barrier
    }

    async fn lift(self, stage: &Stage) {
        delete::<ValidatingAdmissionPolicyBinding>(&self.name).await;
        delete::<ValidatingAdmissionPolicy>(&self.name).await;
        self.becomes(stage, true).await;
    }

    /// Waits until the apiserver has taken notice.
    async fn becomes(&self, stage: &Stage, open: bool) {
        eventually("the apiserver has taken notice of the policy", LIMIT, async || {
            let probe = PatchParams { dry_run: true, ..PatchParams::default() };
            let patch = Patch::Merge(json!({"metadata": {"annotations": {"probe": "1"}}}));
            let answer = stage.api::<ConfigMap>().patch("output", &probe, &patch).await;
            if answer.is_ok() == open {
                Ok(())
            } else {
                Err(format!("{:?}", answer.map(|map| map.name_any())))
            }
        })
        .await;
    }
}

async fn create<K>(object: Value)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + std::fmt::Debug,
{
    let object: K = serde_json::from_value(object).unwrap();
    Api::<K>::all(Cluster::get().client()).create(&PostParams::default(), &object).await.unwrap();
}

async fn delete<K>(name: &str)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
{
    Api::<K>::all(Cluster::get().client()).delete(name, &DeleteParams::default()).await.unwrap();
}

/// A table of 1,700 people, of whom the first has another address.
fn changed(email: &str) -> Value {
    json!({"users.csv": crowd(1_700).replace("ada0@a.test", email)})
}

#[tokio::test]
async fn an_update_that_ends_between_the_parts_and_the_index_shows_all_of_the_content_before() {
    let mut stage = Stage::with_config_map_output("cm-half").await;
    stage.people(&crowd(1_700)).await;
    stage.directory("acme", output(&json!({"format": "JSONLines"}))).await;
    stage.ready("acme", "True", "Synced").await;
    let before = read(&stage, "output").await.index;
    let parts = written(&stage).await.len();

    let barrier = Barrier::raise(&stage).await;
    stage.rewrite("people", changed("one@a.test")).await;
    stage.sync("acme").await;
    stage.told("acme", "OutputReady", "False", "ConfigMapNotWritten").await;
    assert_eq!(written(&stage).await.len(), 2 * parts - 1, "the new parts are there");
    assert_eq!(
        read(&stage, "output").await.index,
        before,
        "and the index names the old ones, which are whole"
    );

    // Ended there, and another change before the next attempt: what no index ever named is not left behind.
    stage.operator.stop();
    stage.rewrite("people", changed("two@a.test")).await;
    barrier.lift(&stage).await;
    assert_eq!(read(&stage, "output").await.index, before);
    stage.operator.restart().await;
    stage.sync("acme").await;
    stage.ready("acme", "True", "Synced").await;
    let files = assert_mirrored(&stage, "output").await;
    let named = |index: &Value| -> Vec<String> {
        let files = index["files"].as_array().unwrap().iter();
        files.map(|file| file["configMap"].as_str().unwrap().to_owned()).collect()
    };
    let mut expected = [vec!["output".to_owned()], named(&before), named(&files.index)].concat();
    expected.sort();
    assert_eq!(written(&stage).await, expected, "the index, its parts, and those of the content before");
}

/// The resource versions of all ConfigMaps that the operator has written, by name.
async fn versions(stage: &Stage) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    for name in written(stage).await {
        let found = stage.api::<ConfigMap>().get(&name).await.unwrap();
        assert_eq!(found.immutable, (name != "output").then_some(true), "{name}");
        versions.insert(name, found.metadata.resource_version.unwrap());
    }
    versions
}

#[tokio::test]
async fn immutable_parts_take_turns_and_the_index_says_whose_turn_it_is() {
    let stage = Stage::with_config_map_output("cm-immutable").await;
    stage.people(&crowd(3)).await;
    stage.directory("acme", output(&json!({"immutable": true}))).await;
    stage.ready("acme", "True", "Synced").await;
    assert_mirrored(&stage, "output").await;
    assert_eq!(shown(&stage).await.unwrap().shards, 2, "however little it is");
    let mut seen = vec![versions(&stage).await];
    for email in ["one@a.test", "two@a.test"] {
        stage.rewrite("people", json!({"users.csv": crowd(3).replace("ada0@a.test", email)})).await;
        stage.sync("acme").await;
        assert_mirrored(&stage, "output").await;
        seen.push(versions(&stage).await);
    }
    let parts = |versions: &BTreeMap<String, String>| {
        let mut parts = versions.clone();
        parts.remove("output");
        parts
    };
    let [first, second, third] = [&seen[0], &seen[1], &seen[2]].map(parts);
    assert_eq!([first.len(), second.len(), third.len()], [2, 4, 4]);
    assert!(first.iter().all(|(name, version)| second.get(name) == Some(version)), "they stay as they were");
    assert!(first.keys().all(|name| !third.contains_key(name)), "and go with the next change but one");

    // There and back with the same content.
    for immutable in [false, true] {
        stage.respecify("acme", json!({"output": {"configMap": {"immutable": immutable}}})).await;
        stage.sync("acme").await;
        stage.ready("acme", "True", "Synced").await;
        assert_mirrored(&stage, "output").await;
        assert_eq!(shown(&stage).await.unwrap().shards, if immutable { 2 } else { 0 });
    }
    stage.respecify("acme", json!({"output": {"configMap": null}})).await;
    stage.sync("acme").await;
    assert_eq!(written(&stage).await, Vec::<String>::new());
}

#[tokio::test]
async fn parts_become_immutable_or_not_although_their_content_is_the_same() {
    let stage = Stage::with_config_map_output("cm-turn").await;
    stage.people(&crowd(1_700)).await;
    stage.directory("acme", output(&json!({"format": "JSONLines"}))).await;
    stage.ready("acme", "True", "Synced").await;
    for immutable in [true, false] {
        stage.respecify("acme", json!({"output": {"configMap": {"immutable": immutable}}})).await;
        stage.sync("acme").await;
        let files = assert_mirrored(&stage, "output").await;
        for file in files.index["files"].as_array().unwrap() {
            let part = stage.api::<ConfigMap>().get(file["configMap"].as_str().unwrap()).await.unwrap();
            assert_eq!(part.immutable, immutable.then_some(true));
        }
    }
}

//! Manifests as YAML text, and their way into the apiserver.

use kube::api::{Api, DynamicObject, Patch, PatchParams, TypeMeta};
use kube::core::GroupVersionKind;
use kube::discovery::{Scope, pinned_kind};
use kube::{Client, ResourceExt};
use serde_json::Value;

/// The documents of a text; comments and empty documents are none.
pub fn parse(yaml: &str) -> Vec<DynamicObject> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("not YAML: {error}\n{yaml}"));
    documents
        .into_iter()
        .filter(|document| !document.is_null())
        .map(|document| {
            serde_json::from_value(document.clone())
                .unwrap_or_else(|error| panic!("not an object: {error}: {document}"))
        })
        .collect()
}

/// The kind of an object.
pub fn kind(object: &DynamicObject) -> &str {
    object.types.as_ref().map_or("", |types| types.kind.as_str())
}

/// Applies an object, in `namespace` where it names none, and refuses fields that its kind does not have.
pub async fn apply(
    client: &Client,
    namespace: &str,
    object: &DynamicObject,
    dry_run: bool,
) -> Result<DynamicObject, kube::Error> {
    let api = api(client, namespace, object).await?;
    let params = PatchParams { dry_run, ..PatchParams::apply("manifest").force() }.validation_strict();
    api.patch(&object.name_any(), &params, &Patch::Apply(object)).await
}

async fn api(
    client: &Client,
    namespace: &str,
    object: &DynamicObject,
) -> Result<Api<DynamicObject>, kube::Error> {
    let TypeMeta { api_version, kind } = object.types.clone().expect("a manifest says its kind");
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let (resource, capabilities) = pinned_kind(client, &GroupVersionKind::gvk(group, version, &kind)).await?;
    let namespace = object.namespace().unwrap_or_else(|| namespace.to_owned());
    Ok(match capabilities.scope {
        Scope::Namespaced => Api::namespaced_with(client.clone(), &namespace, &resource),
        Scope::Cluster => Api::all_with(client.clone(), &resource),
    })
}

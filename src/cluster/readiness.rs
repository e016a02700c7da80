//! Whether the cluster lets the operator do its work: the definitions are there, and its
//! `ServiceAccount` may do what it has to.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::client::explain;
use crate::api::{Directory, DirectoryCheckpoint, DirectoryGroup, DirectoryUser, GROUP};

/// What the operator does, as group, resource and verb. Reading Secrets and `ConfigMap`s is not
/// among it: that right may be given name by name, and a Directory that names another says so.
const NEEDED: &[(&str, &str, &[&str])] = &[
    (GROUP, "directories", &["list", "watch", "patch"]),
    (GROUP, "directories/status", &["patch"]),
    (GROUP, "directoryusers", &["list", "watch", "get", "create", "patch", "delete", "deletecollection"]),
    (GROUP, "directorygroups", &["list", "watch", "get", "create", "patch", "delete", "deletecollection"]),
    (GROUP, "directorycheckpoints", &["get", "create", "update", "delete"]),
    ("events.k8s.io", "events", &["create", "patch"]),
];

/// What is missing, each a sentence with what to do; empty when nothing is.
pub async fn missing(client: &Client, namespaces: &[String]) -> Vec<String> {
    let mut missing = Vec::new();
    if let Some(sentence) = definitions_missing(client, namespaces).await {
        missing.push(sentence);
        return missing;
    }
    let scopes: Vec<Option<&String>> =
        if namespaces.is_empty() { vec![None] } else { namespaces.iter().map(Some).collect() };
    for namespace in scopes {
        for (group, resource, verbs) in NEEDED {
            for verb in *verbs {
                missing.extend(right_missing(client, namespace, group, resource, verb).await);
            }
        }
    }
    missing
}

async fn definitions_missing(client: &Client, namespaces: &[String]) -> Option<String> {
    let namespace = namespaces.first().map(String::as_str);
    let unserved = [
        unserved::<Directory>(client, namespace).await,
        unserved::<DirectoryUser>(client, namespace).await,
        unserved::<DirectoryGroup>(client, namespace).await,
        unserved::<DirectoryCheckpoint>(client, namespace).await,
    ];
    unserved.into_iter().flatten().next()
}

/// Why a kind cannot be used, unless it is a matter of rights: the reviews name those.
async fn unserved<K>(client: &Client, namespace: Option<&str>) -> Option<String>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
{
    let objects: Api<K> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    match objects.list_metadata(&ListParams::default().limit(1)).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Some(format!(
            "the custom resource definition of {} is not installed: apply the files in crds/, or install the \
             chart with crds.install=true",
            K::kind(&())
        )),
        Err(kube::Error::Api(status)) if status.code == 403 => None,
        Err(error) => Some(explain(&error)),
        Ok(_) => None,
    }
}

async fn right_missing(
    client: &Client,
    namespace: Option<&String>,
    group: &str,
    resource: &str,
    verb: &str,
) -> Option<String> {
    let (name, subresource) =
        resource.split_once('/').map_or((resource, None), |(name, sub)| (name, Some(sub)));
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: Some(group.to_owned()),
                namespace: namespace.cloned(),
                resource: Some(name.to_owned()),
                subresource: subresource.map(str::to_owned),
                verb: Some(verb.to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let place =
        namespace.map_or_else(|| "all namespaces".to_owned(), |namespace| format!("namespace {namespace}"));
    match reviews.create(&PostParams::default(), &review).await {
        Ok(answer) if answer.status.as_ref().is_some_and(|status| status.allowed) => None,
        Ok(_) => Some(format!(
            "the operator's ServiceAccount may not {verb} {resource} in {place}: grant it, or install the chart's roles"
        )),
        Err(error) => Some(explain(&error)),
    }
}

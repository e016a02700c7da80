//! Whether the cluster lets the operator do its work: the definitions are there, and its
//! `ServiceAccount` may do what it has to.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};

use super::client::explain;
use crate::api::{Directory, GROUP};

/// What the operator does, as group, resource and verb.
const NEEDED: &[(&str, &str, &str)] = &[
    (GROUP, "directories", "watch"),
    (GROUP, "directories/status", "patch"),
    (GROUP, "directoryusers", "watch"),
    (GROUP, "directoryusers", "create"),
    (GROUP, "directoryusers", "patch"),
    (GROUP, "directoryusers", "delete"),
    (GROUP, "directorygroups", "watch"),
    (GROUP, "directorygroups", "create"),
    (GROUP, "directorygroups", "patch"),
    (GROUP, "directorygroups", "delete"),
    (GROUP, "directorycheckpoints", "get"),
    (GROUP, "directorycheckpoints", "create"),
    ("", "configmaps", "get"),
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
        for (group, resource, verb) in NEEDED {
            if let Some(sentence) = right_missing(client, namespace, group, resource, verb).await {
                missing.push(sentence);
            }
        }
    }
    missing
}

async fn definitions_missing(client: &Client, namespaces: &[String]) -> Option<String> {
    let directories: Api<Directory> = match namespaces.first() {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    match directories.list_metadata(&ListParams::default().limit(1)).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Some(
            "the custom resource definitions are not installed: apply the files in crds/, or install the chart \
             with crds.install=true"
                .to_owned(),
        ),
        // A missing right is named by the review below.
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

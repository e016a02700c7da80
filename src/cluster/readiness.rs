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
use super::lease::Place;
use super::scope::Scope;
use crate::api::{Directory, DirectoryCheckpoint, DirectoryGroup, DirectorySlice, DirectoryUser, GROUP};

/// What the operator does, as group, resource and verb. Reading Secrets and `ConfigMap`s is not
/// among it: that right may be given name by name, and a Directory that names another says so.
const NEEDED: &[(&str, &str, &[&str])] = &[
    (GROUP, "directories", &["get", "list", "watch", "patch"]),
    (GROUP, "directories/status", &["patch"]),
    (GROUP, "directoryusers", &["list", "watch", "get", "create", "patch", "delete", "deletecollection"]),
    (GROUP, "directorygroups", &["list", "watch", "get", "create", "patch", "delete", "deletecollection"]),
    (GROUP, "directoryslices", &["list", "watch", "get", "create", "patch", "delete", "deletecollection"]),
    (GROUP, "directorycheckpoints", &["get", "create", "update", "delete"]),
    ("events.k8s.io", "events", &["create", "patch"]),
];

/// What it does with the Lease. Creating cannot be granted by name.
const LEASE: &[(&str, bool)] = &[("create", false), ("get", true), ("update", true)];

/// What is missing for the work in a scope, each a sentence with what to do; empty when nothing is.
pub async fn missing_in(client: &Client, scope: &Scope) -> Vec<String> {
    if let Some(sentence) = definitions_missing(client, scope).await {
        return vec![sentence];
    }
    let mut missing = Vec::new();
    for (group, resource, verbs) in NEEDED {
        for verb in *verbs {
            let right = Right { group, resource, verb, scope, name: None };
            missing.extend(right.missing(client).await);
        }
    }
    missing
}

/// What is missing for taking turns by a Lease, as [`missing_in`] says it.
pub async fn missing_for_lease(client: &Client, Place { namespace, name }: &Place) -> Vec<String> {
    let namespace = namespace.as_deref().unwrap_or_else(|| client.default_namespace());
    let scope = &Scope::namespace(namespace);
    let mut missing = Vec::new();
    for (verb, by_name) in LEASE {
        let name = by_name.then_some(name.as_str());
        let right = Right { group: "coordination.k8s.io", resource: "leases", verb, scope, name };
        missing.extend(right.missing(client).await);
    }
    missing
}

async fn definitions_missing(client: &Client, scope: &Scope) -> Option<String> {
    let unserved = [
        unserved::<Directory>(client, scope).await,
        unserved::<DirectoryUser>(client, scope).await,
        unserved::<DirectoryGroup>(client, scope).await,
        unserved::<DirectorySlice>(client, scope).await,
        unserved::<DirectoryCheckpoint>(client, scope).await,
    ];
    unserved.into_iter().flatten().next()
}

/// Why a kind cannot be used, unless it is a matter of rights: the reviews name those.
async fn unserved<K>(client: &Client, scope: &Scope) -> Option<String>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
{
    match scope.api::<K>(client).list_metadata(&ListParams::default().limit(1)).await {
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

/// Something that the operator has to be allowed to do.
struct Right<'a> {
    group: &'a str,
    resource: &'a str,
    verb: &'a str,
    scope: &'a Scope,
    name: Option<&'a str>,
}

impl Right<'_> {
    /// What to do about it, unless it is granted.
    async fn missing(&self, client: &Client) -> Option<String> {
        let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
        match reviews.create(&PostParams::default(), &self.review()).await {
            Ok(answer) if answer.status.as_ref().is_some_and(|status| status.allowed) => None,
            Ok(_) => Some(self.sentence()),
            Err(error) => Some(explain(&error)),
        }
    }

    fn review(&self) -> SelfSubjectAccessReview {
        let (resource, subresource) =
            self.resource.split_once('/').map_or((self.resource, None), |(name, sub)| (name, Some(sub)));
        let attributes = ResourceAttributes {
            group: Some(self.group.to_owned()),
            namespace: self.scope.name().map(str::to_owned),
            resource: Some(resource.to_owned()),
            subresource: subresource.map(str::to_owned),
            verb: Some(self.verb.to_owned()),
            name: self.name.map(str::to_owned),
            ..ResourceAttributes::default()
        };
        SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(attributes),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        }
    }

    fn sentence(&self) -> String {
        let Self { resource, verb, scope, .. } = self;
        let name = self.name.map(|name| format!(" {name}")).unwrap_or_default();
        format!(
            "the operator's ServiceAccount may not {verb} {resource}{name} in {scope}: grant it, or install the chart's roles"
        )
    }
}

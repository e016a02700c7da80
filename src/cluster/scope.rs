//! The part of a cluster that is watched as one: a namespace, or all of them.

use std::fmt;

use k8s_openapi::NamespaceResourceScope;
use kube::{Api, Client, Resource};

/// One namespace, or all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope(Option<String>);

impl Scope {
    /// All namespaces as one.
    pub const ALL: Self = Self(None);

    /// One namespace.
    #[must_use]
    pub fn namespace(name: &str) -> Self {
        Self(Some(name.to_owned()))
    }

    /// Each of these namespaces once; all of the cluster as one when there are none.
    #[must_use]
    pub fn each_of(namespaces: &[String]) -> Vec<Self> {
        if namespaces.is_empty() {
            return vec![Self::ALL];
        }
        let mut scopes: Vec<Self> = Vec::with_capacity(namespaces.len());
        for namespace in namespaces {
            let scope = Self::namespace(namespace);
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// The namespace; `None`: all.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Whether what is in this namespace is in the scope.
    #[must_use]
    pub fn covers(&self, namespace: &str) -> bool {
        self.name().is_none_or(|name| name == namespace)
    }

    /// Requests for what is in the scope.
    #[must_use]
    pub fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        match self.name() {
            Some(name) => Api::namespaced(client.clone(), name),
            None => Api::all(client.clone()),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "namespace {name}"),
            None => f.write_str("all namespaces"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn without_namespaces_the_whole_cluster_is_one_scope() {
        assert_eq!(Scope::each_of(&[]), [Scope::ALL]);
        assert!(Scope::ALL.covers("crm"));
    }

    #[test]
    fn a_namespace_that_is_named_twice_is_watched_once() {
        let scopes = Scope::each_of(&names(&["crm", "erp", "crm"]));
        assert_eq!(scopes, [Scope::namespace("crm"), Scope::namespace("erp")]);
        assert!(scopes[0].covers("crm") && !scopes[0].covers("erp"));
    }
}

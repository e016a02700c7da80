//! Reads the Secrets and ConfigMaps that a Directory names: by name, in its namespace, never by
//! list, and nothing is kept beyond the run but a fingerprint.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client};

use super::client::explain;
use crate::model::ContentHash;
use crate::source::{Material, Reference, ReferenceKind};

/// Why what a Directory names could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// The object is not there.
    #[error("{0} does not exist in this namespace; create it, or correct its name in spec.provider")]
    Missing(Reference),
    /// The operator may not read the object.
    #[error(
        "the operator may not read {0}; grant its ServiceAccount 'get' on it \
         (the chart's value {value} lists the {kind}s it may read)",
        kind = .0.kind,
        value = match .0.kind {
            ReferenceKind::Secret => "secrets.resourceNames",
            ReferenceKind::ConfigMap => "configMaps.resourceNames",
        }
    )]
    Forbidden(Reference),
    /// The apiserver did not answer.
    #[error("{reference} could not be read: {reason}")]
    Unreadable {
        /// The object.
        reference: Reference,
        /// What went wrong.
        reason: String,
    },
}

impl ReferenceError {
    /// Whether waiting alone may help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }
}

/// The versions of objects, without their contents: `None` for what is not there or may not be read. What could not
/// be found out is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions(BTreeMap<Reference, Option<String>>);

impl Versions {
    /// Takes over what was found; says whether an object that was known has been changed, created or deleted.
    pub fn follow(&mut self, found: Self) -> bool {
        let mut changed = false;
        for (reference, version) in found.0 {
            let known = self.0.insert(reference, version.clone());
            changed |= known.is_some_and(|known| known != version);
        }
        changed
    }
}

/// Reads every object, with a fingerprint that changes when any of their contents does.
///
/// # Errors
/// With the first object that cannot be read.
pub async fn read(
    client: &Client,
    namespace: &str,
    references: &[Reference],
) -> Result<(Material, ContentHash), ReferenceError> {
    let mut material = Material::default();
    let mut fingerprint = blake3::Hasher::new();
    for reference in references {
        let data = read_one(client, namespace, reference).await?;
        for (key, value) in &data {
            for part in [reference.to_string().as_bytes(), key.as_bytes(), value] {
                fingerprint.update(&(part.len() as u64).to_be_bytes());
                fingerprint.update(part);
            }
        }
        material.insert(reference.clone(), data);
    }
    Ok((material, ContentHash::of_bytes(fingerprint.finalize().as_bytes())))
}

/// The versions of every object.
pub async fn versions(client: &Client, namespace: &str, references: &[Reference]) -> Versions {
    let mut versions = Versions::default();
    for reference in references {
        let name = &reference.name;
        let found = match reference.kind {
            ReferenceKind::Secret => {
                let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
                secrets.get_metadata(name).await.map(|found| found.metadata)
            }
            ReferenceKind::ConfigMap => {
                let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
                maps.get_metadata(name).await.map(|found| found.metadata)
            }
        };
        let version = match found {
            Ok(metadata) => metadata.resource_version,
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => None,
            // An apiserver that does not answer says nothing of the object.
            Err(_) => continue,
        };
        versions.0.insert(reference.clone(), version);
    }
    versions
}

async fn read_one(
    client: &Client,
    namespace: &str,
    reference: &Reference,
) -> Result<Vec<(String, Vec<u8>)>, ReferenceError> {
    match reference.kind {
        ReferenceKind::Secret => {
            let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
            let secret = secrets.get(&reference.name).await.map_err(|error| failed(reference, &error))?;
            Ok(secret.data.into_iter().flatten().map(|(key, value)| (key, value.0)).collect())
        }
        ReferenceKind::ConfigMap => {
            let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
            let map = maps.get(&reference.name).await.map_err(|error| failed(reference, &error))?;
            let text = map.data.into_iter().flatten().map(|(key, value)| (key, value.into_bytes()));
            let binary = map.binary_data.into_iter().flatten().map(|(key, value)| (key, value.0));
            Ok(text.chain(binary).collect())
        }
    }
}

fn failed(reference: &Reference, error: &kube::Error) -> ReferenceError {
    match error {
        kube::Error::Api(status) if status.code == 404 => ReferenceError::Missing(reference.clone()),
        kube::Error::Api(status) if status.code == 403 => ReferenceError::Forbidden(reference.clone()),
        other => ReferenceError::Unreadable { reference: reference.clone(), reason: explain(other) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions<const N: usize>(found: [(&str, Option<&str>); N]) -> Versions {
        let reference = |name: &str| Reference { kind: ReferenceKind::Secret, name: name.to_owned() };
        Versions(found.map(|(name, version)| (reference(name), version.map(str::to_owned))).into())
    }

    #[test]
    fn what_could_not_be_found_out_has_not_changed_and_is_compared_with_what_was_known_before() {
        let mut known = Versions::default();
        assert!(!known.follow(versions([("a", Some("1")), ("b", None)])), "the first look");
        assert!(!known.follow(versions([])));
        assert!(!known.follow(versions([("a", Some("1"))])));
        assert!(known.follow(versions([("b", Some("2"))])), "created");
        assert!(!known.follow(versions([("b", Some("2"))])));
        assert!(known.follow(versions([("a", Some("3"))])), "changed");
        assert!(known.follow(versions([("a", None)])), "deleted");
    }
}

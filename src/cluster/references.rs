//! Reads the Secrets and ConfigMaps that a Directory names: by name, in its namespace, never by
//! list, and nothing is kept beyond the run but a fingerprint.

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

/// The versions of every object, without their contents; changes when any of them is changed,
/// created or deleted. What cannot be read counts as not there.
pub async fn versions(client: &Client, namespace: &str, references: &[Reference]) -> Vec<Option<String>> {
    let mut versions = Vec::with_capacity(references.len());
    for reference in references {
        let name = &reference.name;
        let metadata = match reference.kind {
            ReferenceKind::Secret => {
                let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
                secrets.get_metadata_opt(name).await.ok().flatten().map(|found| found.metadata)
            }
            ReferenceKind::ConfigMap => {
                let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
                maps.get_metadata_opt(name).await.ok().flatten().map(|found| found.metadata)
            }
        };
        versions.push(metadata.and_then(|metadata| metadata.resource_version));
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

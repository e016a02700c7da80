//! The contents of the Secrets and ConfigMaps that a provider's settings name.

use std::collections::BTreeMap;
use std::fmt;

use kube::KubeSchema;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};

use super::SourceError;
use super::egress::Egress;
use crate::api::rule;

/// A Secret or a ConfigMap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum ReferenceKind {
    /// A Secret.
    Secret,
    /// A ConfigMap.
    ConfigMap,
}

impl fmt::Display for ReferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        })
    }
}

/// One object that a Directory names, in its own namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Reference {
    /// Secret or ConfigMap.
    pub kind: ReferenceKind,
    /// Name of the object.
    pub name: String,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// Names a Secret in the Directory's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = rule::object_name("name"))]
pub struct SecretRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Names a ConfigMap in the Directory's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = rule::object_name("name"))]
pub struct ConfigMapRef {
    /// Name of the ConfigMap.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Names either a ConfigMap or a Secret in the Directory's namespace: exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TextRef {
    /// A ConfigMap.
    ConfigMap(ConfigMapRef),
    /// A Secret.
    Secret(SecretRef),
}

impl SecretRef {
    /// The object that is named.
    #[must_use]
    pub fn reference(&self) -> Reference {
        Reference { kind: ReferenceKind::Secret, name: self.name.clone() }
    }
}

impl ConfigMapRef {
    /// The object that is named.
    #[must_use]
    pub fn reference(&self) -> Reference {
        Reference { kind: ReferenceKind::ConfigMap, name: self.name.clone() }
    }
}

impl TextRef {
    /// The object that is named.
    #[must_use]
    pub fn reference(&self) -> Reference {
        match self {
            Self::ConfigMap(named) => named.reference(),
            Self::Secret(named) => named.reference(),
        }
    }
}

/// What a source is given besides its settings: what was read of all objects that they name, and
/// where it may connect. Never printed: `Debug` shows no value.
#[derive(Debug, Default)]
pub struct Material {
    objects: BTreeMap<Reference, BTreeMap<String, SecretSlice<u8>>>,
    egress: Egress,
}

impl Material {
    /// The same, but for where the source may connect. Without it: anywhere.
    #[must_use]
    pub fn through(self, egress: Egress) -> Self {
        Self { egress, ..self }
    }

    /// Where the source may connect.
    #[must_use]
    pub const fn egress(&self) -> &Egress {
        &self.egress
    }

    /// Adds an object with its keys.
    pub fn insert(&mut self, reference: Reference, data: impl IntoIterator<Item = (String, Vec<u8>)>) {
        let data = data.into_iter().map(|(key, value)| (key, SecretSlice::from(value))).collect();
        self.objects.insert(reference, data);
    }

    /// The keys of an object, in order; empty when it is not there.
    pub fn keys(&self, reference: &Reference) -> impl Iterator<Item = &str> {
        self.objects.get(reference).into_iter().flat_map(|data| data.keys().map(String::as_str))
    }

    /// The bytes under a key, if the object has it.
    #[must_use]
    pub fn get(&self, reference: &Reference, key: &str) -> Option<&[u8]> {
        Some(self.objects.get(reference)?.get(key)?.expose_secret())
    }

    /// The bytes under a key.
    ///
    /// # Errors
    /// [`super::Class::Misconfigured`] that names the object, the key and the keys it has.
    pub fn require(&self, reference: &Reference, key: &str) -> Result<&[u8], SourceError> {
        self.get(reference, key).ok_or_else(|| {
            let has: Vec<&str> = self.keys(reference).collect();
            let has = if has.is_empty() { "no keys".to_owned() } else { format!("only {}", has.join(", ")) };
            SourceError::misconfigured(format!("{reference} has no key '{key}' (it has {has}); add it"))
        })
    }

    /// The text under a key, without the newline that editors leave at the end.
    ///
    /// # Errors
    /// As [`Material::require`], and when the bytes are not UTF-8.
    pub fn require_text(&self, reference: &Reference, key: &str) -> Result<&str, SourceError> {
        let bytes = self.require(reference, key)?;
        let text = std::str::from_utf8(bytes).map_err(|_| {
            SourceError::misconfigured(format!(
                "{reference} key '{key}' is not UTF-8 text; write it again as text"
            ))
        })?;
        Ok(text.trim_end_matches(['\r', '\n']))
    }
}

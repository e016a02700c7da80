//! `spec.output.configMap`: people and groups as files in a ConfigMap, for applications that read
//! files.

use kube::KubeSchema;
use kube::core::Rule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule;
use crate::normalize::{ALWAYS_COPIED, attribute_names};

/// People and groups as files in a ConfigMap, beside their mirrors.
///
/// Where they do not fit into one, that ConfigMap has an index of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule::object_name("name"))]
pub struct ConfigMapOutput {
    /// Name of the ConfigMap, in the Directory's namespace. One that is there and was not written
    /// for this Directory is left alone.
    #[schemars(length(min = 1, max = 235))]
    pub name: String,
    /// The form of the files.
    #[serde(default)]
    pub format: FileFormat,
    /// Whether the files are compressed (RFC 1952); they then stand in `binaryData`.
    #[serde(default)]
    pub gzip: bool,
    /// Whether the files stand in ConfigMaps that are `immutable`, with other names for each content.
    /// The one of this `name` then has the index alone.
    #[serde(default)]
    pub immutable: bool,
    /// The attributes of people that are copied; default: all that the mirrors have. `externalId`,
    /// `userName`, `state`, `role` and `roles` are always there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), extend("x-kubernetes-list-type" = "set"), inner(length(min = 1, max = 64)))]
    pub attributes: Option<Vec<String>>,
}

/// The form of a file of people or groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FileFormat {
    /// One JSON list (RFC 8259).
    #[default]
    JSON,
    /// One JSON object a line.
    JSONLines,
    /// A table with a header (RFC 4180).
    CSV,
}

/// `output.configMap.attributes` has only names that the mirrors have.
pub(super) fn listed_attributes_are_mirrored() -> Rule {
    let always = rule::list(ALWAYS_COPIED.iter().copied());
    let standard = rule::list(attribute_names());
    Rule::new(format!(
        "!has(self.output) || !has(self.output.configMap) || !has(self.output.configMap.attributes) || \
         self.output.configMap.attributes.all(name, name in {always} || (has(self.output.attributes) ? \
         name in self.output.attributes : name in {standard} || \
         (has(self.mapping) && self.mapping.exists(added, added.attribute == name))))"
    ))
    .message(
        "output.configMap.attributes may only list attributes that the mirrors have: standard ones and those that \
         mapping adds and, where output.attributes is set, only those that it lists",
    )
    .field_path(".output.configMap.attributes")
}

//! The settings of files in a bucket, as they stand in `spec.provider.csv.from.s3`.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::source::csv::files::{Files, default_settle_seconds};
use crate::source::material::{SecretRef, TextRef};

/// A bucket of Amazon S3 or of a store that speaks its protocol. Only listed and read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = kube::core::Rule::new("!has(self.endpoint) || self.endpoint.startsWith('https://') || has(self.insecure)")
        .message("a plain http:// endpoint sends people's data readable over the network: use https://, or, where that is acceptable, insecure: PlaintextData"),
    validation = kube::core::Rule::new("!has(self.insecure) || (has(self.endpoint) && self.endpoint.startsWith('http://'))")
        .message("insecure is for http:// endpoints; remove it")
)]
pub struct S3Folder {
    /// The bucket's name.
    #[schemars(length(min = 3, max = 63), regex(pattern = r"^[a-z0-9][a-z0-9.-]*[a-z0-9]$"))]
    pub bucket: String,
    /// The region of the bucket, which is part of each signature.
    #[serde(default = "default_region")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[A-Za-z0-9-]+$"))]
    pub region: String,
    /// Where the store answers, for stores other than Amazon's: `https://host[:port]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 8, max = 512), regex(pattern = r"^https?://[^/@?#]+/?$"))]
    pub endpoint: Option<String>,
    /// Names the risk of an unencrypted connection, and takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insecure: Option<InsecureEndpoint>,
    /// ConfigMap or Secret with the key `ca.crt`: the certificates (PEM) of the authorities that
    /// may sign the store's certificate. Without it the system's authorities are trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<TextRef>,
    /// Secret with the keys `accessKeyID` and `secretAccessKey`, and, for credentials that expire,
    /// `sessionToken`. Its owner needs the right to list the bucket below the prefix and to read
    /// the files.
    pub credentials_secret_ref: SecretRef,
    /// What comes before the files' names, as a folder would: `hr/export`. Files further below are
    /// not looked at.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 768), regex(pattern = r"^([^/]+(/[^/]+)*/?)?$"))]
    pub prefix: String,
    /// The names of the files.
    #[serde(default)]
    pub files: Files,
    /// For how long new files must stand still before they are believed, in seconds.
    #[serde(default = "default_settle_seconds")]
    #[schemars(range(min = 1, max = 300))]
    pub settle_seconds: i32,
    /// How long a connection attempt or an answer may take, in seconds.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 600))]
    pub timeout_seconds: i32,
}

/// The risk that an unencrypted connection takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum InsecureEndpoint {
    /// Everybody's data can be read and changed on the network.
    PlaintextData,
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

const fn default_timeout_seconds() -> i32 {
    30
}

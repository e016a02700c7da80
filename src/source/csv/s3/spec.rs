//! The settings of files in a bucket, as they stand in `spec.provider.csv.from.s3`.

use kube::KubeSchema;
use kube::core::Rule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::rule;
use crate::source::csv::files::{Files, default_settle_seconds};
use crate::source::material::{SecretRef, TextRef};

/// A bucket of Amazon S3 or of a store that speaks its protocol. Only listed and read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = bucket(),
    validation = region(),
    validation = endpoint(),
    validation = encrypted(),
    validation = insecure_for_plain_endpoints(),
    validation = prefix()
)]
pub struct S3Folder {
    /// The bucket's name.
    #[schemars(length(min = 3, max = 63))]
    pub bucket: String,
    /// The region of the bucket, which is part of each signature.
    #[serde(default = "default_region")]
    #[schemars(length(min = 1, max = 63))]
    pub region: String,
    /// Where the store answers, for stores other than Amazon's: `https://host[:port]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 8, max = 512))]
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
    #[schemars(length(max = 768))]
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

fn bucket() -> Rule {
    let message = "a bucket's name has lower-case letters, digits, '-' and '.', and begins and ends with a letter or digit";
    rule::form("bucket", "^[a-z0-9][a-z0-9.-]*[a-z0-9]$", message)
}

fn region() -> Rule {
    rule::form("region", "^[A-Za-z0-9-]+$", "a region has only letters, digits and '-', such as eu-central-1")
}

fn endpoint() -> Rule {
    let message = "endpoint must be a url with a host and perhaps a port and nothing else, such as https://minio.acme.example:9000";
    rule::form("endpoint", "^https?://[^/@?#]+/?$", message)
}

/// Who sends people's data in the clear says so.
fn encrypted() -> Rule {
    rule::field("endpoint", |it| format!("{it}.startsWith('https://') || has(self.insecure)"), PLAIN_ENDPOINT)
}

fn insecure_for_plain_endpoints() -> Rule {
    rule::field(
        "insecure",
        |_| "(has(self.endpoint) && self.endpoint.startsWith('http://'))".to_owned(),
        "insecure is for http:// endpoints; remove it",
    )
}

fn prefix() -> Rule {
    let message = "prefix is written as folders are, without a leading or a double slash, such as hr/export";
    rule::form("prefix", "^([^/]+(/[^/]+)*/?)?$", message)
}

/// What an unencrypted endpoint risks.
pub const PLAIN_ENDPOINT: &str = "a plain http:// endpoint sends people's data readable over the network: use https://, or, \
                                  where that is acceptable, insecure: PlaintextData";

fn default_region() -> String {
    "us-east-1".to_owned()
}

const fn default_timeout_seconds() -> i32 {
    30
}

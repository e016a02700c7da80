//! The settings of files on an SFTP server, as they stand in `spec.provider.csv.from.sftp`.

use kube::KubeSchema;
use kube::core::Rule;
use serde::{Deserialize, Serialize};

use crate::api::rule;
use crate::source::csv::files::{Files, default_settle_seconds};
use crate::source::material::SecretRef;

/// A directory on an SFTP server. Only listed and read: nothing is written, renamed or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = host(), validation = host_keys())]
pub struct SftpFolder {
    /// The server's name or address.
    #[schemars(length(min = 1, max = 253))]
    pub host: String,
    /// The server's port.
    #[serde(default = "default_port")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: i32,
    /// The account that signs in.
    #[schemars(length(min = 1, max = 64))]
    pub user: String,
    /// The keys by which the server is known: one of them must be the one that it proves to have.
    /// Each is written as `ssh-ed25519 AAAA...`, or as its fingerprint `SHA256:...`. During a
    /// change of keys, the old and the new one.
    #[schemars(
        length(min = 1, max = 8),
        inner(length(min = 20, max = 1024)),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub host_keys: Vec<String>,
    /// Secret with the key `password`, or with the key `privateKey` (OpenSSH or PKCS#8 PEM;
    /// Ed25519 or ECDSA) and, where that is encrypted, `passphrase`.
    pub credentials_secret_ref: SecretRef,
    /// The directory with the files: an absolute path, or one below where the account lands.
    #[serde(default = "default_directory")]
    #[schemars(length(min = 1, max = 1024))]
    pub directory: String,
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

/// A name or an address, without a port.
fn host() -> Rule {
    let message = "host is the server's name or address alone; the port stands in the field port";
    rule::form("host", "^[A-Za-z0-9._:-]+$", message)
}

/// Keys as `ssh-keyscan` prints them, or their fingerprints.
fn host_keys() -> Rule {
    let key =
        "^(SHA256:[A-Za-z0-9+/]{43}|(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}( .*)?)$";
    let message = "a host key is written as 'ssh-ed25519 AAAA...' or 'ecdsa-sha2-nistp256 AAAA...', which ssh-keyscan \
                   prints after the host's name, or as the fingerprint 'SHA256:...' of such a key; RSA keys are not supported";
    rule::field("hostKeys", |it| format!("{it}.all(key, key.matches(r'{key}'))"), message)
}

const fn default_port() -> i32 {
    22
}

fn default_directory() -> String {
    ".".to_owned()
}

const fn default_timeout_seconds() -> i32 {
    30
}

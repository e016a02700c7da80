//! The definitions of our kinds, made once for all tests of a process.

use std::sync::LazyLock;

use directory_sync::api::crd;
use serde_json::Value;

use super::cluster::Cluster;

static DEFINITIONS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    crd::all().unwrap().iter().map(|definition| serde_json::to_value(definition).unwrap()).collect()
});

/// All of them.
pub fn all() -> &'static [Value] {
    &DEFINITIONS
}

/// Installs the definitions, where they are missing.
pub async fn install(cluster: &Cluster) {
    cluster.install_crds(all()).await;
}

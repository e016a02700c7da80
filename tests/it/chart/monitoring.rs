//! The kinds of Prometheus Operator, which neither Kubernetes nor the chart defines.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

use crate::support::cluster::Cluster;
use crate::support::manifest;

static DEFINITIONS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("dev/monitoring-crds.sh");
    let output = Command::new(script).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "the definitions of Prometheus Operator's kinds could not be had");
    std::fs::read_dir(String::from_utf8(output.stdout).unwrap().trim_end())
        .unwrap()
        .flat_map(|file| manifest::parse(&std::fs::read_to_string(file.unwrap().path()).unwrap()))
        .map(|definition| serde_json::to_value(definition).unwrap())
        .collect()
});

/// Installs the definitions, where they are missing.
pub async fn install(cluster: &Cluster) {
    cluster.install_crds(&DEFINITIONS).await;
}

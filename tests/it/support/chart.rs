//! The chart's own rights, for operators that tests start.

use std::path::Path;
use std::process::{Command, Stdio};

use super::cluster::Cluster;
use super::manifest::{self, kind};

/// Applies the Role, the RoleBinding and the ServiceAccount that the chart renders for a release in
/// `namespace`.
pub async fn apply_roles(cluster: &Cluster, namespace: &str) {
    apply_roles_with(cluster, namespace, &[]).await;
}

/// As [`apply_roles`], with values as `--set` has them.
pub async fn apply_roles_with(cluster: &Cluster, namespace: &str, values: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let helm = Command::new(root.join("dev/tools.sh")).arg("helm").stderr(Stdio::inherit()).output().unwrap();
    assert!(helm.status.success(), "helm could not be built");
    let output = Command::new(String::from_utf8(helm.stdout).unwrap().trim_end())
        .args(["template", "directory-sync"])
        .arg(root.join("charts/directory-sync"))
        .args(["--namespace", namespace, "--kube-version", "v1.35.0"])
        .args(values.iter().flat_map(|value| ["--set", value]))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = manifest::parse(&String::from_utf8(output.stdout).unwrap());
    for object in
        objects.iter().filter(|object| matches!(kind(object), "ServiceAccount" | "Role" | "RoleBinding"))
    {
        manifest::apply(&cluster.client(), namespace, object, false)
            .await
            .unwrap_or_else(|error| panic!("applying the chart's {}: {error}", kind(object)));
    }
}

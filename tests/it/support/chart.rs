//! The chart's own rights, for operators that tests start.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use futures::future::join_all;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Client, ResourceExt};

use super::cluster::Cluster;
use super::manifest::{self, kind};

/// Stands where the name of the release's namespace goes.
const NAMESPACE: &str = "namespace-of-the-release";

/// The path of helm, built once.
pub static HELM: LazyLock<PathBuf> = LazyLock::new(|| {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("dev/tools.sh");
    let helm = Command::new(tools).arg("helm").stderr(Stdio::inherit()).output().unwrap();
    assert!(helm.status.success(), "helm could not be built");
    String::from_utf8(helm.stdout).unwrap().trim_end().into()
});

/// What the chart renders with each set of values, as text: hundreds of operators are started with the same.
static RENDERED: LazyLock<Mutex<HashMap<Vec<String>, Vec<String>>>> = LazyLock::new(Mutex::default);

/// Applies the Role, the RoleBinding and the ServiceAccount that the chart renders for a release in
/// `namespace`.
pub async fn apply_roles(cluster: &Cluster, namespace: &str) {
    apply_roles_with(cluster, namespace, &[]).await;
}

/// As [`apply_roles`], with values as `--set` has them.
pub async fn apply_roles_with(cluster: &Cluster, namespace: &str, values: &[&str]) {
    let client = cluster.client();
    let objects = roles(values).into_iter().map(|text| {
        let object: DynamicObject = serde_json::from_str(&text.replace(NAMESPACE, namespace)).unwrap();
        apply(client.clone(), namespace, object)
    });
    join_all(objects).await;
}

async fn apply(client: Client, namespace: &str, object: DynamicObject) {
    let types = object.types.clone().unwrap();
    let (group, version) = types.api_version.split_once('/').unwrap_or(("", &types.api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &types.kind));
    let api = Api::<DynamicObject>::namespaced_with(client, namespace, &resource);
    let params = PatchParams::apply("manifest").force().validation_strict();
    api.patch(&object.name_any(), &params, &Patch::Apply(&object))
        .await
        .unwrap_or_else(|error| panic!("applying the chart's {}: {error}", types.kind));
}

/// What gives the operator its rights, for the namespace [`NAMESPACE`].
fn roles(values: &[&str]) -> Vec<String> {
    let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
    let mut rendered = RENDERED.lock().unwrap_or_else(PoisonError::into_inner);
    rendered.entry(values).or_insert_with_key(|values| render(values)).clone()
}

fn render(values: &[String]) -> Vec<String> {
    let output = Command::new(&*HELM)
        .arg("template")
        .arg("directory-sync")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/directory-sync"))
        .args(["--namespace", NAMESPACE, "--kube-version", "v1.35.0"])
        .args(values.iter().flat_map(|value| ["--set", value]))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = manifest::parse(&String::from_utf8(output.stdout).unwrap());
    let roles =
        objects.iter().filter(|object| matches!(kind(object), "ServiceAccount" | "Role" | "RoleBinding"));
    roles.map(|object| serde_json::to_string(object).unwrap()).collect()
}

//! The Kubernetes control plane that all tests of one process share.
//!
//! It is real (etcd, kube-apiserver, kube-controller-manager), starts with the first test that asks
//! for it, and goes away with the process. There are no nodes, so no pod ever runs.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, ObjectMeta, Patch, PatchParams, PostParams,
};
use kube::config::Kubeconfig;
use kube::runtime::wait::{await_condition, conditions::is_crd_established};
use kube::{Client, Config, ResourceExt};
use serde::Deserialize;
use serde_json::Value;

use super::audit::{Audit, AuditMark};
use super::etcd;
use super::wait::eventually;

/// A cluster of its own for every process that runs tests; a [`Client`] of its own for every test.
pub struct Cluster {
    handout: Handout,
    kubeconfig: Kubeconfig,
    /// The clients of the runtimes that have asked for one: most tests ask many times.
    clients: Mutex<HashMap<tokio::runtime::Id, Client>>,
    crds: tokio::sync::Mutex<HashSet<String>>,
    // The cluster stops when its standard input ends. That happens when this process is gone, be it
    // by a panic or by SIGKILL, or when a cluster of a test's own is dropped.
    stdin: Mutex<Option<ChildStdin>>,
}

/// A cluster of one test's own, for what the others would notice; stops when dropped. A component
/// that ends is started again.
pub struct OwnCluster(&'static Cluster);

impl OwnCluster {
    /// Starts it, which takes some seconds and half a gigabyte.
    pub fn start() -> Self {
        let cluster =
            start(&["--restart"]).unwrap_or_else(|error| panic!("no cluster of its own: {error:#}"));
        // As the shared one, so that both can be used in the same way; it is small.
        Self(Box::leak(Box::new(cluster)))
    }

    pub const fn get(&self) -> &'static Cluster {
        self.0
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        drop(self.0.stdin.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// The line by which the cluster says that it is ready.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Handout {
    kubeconfig: PathBuf,
    audit_log: PathBuf,
    pids: HashMap<String, u32>,
}

impl Cluster {
    /// The cluster, started if need be. The very first start on a machine builds Kubernetes, which
    /// takes minutes.
    pub fn get() -> &'static Self {
        // A start that failed is kept too: the other tests would only fail the same way, one by
        // one.
        static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
        CLUSTER
            .get_or_init(|| start(&[]).map_err(|error| format!("{error:#}")))
            .as_ref()
            .unwrap_or_else(|error| panic!("no cluster to test with: {error}"))
    }

    /// The path of the administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.handout.kubeconfig
    }

    /// The id of a component's process, by the component's name: `etcd`, `kube-apiserver`.
    pub fn process(&self, component: &str) -> u32 {
        self.handout.pids[component]
    }

    /// A client of the user `admin`, who may do everything. A client's connections belong to the
    /// runtime in which it was made, and each test has its own runtime, so each has its own client:
    /// never keep one in a static.
    pub fn client(&self) -> Client {
        let runtime = tokio::runtime::Handle::current().id();
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(runtime).or_insert_with(|| connect(self.administrator())).clone()
    }

    /// A new client of whoever `token` stands for.
    pub fn client_as(&self, token: &str) -> Client {
        let mut kubeconfig = self.administrator();
        for user in &mut kubeconfig.auth_infos {
            user.auth_info.get_or_insert_default().token = Some(token.to_owned().into());
        }
        connect(kubeconfig)
    }

    /// A token of an existing service account, as a pod would have it.
    pub async fn service_account_token(&self, namespace: &str, name: &str) -> String {
        let request = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(3600), ..Default::default() },
            ..Default::default()
        };
        Api::<ServiceAccount>::namespaced(self.client(), namespace)
            .create_token_request(name, &PostParams::default(), &request)
            .await
            .unwrap_or_else(|error| panic!("a token for {namespace}/{name}: {error}"))
            .status
            .expect("an answered token request has a status")
            .token
    }

    /// Makes a namespace that no other test has and returns its name, `PREFIX-` and something. It
    /// is never removed, since the cluster is thrown away with it.
    pub async fn namespace(&self, prefix: &str) -> String {
        let namespace = Namespace {
            metadata: ObjectMeta { generate_name: Some(format!("{prefix}-")), ..Default::default() },
            ..Default::default()
        };
        Api::<Namespace>::all(self.client())
            .create(&PostParams::default(), &namespace)
            .await
            .unwrap_or_else(|error| panic!("a namespace {prefix}-*: {error}"))
            .name_any()
    }

    /// Applies CustomResourceDefinitions that are not there yet, and returns when all of them can
    /// be used.
    pub async fn install_crds(&self, crds: &[Value]) {
        // Held to the end: a test that comes second may only go on when the first has seen them
        // work.
        let mut installed = self.crds.lock().await;
        for crd in crds {
            let name = crd["metadata"]["name"].as_str().expect("a CRD has a name").to_owned();
            if !installed.contains(&name) {
                install_crd(&self.client(), &name, crd)
                    .await
                    .unwrap_or_else(|error| panic!("installing the CRD {name}: {error:#}"));
                installed.insert(name);
            }
        }
    }

    /// Has etcd say that its quota is used up, or that there is room again: the alarm that it raises by itself
    /// when a write does not fit, by its own API.
    pub fn storage_is_full(&self, full: bool) {
        let folder = self.handout.audit_log.parent().expect("it is in the cluster's folder");
        etcd::alarm(folder, full);
    }

    /// Where the audit log ends now, for [`Self::audit_since`].
    pub fn audit_mark(&self) -> AuditMark {
        AuditMark::end_of(&self.handout.audit_log)
    }

    /// All requests in a namespace since `mark`, by everybody.
    pub fn audit_since(&self, mark: AuditMark, namespace: &str) -> Audit {
        Audit::read(&self.handout.audit_log, mark, namespace)
    }

    /// The content of [`Self::kubeconfig`].
    pub fn administrator(&self) -> Kubeconfig {
        self.kubeconfig.clone()
    }
}

fn connect(kubeconfig: Kubeconfig) -> Client {
    let mut config = Config::try_from(kubeconfig).expect("the cluster wrote a usable kubeconfig");
    // A proxy of the developer's environment does not lead to this machine's loopback.
    config.proxy_url = None;
    Client::try_from(config).expect("a client for the cluster")
}

async fn install_crd(client: &Client, name: &str, crd: &Value) -> anyhow::Result<()> {
    const LIMIT: Duration = Duration::from_secs(60);
    let definitions = Api::<CustomResourceDefinition>::all(client.clone());
    definitions.patch(name, &PatchParams::apply("tests").force(), &Patch::Apply(crd)).await?;
    tokio::time::timeout(LIMIT, await_condition(definitions, name, is_crd_established()))
        .await
        .context("not established in time")??;

    let text = |pointer: &str| crd.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let versions = crd["spec"]["versions"].as_array().context("the CRD has no versions")?;
    for version in versions.iter().filter(|version| version["served"] == true) {
        let version = version["name"].as_str().context("a version has no name")?;
        let kind = GroupVersionKind::gvk(text("/spec/group"), version, text("/spec/names/kind"));
        let resource = ApiResource::from_gvk_with_plural(&kind, text("/spec/names/plural"));
        let objects = Api::<DynamicObject>::all_with(client.clone(), &resource);
        // For a moment after it says "established", the apiserver still answers 404.
        eventually("the new kind is served", LIMIT, async || {
            objects.list(&ListParams::default().limit(1)).await.map(drop).map_err(|error| error.to_string())
        })
        .await;
    }
    Ok(())
}

fn start(arguments: &[&str]) -> anyhow::Result<Cluster> {
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("dev/cluster/build.sh");
    let built = Command::new(&build)
        .stderr(Stdio::inherit()) // it says what takes so long
        .output()
        .with_context(|| format!("running {}", build.display()))?;
    if !built.status.success() {
        bail!("{} failed: {}", build.display(), built.status);
    }
    let binary = String::from_utf8(built.stdout)?;

    let folder = tempfile::Builder::new().prefix("directory-sync-cluster-").tempdir()?.keep();
    let mut command = Command::new(binary.trim_end());
    command.args(["up", "--audit"]).args(arguments).arg("--dir").arg(&folder);
    // The logs, for who wants to read them afterwards.
    if std::env::var_os("DIRECTORY_SYNC_KEEP_CLUSTER").is_some() {
        eprintln!("the cluster's files stay in {}", folder.display());
    } else {
        command.arg("--remove");
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting the cluster")?;

    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("it was piped")).read_line(&mut line)?;
    if line.is_empty() {
        let mut complaint = String::new();
        child.stderr.take().expect("it was piped").read_to_string(&mut complaint)?;
        bail!("the cluster did not start: {complaint}");
    }
    let handout: Handout =
        serde_json::from_str(&line).with_context(|| format!("the cluster said {line:?}"))?;
    let kubeconfig = Kubeconfig::read_from(&handout.kubeconfig)?;
    let stdin = Mutex::new(child.stdin.take());
    report(child);
    Ok(Cluster { handout, kubeconfig, clients: Mutex::default(), crds: tokio::sync::Mutex::default(), stdin })
}

/// Shows what the cluster has to say from now on, which is why it ended when it should not have.
fn report(mut child: Child) {
    std::thread::spawn(move || {
        for line in BufReader::new(child.stderr.take().expect("it was piped")).lines().map_while(Result::ok) {
            eprintln!("{line}");
        }
        let _ = child.wait();
    });
}

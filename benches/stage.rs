//! A namespace with an operator and one Directory in it, as a user has them.

use std::time::{Duration, Instant};

use directory_sync::api::Directory;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::runtime::wait::await_condition;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::floor;
use crate::process::Process;
use crate::reading::SECRET;
use crate::support::audit::{Audit, AuditMark};
use crate::support::cluster::Cluster;
use crate::support::ldap::{PASSWORD, READER};
use crate::support::operator::Operator;
use crate::support::wait::eventually;

/// The Directory's name.
const DIRECTORY: &str = "acme";
/// How long a sync may take.
const LIMIT: Duration = Duration::from_secs(600);

/// All of it; the operator ends with it.
pub struct Stage {
    /// The namespace.
    pub namespace: String,
    operator: Operator,
}

/// A sync, as the operator's log tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    /// `Full`, `Delta` or `Replan`.
    pub kind: String,
    /// How long it took, in milliseconds.
    #[serde(rename = "duration_ms")]
    pub milliseconds: f64,
}

impl Stage {
    /// An operator without a Directory. All stages' namespaces have names of one length.
    pub async fn new() -> Self {
        let cluster = Cluster::get();
        let namespace = namespace().await;
        let operator = Operator::start_with(cluster, &namespace, &["--log-format=json"]).await;
        let stage = Self { namespace, operator };
        stage.secret(SECRET, json!({"bindDN": READER, "password": PASSWORD})).await;
        stage
    }

    /// Creates a Secret.
    pub async fn secret(&self, name: &str, data: Value) {
        let secret = json!({"metadata": {"name": name}, "stringData": data});
        let secret: Secret = serde_json::from_value(secret).unwrap();
        let secrets = Api::<Secret>::namespaced(Cluster::get().client(), &self.namespace);
        secrets.create(&PostParams::default(), &secret).await.unwrap();
    }

    /// Creates the Directory; returns the moment before.
    pub async fn apply(&self, ldap: &Value, interval: &str) -> Instant {
        self.apply_as(&json!({"ldap": ldap}), interval, "Objects").await
    }

    /// As [`Stage::apply`], with any provider and an output mode.
    pub async fn apply_as(&self, provider: &Value, interval: &str, mode: &str) -> Instant {
        let directory = json!({
            "apiVersion": "directory-sync.io/v1alpha1", "kind": "Directory",
            "metadata": {"name": DIRECTORY},
            "spec": {
                "provider": provider,
                "sync": {"interval": interval},
                "output": {"mode": mode},
            },
        });
        let directory: Directory = serde_json::from_value(directory).unwrap();
        let directories = self.directories();
        // The apiserver keeps creations waiting for two seconds after a definition is new.
        let only_asked = PostParams { dry_run: true, ..PostParams::default() };
        directories.create(&only_asked, &directory).await.unwrap();
        let begun = Instant::now();
        directories.create(&PostParams::default(), &directory).await.unwrap();
        begun
    }

    /// Changes the Directory's spec; returns the moment before.
    pub async fn patch(&self, spec: Value) -> Instant {
        let directories = self.directories();
        let begun = Instant::now();
        let patch = Patch::Merge(json!({"spec": spec}));
        directories.patch(DIRECTORY, &PatchParams::default(), &patch).await.unwrap();
        begun
    }

    /// Waits until the Directory says that its present spec is synced; returns the moment.
    pub async fn ready(&self) -> Instant {
        let synced = await_condition(self.directories(), DIRECTORY, |directory: Option<&Directory>| {
            directory.is_some_and(|directory| {
                let status = directory.status.clone().unwrap_or_default();
                status.observed_generation == directory.metadata.generation
                    && status
                        .conditions
                        .iter()
                        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
            })
        });
        match tokio::time::timeout(LIMIT, synced).await {
            Ok(Ok(_)) => Instant::now(),
            other => panic!("the Directory does not become ready: {other:?}\n{}", self.operator.log()),
        }
    }

    /// The syncs so far.
    pub fn runs(&self) -> Vec<Run> {
        let log = self.operator.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines
            .filter(|line| line["message"] == "synced")
            .map(|line| serde_json::from_value(line).unwrap())
            .collect()
    }

    /// Waits for the next sync of a kind that ends; says how many ended until then, itself counted.
    pub async fn next(&self, kind: &str) -> (Run, usize) {
        let before = self.runs().len();
        eventually("the next sync ends", LIMIT, async || {
            let runs = self.runs();
            let found = runs.iter().enumerate().skip(before).find(|(_, run)| run.kind == kind);
            found.map(|(place, run)| (run.clone(), place + 1 - before)).ok_or_else(|| self.operator.log())
        })
        .await
    }

    /// The operator's process.
    pub fn process(&self) -> Process {
        Process::of(self.operator.id())
    }

    /// What the operator has asked of the apiserver since, but for its Lease, which it renews every two
    /// seconds whatever it does.
    pub fn requests_since(&self, mark: AuditMark) -> Audit {
        let account = format!("system:serviceaccount:{}:directory-sync", self.namespace);
        let requests = Cluster::get().audit_since(mark, &self.namespace).by(&account);
        requests.filter(|event| event.object_ref.resource != "leases")
    }

    /// Ends the operator and removes its objects.
    pub async fn clear(self) {
        drop(self.operator);
        floor::clear(&self.namespace).await;
    }

    fn directories(&self) -> Api<Directory> {
        Api::namespaced(Cluster::get().client(), &self.namespace)
    }
}

/// A new namespace. All have names of one length, so that all objects have one size.
pub async fn namespace() -> String {
    Cluster::get().namespace("bench").await
}

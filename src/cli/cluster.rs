//! What commands about a Directory read of the cluster: the Directory, its checkpoint, and who its
//! mirrors are.

use std::collections::HashMap;

use anyhow::{Context, anyhow, bail};
use kube::api::{Api, DynamicObject, ListParams};
use kube::discovery::ApiResource;
use kube::{Client, ResourceExt};
use serde_json::Value;

use crate::api::{Directory, DirectoryCheckpoint, DirectoryGroup, DirectoryUser, LABEL_DIRECTORY};
use crate::cluster::client::explain;
use crate::telemetry::{self, LogFormat};

/// Objects in one answer of the apiserver.
const PAGE: u32 = 500;

/// Which Directory a command is about.
#[derive(Clone, Debug, clap::Args)]
pub struct Which {
    /// Name of the Directory.
    directory: String,
    /// Its namespace; default: the kubeconfig's.
    #[arg(short, long)]
    namespace: Option<String>,
}

/// Form of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Table,
    /// One JSON object.
    Json,
}

/// A Directory in a cluster.
pub struct Found {
    client: Client,
    /// The Directory as it is now.
    pub directory: Directory,
    /// Its namespace.
    pub namespace: String,
}

/// Runs a command against the cluster of the current kubeconfig.
///
/// # Errors
/// The command's own; when there is no cluster, or no such Directory in it.
pub fn with_directory<T>(
    which: &Which,
    command: impl AsyncFnOnce(Found) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    telemetry::init(LogFormat::Text, "warn")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { command(Found::read(which).await?).await })
}

impl Found {
    async fn read(which: &Which) -> anyhow::Result<Self> {
        // The error's own text holds its causes already.
        let config = kube::Config::infer().await.map_err(|error| {
            anyhow!("no cluster: this needs a kubeconfig (KUBECONFIG, ~/.kube/config): {error}")
        })?;
        let namespace = which.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config)?;
        let directories: Api<Directory> = Api::namespaced(client.clone(), &namespace);
        let found = directories.get_opt(&which.directory).await.map_err(|error| anyhow!(explain(&error)))?;
        match found {
            Some(directory) => Ok(Self { client, directory, namespace }),
            None => bail!(
                "there is no Directory {} in namespace {namespace}; name another with --namespace",
                which.directory
            ),
        }
    }

    /// The Directory's name.
    pub fn name(&self) -> String {
        self.directory.name_any()
    }

    /// The way to Directories, for changing this one.
    pub fn directories(&self) -> Api<Directory> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The Directory's checkpoint, if there is one; the error is a sentence.
    pub async fn checkpoint(&self) -> Result<Option<DirectoryCheckpoint>, String> {
        let checkpoints: Api<DirectoryCheckpoint> = Api::namespaced(self.client.clone(), &self.namespace);
        checkpoints.get_opt(&self.name()).await.map_err(|error| explain(&error))
    }

    /// User names and display names of the Directory's mirrors, by object name.
    ///
    /// # Errors
    /// When the apiserver does not answer, or refuses.
    pub async fn names(&self) -> anyhow::Result<HashMap<String, String>> {
        let kinds = [
            (ApiResource::erase::<DirectoryUser>(&()), ["userName", "email"]),
            (ApiResource::erase::<DirectoryGroup>(&()), ["displayName", "displayName"]),
        ];
        let mut names = HashMap::new();
        for (kind, fields) in kinds {
            let objects: Api<DynamicObject> =
                Api::namespaced_with(self.client.clone(), &self.namespace, &kind);
            let label = format!("{LABEL_DIRECTORY}={}", self.name());
            let mut which = ListParams::default().labels(&label).limit(PAGE);
            loop {
                let page = objects.list(&which).await.with_context(|| format!("listing {}", kind.plural))?;
                for object in &page {
                    let text = |field: &&str| object.data["spec"][*field].as_str().map(str::to_owned);
                    names.insert(object.name_any(), fields.iter().find_map(text).unwrap_or_default());
                }
                match page.metadata.continue_.filter(|token| !token.is_empty()) {
                    Some(token) => which.continue_token = Some(token),
                    None => break,
                }
            }
        }
        Ok(names)
    }
}

/// A result as JSON.
pub fn json(value: &Value) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// A number of things in words.
pub fn counted(count: i64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

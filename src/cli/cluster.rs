//! What commands about a Directory read of the cluster: the Directory, its checkpoint, and who its
//! mirrors are.

use std::collections::HashMap;

use anyhow::{Context, anyhow, bail};
use kube::api::Api;
use kube::{Client, ResourceExt};

use crate::api::{Directory, DirectoryCheckpoint};
use crate::cluster::client::{explain, explain_at};
use crate::cluster::config;
use crate::cluster::mirrors::{Place, ReadError};
use crate::model::Kind;
use crate::telemetry;

/// Which Directory a command is about.
#[derive(Clone, Debug, clap::Args)]
pub struct Which {
    /// Name of the Directory.
    directory: String,
    /// Its namespace; default: the kubeconfig's.
    #[arg(short, long)]
    namespace: Option<String>,
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
    telemetry::init_for_command()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { command(Found::read(which).await?).await })
}

impl Found {
    async fn read(which: &Which) -> anyhow::Result<Self> {
        // The error's own text holds its causes already.
        let config = config::infer().await.map_err(|error| {
            anyhow!("no cluster: this needs a kubeconfig (KUBECONFIG, ~/.kube/config): {error}")
        })?;
        let namespace = which.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let url = config.cluster_url.clone();
        let client = Client::try_from(config)?;
        let directories: Api<Directory> = Api::namespaced(client.clone(), &namespace);
        let found = directories.get_opt(&which.directory).await;
        let found = found.map_err(|error| anyhow!(explain_at(&error, &url)))?;
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

    /// The way to the mirrors of the Directory, whose name is given.
    pub fn mirrors<'a>(&'a self, directory: &'a str) -> Place<'a> {
        Place { client: &self.client, namespace: &self.namespace, directory }
    }

    /// User names and display names of the Directory's mirrors, by object name.
    ///
    /// # Errors
    /// When the apiserver does not answer, or refuses.
    pub async fn names(&self) -> anyhow::Result<HashMap<String, String>> {
        let mut names = HashMap::new();
        let directory = self.name();
        let place = self.mirrors(&directory);
        for (kind, fields) in [(Kind::User, ["userName", "email"]), (Kind::Group, ["displayName"; 2])] {
            let visit = place.visit::<ReadError>(kind, |mirrored| {
                let text = |field: &&str| mirrored.spec.get(*field)?.as_str().map(str::to_owned);
                let text = fields.iter().find_map(text).unwrap_or_default();
                names.insert(mirrored.name, text);
                Ok(())
            });
            visit.await.with_context(|| format!("reading each {kind}"))?;
        }
        Ok(names)
    }
}

/// A number of things in words.
pub fn counted(count: i64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

//! Writes a package: shards first, the index last, and then what no index names any more.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client};
use tokio_util::sync::CancellationToken;

use super::object;
use super::package::{Package, PackageError};
use crate::api::{FIELD_MANAGER, LABEL_CONTENT, LABEL_DIRECTORY};
use crate::cluster::client::explain;
use crate::sink::object::Owner;

/// Writes the ConfigMaps of one Directory.
pub struct Publisher<'a> {
    /// Client for reads and writes.
    pub client: &'a Client,
    /// Whose people and groups.
    pub owner: &'a Owner,
    /// Ends the writing between two requests.
    pub cancel: &'a CancellationToken,
}

/// What is known before a package is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// A ConfigMap of another name is there from before.
    pub renamed: bool,
    /// No shards are there but perhaps those that the index names.
    pub tidy: bool,
}

/// Why the ConfigMap is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The operator lacks a right.
    #[error(
        "the operator may not write ConfigMaps in this namespace ({0}); set the chart's value \
         configMapOutput.enabled to true, or grant its ServiceAccount get, create, update and deletecollection on them"
    )]
    NotAllowed(String),
    /// Somebody else's ConfigMap has the name.
    #[error(
        "the ConfigMap {0} is there and was not written for this Directory, so it is left alone; choose another \
         spec.output.configMap.name, or delete it"
    )]
    NotOurs(String),
    /// It cannot be put into ConfigMaps.
    #[error("the ConfigMap stays as it was: {0}")]
    Package(#[from] PackageError),
    /// A request failed.
    #[error(
        "the ConfigMap {name} could not be brought up to date and is tried again in the next sync: {reason}"
    )]
    Failed {
        /// The ConfigMap.
        name: String,
        /// What went wrong.
        reason: String,
    },
    /// The Directory is gone, or the operator stops.
    #[error("cancelled")]
    Cancelled,
}

impl PublishError {
    /// A request about a ConfigMap that failed.
    #[must_use]
    pub fn failed(name: &str, error: &kube::Error) -> Self {
        match error {
            // An admission plug-in, a quota for one, answers 403 as well.
            kube::Error::Api(status) if status.code == 403 && status.message.contains(" cannot ") => {
                Self::NotAllowed(status.message.clone())
            }
            error => Self::Failed { name: name.to_owned(), reason: explain(error) },
        }
    }

    /// The word for conditions.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotAllowed(_) => "ConfigMapNotAllowed",
            Self::NotOurs(_) => "ConfigMapNotOurs",
            Self::Package(_) => "ConfigMapTooLarge",
            Self::Failed { .. } => "ConfigMapNotWritten",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// Deletes every ConfigMap that was written for a Directory and does not belong to one of some
/// contents, in one request.
///
/// # Errors
/// When the apiserver refuses.
pub async fn delete_but(
    config_maps: &Api<ConfigMap>,
    directory: &str,
    contents: &[&str],
) -> Result<(), kube::Error> {
    let mut which = format!("{LABEL_DIRECTORY}={directory},{LABEL_CONTENT}");
    if !contents.is_empty() {
        which = format!("{which},{LABEL_CONTENT} notin ({})", contents.join(","));
    }
    let which = ListParams::default().labels(&which);
    config_maps.delete_collection(&DeleteParams::default(), &which).await.map(drop)
}

impl Publisher<'_> {
    /// Brings the cluster in step with a package. Returns whether no shards are left but those that
    /// the index names.
    ///
    /// # Errors
    /// See [`PublishError`]. Until the index is written, it and the shards that it names are as they
    /// were.
    pub async fn publish(&self, package: &Package, known: Known) -> Result<bool, PublishError> {
        let name = package.name.as_str();
        let found = self.ours(name).await?;
        for file in package.shards() {
            let shard = object::shard(self.owner, package, file);
            let found = self.ours(&file.config_map).await?;
            self.write(&file.config_map, found.as_ref(), shard).await?;
        }
        let index = object::index(self.owner, package);
        self.write(name, found.as_ref(), index).await?;

        let before = found.as_ref().and_then(object::content).unwrap_or(&package.content);
        let new = before != package.content;
        let was_sharded = new && found.as_ref().is_some_and(object::is_sharded);
        if known.renamed || (new && !known.tidy) {
            self.remove_but(&[&package.content, before]).await?;
            return Ok(!was_sharded && package.shards().next().is_none());
        }
        Ok(known.tidy && !was_sharded && package.shards().next().is_none())
    }

    /// Deletes every ConfigMap that was written for the Directory.
    ///
    /// # Errors
    /// When the apiserver refuses.
    pub async fn remove(&self) -> Result<(), PublishError> {
        self.remove_but(&[]).await
    }

    /// Deletes every ConfigMap that was written for the Directory and does not belong to one of some
    /// contents. The shards of the content before stay once, for readers who hold its index.
    async fn remove_but(&self, contents: &[&str]) -> Result<(), PublishError> {
        let deleted = delete_but(&self.api(), &self.owner.directory, contents).await;
        deleted.map_err(|error| PublishError::failed("of before", &error))
    }

    /// The ConfigMap of a name, if there is one.
    async fn ours(&self, name: &str) -> Result<Option<ConfigMap>, PublishError> {
        if self.cancel.is_cancelled() {
            return Err(PublishError::Cancelled);
        }
        let found = self.api().get_opt(name).await.map_err(|error| PublishError::failed(name, &error))?;
        match found {
            Some(found) if !object::is_ours(self.owner, &found.metadata) => {
                Err(PublishError::NotOurs(name.to_owned()))
            }
            found => Ok(found),
        }
    }

    async fn write(
        &self,
        name: &str,
        found: Option<&ConfigMap>,
        wanted: ConfigMap,
    ) -> Result<(), PublishError> {
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let written = match found {
            None => self.api().create(&params, &wanted).await,
            Some(found) => match object::changed(found, &wanted) {
                None => return Ok(()),
                // With the resource version that was read: what others do meanwhile is not lost.
                Some(changed) => self.api().replace(name, &params, &changed).await,
            },
        };
        written.map(drop).map_err(|error| PublishError::failed(name, &error))
    }

    fn api(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), &self.owner.namespace)
    }
}

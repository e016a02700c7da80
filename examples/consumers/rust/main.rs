//! Keeps a table of one Directory's people and their groups in step with the cluster, as an
//! application would. `consumer DIRECTORY FILE`, or `configmap/NAME` for DIRECTORY; README.md beside
//! this file says more.

mod files;
mod formats;
mod mirrors;
mod replica;
mod slices;
mod table;

use std::path::PathBuf;

use anyhow::{Context, bail};
use kube::Client;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut arguments = std::env::args().skip(1);
    let (Some(source), Some(file)) = (arguments.next(), arguments.next().map(PathBuf::from)) else {
        bail!("usage: consumer DIRECTORY|configmap/NAME FILE");
    };
    // In a pod, its ServiceAccount and namespace; elsewhere those of the kubeconfig.
    let client = Client::try_default().await.context("there is no cluster to watch")?;
    match source.strip_prefix("configmap/") {
        Some(config_map) => files::follow(&client, config_map, &file).await,
        None => mirrors::follow(&client, &source, &file).await,
    }
}

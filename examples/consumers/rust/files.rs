//! People and groups as a ConfigMap has them (`spec.output.configMap` of a Directory), alone or as
//! the index of others.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use flate2::read::GzDecoder;
use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep_until};

use super::formats::{self, Format};
use super::table::{self, Group, User};

/// How long until another attempt.
const PAUSE: Duration = Duration::from_secs(1);

/// Which files there are.
#[derive(Debug, Deserialize)]
struct Index {
    format: Format,
    gzip: bool,
    files: Vec<File>,
}

/// One of people or of groups.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    config_map: String,
    key: String,
    kind: Kind,
    sha256: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    User,
    Group,
}

type Everybody = (HashMap<String, User>, HashMap<String, Group>);

/// Keeps the table in a file in step with the ConfigMap of a name. Those that it is the index of have
/// other names for each content, so they need not be watched.
pub async fn follow(client: &Client, name: &str, file: &Path) -> anyhow::Result<()> {
    let config_maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let mut events = pin!(watcher::watch_object(config_maps.clone(), name).default_backoff());
    let mut last: Option<ConfigMap> = None;
    // When the files are to be read, if anything has changed.
    let mut due: Option<Instant> = None;
    loop {
        tokio::select! {
            Some(event) = events.next() => match event {
                Ok(Some(found)) => {
                    last = Some(found);
                    due = Some(Instant::now());
                }
                // It says nothing about anybody, so the table stays.
                Ok(None) => {
                    (last, due) = (None, None);
                    tracing::warn!("the ConfigMap is not there; its files are read again when it is");
                }
                Err(error) => tracing::warn!(%error, "the watch broke off and is opened again"),
            },
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                due = None;
                let Some(found) = &last else { continue };
                match read(&config_maps, name, found).await {
                    Ok((users, groups)) => {
                        table::write(file, &table::rows(&users, &groups)).context("the table could not be written")?;
                        tracing::info!(people = users.len(), groups = groups.len(), "the table is up to date");
                    }
                    Err(error) => {
                        tracing::warn!("the files are read again: {error:#}");
                        due = Some(Instant::now() + PAUSE);
                    }
                }
            }
        }
    }
}

/// Reads all files that an index names: all of them, or none.
async fn read(config_maps: &Api<ConfigMap>, name: &str, found: &ConfigMap) -> anyhow::Result<Everybody> {
    let text = found.data.as_ref().and_then(|data| data.get("index.json")).context("there is no index")?;
    let index: Index = serde_json::from_str(text).context("the index cannot be read")?;
    let (mut users, mut groups) = Everybody::default();
    for file in &index.files {
        let content = if file.config_map == name {
            content(found, file, index.gzip)
        } else {
            content(&config_maps.get(&file.config_map).await?, file, index.gzip)
        };
        let content = content.with_context(|| format!("{} of {}", file.key, file.config_map))?;
        match file.kind {
            Kind::User => users.extend(formats::records(index.format, &content)?),
            Kind::Group => groups.extend(formats::records(index.format, &content)?),
        }
    }
    Ok((users, groups))
}

/// A file's content, if it is the one that the index means. Otherwise there is a new content, and its
/// index is about to come.
fn content(holder: &ConfigMap, file: &File, compressed: bool) -> anyhow::Result<Vec<u8>> {
    let text = || holder.data.as_ref()?.get(&file.key).map(String::as_bytes);
    let binary = || holder.binary_data.as_ref()?.get(&file.key).map(|bytes| bytes.0.as_slice());
    let Some(bytes) = binary().or_else(text) else { bail!("it is not there") };
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(bytes));
    ensure!(hash == file.sha256, "it is another one than the index says");
    if !compressed {
        return Ok(bytes.to_vec());
    }
    let mut content = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut content)?;
    Ok(content)
}

//! Keeps a table of one Directory's people and their groups in step with the cluster, as an
//! application would. `consumer DIRECTORY FILE`; README.md beside this file says more.

mod replica;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use kube::api::{ApiResource, GroupVersionKind};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep_until};

use replica::{Mirror, Replica};
use table::{Group, User};

/// How long the table waits after a change for others that come with it: a sync may change many
/// mirrors. Those that come later do not put it off, or in a busy hour it would never be written.
const GATHER: Duration = Duration::from_millis(200);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut arguments = std::env::args().skip(1);
    let (Some(directory), Some(file)) = (arguments.next(), arguments.next().map(PathBuf::from)) else {
        bail!("usage: consumer DIRECTORY FILE");
    };
    // In a pod, its ServiceAccount and namespace; elsewhere those of the kubeconfig.
    let client = Client::try_default().await.context("there is no cluster to watch")?;
    let mut user_events = watch::<User>(&client, "DirectoryUser", "directoryusers", &directory);
    let mut group_events = watch::<Group>(&client, "DirectoryGroup", "directorygroups", &directory);

    let (mut users, mut groups) = (Replica::default(), Replica::default());
    // When the table is to be written, if anything has changed.
    let mut due: Option<Instant> = None;
    loop {
        let changed = tokio::select! {
            Some(event) = user_events.next() => users.note(event),
            Some(event) = group_events.next() => groups.note(event),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                // Nothing is written before both lists are complete: half a list is not a smaller company.
                if let (Some(users), Some(groups)) = (users.objects(), groups.objects()) {
                    table::write(&file, &table::rows(users, groups)).context("the table could not be written")?;
                    tracing::info!(people = users.len(), groups = groups.len(), "the table is up to date");
                }
                due = None;
                false
            }
        };
        if changed {
            due.get_or_insert_with(|| Instant::now() + GATHER);
        }
    }
}

/// What happens to the mirrors of one kind and Directory: first a list of them, then each change.
/// Errors are told and the watch goes on by itself, with a new list where the old one has expired.
fn watch<S>(
    client: &Client,
    kind: &str,
    plural: &str,
    directory: &str,
) -> BoxStream<'static, watcher::Result<watcher::Event<Mirror<S>>>>
where
    S: Clone + std::fmt::Debug + DeserializeOwned + Send + Sync + 'static,
{
    let kind = GroupVersionKind::gvk("directory-sync.io", "v1alpha1", kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, plural);
    let mirrors: Api<Mirror<S>> = Api::default_namespaced_with(client.clone(), &resource);
    let of_directory = watcher::Config::default().labels(&format!("directory-sync.io/directory={directory}"));
    watcher(mirrors, of_directory).default_backoff().into_stream().boxed()
}

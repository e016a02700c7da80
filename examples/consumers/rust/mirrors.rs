//! People and groups as the mirrors of one Directory have them.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use kube::api::{ApiResource, GroupVersionKind};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep_until};

use super::replica::{Mirror, Replica};
use super::table::{self, Group, User};

/// How long the table waits after a change for others that come with it: a sync may change many
/// mirrors. Those that come later do not put it off, or in a busy hour it would never be written.
const GATHER: Duration = Duration::from_millis(200);

/// Keeps the table in a file in step with the mirrors of a Directory.
pub async fn follow(client: &Client, directory: &str, file: &Path) -> anyhow::Result<()> {
    let mut user_events = watch::<User>(client, "DirectoryUser", "directoryusers", directory);
    let mut group_events = watch::<Group>(client, "DirectoryGroup", "directorygroups", directory);

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
                    table::write(file, &table::rows(users, groups)).context("the table could not be written")?;
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

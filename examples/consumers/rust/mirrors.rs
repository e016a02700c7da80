//! People and groups as the mirrors of one Directory have them, in whatever form: an object each, or
//! many in a slice.
//!
//! The form may change while nobody is watching, and two watches have no order between them. So before
//! objects are believed, the manifest is asked for: as long as it is there, the slices are what counts. It
//! appears before objects are deleted, and goes after they have been created again.

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
use super::slices::{self, Slice};
use super::table::{self, Group, User};

/// How long the table waits after a change for others that come with it: a sync may change many
/// mirrors. Those that come later do not put it off, or in a busy hour it would never be written.
const GATHER: Duration = Duration::from_millis(200);
/// How long until another attempt.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps the table in a file in step with the mirrors of a Directory.
pub async fn follow(client: &Client, directory: &str, file: &Path) -> anyhow::Result<()> {
    let mut mirrors = Mirrors::of(client, directory);
    // When the table is to be written, if anything has changed.
    let mut due: Option<Instant> = None;
    loop {
        let changed = tokio::select! {
            changed = mirrors.changed() => changed,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                due = None;
                if let Err(error) = mirrors.write(file).await {
                    tracing::warn!("it is tried again: {error:#}");
                    due = Some(Instant::now() + PAUSE);
                }
                false
            }
        };
        if changed {
            due.get_or_insert_with(|| Instant::now() + GATHER);
        }
    }
}

/// What happens to the mirrors of one kind.
type Events<S> = BoxStream<'static, watcher::Result<watcher::Event<Mirror<S>>>>;

/// The objects of one kind, followed.
struct Followed<S: Clone> {
    events: Events<S>,
    now: Replica<S>,
}

impl<S> Followed<S>
where
    S: Clone + std::fmt::Debug + DeserializeOwned + Send + Sync + 'static,
{
    fn new(client: &Client, kind: &str, plural: &str, directory: &str) -> Self {
        Self { events: watch(client, kind, plural, directory), now: Replica::default() }
    }

    /// Takes note of the next event, and says whether it may have changed the objects.
    async fn changed(&mut self) -> bool {
        match self.events.next().await {
            Some(event) => self.now.note(event),
            None => std::future::pending().await,
        }
    }
}

/// The mirrors of a Directory.
struct Mirrors {
    client: Client,
    directory: String,
    slices: Followed<Slice>,
    /// People and groups as objects, followed when there is no manifest.
    objects: Option<(Followed<User>, Followed<Group>)>,
}

impl Mirrors {
    fn of(client: &Client, directory: &str) -> Self {
        let slices = Followed::new(client, "DirectorySlice", "directoryslices", directory);
        Self { client: client.clone(), directory: directory.to_owned(), slices, objects: None }
    }

    async fn changed(&mut self) -> bool {
        match &mut self.objects {
            None => self.slices.changed().await,
            Some((users, groups)) => tokio::select! {
                changed = self.slices.changed() => changed,
                changed = users.changed() => changed,
                changed = groups.changed() => changed,
            },
        }
    }

    /// Writes the table, if people and groups are known.
    async fn write(&mut self, file: &Path) -> anyhow::Result<()> {
        let slices: Api<Mirror<Slice>> = api(&self.client, "DirectorySlice", "directoryslices");
        if slices.get_metadata_opt(&slices::manifest_of(&self.directory)).await?.is_some() {
            self.objects = None;
            let slices = self.slices.now.objects();
            let read = slices.map(|slices| slices::read(&self.directory, slices)).transpose()?.flatten();
            let Some((users, groups)) = read else { return Ok(()) };
            return write(file, &table::rows(&users, &groups));
        }
        let Some((users, groups)) = &self.objects else {
            // Listed from now on, after the manifest was seen not to be there: then everybody is an object.
            let users = Followed::new(&self.client, "DirectoryUser", "directoryusers", &self.directory);
            let groups = Followed::new(&self.client, "DirectoryGroup", "directorygroups", &self.directory);
            self.objects = Some((users, groups));
            return Ok(());
        };
        // Nothing is written before both lists are complete: half a list is not a smaller company.
        match (users.now.objects(), groups.now.objects()) {
            (Some(users), Some(groups)) => write(file, &table::rows(users, groups)),
            _ => Ok(()),
        }
    }
}

fn write(file: &Path, rows: &[table::Row<'_>]) -> anyhow::Result<()> {
    table::write(file, rows).context("the table could not be written")?;
    tracing::info!(people = rows.len(), "the table is up to date");
    Ok(())
}

/// The objects of one kind in the namespace.
fn api<S>(client: &Client, kind: &str, plural: &str) -> Api<Mirror<S>>
where
    S: Clone + std::fmt::Debug + DeserializeOwned,
{
    let kind = GroupVersionKind::gvk("directory-sync.io", "v1alpha1", kind);
    Api::default_namespaced_with(client.clone(), &ApiResource::from_gvk_with_plural(&kind, plural))
}

/// What happens to the mirrors of one kind and Directory: first a list of them, then each change.
/// Errors are told and the watch goes on by itself, with a new list where the old one has expired.
fn watch<S>(client: &Client, kind: &str, plural: &str, directory: &str) -> Events<S>
where
    S: Clone + std::fmt::Debug + DeserializeOwned + Send + Sync + 'static,
{
    let of_directory = watcher::Config::default().labels(&format!("directory-sync.io/directory={directory}"));
    watcher(api(client, kind, plural), of_directory).default_backoff().into_stream().boxed()
}

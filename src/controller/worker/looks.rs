//! Looks now and then at the Secrets and `ConfigMap`s that a Directory names, to notice when they change.

use std::time::Duration;

use tokio::time::Instant;

use crate::api::Directory;
use crate::cluster::references::{self, Versions};
use crate::controller::Context;
use crate::sink::DirectoryKey;

/// How often they are looked at between syncs.
const PERIOD: Duration = Duration::from_secs(10);

/// What was seen, and when it is looked at next.
pub struct Looks {
    /// Versions as the last run found them; after a start, before the first run, as they are first looked
    /// at: a restart by itself is no reason to sync before the time.
    known: Versions,
    /// Kept here, since whatever else ends the waiting is not to put off the next look.
    next: Instant,
}

impl Looks {
    /// Nothing has been seen.
    pub fn new() -> Self {
        Self { known: Versions::default(), next: Instant::now() + PERIOD }
    }

    /// Takes all for known as it is now: a run is about to read it.
    pub async fn catch_up(&mut self, context: &Context, key: &DirectoryKey, directory: &Directory) {
        self.look(context, key, directory).await;
    }

    /// Ends when an object is not what it was.
    pub async fn change(&mut self, context: &Context, key: &DirectoryKey, directory: &Directory) {
        if directory.spec.provider.provider().references().is_empty() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep_until(self.next).await;
            if self.look(context, key, directory).await {
                return;
            }
        }
    }

    async fn look(&mut self, context: &Context, key: &DirectoryKey, directory: &Directory) -> bool {
        let references = directory.spec.provider.provider().references();
        let found = references::versions(&context.clients.request, &key.namespace, &references).await;
        self.next = Instant::now() + PERIOD;
        self.known.follow(found)
    }
}

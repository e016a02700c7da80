//! A sync of a directory in which nothing has changed: what it asks, writes and costs.

use directory_sync::api::{DirectoryGroup, DirectoryUser};
use directory_sync::source::Pull;
use serde_json::json;

use crate::first_sync::FirstSync;
use crate::reading;
use crate::row::{Bound, Row};
use crate::scale::{Scale, size};
use crate::stage::Stage;
use crate::support::cluster::Cluster;
use crate::watching::Watching;

/// One sync without a change.
pub struct Quiet {
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Writes of any kind to the apiserver.
    pub writes: usize,
    /// All requests to the apiserver.
    pub requests: usize,
    /// What watchers of people and groups were told.
    pub events: usize,
    /// Processor time of the operator, in seconds.
    pub cpu: f64,
    /// Peak memory of the operator, in megabytes.
    pub peak: f64,
}

/// Rows for a sync that asks for changes, and for one that reads everything again.
pub async fn rows(scale: &Scale, first: &FirstSync) -> Vec<Row> {
    let of = size(&scale.company);
    let stage = &first.stage;
    let full = reading::read(&first.settings, Pull::Full).await;
    let cursor = full.cursor.clone().expect("the server can tell what changed");
    let delta = reading::read(&first.settings, Pull::Changes(cursor)).await;

    let mut rows = Vec::new();
    let quiet = observe(stage, "Delta").await;
    rows.extend(judged(&format!("second sync by changes, {of}"), &quiet, delta.cpu));
    stage.patch(json!({"sync": {"fullInterval": "1s"}})).await;
    let quiet = observe(stage, "Full").await;
    rows.extend(judged(&format!("second sync by a full reading, {of}"), &quiet, full.cpu));
    stage.patch(json!({"sync": {"fullInterval": "24h"}})).await;
    rows
}

/// Watches one sync of a kind from the end of the one before to its own.
///
/// The syncs come by their schedule: a request by annotation is answered in the status, which is
/// a write.
pub async fn observe(stage: &Stage, kind: &str) -> Quiet {
    let users = Watching::start::<DirectoryUser>(&stage.namespace).await;
    let groups = Watching::start::<DirectoryGroup>(&stage.namespace).await;
    stage.next(kind).await;
    let process = stage.process();
    process.forget_peak();
    let (mark, cpu, before) = (Cluster::get().audit_mark(), process.cpu(), users.count() + groups.count());
    let (run, number) = stage.next(kind).await;
    assert_eq!(number, 1, "no other sync came between: {run:?}");
    let requests = stage.requests_since(mark);
    Quiet {
        seconds: run.milliseconds / 1_000.0,
        writes: requests.clone().writes().len(),
        requests: requests.len(),
        events: users.count() + groups.count() - before,
        cpu: process.cpu() - cpu,
        peak: process.peak_megabytes(),
    }
}

/// The rows of one sync without a change.
pub fn judged(what: &str, quiet: &Quiet, source_cpu: f64) -> [Row; 3] {
    let beyond = (quiet.cpu - source_cpu).max(0.0);
    [
        Row::count(format!("{what}: write requests"), quiet.writes, "").bound(Bound::Exactly(0.0)),
        Row::new(format!("{what}: CPU beyond the source"), beyond, "s")
            .floor(source_cpu)
            .bound(Bound::Below(2.0)),
        Row::new(format!("{what}: peak memory"), quiet.peak, "MB").bound(Bound::Below(200.0)),
    ]
}

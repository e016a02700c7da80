//! What is counted: per Directory, never per person. Names follow controller-runtime's where it
//! has one, so that dashboards made for other operators work.

mod labels;
mod queue;
mod registration;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use labels::{
    AttributeLabels, CONTROLLER, CONTROLLER_LABELS, ControllerLabels, DirectoryLabels, KindLabels,
    LeaseLabels, OperationLabels, ReasonLabels, ReconcileLabels, RunLabels, attribute_labels, kind_labels,
    labels, operation_labels, reason_labels,
};

use queue::Queue;
pub use queue::{Waiting, Work};

use crate::api::status::{DirectoryStatus, Quarantined};
use crate::cluster::requests::Requests;
use crate::controller::sync::{PlanFailure, SyncError, Synced, reasons};
use crate::sink::DirectoryKey;
use crate::sink::pace::Shown;

/// All metrics and their registry.
pub struct Metrics {
    registry: Registry,
    runs: Family<RunLabels, Counter>,
    last_success: Family<DirectoryLabels, Gauge>,
    interval: Family<DirectoryLabels, Gauge>,
    objects: Family<KindLabels, Gauge>,
    changes: Family<OperationLabels, Counter>,
    drift: Family<DirectoryLabels, Counter>,
    unchanged: Family<DirectoryLabels, Counter>,
    duration: Family<DirectoryLabels, Gauge<f64, AtomicU64>>,
    quarantined: Family<ReasonLabels, Gauge>,
    conflicts: Family<AttributeLabels, Gauge>,
    withheld: Family<DirectoryLabels, Gauge>,
    ready: Family<DirectoryLabels, Gauge>,
    reconciles: Family<ReconcileLabels, Counter>,
    reconcile_errors: Family<ControllerLabels, Counter>,
    terminal_errors: Family<ControllerLabels, Counter>,
    reconcile_time: Family<ControllerLabels, Histogram>,
    reconcile_panics: Family<ControllerLabels, Counter>,
    active: Family<ControllerLabels, Gauge>,
    most_active: Family<ControllerLabels, Gauge>,
    queue: Queue,
    requests: Requests,
    write_failures: Family<DirectoryLabels, Counter>,
    pending: Family<OperationLabels, Gauge>,
    kept_attributes: Family<DirectoryLabels, Gauge>,
    leads: Family<LeaseLabels, Gauge>,
    operator_ready: Gauge,
    writing: Shown,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let reconcile_time = Family::<ControllerLabels, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.005, 2.5, 14))
        });
        let mut metrics = Self {
            runs: Family::default(),
            last_success: Family::default(),
            interval: Family::default(),
            objects: Family::default(),
            changes: Family::default(),
            drift: Family::default(),
            unchanged: Family::default(),
            duration: Family::default(),
            quarantined: Family::default(),
            conflicts: Family::default(),
            withheld: Family::default(),
            ready: Family::default(),
            reconciles: Family::default(),
            reconcile_errors: Family::default(),
            terminal_errors: Family::default(),
            reconcile_time,
            reconcile_panics: Family::default(),
            active: Family::default(),
            most_active: Family::default(),
            queue: Queue::default(),
            requests: Requests::default(),
            write_failures: Family::default(),
            pending: Family::default(),
            kept_attributes: Family::default(),
            leads: Family::default(),
            operator_ready: Gauge::default(),
            writing: Shown::default(),
            registry: Registry::default(),
        };
        metrics.register(&mut registry);
        metrics.registry = registry;
        metrics.begin_at_zero();
        metrics
    }
}

impl Metrics {
    /// Where requests to the apiserver are counted.
    #[must_use]
    pub const fn requests(&self) -> &Requests {
        &self.requests
    }

    /// What is shown of the pace of writing.
    #[must_use]
    pub fn writing(&self) -> Shown {
        self.writing.clone()
    }

    /// Shows whether this process holds a Lease.
    pub fn leads(&self, lease: &str, leads: bool) {
        self.leads.get_or_create(&LeaseLabels { name: lease.to_owned() }).set(i64::from(leads));
    }

    /// Shows whether this process is ready, as `/readyz` says it.
    pub fn is_ready(&self, ready: bool) {
        self.operator_ready.set(i64::from(ready));
    }

    /// What has not happened yet is zero and not absent: Prometheus sees no increase from nothing to one.
    fn begin_at_zero(&self) {
        drop(self.reconcile_errors.get_or_create(&CONTROLLER_LABELS));
        drop(self.terminal_errors.get_or_create(&CONTROLLER_LABELS));
        drop(self.reconcile_panics.get_or_create(&CONTROLLER_LABELS));
        drop(self.reconcile_time.get_or_create(&CONTROLLER_LABELS));
        drop(self.active.get_or_create(&CONTROLLER_LABELS));
        drop(self.most_active.get_or_create(&CONTROLLER_LABELS));
        for result in ["success", "error"] {
            drop(self.reconciles.get_or_create(&ReconcileLabels { controller: CONTROLLER, result }));
        }
    }

    /// Counts of a Directory that begin at zero as well.
    fn begin_directory(&self, key: &DirectoryKey) {
        drop(self.write_failures.get_or_create(&labels(key)));
        drop(self.drift.get_or_create(&labels(key)));
        drop(self.unchanged.get_or_create(&labels(key)));
    }

    /// Shows how many syncs may be under way at a time.
    pub fn may_be_active(&self, syncs: usize) {
        self.most_active.get_or_create(&CONTROLLER_LABELS).set(i64::try_from(syncs).unwrap_or(i64::MAX));
    }

    /// Counts a sync that asks for a turn.
    pub fn asks(&self) {
        self.queue.add();
    }

    /// Counts a sync as waiting for its turn until the answer is dropped.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        self.queue.waiting()
    }

    /// Counts a sync as begun until the answer is dropped.
    #[must_use]
    pub fn begins(&self) -> Work {
        self.queue.begin()
    }

    /// Counts a sync as at work until the answer is dropped.
    #[must_use]
    pub fn active(&self) -> Counted {
        Counted::new(&self.active.get_or_create(&CONTROLLER_LABELS))
    }

    /// Counts a run.
    pub fn ran(
        &self,
        key: &DirectoryKey,
        provider: &'static str,
        result: &Result<Synced, SyncError>,
        took: Duration,
    ) {
        self.reconcile_time.get_or_create(&CONTROLLER_LABELS).observe(took.as_secs_f64());
        self.duration.get_or_create(&labels(key)).set(took.as_secs_f64());
        let (mode, outcome) = match result {
            Ok(synced) => (format!("{:?}", synced.kind).to_lowercase(), "success"),
            Err(_) => ("none".to_owned(), "error"),
        };
        self.reconciles.get_or_create(&ReconcileLabels { controller: CONTROLLER, result: outcome }).inc();
        let (namespace, name) = (key.namespace.clone(), key.name.clone());
        self.runs.get_or_create(&RunLabels { namespace, name, provider, mode, result: outcome }).inc();
        match result {
            Ok(synced) => self.synced(key, synced),
            Err(error) => {
                self.reconcile_errors.get_or_create(&CONTROLLER_LABELS).inc();
                self.queue.retry();
                if matches!(error, SyncError::Invalid(_)) {
                    self.terminal_errors.get_or_create(&CONTROLLER_LABELS).inc();
                }
                if matches!(error, SyncError::Plan(PlanFailure::Panicked)) {
                    self.reconcile_panics.get_or_create(&CONTROLLER_LABELS).inc();
                }
            }
        }
    }

    fn synced(&self, key: &DirectoryKey, synced: &Synced) {
        self.last_success.get_or_create(&labels(key)).set(synced.started.as_second());
        let written = &synced.written;
        let changes = [
            ("create", written.created),
            ("update", written.updated),
            ("deactivate", written.deactivated),
            ("delete", written.deleted),
        ];
        for (op, count) in changes {
            self.changes.get_or_create(&operation_labels(key, op)).inc_by(count as u64);
        }
        let failures = (written.failed + written.refused) as u64;
        self.write_failures.get_or_create(&labels(key)).inc_by(failures);
        let Some(planned) = &synced.planned else { return };
        self.unchanged.get_or_create(&labels(key)).inc_by(planned.counts.unchanged as u64);
        if written.written() > 0 {
            self.drift.get_or_create(&labels(key)).inc_by(planned.counts.drifted as u64);
        }
        let withheld: usize = planned.counts.withheld.iter().map(|withheld| withheld.count).sum();
        self.withheld.get_or_create(&labels(key)).set(i64::try_from(withheld).unwrap_or(i64::MAX));
    }

    /// Shows what the status says, and how often the Directory is to be synced.
    pub fn status(&self, key: &DirectoryKey, status: &DirectoryStatus, interval: Duration) {
        self.begin_directory(key);
        let seconds = i64::try_from(interval.as_secs()).unwrap_or(i64::MAX);
        self.interval.get_or_create(&labels(key)).set(seconds);
        let ready = status.condition("Ready").is_some_and(|condition| condition.status == "True");
        self.ready.get_or_create(&labels(key)).set(i64::from(ready));
        let none_seen = self.last_success.get(&labels(key)).is_none();
        if let Some(time) = last_success(status).filter(|_| none_seen) {
            self.last_success.get_or_create(&labels(key)).set(time);
        }
        self.held_back(key, &status.quarantined);
        let conflicts = status.conflicts.unwrap_or_default();
        for (attribute, count) in [("email", conflicts.email), ("userName", conflicts.user_name)] {
            self.conflicts.get_or_create(&attribute_labels(key, attribute)).set(count);
        }
        for (op, count) in pending(status) {
            self.pending.get_or_create(&operation_labels(key, op)).set(count);
        }
        let kept = status.pending_plan.as_ref().map_or(0, |plan| plan.attributes.len());
        self.kept_attributes.get_or_create(&labels(key)).set(i64::try_from(kept).unwrap_or(i64::MAX));
        let users = status.users.unwrap_or_default();
        let objects = [
            ("user", "active", users.active),
            ("user", "inactive", users.inactive),
            ("group", "", status.groups.unwrap_or_default()),
            ("user", "missing", status.missing.as_ref().map_or(0, |missing| missing.users)),
            ("group", "missing", status.missing.as_ref().map_or(0, |missing| missing.groups)),
        ];
        for (kind, state, count) in objects {
            self.objects.get_or_create(&kind_labels(key, kind, state)).set(count);
        }
    }

    /// Shows how many records are held back for which reason; zero for all others.
    fn held_back(&self, key: &DirectoryKey, quarantined: &[Quarantined]) {
        for reason in reasons() {
            let held = quarantined.iter().filter(|held| held.reason == reason).map(|held| held.count).sum();
            self.quarantined.get_or_create(&reason_labels(key, reason)).set(held);
        }
    }

    /// Drops the gauges of a Directory that is gone.
    pub fn forget(&self, key: &DirectoryKey) {
        let gauges = [&self.last_success, &self.interval, &self.withheld, &self.ready, &self.kept_attributes];
        for gauge in gauges {
            gauge.remove(&labels(key));
        }
        self.duration.remove(&labels(key));
        for reason in reasons() {
            self.quarantined.remove(&reason_labels(key, reason));
        }
        for attribute in ["email", "userName"] {
            self.conflicts.remove(&attribute_labels(key, attribute));
        }
        for (op, _) in pending(&DirectoryStatus::default()) {
            self.pending.remove(&operation_labels(key, op));
        }
        for (kind, state) in [
            ("user", "active"),
            ("user", "inactive"),
            ("group", ""),
            ("user", "missing"),
            ("group", "missing"),
        ] {
            self.objects.remove(&kind_labels(key, kind, state));
        }
    }

    /// The metrics in the `OpenMetrics` text format.
    ///
    /// # Errors
    /// Never in practice: text is written into memory.
    pub fn render(&self) -> Result<String, fmt::Error> {
        self.queue.refresh(Instant::now());
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// One in a gauge, until it is dropped.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// When a sync of the source last succeeded, or no later: by a status, for a process that has seen none itself. A run
/// without the source counts as the last one, too, but not for longer than the source has been failing.
fn last_success(status: &DirectoryStatus) -> Option<i64> {
    let ran = status.last_sync.as_ref().map(|run| run.start_time.0.as_second());
    let failing = status.condition("SourceReady").filter(|condition| condition.status == "False");
    let failing = failing.map(|condition| condition.last_transition_time.0.as_second());
    ran.into_iter().chain(failing).min()
}

/// The losses that a status shows as held, by what they are.
fn pending(status: &DirectoryStatus) -> [(&'static str, i64); 4] {
    let counts = status
        .pending_plan
        .as_ref()
        .map_or([0; 4], |plan| [plan.delete, plan.deactivate, plan.delete_groups, plan.shrink_groups]);
    let [delete, deactivate, delete_group, shrink_group] = counts;
    [
        ("delete", delete),
        ("deactivate", deactivate),
        ("delete_group", delete_group),
        ("shrink_group", shrink_group),
    ]
}

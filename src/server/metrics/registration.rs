//! The names of the metrics and what they are for.

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::Metrics;

impl Metrics {
    /// Names all metrics.
    pub(super) fn register(&self, registry: &mut Registry) {
        self.register_directories(registry);
        self.register_operator(registry);
    }

    /// Those of each Directory.
    fn register_directories(&self, registry: &mut Registry) {
        registry.register("directory_sync_runs", "Syncs that ended", self.runs.clone());
        registry.register_with_unit(
            "directory_sync_last_success_timestamp",
            "Start of the last successful sync",
            Unit::Seconds,
            self.last_success.clone(),
        );
        registry.register_with_unit(
            "directory_sync_interval",
            "Time from one sync to the next",
            Unit::Seconds,
            self.interval.clone(),
        );
        registry.register_with_unit(
            "directory_sync_last_run_duration",
            "How long the last sync took, well or not",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register("directory_sync_objects", "People and groups in the cluster", self.objects.clone());
        registry.register("directory_sync_changes", "Mirrors written", self.changes.clone());
        registry.register(
            "directory_sync_write_failures",
            "Mirrors that could not be written",
            self.write_failures.clone(),
        );
        registry.register(
            "directory_sync_drift_repaired",
            "Mirrors that others had touched",
            self.drift.clone(),
        );
        registry.register(
            "directory_sync_skipped_unchanged",
            "Mirrors that were right",
            self.unchanged.clone(),
        );
        registry.register(
            "directory_sync_invalid_objects",
            "People and groups held back",
            self.quarantined.clone(),
        );
        registry.register(
            "directory_sync_conflicts",
            "People who share an attribute with somebody that ought to be theirs alone",
            self.conflicts.clone(),
        );
        registry.register(
            "directory_sync_withheld_deletions",
            "Deletions that are not believed",
            self.withheld.clone(),
        );
        registry.register(
            "directory_sync_plan_pending",
            "Losses that wait for approval",
            self.pending.clone(),
        );
        registry.register(
            "directory_sync_kept_attributes",
            "Attributes that the source does not show any more and the mirrors keep",
            self.kept_attributes.clone(),
        );
        registry.register("directory_sync_ready", "Whether the Directory is Ready", self.ready.clone());
    }

    /// Those of the operator as a whole.
    fn register_operator(&self, registry: &mut Registry) {
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("directory_sync_build", "Version of the operator", version);
        registry.register("controller_runtime_reconcile", "Syncs by result", self.reconciles.clone());
        registry.register(
            "controller_runtime_reconcile_errors",
            "Syncs that failed",
            self.reconcile_errors.clone(),
        );
        registry.register(
            "controller_runtime_terminal_reconcile_errors",
            "Syncs that failed and will until the spec is corrected",
            self.terminal_errors.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_time_seconds",
            "How long syncs took",
            self.reconcile_time.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_panics",
            "Syncs that ended by a panic",
            self.reconcile_panics.clone(),
        );
        registry.register("controller_runtime_active_workers", "Syncs under way", self.active.clone());
        registry.register(
            "controller_runtime_max_concurrent_reconciles",
            "Syncs that may be under way at a time",
            self.most_active.clone(),
        );
        registry.register(
            "leader_election_master_status",
            "Whether this operator holds the Lease of that name",
            self.leads.clone(),
        );
        registry.register(
            "directory_sync_operator_ready",
            "Whether this operator has found all that it needs in the cluster, and listed what is there",
            self.operator_ready.clone(),
        );
        registry.register(
            "directory_sync_writes_at_a_time",
            "Requests for mirrors that may be under way at a time",
            self.writing.at_a_time.clone(),
        );
        registry.register(
            "directory_sync_writes_eased",
            "Answers that say that it is too much: refusals, none at all, or far too late",
            self.writing.eased.clone(),
        );
        registry.register_with_unit(
            "directory_sync_writes_waited",
            "For how long requests for mirrors waited, so that others are served, too",
            Unit::Seconds,
            self.writing.waited.clone(),
        );
        self.queue.register(registry);
        self.requests.register(registry);
    }
}

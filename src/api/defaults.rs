//! Every default once: schema, documentation and code take it from here.

/// `spec.sync.interval`.
pub const SYNC_INTERVAL: &str = "5m";
/// `spec.sync.fullInterval`.
pub const FULL_INTERVAL: &str = "24h";
/// The shortest interval that the schema admits, in seconds.
pub const MIN_INTERVAL_SECONDS: u64 = 1;

/// `spec.sync.interval` as the schema's default.
#[must_use]
pub fn sync_interval() -> String {
    SYNC_INTERVAL.to_owned()
}

/// `spec.sync.fullInterval` as the schema's default.
#[must_use]
pub fn full_interval() -> String {
    FULL_INTERVAL.to_owned()
}

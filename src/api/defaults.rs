//! Every default once: schema, documentation and code take it from here.

/// `spec.sync.interval`.
pub const SYNC_INTERVAL: &str = "5m";
/// `spec.sync.fullInterval`.
pub const FULL_INTERVAL: &str = "24h";
/// The shortest of both that the schema admits.
pub const MIN_INTERVAL: &str = "1s";

/// `spec.deletion.graceTime`.
pub const GRACE_TIME: &str = "168h";

/// `spec.deletion.guard.percent`.
pub const GUARD_PERCENT: i32 = 10;
/// `spec.deletion.guard.minimum`.
pub const GUARD_MINIMUM: i32 = 5;
/// `spec.deletion.guard.maximum`.
pub const GUARD_MAXIMUM: i32 = 500;

/// `spec.output.mode: Auto` writes slices for more people than this.
pub const AUTO_SLICES_ABOVE_USERS: usize = 5_000;
/// `spec.output.mode: Auto` goes back to objects for fewer people than this.
pub const AUTO_OBJECTS_BELOW_USERS: usize = 4_000;
/// `spec.output.mode: Auto` goes back to objects when no group has more members than this.
pub const AUTO_OBJECTS_BELOW_MEMBERS: usize = 800;

/// `spec.quarantine.maxPercent`.
pub const QUARANTINE_PERCENT: i32 = 1;
/// `spec.quarantine.minimum`.
pub const QUARANTINE_MINIMUM: i32 = 10;

/// `spec.quarantine.maxPercent` as the schema's default.
#[must_use]
pub const fn quarantine_percent() -> i32 {
    QUARANTINE_PERCENT
}

/// `spec.quarantine.minimum` as the schema's default.
#[must_use]
pub const fn quarantine_minimum() -> i32 {
    QUARANTINE_MINIMUM
}

/// `spec.deletion.guard.percent` as the schema's default.
#[must_use]
pub const fn guard_percent() -> i32 {
    GUARD_PERCENT
}

/// `spec.deletion.guard.minimum` as the schema's default.
#[must_use]
pub const fn guard_minimum() -> i32 {
    GUARD_MINIMUM
}

/// `spec.deletion.guard.maximum` as the schema's default.
#[must_use]
pub const fn guard_maximum() -> i32 {
    GUARD_MAXIMUM
}

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

/// `spec.deletion.graceTime` as the schema's default.
#[must_use]
pub fn grace_time() -> String {
    GRACE_TIME.to_owned()
}

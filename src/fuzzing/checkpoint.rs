//! Checkpoints: what the operator wrote once, and whatever others have made of it since.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api::{DirectoryCheckpoint, DirectoryCheckpointSpec};
use crate::controller::lasting::Lasting;
use crate::source::Cursor;
use crate::source::active_directory::changes as domain;
use crate::source::csv::files::Fingerprint;
use crate::source::ldap::changes as ldap;

/// A time in 2026, in seconds since 1970.
const NOW: i64 = 1_800_000_000;

/// Reads the bytes as a checkpoint, and as the cursor in one.
///
/// # Panics
/// When a promise is broken: that is what the fuzzer looks for.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    cursor(text);
    let Ok(checkpoint) = serde_json::from_str::<DirectoryCheckpoint>(text) else { return };
    let written = serde_json::to_string(&checkpoint).unwrap_or_default();
    let again = serde_json::from_str::<DirectoryCheckpoint>(&written).ok();
    assert!(again.as_ref() == Some(&checkpoint), "a checkpoint is read as it was written");
    cursor(checkpoint.spec.cursor.as_deref().unwrap_or_default());
    lasting(&checkpoint.spec);
}

/// What must outlive a restart is the same after the next one, and can be reckoned with.
fn lasting(spec: &DirectoryCheckpointSpec) {
    let mut kept = Lasting::of(spec);
    let again = Lasting::of(&kept.within(spec.clone()));
    assert!(again == kept, "what was read is kept");
    let (hour, day) = (3_600, 86_400);
    let full = spec.full_sync_time.0.as_second();
    for now in [full, full + day, NOW] {
        let waiting = kept.marks.waiting(hour, now);
        let asked = kept.marks.ask_for_a_reading(hour, full, now);
        let before = kept.recent.within(now);
        kept.recent.add(now, 1, 1);
        std::hint::black_box((waiting, asked, before));
    }
}

/// A cursor that one of the providers takes for its own survives being written.
fn cursor(text: &str) {
    let cursor = Cursor(text.to_owned());
    // Cursors are bound to settings by a hash; every one is taken for one of the right settings.
    let settings = serde_json::from_str::<Value>(text).ok();
    let settings = settings.as_ref().and_then(|stored| stored["settings"].as_str()).unwrap_or_default();
    survives::<ldap::Position>(&cursor, settings);
    survives::<domain::Position>(&cursor, settings);
    if let Some(known) = Fingerprint::restore(&cursor) {
        assert!(Fingerprint::restore(&known.cursor()) == Some(known), "what was seen survives being stored");
    }
}

/// A place that a cursor is taken for survives being stored.
fn survives<Place: Clone + PartialEq + Serialize + DeserializeOwned>(cursor: &Cursor, settings: &str) {
    if let Ok(place) = cursor.place::<Place>(settings) {
        let again = Cursor::of(place.clone(), settings).map(|stored| stored.place::<Place>(settings));
        assert!(again.is_none_or(|again| again == Ok(place)), "a place survives being stored");
    }
}

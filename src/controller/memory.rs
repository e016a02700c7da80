//! What a worker remembers of its Directory from run to run. Losing it costs a full reading.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::approval::Approved;
use super::checkpoint::Checkpoint;
use super::lasting::Lasting;
use crate::api::status::ConfigMapStatus;
use crate::model::{ContentHash, MirrorName, Snapshot};
use crate::plan::absence::Kept;
use crate::source::Cursor;

/// The largest snapshot that is kept between runs, in bytes. A larger directory is read in full
/// every time.
pub const MAX_SNAPSHOT_BYTES: usize = 96 * 1024 * 1024;

/// What was read, with which settings, and whether the cluster shows it.
#[derive(Debug, Default)]
pub struct Memory {
    /// What the source said last.
    pub reading: Option<Reading>,
    /// The checkpoint as it is in the cluster; `None` when it has not been looked at.
    pub checkpoint: Option<Option<Checkpoint>>,
    /// What must outlive a restart; `None` when the checkpoint has not been looked at.
    pub lasting: Option<Lasting>,
    /// What was true when the cluster was last known to show it all.
    pub settled: Option<Settled>,
    /// What is known of the ConfigMap.
    pub config_map: ConfigMapMemory,
    /// Losses that were approved and are not known to be carried out.
    pub approved: Option<Approved>,
    /// Values that mirrors keep although the source does not show them.
    pub kept: Arc<Kept>,
}

impl Memory {
    /// Whether the records of the last reading are at hand. After a restart they may not be,
    /// although it is known that the cluster shows them.
    #[must_use]
    pub fn has_records(&self) -> bool {
        self.reading.as_ref().is_some_and(|reading| reading.snapshot.is_some())
    }

    /// Lets go of records that are too many to be kept between runs.
    pub fn release_what_is_not_kept(&mut self) {
        if let Some(reading) = &mut self.reading
            && reading.snapshot.as_ref().is_some_and(|snapshot| snapshot.bytes() > MAX_SNAPSHOT_BYTES)
        {
            reading.snapshot = None;
        }
    }
}

/// Records of a ConfigMap by the mirrors that they are about.
pub type Records = HashMap<MirrorName, Box<[u8]>>;

/// What is known of the ConfigMap of `spec.output.configMap`.
#[derive(Debug, Default)]
pub struct ConfigMapMemory {
    /// What stands in it, and the rules that it was made with; `None` when that is not known. It
    /// shows the mirrors as they are, until some are written.
    pub shown: Option<(ContentHash, ConfigMapStatus)>,
    /// No shards are there but perhaps those that the index names.
    pub tidy: bool,
    /// Records of mirrors that stay as they are although no reading shows them, and the rules that
    /// they were made with.
    pub kept: Option<(ContentHash, Records)>,
}

/// A complete reading of the source.
#[derive(Debug)]
pub struct Reading {
    /// The records; `None` when only the cursor is known, from before a restart.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Where the next list of changes starts.
    pub cursor: Option<Cursor>,
    /// The provider's settings that it was read with.
    pub source_hash: ContentHash,
    /// The fingerprint of the Secrets and `ConfigMap`s that it was read with; `None` after a
    /// restart, since it is kept nowhere.
    pub fingerprint: Option<ContentHash>,
    /// When everything was last read, by the time of day: absences are judged by that.
    pub full_at: Timestamp,
    /// The same by the monotonic clock, by which the next full reading comes; `None` when that cannot
    /// say, and it comes at once.
    pub full_since: Option<Instant>,
    /// What the source had to say besides.
    pub notes: Vec<String>,
}

/// The conditions under which nothing has to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The rules that the mirrors were made with.
    pub rules_hash: ContentHash,
    /// How often others had touched the mirrors.
    pub touched: u64,
}

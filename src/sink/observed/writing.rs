//! What is being written, so that it is not taken for somebody else's doing.

use std::collections::HashMap;

use super::{DirectoryKey, ObservedMirrors};
use crate::model::MirrorName;
use crate::slice::SliceName;

/// An object that is being written, until this is dropped.
#[derive(Debug)]
pub struct BeingWritten {
    pub(super) observed: ObservedMirrors,
    pub(super) key: DirectoryKey,
    pub(super) what: Written,
}

/// What is being written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Written {
    Mirror(MirrorName),
    Slice(SliceName),
}

impl Drop for BeingWritten {
    fn drop(&mut self) {
        let mut shared = self.observed.lock();
        let Some(mirrors) = shared.directories.get_mut(&self.key) else { return };
        let surprising = match self.what {
            Written::Mirror(name) => {
                count_down(&mut mirrors.being_written, &name);
                false
            }
            Written::Slice(name) => mirrors.slices.is_written(name),
        };
        mirrors.touched += u64::from(surprising);
        drop(shared);
        if surprising {
            self.observed.report_drift(self.key.clone());
        }
    }
}

/// Counts one less, and forgets what has come to nothing.
pub(in crate::sink) fn count_down<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

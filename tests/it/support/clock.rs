//! A clock that a test moves for one process (libfaketime): the time of day, not the monotonic clock,
//! as when somebody sets a node's clock.

use std::fs;
use std::path::{Path, PathBuf};

/// Where Debian has it, by architecture; for programs with several threads.
const LIBRARIES: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
];

/// The clock of one process; right until it is moved.
pub struct Clock {
    folder: tempfile::TempDir,
}

impl Clock {
    /// A clock that shows the right time.
    pub fn right() -> Self {
        let clock = Self { folder: tempfile::tempdir().unwrap() };
        clock.show(0);
        clock
    }

    /// From now on it shows so many seconds more than it is, or less. It is noticed within a second.
    pub fn show(&self, seconds: i64) {
        // Renamed into its place, so that no half of it is ever read.
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{seconds:+}\n")).unwrap();
        fs::rename(new, self.file()).unwrap();
    }

    /// What a process must find in its environment to go by this clock.
    pub fn environment(&self) -> Vec<(String, String)> {
        let library = LIBRARIES.iter().find(|path| Path::new(path).exists());
        let library = library.expect("libfaketime is not installed: run dev/servers.sh clock");
        [
            ("LD_PRELOAD", (*library).to_owned()),
            ("FAKETIME_TIMESTAMP_FILE", self.file().to_str().unwrap().to_owned()),
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }
}

//! What a process has cost so far, as the kernel tells it.

use std::fs;

use crate::support::cluster::Cluster;

/// The kernel counts processor time in hundredths of a second (`USER_HZ`) on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time of these components of the control plane so far, in seconds.
pub fn cpu_of(components: &[&str]) -> f64 {
    components.iter().map(|name| Process::of(Cluster::get().process(name)).cpu()).sum()
}

/// A process of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Process(u32);

impl Process {
    /// The process of an id.
    pub const fn of(id: u32) -> Self {
        Self(id)
    }

    /// This process.
    pub fn this() -> Self {
        Self(std::process::id())
    }

    /// Processor time of all its threads so far, in seconds.
    pub fn cpu(self) -> f64 {
        let text = self.read("stat");
        // The name comes second, in brackets, and may hold anything; the rest are numbers.
        let (_, numbers) = text.rsplit_once(") ").expect("a line of /proc/PID/stat has a name in brackets");
        let ticks = |place: usize| numbers.split(' ').nth(place).unwrap().parse::<f64>().unwrap();
        (ticks(11) + ticks(12)) / TICKS_PER_SECOND
    }

    /// The most memory that it has had at a time, in megabytes (10^6 bytes).
    pub fn peak_megabytes(self) -> f64 {
        let text = self.read("status");
        let line =
            text.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel counts memory");
        let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kibibytes * 1_024.0 / 1_000_000.0
    }

    /// Lets the peak begin anew from what the process has now.
    pub fn forget_peak(self) {
        fs::write(self.path("clear_refs"), "5").unwrap();
    }

    fn read(self, file: &str) -> String {
        let path = self.path(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn path(self, file: &str) -> String {
        format!("/proc/{}/{file}", self.0)
    }
}

//! Where and when it was measured.

use std::fmt;
use std::fs;

use jiff::Timestamp;

/// The machine, and how busy it was when the measuring began.
#[derive(Clone, Debug)]
pub struct Machine {
    date: String,
    cores: usize,
    memory_gigabytes: f64,
    model: String,
    load: String,
}

impl Machine {
    /// This machine, now.
    pub fn now() -> Self {
        let memory: f64 = value("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0.0);
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            date: Timestamp::now().strftime("%Y-%m-%d").to_string(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gigabytes: memory * 1_024.0 / 1e9,
            model: value("/proc/cpuinfo", "model name"),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, cores, memory_gigabytes, model, load } = self;
        write!(f, "{date}, {cores} cores ({model}), {memory_gigabytes:.0} GB, load {load} at the start")
    }
}

/// The first value of a name in a file of `name: value` lines.
fn value(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines
        .map(|(key, value)| (key.trim(), value.trim()))
        .find(|(key, _)| *key == name)
        .map_or_else(String::new, |(_, value)| value.to_owned())
}

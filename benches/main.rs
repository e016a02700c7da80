//! `make bench`: measures the operator against a real control plane, OpenLDAP, Samba and
//! OpenSSH, each figure beside a floor of the same run, and judges it by its bound.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it prints a table, and a measurement that goes wrong ends it"
)]

mod computation;
mod counting;
mod domain;
mod first_sync;
mod floor;
mod machine;
mod neighbours;
mod one_change;
mod peer;
mod process;
mod reading;
mod report;
mod rest;
mod row;
mod scale;
mod searches;
mod second_sync;
mod slices;
mod stage;
#[expect(dead_code, clippy::pedantic, reason = "the fixtures of the tests: most of them are for tests alone")]
#[path = "../tests/it/support/mod.rs"]
mod support;
mod tables;
mod watching;

use std::process::ExitCode;

use crate::report::Report;
use crate::scale::Scale;

/// As in the operator: the computation alone, and large tables, are measured in a process of this program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Some(people) = computation::asked_for() {
        runtime.block_on(computation::measure(people));
        return ExitCode::SUCCESS;
    }
    if let Some(task) = tables::asked_for() {
        runtime.block_on(tables::measure(task));
        return ExitCode::SUCCESS;
    }
    let report = runtime.block_on(measure(Scale::chosen()));
    report.publish();
    if report.missed().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one family of rows after the other; nothing else runs meanwhile.
async fn measure(scale: Scale) -> Report {
    let mut report = Report::new(&scale);
    if asked("computation") {
        report.add("the computation alone", computation::rows(&scale));
    }
    if asked("tables") {
        report.add("tables", tables::rows(&scale));
    }
    // The peer had a control plane that had done nothing before.
    if asked("peer") {
        let peer = peer::measure(&scale).await;
        report.add("the peer's workload", peer.rows);
        report.beside_the_peer(peer.comparison);
    }
    if asked("objects") {
        objects(&scale, &mut report).await;
    }
    if asked("slices") {
        report.add("slices", slices::rows(&scale).await);
    }
    if asked("domain") {
        report.add("a domain", domain::rows(&scale).await);
    }
    if asked("neighbours") {
        report.add("neighbours", neighbours::rows(&scale).await);
    }
    report
}

/// The families that go on from the first sync.
async fn objects(scale: &Scale, report: &mut Report) {
    let mut first = first_sync::measure(scale).await;
    report.add("first sync", std::mem::take(&mut first.rows));
    report.add("second sync", second_sync::rows(scale, &first).await);
    report.add("one change", one_change::rows(scale, &first).await);
    first.stage.clear().await;
    report.add("searches", searches::rows(scale, &first.operations).await);
}

/// Whether `ONLY` in the environment names a family, or nothing.
fn asked(family: &str) -> bool {
    let only = std::env::var("ONLY").unwrap_or_default();
    only.is_empty() || only.split(',').any(|name| name == family)
}

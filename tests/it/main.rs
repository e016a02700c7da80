//! The one integration binary: the operator and its parts against real servers.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "in a test they are how it fails and what it says"
)]

mod absent;
mod active_directory;
mod canary;
mod chart;
mod check;
mod clock;
mod commands;
mod config_map;
mod consumer;
mod contract;
mod control_plane;
mod crash;
mod csv;
mod documents;
mod egress;
mod engine;
mod faults;
mod grace;
mod guard;
mod hostile;
mod kubectl;
mod ldap;
mod neighbours;
mod observability;
mod preview;
mod product;
mod quarantine;
mod readiness;
mod reference;
mod refusals;
mod slices;
mod support;
mod takeover;
mod traps;

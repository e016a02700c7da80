//! The one integration binary: the operator and its parts against real servers.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "in a test they are how it fails and what it says"
)]

mod chart;
mod check;
mod consumer;
mod contract;
mod control_plane;
mod crash;
mod documents;
mod engine;
mod group_members;
mod guard;
mod ldap;
mod preview;
mod product;
mod reference;
mod refusals;
mod support;
mod takeover;
mod traps;

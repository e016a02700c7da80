//! The one integration binary: the operator and its parts against real servers.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "in a test they are how it fails and what it says"
)]

mod chart;
mod contract;
mod control_plane;
mod csv;
mod documents;
mod ldap;
mod preview;
mod product;
mod reference;
mod support;

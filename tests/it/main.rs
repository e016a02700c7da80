//! The one integration binary: the operator's parts against real servers.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod ldap;
mod support;

//! The one integration binary: the operator and its parts against real servers.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod ldap;
mod product;
mod reference;
mod support;

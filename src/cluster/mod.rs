//! The way to the cluster: clients with deadlines, the Lease by which one of several operators
//! works, and reading what a Directory names.

pub mod client;
pub mod fenced;
pub mod lease;
pub mod mirrors;
pub mod readiness;
pub mod references;
pub mod watching;

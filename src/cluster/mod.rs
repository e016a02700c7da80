//! The way to the cluster: clients with deadlines, and reading what a Directory names.

pub mod client;
pub mod readiness;
pub mod references;

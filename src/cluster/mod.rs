//! The way to the cluster: where it is, clients with deadlines, the Lease by which one of several operators
//! works, where it may, and reading what a Directory names.

pub mod access;
pub mod client;
pub mod config;
pub mod fenced;
pub mod lease;
pub mod mirrors;
pub mod readiness;
pub mod references;
pub mod requests;
pub mod scope;
pub mod watching;

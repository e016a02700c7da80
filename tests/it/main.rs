//! The one integration binary: the operator and its parts against real servers.

mod chart;
mod consumer;
mod contract;
mod control_plane;
mod documents;
mod engine;
mod ldap;
mod product;
mod reference;
mod support;
mod traps;

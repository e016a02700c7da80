//! The one integration binary: the operator and its parts against real servers.

mod contract;
mod control_plane;
mod ldap;
mod support;

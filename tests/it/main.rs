//! The one integration binary: the operator's parts against real servers.

mod ldap;
mod support;

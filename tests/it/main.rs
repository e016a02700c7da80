//! The one integration binary: the operator and its parts against real servers.

mod chart;
mod check;
mod contract;
mod control_plane;
mod documents;
mod ldap;
mod product;
mod reference;
mod refusals;
mod support;

//! Servers and helpers that tests share.

pub mod ldap;
